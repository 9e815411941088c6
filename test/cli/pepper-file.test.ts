import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type FoundPeppers, type PepperOptions, peppersFor } from '../../src/cli/pepper-file.ts';
import { EXIT, Failure } from '../../src/core/problem.ts';
import { temporaryFolder } from '../support/folder.ts';
import { failingAt } from '../support/stepped-files.ts';

const PROCESS = fileURLToPath(new URL('../support/secret-process.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;
const KEY = `main:${randomBytes(32).toString('base64')}`;

interface Place {
  readonly folder: string;
  readonly file: string;
  find(options?: Partial<PepperOptions>): FoundPeppers | undefined;
}

/** A home, and a database beside it. */
function newPlace(): Place {
  const folder = temporaryFolder({ 'home/.keep': '', 'db/iam.db': '' });
  const env = { HOME: path.join(folder, 'home') };
  return {
    folder,
    file: path.join(folder, 'home/.config/rolecall/pepper'),
    find: (options) => peppersFor({ env, sqliteFolder: path.join(folder, 'db'), mayMake: true, ...options }),
  };
}

/** A key file as iam makes it. */
function putKeyFile({ file }: Place, text = `${KEY}\n`): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
}

function refusal(place: Place, act: () => unknown): { exit: number; said: string; hint: string | undefined } {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const said = error.problems.map(({ code, message }) => `${code} ${message}`).join('\n');
    expect(said + error.problems.map(({ hint }) => hint)).not.toContain(KEY.slice(5, 30));
    return {
      exit: error.exit,
      said: said.replaceAll(place.folder, ''),
      hint: error.problems[0]?.hint?.replaceAll(place.folder, ''),
    };
  }
  throw new Error('was not refused');
}

function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

describe('IAM_PEPPER', () => {
  test('is asked first, and no file is read or made', () => {
    const place = newPlace();
    putKeyFile(place, 'not a pepper');
    for (const sqliteFolder of [place.folder, undefined])
      for (const mayMake of [true, false])
        expect(place.find({ env: { IAM_PEPPER: KEY }, sqliteFolder, mayMake })).toMatchObject({
          peppers: { current: { id: 'main' } },
          made: undefined,
        });
  });

  test('that is wrong is refused, whatever the key file says', () => {
    const place = newPlace();
    putKeyFile(place);
    const { HOME } = { HOME: path.join(place.folder, 'home') };
    expect(refusal(place, () => place.find({ env: { HOME, IAM_PEPPER: 'main' } }))).toMatchObject({
      exit: EXIT.invalid,
      said: 'RC502 IAM_PEPPER has no ":" between an id and a key',
    });
    expect(place.find({ env: { HOME, IAM_PEPPER: '' } })?.peppers.current.id).toBe('main');
  });

  test('is needed for a store on a server', () => {
    const place = newPlace();
    putKeyFile(place);
    for (const mayMake of [true, false])
      expect(refusal(place, () => place.find({ sqliteFolder: undefined, mayMake }))).toMatchObject({
        exit: EXIT.invalid,
        said: expect.stringMatching(/^RC501 IAM_PEPPER is not set, and a store on a server has no key file/),
      });
  });

  test('is told how to be set, in a line that a shell understands', () => {
    const place = newPlace();
    const { hint = '' } = refusal(place, () => place.find({ env: {} }));
    const { stdout } = spawnSync('bash', ['-c', `${hint}; printf %s "$IAM_PEPPER"`], { encoding: 'utf8' });
    expect(place.find({ env: { IAM_PEPPER: stdout } })?.peppers.current.key).toHaveLength(32);
  });
});

