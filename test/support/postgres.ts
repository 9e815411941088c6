import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { makeServer, type Server } from './postgres-server.ts';

const KEEPER = fileURLToPath(new URL('./postgres-keeper.ts', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./postgres-process.ts', import.meta.url));
const PATIENCE = 60_000;

/**
 * Of the superuser of the one server that all tests of a run share: IAM_TEST_POSTGRES, or one that starts with the
 * first who asks.
 */
export async function serverUrl(): Promise<string> {
  const given = process.env.IAM_TEST_POSTGRES;
  if (given) return given;
  // All test files of a run have the same parent.
  const folder = path.join(tmpdir(), `iam-postgres-${process.ppid}`);
  const end = Date.now() + PATIENCE;
  for (;;) {
    if (isMade(folder))
      spawn(process.execPath, [KEEPER, folder, String(process.ppid)], {
        detached: true,
        stdio: 'ignore',
      }).unref();
    const said = readySaid(folder);
    if (said && !isAlive(said.keeper)) rmSync(folder, { recursive: true, force: true });
    else if (said?.url) return said.url;
    else if (said?.error) throw new Error(said.error);
    else if (Date.now() > end) throw new Error(`no server in ${folder} after ${PATIENCE} ms`);
    else await sleep(50);
  }
}

/** Whether this makes the folder, and nobody else has. */
function isMade(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

interface Ready {
  readonly keeper: number;
  readonly url?: string;
  readonly error?: string;
}

function readySaid(folder: string): Ready | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'ready.json'), 'utf8')) as Ready;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A server of its own for one test, to be stopped and started as it likes. */
export async function ownServer(): Promise<Server> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iam-postgres-'));
  const server = await makeServer(folder);
  onTestFinished(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

/** A name of a schema that nothing has. */
export function newSchema(): string {
  return `t_${randomBytes(6).toString('hex')}`;
}

/** The URL of a store: as another user, with other parameters. */
export function storeUrl(
  server: string,
  schema: string,
  user?: { readonly name: string; readonly password: string },
): string {
  const url = new URL(server);
  url.searchParams.set('schema', schema);
  if (user) [url.username, url.password] = [user.name, user.password];
  return url.href;
}

/** A store that does not exist yet. */
export async function newStore(lockTimeout = 10_000): Promise<Store> {
  return postgresStore({ url: storeUrl(await serverUrl(), newSchema()), lockTimeout });
}

/** Asks the server something past the store. */
export async function ask(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const plain = new URL(url);
  plain.searchParams.delete('schema');
  const client = new Client({ connectionString: plain.href });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql, values.length > 0 ? values : undefined)).rows;
  } finally {
    await client.end();
  }
}

type Child = ChildProcess & { readonly stdout: NodeJS.ReadableStream; readonly pid: number };

/** Starts postgres-process.ts, and ends it with the test. */
export function startProcess(...argv: readonly string[]): Child {
  const child = spawn(process.execPath, [PROGRAM, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  }) as Child;
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** The lines that a process prints, one after the other. */
export function linesOf(child: Child): AsyncIterator<string> {
  return createInterface(child.stdout)[Symbol.asyncIterator]();
}

/** The end of a promise that must fail with a Failure. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof Failure) return error;
  throw error;
}
