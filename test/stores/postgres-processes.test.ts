import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { apply, create, everything, headOf, reading, remove } from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { temporaryFolder } from '../support/folder.ts';
import { linesOf, newSchema, serverUrl, startProcess, storeUrl } from '../support/postgres.ts';
import { group, user } from '../support/resources.ts';

const SCRIPT = fileURLToPath(new URL('../support/postgres-process.ts', import.meta.url));
const COUNT = 2000;
const KILLS = process.env.ROLECALL_LONG === '1' ? 2000 : 25;

test(`${KILLS} processes that are killed while they write leave the store at a revision, and free`, {
  timeout: KILLS * 5000,
}, async () => {
  const server = await serverUrl();
  const groups = Array.from({ length: COUNT }, (_, i) => create(group(`acme/g${i}`, ['ana'])));
  const measured = postgresStore({ url: storeUrl(server, newSchema()), lockTimeout: 5000 });
  const began = performance.now();
  await apply(measured, groups);
  const { resources } = await everything(measured);
  await apply(measured, resources.map(remove));
  const twoWrites = performance.now() - began;
  const url = storeUrl(server, newSchema());
  const store = postgresStore({ url, lockTimeout: 5000 });
  for (let round = 0; round < KILLS; round++) {
    const child = startProcess('churn', url, String(COUNT));
    expect((await linesOf(child).next()).value).toBe('begin');
    await sleep((((round % 10) + Math.random()) / 10) * twoWrites);
    child.kill('SIGKILL');
    await once(child, 'close');
    const { revision } = await headOf(store);
    // Takes the lock, so that the server has seen the end of whoever had it.
    if (revision > 0) await store.write({ type: 'snapshot', revision });
    const state = await reading(store, async (opened) => {
      const counts = { resources: 0, edges: 0, tally: 0 };
      for await (const batch of opened.resources()) counts.resources += batch.length;
      for await (const batch of opened.edges()) counts.edges += batch.length;
      for (const { count } of await opened.tally()) counts.tally += count;
      return { counts, head: opened.head };
    });
    const left = state.head.revision % 2 === 0 ? 0 : COUNT;
    expect(state.counts, `round ${round}`).toEqual({ resources: left, edges: left, tally: left });
    const rows = String(state.head.revision * (COUNT + 1));
    expect(state.head.auditHead?.split(':')[0] ?? '0', `round ${round}`).toBe(rows);
  }
  const { revision } = await headOf(store);
  expect(await apply(store, [create(user('ana'))])).toMatchObject({ head: { revision: revision + 1 } });
  expect(isChain((await everything(store)).audit)).toBe(true);
});

describe('the password', () => {
  /** Runs postgres-process.ts to its end without a password in the URL. */
  async function run(env: Record<string, string>, place = (url: URL) => url) {
    const url = new URL(storeUrl(await serverUrl(), newSchema()));
    const password = url.password;
    url.password = '';
    const { HOME: _, PGPASSWORD: __, PGPASSFILE: ___, ...rest } = process.env;
    const { stdout, stderr } = spawnSync(process.execPath, [SCRIPT, 'create', place(url).href, 'ana'], {
      env: { ...rest, HOME: '/nowhere', ...env },
      encoding: 'utf8',
    });
    expect(stdout + stderr).not.toContain(password);
    return { said: JSON.parse(stdout), stderr };
  }
  const passwordOf = async () => new URL(await serverUrl()).password;

  test('is taken from PGPASSWORD', async () => {
    expect(await run({ PGPASSWORD: await passwordOf() })).toEqual({
      said: expect.objectContaining({ revision: 1 }),
      stderr: '',
    });
  });

  test('is taken from the file that PGPASSFILE names, or that of the home, without a warning', async () => {
    const line = `*:*:*:*:${await passwordOf()}\n`;
    const folder = temporaryFolder({ passwords: line, '.pgpass': line });
    const { chmodSync } = await import('node:fs');
    for (const name of ['passwords', '.pgpass']) chmodSync(path.join(folder, name), 0o600);
    for (const env of [{ PGPASSFILE: path.join(folder, 'passwords') }, { HOME: folder }])
      expect(await run(env)).toEqual({ said: expect.objectContaining({ revision: 1 }), stderr: '' });
  });

  test('is asked for when there is none', async () => {
    const { said, stderr } = await run({});
    expect(said).toMatchObject({ exit: EXIT.error, codes: ['RC408'] });
    expect(said.message).toMatch(/: the server asks for a password$/);
    expect(stderr).toBe('');
  });

  test('and all else may come from the PG* variables', async () => {
    const { hostname, port, username, pathname } = new URL(await serverUrl());
    const env = {
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGDATABASE: pathname.slice(1),
      PGPASSWORD: await passwordOf(),
      PGSSLMODE: 'disable',
    };
    const onlySchema = ({ search }: URL) => ({ href: `postgres://${search}` }) as URL;
    expect((await run(env, onlySchema)).said).toMatchObject({ revision: 1 });
    expect((await run({ ...env, PGSSLMODE: 'verify-full' }, onlySchema)).said.message).toMatch(
      /does not support SSL/,
    );
  });
});
