import type { Declared } from './manifest.ts';
import type { Problem } from './problem.ts';
import { type Identity, identity, showIdentity } from './resource.ts';
import type { Stored } from './stored.ts';

/**
 * The stored resource that a manifest renames: exactly one of its `previous-names` exists for this manager, and no
 * manifest of the input has that name any more. Must be asked only when the new name is not in the store.
 */
export function findRename(
  declared: Declared,
  actual: ReadonlyMap<Identity, Stored>,
  declaredIds: ReadonlySet<Identity>,
  manager: string,
  problems: Problem[],
): Stored | undefined {
  const { kind, metadata } = declared.resource;
  const previous = metadata.annotations['rolecall.dev/previous-names'];
  if (previous === undefined) return undefined;
  const found = [...new Set(previous.split(','))].flatMap((name) => {
    const id = identity(kind, metadata.namespace, name);
    const stored = actual.get(id);
    return stored && stored.manager === manager && !declaredIds.has(id) ? [stored] : [];
  });
  if (found.length > 1) {
    problems.push({
      code: 'RC122',
      severity: 'error',
      message: `${showIdentity(declared.id)}: more than one of its previous names exists: ${found.map(({ resource }) => resource.metadata.name).join(', ')}`,
      place: declared.place('/metadata/annotations/rolecall.dev~1previous-names'),
      hint: 'name only the one that was renamed',
    });
    return undefined;
  }
  return found[0];
}
