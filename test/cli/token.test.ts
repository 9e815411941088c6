import { chmodSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { idOfSecret } from '../../src/engine/secret-text.ts';
import { tokenDesk } from '../support/token-desk.ts';

const SINK = '.iam/secrets/ci/deploy';
const DELIVERED = 'deliverTo: {file: ci/deploy}';
const ROTATED = `${DELIVERED}, rotation: {every: 90d, overlap: 24h}`;

describe('the life of a token', () => {
  test('from its first secret to its end', async () => {
    const desk = tokenDesk();
    desk.at('2026-06-01T00:00:00Z');
    const { stdout, stderr } = await desk.apply(`${ROTATED}, expiresAt: 2027-06-01`);
    const first = desk.text(SINK) ?? '';
    const firstId = idOfSecret(first.trim());
    expect(first).toMatch(/^rct_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\n$/);
    expect(stdout).toContain(`issued secret ${firstId} of Token acme/ci to ${SINK}\n`);
    expect(stderr).toContain(
      'home/.config/rolecall/pepper: without it no secret can be verified; keep a copy',
    );
    expect(statSync(join(desk.folder, SINK)).mode & 0o777).toBe(0o600);
    expect(statSync(join(desk.folder, '.iam/secrets/ci')).mode & 0o777).toBe(0o700);
    expect(await desk.verify(first)).toBe('0 valid: Token acme/ci, until 2027-06-01 00:00 UTC');

    // What is in order stays so.
    const again = await desk.iam('apply -f access --prune');
    expect(again.stdout).toBe('Nothing to do: 5 resources as declared (revision 1).\n');
    expect(desk.text(SINK)).toBe(first);

    // A rotation by schedule: to the millisecond, with an overlap.
    desk.at('2026-08-29T23:59:59.999Z');
    await desk.iam('apply -f access --prune');
    expect(desk.text(SINK)).toBe(first);
    desk.at('2026-08-30T00:00:00Z');
    const rotation = await desk.iam('apply -f access --prune');
    const second = desk.text(SINK) ?? '';
    expect(second).not.toBe(first);
    expect(rotation.stdout).toContain(
      `issued secret ${idOfSecret(second.trim())} of Token acme/ci to ${SINK}; the one\n  before (${firstId}) is valid until 2026-08-31 00:00 UTC\n`,
    );
    desk.at('2026-08-30T23:59:59.999Z');
    expect(await desk.verify(first)).toBe('0 valid: Token acme/ci, until 2026-08-31 00:00 UTC');
    expect(await desk.verify(second)).toBe('0 valid: Token acme/ci, until 2027-06-01 00:00 UTC');
    desk.at('2026-08-31T00:00:00Z');
    expect(await desk.verify(first)).toBe(
      '1 not valid: Token acme/ci: the secret was replaced, and valid until 2026-08-31',
    );
    expect(await desk.verify(second)).toBe('0 valid: Token acme/ci, until 2027-06-01 00:00 UTC');

    // By command, to another file.
    const byHand = await desk.iam('token rotate ci -n acme --to ../mine --reason INC-1 --as ana', {
      cwd: join(desk.folder, 'access'),
      env: { IAM_STORE: `sqlite:${join(desk.folder, '.iam/iam.db')}` },
    });
    expect(byHand.stderr).toBe('');
    const third = desk.text('mine') ?? '';
    expect(await desk.verify(third)).toBe('0 valid: Token acme/ci, until 2027-06-01 00:00 UTC');
    expect(await desk.verify(second)).toBe('0 valid: Token acme/ci, until 2026-09-01 00:00 UTC');
    expect(desk.text(SINK)).toBe(second);

    // Revoked: both generations, at once and for good.
    const revoked = await desk.iam('token revoke ci -n acme --reason leaked');
    expect(revoked.stdout.split('\n')[0]).toBe('updated Token acme/ci');
    for (const secret of [second, third])
      expect(await desk.verify(secret)).toBe(
        '1 not valid: Token acme/ci: the secret was revoked at 2026-08-31 00:00 UTC',
      );
    const noMore = await desk.iam('token rotate ci -n acme');
    expect([noMore.exit, noMore.stderr.split('\n')[0]]).toEqual([
      4,
      'error RC511: Token acme/ci is revoked: no secret of it would be valid',
    ]);
    await desk.apply(ROTATED);
    for (const secret of [second, third]) expect((await desk.verify(secret)).slice(0, 1)).toBe('1');
    expect(desk.text(SINK)).toBe(second);
    await desk.iam('token rotate ci -n acme');
    const fourth = desk.text(SINK) ?? '';
    expect(await desk.verify(fourth)).toBe('0 valid: Token acme/ci, without an end');

    // Whoever answers for it.
    await desk.iam('suspend bo --reason gone');
    expect(await desk.verify(fourth)).toBe(
      '1 not valid: Token acme/ci: bo, who answers for the token, is suspended',
    );

    // Gone, and its file with it; what others put there since stays.
    writeFileSync(join(desk.folder, 'mine'), 'not a secret\n');
    const gone = await desk.apply(undefined);
    expect(gone.stderr).toContain(`removed ${SINK}, whose token is gone`);
    expect(desk.text(SINK)).toBe(undefined);
    expect(desk.text('mine')).toBe('not a secret\n');
    expect(await desk.verify(fourth)).toBe('1 not valid: Token acme/ci: the token is gone');

    const { stdout: rows } = await desk.iam('history --audit -o jsonl');
    const actions = rows
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { action: string })
      .map(({ action }) => action)
      .filter((action) => ['issue', 'rotate', 'revoke'].includes(action));
    expect(actions).toEqual(['issue', 'rotate', 'rotate', 'revoke', 'revoke', 'revoke', 'rotate', 'revoke']);
  });

  test('on the real clock an access ends with its millisecond', async () => {
    const desk = tokenDesk();
    const end = Date.now() + 1500;
    await desk.apply(`${DELIVERED}, expiresAt: ${new Date(end).toISOString()}`, { now: () => Date.now() });
    const secret = desk.text(SINK) ?? '';
    const verify = async () =>
      (await desk.iam('token verify', { stdin: secret, now: () => Date.now() })).exit;
    const seen: [before: number, exit: number, after: number][] = [];
    while (Date.now() < end + 100) seen.push([Date.now(), await verify(), Date.now()]);
    for (const [before, exit, after] of seen) {
      if (after < end) expect(exit).toBe(0);
      if (before >= end) expect(exit).toBe(1);
    }
    expect(seen.some(([, exit]) => exit === 0) && seen.some(([, exit]) => exit === 1)).toBe(true);
  });

  test('deleted, made again: the secret before is of another token', async () => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    const first = desk.text(SINK) ?? '';
    await desk.iam('delete token ci -n acme');
    expect(desk.text(SINK)).toBe(undefined);
    await desk.apply(DELIVERED);
    expect(await desk.verify(first)).toBe('1 not valid: Token acme/ci: the token is gone');
    expect(await desk.verify(desk.text(SINK))).toBe('0 valid: Token acme/ci, without an end');
  });

  test('another file in its manifest: a new secret there, the one before for its overlap', async () => {
    const desk = tokenDesk();
    await desk.apply(ROTATED);
    const first = desk.text(SINK) ?? '';
    const moved = await desk.apply(ROTATED.replace('ci/deploy', 'ci/other'));
    expect(moved.stdout).toContain('to .iam/secrets/ci/other; the one\n  before');
    expect((await desk.verify(first)).slice(0, 1)).toBe('0');
    expect((await desk.verify(desk.text('.iam/secrets/ci/other'))).slice(0, 1)).toBe('0');
    expect((await desk.iam('apply -f access --prune')).stdout).toMatch(/^Nothing to do/);
  });

  test('without deliverTo no secret is issued, until somebody asks for one', async () => {
    const desk = tokenDesk();
    const { stdout } = await desk.apply('revoked: false');
    expect(stdout).not.toContain('secret');
    const nowhere = await desk.iam('token rotate ci -n acme');
    expect([nowhere.exit, nowhere.stderr]).toEqual([
      4,
      'error RC511: Token acme/ci does not say where its secret goes\n  give it deliverTo: {file: …}, or name a file with --to\n',
    ]);
    const { stdout: issued } = await desk.iam('token rotate ci -n acme --to key -o json');
    const id = idOfSecret(desk.text('key')?.trim() ?? '');
    expect(JSON.parse(issued)).toEqual({
      kind: 'Secret',
      namespace: 'acme',
      name: 'ci',
      id,
      path: join(desk.folder, 'key'),
      follows: null,
      overlapsUntil: null,
    });
    const shown = await desk.iam('token rotate ci -n acme --to \u202ekey');
    expect(shown.stdout).toMatch(
      /^issued secret \w{12} of Token acme\/ci to \\u202ekey; the one before\n {2}\(/,
    );
    await desk.iam('token rotate ci -n acme --to key');
    // Without a rotation the one before ends at once.
    const first = desk.text('key') ?? '';
    await desk.iam('token rotate ci -n acme --to key');
    expect((await desk.verify(first)).slice(0, 1)).toBe('1');
    expect((await desk.verify(desk.text('key'))).slice(0, 1)).toBe('0');
  });

  test('a Secret of a cluster is left to the operator', async () => {
    const desk = tokenDesk();
    const { stdout } = await desk.apply('deliverTo: {secret: {name: ci, key: token}}');
    expect(stdout).not.toContain('issued');
    const { exit, stderr } = await desk.iam('token rotate ci -n acme');
    expect([exit, stderr]).toEqual([
      4,
      'error RC511: Token acme/ci is delivered to a Secret of a cluster, by the operator\n  name a file with --to\n',
    ]);
  });
});

