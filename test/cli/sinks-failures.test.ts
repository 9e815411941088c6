import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT, Failure } from '../../src/core/problem.ts';
import { readTree } from '../support/folder.ts';
import {
  deliver,
  failureOf,
  isOurs,
  issue,
  listing,
  newPlace,
  SECRET_PROCESS,
  wrong,
} from '../support/sink-place.ts';
import { smallDisk } from '../support/small-disk.ts';
import { failingAt } from '../support/stepped-files.ts';

describe('when the disk fails', () => {
  test('at any system call, nothing of a secret is left, what was there stays, and the cause is told', async () => {
    let failures = 0;
    for (const isRotation of [false, true])
      for (let at = 0; ; at++) {
        const { files, failed } = failingAt(at, 'EDQUOT');
        const { cwd } = newPlace();
        const before = isRotation ? await deliver(newPlace({ cwd }).sink) : undefined;
        const place = newPlace({ cwd, files });
        const secret = issue();
        let refused: Failure | undefined;
        try {
          await place.sink.stage(secret, isOurs);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          refused = error;
        }
        if (!failed()) break;
        expect(refused).toMatchObject({
          exit: EXIT.error,
          problems: [
            {
              code: 'RC509',
              message: '.iam/secrets/ci/deploy cannot be written: the quota is used up (EDQUOT)',
            },
          ],
        });
        expect(JSON.stringify(refused?.problems)).not.toContain(secret.text.slice(17));
        expect(listing(cwd).filter((name) => name.includes('deploy'))).toEqual(
          before ? ['.iam/secrets/ci/deploy'] : [],
        );
        expect(await place.sink.holds()).toBe(before?.id);
        // Whatever folders were made are fit for the next time.
        await deliver(place.sink);
        failures++;
      }
    expect(failures).toBeGreaterThan(20);
  });

  test('while a secret is put in its place, it waits on, and can be placed later', async () => {
    for (const at of [0, 1]) {
      const { cwd, sink } = newPlace();
      const before = await deliver(sink);
      const secret = issue();
      await sink.stage(secret, isOurs);
      const failing = newPlace({ cwd, files: failingAt(at, 'EIO').files }).sink;
      expect((await failureOf(() => failing.place(secret.id, isOurs))).message).toBe(
        '.iam/secrets/ci/deploy cannot be written: EIO',
      );
      expect([before.id, secret.id]).toContain(await failing.holds());
      await failing.place(secret.id, isOurs);
      expect(await failing.holds()).toBe(secret.id);
      expect(await failing.staged()).toEqual([]);
    }
  });

  test('because it is full, or turned read-only, the sink stays as it was', async (context) => {
    const { folder: disk, become } = smallDisk(context);
    const place = newPlace({ secretsDir: disk });
    const sink = place.declared('token');
    const before = await deliver(sink);
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(bavail * bsize));
    expect((await failureOf(() => sink.stage(issue(), isOurs))).message).toBe(
      `${disk}/token cannot be written: the disk is full (ENOSPC)`,
    );
    expect(listing(disk)).toEqual(['ballast', 'token']);
    expect(await sink.holds()).toBe(before.id);
    rmSync(path.join(disk, 'ballast'));
    const waiting = issue();
    await sink.stage(waiting, isOurs);
    become('ro');
    const readOnly = `${disk}/token cannot be written: the file system is read-only (EROFS)`;
    expect((await wrong(place, sink)).said).toBe(`RC509 ${readOnly}`);
    for (const act of [() => sink.stage(issue(), isOurs), () => sink.place(waiting.id, isOurs)])
      expect((await failureOf(act)).message).toBe(readOnly);
    expect((await failureOf(() => sink.remove(isOurs))).message).toMatch(
      /token cannot be removed: the file system is read-only \(EROFS\)$/,
    );
    expect(await sink.holds()).toBe(before.id);
    become('rw');
    await sink.place(waiting.id, isOurs);
    expect(await sink.holds()).toBe(waiting.id);
  });
});

describe('a process that is killed', () => {
  /** The ids that are valid, the newest last. */
  function validIn(cwd: string): string[] {
    const file = path.join(cwd, 'valid');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  }

  test('at any system call of an issue or a rotation leaves no valid secret that nobody has, and the sink whole', async () => {
    const killed = { before: 0, after: 0 };
    for (const isRotation of [false, true])
      for (let at = 0; ; at++) {
        const { cwd, sink } = newPlace();
        const run = (...more: string[]) =>
          spawnSync(process.execPath, [SECRET_PROCESS, 'issue', cwd, ...more], { encoding: 'utf8' });
        if (isRotation) expect(run().status).toBe(0);
        const before = validIn(cwd);
        const { signal, stderr } = run(String(at));
        if (signal === null) {
          expect(stderr).toBe(`${at}\n`);
          break;
        }
        const valid = validIn(cwd);
        const newest = valid.at(-1);
        if (valid.length > before.length) killed.after++;
        else killed.before++;

        // What the sink holds is whole, and no secret that is not valid.
        const held = await sink.holds();
        expect(existsSync(sink.path)).toBe(held !== undefined);
        if (held !== undefined) expect(valid).toContain(held);
        // What is valid is in somebody's hands, or waits to be.
        const isValid = (id: string) => valid.includes(id);
        const staged = await sink.staged();
        if (newest !== undefined && held !== newest)
          expect(staged).toContainEqual(expect.objectContaining({ id: newest, isWhole: true }));
        if (before.length > 0 && valid.length === before.length) expect(held).toBe(before.at(-1));

        for (const each of staged) {
          if (each.id === newest) await sink.place(each.id, isValid);
          else await sink.drop(each.id);
        }
        expect(await sink.holds()).toBe(newest);
        expect(listing(cwd).filter((name) => name.includes('deploy'))).toEqual(
          newest === undefined ? [] : ['.iam/secrets/ci/deploy'],
        );
        expect(run()).toMatchObject({ status: 0 });
        expect(await sink.holds()).toBe(validIn(cwd).at(-1));
        expect(readTree(cwd)['.iam/.gitignore']).toBe('*\n');
      }
    expect(killed.before).toBeGreaterThan(25);
    expect(killed.after).toBeGreaterThan(3);
  });
});
