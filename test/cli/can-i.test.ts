/** Yes, no in each way, and failures that look like neither. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { bound, desk, ORG, user } from '../support/access-desk.ts';
import { dedent } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

const LATER = '2026-11-26T12:00:00Z';

/** Asks the organisation of access-desk.ts, as it is planned: the same as after an apply. */
function answers(words: string, exit: 0 | 1, text: string): void {
  test(words, async () => {
    const { iam } = await desk(ORG, { store: false });
    const told = await iam(`can-i ${words} -f org.yaml`);
    expect(told).toMatchObject({ exit, stdout: dedent(text), stderr: '' });
    for (const line of told.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const { stdout } = await iam(`can-i ${words} -f org.yaml -o json`);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'Answer', allowed: exit === 0, workspace: 'acme' });
  });
}

describe('yes', () => {
  answers(
    'ana source-admin -n acme',
    0,
    `
    yes: ana can act as source-admin on the whole workspace acme
      source-admin on the whole workspace, by binding owners, as part of
        workspace-owner
    `,
  );
  answers(
    'bo source-read-only -n acme',
    0,
    `
    yes: bo can act as source-read-only on the whole workspace acme
      source-read-only on the whole workspace, by binding direct, as part of
        source-admin
      and in 1 other way (all with -v)
    `,
  );
  answers(
    'bo source-admin -n acme -v',
    0,
    `
    yes: bo can act as source-admin on the whole workspace acme
      source-admin on the whole workspace, by binding direct
      source-admin on the whole workspace, through groups staff > analysts by
        binding admins, until 2027-01-31 00:00 UTC
    `,
  );
  answers(
    'cy function-read-only -n acme --resource Function/a/b',
    0,
    `
    yes: cy can act as function-read-only on Function/a/b in acme
      function-read-only on Function/a/b, by binding web
    `,
  );
  answers(
    'gus source-read-only -n acme --resource Source/x --resource-labels environment=prod,tier=gold',
    0,
    `
    yes: gus can act as source-read-only on Source/x (environment=prod, tier=gold)
      in acme
      source-read-only on all with environment=prod, by binding prod
    `,
  );
  answers(
    'gus source-read-only -n acme --resource-labels environment=prod',
    0,
    `
    yes: gus can act as source-read-only on all with environment=prod in acme
      source-read-only on all with environment=prod, by binding prod
    `,
  );
  answers(
    'token/ci workspace-member -n acme',
    0,
    `
    yes: token ci can act as workspace-member on the whole workspace acme
      workspace-member on the whole workspace, until 2027-06-30 00:00 UTC
    `,
  );
  answers(
    'fay function-read-only -n acme --at 2026-12-05',
    0,
    `
    yes: fay can act as function-read-only on the whole workspace acme, at
      2026-12-05 00:00 UTC
      function-read-only on the whole workspace, by binding soon, as part of
        function-admin, until 2026-12-08 00:00 UTC
    `,
  );
});

