/** What get and describe say of windows at a time. */
import { expect, test } from 'vitest';
import { bound, desk, user } from '../support/access-desk.ts';

const doc = (kind: string, metadata: string, spec: string) =>
  `---\napiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;
const token = (name: string, more = '') =>
  doc('Token', `name: ${name}, namespace: acme`, `description: A, role: workspace-member, owner: ana${more}`);
const WHOLE = '{type: Workspace}';
const WINDOWS = {
  always: '',
  ended: ', expiresAt: 2026-12-01',
  coming: ', notBefore: 2026-12-05, expiresAt: 2027-01-01',
};
const each = (make: (name: string, more: string) => string) =>
  Object.entries(WINDOWS)
    .map(([name, more]) => make(name, more))
    .join('');
const ORG = [
  doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business'),
  user('ana'),
  each((name, more) => user(name, more)),
  user('gone', ', state: Suspended, expiresAt: 2026-12-01'),
  user('off', ', state: Suspended, notBefore: 2026-12-05'),
  each((name, more) => token(name, more)),
  token('revoked', ', revoked: true, expiresAt: 2026-12-01'),
  bound('owners', 'workspace-owner', '{name: ana}', WHOLE),
  each((name, more) => bound(name, 'source-read-only', '{name: ana}', WHOLE, more)),
  bound('staff', 'source-admin', '{kind: Group, name: staff}', WHOLE),
  doc(
    'Group',
    'name: staff, namespace: acme',
    `displayName: Staff, members: [${Object.entries(WINDOWS)
      .map(([name, more]) => `{name: ${name}${more}}`)
      .join(', ')}]`,
  ),
].join('');
const NOW = { now: '2026-12-02T00:00:00Z' };

test('each kind with windows shows its state and its end', async () => {
  const at = await desk(ORG);
  expect((await at.iam('get users', NOW)).stdout).toBe(
    `NAME    EMAIL                DISPLAY NAME  STATE
always  always@acme.example                Active
ana     ana@acme.example                   Active
coming  coming@acme.example                Pending
ended   ended@acme.example                 Expired
gone    gone@acme.example                  Expired
off     off@acme.example                   Suspended
`,
  );
  expect((await at.iam('get tokens -n acme', NOW)).stdout).toBe(
    `NAME     ROLE              OWNER  STATE    UNTIL
always   workspace-member  ana    Active
coming   workspace-member  ana    Pending  2027-01-01T00:00:00Z
ended    workspace-member  ana    Expired  2026-12-01T00:00:00Z
revoked  workspace-member  ana    Revoked  2026-12-01T00:00:00Z
`,
  );
  expect((await at.iam('get rolebindings -n acme', NOW)).stdout).toBe(
    `NAME    ROLE              SUBJECTS     ON         STATE    UNTIL
always  source-read-only  ana          Workspace  Active
coming  source-read-only  ana          Workspace  Pending  2027-01-01T00:00:00Z
ended   source-read-only  ana          Workspace  Expired  2026-12-01T00:00:00Z
owners  workspace-owner   ana          Workspace  Active
staff   source-admin      group:staff  Workspace  Active
`,
  );
});

test('wide and CSV have the beginning and the end too, and of a group how many members are active', async () => {
  const at = await desk(ORG);
  expect((await at.iam('get user coming -o csv', NOW)).stdout).toBe(
    `"name","email","display_name","state","type","from","until","sponsor"\r\n"coming","coming@acme.example","","Pending","Human","2026-12-05T00:00:00Z","2027-01-01T00:00:00Z",""\r\n`,
  );
  expect((await at.iam('get rb coming -n acme -o csv', NOW)).stdout).toContain(
    '"Workspace","Pending","2026-12-05T00:00:00Z","2027-01-01T00:00:00Z",""',
  );
  expect((await at.iam('get tok coming -n acme -o wide', NOW)).stdout).toContain(
    'Pending  2026-12-05T00:00:00Z  2027-01-01T00:00:00Z  A',
  );
  expect((await at.iam('get groups -n acme -o wide', NOW)).stdout).toBe(
    'NAME   DISPLAY NAME  MEMBERS  ACTIVE  DESCRIPTION\nstaff  Staff         3        1\n',
  );
});

test.each([
  ['user ended', 'Expired', 'Expired since 2026-12-01 00:00 UTC (24 hours ago)'],
  [
    'user coming',
    'Pending',
    'Begins 2026-12-05 00:00 UTC (in 3 days), ends 2027-01-01 00:00 UTC (in 30 days)',
  ],
  ['user gone', 'Expired', 'Expired since 2026-12-01 00:00 UTC (24 hours ago)'],
  ['user off', 'Suspended', 'Begins 2026-12-05 00:00 UTC (in 3 days)'],
  ['token ended -n acme', 'Expired', 'Expired since 2026-12-01 00:00 UTC (24 hours ago)'],
  ['token revoked -n acme', 'Revoked', 'Expired since 2026-12-01 00:00 UTC (24 hours ago)'],
  ['rolebinding coming -n acme', 'Pending', 'Begins 2026-12-05 00:00 UTC (in 3 days), ends '],
])('describe %s says that it is %s, and since or until when', async (words, state, window) => {
  const at = await desk(ORG);
  const { stdout } = await at.iam(`describe ${words}`, NOW);
  expect(stdout).toMatch(new RegExp(`^State +${state}$`, 'm'));
  expect(stdout).toContain(window);
  expect(await at.json(`describe ${words}`, NOW)).toMatchObject({ state });
});

test('describe says how far an end is, and nothing of a window that has none', async () => {
  const at = await desk(ORG);
  const window = async (now: string) =>
    /^Window +(.*)$/m.exec((await at.iam('describe token ended -n acme', { now })).stdout)?.[1];
  expect(await window('2026-11-28T00:00:00Z')).toBe('Ends 2026-12-01 00:00 UTC (in 3 days)');
  expect(await window('2026-11-30T12:30:00Z')).toBe('Ends 2026-12-01 00:00 UTC (in 12 hours)');
  expect(await window('2026-11-30T23:59:59.999Z')).toBe('Ends 2026-12-01 00:00 UTC (in less than a minute)');
  expect(await window('2026-12-01T00:00:00.000Z')).toBe(
    'Expired since 2026-12-01 00:00 UTC (less than a minute ago)',
  );
  expect((await at.iam('describe user ana', NOW)).stdout).not.toContain('Window');
  expect((await at.iam('describe workspace acme', NOW)).stdout).not.toMatch(/^State/m);
  expect(await at.json('describe workspace acme', NOW)).toMatchObject({ state: null });
});

test('describe of a group tells the members apart whose membership gives nothing now', async () => {
  const at = await desk(ORG);
  const { stdout } = await at.iam('describe group staff -n acme', NOW);
  expect(stdout).toContain(`
2 of 3 members not active now
  MEMBER  STATE    FROM                  UNTIL
  coming  Pending  2026-12-05 00:00 UTC  2027-01-01 00:00 UTC
  ended   Expired                        2026-12-01 00:00 UTC
`);
  expect(stdout).toContain('Gives 3 grants, 1 of them active now\n');
  expect(stdout).toMatch(/ended +source-admin .* Expired +2026-12-01 00:00 UTC\n/);
  const before = await at.iam('describe rolebinding ended -n acme');
  expect(before.stdout).toContain('Gives 1 grant\n');
  expect((await at.iam('describe rolebinding ended -n acme', NOW)).stdout).toContain(
    'Gives 1 grant, none of them active now\n',
  );
});
