import type { Static } from 'typebox';
import { defineKind, keys, sortBy } from './kind.ts';
import { displayName, dnsLabel, expiresAt, notBefore } from './schema.ts';
import { badWindow, unsafeName, unsafeText } from './text.ts';
import { normalWindow, windowState } from './time.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['email'],
  properties: {
    email: {
      type: 'string',
      maxLength: 254,
      pattern: '^[^@]+@[^@]+$',
      description: 'The address. Compared trimmed and case-folded; one User per address.',
    },
    displayName: {
      ...displayName,
      minLength: 0,
      description: 'What people read. Not managed when absent: it stays as it is, at first "".',
    },
    state: {
      type: 'string',
      enum: ['Active', 'Suspended'],
      description:
        'A suspended user has no access. Not managed when absent: it stays as it is, at first Active.',
    },
    type: {
      type: 'string',
      enum: ['Human', 'Service', 'BreakGlass'],
      default: 'Human',
      description: 'Only Human and BreakGlass count as owners.',
    },
    notBefore,
    expiresAt,
    sponsor: { ...dnsLabel, description: 'The User who answers for a guest or contractor.' },
    identities: {
      type: 'array',
      maxItems: 20,
      default: [],
      description: 'Accounts to sign in with. Reserved: carried, stored and shown.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['provider', 'subject'],
        properties: {
          provider: { type: 'string', minLength: 1, maxLength: 256, description: 'Who vouches.' },
          subject: { type: 'string', minLength: 1, maxLength: 256, description: 'The name there.' },
        },
      },
    },
  },
} as const;

export type UserDeclared = Static<typeof schema>;
type Declared = ReturnType<typeof normalize>;
export type UserSpec = Omit<Declared, 'displayName' | 'state'> & {
  displayName: string;
  state: 'Active' | 'Suspended';
};

/** The form in which addresses are compared. */
function normalEmail(email: string): string {
  return email.trim().toLowerCase();
}

/** Members stand in canonical order, what is not declared as undefined: filled in, it is in its place. */
function normalize(spec: UserDeclared) {
  return {
    displayName: spec.displayName,
    email: normalEmail(spec.email),
    ...normalWindow(spec),
    identities: sortBy(
      (spec.identities ?? []).map(({ provider, subject }) => ({ provider, subject })),
      keys.identity,
    ),
    ...(spec.sponsor === undefined ? {} : { sponsor: spec.sponsor }),
    state: spec.state,
    type: spec.type ?? 'Human',
  };
}

export const user = defineKind<UserDeclared, UserSpec>({
  name: 'User',
  plural: 'users',
  short: 'u',
  namespaced: false,
  description: 'A person, or a service. Exists once, and may have different roles in several workspaces.',
  schema,
  lists: [{ path: ['identities'], key: keys.identity }],
  unmanaged: { displayName: '', state: 'Active' },
  normalize: (spec) => normalize(spec) as UserSpec,
  check: (spec) => [
    ...unsafeName(spec.email.trim(), '/spec/email'),
    // Characters without a width would make two addresses look the same.
    ...(/[\s\u00ad\u200b-\u200d\u2060\ufeff]/.test(spec.email.trim())
      ? [{ code: 'RC109', pointer: '/spec/email', message: 'an e-mail address has no spaces' } as const]
      : []),
    ...unsafeName(spec.displayName, '/spec/displayName'),
    ...(spec.identities ?? []).flatMap((entry) => [
      ...unsafeText(entry.provider, `/spec/identities/${keys.identity(entry)}/provider`),
      ...unsafeText(entry.subject, `/spec/identities/${keys.identity(entry)}/subject`),
    ]),
    ...badWindow(spec, '/spec'),
  ],
  references: (spec) =>
    spec.sponsor === undefined ? [] : [{ pointer: '/spec/sponsor', kind: 'User', name: spec.sponsor }],
  columns: [
    { header: 'EMAIL', value: (spec) => spec.email },
    { header: 'DISPLAY NAME', value: (spec) => spec.displayName },
    { header: 'STATE', value: (spec, _, at) => windowState(spec, at, spec.state) },
    { header: 'TYPE', wide: true, value: (spec) => spec.type },
    { header: 'FROM', wide: true, value: (spec) => spec.notBefore ?? '' },
    { header: 'UNTIL', wide: true, value: (spec) => spec.expiresAt ?? '' },
    { header: 'SPONSOR', wide: true, value: (spec) => spec.sponsor ?? '' },
  ],
  summary: (spec) => `${spec.displayName || spec.email}, ${spec.type}, ${spec.state}`,
});
