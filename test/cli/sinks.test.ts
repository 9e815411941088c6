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
  test('gets the secret and a line break, 0600 in folders of 0700, in an .iam that git ignores', () => {
    const place = newPlace();
    const { text, id } = deliver(place, place.sink);
    expect(readTree(place.cwd)).toEqual({
      '.iam/.gitignore': '*\n',
      '.iam/secrets/ci/deploy': `${text}\n`,
    });
    expect(mode(place.path('.iam/secrets/ci/deploy'))).toBe(0o600);
    for (const folder of ['.iam', '.iam/secrets', '.iam/secrets/ci'])
      expect(mode(place.path(folder))).toBe(0o700);
    expect(place.sinks.holds(place.sink)).toBe(id);
    expect(place.sinks.staged(place.sink, isOurs)).toEqual([]);
  });

  test('holds its secret until another is placed, which waits beside it', () => {
    const place = newPlace();
    const first = deliver(place, place.sink);
    const second = issue();
    const staged = place.sinks.stage(place.sink, second, isOurs);
    expect(place.sinks.holds(place.sink)).toBe(first.id);
    const waiting = place.path('.iam/secrets/ci', `.deploy.${second.id}.tmp`);
    expect(readFileSync(waiting, 'utf8')).toBe(`${second.text}\n`);
    expect(mode(waiting)).toBe(0o600);
    expect(place.sinks.staged(place.sink, isOurs)).toMatchObject([{ id: second.id, isWhole: true }]);
    staged.place();
    expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': `${second.text}\n` });
    staged.place();
    staged.drop();
    expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': `${second.text}\n` });
  });

  test('is as it was once what waits is dropped', () => {
    const place = newPlace();
    const first = deliver(place, place.sink);
    const staged = place.sinks.stage(place.sink, issue(), isOurs);
    staged.drop();
    staged.drop();
    expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': `${first.text}\n` });
    expect(failureOf(() => staged.place())).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC509', message: expect.stringMatching(/tmp does not hold the secret any more$/) }],
    });
  });

  test('is below --secrets-dir, which may be anywhere', () => {
    const secretsDir = path.join(temporaryFolder(), 'deep/secrets');
    const place = newPlace({ secretsDir });
    const { text } = deliver(place, place.sinks.declared('ci/deploy'));
    expect(readTree(secretsDir)).toEqual({ 'ci/deploy': `${text}\n` });
    expect(mode(secretsDir)).toBe(0o700);
    expect(listing(place.cwd)).toEqual([]);
  });

  test.each(['true', '1', 'woodpecker'])('is none in CI (%j) without --secrets-dir', (CI) => {
    expect(failureOf(() => newPlace({ env: { PATH, CI } }).sinks.declared('ci'))).toMatchObject({
      exit: EXIT.invalid,
      problems: [{ code: 'RC504', hint: expect.stringContaining('--secrets-dir') }],
    });
    const place = newPlace({ env: { PATH, CI }, secretsDir: 'secrets' });
    expect(place.sinks.declared('ci')).toEqual({
      file: place.path('secrets/ci'),
      folder: place.path('secrets'),
    });
    expect(newPlace({ env: { PATH, CI: 'false' } }).sinks.declared('ci')).toBeDefined();
  });

  test.each(['../a', 'a/../../b', 'a/..', '..', '.', './a', '/a', 'a/', 'a//b', '', 'a\\b', 'a\0b', 'a\nb'])(
    'has no path that leads elsewhere: %j',
    (file) => {
      expect(failureOf(() => newPlace().sinks.declared(file))).toMatchObject({
        exit: EXIT.invalid,
        problems: [{ code: 'RC505' }],
      });
    },
  );

  test('that is made up is refused when it is not below its folder', () => {
    const place = newPlace();
    for (const file of ['a', '.iam/secrets', '.iam/secrets-not', '.iam/secrets/../a'])
      expect(wrong(place, { file: place.path(file), folder: place.path('.iam/secrets') }).said).toBe(
        `RC505 ${path.join(file)} is not below .iam/secrets`,
      );
  });

  test('is refused behind a symbolic link, be it to a folder or the file, and nothing is written through it', () => {
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
        expect(wrong(place).said).toBe(`RC505 ${link} is a symbolic link`);
        expect(failureOf(() => place.sinks.stage(place.sink, issue(), isOurs)).problems).toMatchObject([
          { code: expect.stringMatching(/^RC50[59]$/) },
        ]);
      }
    }
    expect(listing(elsewhere)).toEqual(['deploy', 'deploy/.keep']);
  });

  test('is refused when somebody else put something there, and that is never touched', () => {
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
      expect(wrong(place).said).toBe(`RC506 ${name} ${refused}`);
      expect(failureOf(() => place.sinks.stage(place.sink, issue(), isOurs)).message).toBe(
        `${name} ${refused}`,
      );
      expect(place.sinks.remove(place.sink, isOurs)).toBe(false);
      expect(readTree(place.path('.iam/secrets'))).toEqual({ 'ci/deploy': text });
    }
    const place = newPlace();
    mkdirSync(place.path(name), { recursive: true, mode: 0o700 });
    expect(wrong(place).said).toBe(`RC506 ${name} is not a file`);
    rmSync(place.path(name), { recursive: true });
    expect(spawnSync('sh', ['-c', 'mkfifo "$0"', place.path(name)]).status).toBe(0);
    expect(wrong(place).said).toBe(`RC506 ${name} is not a file`);
  });

  test('is not placed where somebody put something while the secret waited', () => {
    const place = newPlace();
    const secret = issue();
    const staged = place.sinks.stage(place.sink, secret, isOurs);
    writeFileSync(place.sink.file, 'mine\n');
    expect(failureOf(() => staged.place()).problems).toMatchObject([{ code: 'RC506' }]);
    expect(readFileSync(place.sink.file, 'utf8')).toBe('mine\n');
    rmSync(place.sink.file);
    staged.place();
    expect(place.sinks.holds(place.sink)).toBe(secret.id);
  });

  test('is refused below a folder that others can look into', () => {
    for (const folder of ['.iam/secrets', '.iam/secrets/ci'])
      for (const open of [0o701, 0o750, 0o755, 0o777]) {
        const place = newPlace();
        mkdirSync(place.path('.iam/secrets/ci'), { recursive: true, mode: 0o700 });
        chmodSync(place.path(folder), open);
        expect(wrong(place)).toEqual({
          said: `RC507 ${folder} is open to others, and is to hold secrets`,
          hint: `chmod 700 ${folder}`,
        });
      }
  });

  test.skipIf(!isRoot)('is refused below a folder of another user (only root can make one)', () => {
    for (const folder of ['.iam/secrets', '.iam/secrets/ci']) {
      const place = newPlace();
      mkdirSync(place.path('.iam/secrets/ci'), { recursive: true, mode: 0o700 });
      chownSync(place.path(folder), 65_534, 65_534);
      expect(wrong(place).said).toBe(`RC507 ${folder} belongs to another user (uid 65534)`);
    }
  });

  test('is refused where a part of its path is a file', () => {
    const place = newPlace();
    put(place.path('.iam/secrets/ci'), '');
    expect(wrong(place).said).toBe('RC505 .iam/secrets/ci is not a folder');
    rmSync(place.path('.iam'), { recursive: true });
    put(place.path('.iam'), '');
    expect(wrong(place).said).toBe(
      'RC509 .iam/secrets/ci/deploy cannot be written: a part of the path is not a folder (ENOTDIR)',
    );
  });

  test('has a name that leaves room for the file beside it', () => {
    const place = newPlace();
    deliver(place, place.sinks.declared('a'.repeat(237)));
    expect(wrong(place, place.sinks.declared('a'.repeat(238))).said).toMatch(
      /^RC509 .* cannot be written: the name is too long \(ENAMETOOLONG\)$/,
    );
  });

  test('is refused in a folder that cannot be written', (context) => {
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
  test('is any file in a folder that others cannot write, which may be behind links', () => {
    const place = newPlace();
    mkdirSync(place.path('open'), { mode: 0o755 });
    symlinkSync('open', place.path('link'));
    for (const given of ['token', 'open/token', 'link/other', place.path('whole')]) {
      const sink = place.sinks.named(given);
      const { text } = deliver(place, sink);
      expect(readFileSync(path.resolve(place.cwd, given), 'utf8')).toBe(`${text}\n`);
      expect(mode(sink.file)).toBe(0o600);
      expect(deliver(place, sink).id).toBe(place.sinks.holds(sink));
    }
    expect(existsSync(place.path('.iam'))).toBe(false);
  });

  test('is refused where its folder is absent, a file, or open for writing', () => {
    const place = newPlace();
    put(place.path('file'), '');
    mkdirSync(place.path('shared'));
    const saidOf = (given: string) => wrong(place, place.sinks.named(given));
    expect(saidOf('no such/token')).toEqual({
      said: 'RC509 the folder no such does not exist',
      hint: "mkdir -p -m 700 'no such'",
    });
    expect(saidOf('file/token').said).toBe('RC505 file is not a folder');
    for (const open of [0o770, 0o707, 0o1777]) {
      chmodSync(place.path('shared'), open);
      expect(saidOf('shared/token').said).toBe('RC507 shared can be written by others');
    }
    expect(saidOf('').said).toBe(`RC507 ${path.dirname(place.cwd)} can be written by others`);
    expect(saidOf('/dev/null').said).toBe('RC506 /dev/null is not a file');
  });

  test('is refused when it is a link, or a file with something else', () => {
    const place = newPlace();
    put(place.path('file'), 'mine\n');
    symlinkSync('file', place.path('link'));
    symlinkSync('nowhere', place.path('dangling'));
    const saidOf = (given: string) => wrong(place, place.sinks.named(given)).said;
    expect(saidOf('link')).toBe('RC505 link is a symbolic link');
    expect(saidOf('dangling')).toBe('RC505 dangling is a symbolic link');
    expect(saidOf('file')).toBe('RC506 file exists, and does not hold a secret of this token');
  });

  test.skipIf(!isRoot)('is refused in a folder of another user (only root can make one)', () => {
    const place = newPlace();
    mkdirSync(place.path('theirs'), { mode: 0o755 });
    chownSync(place.path('theirs'), 65_534, 65_534);
    expect(wrong(place, place.sinks.named('theirs/token')).said).toBe(
      'RC507 theirs belongs to another user (uid 65534)',
    );
  });
});

