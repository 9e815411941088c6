import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { Layout } from '../../src/core/snapshot.ts';
import { createSnapshots, type Snapshots } from '../../src/operator/snapshots.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { apply, create, remove, stored, update } from '../contract/entries.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import { binding, user, workspace } from '../support/resources.ts';

const START = Date.parse('2026-11-24T12:00:00Z');
const HOUR = 3_600_000;

const ana = user('ana');
const acme = [workspace('acme'), binding('acme/owners', 'workspace-owner', ['ana'])];

function desk({ store = inMemoryStore(), folder = path.join(temporaryFolder(), 'snapshots') } = {}) {
  let at = START;
  let looks = 0;
  let isDown = false;
  const changed: string[][] = [];
  const watched: Store = {
    ...store,
    read() {
      looks++;
      if (isDown) throw new Error('the store is down');
      return store.read();
    },
  };
  const snapshots = createSnapshots({
    store: watched,
    folder,
    version: '1.2.3',
    now: () => at,
    changed: (names) => changed.push([...names].sort()),
  });
  return {
    store,
    folder,
    snapshots,
    changed,
    looks: () => looks,
    down: (is: boolean) => {
      isDown = is;
    },
    pass: (milliseconds: number) => {
      at += milliseconds;
    },
  };
}

async function table(
  snapshots: Snapshots,
  name: string,
  layout: Layout = 'users',
): Promise<string | undefined> {
  const opened = await snapshots.open(name, layout);
  if (!opened) return undefined;
  const content = await text(opened.content);
  expect(createHash('sha256').update(content).digest('hex')).toBe(opened.sha256);
  expect(Buffer.byteLength(content)).toBe(opened.bytes);
  return content;
}

test('what is served is what the store has, and what the status tells of', async () => {
  const { store, snapshots } = desk();
  await apply(
    store,
    [ana, ...acme].map((one) => create(one)),
  );
  const users = await table(snapshots, 'acme');
  expect(users).toMatch(/^"workspace","user".*\r\n"acme","ana","ana@acme.example",.*"Owner".*\r\n$/);
  expect(await table(snapshots, 'acme', 'grants')).toContain('"acme","User","ana"');
  expect(snapshots.facts('acme')).toEqual({
    sha256: createHash('sha256')
      .update(users ?? '')
      .digest('hex'),
    rows: 1,
    writtenAt: '2026-11-24T12:00:00Z',
  });
});

test('there is nothing of a workspace that is not there, or of no store', async () => {
  const { store, snapshots } = desk();
  expect(await table(snapshots, 'acme')).toBeUndefined();
  expect(snapshots.facts('acme')).toBeUndefined();
  await apply(store, [create(workspace('other'))]);
  expect(await table(snapshots, 'acme')).toBeUndefined();
  expect(await table(snapshots, 'other')).toBeDefined();
});

test('what is applied is in the next answer, and only workspaces that it touches are told', async () => {
  const { store, snapshots, changed } = desk();
  await apply(
    store,
    [ana, user('bo'), ...acme, workspace('other')].map((one) => create(one)),
  );
  await snapshots.refresh();
  const before = await stored(store, 'RoleBinding/acme/owners');
  await apply(store, [update(before, binding('acme/owners', 'workspace-owner', ['ana', 'bo']))]);
  expect(await table(snapshots, 'acme')).toContain('"bo@acme.example"');
  expect(changed).toEqual([['acme', 'other'], ['acme']]);
});

test('a window that ends is in the next answer, though nothing was applied', async () => {
  const { store, snapshots, changed, pass } = desk();
  const ends = { expiresAt: '2026-11-24T13:00:00Z' };
  const reader = binding('acme/readers', 'workspace-member', ['bo'], ends);
  await apply(
    store,
    [ana, user('bo'), ...acme, reader].map((one) => create(one)),
  );
  expect(await table(snapshots, 'acme', 'grants')).toContain('bo@acme.example');
  pass(HOUR);
  expect(await table(snapshots, 'acme', 'grants')).not.toContain('bo@acme.example');
  expect(changed).toEqual([['acme'], ['acme']]);
});

test('a workspace that is gone has no table any more, and is told', async () => {
  const { store, snapshots, changed } = desk();
  await apply(
    store,
    [workspace('acme'), workspace('other')].map((one) => create(one)),
  );
  await snapshots.refresh();
  await apply(store, [remove(await stored(store, 'Workspace//other'))]);
  expect(await table(snapshots, 'other')).toBeUndefined();
  expect(await table(snapshots, 'acme')).toBeDefined();
  expect(changed).toEqual([['acme', 'other'], ['other']]);
});

test('where nothing has changed an answer costs one look at the store', async () => {
  const { store, snapshots, looks, changed, folder } = desk();
  await apply(
    store,
    acme.map((one) => create(one)),
  );
  await snapshots.refresh();
  const written = statSync(path.join(folder, 'acme.users.csv')).ino;
  const before = looks();
  await table(snapshots, 'acme');
  expect(looks()).toBe(before + 1);
  expect(changed).toHaveLength(1);
  expect(statSync(path.join(folder, 'acme.users.csv')).ino).toBe(written);
});

