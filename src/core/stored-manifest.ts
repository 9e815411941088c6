import { isKindName } from '../kinds/index.ts';
import { readManifests } from './manifest.ts';
import type { Manifest } from './resource.ts';

/** The manifest that a text of a store is; undefined where somebody made it something else. */
export function manifestIn(text: string): Manifest | undefined {
  const value = parsed(text);
  return isManifest(value) ? value : undefined;
}

const NOWHERE = { file: '', line: 1, column: 1 };

/**
 * Canonical JSON of a manifest as it would be written today, with every default and in order; undefined where it could not
 * be applied.
 */
export function normalBody(value: Manifest): string | undefined {
  const place = () => NOWHERE;
  const { declared } = readManifests([{ file: '', value, place, placeInside: place }]);
  return declared[0]?.body;
}

/** In normal form where it has one, else as it is. */
export function normalized(manifest: Manifest): Manifest {
  const body = normalBody(manifest);
  return body === undefined ? manifest : (JSON.parse(body) as Manifest);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isManifest(value: unknown): value is Manifest {
  if (!isObject(value)) return false;
  const { kind, metadata, spec } = value;
  return isKindName(kind) && isObject(spec) && isObject(metadata) && typeof metadata.name === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
