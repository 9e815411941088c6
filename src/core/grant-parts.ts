import type { Grant } from './access.ts';
import type { Declared } from './manifest.ts';
import { edgesOf, type Identity } from './resource.ts';
import type { Origins } from './snapshot.ts';

/** A part of a resource that a grant rests on: where manifests declare it, and which revision made it. Null = neither. */
export interface GrantPart {
  readonly id: Identity;
  readonly pointer: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly revision: number | null;
  /** The time of that revision, in normal form. */
  readonly at: string | null;
  /** The actor, else `manager:NAME`. */
  readonly by: string | null;
}

/** Everything that a grant rests on, the binding first, then the memberships from the bound group down. */
export function declaredParts(
  { rests, groups }: Grant,
  declared: ReadonlyMap<Identity, Declared>,
  origins: Origins,
): GrantPart[] {
  const memberships = rests.slice(0, groups.length);
  return [...rests.slice(groups.length), ...memberships.toReversed()].map(([id, pointer]) => {
    const place = placeOf(declared.get(id), pointer);
    const origin = origins(id, pointer);
    return {
      id,
      pointer,
      file: place?.file ?? null,
      line: place?.line ?? null,
      column: place?.column ?? null,
      revision: origin?.revision ?? null,
      at: origin?.at ?? null,
      by: origin?.by ?? null,
    };
  });
}

/** Where a manifest declares a part; not when it leaves the field to others, or says something else. */
function placeOf(declared: Declared | undefined, pointer: string) {
  if (!declared) return undefined;
  const { resource } = declared;
  if (resource.kind === 'Group' && !declared.declares.includes('members')) return undefined;
  return edgesOf(resource).some((edge) => edge.pointer === pointer) ? declared.place(pointer) : undefined;
}
