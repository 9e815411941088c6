import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import {
  act,
  apply,
  create,
  everything,
  flat,
  reading,
  remove,
  stored,
  update,
} from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { temporaryFolder } from '../support/folder.ts';
import { group, token, user } from '../support/resources.ts';

const NAMES = ['Marguerite', 'Montgomery', 'Featherstone'];
/** More than a page of the database holds. */
const LONG = Array.from({ length: 2000 }, (_, at) => `Featherstone${at}`).join(' ');

function open(file: string) {
  return sqliteStore({ file, location: file, lockTimeout: 50 });
}

/** Which of some texts are in a database, its write-ahead log or anything beside them. */
function found(file: string, texts: readonly string[]): string[] {
  const folder = path.dirname(file);
  const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(path.join(folder, name))));
  return texts.filter((text) => bytes.includes(text));
}

/** A person who was changed, and then deleted, among others; `rows` are all that is told of her. */
async function leaver() {
  const file = path.join(temporaryFolder(), 'iam.db');
  const store = open(file);
  const others = Array.from({ length: 300 }, (_, at) => create(user(`u${at}`, { displayName: `U${at}` })));
  await apply(store, [
    ...others.slice(0, 150),
    create(user('mm', { email: 'marguerite.Montgomery@acme.example', displayName: 'Marguerite' })),
    ...others.slice(150),
  ]);
  const mm = await stored(store, 'User//mm');
  await apply(store, [create(group('acme/devs', ['mm'], { description: LONG }))], {
    reason: NAMES.join(' '),
  });
  await apply(store, [update(mm, user('mm', { email: 'mm@acme.example', displayName: LONG.slice(0, 200) }))]);
  await apply(store, [remove(mm), remove(await stored(store, 'Group/acme/devs'))]);
  const { audit } = await everything(store);
  const rows = audit
    .filter((row) => NAMES.some((name) => JSON.stringify(row).includes(name)))
    .map(({ seq }) => seq);
  expect(rows).toHaveLength(6);
  return { file, store, rows };
}

describe('a redaction', () => {
  test('leaves nothing of the text in the file, whatever deleted or changed it before', async () => {
    const { file, store, rows } = await leaver();
    expect(found(file, NAMES)).toEqual(NAMES);
    const before = await everything(store);
    await store.write({ type: 'redact', act: act(), rows });
    expect(found(file, NAMES)).toEqual([]);
    const after = await everything(store);
    expect(after.resources).toEqual(before.resources);
    expect(after.audit.filter(({ seq }) => !rows.includes(seq)).slice(0, -1)).toEqual(
      before.audit.filter(({ seq }) => !rows.includes(seq)),
    );
    expect(isChain(after.audit)).toBe(true);
    expect(await apply(store, [create(user('zoe'))])).toMatchObject({ head: { revision: 5 } });
    expect(found(file, NAMES)).toEqual([]);
  });

  test('that somebody who reads holds up says so, and ends with the next write', async () => {
    const { file, store, rows } = await leaver();
    const entry = { type: 'redact', act: act(), rows } as const;
    await reading(open(file), async (opened) => {
      await expect(store.write(entry)).rejects.toMatchObject({
        exit: EXIT.stale,
        problems: [{ code: 'RC407', message: expect.stringContaining('is being read') }],
      });
      // Who reads sees one moment to the end.
      expect((await flat(opened.audit())).some(({ before }) => before?.includes('Marguerite'))).toBe(true);
    });
    expect((await everything(store)).audit.some(({ before }) => before?.includes('Marguerite'))).toBe(false);
    expect(found(file, NAMES)).toEqual(NAMES);
    await store.write({ type: 'snapshot', revision: 4 });
    expect(found(file, NAMES)).toEqual([]);
  });
});

test('of a secret the file has the hash alone', async () => {
  const file = path.join(temporaryFolder(), 'iam.db');
  const store = open(file);
  await apply(store, [create(token('acme/ci', 'ana'))]);
  const { uid, id: identity } = await stored(store, 'Token/acme/ci');
  const secret = {
    id: 'aaaaaaaaaaaa',
    token: uid,
    identity,
    sink: 'ci',
    path: '/ci',
    keyId: 'k1',
    hash: '0123456789abcdef'.repeat(4),
    follows: null,
  };
  await store.write({ type: 'issue', act: act(), secrets: [secret] });
  const database = new DatabaseSync(file, { readOnly: true });
  const { at } = act();
  const [row] = database.prepare('SELECT * FROM secret').all();
  expect(Object.values({ ...row })).toEqual([
    'aaaaaaaaaaaa',
    uid,
    identity,
    1,
    at,
    'ci',
    '/ci',
    null,
    null,
    null,
    0,
  ]);
  expect(
    database
      .prepare('SELECT * FROM secret_hash')
      .all()
      .map((one) => ({ ...one })),
  ).toEqual([{ id: secret.id, key_id: 'k1', hash: secret.hash }]);
  database.close();
  const text = readFileSync(file, 'latin1');
  expect(text.split(secret.hash)).toHaveLength(2);
  expect(text).not.toMatch(/(?<![0-9A-Za-z])[0-9A-Za-z]{49}(?![0-9A-Za-z])/);
});
