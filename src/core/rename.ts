import type { Actual } from './actual.ts';
import type { Declared } from './manifest.ts';
import type { Problem } from './problem.ts';
import { type Identity, identity, showIdentity } from './resource.ts';
import type { Stored } from './stored.ts';

const PREVIOUS_NAMES = '/metadata/annotations/rolecall.dev~1previous-names';

/**
 * What desired resources rename: the new identity → what the store has under a previous name.
 *
 * A rename is where the new name is not in the store and exactly one of `previous-names` is, for this manager, and no
 * manifest of the input has that name any more. Two that claim the same one are both wrong.
 */
export function findRenames(
  desired: readonly Declared[],
  actual: Actual,
  manager: string,
  isDeclared: (id: Identity) => boolean,
  problems: Problem[],
): ReadonlyMap<Identity, Stored> {
  actual.need({ ids: desired.flatMap(previousIds) });
  const claims = new Map<Identity, { declared: Declared; stored: Stored }[]>();
  for (const declared of desired) {
    const stored = findRename(declared, actual, isDeclared, manager, problems);
    if (stored) claims.set(stored.id, [...(claims.get(stored.id) ?? []), { declared, stored }]);
  }
  const renames = new Map<Identity, Stored>();
  for (const [id, claiming] of claims) {
    for (const { declared, stored } of claiming) {
      const other = claiming.find((claim) => claim.declared !== declared);
      if (!other) renames.set(declared.id, stored);
      else
        problems.push({
          code: 'RC122',
          severity: 'error',
          message: `${showIdentity(declared.id)}: ${showIdentity(id)} is also a previous name of ${showIdentity(other.declared.id)}`,
          place: declared.place(PREVIOUS_NAMES),
          hint: 'only one of the two was renamed; take the name out of the other',
        });
    }
  }
  return renames;
}

const PREVIOUS = 'rolecall.dev/previous-names';

/** The identities that a manifest says it had before. */
export function previousIds(declared: Declared): Identity[] {
  if (!declared.body.includes(PREVIOUS)) return [];
  const { kind, metadata } = declared.resource;
  const previous = metadata.annotations[PREVIOUS];
  if (previous === undefined) return [];
  return [...new Set(previous.split(','))].map((name) => identity(kind, metadata.namespace, name));
}

function findRename(
  declared: Declared,
  actual: Actual,
  isDeclared: (id: Identity) => boolean,
  manager: string,
  problems: Problem[],
): Stored | undefined {
  const previous = previousIds(declared);
  if (previous.length === 0 || actual.get(declared.id)) return undefined;
  const found = previous.flatMap((id) => {
    const stored = actual.get(id);
    return stored && stored.manager === manager && !isDeclared(id) ? [stored] : [];
  });
  if (found.length > 1) {
    problems.push({
      code: 'RC122',
      severity: 'error',
      message: `${showIdentity(declared.id)}: more than one of its previous names exists: ${found.map(({ resource }) => resource.metadata.name).join(', ')}`,
      place: declared.place(PREVIOUS_NAMES),
      hint: 'name only the one that was renamed',
    });
    return undefined;
  }
  return found[0];
}