describe('removing', () => {
  test('takes what the sink holds and what waits beside it, if they are ours', () => {
    const place = newPlace();
    deliver(place, place.sink);
    place.sinks.stage(place.sink, issue(), isOurs);
    const foreign = newSecret();
    place.sinks.stage(place.sink, foreign, isOurs);
    expect(place.sinks.remove(place.sink, isOurs)).toBe(true);
    expect(readTree(place.path('.iam/secrets'))).toEqual({
      [`ci/.deploy.${foreign.id}.tmp`]: `${foreign.text}\n`,
    });
    expect(place.sinks.remove(place.sink, isOurs)).toBe(false);
  });

  test('leaves alone what is not there, a link, and the secret of another token', () => {
    const place = newPlace();
    expect(place.sinks.remove(place.sink, isOurs)).toBe(false);
    expect(place.sinks.holds(place.sink)).toBeUndefined();
    expect(listing(place.cwd)).toEqual([]);
    const { text } = deliver(place, place.sinks.named('real'));
    mkdirSync(path.dirname(place.sink.file), { recursive: true });
    symlinkSync(place.path('real'), place.sink.file);
    expect(place.sinks.holds(place.sink)).toBeUndefined();
    expect(place.sinks.remove(place.sink, isOurs)).toBe(false);
    expect(place.sinks.remove(place.sinks.named('real'), () => false)).toBe(false);
    expect(readFileSync(place.path('real'), 'utf8')).toBe(`${text}\n`);
  });
});

