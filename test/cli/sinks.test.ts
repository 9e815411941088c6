import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sinkProblem } from '../../src/cli/sinks-check.ts';
import { EXIT } from '../../src/core/problem.ts';
import { newSecret } from '../../src/engine/secret-text.ts';
import { readTree, temporaryFolder } from '../support/folder.ts';
import {
  deliver,
  failureOf,
  isOurs,
  issue,
  listing,
  mode,
  newPlace,
  put,
  SECRET_PROCESS,
  wrong,
} from '../support/sink-place.ts';

const isRoot = process.getuid?.() === 0;
const PATH = process.env.PATH;

describe('a declared sink', () => {
  test('gets the secret and a line break, 0600 in folders of 0700, in an .iam that git ignores', async () => {
    const place = newPlace();
    const { text, id } = await deliver(place.sink);
    expect(readTree(place.cwd)).toEqual({
      '.iam/.gitignore': '*\n',
      '.iam/secrets/ci/deploy': `${text}\n`,
    });
    expect(mode(place.path('.iam/secrets/ci/deploy'))).toBe(0o600);
    for (const folder of ['.iam', '.iam/secrets', '.iam/secrets/ci'])
      expect(mode(place.path(folder))).toBe(0o700);
    expect(await place.sink.holds()).toBe(id);
    expect(await place.sink.staged()).toEqual([]);
  });

  test('holds its secret until another is placed, which waits beside it', async () => {
    const place = newPlace();
    const first = await deliver(place.sink);
    const second = issue();
    await place.sink.stage(second, isOurs);
    expect(await place.sink.holds()).toBe(first.id);
    const waiting = place.path('.iam/secrets/ci', `.deploy.${second.id}.tmp`);
    expect(readFileSync(waiting, 'utf8')).toBe(`${second.text}\n`);
    expect(mode(waiting)).toBe(0o600);
    expect(await place.sink.staged()).toMatchObject([{ id: second.id, isWhole: true }]);
    await place.sink.place(second.id, isOurs);
    expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': `${second.text}\n` });
    await place.sink.place(second.id, isOurs);
    await place.sink.drop(second.id);
    expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': `${second.text}\n` });
  });

  test('is as it was once what waits is dropped', async () => {
    const place = newPlace();
    const first = await deliver(place.sink);
    const second = issue();
    await place.sink.stage(second, isOurs);
    await place.sink.drop(second.id);
    await place.sink.drop(second.id);
    expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': `${first.text}\n` });
    expect(await failureOf(() => place.sink.place(second.id, isOurs))).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC509', message: expect.stringMatching(/tmp does not hold the secret any more$/) }],
    });
  });

  test('is below --secrets-dir, which may be anywhere', async () => {
    const secretsDir = path.join(temporaryFolder(), 'deep/secrets');
    const place = newPlace({ secretsDir });
    const { text } = await deliver(place.declared('ci/deploy'));
    expect(readTree(secretsDir)).toEqual({ 'ci/deploy': `${text}\n` });
    expect(mode(secretsDir)).toBe(0o700);
    expect(listing(place.cwd)).toEqual([]);
  });

  test.each(['true', '1', 'woodpecker'])('is none in CI (%j) without --secrets-dir', async (CI) => {
    expect(await failureOf(() => newPlace({ env: { PATH, CI } }).declared('ci'))).toMatchObject({
      exit: EXIT.invalid,
      problems: [{ code: 'RC504', hint: expect.stringContaining('--secrets-dir') }],
    });
    const place = newPlace({ env: { PATH, CI }, secretsDir: 'secrets' });
    expect(place.declared('ci').path).toBe(place.path('secrets/ci'));
    expect(newPlace({ env: { PATH, CI: 'false' } }).declared('ci')).toBeDefined();
  });

  test.each(['../a', 'a/../../b', 'a/..', '..', '.', './a', '/a', 'a/', 'a//b', '', 'a\\b', 'a\0b', 'a\nb'])(
    'has no path that leads elsewhere: %j',
    async (file) => {
      expect(await failureOf(() => newPlace().declared(file))).toMatchObject({
        exit: EXIT.invalid,
        problems: [{ code: 'RC505' }],
      });
    },
  );

  test('that is made up is refused when it is not below its folder', () => {
    const { cwd, path: at } = newPlace();
    for (const file of ['a', '.iam/secrets', '.iam/secrets-not', '.iam/secrets/../a'])
      expect(
        sinkProblem({ file: at(file), folder: at('.iam/secrets') }, isOurs, { cwd, env: { PATH } }),
      ).toMatchObject({ code: 'RC505', message: `${path.join(file)} is not below .iam/secrets` });
  });

  test('is refused behind a symbolic link, be it to a folder or the file, and nothing is written through it', async () => {
    const elsewhere = temporaryFolder({ 'deploy/.keep': '' });
    chmodSync(path.join(elsewhere, 'deploy'), 0o700);
    for (const [link, folder] of [
      ['.iam/secrets', '.iam'],
      ['.iam/secrets/ci', '.iam/secrets'],
      ['.iam/secrets/ci/deploy', '.iam/secrets/ci'],
    ] as const) {
      for (const target of [elsewhere, 'nowhere', path.join(elsewhere, 'deploy')]) {
        const place = newPlace();
        mkdirSync(place.path(folder), { recursive: true, mode: 0o700 });
        symlinkSync(target, place.path(link));
        expect((await wrong(place)).said).toBe(`RC505 ${link} is a symbolic link`);
        expect((await failureOf(() => place.sink.stage(issue(), isOurs))).problems).toMatchObject([
          { code: expect.stringMatching(/^RC50[59]$/) },
        ]);
      }
    }
    expect(listing(elsewhere)).toEqual(['deploy', 'deploy/.keep']);
  });

  test('is refused when somebody else put something there, and that is never touched', async () => {
    const ours = issue();
    const foreign = newSecret();
    const [name, refused] = ['.iam/secrets/ci/deploy', 'exists, and does not hold a secret of this token'];
    for (const text of [
      '',
      'mine\n',
      `${foreign.text}\n`,
      ours.text,
      `${ours.text}\n\n`,
      ` ${ours.text}\n`,
      `${ours.text}\n${ours.text}\n`,
      `${ours.text.slice(0, -1)}${ours.text.endsWith('0') ? '1' : '0'}\n`,
    ]) {
      const place = newPlace();
      put(place.path(name), text);
      expect((await wrong(place)).said).toBe(`RC506 ${name} ${refused}`);
      expect((await failureOf(() => place.sink.stage(issue(), isOurs))).message).toBe(`${name} ${refused}`);
      await place.sink.remove(isOurs);
      expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': text });
    }
    const place = newPlace();
    mkdirSync(place.path(name), { recursive: true, mode: 0o700 });
    expect((await wrong(place)).said).toBe(`RC506 ${name} is not a file`);
    rmSync(place.path(name), { recursive: true });
    expect(spawnSync('sh', ['-c', 'mkfifo "$0"', place.path(name)]).status).toBe(0);
    expect((await wrong(place)).said).toBe(`RC506 ${name} is not a file`);
  });

  test('is not placed where somebody put something while the secret waited', async () => {
    const place = newPlace();
    const secret = issue();
    await place.sink.stage(secret, isOurs);
    writeFileSync(place.sink.path, 'mine\n');
    expect((await failureOf(() => place.sink.place(secret.id, isOurs))).problems).toMatchObject([
      { code: 'RC506' },
    ]);
    expect(readFileSync(place.sink.path, 'utf8')).toBe('mine\n');
    rmSync(place.sink.path);
    await place.sink.place(secret.id, isOurs);
    expect(await place.sink.holds()).toBe(secret.id);
  });

  test('is refused below a folder that others can look into', async () => {
    for (const folder of ['.iam/secrets', '.iam/secrets/ci'])
      for (const open of [0o701, 0o750, 0o755, 0o777]) {
        const place = newPlace();
        mkdirSync(place.path('.iam/secrets/ci'), { recursive: true, mode: 0o700 });
        chmodSync(place.path(folder), open);
        expect(await wrong(place)).toEqual({
          said: `RC507 ${folder} is open to others, and is to hold secrets`,
          hint: `chmod 700 ${folder}`,
        });
      }
  });

  test.skipIf(!isRoot)('is refused below a folder of another user (only root can make one)', async () => {
    for (const folder of ['.iam/secrets', '.iam/secrets/ci']) {
      const place = newPlace();
      mkdirSync(place.path('.iam/secrets/ci'), { recursive: true, mode: 0o700 });
      chownSync(place.path(folder), 65_534, 65_534);
      expect((await wrong(place)).said).toBe(`RC507 ${folder} belongs to another user (uid 65534)`);
    }
  });

  test('is refused where a part of its path is a file', async () => {
    const place = newPlace();
    put(place.path('.iam/secrets/ci'), '');
    expect((await wrong(place)).said).toBe('RC505 .iam/secrets/ci is not a folder');
    rmSync(place.path('.iam'), { recursive: true });
    put(place.path('.iam'), '');
    expect((await wrong(place)).said).toBe(
      'RC509 .iam/secrets/ci/deploy cannot be written: a part of the path is not a folder (ENOTDIR)',
    );
  });

  test('has a name that leaves room for the file beside it', async () => {
    const place = newPlace();
    await deliver(place.declared('a'.repeat(237)));
    expect((await wrong(place, place.declared('a'.repeat(238)))).said).toMatch(
      /^RC509 .* cannot be written: the name is too long \(ENAMETOOLONG\)$/,
    );
  });

  test('is refused in a folder that cannot be written', async (context) => {
    const place = newPlace();
    const folder = place.path('.iam/secrets/ci');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Modes do not bind root, so it is somebody else's process.
    const bound = isRoot ? { uid: 65_534, gid: 65_534, cwd: '/' } : {};
    if (isRoot)
      for (const one of ['.', '.iam', '.iam/secrets', '.iam/secrets/ci'])
        chownSync(place.path(one), 65_534, 65_534);
    const readable = spawnSync(process.execPath, ['--check', SECRET_PROCESS], bound).status === 0;
    context.skip(!readable, 'root may write everywhere, and others may not read this checkout');
    chmodSync(folder, 0o500);
    onTestFinished(() => chmodSync(folder, 0o700));
    const { stderr } = spawnSync(process.execPath, [SECRET_PROCESS, 'issue', place.cwd], {
      encoding: 'utf8',
      ...bound,
    });
    expect(stderr).toContain('Error: .iam/secrets/ci/deploy cannot be written: not permitted (EACCES)');
    expect(listing(place.cwd)).toEqual(['.iam', '.iam/secrets', '.iam/secrets/ci']);
  });
});

