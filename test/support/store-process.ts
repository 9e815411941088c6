/**
 * Uses a SQLite store from a process of its own: `node store-process.ts COMMAND FILE`.
 *
 * read         prints what is there as one line of JSON: {revision, resources}, or {exit, codes} when it fails
 * read-slowly  the same, but prints "half" after the first batch and goes on when stdin ends
 * create NAME  applies one User where there must be no store; prints {revision}, {stale} or {exit, codes}
 * hold         takes the lock of a writer, prints "held", and gives it back after MS milliseconds
 * write NAME   applies one User as that actor; in the middle of the write prints "writing", and goes on when stdin ends
 * churn        for ever creates COUNT resources in one write and deletes them in the next; prints "begin" before each
 */
import { readSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../src/core/problem.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { StaleBase, type WriteChange } from '../../src/stores/store.ts';
import { applyOn, create, everything, headOf, NOWHERE, reading, remove } from '../contract/entries.ts';
import { group, user } from './resources.ts';

const [command, file = '', argument = ''] = process.argv.slice(2);
const store = sqliteStore({ file, location: file, lockTimeout: 10_000 });

function say(line: unknown): void {
  writeSync(1, `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
}

async function read(pause: () => Promise<unknown>): Promise<object> {
  return reading(store, async (opened) => {
    let resources = 0;
    for await (const batch of opened.resources()) {
      resources += batch.length;
      await pause();
    }
    return { revision: opened.head.revision, resources };
  });
}

async function churn(count: number): Promise<never> {
  const changes = Array.from({ length: count }, (_, i) => create(group(`acme/g${i}`, ['ana'])));
  for (;;) {
    const { head, resources } = await everything(store);
    const entry = applyOn(head, resources.length === 0 ? changes : resources.map(remove));
    say('begin');
    await store.write(entry);
  }
}

/** One change, which is taken inside of the transaction: nobody can await there. */
function* paused(name: string): Generator<WriteChange> {
  say('writing');
  while (readSync(0, Buffer.alloc(64)) > 0);
  yield create(user(name));
}

async function run(): Promise<object | undefined> {
  switch (command) {
    case 'read':
      return read(async () => {});
    case 'read-slowly': {
      let resumed: Promise<string> | undefined;
      return read(async () => {
        if (!resumed) say('half');
        resumed ??= text(process.stdin);
        await resumed;
      });
    }
    case 'create':
      await store.write(applyOn(NOWHERE, [create(user(argument))]));
      return headOf(store);
    case 'hold': {
      const database = new DatabaseSync(file);
      database.exec('BEGIN IMMEDIATE');
      say('held');
      await sleep(Number(argument));
      database.exec('COMMIT');
      return undefined;
    }
    case 'write':
      await store.write({
        ...applyOn(await headOf(store), [], { actor: argument }),
        changes: paused(argument),
      });
      return headOf(store);
    case 'churn':
      return churn(Number(argument));
    default:
      throw new Error(`unknown command ${command}`);
  }
}

try {
  const said = await run();
  if (said) say(said);
} catch (error) {
  if (error instanceof StaleBase) say({ stale: error.found.revision });
  else if (error instanceof Failure) say({ exit: error.exit, codes: error.problems.map(({ code }) => code) });
  else throw error;
}
