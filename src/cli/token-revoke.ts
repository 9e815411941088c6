import { canonicalJson } from '../core/hash.ts';
import type { Declared } from '../core/manifest.ts';
import { isPaused, NOTHING_SETTLED } from '../core/plan-changes.ts';
import { EXIT, failure } from '../core/problem.ts';
import { showIdentity, toManifest } from '../core/resource.ts';
import { planFrom } from '../engine/plan.ts';
import type { Resource } from '../kinds/index.ts';
import { finish, type WriteOptions } from './finish.ts';
import { overridingOf, planOptions } from './inputs.ts';
import type { Handler } from './program.ts';
import { oneOf, withStore } from './read-store.ts';
import { note } from './report.ts';
import { managerName } from './settings.ts';

/** A plan of one update: the Token is revoked, and with it end all its secrets. */
export const command: Handler = async (context, [name = ''], options: WriteOptions) => {
  const [planned, store] = await withStore(context, options, async (state, store) => {
    const one = await state.ask(() => oneOf(state.actual, 'Token', name, options.workspace));
    const token = one.resource as Resource<'Token'>;
    if (isPaused(token))
      throw failure(
        EXIT.invalid,
        'RC124',
        `${showIdentity(one.id)} is paused and was not revoked`,
        'lift the annotation rolecall.dev/paused first',
      );
    const revoked: Resource<'Token'> = { ...token, spec: { ...token.spec, revoked: true } };
    const place = () => ({ file: 'iam token revoke', line: 1, column: 1 });
    const declared: Declared = {
      id: one.id,
      file: 'iam token revoke',
      body: canonicalJson(toManifest(revoked)),
      resource: revoked,
      declares: [],
      place,
      placeInside: place,
    };
    // Whoever revokes takes nothing over: the Token stays its manager's.
    const plan = { ...planOptions(options, context), manager: one.manager, workspace: undefined };
    const desired = { desired: [declared], settled: NOTHING_SETTLED };
    const overriding = overridingOf(options, context);
    return [await planFrom(state, desired, plan, context.now(), overriding), store] as const;
  });
  const exit = await finish(context, options, store, planned, {
    urgent: true,
    manager: managerName(options, context),
  });
  if (exit === EXIT.done && planned.plan.changes.length > 0)
    note(
      context,
      options,
      'its secrets are dead for good; its manifest should say revoked: true, or the next apply lifts the rest',
    );
  return exit;
};
