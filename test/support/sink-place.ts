import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type FileSinks, type FileSinksOptions, fileSinks } from '../../src/cli/sinks.ts';
import { Failure } from '../../src/core/problem.ts';
import { newSecret, type SecretText } from '../../src/engine/secret-text.ts';
import type { Sink } from '../../src/engine/sinks.ts';
import { temporaryFolder } from './folder.ts';
import { token } from './resources.ts';

/** The program of secret-process.ts. */
export const SECRET_PROCESS = fileURLToPath(new URL('secret-process.ts', import.meta.url));

const PATH = process.env.PATH;
/** Every secret that was issued for the one token of a test file. */
const issued = new Set<string>();
export const isOurs = (id: string) => issued.has(id);

export interface Place {
  readonly cwd: string;
  readonly sinks: FileSinks;
  /** `.iam/secrets/ci/deploy`. */
  readonly sink: Sink;
  /** The sink of a Token that declares that file. */
  declared(file: string): Sink;
  path(...parts: readonly string[]): string;
}

/** A working folder of its own, unless `options` says which. */
export function newPlace(options: Partial<FileSinksOptions> = {}): Place {
  const cwd = options.cwd ?? temporaryFolder();
  const sinks = fileSinks({ env: { PATH }, cwd, secretsDir: undefined, now: Date.now, ...options });
  return {
    cwd,
    sinks,
    sink: given(sinks.at(path.join(cwd, '.iam/secrets/ci/deploy'), 'ci/deploy')),
    declared: (file) => given(sinks.of(token('acme/ci', 'ana', { deliverTo: { file } }))),
    path: (...parts) => path.join(cwd, ...parts),
  };
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}

/** A secret that counts as issued for the token. */
export function issue(): SecretText {
  const secret = newSecret();
  issued.add(secret.id);
  return secret;
}

/** Issues a secret and puts it where it belongs. */
export async function deliver(sink: Sink): Promise<SecretText> {
  expect(await sink.check(isOurs)).toBeUndefined();
  const secret = issue();
  await sink.stage(secret, isOurs);
  await sink.place(secret.id, isOurs);
  return secret;
}

/** `code message` of what is wrong with a sink, with its hint; nothing may change by asking. */
export async function wrong(
  { cwd, sink: usual }: Place,
  sink = usual,
): Promise<{ said?: string; hint?: string | undefined }> {
  const before = listing(cwd);
  const problem = await sink.check(isOurs);
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

export async function failureOf(act: () => unknown): Promise<Failure> {
  try {
    await act();
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
