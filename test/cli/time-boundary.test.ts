/** Half-open windows through the whole program, on a real store: at its end nothing is there any more, a millisecond before it is. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { bound, type Desk, desk, user } from '../support/access-desk.ts';
import { writeFiles } from '../support/folder.ts';
import { tokenDesk } from '../support/token-desk.ts';

const EDGE = Date.parse('2026-12-01T12:00:00.000Z');
const AROUND = [-1, 0, 1] as const;

const doc = (kind: string, metadata: string, spec: string) =>
  `---\napiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;
const group = (name: string, members: string) =>
  doc('Group', `name: ${name}, namespace: acme`, `displayName: ${name}, members: [${members}]`);
const token = (more = '') =>
  doc('Token', 'name: ci, namespace: acme', `description: Deploys, role: source-read-only, owner: bo${more}`);
const WHOLE = '{type: Workspace}';
const BASE = [
  doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business'),
  user('ana'),
  bound('owners', 'workspace-owner', '{name: ana}', WHOLE),
].join('');

/** Whose access, and an organisation in which `window` bounds it. */
interface Case {
  readonly subject: 'bo' | 'ci';
  org(window: string): string;
}

const reads = (subject: string, more = '') => bound('reads', 'source-read-only', subject, WHOLE, more);
const CASES: Readonly<Record<string, Case>> = {
  'a binding': { subject: 'bo', org: (window) => user('bo') + reads('{name: bo}', window) },
  'a membership': {
    subject: 'bo',
    org: (window) => user('bo') + group('staff', `{name: bo${window}}`) + reads('{kind: Group, name: staff}'),
  },
  'a nested membership': {
    subject: 'bo',
    org: (window) =>
      user('bo') +
      group('staff', `{kind: Group, name: inner${window}}`) +
      group('inner', '{name: bo}') +
      reads('{kind: Group, name: staff}'),
  },
  'a contract': { subject: 'bo', org: (window) => user('bo', window) + reads('{name: bo}') },
  'a token': { subject: 'ci', org: (window) => user('bo') + token(window) },
  'the contract of the owner of a token': {
    subject: 'ci',
    org: (window) => user('bo', window) + token(),
  },
};

const iso = (time: number) => new Date(time).toISOString();

/** Who reads, by all that tells it. */
async function told(at: Desk, subject: Case['subject'], time: number) {
  const now = iso(time);
  const word = subject === 'ci' ? 'token/ci' : subject;
  const canI = await at.iam(`can-i ${word} source-read-only -n acme`, { now });
  const asked = await at.iam(`can-i ${word} source-read-only -n acme --at ${now}`);
  const who = await at.json<{ subjects: { subject: string; allowed: boolean }[] }>(
    'who-can source-read-only -n acme',
    { now },
  );
  const why = await at.json<{ grants: { active: boolean; state: string }[] }>(`why ${word}`, { now });
  const rows = async (layout: string) =>
    parse((await at.iam(`snapshot -n acme --layout ${layout}`, { now })).stdout, {
      columns: true,
    }) as Record<string, string>[];
  const grant = (await rows('grants')).find((row) => row.subject === subject);
  const person = (await rows('users')).find((row) => row.user === subject);
  return {
    canI: canI.exit,
    asked: asked.exit,
    who: who.subjects.some((one) => one.subject === subject && one.allowed),
    why: why.grants.map(({ active, state }) => [active, state]),
    grant: grant?.role,
    roles: person?.roles ?? '',
  };
}

const POLICY = doc(
  'AccessPolicy',
  'name: nobody-reads',
  `match: {on: Grant, roles: [source-read-only]}, enforcement: Deny, validations: [{expression: "false", message: no}]`,
);

/** Whether a policy that denies the role hears of a grant of `subject` when something of him changes. */
async function policyHears(at: Desk, org: string, subject: Case['subject'], time: number): Promise<boolean> {
  const changed = org
    .replace(
      'name: bo}\nspec: {email: bo@acme.example',
      'name: bo}\nspec: {type: Service, email: bo@acme.example',
    )
    .replace('description: Deploys', 'description: Deploys it');
  // What a token gives is looked at again when its role is another one.
  const next =
    subject === 'ci'
      ? `${changed}${bound('also', 'source-read-only', '{kind: Token, name: ci}', WHOLE)}`
      : changed;
  writeFiles(at.cwd, { 'next.yaml': BASE + POLICY + next });
  const ran = await at.iam(`plan -f next.yaml --at ${iso(time)}`);
  expect([0, 3]).toContain(ran.exit);
  return ran.exit === 3;
}

