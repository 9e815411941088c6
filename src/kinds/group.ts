import type { Static } from 'typebox';
import { defineKind, keys, sortBy } from './kind.ts';
import { description, displayName, dnsLabel, expiresAt, notBefore } from './schema.ts';
import { badWindow, unsafeName, unsafeText } from './text.ts';
import { normalWindow, type Window, windowState } from './time.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['displayName'],
  properties: {
    displayName,
    description,
    members: {
      type: 'array',
      maxItems: 1000,
      description:
        'Users and Groups of the same workspace. Not managed when absent: they stay as they are, at first none.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          kind: { type: 'string', enum: ['User', 'Group'], default: 'User', description: 'User or Group.' },
          name: { ...dnsLabel, description: 'The User, or the Group of this workspace.' },
          notBefore,
          expiresAt,
        },
      },
    },
  },
} as const;

export interface Member extends Window {
  readonly kind: 'User' | 'Group';
  readonly name: string;
}

export type GroupDeclared = Static<typeof schema>;
type Declared = ReturnType<typeof normalize>;
export type GroupSpec = Omit<Declared, 'members'> & { members: readonly Member[] };

function normalize(spec: GroupDeclared) {
  return {
    description: spec.description ?? '',
    displayName: spec.displayName,
    members:
      spec.members &&
      sortBy(
        spec.members.map(
          (entry): Member => ({ kind: entry.kind ?? 'User', name: entry.name, ...normalWindow(entry) }),
        ),
        (entry) => `${entry.kind}:${entry.name}`,
      ),
  };
}

export const group = defineKind<GroupDeclared, GroupSpec>({
  name: 'Group',
  plural: 'groups',
  short: 'g',
  namespaced: true,
  description: 'People, and other groups, of one workspace who get roles together. Needs tier Business.',
  schema,
  lists: [{ path: ['members'], key: keys.kindAndName }],
  unmanaged: { members: [] },
  normalize: (spec) => normalize(spec) as GroupSpec,
  check: (spec) => [
    ...unsafeName(spec.displayName, '/spec/displayName'),
    ...unsafeText(spec.description, '/spec/description', { lines: true }),
    ...(spec.members ?? [])
      .filter(({ notBefore: from, expiresAt: until }) => from ?? until)
      .flatMap((entry) => badWindow(entry, `/spec/members/${keys.kindAndName(entry)}`)),
  ],
  references: (spec, { namespace }) =>
    spec.members.map(({ kind, name }) => ({
      pointer: `/spec/members/${kind}:${name}`,
      kind,
      name,
      ...(kind === 'Group' && namespace !== undefined ? { namespace } : {}),
    })),
  columns: [
    { header: 'DISPLAY NAME', value: (spec) => spec.displayName },
    { header: 'MEMBERS', value: (spec) => String(spec.members.length) },
    {
      header: 'ACTIVE',
      wide: true,
      value: (spec, _, at) =>
        String(spec.members.filter((member) => windowState(member, at) === 'Active').length),
    },
    { header: 'DESCRIPTION', wide: true, value: (spec) => spec.description },
  ],
  summary: (spec) =>
    `${spec.displayName}, ${spec.members.length} ${spec.members.length === 1 ? 'member' : 'members'}`,
});