describe('verify', () => {
  test('says workspace, role, scope and end, as text and as JSON', async () => {
    const desk = tokenDesk();
    await desk.apply(`${DELIVERED}, expiresAt: 2027-06-01T00:00:00Z`);
    const secret = desk.text(SINK) ?? '';
    const id = idOfSecret(secret.trim());
    const { stdout } = await desk.iam('token verify ci -n acme', { stdin: secret });
    expect(stdout).toBe(
      `valid: Token acme/ci, until 2027-06-01 00:00 UTC\n  secret ${id}, owner bo\n  workspace-member on the whole workspace, until 2027-06-01 00:00 UTC\n`,
    );
    const { stdout: json } = await desk.iam('token verify -o json', { stdin: secret });
    expect(JSON.parse(json)).toMatchObject({
      kind: 'Verification',
      valid: true,
      reason: '',
      workspace: 'acme',
      token: 'ci',
      owner: 'bo',
      secret: id,
      until: '2027-06-01T00:00:00Z',
      grants: [{ role: 'workspace-member', scope: 'Workspace', expiresAt: '2027-06-01T00:00:00Z' }],
    });
  });

  test.each([
    ['of another form', 'nonsense'],
    ['with a letter changed', ''],
    ['never issued', `rct_${'0'.repeat(12)}_`],
  ])('a secret %s is unknown, and no more is said', async (_, given) => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    const secret = (desk.text(SINK) ?? '').trim();
    const wrong = given === '' ? secret.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')) : given;
    const { exit, stdout, stderr } = await desk.iam('token verify', { stdin: wrong });
    expect([exit, stdout, stderr]).toEqual([1, 'not valid: no such secret was issued\n', '']);
  });

  test('the secret of another token is unknown where one is asked for', async () => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    const secret = desk.text(SINK) ?? '';
    expect(await desk.verify(secret, ' ci -n acme')).toBe('0 valid: Token acme/ci, without an end');
    expect(await desk.verify(secret, ' other -n acme')).toBe('1 not valid: no such secret was issued');
    expect(await desk.verify(secret, ' ci')).toBe('4 error RC121: a Token is in a workspace: which one?');
  });

  test('what keeps a token from giving anything keeps its secret from being valid', async () => {
    const desk = tokenDesk();
    desk.at('2026-06-01T12:00:00Z');
    await desk.apply(`${DELIVERED}, notBefore: 2026-07-01, expiresAt: 2026-08-01`);
    const secret = desk.text(SINK) ?? '';
    const expected = [
      [
        '2026-06-30T23:59:59.999Z',
        '1 not valid: Token acme/ci: begins at 2026-07-01 00:00 UTC, by the role of the',
      ],
      ['2026-07-01T00:00:00Z', '0 valid: Token acme/ci, until 2026-08-01 00:00 UTC'],
      ['2026-07-31T23:59:59.999Z', '0 valid: Token acme/ci, until 2026-08-01 00:00 UTC'],
      ['2026-08-01T00:00:00Z', '1 not valid: Token acme/ci: their own time ended at 2026-08-01 00:00 UTC'],
    ] as const;
    for (const [time, said] of expected) {
      desk.at(time);
      expect(await desk.verify(secret), time).toBe(said);
    }
  });

  test('a secret is never taken from the command line, and nothing on stdin is no answer', async () => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    const { exit, stderr } = await desk.iam('token verify', { stdin: '' });
    expect([exit, stderr.split('\n')[0]]).toEqual([4, 'error RC121: no secret on stdin']);
    const long = await desk.iam('token verify', { stdin: 'x'.repeat(5000) });
    expect([long.exit, long.stderr.includes('xxx')]).toEqual([4, false]);
  });

  test('without the pepper, or the store, it is no answer either', async () => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    const secret = desk.text(SINK) ?? '';
    const empty = await desk.iam('token verify', { stdin: secret, env: { HOME: '/nonexistent' } });
    expect([empty.exit, empty.stderr.split(':')[0]]).toEqual([4, 'error RC501']);
    const other = await desk.iam('token verify', {
      stdin: secret,
      env: { IAM_PEPPER: `other:${Buffer.alloc(32, 7).toString('base64')}` },
    });
    expect([other.exit, other.stderr.split(':')[0]]).toEqual([4, 'error RC502']);
    const none = await desk.iam('token verify --store sqlite:none.db', { stdin: secret });
    expect([none.exit, none.stderr.split(':')[0]]).toEqual([4, 'error RC401']);
  });

  test('an older pepper verifies, a newer one issues', async () => {
    const [one, two] = [1, 2].map((n) => `p${n}:${Buffer.alloc(32, n).toString('base64')}`);
    const desk = tokenDesk();
    await desk.apply(ROTATED, { env: { IAM_PEPPER: one ?? '' } });
    const secret = desk.text(SINK) ?? '';
    const both = { IAM_PEPPER: `${two},${one}` };
    expect((await desk.iam('token verify', { stdin: secret, env: both })).exit).toBe(0);
    await desk.iam('token rotate ci -n acme', { env: both });
    expect(
      (await desk.iam('token verify', { stdin: desk.text(SINK) ?? '', env: { IAM_PEPPER: two ?? '' } })).exit,
    ).toBe(0);
    expect((await desk.iam('token verify', { stdin: secret, env: { IAM_PEPPER: two ?? '' } })).exit).toBe(4);
    expect(desk.text('home/.config/rolecall/pepper')).toBe(undefined);
  });
});

