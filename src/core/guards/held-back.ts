import type { Resource } from '../../kinds/index.ts';
import type { Actual } from '../actual.ts';
import type { Draft } from '../draft.ts';
import { identityOfChange } from '../plan.ts';
import { compareText } from '../problem.ts';
import { type Identity, identityOf, showIdentity, workspaceOf } from '../resource.ts';
import type { State } from '../state.ts';
import { nameSome, type Verdict } from '../verdict.ts';
import { allWorkspaces, type Scene } from './scene.ts';

/** RC209: what leaves (deleted, or renamed away) is still referred to by what stays. Cannot be overridden. */
export function guardStillReferredTo(
  after: State,
  leaving: ReadonlySet<Identity>,
  actual: Actual,
): Verdict[] {
  const verdicts: Verdict[] = [];
  after.need({ targets: [...leaving] });
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
      numbers: { resource: id, referrers },
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

/** RC208: what is protected in the store is not deleted; its workspace must agree, or all when it is in none. */
export function guardProtected(scene: Scene): Verdict[] {
  return scene.drafts.flatMap(({ change, stored }): Verdict[] => {
    if (change.action !== 'delete' || !stored || !isProtected(stored.resource)) return [];
    const workspace = workspaceOf(stored.resource);
    return [
      {
        code: 'RC208',
        class: 'hard',
        severity: 'deny',
        message: `${showIdentity(stored.id)} is protected (${PROTECT}) and would be deleted`,
        numbers: {
          resource: stored.id,
          workspaces: workspace === undefined ? allWorkspaces(scene) : [workspace],
        },
        override: null,
      },
    ];
  });
}

const PROTECT = 'rolecall.dev/protect';

export function isProtected(resource: Resource): boolean {
  return resource.metadata.annotations[PROTECT] === 'true';
}

/** RC213: whoever another manager suspended stays so. Not overridable; --adopt takes the state over. */
export function guardReactivates(drafts: readonly Draft[]): Verdict[] {
  return drafts.flatMap(({ change, reactivates }): Verdict[] => {
    if (reactivates === undefined) return [];
    return [
      {
        code: 'RC213',
        class: 'hard',
        severity: 'deny',
        message: `${showIdentity(identityOfChange(change))} was suspended by "${reactivates}" and is declared Active here; --adopt reactivates`,
        numbers: { manager: reactivates, resource: identityOfChange(change) },
        override: null,
      },
    ];
  });
}
