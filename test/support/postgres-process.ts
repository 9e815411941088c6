/**
 * Uses a Postgres store from a process of its own: `node postgres-process.ts COMMAND URL`.
 *
 * create NAME  applies one User where there must be no store; prints {revision}, {stale} or {exit, codes, message}
 * stall MS     applies 3000 Groups as "ana", prints "inside" in the middle and stands still for MS milliseconds; then
 *              prints the same
 * churn COUNT  for ever creates COUNT resources in one write and deletes them in the next; prints "begin" before each
 */
import { writeSync } from 'node:fs';
import { Failure } from '../../src/core/problem.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { StaleBase } from '../../src/stores/store.ts';
import { applyOn, create, everything, headOf, NOWHERE, remove } from '../contract/entries.ts';
import { group, user } from './resources.ts';

const [command, url = '', argument = ''] = process.argv.slice(2);
const store = postgresStore({ url, lockTimeout: 20_000 });

function say(line: unknown): void {
  writeSync(1, `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
}

function groups(count: number) {
  return Array.from({ length: count }, (_, i) => create(group(`acme/g${i}`, ['ana'])));
}

async function stall(milliseconds: number): Promise<object> {
  const changes = groups(3000);
  const entry = applyOn(await headOf(store), changes, { actor: 'ana' });
  const { head } = await store.write({ ...entry, changes: stalled(changes, milliseconds) });
  return head;
}

/** Blocks the whole process in the middle. */
function* stalled<T>(all: readonly T[], milliseconds: number): Generator<T> {
  for (const [i, one] of all.entries()) {
    if (i === 2500) {
      say('inside');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    }
    yield one;
  }
}

async function churn(count: number): Promise<never> {
  const changes = groups(count);
  for (;;) {
    const { head, resources } = await everything(store);
    const entry = applyOn(head, resources.length === 0 ? changes : resources.map(remove));
    say('begin');
    await store.write(entry);
  }
}

async function run(): Promise<object> {
  switch (command) {
    case 'create':
      return (await store.write(applyOn(NOWHERE, [create(user(argument))]))).head;
    case 'stall':
      return stall(Number(argument));
    case 'churn':
      return churn(Number(argument));
    default:
      throw new Error(`unknown command ${command}`);
  }
}

try {
  say(await run());
} catch (error) {
  if (error instanceof StaleBase) say({ stale: error.found.revision });
  else if (error instanceof Failure)
    say({ exit: error.exit, codes: error.problems.map(({ code }) => code), message: error.message });
  else throw error;
}