describe('a sink that cannot be used: nothing is applied, nothing issued', () => {
  const refused = async (prepare: (folder: string) => void, env: Record<string, string> = {}) => {
    const desk = tokenDesk(env);
    await desk.apply(undefined);
    prepare(desk.folder);
    await expect(desk.apply(DELIVERED)).rejects.toThrow();
    const ran = await desk.iam('apply -f access --prune');
    expect((await desk.iam('get tokens -o name')).stdout).toBe('');
    expect((await desk.iam('history --audit -o jsonl')).stdout).not.toContain('"issue"');
    return `${ran.exit} ${ran.stderr.split('\n')[0]?.replaceAll(desk.folder, '…')}`;
  };
  const secrets = (folder: string) => join(folder, '.iam/secrets');

  test('a foreign file', async () => {
    const said = await refused((folder) => {
      mkdirSync(join(secrets(folder), 'ci'), { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, SINK), 'keep me\n');
    });
    expect(said).toBe(
      '1 error RC506: Token acme/ci: .iam/secrets/ci/deploy exists, and does not hold a secret of this token',
    );
  });

  test('a symbolic link', async () => {
    const said = await refused((folder) => {
      mkdirSync(secrets(folder), { mode: 0o700 });
      mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
      symlinkSync(join(folder, 'elsewhere'), join(secrets(folder), 'ci'));
    });
    expect(said).toBe('1 error RC505: Token acme/ci: .iam/secrets/ci is a symbolic link');
  });

  test('a folder that others can look into', async () => {
    const said = await refused((folder) => {
      mkdirSync(secrets(folder));
      chmodSync(secrets(folder), 0o755);
    });
    expect(said).toBe('1 error RC507: Token acme/ci: .iam/secrets is open to others, and is to hold secrets');
  });

  test('CI without --secrets-dir', async () => {
    expect(await refused(() => {}, { CI: 'true' })).toBe(
      '4 error RC504: in CI no secret is written to .iam/secrets, which goes with the job',
    );
  });

  test('the same file for two tokens', async () => {
    const desk = tokenDesk();
    writeFileSync(
      join(desk.folder, 'access/other.yaml'),
      'apiVersion: rolecall.dev/v1alpha1\nkind: Token\nmetadata: {name: other, namespace: acme}\nspec: {description: X, role: workspace-member, owner: bo, deliverTo: {file: ci/deploy}}\n',
    );
    await expect(desk.apply(DELIVERED)).rejects.toThrow(
      'RC506: Token acme/other: .iam/secrets/ci/deploy is the sink of Token acme/ci too',
    );
    expect(desk.text('.iam/iam.db')).toBe(undefined);
  });

  test('in CI no key file is made, and nothing is applied without a pepper', async () => {
    const desk = tokenDesk({ CI: 'true' });
    await expect(desk.apply(DELIVERED, { env: { CI: 'true' } })).rejects.toThrow('RC504');
    const ran = await desk.iam('apply -f access --prune --secrets-dir out');
    expect([ran.exit, ran.stderr.split('\n')[0]]).toEqual([
      4,
      'error RC501: IAM_PEPPER is not set, and in CI no key file is made; set it once for all runs, and keep it: secrets are checked with it',
    ]);
    expect(desk.text('.iam/iam.db')).toBe(undefined);
    const pepper = { IAM_PEPPER: `ci:${Buffer.alloc(32, 3).toString('base64')}` };
    const done = await desk.iam('apply -f access --prune --secrets-dir out', { env: pepper });
    expect(done.exit).toBe(0);
    expect(idOfSecret(desk.text('out/ci/deploy')?.trim() ?? '')).toBeDefined();
  });

  test('what takes access away is kept from it by no sink', async () => {
    const desk = tokenDesk();
    desk.at('2026-06-01T00:00:00Z');
    await desk.apply(ROTATED);
    desk.at('2026-12-01T00:00:00Z');
    chmodSync(secrets(desk.folder), 0o755);
    expect((await desk.iam('apply -f access --prune')).exit).toBe(1);
    expect((await desk.iam('suspend bo --reason gone')).exit).toBe(0);
    expect((await desk.iam('token revoke ci -n acme --reason leak')).exit).toBe(0);
    expect((await desk.iam('delete token ci -n acme')).exit).toBe(0);
  });
});