test('whoever asks while it is made waits for one that began after he asked', async () => {
  const { store, snapshots, looks } = desk();
  await apply(
    store,
    [ana, ...acme].map((one) => create(one)),
  );
  await snapshots.refresh();
  const before = looks();
  const first = snapshots.refresh();
  await apply(store, [create(user('bo')), create(binding('acme/bo', 'workspace-member', ['bo']))]);
  const all = await Promise.all(Array.from({ length: 50 }, () => table(snapshots, 'acme')));
  await first;
  expect(new Set(all).size).toBe(1);
  expect(all[0]).toContain('bo@acme.example');
  // Those of the first, of whoever asks next and has it written, and one for all others.
  expect(looks() - before).toBeLessThanOrEqual(1 + 2 + 1);
});

test('a table that somebody reads stays that table whatever is written meanwhile', async () => {
  const { store, snapshots } = desk();
  await apply(
    store,
    [ana, ...acme].map((one) => create(one)),
  );
  const opened = await snapshots.open('acme', 'users');
  await apply(store, [create(user('bo')), create(binding('acme/bo', 'workspace-member', ['bo']))]);
  await snapshots.refresh();
  const content = opened ? await text(opened.content) : '';
  expect(createHash('sha256').update(content).digest('hex')).toBe(opened?.sha256);
  expect(content).not.toContain('bo@acme.example');
});

test('two replicas serve the same bytes of one store', async () => {
  const folder = temporaryFolder();
  const store = sqliteStore({ file: path.join(folder, 'iam.db'), location: 'iam.db', lockTimeout: 1000 });
  onTestFinished(() => store.close());
  const [leader, follower] = [
    desk({ store, folder: path.join(folder, 'a') }),
    desk({ store, folder: path.join(folder, 'b') }),
  ];
  await apply(
    store,
    [ana, ...acme].map((one) => create(one)),
  );
  await leader.snapshots.refresh();
  follower.pass(HOUR);
  expect(await table(follower.snapshots, 'acme')).toBe(await table(leader.snapshots, 'acme'));
  expect(follower.snapshots.facts('acme')?.sha256).toBe(leader.snapshots.facts('acme')?.sha256);
});

test('what another process has left in the folder is made good, and that of another store not served', async () => {
  const one = desk();
  await apply(
    one.store,
    acme.concat(workspace('left')).map((each) => create(each)),
  );
  await one.snapshots.refresh();
  const { folder } = one;
  writeFileSync(path.join(folder, 'acme.users.csv'), 'cut');
  const again = desk({ store: one.store, folder });
  expect(await table(again.snapshots, 'acme')).toMatch(/^"workspace"/);
  const another = desk({ folder });
  await apply(another.store, [create(workspace('acme'))]);
  expect(await table(another.snapshots, 'acme')).toMatch(/^"workspace"/);
  expect(await table(another.snapshots, 'left')).toBeUndefined();
  expect(another.snapshots.facts('left')).toBeUndefined();
});

test('a file that is not as it was written is not served, and then written again', async () => {
  const { store, snapshots, folder } = desk();
  await apply(
    store,
    [ana, ...acme].map((one) => create(one)),
  );
  const whole = await table(snapshots, 'acme');
  for (const harm of [(file: string) => truncateSync(file, 5), (file: string) => rmSync(file)]) {
    harm(path.join(folder, 'acme.users.csv'));
    await expect(snapshots.open('acme', 'users')).rejects.toThrow('acme.users.csv is not as it was written');
    expect(await table(snapshots, 'acme')).toBe(whole);
  }
});

test('while the store is down nothing is served; afterwards it is', async () => {
  const { store, snapshots, down } = desk();
  await apply(
    store,
    [ana, ...acme].map((one) => create(one)),
  );
  await snapshots.refresh();
  down(true);
  await expect(snapshots.open('acme', 'users')).rejects.toThrow('the store is down');
  down(false);
  expect(await table(snapshots, 'acme')).toContain('ana@acme.example');
});

test('nobody else can read the files', async () => {
  const { store, snapshots, folder } = desk();
  await apply(
    store,
    acme.map((one) => create(one)),
  );
  await snapshots.refresh();
  expect(existsSync(folder)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['acme.grants.csv', 'acme.snapshot.json', 'acme.users.csv']);
  for (const name of readdirSync(folder)) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600);
});

test('a table that is opened, and not read, leaves no file open', async () => {
  const { store, snapshots } = desk();
  await apply(
    store,
    acme.map((one) => create(one)),
  );
  await snapshots.refresh();
  const before = readdirSync('/dev/fd').length;
  for (let i = 0; i < 100; i++) {
    const opened = await snapshots.open('acme', 'users');
    opened?.content.destroy();
  }
  await expect.poll(() => readdirSync('/dev/fd').length).toBeLessThan(before + 10);
});
