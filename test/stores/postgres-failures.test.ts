import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { act, apply, applyOn, create, everything, flat, headOf, reading } from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ask, failureOf, newSchema, ownServer, serverUrl, storeUrl } from '../support/postgres.ts';
import { group, user } from '../support/resources.ts';

const SECRET = 'hunter2-&%/@secret';

function open(url: string, lockTimeout = 5000) {
  return postgresStore({ url, lockTimeout });
}

/** Everything that a failure says, for those who look for secrets. */
function said(error: Error): string {
  return JSON.stringify([error.message, error.stack, { ...error }, String(error.cause ?? '')]);
}

async function silentServer(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a server that is not to be had', () => {
  test('is named with the cause and what to do, and never with a password', async () => {
    const server = new URL(await serverUrl());
    const url = (change: (url: URL) => void) => {
      const copy = new URL(server);
      copy.searchParams.set('schema', newSchema());
      copy.password = encodeURIComponent(SECRET);
      change(copy);
      return copy.href;
    };
    const right = server.password;
    const cases: [string, RegExp, RegExp][] = [
      [url(() => {}), /password authentication failed for user "postgres"/, /PGPASSWORD/],
      [
        url((one) => {
          one.username = 'nobody-here';
        }),
        /password authentication failed for user "nobody-here"/,
        /PGPASSWORD/,
      ],
      [
        url((one) => {
          one.pathname = '/nothing_here';
          one.password = right;
        }),
        /database "nothing_here" does not exist/,
        /createdb/,
      ],
      [
        url((one) => {
          one.port = '1';
        }),
        /ECONNREFUSED/,
        /server runs/,
      ],
      [
        url((one) => {
          one.searchParams.set('sslmode', 'require');
        }),
        /does not support SSL/,
        /sslmode/,
      ],
      [
        url((one) => {
          one.searchParams.set('sslmode', 'verify-full');
          one.searchParams.set('sslrootcert', '/nowhere/ca.pem');
        }),
        /\/nowhere\/ca\.pem/,
        /sslrootcert/,
      ],
    ];
    for (const [address, cause, hint] of cases) {
      const store = open(address);
      for (const use of [() => headOf(store), () => store.write(applyOn({ store: null, revision: 0 }, []))]) {
        const failure = await failureOf(use());
        expect(failure).toMatchObject({ exit: EXIT.error, problems: [{ code: 'RC408' }] });
        expect(failure.message).toMatch(cause);
        expect(failure.message).toContain(store.location);
        expect(failure.problems[0]?.hint).toMatch(hint);
        for (const secret of [SECRET, encodeURIComponent(SECRET), right]) {
          expect(said(failure)).not.toContain(secret);
          expect(store.location).not.toContain(secret);
        }
      }
    }
  });

  test('that does not answer is given up after 10 seconds', async () => {
    const port = await silentServer();
    const began = performance.now();
    const failure = await failureOf(
      headOf(open(`postgres://ana:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/iam`)),
    );
    expect(failure.message).toBe(`postgres://ana@127.0.0.1:${port}/iam: no answer within 10 s`);
    expect(performance.now() - began).toBeGreaterThan(9000);
  });
});

const OPENSSL = 'openssl';

test('TLS believes nobody whom it was not told to', async (context) => {
  const server = await ownServer();
  const [key, certificate] = ['server.key', 'server.crt'].map((name) => path.join(server.data, name));
  const { status, error } = spawnSync(OPENSSL, [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', String(key), '-out', String(certificate)],
  ]);
  context.skip(status !== 0, `no certificate without openssl (${error?.message ?? status})`);
  const { uid, gid } = statSync(server.data);
  for (const file of [key, certificate]) chownSync(String(file), uid, gid);
  chmodSync(String(key), 0o600);
  appendFileSync(path.join(server.data, 'postgresql.auto.conf'), 'ssl = on\n');
  await server.stop();
  await server.start();
  const url = storeUrl(server.url, 'rolecall');
  const copy = path.join(temporaryFolder(), 'ca.pem');
  copyFileSync(String(certificate), copy);
  const file = encodeURIComponent(copy);
  for (const trusted of [
    `&sslmode=verify-full&sslrootcert=${file}`,
    `&sslmode=require&sslrootcert=${file}`,
    '&sslmode=no-verify',
  ])
    expect(await headOf(open(url + trusted))).toMatchObject({ store: null });
  for (const mode of ['require', 'verify-ca', 'verify-full']) {
    const failure = await failureOf(headOf(open(`${url}&sslmode=${mode}`)));
    expect(failure).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC408', hint: expect.stringContaining('sslrootcert') }],
    });
    expect(failure.message).toMatch(/certificate/);
  }
});