describe('whose tokens an apply looks after', () => {
  const USER = `apiVersion: rolecall.dev/v1alpha1
kind: User
metadata: {name: new}
spec: {email: new@acme.example}
`;

  test("another manager's apply rotates nothing, wherever it runs", async () => {
    const desk = tokenDesk();
    desk.at('2026-06-01T00:00:00Z');
    await desk.apply(ROTATED);
    const first = desk.text(SINK);
    writeFileSync(join(desk.folder, 'idp.yaml'), USER);
    desk.at('2026-12-01T00:00:00Z');
    const idp = await desk.iam('apply -f idp.yaml --manager idp', { env: { CI: 'true' } });
    expect([idp.exit, idp.stdout.includes('issued')]).toEqual([0, false]);
    expect(desk.text(SINK)).toBe(first);
    expect((await desk.iam('plan -f idp.yaml --manager idp')).stdout).not.toContain('Secrets');
    expect((await desk.iam('apply -f access --prune')).stdout).toContain('issued secret');
  });

  test('-n narrows it to a workspace', async () => {
    const desk = tokenDesk();
    desk.at('2026-06-01T00:00:00Z');
    await desk.apply(ROTATED);
    writeFileSync(
      join(desk.folder, 'access/lab.yaml'),
      'apiVersion: rolecall.dev/v1alpha1\nkind: Workspace\nmetadata: {name: lab}\nspec: {displayName: Lab}\n',
    );
    desk.at('2026-12-01T00:00:00Z');
    expect((await desk.iam('apply -f access -n lab')).stdout).not.toContain('issued');
    const planned = await desk.iam('plan -f access --exit-code');
    expect([planned.exit, planned.stdout.includes('its rotation is due')]).toEqual([2, true]);
    expect((await desk.iam('apply -f access -n acme')).stdout).toContain('issued');
    expect((await desk.iam('plan -f access --exit-code')).exit).toBe(0);
  });

  test('--keep-going leaves out the secret whose file cannot be used, and does the rest', async () => {
    const desk = tokenDesk();
    await desk.apply(undefined);
    mkdirSync(join(desk.folder, '.iam/secrets/ci'), { recursive: true, mode: 0o700 });
    chmodSync(join(desk.folder, '.iam/secrets'), 0o700);
    writeFileSync(join(desk.folder, SINK), 'keep me\n');
    writeFileSync(join(desk.folder, 'access/new.yaml'), USER);
    const token = (name: string, file: string) =>
      `apiVersion: rolecall.dev/v1alpha1\nkind: Token\nmetadata: {name: ${name}, namespace: acme}\nspec: {description: X, role: workspace-member, owner: bo, deliverTo: {file: ${file}}}\n`;
    writeFileSync(
      join(desk.folder, 'access/token.yaml'),
      `${token('ci', 'ci/deploy')}---\n${token('other', 'ci/other')}`,
    );
    const ran = await desk.iam('apply -f access --keep-going');
    expect([ran.exit, ran.stderr.split('\n').find((line) => line.includes('RC506'))]).toEqual([
      6,
      'error RC506: Token acme/ci: .iam/secrets/ci/deploy exists, and does not hold a secret of this token',
    ]);
    expect(ran.stdout).toContain('created User new');
    expect(ran.stdout).toContain('of Token acme/other');
    expect(desk.text(SINK)).toBe('keep me\n');
  });

  test('a file that cannot be removed keeps nobody from anything, and is told until it can', async () => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    // In its place stands what is no file, so that it can be neither read nor removed.
    const folder = join(desk.folder, '.iam/secrets/ci');
    renameSync(folder, join(desk.folder, 'away'));
    symlinkSync('/proc/1/nowhere', folder);
    const deleted = await desk.iam('delete token ci -n acme');
    expect(deleted.exit).toBe(0);
    expect((await desk.iam('suspend bo --reason gone')).exit).toBe(0);
  });

  test('who rotated, revoked and deleted is told, also where nobody is named', async () => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    await desk.iam('token rotate ci -n acme --manager oncall');
    await desk.iam('token revoke ci -n acme --manager oncall --reason leak');
    const { stdout } = await desk.iam('history --audit -o jsonl');
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { action: string; after: string | null })
      .filter(({ action }) => ['issue', 'rotate', 'revoke'].includes(action))
      .map(({ action, after }) => `${action} ${JSON.parse(after ?? '{}').manager}`);
    expect(told).toEqual(['issue default', 'rotate oncall', 'revoke oncall', 'revoke oncall']);
    expect((await desk.iam('get tokens -n acme -o name')).stdout).toBe('ci\n');
    expect((await desk.iam('history')).stdout).toContain('manager:oncall');
  });
});

describe('wrong usage', () => {
  test.each([
    ['token', 'error RC121: iam token does what?'],
    ['token rotat', 'error RC121: iam token cannot "rotat"'],
    ['token rotate', "error RC121: missing required argument 'name'"],
    ['token rotate ci', 'error RC121: a Token is in a workspace: which one?'],
    ['token revoke ci -n nowhere', 'error RC126: there is no workspace "nowhere"'],
    ['token rotate no -n acme', 'error RC126: there is no Token "no" in workspace acme'],
  ])('%s', async (words, said) => {
    const desk = tokenDesk();
    await desk.apply(DELIVERED);
    const { exit, stderr } = await desk.iam(words);
    expect([exit, stderr.split('\n')[0]]).toEqual([4, said]);
  });
});
