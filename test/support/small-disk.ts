import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, type TestContext } from 'vitest';

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** A disk of 64 KiB (0700), which goes with the test that asks for it; where none can be had the test is skipped. */
export function smallDisk(context: TestContext, folder = mkdtempSync(path.join(tmpdir(), 'iam-disk-'))) {
  mkdirSync(folder, { recursive: true });
  const isMounted = run('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', folder);
  onTestFinished(() => {
    if (isMounted) run('umount', folder);
    rmSync(folder, { recursive: true, force: true });
  });
  context.skip(!isMounted, 'nothing can be mounted here');
  return {
    folder,
    become(mode: 'ro' | 'rw') {
      expect(run('mount', '-o', `remount,${mode}`, folder)).toBe(true);
    },
  };
}