describe('the key file', () => {
  test('is made once, 0600 in folders of 0700, and found from then on', () => {
    const place = newPlace();
    expect(place.find({ mayMake: false })).toBeUndefined();
    expect(below(path.join(place.folder, 'home'))).toEqual(['.keep']);
    const made = place.find();
    expect(made).toMatchObject({ made: place.file });
    expect(made?.peppers.current.id).toMatch(/^[0-9A-Za-z]{8}$/);
    expect(made?.peppers.current.key).toHaveLength(32);
    expect(readFileSync(place.file, 'utf8')).toMatch(/^[0-9A-Za-z]{8}:[0-9A-Za-z+/]{43}=\n$/);
    expect(below(path.join(place.folder, 'home'))).toEqual([
      '.config',
      '.config/rolecall',
      '.config/rolecall/pepper',
      '.keep',
    ]);
    expect(statSync(place.file).mode & 0o777).toBe(0o600);
    for (const folder of ['.config', '.config/rolecall'])
      expect(statSync(path.join(place.folder, 'home', folder)).mode & 0o777).toBe(0o700);
    for (const mayMake of [true, false])
      expect(place.find({ mayMake })).toMatchObject({
        peppers: { current: made?.peppers.current },
        made: undefined,
      });
  });

  test('is in XDG_CONFIG_HOME where that is an absolute path', () => {
    const place = newPlace();
    const env = { HOME: path.join(place.folder, 'home'), XDG_CONFIG_HOME: path.join(place.folder, 'xdg') };
    expect(place.find({ env })?.made).toBe(path.join(place.folder, 'xdg/rolecall/pepper'));
    expect(place.find({ env: { ...env, XDG_CONFIG_HOME: 'xdg' } })?.made).toBe(place.file);
  });

  test.each(['true', '1', 'yes', 'False '])('is never made in CI (%j), but read', (CI) => {
    const place = newPlace();
    const env = { HOME: path.join(place.folder, 'home'), CI };
    expect(refusal(place, () => place.find({ env }))).toMatchObject({
      exit: EXIT.invalid,
      said: expect.stringContaining('RC501 IAM_PEPPER is not set, and in CI no key file is made'),
    });
    expect(existsSync(place.file)).toBe(false);
    putKeyFile(place);
    expect(place.find({ env })?.peppers.current.id).toBe('main');
  });

  test.each(['', '0', 'false', 'FALSE'])('is made where CI says that this is none (%j)', (CI) => {
    const place = newPlace();
    expect(place.find({ env: { HOME: path.join(place.folder, 'home'), CI } })?.made).toBe(place.file);
  });

  test.each([[{}], [{ HOME: '' }], [{ HOME: 'relative' }]])('is not made without a home: %j', (env) => {
    const place = newPlace();
    expect(place.find({ env, mayMake: false })).toBeUndefined();
    expect(refusal(place, () => place.find({ env }))).toMatchObject({
      exit: EXIT.invalid,
      said: expect.stringContaining('without HOME there is no place for a key file'),
    });
  });

  test('is never made in the folder of the database or below it, whatever links lead there', () => {
    const place = newPlace();
    const home = path.join(place.folder, 'home');
    symlinkSync(home, path.join(place.folder, 'link'));
    mkdirSync(path.join(place.folder, 'db/config'));
    for (const sqliteFolder of ['home', 'home/.config/rolecall', '.', 'link', 'link/.config'])
      expect(
        refusal(place, () => place.find({ sqliteFolder: path.join(place.folder, sqliteFolder) })),
      ).toMatchObject({
        exit: EXIT.invalid,
        said: expect.stringContaining('would be in the folder of the database'),
      });
    symlinkSync('../db/config', path.join(home, '.config'));
    expect(refusal(place, () => place.find()).said).toContain('would be in the folder of the database');
    expect(below(path.join(place.folder, 'db'))).toEqual(['config', 'iam.db']);
  });

  test('is refused when it is not a file of this user alone', () => {
    const place = newPlace();
    const what = '/home/.config/rolecall/pepper';
    const expectRefusal = (said: string, hint = expect.anything()) =>
      expect(refusal(place, () => place.find())).toEqual({ exit: EXIT.error, said: `RC503 ${said}`, hint });
    putKeyFile(place);
    chmodSync(place.file, 0o640);
    expectRefusal(`${what} can be read or written by others`, `chmod 600 ${what}`);
    chmodSync(place.file, 0o600);
    chmodSync(path.dirname(place.file), 0o770);
    expectRefusal('/home/.config/rolecall can be written by others', 'chmod 700 /home/.config/rolecall');
    rmSync(place.file);
    expectRefusal('/home/.config/rolecall can be written by others', 'chmod 700 /home/.config/rolecall');
    chmodSync(path.dirname(place.file), 0o700);
    writeFileSync(path.join(place.folder, 'elsewhere'), `${KEY}\n`, { mode: 0o600 });
    symlinkSync(path.join(place.folder, 'elsewhere'), place.file);
    expectRefusal(`${what} is a symbolic link`);
    rmSync(place.file);
    symlinkSync('nowhere', place.file);
    expectRefusal(`${what} is a symbolic link`);
    rmSync(place.file);
    mkdirSync(place.file);
    expectRefusal(`${what} is not a file`);
    rmSync(place.file, { recursive: true });
    expect(spawnSync('sh', ['-c', 'mkfifo "$0"', place.file]).status).toBe(0);
    chmodSync(place.file, 0o600);
    expectRefusal(`${what} is not a file`);
    rmSync(place.file);
    putKeyFile(place, 'x'.repeat(70_000));
    expectRefusal(`${what} is too large for a key file`);
    rmSync(path.join(place.folder, 'home/.config'), { recursive: true });
    writeFileSync(path.join(place.folder, 'home/.config'), '');
    expectRefusal(`${what} cannot be read or written: a part of the path is not a folder (ENOTDIR)`);
  });

  test.skipIf(!isRoot)('is refused when it is of another user (only root can make such a file)', () => {
    const place = newPlace();
    putKeyFile(place);
    chownSync(place.file, 65_534, 65_534);
    expect(refusal(place, () => place.find()).said).toMatch(/pepper belongs to another user \(uid 65534\)$/);
    chownSync(place.file, 0, 0);
    chownSync(path.dirname(place.file), 65_534, 65_534);
    expect(refusal(place, () => place.find()).said).toMatch(
      /rolecall belongs to another user \(uid 65534\)$/,
    );
  });

  test('that says nothing of use is refused, and never replaced', () => {
    const place = newPlace();
    for (const text of ['', '\n', 'main', `${KEY}x\n`]) {
      putKeyFile(place, text);
      expect(refusal(place, () => place.find()).said).toMatch(/^RC502 \/home\/.config\/rolecall\/pepper /);
      expect(readFileSync(place.file, 'utf8')).toBe(text);
    }
  });

  test('is whole or absent when any system call fails, and nothing else is left', () => {
    let failures = 0;
    for (let at = 0; ; at++) {
      const place = newPlace();
      const { files, failed } = failingAt(at, 'ENOSPC');
      let said = '';
      try {
        place.find({ files });
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        said = error.message;
      }
      if (!failed()) break;
      if (said) {
        expect(said).toMatch(/pepper cannot be read or written: the disk is full \(ENOSPC\)$/);
        failures++;
      }
      const names = below(path.join(place.folder, 'home')).filter((name) => name.includes('pepper'));
      // The one that fails may be the removal itself.
      expect(names.filter((name) => !name.endsWith('pepper')).length).toBeLessThanOrEqual(said ? 0 : 1);
      expect(place.find({ mayMake: !names.includes('.config/rolecall/pepper') })).toBeDefined();
    }
    expect(failures).toBeGreaterThan(6);
  });

  test('is whole or absent when its process is killed at any system call', () => {
    let killed = 0;
    for (let at = 0; ; at++) {
      const place = newPlace();
      const run = (...more: string[]) =>
        spawnSync(process.execPath, [PROCESS, 'pepper', place.folder, ...more], { encoding: 'utf8' });
      const { signal, status, stderr } = run(String(at));
      if (signal === null) {
        expect({ status, stderr }).toEqual({ status: 0, stderr: `${at}\n` });
        break;
      }
      killed++;
      const there = existsSync(place.file) ? readFileSync(place.file, 'utf8').split(':')[0] : undefined;
      const [id, how] = run().stdout.trim().split(' ');
      expect(how).toBe(there === undefined ? 'made' : 'found');
      if (there !== undefined) expect(id).toBe(there);
    }
    expect(killed).toBeGreaterThan(8);
  });

  test('is one for all of many processes that make it at once', async () => {
    const place = newPlace();
    const said = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const child = spawn(process.execPath, [PROCESS, 'pepper', place.folder]);
        let text = '';
        for await (const piece of child.stdout) text += piece;
        return text.trim().split(' ');
      }),
    );
    const id = readFileSync(place.file, 'utf8').split(':')[0];
    expect(said.map(([each]) => each)).toEqual(said.map(() => id));
    expect(said.filter(([, how]) => how === 'made')).toHaveLength(1);
    expect(readdirSync(path.dirname(place.file))).toEqual(['pepper']);
  });
});
