import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import {
  act,
  apply,
  applyOn,
  create,
  everything,
  flat,
  NOWHERE,
  reading,
  remove,
  stored,
} from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { temporaryFolder } from '../support/folder.ts';
import { group, user } from '../support/resources.ts';

const HAS_MODES = process.getuid !== undefined;
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65534;

function open(file: string): Store {
  return sqliteStore({ file, location: file, lockTimeout: 50 });
}

/** The file of a store at revision 1, in a folder of its own. */
async function madeStore(resources = 3): Promise<string> {
  const file = path.join(temporaryFolder(), 'iam.db');
  await apply(
    open(file),
    Array.from({ length: resources }, (_, i) => create(group(`acme/g${i}`, ['ana']))),
  );
  return file;
}

function mode(file: string): string {
  return (statSync(file).mode & 0o7777).toString(8);
}

/** Does something to the database behind the store's back. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

function failing(code: string, exit: number = EXIT.error) {
  return { name: 'Failure', exit, problems: [expect.objectContaining({ code })] };
}

/** Neither reading nor writing gets through. */
async function expectRefusal(file: string, code: string, message = ''): Promise<void> {
  for (const use of [() => everything(open(file)), () => open(file).write(applyOn(NOWHERE, []))]) {
    const refused = use();
    await expect(refused).rejects.toMatchObject(failing(code));
    await expect(refused).rejects.toThrow(message);
  }
}

describe.skipIf(!HAS_MODES)('the folder and the files (skipped on Windows, which has no modes)', () => {
  test('are for their owner alone, whatever the umask', async () => {
    const root = temporaryFolder();
    const file = path.join(root, 'a/b/iam.db');
    const umask = process.umask(0);
    try {
      await apply(open(file), [create(user('ana'))]);
      await reading(open(file), async (opened) => {
        await apply(open(file), [create(user('bo'))]);
        await flat(opened.resources());
        expect(readdirSync(path.dirname(file)).sort()).toEqual(['iam.db', 'iam.db-shm', 'iam.db-wal']);
        for (const name of readdirSync(path.dirname(file)))
          expect(mode(path.join(root, 'a/b', name)), name).toBe('600');
      });
    } finally {
      process.umask(umask);
    }
    expect([mode(path.join(root, 'a')), mode(path.join(root, 'a/b'))]).toEqual(['700', '700']);
  });

  test('a folder that is there keeps its mode', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    await apply(open(path.join(folder, 'iam.db')), [create(user('ana'))]);
    expect(mode(folder)).toBe('755');
  });

  test('a new .iam keeps itself out of git, and nothing else does', async () => {
    const root = temporaryFolder();
    await apply(open(path.join(root, '.iam/iam.db')), []);
    await apply(open(path.join(root, 'sub/.iam/stores/iam.db')), []);
    await apply(open(path.join(root, 'other/iam.db')), []);
    mkdirSync(path.join(root, 'there/.iam'), { recursive: true });
    await apply(open(path.join(root, 'there/.iam/iam.db')), []);
    for (const made of ['.iam', 'sub/.iam'])
      expect(readFileSync(path.join(root, made, '.gitignore'), 'utf8')).toBe('*\n');
    for (const not of ['other', 'sub', 'sub/.iam/stores', 'there/.iam'])
      expect(existsSync(path.join(root, not, '.gitignore'))).toBe(false);
  });

  test('a folder that everybody can write is refused, but for one with the sticky bit', async () => {
    const file = await madeStore();
    chmodSync(path.dirname(file), 0o777);
    await expectRefusal(file, 'RC402', 'can be written by everybody');
    chmodSync(path.dirname(file), 0o1777);
    expect((await everything(open(file))).resources.length).toBe(3);
    chmodSync(path.dirname(file), 0o770);
    await apply(open(file), [create(user('ana'))]);
  });

  test.for(['', '-wal', '-shm', '-journal'])('iam.db%s that others can write is refused', async (end) => {
    const file = await madeStore();
    if (end !== '') writeFileSync(file + end, '', { mode: 0o600 });
    for (const bits of [0o620, 0o602, 0o666]) {
      chmodSync(file + end, bits);
      await expectRefusal(file, 'RC402', 'can be written by others');
    }
    chmodSync(file + end, 0o644);
    expect((await everything(open(file))).resources.length).toBe(3);
  });

  test.for(['', '-wal', '-shm', '-journal'])('iam.db%s of another user is refused', async (end, context) => {
    context.skip(!IS_ROOT, 'only root can give a file away');
    const file = await madeStore();
    if (end !== '') writeFileSync(file + end, '', { mode: 0o600 });
    chownSync(file + end, NOBODY, NOBODY);
    await expectRefusal(file, 'RC402', 'belongs to another user');
  });
});