describe.each(Object.entries(CASES))('%s', (_, { subject, org }) => {
  test('that ends gives access until a millisecond before', async () => {
    const at = await desk(BASE + org(', expiresAt: 2026-12-01T12:00:00Z'));
    for (const off of AROUND) {
      const isOpen = off < 0;
      expect(await told(at, subject, EDGE + off), `${off} ms`).toEqual({
        canI: isOpen ? 0 : 1,
        asked: isOpen ? 0 : 1,
        who: isOpen,
        why: [[isOpen, isOpen ? 'Active' : 'Expired']],
        grant: isOpen ? 'source-read-only' : undefined,
        roles: isOpen && subject === 'bo' ? 'Source Read-only' : '',
      });
      expect(await policyHears(at, org(', expiresAt: 2026-12-01T12:00:00Z'), subject, EDGE + off)).toBe(
        isOpen,
      );
    }
  });

  test('that begins gives access from that very millisecond on', async () => {
    const at = await desk(BASE + org(', notBefore: 2026-12-01T12:00:00Z'));
    for (const off of AROUND) {
      const isOpen = off >= 0;
      expect(await told(at, subject, EDGE + off), `${off} ms`).toEqual({
        canI: isOpen ? 0 : 1,
        asked: isOpen ? 0 : 1,
        who: isOpen,
        why: [[isOpen, isOpen ? 'Active' : 'From 2026-12-01']],
        grant: 'source-read-only',
        roles: isOpen && subject === 'bo' ? 'Source Read-only' : '',
      });
    }
  });

  test('is out of the files that the next apply leaves, and into them', async () => {
    const at = await desk(BASE + org(', notBefore: 2026-12-01T11:00:00Z, expiresAt: 2026-12-01T12:00:00Z'));
    const applied = async (time: number) => {
      const ran = await at.iam('apply -f org.yaml', { now: iso(time) });
      expect(ran.exit).toBe(0);
      const read = (layout: string) =>
        readFileSync(path.join(at.cwd, `.iam/snapshot/acme.${layout}.csv`), 'utf8');
      const { stdout } = await at.iam('snapshot -n acme --layout grants', { now: iso(time) });
      expect(read('grants')).toBe(stdout);
      expect(read('users')).toBe((await at.iam('snapshot -n acme', { now: iso(time) })).stdout);
      return { ran, hasGrant: read('grants').includes('source-read-only'), users: read('users') };
    };
    const begin = EDGE - 3_600_000;
    expect((await applied(begin - 1)).users).not.toContain('Source Read-only');
    const open = await applied(begin);
    expect(open.users.includes('Source Read-only')).toBe(subject === 'bo');
    expect(open.ran.stdout).not.toContain('ended');
    expect(await applied(EDGE - 1)).toMatchObject({ hasGrant: true, ran: { stderr: '' } });
    const ended = await applied(EDGE);
    expect(ended.hasGrant).toBe(false);
    expect(ended.ran.stdout).toContain('1 access has ended: ');
    expect((await applied(EDGE + 1)).ran).toMatchObject({
      stderr: '',
      stdout: expect.not.stringContaining('ended'),
    });
  });
});

test.each([
  ['a token', 'token'],
  ['the contract of its owner', 'owner'],
])('a secret is valid as %s gives access: until a millisecond before the end', async (_, whose) => {
  const at = tokenDesk();
  const window = 'notBefore: 2026-12-01T11:00:00Z, expiresAt: 2026-12-01T12:00:00Z';
  if (whose === 'owner') {
    const world = at.text('access/world.yaml') ?? '';
    writeFiles(at.folder, {
      'access/world.yaml': world.replace('bo@acme.example', `bo@acme.example, ${window}`),
    });
  }
  await at.apply(`deliverTo: {file: ci}${whose === 'token' ? `, ${window}` : ''}`);
  const secret = at.text('.iam/secrets/ci');
  expect(secret).toMatch(/^rct_/);
  const begin = EDGE - 3_600_000;
  for (const [time, exit] of [
    [begin - 1, '1'],
    [begin, '0'],
    [EDGE - 1, '0'],
    [EDGE, '1'],
    [EDGE + 1, '1'],
  ] as const) {
    at.at(iso(time));
    expect((await at.verify(secret)).split(' ')[0], iso(time)).toBe(exit);
  }
});