describe('a sink that the command line names', () => {
  test('is any file in a folder that others cannot write, which may be behind links', async () => {
    const place = newPlace();
    mkdirSync(place.path('open'), { mode: 0o755 });
    symlinkSync('open', place.path('link'));
    for (const given of ['token', 'open/token', 'link/other', place.path('whole')]) {
      const sink = place.sinks.named(given);
      const { text } = await deliver(sink);
      expect(readFileSync(path.resolve(place.cwd, given), 'utf8')).toBe(`${text}\n`);
      expect(mode(sink.path)).toBe(0o600);
      expect((await deliver(sink)).id).toBe(await sink.holds());
    }
    expect(existsSync(place.path('.iam'))).toBe(false);
  });

  test('is refused where its folder is absent, a file, or open for writing', async () => {
    const place = newPlace();
    put(place.path('file'), '');
    mkdirSync(place.path('shared'));
    const saidOf = (given: string) => wrong(place, place.sinks.named(given));
    expect(await saidOf('no such/token')).toEqual({
      said: 'RC509 the folder no such does not exist',
      hint: "mkdir -p -m 700 'no such'",
    });
    expect((await saidOf('file/token')).said).toBe('RC505 file is not a folder');
    for (const open of [0o770, 0o707, 0o1777]) {
      chmodSync(place.path('shared'), open);
      expect((await saidOf('shared/token')).said).toBe('RC507 shared can be written by others');
    }
    expect((await saidOf('')).said).toBe(`RC507 ${path.dirname(place.cwd)} can be written by others`);
    expect((await saidOf('/dev/null')).said).toBe('RC506 /dev/null is not a file');
  });

  test('is refused when it is a link, or a file with something else', async () => {
    const place = newPlace();
    put(place.path('file'), 'mine\n');
    symlinkSync('file', place.path('link'));
    symlinkSync('nowhere', place.path('dangling'));
    const saidOf = async (given: string) => (await wrong(place, place.sinks.named(given))).said;
    expect(await saidOf('link')).toBe('RC505 link is a symbolic link');
    expect(await saidOf('dangling')).toBe('RC505 dangling is a symbolic link');
    expect(await saidOf('file')).toBe('RC506 file exists, and does not hold a secret of this token');
  });

  test.skipIf(!isRoot)('is refused in a folder of another user (only root can make one)', async () => {
    const place = newPlace();
    mkdirSync(place.path('theirs'), { mode: 0o755 });
    chownSync(place.path('theirs'), 65_534, 65_534);
    expect((await wrong(place, place.sinks.named('theirs/token'))).said).toBe(
      'RC507 theirs belongs to another user (uid 65534)',
    );
  });
});

