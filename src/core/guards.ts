import type { Draft } from './judge.ts';
import { identityOfChange } from './plan.ts';
import { compareText } from './problem.ts';
import { type Identity, identityOf, showIdentity } from './resource.ts';
import type { State } from './state.ts';
import type { Stored } from './stored.ts';
import { nameSome, type Verdict } from './verdict.ts';

/** RC209: what leaves (deleted, or renamed away) is still referred to by what stays. Cannot be overridden. */
export function guardStillReferredTo(
  after: State,
  leaving: ReadonlySet<Identity>,
  actual: ReadonlyMap<Identity, Stored>,
): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const id of [...leaving].sort(compareText)) {
    const referrers = after.referrers(id).map(identityOf).sort(compareText);
    if (referrers.length === 0) continue;
    const names = referrers.map((referrer) => {
      const manager = actual.get(referrer)?.manager;
      return manager === undefined
        ? showIdentity(referrer)
        : `${showIdentity(referrer)} (manager ${manager})`;
    });
    verdicts.push({
      code: 'RC209',
      class: 'hard',
      severity: 'deny',
      message: `${showIdentity(id)} is still referred to by ${nameSome(names)}; change or delete ${referrers.length === 1 ? 'that' : 'those'} first, or in the same plan`,
      numbers: { referrers },
      override: null,
    });
  }
  return verdicts;
}

/** RC210: what another manager manages is declared different here. Not overridable; --adopt takes it over. */
export function guardAnotherManager(drafts: readonly Draft[]): Verdict[] {
  const byManager = Map.groupBy(
    drafts.filter(({ conflict }) => conflict !== undefined),
    ({ conflict }) => conflict ?? '',
  );
  return [...byManager.keys()].sort(compareText).map((manager) => {
    const stood = byManager.get(manager) ?? [];
    const resources = stood.map(({ stored, change }) => (stored ? stored.id : identityOfChange(change)));
    const differs = stood.some(({ change }) => change.action !== 'delete');
    const some = nameSome(resources.map(showIdentity));
    const one = resources.length === 1;
    return {
      code: 'RC210',
      class: 'hard',
      severity: 'deny',
      message: differs
        ? `${some} ${one ? 'is' : 'are'} managed by "${manager}" and ${one ? 'differs' : 'differ'} here; --adopt takes ${one ? 'it' : 'them'} over`
        : `${some} ${one ? 'is' : 'are'} managed by "${manager}"; --adopt deletes ${one ? 'it' : 'them'} all the same`,
      numbers: { manager, resources },
      override: null,
    };
  });
}