describe('no', () => {
  const no = (words: string, head: string, ...why: readonly string[]) =>
    answers(words, 1, `no: ${head}\n${why.map((line) => `  ${line}\n`).join('')}`);
  const whole = 'on the whole workspace acme';

  no('eli pii-access -n acme', `eli cannot act as pii-access ${whole}`, 'no grant in acme gives pii-access');
  no('dee source-admin -n acme', `dee cannot act as source-admin ${whole}`, 'suspended');
  no(
    'eli function-admin -n acme',
    `eli cannot act as function-admin ${whole}`,
    'ended at 2026-11-01 00:00 UTC, by binding past',
  );
  no(
    'fay function-read-only -n acme',
    `fay cannot act as function-read-only ${whole}`,
    'begins at 2026-12-01 00:00 UTC, by binding soon',
  );
  no(
    'fay function-admin -n acme --at 2026-12-08',
    `fay cannot act as function-admin ${whole}, at 2026-12-08\n  00:00 UTC`,
    'ended at 2026-12-08 00:00 UTC, by binding soon',
  );
  no('cy function-read-only -n acme', `cy cannot act as function-read-only ${whole}`, 'only on Function/a/b');
  no(
    'cy function-read-only -n acme --resource Function/b',
    'cy cannot act as function-read-only on Function/b in acme',
    'only on Function/a/b',
  );
  no(
    'gus source-read-only -n acme --resource Source/x',
    'gus cannot act as source-read-only on Source/x in acme',
    'only if labelled environment=prod',
  );
  no(
    'gus source-read-only -n acme --resource Source/x --resource-labels environment=dev',
    'gus cannot act as source-read-only on Source/x (environment=dev) in acme',
    'only if labelled environment=prod',
  );
  no(
    'hal source-admin -n acme',
    `hal cannot act as source-admin ${whole}`,
    'their own time ended at 2026-10-01 00:00 UTC',
  );
  no(
    'token/off workspace-member -n acme',
    `token off cannot act as workspace-member ${whole}`,
    'the token is revoked',
  );
  no(
    'token/lost workspace-member -n acme',
    `token lost cannot act as workspace-member ${whole}`,
    'dee, who answers for the token, is suspended',
  );
  for (const name of ['late', 'never'])
    no(
      `token/${name} workspace-member -n acme`,
      `token ${name} cannot act as workspace-member ${whole}`,
      'the time of hal, who answers for the token, ended at 2026-10-01 00:00 UTC',
    );
  no(
    'token/ci source-admin -n acme',
    `token ci cannot act as source-admin ${whole}`,
    'no grant in acme gives source-admin',
  );

  test('in two lines: only on a part now, on all that is asked about before or later', async () => {
    const part = bound('part', 'function-admin', '{name: eli}, {name: fay}', '{type: Function, id: x}');
    const { iam } = await desk(ORG + part, { store: false });
    expect((await iam('can-i eli function-admin -n acme -f org.yaml')).stdout).toBe(
      'no: eli cannot act as function-admin on the whole workspace acme\n' +
        '  only on Function/x\n  ended at 2026-11-01 00:00 UTC, by binding past\n',
    );
    expect((await iam('can-i fay function-admin -n acme -f org.yaml')).stdout).toBe(
      'no: fay cannot act as function-admin on the whole workspace acme\n' +
        '  begins at 2026-12-01 00:00 UTC, by binding soon\n  only on Function/x\n',
    );
    expect((await iam('can-i gus function-admin -n acme -f org.yaml')).exit).toBe(1);
  });
});

test('answers in JSON what it answers in words', async () => {
  const { json } = await desk();
  expect(await json('can-i bo source-read-only -n acme --resource Source/a/b --at 2026-12-01')).toEqual({
    kind: 'Answer',
    allowed: true,
    subjectKind: 'User',
    subject: 'bo',
    role: 'source-read-only',
    workspace: 'acme',
    resource: 'Source/a/b',
    resourceLabels: null,
    at: '2026-12-01T00:00:00Z',
    reason: 'source-read-only on the whole workspace, by binding direct, as part of source-admin',
    grants: [
      {
        subjectKind: 'User',
        subject: 'bo',
        email: 'bo@acme.example',
        workspace: 'acme',
        role: 'source-admin',
        includes: ['source-read-only'],
        scope: 'Workspace',
        via: 'direct',
        groups: [],
        binding: 'direct',
        state: 'Active',
        active: true,
        notBefore: null,
        expiresAt: null,
        reason: '',
      },
      expect.objectContaining({
        via: 'group:staff>analysts',
        groups: ['staff', 'analysts'],
        binding: 'admins',
        expiresAt: '2027-01-31T00:00:00Z',
        reason: 'INC-7',
      }),
    ],
  });
  expect(await json('can-i token/off workspace-member -n acme')).toMatchObject({
    allowed: false,
    subjectKind: 'Token',
    subject: 'off',
    resource: null,
    reason: 'the token is revoked',
    grants: [{ state: 'Revoked', active: false, binding: 'token/off' }],
  });
});

