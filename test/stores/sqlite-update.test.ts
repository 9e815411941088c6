import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'vitest';
import { MIGRATIONS } from '../../src/stores/sqlite/migrations.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { expectUpdate } from '../contract/older-store.ts';
import { temporaryFolder } from '../support/folder.ts';

/** The tables that the first two versions had, in an order in which they can be filled. */
const TABLES = {
  meta: 'key, value',
  revision:
    'revision, at, actor, actor_verified, manager, digest, reason, commit_sha, created, updated, deleted',
  resource: 'id, uid, kind, workspace, name, manager, field_managers, external_id, body, revision, email',
  edge: 'resource, pointer, target, since',
  tally: 'kind, workspace, manager, count',
  audit: '*',
};

function open(file: string) {
  return sqliteStore({ file, location: file, lockTimeout: 50 });
}

/** A store of the version before time and secrets, with what another one has. */
function olderStore(from: string, file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.function('fold_case', (text) => text);
    database.exec(
      `PRAGMA application_id = ${0x524f4c45};
       CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT;
       ATTACH '${from}' AS since`,
    );
    for (const { sql } of MIGRATIONS.slice(0, 2)) database.exec(sql);
    database.exec('INSERT INTO migration SELECT * FROM since.migration WHERE version <= 2');
    for (const [table, columns] of Object.entries(TABLES)) {
      const into = columns === '*' ? table : `${table} (${columns})`;
      database.exec(`INSERT INTO ${into} SELECT ${columns} FROM since.${table} ORDER BY 1`);
    }
  } finally {
    database.close();
  }
}

test('a store of the version before time and secrets is refused by who reads, and updated by who writes', async () => {
  const folder = temporaryFolder();
  const from = path.join(folder, 'from.db');
  let made = 0;
  await expectUpdate(open(from), async () => {
    const file = path.join(folder, `older-${made++}.db`);
    olderStore(from, file);
    return open(file);
  });
});