describe('what is not a store', () => {
  test('is left as it is: a text, another database, a folder', async () => {
    const folder = temporaryFolder();
    const textFile = path.join(folder, 'text.db');
    writeFileSync(textFile, 'not a database'.repeat(100), { mode: 0o600 });
    const other = path.join(folder, 'other.db');
    writeFileSync(other, '', { mode: 0o600 });
    tamper(other, 'CREATE TABLE meta (key, value)');
    for (const [file, message] of [
      [textFile, 'is not a database'],
      [other, 'is not a store of Rolecall'],
    ] as const) {
      const before = readFileSync(file);
      await expectRefusal(file, 'RC403', message);
      expect(readFileSync(file).equals(before)).toBe(true);
    }
    await expectRefusal(folder, 'RC403', 'is not a file');
    expect(readdirSync(folder).sort()).toEqual(['other.db', 'text.db']);
  });

  test.for([
    ["INSERT INTO migration VALUES (99, 'later', 'sha256:0')", 'newer version'],
    ["UPDATE migration SET checksum = 'sha256:0'", 'another migration 1'],
    ['DELETE FROM migration', 'lost'],
    ['PRAGMA application_id = 1', 'not a store of Rolecall'],
  ] as const)('after %s', async ([sql, message]) => {
    const file = await madeStore();
    tamper(file, sql);
    await expectRefusal(file, 'RC403', message);
  });

  test('an empty file is no store, and becomes one', async () => {
    const file = path.join(temporaryFolder(), 'iam.db');
    writeFileSync(file, '', { mode: 0o600 });
    expect((await everything(open(file))).head.store).toBeNull();
    expect(await open(file).write({ type: 'refused', act: act(), digest: 'd', verdicts: [] })).toMatchObject({
      created: false,
      head: { store: null },
    });
    expect(statSync(file).size).toBe(0);
    expect(await apply(open(file), [create(user('ana'))])).toMatchObject({ created: true });
  });

  test('what a first write left behind when it failed is no store', async () => {
    const file = path.join(temporaryFolder(), 'iam.db');
    await expect(open(file).write(applyOn({ store: 'gone', revision: 3 }, []))).rejects.toThrow();
    expect(existsSync(file)).toBe(true);
    expect((await everything(open(file))).head.store).toBeNull();
    expect(await apply(open(file), [create(user('ana'))])).toMatchObject({
      created: true,
      head: { revision: 1 },
    });
  });

  test('a damaged store throws, and never looks like fewer resources', async () => {
    const file = await madeStore(3000);
    truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096);
    await expect(everything(open(file))).rejects.toMatchObject({ name: 'Failure', exit: EXIT.error });
  });

  test('a write that was interrupted outside of WAL mode is rolled back before anything is read', async () => {
    const file = await madeStore(1000);
    tamper(file, 'PRAGMA journal_mode = DELETE');
    const before = await everything(open(file));
    const crashed = path.join(temporaryFolder(), 'iam.db');
    const writer = new DatabaseSync(file);
    // What does not fit into the cache is written before the end of the transaction.
    writer.exec("PRAGMA cache_size = 2; BEGIN; UPDATE resource SET body = body || 'x', manager = 'eve'");
    for (const end of ['', '-journal']) copyFileSync(file + end, crashed + end);
    writer.close();
    expect(readFileSync(crashed).includes('eve')).toBe(true);
    expect(await everything(open(crashed))).toEqual(before);
    expect(await apply(open(crashed), [create(user('ana'))])).toMatchObject({ head: { revision: 2 } });
  });

  test('a folder that cannot be made is told as such', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const below = path.join(file, 'iam.db');
    expect((await everything(open(below))).head.store).toBeNull();
    await expect(apply(open(below), [])).rejects.toMatchObject(failing('RC408'));
  });
});