describe('of a store', () => {
  test('answers for now, for a time to come, and for what was', async () => {
    const at = await desk();
    writeFileSync(join(at.cwd, 'org.yaml'), ORG.replace('subjects: [{name: bo}, ', 'subjects: ['));
    expect(await at.iam('apply -f org.yaml -q', { now: LATER })).toMatchObject({ exit: 0 });
    const ask = (more = '') => at.iam(`can-i bo source-admin -n acme${more}`, { now: LATER });
    expect((await ask()).stdout).toContain('through groups staff > analysts');
    expect(await ask(' --at 2027-01-30')).toMatchObject({ exit: 0 });
    expect(await ask(' --at 2027-01-31')).toMatchObject({
      exit: 1,
      stdout:
        'no: bo cannot act as source-admin on the whole workspace acme, at 2027-01-31\n  00:00 UTC\n' +
        '  ended at 2027-01-31 00:00 UTC, by binding admins\n',
    });
    expect((await ask(' --at 2026-11-25')).stdout).toContain('by binding direct\n');
    expect((await ask(' --at 2026-11-26T12:00:00Z')).stdout).toContain('binding admins');
    expect(await ask(' --at 2026-11-24')).toMatchObject({
      exit: 4,
      stderr:
        'error RC126: there was nothing yet at 2026-11-24 00:00 UTC\n  the first apply was at 2026-11-24 12:00 UTC\n',
    });
  });

  test('with -f answers what an apply would give, also one that would be refused', async () => {
    const at = await desk();
    writeFileSync(
      join(at.cwd, 'more.yaml'),
      user('new') + bound('new', 'source-admin', '{name: new}', '{type: Workspace}'),
    );
    const asked = await at.iam('can-i new source-admin -n acme -f more.yaml');
    expect(asked).toMatchObject({ exit: 0, stderr: '' });
    expect(await at.iam('can-i new source-admin -n acme')).toMatchObject({ exit: 4 });
    const refused = await at.iam('can-i bo source-admin -n acme -f org.yaml --manager other', {});
    expect(refused).toMatchObject({ exit: 0, stderr: '' });
    writeFileSync(join(at.cwd, 'other.yaml'), user('bo', ', type: Service'));
    const denied = await at.iam('can-i bo source-admin -n acme -f other.yaml --manager other');
    expect(denied).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^yes: bo /) });
    expect(denied.stderr).toMatch(
      /^warning RC210: this plan would be refused: User bo is managed by "default" and differs here/,
    );
    expect(denied.stderr.match(/warning/g)).toHaveLength(1);
  });
});

