import { createGrantFacts } from '../core/grant-facts.ts';
import { offboardingOf } from '../core/offboarding.ts';
import { EXIT, failure } from '../core/problem.ts';
import { identityOf } from '../core/resource.ts';
import { stateOf } from '../core/state.ts';
import { formatTime } from '../kinds/time.ts';
import { offboardSteps, offboardText } from '../render/offboard-text.ts';
import type { Handler } from './program.ts';
import { refuse, unknownSubject } from './question-options.ts';
import { withStore } from './read-store.ts';
import { type GlobalOptions, paintFor } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, [name = ''], options: Options) => {
  if (options.workspace !== undefined)
    throw failure(EXIT.invalid, 'RC121', 'somebody leaves all workspaces', 'leave -n out');
  const at = context.now();
  const { user, found, grants } = await withStore(context, options, ({ actual, ask }) =>
    ask(() => {
      const state = stateOf(actual);
      refuse(unknownSubject(state, { kind: 'User', namespace: undefined, name }));
      const user = state.get('User', undefined, name);
      if (!user) throw new Error(`User ${name} was neither found nor refused`);
      const found = offboardingOf(state, user, at);
      return { user, found, grants: found.grants.map(createGrantFacts(state, at)) };
    }),
  );
  const { stdout } = context;
  if (options.output === 'json') {
    const { spec } = user;
    stdout.write(
      `${JSON.stringify({
        kind: 'Offboarding',
        user: name,
        email: spec.email,
        type: spec.type,
        state: spec.state,
        at: formatTime(at),
        grants,
        groups: found.groups,
        owns: found.owns,
        requiredIn: found.requiredIn,
        tokens: found.tokens.map(identityOf),
        sponsors: found.sponsors,
        referrers: found.referrers,
        soleSubject: found.soleSubject,
        steps: offboardSteps(found),
      })}\n`,
    );
  } else {
    const most = options.verbose === true ? Infinity : 25;
    stdout.write(offboardText(found, grants, { paint: paintFor(stdout), width: stdout.columns, most }));
  }
  return EXIT.done;
};
