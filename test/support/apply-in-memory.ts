import { canonicalJson } from '../../src/core/hash.ts';
import { identityOfChange, type Plan } from '../../src/core/plan.ts';
import { fromManifest, identity } from '../../src/core/resource.ts';
import type { Stored } from '../../src/core/stored.ts';

/**
 * What a store has after a plan, told from manifests.md: a rename keeps the uid; what is taken over changes its
 * manager; declared unmanaged fields become the manager's, and those that he no longer declares nobody's.
 */
export function applyInMemory(stored: readonly Stored[], plan: Plan): Stored[] {
  const left = new Map(stored.map((one) => [one.id, one]));
  const written = plan.changes.flatMap((change): Stored[] => {
    const before = left.get(
      identity(change.kind, change.namespace ?? undefined, change.previousName ?? change.name),
    );
    if ((before?.body ?? null) !== (change.before && canonicalJson(change.before)))
      throw new Error('not as it was planned');
    if (before) left.delete(before.id);
    if (!change.after) return [];
    const id = identityOfChange(change);
    const fields = Object.entries(before?.fieldManagers ?? {}).filter(
      ([, manager]) => manager !== plan.manager,
    );
    return [
      {
        uid: before?.uid ?? `uid of ${id} at revision ${plan.base.revision + 1}`,
        id,
        body: canonicalJson(change.after),
        manager: before && change.adopts !== before.manager ? before.manager : plan.manager,
        fieldManagers: {
          ...Object.fromEntries(fields),
          ...Object.fromEntries(
            change.declares
              .filter((it) => {
                // A leaver stays gone: who suspended him keeps his state.
                const other = before?.fieldManagers[it];
                const keeps =
                  it === 'state' && change.after?.spec.state === 'Suspended' && other !== undefined;
                return !keeps || other === plan.manager || change.adopts === other;
              })
              .map((it) => [it, plan.manager]),
          ),
        },
        resource: fromManifest(change.after),
      },
    ];
  });
  for (const one of written) {
    if (left.has(one.id)) throw new Error(`${one.id} is written twice`);
    left.set(one.id, one);
  }
  return [...left.values()];
}