describe('failures end with 4 or more', () => {
  const failing = (words: string, problems: string) =>
    test(words, async () => {
      const { iam } = await desk(ORG, { store: false });
      expect(await iam(`can-i ${words} -f org.yaml`)).toMatchObject({
        exit: 4,
        stdout: '',
        stderr: `${dedent(problems).trimEnd()}\n`,
      });
    });

  failing(
    'ana source-admin',
    `
    error RC121: a role is held in a workspace: which one?
      name it with -n`,
  );
  failing(
    'an source-admn -n acm',
    `
    error RC126: there is no Role "source-admn"
      did you mean "source-admin"?
    error RC126: there is no User "an"
      did you mean "ana"?
    error RC126: there is no workspace "acm"
      did you mean "acme"?`,
  );
  failing(
    'token/cii source-admin -n acme',
    `
    error RC126: there is no Token "cii" in workspace acme
      did you mean "ci"?`,
  );
  for (const bad of ['Source', 'source/x', 'Source/', '/x'])
    failing(
      `ana source-admin -n acme --resource ${bad}`,
      `
      error RC121: --resource cannot be "${bad}"
        TYPE/ID, such as Source/website`,
    );
  failing(
    'ana source-admin -n acme --resource Workspace/acme',
    `
    error RC121: --resource cannot be "Workspace/acme"
      the whole workspace is meant where there is no --resource`,
  );
  for (const bad of ['environment', 'environment=', '=prod', 'a=b,'])
    failing(
      `ana source-admin -n acme --resource-labels ${bad}`,
      `
        error RC121: --resource-labels cannot be "${bad}"
          k=v, joined by commas, such as environment=prod,tier=gold`,
    );
  failing(
    'ana source-admin -n acme --resource-labels a=b,a=c',
    `
    error RC121: --resource-labels cannot be "a=b,a=c"
      a resource has one value of a`,
  );
  failing(
    'ana source-admin -n acme --at 2026-11-01',
    `
    error RC121: --at 2026-11-01 is past: a plan of files cannot have been applied then
      leave --at or -f out`,
  );
  failing(
    'ana source-admin -n acme --at tomorrow',
    `
    error RC121: --at cannot be "tomorrow"
      a date, or an RFC 3339 time such as 2027-01-31T18:00:00Z`,
  );

  test('no store, and files with a mistake', async () => {
    const { iam, cwd } = await desk('kind: Nonsense\n', { store: false });
    expect(await iam('can-i ana source-admin -n acme')).toMatchObject({
      exit: 4,
      stderr: 'error RC401: no store at .iam/iam.db\n  the first iam apply creates it\n',
    });
    expect(await iam('can-i ana source-admin -n acme -f org.yaml')).toMatchObject({ exit: 4 });
    expect(await runIam(['can-i', 'ana'], { cwd })).toMatchObject({ exit: 4 });
  });

  test('a past that was redacted', async () => {
    const { iam, cwd } = await desk();
    writeFileSync(join(cwd, 'org.yaml'), ORG.replace('{name: bo}, {name: dee}', '{name: dee}'));
    expect(await iam('apply -f org.yaml -q', { now: LATER })).toMatchObject({ exit: 0 });
    const database = new DatabaseSync(join(cwd, '.iam/iam.db'));
    database.exec("UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE action = 'update'");
    database.close();
    const asked = await iam('can-i bo source-admin -n acme --at 2026-11-25', { now: LATER });
    expect(asked).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: expect.stringMatching(
        /^error RC408: what RoleBinding acme\/direct was at revision 1 cannot be told: audit row \d+ is redacted\n/,
      ),
    });
    expect(await iam('why bo --at 2026-11-25', { now: LATER })).toMatchObject({ exit: 1 });
  });

  test('a store that fails, and what nobody expects', async () => {
    const { iam, cwd } = await desk();
    const file = join(cwd, '.iam/iam.db');
    writeFileSync(file, 'not a database at all, but long enough to be looked at'.repeat(100));
    const spoilt = await iam('can-i ana source-admin -n acme -o json');
    expect(spoilt.exit).toBeGreaterThanOrEqual(4);
    expect(JSON.parse(spoilt.stderr)).toMatchObject({ kind: 'ProblemList', items: [{ severity: 'error' }] });
    rmSync(file);
    mkdirSync(file);
    expect((await iam('can-i ana source-admin -n acme')).exit).toBeGreaterThanOrEqual(4);
    const clock = () => {
      throw new Error('no clock');
    };
    expect(await iam('can-i ana source-admin -n acme', { now: clock })).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/^error RC408: unexpected: no clock\n/),
    });
  });
});

test('colours only where they are wanted', async () => {
  const { iam } = await desk();
  const told = async (who: string) =>
    (await iam(`can-i ${who} source-admin -n acme`, { colour: true })).stdout.split(' can')[0];
  expect(await told('ana')).toBe('\u001b[32myes\u001b[39m: ana');
  expect(await told('eli')).toBe('\u001b[31mno\u001b[39m: eli');
});
