import { Missing, type Wanted, wholeActual } from '../../src/core/actual.ts';
import { FetchedActual } from '../../src/core/fetched-actual.ts';
import { compareText } from '../../src/core/problem.ts';
import { targetsOf } from '../../src/core/resource.ts';
import type { Stored } from '../../src/core/stored.ts';
import { foldCase } from '../../src/kinds/text.ts';

/** Asks of actual state of which nothing is at hand at first, and counts how often something had to be fetched. */
export function askFetching<T>(
  stored: readonly Stored[],
  question: (actual: FetchedActual) => T,
): { answer: T; fetches: number } {
  const actual = new FetchedActual();
  for (let fetches = 0; ; fetches++) {
    try {
      return { answer: question(actual), fetches };
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      if (fetches > 10_000) throw new Error('what was fetched is asked for again and again');
      if (error.what === 'all') actual.become(wholeActual(stored));
      else if (error.what === 'tally') actual.tallies = wholeActual(stored).tally();
      else actual.learn(error.what, find(stored, error.what));
    }
  }
}

function find(
  stored: readonly Stored[],
  { ids = [], targets = [], emails = [], kinds = [], page }: Wanted,
): Stored[] {
  const of = new Set<string>([...ids]);
  const found = stored.filter(
    ({ id, resource }) =>
      of.has(id) ||
      kinds.includes(resource.kind) ||
      (targets.length > 0 && targetsOf(resource).some((target) => targets.includes(target))) ||
      (resource.kind === 'User' && emails.includes(foldCase(resource.spec.email))),
  );
  if (!page) return found;
  return stored
    .filter(({ resource: { kind, metadata } }) => kind === page.kind && metadata.namespace === page.workspace)
    .filter(({ resource }) => compareText(resource.metadata.name, page.after) > 0)
    .sort((a, b) => compareText(a.id, b.id))
    .slice(0, page.limit);
}
