import { test } from 'vitest';
import { MIGRATIONS } from '../../src/stores/postgres/migrations.ts';
import { postgresStore } from '../../src/stores/postgres/postgres-store.ts';
import { expectUpdate } from '../contract/older-store.ts';
import { ask, newSchema, serverUrl, storeUrl } from '../support/postgres.ts';

/** The tables that the first version had, in an order in which they can be filled. */
const TABLES = {
  meta: '*',
  revision: '*',
  resource: 'id, uid, kind, workspace, name, manager, field_managers, external_id, body, revision, email',
  edge: '*',
  tally: '*',
  audit: '*',
};

/** A store of the version before time and secrets, with what another one has. */
async function olderStore(server: string, from: string, schema: string): Promise<void> {
  const filled = Object.entries(TABLES).map(([table, columns]) => {
    const into = columns === '*' ? table : `${table} (${columns})`;
    return `INSERT INTO ${into} SELECT ${columns} FROM ${from}.${table}`;
  });
  await ask(
    server,
    `CREATE SCHEMA ${schema}; SET search_path = ${schema};
     CREATE TABLE migration (version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL);
     COMMENT ON TABLE migration IS 'A store of Rolecall';
     ${MIGRATIONS[0]?.sql};
     INSERT INTO migration SELECT * FROM ${from}.migration WHERE version = 1;
     ${filled.join(';')}`,
  );
}

test('a store of the version before time and secrets is refused by who reads, and updated by who writes', async () => {
  const server = await serverUrl();
  const from = newSchema();
  const open = (schema: string) => postgresStore({ url: storeUrl(server, schema), lockTimeout: 5000 });
  await expectUpdate(open(from), async () => {
    const schema = newSchema();
    await olderStore(server, from, schema);
    return open(schema);
  });
});