describe('what waits beside a sink', () => {
  test('is told by its name and what is in it, never what another token has there', () => {
    const place = newPlace();
    const { id, text } = issue();
    const other = newSecret();
    const beside = (name: string, content: string) =>
      put(path.join(path.dirname(place.sink.file), name), content);
    beside(`.deploy.${id}.tmp`, `${text}\n`);
    beside(`.deploy.${newSecret().id}.tmp`, `${other.text}\n`);
    beside('.deploy.000000000001.tmp', text.slice(0, 30));
    beside('.deploy.000000000002.tmp', '');
    beside('.deploy.00000000000.tmp', '');
    beside('.deploy.000000000003.tmp/file', '');
    beside('.deployed.000000000004.tmp', '');
    beside('deploy.000000000005.tmp', '');
    const staged = place.sinks.staged(place.sink, isOurs);
    expect(staged.map((each) => [each.id, each.isWhole]).sort()).toEqual(
      [
        [id, true],
        ['000000000001', false],
        ['000000000002', false],
      ].sort(),
    );
    for (const each of staged)
      if (each.isWhole) each.place();
      else {
        expect(failureOf(() => each.place()).problems).toMatchObject([{ code: 'RC509' }]);
        each.drop();
      }
    expect(place.sinks.holds(place.sink)).toBe(id);
    expect(place.sinks.staged(place.sink, isOurs)).toEqual([]);
  });
});

test('a file that is moved away and back, or has a second name, is still known by what it holds', () => {
  const place = newPlace();
  const { id } = deliver(place, place.sink);
  renameSync(place.sink.file, place.path('aside'));
  expect(place.sinks.holds(place.sink)).toBeUndefined();
  linkSync(place.path('aside'), place.sink.file);
  expect(place.sinks.holds(place.sink)).toBe(id);
  appendFileSync(place.path('aside'), 'more');
  expect(place.sinks.holds(place.sink)).toBeUndefined();
});