describe('reading', () => {
  test('leaves no store, no folder and no file behind', async () => {
    const folder = temporaryFolder();
    await everything(open(path.join(folder, 'absent/iam.db')));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('takes no lock, and does not change the database', async () => {
    const file = await madeStore();
    const before = readFileSync(file);
    const writer = new DatabaseSync(file);
    writer.exec('BEGIN IMMEDIATE');
    expect((await everything(open(file))).resources.length).toBe(3);
    writer.exec('ROLLBACK');
    writer.close();
    expect(readFileSync(file).equals(before)).toBe(true);
    await reading(open(file), async () => {
      await apply(open(file), [create(user('ana'))]);
    });
  });
});

describe('the audit rows', () => {
  const columns = [
    'seq',
    'revision',
    'at',
    'actor',
    'actor_verified',
    'action',
    'uid',
    'identity',
    '"commit"',
    'pr',
    'approvers',
    'verdicts',
    'payload_hash',
    'prev_hash',
    'hash',
  ];

  async function audited(): Promise<string> {
    const file = path.join(temporaryFolder(), 'iam.db');
    const store = open(file);
    await apply(store, [create(user('ana')), create(user('bo'))], {
      actor: 'ana',
      reason: 'a secret',
      commit: 'c',
      pr: '1',
      approvers: ['bo'],
    });
    await apply(store, [remove(await stored(store, 'User//bo'))]);
    return file;
  }

  test('are append-only', async () => {
    const file = await audited();
    const before = await everything(open(file));
    const redact = 'before = NULL, after = NULL, reason = NULL';
    for (const sql of [
      'DELETE FROM audit',
      'DELETE FROM audit WHERE seq = 5',
      "UPDATE audit SET reason = 'better' WHERE seq = 1",
      'UPDATE audit SET reason = NULL WHERE seq = 1',
      ...columns.map((column) => `UPDATE audit SET ${redact}, ${column} = 7 WHERE seq = 2`),
      ...columns
        .filter((name) => name !== 'seq')
        .map((name) => `UPDATE OR REPLACE audit SET ${redact}, ${name} = 7 WHERE seq = 2`),
      'INSERT OR REPLACE INTO audit SELECT seq, revision, at, \'eve\', actor_verified, action, uid, identity, before, after, reason, "commit", pr, approvers, verdicts, payload_hash, prev_hash, hash FROM audit WHERE seq = 2',
    ]) {
      expect(() => tamper(file, sql), sql).toThrow(/audit rows are never/);
    }
    expect(await everything(open(file))).toEqual(before);
  });

  test('can be redacted, and the chain still holds', async () => {
    const file = await audited();
    tamper(file, 'UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE seq IN (1, 2, 5)');
    await apply(open(file), [create(user('cy'))]);
    const { audit } = await everything(open(file));
    expect(
      audit.map(({ before, after, reason }) => before === null && after === null && reason === null),
    ).toEqual([true, true, false, false, true, false, false]);
    expect(audit.length).toBe(7);
    expect(isChain(audit)).toBe(true);
  });

  test('show it when somebody removed the triggers and changed one', async () => {
    const file = await audited();
    tamper(file, "DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'eve' WHERE seq = 2");
    expect(isChain((await everything(open(file))).audit)).toBe(false);
  });
});
