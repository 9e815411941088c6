import { createAccess, type Grant, type Subject, showVia } from '../core/access.ts';
import { compareText, EXIT } from '../core/problem.ts';
import { identityOf, showIdentity, toManifest } from '../core/resource.ts';
import { createState, type State } from '../core/state.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { kindOf, type Resource } from '../kinds/index.ts';
import { formatTime } from '../kinds/time.ts';
import { descriptionText } from '../render/description-text.ts';
import { renderManifest } from '../render/yaml.ts';
import type { Handler } from './program.ts';
import { kindArgument, oneOf, readStore } from './read-store.ts';
import { type GlobalOptions, paintFor } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, [word = '', name = ''], options: Options) => {
  const kind = kindArgument(word);
  const { stored } = await readStore(context, options);
  const builtIn = kind === 'Role' ? CATALOGUE.get(name) : undefined;
  const one = builtIn ? undefined : oneOf(stored, kind, name, options.workspace);
  const resource = one?.resource ?? builtIn;
  if (!resource) throw new Error(`${kind} ${name} was neither found nor refused`);
  const state = createState(stored.map((other) => other.resource));
  const referrers = state.referrers(identityOf(resource)).map(identityOf).sort(compareText);
  const grants = grantsThrough(state, resource, options.workspace).map((grant) =>
    grantFacts(grant, isRevoked(state, grant), context.now()),
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

/** The grants that a resource has, or that rest on it; of one workspace when given. */
function grantsThrough(state: State, resource: Resource, workspace: string | undefined): Grant[] {
  const access = createAccess(state);
  const namespace = resource.metadata.namespace ?? '';
  const { name } = resource.metadata;
  const subjects: Subject[] = [];
  let rests: (grant: Grant) => boolean = () => true;
  switch (resource.kind) {
    case 'User':
      subjects.push({ kind: 'User', namespace: undefined, name });
      break;
    case 'Token':
      subjects.push({ kind: 'Token', namespace, name });
      break;
    case 'Group':
      subjects.push(...access.subjectsUnder('Group', namespace, name));
      rests = (grant) => grant.workspace === namespace && grant.groups.includes(name);
      break;
    case 'RoleBinding':
      for (const { kind, name: subject } of resource.spec.subjects)
        subjects.push(...access.subjectsUnder(kind, namespace, subject));
      rests = (grant) => grant.workspace === namespace && grant.binding === name;
      break;
    case 'Role':
    case 'Workspace':
    case 'AccessPolicy':
      break;
  }
  const unique = new Map(subjects.map((subject) => [`${subject.kind}/${subject.name}`, subject]));
  return [...unique.values()]
    .flatMap((subject) => access.grantsOf(subject))
    .filter((grant) => rests(grant) && (workspace === undefined || grant.workspace === workspace));
}

function isRevoked(state: State, { subject }: Grant): boolean {
  return (
    subject.kind === 'Token' && state.get('Token', subject.namespace, subject.name)?.spec.revoked === true
  );
}

function grantFacts(grant: Grant, revoked: boolean, at: number) {
  const { span } = grant;
  const state =
    span.until <= at
      ? 'Expired'
      : !grant.enabled
        ? revoked
          ? 'Revoked'
          : 'Suspended'
        : span.from > at
          ? `From ${formatTime(span.from).slice(0, 10)}`
          : 'Active';
  return {
    workspace: grant.workspace,
    subject: grant.subject.kind === 'Token' ? `token:${grant.subject.name}` : grant.subject.name,
    role: grant.role,
    scope: grant.scope,
    via: showVia(grant.groups),
    binding: grant.binding,
    state,
    until: span.until === Infinity ? '' : formatTime(span.until),
  };
}
