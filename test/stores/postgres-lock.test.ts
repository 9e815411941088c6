import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { Session } from '../../src/stores/postgres/session.ts';
import { readUrl } from '../../src/stores/postgres/url.ts';
import { apply, create, everything, headOf } from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import {
  ask,
  failureOf,
  linesOf,
  newSchema,
  serverUrl,
  startProcess,
  storeUrl,
} from '../support/postgres.ts';
import { user } from '../support/resources.ts';

const BUSY = {
  exit: EXIT.stale,
  problems: [{ code: 'RC407', hint: 'wait for it, or raise --lock-timeout' }],
};

async function made() {
  const server = await serverUrl();
  const schema = newSchema();
  const url = storeUrl(server, schema);
  const open = (lockTimeout = 10_000) => postgresStore({ url, lockTimeout });
  await apply(open(), [create(user('first'))]);
  return { server, schema, url, open };
}

/** Who holds our lock of a schema: the process of the server, and the key. */
async function lockOf(server: string, schema: string) {
  const [row] = await ask(
    server,
    `SELECT l.pid, l.classid::bigint AS class, l.objid::bigint AS key FROM pg_locks l
     JOIN "${schema}".lock h ON split_part(h.transaction, ' ', 1) = l.virtualtransaction WHERE l.locktype = 'advisory'`,
  );
  return { class: Number(row?.class), key: Number(row?.key) };
}

describe('one writer at a time', () => {
  test('another one is waited for until the lock timeout, and named', async () => {
    const { url, open } = await made();
    const before = await everything(open());
    const child = startProcess('stall', url, '3000');
    const lines = linesOf(child);
    expect((await lines.next()).value).toBe('inside');
    const began = performance.now();
    const failure = await failureOf(apply(open(300), [create(user('bo'))]));
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(failure).toMatchObject(BUSY);
    expect(failure.message).toMatch(
      new RegExp(
        `: ana has been writing since 2\\d{3}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z \\(process ${child.pid} on ${hostname()}\\)$`,
      ),
    );
    // Readers wait for nobody.
    expect(await everything(open())).toEqual(before);
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ revision: 2 });
    expect(await apply(open(), [create(user('bo'))])).toMatchObject({ head: { revision: 3 } });
  });

  test('one that is killed is gone at once, and what it said of itself names nobody any more', async () => {
    const { server, schema, url, open } = await made();
    const before = await everything(open());
    const child = startProcess('stall', url, '60000');
    expect((await linesOf(child).next()).value).toBe('inside');
    const lock = await lockOf(server, schema);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await everything(open())).toEqual(before);
    const left = await ask(server, `SELECT holder FROM "${schema}".lock`);
    expect(left).toEqual([{ holder: 'ana' }]);
    // Held by somebody who says nothing.
    const silent = new Client({ connectionString: server });
    await silent.connect();
    await silent.query('SELECT pg_advisory_lock($1::int, $2::int)', [lock.class, toInt(lock.key)]);
    const failure = await failureOf(apply(open(100), [create(user('bo'))]));
    expect(failure).toMatchObject(BUSY);
    expect(failure.message).toMatch(/: another process is writing$/);
    await silent.end();
    const began = performance.now();
    expect(await apply(open(), [create(user('bo'))])).toMatchObject({ head: { revision: 2 } });
    expect(performance.now() - began).toBeLessThan(3000);
    expect(await ask(server, `SELECT holder FROM "${schema}".lock`)).toEqual([]);
  });

  test('one that stands still loses the lock after 15 seconds, and cannot go on', {
    timeout: 60_000,
  }, async () => {
    const { url, open } = await made();
    const child = startProcess('stall', url, '1000');
    const lines = linesOf(child);
    expect((await lines.next()).value).toBe('inside');
    child.kill('SIGSTOP');
    onTestFinished(() => {
      child.kill('SIGCONT');
    });
    const began = performance.now();
    expect(await failureOf(apply(open(2000), [create(user('bo'))]))).toMatchObject(BUSY);
    const { head } = await apply(open(30_000), [create(user('bo'))]);
    const waited = performance.now() - began;
    expect(waited).toBeGreaterThan(10_000);
    expect(waited).toBeLessThan(20_000);
    child.kill('SIGCONT');
    const said = JSON.parse((await lines.next()).value);
    expect(said).toMatchObject({ exit: EXIT.stale, codes: ['RC407'] });
    expect(said.message).toMatch(
      /stood still for more than 15 s while it wrote, and lost the lock; nothing was written$/,
    );
    const { resources, audit } = await everything(open());
    expect(await headOf(open())).toEqual(head);
    expect(resources.map(({ id }) => id)).toEqual(['User//bo', 'User//first']);
    expect(isChain(audit)).toBe(true);
  });

  test('may make the store at the same time: one wins, all others are told', async () => {
    const url = storeUrl(await serverUrl(), newSchema());
    const all = await Promise.all(
      ['ana', 'bo', 'cy', 'dee'].map(async (name) =>
        JSON.parse((await linesOf(startProcess('create', url, name)).next()).value),
      ),
    );
    const { head, resources } = await everything(postgresStore({ url, lockTimeout: 1000 }));
    expect({ revision: head.revision, resources: resources.length }).toEqual({ revision: 1, resources: 1 });
    expect(all.filter((said) => said.revision === 1)).toEqual([head]);
    expect(all.filter((said) => said.stale === 1).length).toBe(3);
  });

  test('that are many come one after the other', async () => {
    const { open } = await made();
    const names = Array.from({ length: 8 }, (_, i) => `u${i}`);
    let tries = 0;
    await Promise.all(
      names.map(async (name) => {
        for (;;) {
          tries += 1;
          const written = await apply(open(), [create(user(name))]).catch((error: Error) => {
            if (error.name !== 'StaleBase') throw error;
          });
          if (written) return;
        }
      }),
    );
    const { head, resources, audit } = await everything(open());
    expect(resources.map(({ id }) => id)).toEqual(['User//first', ...names.map((name) => `User//${name}`)]);
    expect(head.revision).toBe(9);
    expect(isChain(audit)).toBe(true);
    expect(tries).toBeGreaterThanOrEqual(8);
  });
});

test('a session that says that it is there outlasts the limit on idleness, and another does not', async () => {
  const sessions = await Promise.all(
    [1, 2].map(async () => {
      const session = await Session.open(readUrl(await serverUrl()));
      onTestFinished(() => session.close());
      await session.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '500ms'");
      return session;
    }),
  );
  const [heard, silent] = sessions;
  heard?.keepAlive(100);
  await sleep(1500);
  expect((await heard?.query('SELECT 1 AS one'))?.rows).toEqual([{ one: 1 }]);
  await expect(silent?.query('SELECT 1')).rejects.toMatchObject({ code: '25P03' });
});

/** The same 32 bits with a sign. */
function toInt(key: number): number {
  return key | 0;
}