/** Changes that do something past the store when half of them have been taken. */
function* halfway(count: number, act: () => void) {
  for (let i = 0; i < count; i++) {
    if (i === count / 2) act();
    yield create(group(`acme/g${i}`, ['first']));
  }
}

describe('a connection that is lost', () => {
  test('in the middle of a write leaves the revision of before', async () => {
    const server = await serverUrl();
    const schema = newSchema();
    const store = open(storeUrl(server, schema));
    const { head } = await apply(store, [create(user('first'))]);
    const before = await everything(store);
    let ended: Promise<unknown> = Promise.resolve();
    const changes = halfway(6000, () => {
      ended = ask(
        server,
        `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN "${schema}".lock h ON split_part(h.transaction, ' ', 1) = l.virtualtransaction
         WHERE l.locktype = 'advisory'`,
      );
    });
    const failure = await failureOf(store.write({ ...applyOn(head, []), changes }));
    expect(failure).toMatchObject({ exit: EXIT.error, problems: [{ code: 'RC408' }] });
    expect(failure.message).toMatch(/terminating connection|Connection terminated/);
    expect(await ended).toEqual([{ pg_terminate_backend: true }]);
    expect(await everything(store)).toEqual(before);
    expect(await apply(store, [create(user('bo'))])).toMatchObject({ head: { revision: 2 } });
    expect(isChain((await everything(store)).audit)).toBe(true);
  });

  test('in the middle of a reading never looks like its end', async () => {
    const server = await serverUrl();
    const schema = newSchema();
    const store = open(`${storeUrl(server, schema)}&application_name=${schema}`);
    await apply(
      store,
      Array.from({ length: 2500 }, (_, i) => create(group(`acme/g${i}`, ['ana']))),
    );
    const reading = await store.read();
    const batches = reading.resources()[Symbol.asyncIterator]();
    expect((await batches.next()).value?.length).toBe(1000);
    await ask(server, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      schema,
    ]);
    expect(await failureOf(batches.next())).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC408' }],
    });
    for (const next of [() => reading.tally(), () => reading.find({ kinds: ['User'] })])
      expect(await failureOf(next())).toMatchObject({ problems: [{ code: 'RC408' }] });
    await reading.close();
    expect((await everything(store)).resources.length).toBe(2500);
  });

  test('because the server was stopped: readers and writers fail, and go on when it is there again', async () => {
    const server = await ownServer();
    const store = open(storeUrl(server.url, 'rolecall'));
    const { head } = await apply(store, [create(user('first'))]);
    const reading = await store.read();
    let stopped: Promise<void> = Promise.resolve();
    const changes = halfway(20_000, () => {
      stopped = server.stop();
    });
    expect(await failureOf(store.write({ ...applyOn(head, []), changes }))).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC408' }],
    });
    await stopped;
    expect(await failureOf(reading.tally())).toMatchObject({ problems: [{ code: 'RC408' }] });
    await reading.close();
    expect((await failureOf(headOf(store))).message).toMatch(/ECONNREFUSED/);
    await server.start();
    expect(await headOf(store)).toEqual(head);
    expect(await apply(store, [create(user('bo'))])).toMatchObject({ head: { revision: 2 } });
  });

  test('to a standby is one that only reads', async () => {
    const server = await ownServer();
    const store = open(storeUrl(server.url, 'rolecall'));
    const { head } = await apply(store, [create(user('first'))]);
    await server.stop();
    writeFileSync(path.join(server.data, 'standby.signal'), '');
    appendFileSync(path.join(server.data, 'postgresql.auto.conf'), "primary_conninfo = ''\n");
    await server.start();
    expect(await headOf(store)).toEqual(head);
    const failure = await failureOf(apply(store, [create(user('bo'))]));
    expect(failure).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC408', hint: 'write to the primary' }],
    });
    expect(failure.message).toMatch(/standby/);
  });
});

