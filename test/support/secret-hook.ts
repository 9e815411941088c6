/**
 * Loaded before the program (`node --import`): numbers all that it does to the disk, and stops it before one of these
 * steps. HOOK in the environment is the JSON of a Hook.
 *
 * Whatever changes nothing is no step. What changes a database is one: its COMMIT, before and after.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { devNull } from 'node:os';
import { DatabaseSync } from 'node:sqlite';

export interface Hook {
  /** Which step, from 0; -1 for none. */
  readonly at: number;
  /** SIGKILL ends the process there; SIGSTOP holds it until it gets SIGCONT. */
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** How far the clock of the process is ahead, in milliseconds. */
  readonly ahead: number;
  /** The file that a line is added to for each step. */
  readonly log: string;
  /** Whether also that counts which has nothing to do with secrets: the snapshot, the cache, files of the database. */
  readonly all: boolean;
}

// A process that the program starts has none, and is let be.
const hook: Hook = process.env.HOOK
  ? JSON.parse(process.env.HOOK)
  : { at: -1, signal: 'SIGKILL', ahead: 0, log: devNull, all: false };
delete process.env.HOOK;
const { closeSync, fsyncSync, futimesSync, openSync, writeSync } = fs;
const log = openSync(hook.log, 'a');
const names = new Map<number, string>();
let steps = 0;

function step(what: string, file = ''): void {
  if (!hook.all && /iam\.db|cache-|\/snapshot/.test(file)) return;
  writeSync(log, `${what} ${file}\n`);
  if (steps++ === hook.at) process.kill(process.pid, hook.signal);
}

/** Does the same after a step that is named after it and its first argument, be it a path or a descriptor. */
function stepped<Given extends readonly unknown[], Result>(
  what: string,
  act: (...given: Given) => Result,
): (...given: Given) => Result {
  return (...given) => {
    const [file] = given;
    step(what, typeof file === 'number' ? names.get(file) : String(file));
    return act(...given);
  };
}

Object.assign(fs, {
  mkdirSync: stepped('mkdir', fs.mkdirSync),
  linkSync: stepped('link', fs.linkSync),
  renameSync: stepped('rename', fs.renameSync),
  unlinkSync: stepped('unlink', fs.unlinkSync),
  rmSync: stepped('rm', fs.rmSync),
  rmdirSync: stepped('rmdir', fs.rmdirSync),
  chmodSync: stepped('chmod', fs.chmodSync),
  writeFileSync: stepped('writeFile', fs.writeFileSync),
  openSync(file: string, flags: string | number = 'r', mode?: number) {
    const isNew = typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : /[wa]/.test(flags);
    if (isNew) step('create', file);
    const descriptor = openSync(file, flags, mode);
    names.set(descriptor, file);
    return descriptor;
  },
  closeSync(descriptor: number) {
    names.delete(descriptor);
    closeSync(descriptor);
  },
  // In pieces, so that a file can be cut short.
  writeSync(descriptor: number, bytes: Uint8Array, ...rest: readonly number[]) {
    const file = names.get(descriptor);
    if (file === undefined || rest.length > 0) return writeSync(descriptor, bytes, ...rest);
    step('write', file);
    return writeSync(descriptor, bytes.subarray(0, 40));
  },
  fsyncSync(descriptor: number) {
    step('sync', names.get(descriptor));
    fsyncSync(descriptor);
    // As old as the clock of the process has it.
    const seconds = Date.now() / 1000;
    if (hook.ahead > 0) futimesSync(descriptor, seconds, seconds);
  },
});
syncBuiltinESMExports();

const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (sql) {
  if (sql === 'COMMIT') step('before COMMIT');
  exec.call(this, sql);
  if (sql === 'COMMIT') step('after COMMIT');
};

const now = Date.now;
Date.now = () => now() + hook.ahead;
