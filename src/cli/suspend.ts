import { canonicalJson } from '../core/hash.ts';
import type { Declared } from '../core/manifest.ts';
import { isPaused, NOTHING_SETTLED } from '../core/plan-changes.ts';
import { EXIT, failure } from '../core/problem.ts';
import { toManifest } from '../core/resource.ts';
import { planFrom } from '../engine/plan.ts';
import type { Resource } from '../kinds/index.ts';
import { finish, type WriteOptions } from './finish.ts';
import { overridingOf, planOptions } from './inputs.ts';
import type { Handler } from './program.ts';
import { oneOf, withStore } from './read-store.ts';
import { reportWarnings } from './report.ts';

/**
 * Who manages the state of somebody who is suspended by hand, unless --manager says otherwise: not the manifests, so that
 * no apply of theirs gives the access back unseen (RC213).
 */
const SUSPENDER = 'suspend';

/** A plan of one update: the person's state, and nothing else of him. */
export const command: Handler = async (context, [name = ''], options: WriteOptions) => {
  if (options.reason === undefined || options.reason.trim() === '')
    throw failure(EXIT.invalid, 'RC121', 'to suspend somebody needs a reason', 'say why with --reason TEXT');
  if (options.workspace !== undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      'a person is suspended in all workspaces',
      'leave -n out; to take access in one of them, change its bindings',
    );
  const manager = options.manager ?? SUSPENDER;
  const [planned, store] = await withStore(context, options, async (state, store) => {
    const one = await state.ask(() => oneOf(state.actual, 'User', name, undefined));
    const user = one.resource as Resource<'User'>;
    if (isPaused(user))
      throw failure(
        EXIT.invalid,
        'RC124',
        `User ${name} is paused and was not suspended`,
        'lift the annotation rolecall.dev/paused first',
      );
    const holder = one.fieldManagers.state;
    if (user.spec.state === 'Suspended' && holder !== manager)
      reportWarnings(context, options, [
        {
          code: 'RC213',
          severity: 'warn',
          message: `User ${name} is suspended already, ${holder === undefined ? 'and no manager holds that: any may' : `by manager "${holder}", who may`} activate him again`,
          hint: 'to keep him out, take his state out of the manifests',
        },
      ]);
    const suspended: Resource<'User'> = { ...user, spec: { ...user.spec, state: 'Suspended' } };
    const place = () => ({ file: 'iam suspend', line: 1, column: 1 });
    const declared: Declared = {
      id: one.id,
      file: 'iam suspend',
      body: canonicalJson(toManifest(suspended)),
      resource: suspended,
      declares: ['state'],
      place,
      placeInside: place,
    };
    const plan = { ...planOptions(options, context), manager, adopt: true };
    const desired = { desired: [declared], settled: NOTHING_SETTLED };
    const overriding = overridingOf(options, context);
    return [await planFrom(state, desired, plan, context.now(), overriding), store] as const;
  });
  return finish(context, options, store, planned, { urgent: true });
};
