import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/core/hash.ts';
import { compareText, EXIT } from '../../src/core/problem.ts';
import { MIGRATIONS } from '../../src/stores/postgres/migrations.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { apply, create, everything, flat, headOf, reading } from '../contract/entries.ts';
import { ask, failureOf, newSchema, serverUrl, storeUrl } from '../support/postgres.ts';
import { group, user, workspace } from '../support/resources.ts';

async function place() {
  const server = await serverUrl();
  const schema = newSchema();
  const store = postgresStore({ url: storeUrl(server, schema), lockTimeout: 5000 });
  return { server, schema, store };
}

test.each(MIGRATIONS)('the checksum of $name is that of its text', ({ checksum, sql }) => {
  expect(checksum).toBe(sha256(sql));
});

test('the order is that of code points, whatever that of the database', async () => {
  const { server, schema, store } = await place();
  const names = ['Z', 'a', 'B', 'a-b', 'ab', 'a b', 'é', 'z', '\u{1F600}', '\uFF5E'];
  await apply(
    store,
    names.map((name) => create(group(`acme/${name}`, ['ana']))),
  );
  const expected = [...names].sort(compareText);
  const ofDatabase = await ask(server, 'SELECT n FROM unnest($1::text[]) n ORDER BY n', [names]);
  // Else this test says nothing.
  if (!process.env.IAM_TEST_POSTGRES) expect(ofDatabase.map(({ n }) => n)).not.toEqual(expected);
  const nameOf = (id: string) => id.slice('Group/acme/'.length);
  await reading(store, async (opened) => {
    expect((await flat(opened.resources())).map(({ id }) => nameOf(id))).toEqual(expected);
    expect((await flat(opened.edges())).map(({ id }) => nameOf(id))).toEqual(expected);
    const page = { kind: 'Group', workspace: 'acme', after: 'a', limit: 3 } as const;
    const found = await opened.find({ page });
    expect(found.map(({ id }) => nameOf(id))).toEqual(expected.slice(expected.indexOf('a') + 1).slice(0, 3));
  });
  const columns = await ask(
    server,
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = $1 AND collation_name = 'C' ORDER BY 1`,
    [schema],
  );
  expect(columns.length).toBeGreaterThan(10);
});

describe('a schema that is not a store', () => {
  test('is refused, and left as it is', async () => {
    const { server, schema, store } = await place();
    await ask(
      server,
      `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.migration (id int); INSERT INTO ${schema}.migration VALUES (1)`,
    );
    for (const use of [
      () => headOf(store),
      () => apply(store, [create(user('ana'))]),
      () => store.write({ type: 'snapshot', revision: 1 }),
    ])
      expect(await failureOf(use())).toMatchObject({
        exit: EXIT.error,
        problems: [{ code: 'RC403', hint: expect.stringContaining('?schema=') }],
      });
    expect(
      await ask(
        server,
        `SELECT count(*)::int AS n FROM pg_class WHERE relnamespace = '${schema}'::regnamespace`,
      ),
    ).toEqual([{ n: 1 }]);
  });

  test('but empty becomes one', async () => {
    const { server, schema, store } = await place();
    await ask(server, `CREATE SCHEMA ${schema}`);
    expect(await headOf(store)).toMatchObject({ store: null });
    expect(await apply(store, [create(user('ana'))])).toMatchObject({ created: true, head: { revision: 1 } });
  });

  test.each([
    ['another migration', "UPDATE migration SET checksum = 'sha256:other'", /another migration 1/],
    ['of a newer version', "INSERT INTO migration VALUES (99, 'later', 'sha256:x')", /newer version/],
    ['without its list of migrations', 'DELETE FROM migration', /lost the list/],
  ])('%s', async (_, sql, message) => {
    const { server, schema, store } = await place();
    await apply(store, [create(user('ana'))]);
    await ask(server, `SET search_path = ${schema}; ${sql}`);
    for (const use of [() => headOf(store), () => apply(store, [create(user('bo'))])]) {
      const failure = await failureOf(use());
      expect(failure).toMatchObject({ exit: EXIT.error, problems: [{ code: 'RC403' }] });
      expect(failure.message).toMatch(message);
    }
  });
});

test('stores of several schemas in one database know nothing of each other', async () => {
  const [one, other] = [await place(), await place()];
  await apply(one.store, [create(user('ana')), create(workspace('acme'))]);
  expect(await headOf(other.store)).toMatchObject({ store: null });
  await apply(other.store, [create(user('ana'))]);
  await Promise.all([apply(one.store, [create(user('bo'))]), apply(other.store, [create(user('cy'))])]);
  expect((await everything(one.store)).resources.map(({ id }) => id)).toEqual([
    'User//ana',
    'User//bo',
    'Workspace//acme',
  ]);
  expect((await everything(other.store)).resources.map(({ id }) => id)).toEqual(['User//ana', 'User//cy']);
});
