import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { grantsTo } from '../../src/stores/postgres/grants.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import {
  act,
  apply,
  create,
  everything,
  flat,
  headOf,
  reading,
  remove,
  stored,
  update,
} from '../contract/entries.ts';
import { ask, failureOf, newSchema, serverUrl, storeUrl } from '../support/postgres.ts';
import { group, token, user } from '../support/resources.ts';

const PASSWORD = 'a-word-for-tests';
const ROLES = ['migrator', 'writer', 'reader', 'nobody'] as const;

/** A schema of a migrator, and somebody who logs in as each role. */
async function organisation({ isMade = true } = {}) {
  const server = await serverUrl();
  const schema = newSchema();
  const name = (role: string) => `${schema}_${role}`;
  for (const role of ROLES) await ask(server, `CREATE ROLE ${name(role)} LOGIN PASSWORD '${PASSWORD}'`);
  const database = new URL(server).pathname.slice(1);
  onTestFinished(async () => {
    await ask(server, `DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    for (const role of ROLES) await ask(server, `DROP OWNED BY ${name(role)}; DROP ROLE ${name(role)}`);
  });
  await ask(server, `GRANT CREATE ON DATABASE "${database}" TO ${name('migrator')}`);
  const urlOf = (role: (typeof ROLES)[number]) =>
    storeUrl(server, schema, { name: name(role), password: PASSWORD });
  const as = (role: (typeof ROLES)[number]) => postgresStore({ url: urlOf(role), lockTimeout: 2000 });
  if (isMade) await apply(as('migrator'), [create(user('ana')), create(group('acme/devs', ['ana']))]);
  return { server, schema, urlOf, as };
}

const TABLES = [
  'migration',
  'meta',
  'revision',
  'resource',
  'edge',
  'moment',
  'tally',
  'audit',
  'secret',
  'secret_hash',
  'lock',
];

/** A secret of the Token acme/ci, which is made first. */
async function issue(as: Awaited<ReturnType<typeof organisation>>['as']) {
  const writer = as('writer');
  await apply(writer, [create(token('acme/ci', 'ana', { expiresAt: '2026-07-01' }))]);
  const { uid, id: identity } = await stored(writer, 'Token/acme/ci');
  const secret = {
    id: 'a',
    token: uid,
    identity,
    sink: null,
    path: '/ci',
    keyId: 'k',
    hash: 'h',
    follows: null,
  };
  await writer.write({ type: 'issue', act: act(), secrets: [secret] });
}

/** Which of some statements a role may do, each rolled back. */
async function allowed(url: string, statements: readonly string[]): Promise<string[]> {
  const may: string[] = [];
  for (const statement of statements) {
    const text = `BEGIN; ${statement}; ROLLBACK`;
    const ok = await ask(url, text).then(
      () => true,
      (error: Error & { code?: string }) => {
        if (error.code !== '42501') throw error;
        return false;
      },
    );
    if (ok) may.push(statement);
  }
  return may;
}

describe('the three roles', () => {
  test('a reader reads all, and writes nothing', async () => {
    const { schema, as, urlOf } = await organisation();
    const reader = as('reader');
    const before = await everything(as('migrator'));
    expect(await everything(reader)).toEqual(before);
    for (const write of [
      () => apply(reader, [create(user('bo'))]),
      () => reader.write({ type: 'refused', act: act(), digest: 'd', verdicts: [] }),
      () => reader.write({ type: 'snapshot', revision: 1 }),
    ]) {
      expect(await failureOf(write())).toMatchObject({
        exit: EXIT.error,
        problems: [{ code: 'RC408', hint: expect.stringContaining(`${schema}_writer`) }],
      });
    }
    expect(await everything(reader)).toEqual(before);
    const changes = TABLES.flatMap((table) => [
      `DELETE FROM ${schema}.${table}`,
      `TRUNCATE ${schema}.${table} CASCADE`,
      `INSERT INTO ${schema}.${table} SELECT * FROM ${schema}.${table}`,
    ]);
    expect(await allowed(urlOf('reader'), changes)).toEqual([]);
  });

  test('a table that is not named in the grants is withheld from both', async () => {
    const { server, schema, urlOf } = await organisation();
    await ask(urlOf('migrator'), `CREATE TABLE ${schema}.another (hash text)`);
    for (const role of ['reader', 'writer'] as const) {
      await ask(server, grantsTo(role, schema));
      expect(
        await allowed(urlOf(role), [`SELECT * FROM ${schema}.another`, `SELECT * FROM ${schema}.audit`]),
      ).toEqual([`SELECT * FROM ${schema}.audit`]);
    }
  });

  test('a writer applies, refuses and remembers the snapshot', async () => {
    const { as, schema, server } = await organisation();
    const writer = as('writer');
    await apply(writer, [
      create(user('bo')),
      update(await stored(writer, 'Group/acme/devs'), group('acme/devs', ['bo'])),
      remove(await stored(writer, 'User//ana')),
    ]);
    await writer.write({ type: 'refused', act: act(), digest: 'd', verdicts: [] });
    await writer.write({ type: 'snapshot', revision: 2 });
    expect(await headOf(as('reader'))).toMatchObject({ revision: 2, snapshotRevision: 2 });
    expect((await everything(as('reader'))).audit.length).toBe(8);
    expect(await ask(server, `SELECT * FROM ${schema}.lock`)).toEqual([]);
  });

  test('a writer adds to the audit and the revisions, and changes neither', async () => {
    const { schema, urlOf, as } = await organisation();
    const before = (await everything(as('reader'))).audit;
    const statements = [
      `UPDATE ${schema}.audit SET actor = 'nobody'`,
      `UPDATE ${schema}.audit SET before = NULL, after = NULL, reason = NULL`,
      `DELETE FROM ${schema}.audit`,
      `TRUNCATE ${schema}.audit`,
      `UPDATE ${schema}.revision SET actor = 'nobody'`,
      `DELETE FROM ${schema}.revision`,
      `UPDATE ${schema}.migration SET checksum = ''`,
      `ALTER TABLE ${schema}.audit DISABLE TRIGGER ALL`,
      `DROP TRIGGER audit_no_update ON ${schema}.audit`,
      `UPDATE ${schema}.secret_hash SET hash = 'x'`,
      `DELETE FROM ${schema}.secret_hash`,
      `TRUNCATE ${schema}.secret_hash`,
      `CREATE TABLE ${schema}.another (x int)`,
      `DROP TABLE ${schema}.audit`,
    ];
    expect(await allowed(urlOf('writer'), statements)).toEqual([]);
    expect(
      await allowed(urlOf('writer'), [
        `UPDATE ${schema}.resource SET manager = 'x'`,
        `DELETE FROM ${schema}.resource`,
        `DELETE FROM ${schema}.tally`,
        `UPDATE ${schema}.moment SET passed = true`,
        `UPDATE ${schema}.secret SET settled = true`,
        `INSERT INTO ${schema}.secret_hash SELECT * FROM ${schema}.secret_hash`,
      ]),
    ).toHaveLength(6);
    expect((await everything(as('reader'))).audit).toEqual(before);
  });

  test('a reader knows the secrets, and not their hashes; a writer does', async () => {
    const { schema, urlOf, as } = await organisation();
    await issue(as);
    const hash = (role: 'reader' | 'writer') => reading(as(role), (opened) => opened.secretHash('a'));
    expect(await hash('writer')).toEqual({ keyId: 'k', hash: 'h' });
    expect(await failureOf(hash('reader'))).toMatchObject({
      exit: EXIT.error,
      problems: [
        {
          code: 'RC408',
          message: expect.stringContaining(`role ${schema}_reader may not read the hashes of secrets`),
          hint: expect.stringContaining(`${schema}_writer`),
        },
      ],
    });
    await reading(as('reader'), async (opened) => {
      expect(await opened.secrets({ unsettled: true })).toMatchObject([{ id: 'a' }]);
      expect(await flat(opened.moments())).toMatchObject([{ id: 'Token/acme/ci' }]);
    });
    const ways = [
      `SELECT hash FROM ${schema}.secret_hash`,
      `SELECT count(*) FROM ${schema}.secret_hash`,
      `COPY ${schema}.secret_hash TO STDOUT`,
    ];
    expect(await allowed(urlOf('reader'), ways)).toEqual([]);
  });

  test('a writer issues, delivers and ends secrets, and tells that time has passed', async () => {
    const { as } = await organisation();
    await issue(as);
    const writer = as('writer');
    await writer.write({ type: 'delivered', act: act(), secrets: [{ id: 'a', overlap: 0 }] });
    await writer.write({ type: 'pass', act: act({ at: '2026-07-02T00:00:00Z' }) });
    const ci = await stored(writer, 'Token/acme/ci');
    await apply(writer, [update(ci, token('acme/ci', 'ana', { revoked: true }))]);
    await apply(writer, [remove(await stored(writer, 'Token/acme/ci'))]);
    await writer.write({ type: 'settled', secrets: ['a'] });
    const actions = (await everything(as('reader'))).audit.map(({ action }) => action);
    expect(actions.slice(-7)).toEqual(['issue', 'retire', 'apply', 'update', 'revoke', 'apply', 'delete']);
  });

  test('only a migrator redacts, and the others are told so', async () => {
    const { schema, as } = await organisation();
    const before = await everything(as('reader'));
    const entry = { type: 'redact', act: act(), rows: [2] } as const;
    for (const role of ['writer', 'reader'] as const)
      expect(await failureOf(as(role).write(entry))).toMatchObject({
        exit: EXIT.error,
        problems: [
          {
            code: 'RC408',
            message: expect.stringContaining(`role ${schema}_${role} may not redact audit rows`),
            hint: expect.stringContaining(`${schema}_migrator`),
          },
        ],
      });
    expect(await everything(as('reader'))).toEqual(before);
    await as('migrator').write(entry);
    const { audit } = await everything(as('reader'));
    expect(audit[1]).toEqual({ ...before.audit[1], before: null, after: null, reason: null });
    expect(audit.at(-1)).toMatchObject({ action: 'redact', after: '{"manager":"default","rows":[2]}' });
  });

  test('who owns the schema cannot change audit rows by mistake, only redact them', async () => {
    const { schema, urlOf } = await organisation();
    const owner = urlOf('migrator');
    const may = await allowed(owner, [
      `UPDATE ${schema}.audit SET before = NULL, after = NULL, reason = NULL`,
      `UPDATE ${schema}.audit SET before = NULL, after = NULL, reason = NULL, actor = 'x'`,
      `UPDATE ${schema}.audit SET before = 'x'`,
      `UPDATE ${schema}.audit SET hash = 'x'`,
      `DELETE FROM ${schema}.audit`,
      `TRUNCATE ${schema}.audit`,
    ]);
    expect(may).toEqual([`UPDATE ${schema}.audit SET before = NULL, after = NULL, reason = NULL`]);
  });

  test('only a migrator makes the store', async () => {
    const { schema, as } = await organisation({ isMade: false });
    for (const role of ['writer', 'reader'] as const) {
      expect((await everything(as(role))).head.store).toBe(null);
      expect(await failureOf(apply(as(role), [create(user('ana'))]))).toMatchObject({
        exit: EXIT.error,
        problems: [{ code: 'RC403', hint: expect.stringContaining(`${schema}_migrator`) }],
      });
      expect((await everything(as(role))).head.store).toBe(null);
    }
    await apply(as('migrator'), [create(user('ana'))]);
    await apply(as('writer'), [create(user('bo'))]);
    expect(await headOf(as('reader'))).toMatchObject({ revision: 2 });
  });

  test('somebody without a role is told so', async () => {
    const { as, schema } = await organisation();
    for (const failing of [() => headOf(as('nobody')), () => apply(as('nobody'), [create(user('bo'))])])
      expect(await failureOf(failing())).toMatchObject({
        exit: EXIT.error,
        problems: [{ code: 'RC408', hint: expect.stringContaining(`${schema}_reader`) }],
      });
  });

  test('roles that were made after the store get the same by the statements of the guide, again and again', async () => {
    const { server, schema, as } = await organisation();
    await ask(
      server,
      ['reader', 'writer']
        .map((role) => `REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM ${schema}_${role}`)
        .join(';'),
    );
    await expect(headOf(as('reader'))).rejects.toThrow();
    for (let i = 0; i < 2; i++)
      for (const role of ['reader', 'writer'] as const) await ask(server, grantsTo(role, schema));
    await apply(as('writer'), [create(user('bo'))]);
    expect(await headOf(as('reader'))).toMatchObject({ revision: 2 });
  });
});

test('the guide has the statements as they are', () => {
  const guide = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');
  for (const role of ['reader', 'writer'] as const) expect(guide).toContain(grantsTo(role, 'rolecall'));
});