test('settings of a role are not those of a write: neither a short time nor reading only', async () => {
  const server = await serverUrl();
  const schema = newSchema();
  await ask(server, `CREATE ROLE ${schema} LOGIN SUPERUSER PASSWORD 'x'`);
  onTestFinished(async () => {
    await ask(server, `DROP OWNED BY ${schema}; DROP ROLE ${schema}`);
  });
  await ask(
    server,
    `ALTER ROLE ${schema} SET statement_timeout = '20ms'; ALTER ROLE ${schema} SET default_transaction_read_only = on;
     ALTER ROLE ${schema} SET search_path = 'pg_catalog'; ALTER ROLE ${schema} SET default_transaction_isolation = 'serializable'`,
  );
  const store = open(storeUrl(server, schema, { name: schema, password: 'x' }));
  await apply(
    store,
    Array.from({ length: 3000 }, (_, i) => create(group(`acme/g${i}`, ['ana']))),
  );
  expect((await everything(store)).resources.length).toBe(3000);
});

describe('a connection that is lost at the commit', () => {
  /** A way to the server that is cut when the commit passes, before or after the server has it. */
  async function cutAtCommit(server: URL, cut: 'before' | 'after', isOpenLater: boolean): Promise<URL> {
    let isCut = false;
    const proxy = createServer((client) => {
      const upstream = connect(Number(server.port), server.hostname);
      for (const socket of [client, upstream]) socket.on('error', () => {});
      const end = () => {
        client.destroy();
        upstream.destroy();
      };
      if (isCut && !isOpenLater) return end();
      client
        .on('close', () => upstream.end())
        .on('data', (data) => {
          const isCommit = !isCut && data.includes('COMMIT\0');
          isCut ||= isCommit;
          if (isCommit && cut === 'before') return end();
          upstream.write(data, () => {
            if (isCommit) client.destroy();
          });
        });
      upstream
        .on('close', () => client.destroy())
        .on('data', (data) => {
          if (!isCut || isOpenLater) client.write(data);
        });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      proxy.close();
    });
    await once(proxy, 'listening');
    const url = new URL(server);
    url.port = String((proxy.address() as AddressInfo).port);
    return url;
  }

  test.each([
    ['before', true, 'not written'],
    ['after', true, 'written'],
    ['after', false, 'not known'],
  ] as const)(
    '%s the server has it, the server there later: %s, is told as it is',
    async (cut, isOpenLater, outcome) => {
      const server = await serverUrl();
      const schema = newSchema();
      const direct = open(storeUrl(server, schema));
      const { head } = await apply(direct, [create(user('first'))]);
      const through = open(storeUrl((await cutAtCommit(new URL(server), cut, isOpenLater)).href, schema));
      const written = through.write(applyOn(head, [create(user('bo'))]));
      if (outcome === 'written') {
        expect(await written).toMatchObject({ head: { revision: 2 } });
      } else {
        const failure = await failureOf(written);
        expect(failure).toMatchObject({ exit: EXIT.error, problems: [{ code: 'RC408' }] });
        expect(/revision 2 was written is not known/.test(failure.message)).toBe(outcome === 'not known');
      }
      // The lock, so that nothing is under way any more.
      await direct.write({ type: 'snapshot', revision: 1 });
      expect(await headOf(direct)).toMatchObject({ revision: cut === 'before' ? 1 : 2 });
    },
  );

  test('before the server has it, what leaves no audit row is told as not written', async () => {
    const server = await serverUrl();
    const schema = newSchema();
    const direct = open(storeUrl(server, schema));
    await apply(direct, [create(user('ana', { notBefore: '2026-07-01' }))]);
    const through = open(storeUrl((await cutAtCommit(new URL(server), 'before', true)).href, schema));
    const entry = { type: 'pass', act: act({ at: '2026-07-02T00:00:00Z' }) } as const;
    expect(await failureOf(through.write(entry))).toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC408' }],
    });
    const waiting = () => reading(direct, (opened) => flat(opened.moments({ open: true })));
    expect(await waiting()).toHaveLength(1);
    await direct.write(entry);
    expect(await waiting()).toHaveLength(0);
  });
});
