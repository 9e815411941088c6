import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { createSinks, type Sink, type Sinks, type SinksOptions } from '../../src/cli/sinks.ts';
import { Failure } from '../../src/core/problem.ts';
import { newSecret, type SecretText } from '../../src/engine/secret-text.ts';
import { temporaryFolder } from './folder.ts';

/** The program of secret-process.ts. */
export const SECRET_PROCESS = fileURLToPath(new URL('secret-process.ts', import.meta.url));

const PATH = process.env.PATH;
/** Every secret that was issued for the one token of a test file. */
const issued = new Set<string>();
export const isOurs = (id: string) => issued.has(id);

export interface Place {
  readonly cwd: string;
  readonly sinks: Sinks;
  /** `.iam/secrets/ci/deploy`. */
  readonly sink: Sink;
  path(...parts: readonly string[]): string;
}

/** A working folder of its own, unless `options` says which. */
export function newPlace(options: Partial<SinksOptions> = {}): Place {
  const cwd = options.cwd ?? temporaryFolder();
  const sinks = createSinks({ env: { PATH }, cwd, secretsDir: undefined, ...options });
  return {
    cwd,
    sinks,
    sink: createSinks({ env: {}, cwd, secretsDir: undefined }).declared('ci/deploy'),
    path: (...parts) => path.join(cwd, ...parts),
  };
}

/** A secret that counts as issued for the token. */
export function issue(): SecretText {
  const secret = newSecret();
  issued.add(secret.id);
  return secret;
}

/** Issues a secret and puts it where it belongs. */
export function deliver({ sinks }: Place, sink: Sink): SecretText {
  expect(sinks.check(sink, isOurs)).toBeUndefined();
  const secret = issue();
  sinks.stage(sink, secret, isOurs).place();
  return secret;
}

/** `code message` of what is wrong with a sink, with its hint; nothing may change by asking. */
export function wrong(
  { cwd, sinks, sink: usual }: Place,
  sink = usual,
): { said?: string; hint?: string | undefined } {
  const before = listing(cwd);
  const problem = sinks.check(sink, isOurs);
  expect(listing(cwd)).toEqual(before);
  if (!problem) return {};
  expect(problem.severity).toBe('error');
  return { said: `${problem.code} ${problem.message}`, hint: problem.hint };
}

/** Everything but what git has, with its mode. */
export function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !/^\.git(\/|$)/.test(name))
    .sort();
}

export function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('was not refused');
}

export function mode(file: string): number {
  return statSync(file).mode & 0o777;
}

export function put(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
}
