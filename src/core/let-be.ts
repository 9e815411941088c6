import type { Cause, History } from './applied.ts';
import { canonicalJson } from './hash.ts';
import { type Declared, unmanagedFields } from './manifest.ts';
import { changedParts, type Part, unmanagedField, withParts } from './part.ts';
import { fromManifest, type Manifest, toManifest } from './resource.ts';
import type { Stored } from './stored.ts';
import { normalized } from './stored-manifest.ts';
import { completed } from './unmanaged.ts';

/** A manifest with what is let be, and what that is. */
export interface LetBe {
  readonly declared: Declared;
  readonly parts: readonly { readonly part: Part; readonly cause: Cause }[];
}

/**
 * A manifest that declares what drifted as it is. That is every part that the manifest declares as it was applied last, and
 * that is not so any more; what its author has changed since stays as declared. Undefined where nothing drifted, or the
 * history does not know what was applied.
 */
export function lettingBe(declared: Declared, stored: Stored, history: History): LetBe | undefined {
  const { applied } = history;
  if (!applied) return undefined;
  const before = normalized(applied);
  const actual = normalized(toManifest(stored.resource));
  const desired = toManifest(completed(declared.resource, stored));
  const authored = changedParts(before, desired);
  // A name is what it is found by.
  const parts = [...changedParts(before, actual)].filter(
    (part) => part !== '/metadata/name' && !authored.has(part),
  );
  if (parts.length === 0) return undefined;
  const causeOf = history.causesIn(actual);
  return {
    declared: amend(declared, desired, actual, parts),
    parts: parts.sort().map((part) => ({ part, cause: causeOf(part) })),
  };
}

/** An unmanaged field that is let be is left to others; anything else is declared as it is. */
function amend(declared: Declared, desired: Manifest, actual: Manifest, parts: readonly Part[]): Declared {
  const { id, file } = declared;
  const left = parts.flatMap((part) => unmanagedField(desired, part) ?? []);
  const declares = declared.declares.filter((field) => !left.includes(field));
  const whole = withParts(desired, actual, parts);
  const absent = unmanagedFields(whole.kind).filter((field) => !declares.includes(field));
  const spec = Object.fromEntries(Object.entries(whole.spec).filter(([field]) => !absent.includes(field)));
  const resource = fromManifest({ ...whole, spec });
  return {
    id,
    file,
    body: canonicalJson(toManifest(completed(resource))),
    resource,
    declares,
    place: (pointer, key) => declared.place(pointer, key),
    placeInside: (pointer, offset) => declared.placeInside(pointer, offset),
  };
}
