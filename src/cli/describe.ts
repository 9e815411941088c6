import { createGrantFacts, grantsThrough } from '../core/grant-facts.ts';
import { compareText, EXIT } from '../core/problem.ts';
import { identityOf, showIdentity, toManifest } from '../core/resource.ts';
import { stateOf } from '../core/state.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { kindOf } from '../kinds/index.ts';
import { descriptionText } from '../render/description-text.ts';
import { renderManifest } from '../render/yaml.ts';
import type { Handler } from './program.ts';
import { kindArgument, oneOf, withStore } from './read-store.ts';
import { type GlobalOptions, paintFor } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, [word = '', name = ''], options: Options) => {
  const kind = kindArgument(word);
  const { one, resource, referrers, grants } = await withStore(context, options, ({ actual, ask }) =>
    ask(() => {
      const builtIn = kind === 'Role' ? CATALOGUE.get(name) : undefined;
      const one = builtIn ? undefined : oneOf(actual, kind, name, options.workspace);
      const resource = one?.resource ?? builtIn;
      if (!resource) throw new Error(`${kind} ${name} was neither found nor refused`);
      const state = stateOf(actual);
      const referrers = state.referrers(identityOf(resource)).map(identityOf).sort(compareText);
      const facts = createGrantFacts(state, context.now());
      return {
        one,
        resource,
        referrers,
        grants: grantsThrough(state, resource, options.workspace).map(facts),
      };
    }),
  );
  const fieldManagers = Object.entries(one?.fieldManagers ?? {});
  if (options.output === 'json') {
    const { uid, manager } = one ?? {};
    const facts = {
      kind: 'Description',
      uid: uid ?? null,
      manager: manager ?? null,
      fieldManagers: one?.fieldManagers ?? {},
    };
    context.stdout.write(
      `${JSON.stringify({ ...facts, resource: toManifest(resource), grants, referrers })}\n`,
    );
    return EXIT.done;
  }
  const facts: [string, string][] = one
    ? [
        ['Summary', kindOf(kind).summary(resource.spec)],
        ['Manager', one.manager],
        ...fieldManagers
          .filter(([, manager]) => manager !== one.manager)
          .map(([field, manager]): [string, string] => [`Manager of ${field}`, manager]),
        ['UID', one.uid],
      ]
    : [['Built in', 'yes']];
  context.stdout.write(
    descriptionText(
      {
        title: showIdentity(identityOf(resource)),
        facts,
        manifest: renderManifest(resource),
        grants,
        referrers: referrers.map(showIdentity),
      },
      { paint: paintFor(context.stdout), most: options.verbose === true ? Infinity : 25 },
    ),
  );
  return EXIT.done;
};
