import type { Static } from 'typebox';
import { defineKind, type Finding, keys, showLabels, sortBy } from './kind.ts';
import { dnsLabel, expiresAt, grantLabels, notBefore, scope } from './schema.ts';
import { badWindow, unsafeName, unsafeText } from './text.ts';
import { normalWindow, windowState } from './time.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['role', 'subjects', 'resources'],
  properties: {
    role: { ...dnsLabel, description: 'A Role, or one of the built-in catalogue.' },
    subjects: {
      type: 'array',
      minItems: 1,
      maxItems: 1000,
      description: 'Who gets the role.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          kind: {
            type: 'string',
            enum: ['User', 'Group', 'Token'],
            default: 'User',
            description: 'User, Group or Token.',
          },
          name: { ...dnsLabel, description: 'The User, or the Group or Token of this workspace.' },
        },
      },
    },
    resources: {
      type: 'array',
      minItems: 1,
      maxItems: 200,
      description: 'On what; any one entry suffices. Required: the widest grant is never a default.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['type'],
        properties: {
          type: { ...scope, description: 'Workspace alone is the whole workspace, present and future.' },
          id: { type: 'string', minLength: 1, maxLength: 256, description: 'One resource of that type.' },
          labels: { ...grantLabels, description: 'With type Workspace: only what has all of these labels.' },
        },
      },
    },
    notBefore,
    expiresAt,
    reason: { type: 'string', maxLength: 1024, description: 'Why: a ticket, a sentence.' },
  },
} as const;

/** One entry of `resources`, as it reads everywhere: the whole workspace, one id, or all with labels. */
export interface ResourceEntry {
  readonly type: string;
  readonly id?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type RoleBindingDeclared = Static<typeof schema>;
export type RoleBindingSpec = ReturnType<typeof normalize>;

/** `Workspace`, `Source/website` or `environment=prod,tier=1`. */
export function showScope(entry: ResourceEntry): string {
  return entry.id !== undefined
    ? `${entry.type}/${entry.id}`
    : entry.labels
      ? showLabels(entry.labels)
      : entry.type;
}

function normalize(spec: RoleBindingDeclared) {
  return {
    ...normalWindow(spec),
    ...(spec.reason === undefined ? {} : { reason: spec.reason }),
    resources: sortBy(
      spec.resources.map(
        (entry): ResourceEntry => ({
          ...(entry.id === undefined ? {} : { id: entry.id }),
          ...(entry.labels === undefined
            ? {}
            : { labels: Object.fromEntries(sortBy(Object.entries(entry.labels), ([key]) => key)) }),
          type: entry.type,
        }),
      ),
      showScope,
    ),
    role: spec.role,
    subjects: sortBy(
      spec.subjects.map((entry) => ({ kind: entry.kind ?? ('User' as const), name: entry.name })),
      keys.kindAndName,
    ),
  };
}

function checkResource(entry: ResourceEntry): Finding[] {
  const pointer = `/spec/resources/${keys
    .resource(entry as never)
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')}`;
  if (entry.type === 'Workspace' && entry.id !== undefined) {
    return [
      {
        code: 'RC109',
        pointer: `${pointer}/id`,
        message: 'type Workspace has no id: it is the workspace of the binding',
        hint: 'remove id; for one resource name its own type',
      },
    ];
  }
  if (entry.type !== 'Workspace' && entry.labels !== undefined) {
    return [
      {
        code: 'RC109',
        pointer: `${pointer}/labels`,
        message: `labels go with type Workspace, not ${entry.type}`,
        hint: 'write {type: Workspace, labels: …}',
      },
    ];
  }
  if (entry.type !== 'Workspace' && entry.id === undefined) {
    return [
      {
        code: 'RC108',
        pointer,
        message: `missing field "id": a ${entry.type} is named by its id`,
        hint: 'or {type: Workspace} for the whole workspace',
      },
    ];
  }
  return unsafeName(entry.id, `${pointer}/id`);
}

export const roleBinding = defineKind<RoleBindingDeclared, RoleBindingSpec>({
  name: 'RoleBinding',
  plural: 'rolebindings',
  short: 'rb',
  namespaced: true,
  description: 'Gives a role to users, groups and tokens of one workspace, on what it names, for a time.',
  schema,
  lists: [
    { path: ['subjects'], key: keys.kindAndName },
    { path: ['resources'], key: keys.resource },
  ],
  unmanaged: {},
  normalize,
  check: (spec) => [
    ...spec.resources.flatMap(checkResource),
    ...badWindow(spec, '/spec'),
    ...unsafeText(spec.reason, '/spec/reason', { lines: true }),
  ],
  references: (spec, { namespace }) => [
    { pointer: '/spec/role', kind: 'Role', name: spec.role },
    ...spec.subjects.map(({ kind, name }) => ({
      pointer: `/spec/subjects/${kind}:${name}`,
      kind,
      name,
      ...(kind === 'User' || namespace === undefined ? {} : { namespace }),
    })),
  ],
  columns: [
    { header: 'ROLE', value: (spec) => spec.role },
    {
      header: 'SUBJECTS',
      value: (spec) =>
        shorten(
          spec.subjects.map(({ kind, name }) => (kind === 'User' ? name : `${kind.toLowerCase()}:${name}`)),
        ),
    },
    { header: 'ON', value: (spec) => shorten(spec.resources.map(showScope)) },
    { header: 'STATE', value: (spec, _, at) => windowState(spec, at) },
    { header: 'FROM', wide: true, value: (spec) => spec.notBefore ?? '' },
    { header: 'UNTIL', value: (spec) => spec.expiresAt ?? '' },
    { header: 'REASON', wide: true, value: (spec) => (spec.reason ?? '').replaceAll('\n', ' ') },
  ],
  summary: (spec) =>
    `${spec.role} for ${spec.subjects.length} on ${shorten(spec.resources.map(showScope))}${spec.expiresAt === undefined ? '' : ` until ${spec.expiresAt}`}`,
});

function shorten(names: readonly string[]): string {
  return names.length <= 3 ? names.join(',') : `${names.slice(0, 2).join(',')},+${names.length - 2}`;
}