describe('removing', () => {
  test('takes what the sink holds and what waits beside it, if they are ours', async () => {
    const place = newPlace();
    await deliver(place.sink);
    await place.sink.stage(issue(), isOurs);
    const foreign = newSecret();
    await place.sink.stage(foreign, isOurs);
    for (let times = 0; times < 2; times++) {
      await place.sink.remove(isOurs);
      expect(readTree(place.path('.iam/secrets'))).toEqual({
        [`ci/.deploy.${foreign.id}.tmp`]: `${foreign.text}\n`,
      });
    }
  });

  test('leaves alone what is not there, a link, and the secret of another token', async () => {
    const place = newPlace();
    await place.sink.remove(isOurs);
    expect(await place.sink.holds()).toBeUndefined();
    expect(listing(place.cwd)).toEqual([]);
    const { text } = await deliver(place.sinks.named('real'));
    mkdirSync(path.dirname(place.sink.path), { recursive: true });
    symlinkSync(place.path('real'), place.sink.path);
    expect(await place.sink.holds()).toBeUndefined();
    await place.sink.remove(isOurs);
    await place.sinks.named('real').remove(() => false);
    expect(readFileSync(place.path('real'), 'utf8')).toBe(`${text}\n`);
  });
});

describe('what waits beside a sink', () => {
  test('is told by its name and what is in it, never what another token has there', async () => {
    const place = newPlace();
    const { id, text } = issue();
    const other = newSecret();
    const beside = (name: string, content: string) =>
      put(path.join(path.dirname(place.sink.path), name), content);
    beside(`.deploy.${id}.tmp`, `${text}\n`);
    beside(`.deploy.${newSecret().id}.tmp`, `${other.text}\n`);
    beside('.deploy.000000000001.tmp', text.slice(0, 30));
    beside('.deploy.000000000002.tmp', '');
    beside('.deploy.00000000000.tmp', '');
    beside('.deploy.000000000003.tmp/file', '');
    beside('.deployed.000000000004.tmp', '');
    beside('deploy.000000000005.tmp', '');
    const staged = await place.sink.staged();
    expect(staged.map((each) => [each.id, each.isWhole]).sort()).toEqual(
      [
        [id, true],
        ['000000000001', false],
        ['000000000002', false],
      ].sort(),
    );
    for (const each of staged)
      if (each.isWhole) await place.sink.place(each.id, isOurs);
      else {
        expect((await failureOf(() => place.sink.place(each.id, isOurs))).problems).toMatchObject([
          { code: 'RC509' },
        ]);
        await place.sink.drop(each.id);
      }
    expect(await place.sink.holds()).toBe(id);
    expect(await place.sink.staged()).toEqual([]);
  });
});

test('a file that is moved away and back, or has a second name, is still known by what it holds', async () => {
  const place = newPlace();
  const { id } = await deliver(place.sink);
  renameSync(place.sink.path, place.path('aside'));
  expect(await place.sink.holds()).toBeUndefined();
  linkSync(place.path('aside'), place.sink.path);
  expect(await place.sink.holds()).toBe(id);
  appendFileSync(place.path('aside'), 'more');
  expect(await place.sink.holds()).toBeUndefined();
});
