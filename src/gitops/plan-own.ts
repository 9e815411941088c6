import type { Code } from '../core/code.ts';
import { type Change, identityOfChange, type Plan } from '../core/plan.ts';
import type { Problem } from '../core/problem.ts';
import { fromManifest, type Identity, identity, referencesOf } from '../core/resource.ts';
import type { Verdict } from '../core/verdict.ts';
import { useOf } from '../engine/apply.ts';
import { NO_OVERRIDES } from '../engine/judgement.ts';
import type { PlannedSource } from '../engine/plan-source.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import type { FoundOverrides } from './overrides.ts';
import { isMistake, type Planning, planTree, type TreeOptions } from './planning.ts';

/** What somebody's own changes are about. */
export interface Own {
  readonly ids: ReadonlySet<Identity>;
  /** The workspaces that they take away. */
  readonly gone: readonly string[];
}

export function ownOf({ changes }: Plan): Own {
  const gone = changes.flatMap(({ kind, action, name }) =>
    kind === 'Workspace' && action === 'delete' ? [name] : [],
  );
  return { ids: new Set(changes.map(identityOfChange)), gone };
}

/**
 * A plan of a tree that changes nothing but some resources: what others did to the rest is not this pull request's. What is not
 * there, and these refer to, is created with them; where they need more of the rest, it is a mistake.
 */
async function planOnly(
  planning: Planning,
  store: Store,
  tree: Source,
  own: Own,
  {
    actor = null,
    overriding = NO_OVERRIDES,
    others,
  }: Pick<TreeOptions, 'actor' | 'overriding'> & {
    /** What the tree changes beside them, where that is known already. */
    readonly others?: readonly Identity[] | undefined;
  } = {},
): Promise<PlannedSource> {
  const gone = await presentOf(store, own.gone);
  let known = others;
  if (!known) {
    const whole = await planTree(planning, store, tree, { actor, gone });
    known = whole.plan.changes.map(identityOfChange).filter((id) => !own.ids.has(id));
    if (known.length === 0 && overriding.overrides.length === 0) return whole;
    whole.close();
  }
  try {
    return await planTree(planning, store, tree, { actor, gone, frozen: new Set(known), overriding });
  } catch (error) {
    if (!isMistake(error) || known.length === 0) throw error;
    const whole = await planTree(planning, store, tree, { actor, gone, overriding });
    const needed = neededBy(whole.plan.changes, own.ids);
    const frozen = new Set(known.filter((id) => !needed.has(id)));
    if (frozen.size === 0) return whole;
    whole.close();
    // What others changed is not done along with it, unseen.
    if (needed.size === 0) throw error;
    return planTree(planning, store, tree, { actor, gone, frozen, overriding });
  }
}

/** What is created beside somebody's own changes because these refer to it, or what they refer to does. */
function neededBy(changes: readonly Change[], own: ReadonlySet<Identity>): Set<Identity> {
  const created = new Map(
    changes.flatMap((change) =>
      change.action === 'create' ? [[identityOfChange(change), change] as const] : [],
    ),
  );
  const needed = new Set<Identity>();
  const follow = ({ after }: Change) => {
    if (after === null) return;
    for (const { kind, namespace, name } of referencesOf(fromManifest(after))) {
      const id = identity(kind, namespace, name);
      const change = created.get(id);
      if (!change || own.has(id) || needed.has(id)) continue;
      needed.add(id);
      follow(change);
    }
  };
  for (const change of changes) if (own.has(identityOfChange(change))) follow(change);
  return needed;
}

/** Who asks for a plan, and how to find what lets its refusals pass. */
export interface Asking {
  /** Null where nobody is known. */
  readonly actor: string | null;
  readonly find: ((denied: readonly Verdict[], digest: string) => Promise<FoundOverrides>) | undefined;
}

/** As `planOnly`, and lets pass what somebody who may has let pass. An override holds once. */
export async function planOverridden(
  planning: Planning,
  store: Store,
  tree: Source,
  own: Own,
  { actor, find }: Asking,
  others?: readonly Identity[],
): Promise<FoundOverrides & { readonly planned: PlannedSource }> {
  const planned = await planOnly(planning, store, tree, own, { actor, others });
  const { verdicts, digest } = planned.plan;
  const denied = verdicts.filter(({ severity }) => severity === 'deny');
  if (!find || denied.length === 0) return { planned, overriding: NO_OVERRIDES, void: [] };
  const found = await find(denied, digest);
  const codes = found.overriding.overrides.map(({ code }) => code);
  if (codes.length === 0) return { ...found, planned };
  const used = await useOf(store, digest, codes);
  if (used !== undefined)
    return { planned, overriding: NO_OVERRIDES, void: [...found.void, usedProblem(codes, used)] };
  planned.close();
  return {
    ...found,
    planned: await planOnly(planning, store, tree, own, { actor, overriding: found.overriding, others }),
  };
}

function usedProblem(codes: readonly Code[], revision: number): Problem {
  return {
    code: 'RC606',
    severity: 'warn',
    message: `the override of ${codes.join(', ')} does not count: it was used for revision ${revision}, and holds once`,
    hint: 'change the plan, or undo in two steps',
  };
}

/** Those of some workspaces that the store has. */
async function presentOf(store: Store, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const reading = await store.read();
  try {
    const ids = names.map((name) => identity('Workspace', undefined, name));
    return (await reading.find({ ids })).map(({ resource }) => resource.metadata.name);
  } finally {
    await reading.close();
  }
}
