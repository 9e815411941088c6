import type { JsonObject } from '../kinds/kind.ts';
import { diffFields } from './diff.ts';
import { unmanagedFields } from './manifest.ts';
import type { Manifest } from './resource.ts';

/** What of a resource is somebody's as a whole: a field of the spec, all labels, all annotations. A pointer of two parts. */
export type Part = string;

const BEGIN = 'notBefore';
const END = 'expiresAt';

/** The part that a field (a JSON Pointer) is in. Both ends of a window are one: of two windows neither half is a window. */
export function partOf(path: string): Part {
  const [, top = '', name = ''] = path.split('/');
  return `/${top}/${top === 'spec' && name === BEGIN ? END : name}`;
}

/** The parts in which two normal forms of one Kind differ. */
export function changedParts(before: Manifest, after: Manifest): Set<Part> {
  return new Set(diffFields(before, after).map(({ path }) => partOf(path)));
}

/** The unmanaged field that a part is; undefined for all that is the resource's own. */
export function unmanagedField({ kind }: Manifest, part: Part): string | undefined {
  return unmanagedFields(kind).find((field) => part === `/spec/${field}`);
}

/** A manifest with some parts as another one has them. */
export function withParts(manifest: Manifest, other: Manifest, parts: Iterable<Part>): Manifest {
  let { metadata, spec } = manifest;
  for (const part of parts) {
    const [, top, name = ''] = part.split('/');
    if (top === 'metadata') metadata = withMember(metadata, other.metadata, name);
    else if (name === END) spec = withMember(withMember(spec, other.spec, BEGIN), other.spec, END);
    else spec = withMember(spec, other.spec, name);
  }
  return { ...manifest, metadata, spec };
}

function withMember(object: JsonObject, other: JsonObject, name: string): JsonObject {
  const { [name]: _, ...rest } = object;
  const value = other[name];
  return value === undefined ? rest : { ...rest, [name]: value };
}
