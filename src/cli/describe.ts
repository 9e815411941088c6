import { createGrantFacts, grantsThrough } from '../core/grant-facts.ts';
import { compareText, EXIT } from '../core/problem.ts';
import { identityOf, showIdentity, toManifest } from '../core/resource.ts';
import { type Secret, secretState } from '../core/secret.ts';
import { stateOf } from '../core/state.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { kindOf, type Resource } from '../kinds/index.ts';
import { type Window, windowState } from '../kinds/time.ts';
import { type DescribedMember, descriptionText } from '../render/description-text.ts';
import { windowWords } from '../render/time-words.ts';
import { renderManifest } from '../render/yaml.ts';
import type { Handler } from './program.ts';
import { kindArgument, oneOf, withStore } from './read-store.ts';
import { type GlobalOptions, paintFor } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, [word = '', name = ''], options: Options) => {
  const kind = kindArgument(word);
  const at = context.now();
  const { found, secrets } = await withStore(context, options, async ({ actual, ask, reading }) => {
    const found = await ask(() => {
      const builtIn = kind === 'Role' ? CATALOGUE.get(name) : undefined;
      const one = builtIn ? undefined : oneOf(actual, kind, name, options.workspace);
      const resource = one?.resource ?? builtIn;
      if (!resource) throw new Error(`${kind} ${name} was neither found nor refused`);
      const state = stateOf(actual);
      const referrers = state.referrers(identityOf(resource)).map(identityOf).sort(compareText);
      const facts = createGrantFacts(state, at);
      return {
        one,
        resource,
        referrers,
        grants: grantsThrough(state, resource, options.workspace).map(facts),
      };
    });
    const isToken = kind === 'Token' && found.one !== undefined;
    return { found, secrets: isToken ? await reading.secrets({ tokens: [found.one?.uid ?? ''] }) : [] };
  });
  const { one, resource, referrers, grants } = found;
  const state = stateAt(resource, at);
  const fieldManagers = Object.entries(one?.fieldManagers ?? {});
  if (options.output === 'json') {
    const { uid, manager } = one ?? {};
    const facts = {
      kind: 'Description',
      uid: uid ?? null,
      manager: manager ?? null,
      fieldManagers: one?.fieldManagers ?? {},
      state: state ?? null,
    };
    context.stdout.write(
      `${JSON.stringify({ ...facts, resource: toManifest(resource), ...(kind === 'Token' && { secrets: secrets.map(secretFacts) }), grants, referrers })}\n`,
    );
    return EXIT.done;
  }
  const window = windowOf(resource);
  const when = window && windowWords(window, at);
  const facts: [string, string][] = one
    ? [
        ['Summary', kindOf(kind).summary(resource.spec)],
        ...(state === undefined ? [] : [['State', state] as [string, string]]),
        ...(when === undefined ? [] : [['Window', when] as [string, string]]),
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
        members: resource.kind === 'Group' ? membersAt(resource, at) : [],
        secrets: secrets.map((secret) => ({ ...secret, state: secretState(secret, at) })),
        grants,
        referrers: referrers.map(showIdentity),
      },
      { paint: paintFor(context.stdout), most: options.verbose === true ? Infinity : 25 },
    ),
  );
  return EXIT.done;
};

/** Without what only the ledger needs. */
function secretFacts({ id, issuedAt, path, deliveredAt, endsAt, revokedAt }: Secret) {
  return { id, issuedAt, path, deliveredAt, endsAt, revokedAt };
}

/** As `get` shows it; undefined for a Kind that is in no state. */
function stateAt({ kind, metadata, spec }: Resource, at: number): string | undefined {
  return kindOf(kind)
    .columns.find(({ header }) => header === 'STATE')
    ?.value(spec, metadata, at);
}

function windowOf(resource: Resource): Window | undefined {
  switch (resource.kind) {
    case 'User':
    case 'RoleBinding':
    case 'Token':
      return resource.spec;
    case 'Group':
    case 'Workspace':
    case 'Role':
    case 'AccessPolicy':
      return undefined;
  }
}

function membersAt({ spec }: Resource<'Group'>, at: number): DescribedMember[] {
  return spec.members.map(({ kind, name, ...window }) => ({
    name: kind === 'User' ? name : `group:${name}`,
    state: windowState(window, at),
    ...window,
  }));
}
