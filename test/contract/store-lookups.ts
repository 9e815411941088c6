import { expect } from 'vitest';
import type { Reading, Store } from '../../src/stores/store.ts';
import { binding, group, token, user, workspace } from '../support/resources.ts';
import { apply, create, flat, reading, remove, stored, type Test, update } from './entries.ts';

/** `find` and `tally`: what is looked up without reading everything. */
export function lookups(test: Test): void {
  const filled = async (store: Store) =>
    apply(
      store,
      [
        workspace('acme'),
        workspace('beta'),
        user('ana'),
        user('bob', { email: 'Bob.STRASSE@acme.example' }),
        group('acme/admins', ['ana']),
        group('acme/all', ['ana', 'bob']),
        group('beta/all', ['bob']),
        binding('acme/b1', 'workspace-member', ['ana']),
        token('acme/ci', 'bob'),
      ].map((one) => create(one)),
    );
  const find = (store: Store, wanted: Parameters<Reading['find']>[0]) =>
    reading(store, async (opened) => (await opened.find(wanted)).map(({ id }) => id).sort());

  test('finds nothing where there is no store', async (store) => {
    expect(await find(store, { ids: ['User//ana'], kinds: ['User'] })).toEqual([]);
    expect(await reading(store, (opened) => opened.tally())).toEqual([]);
  });

  test('finds resources by identity, and leaves out what there is none of', async (store) => {
    await filled(store);
    expect(
      await find(store, { ids: ['User//ana', 'Group/acme/all', 'Group/beta/admins', 'User//zoe'] }),
    ).toEqual(['Group/acme/all', 'User//ana']);
    expect(await find(store, {})).toEqual([]);
  });

  test('finds a resource as it is read otherwise, whole', async (store) => {
    await filled(store);
    const [found] = await reading(store, (opened) => opened.find({ ids: ['User//bob'] }));
    const same = await stored(store, 'User//bob');
    expect({ ...found, resource: found?.resource, body: found?.body }).toMatchObject({ ...same });
  });

  test('finds what refers to an identity, once', async (store) => {
    await filled(store);
    expect(await find(store, { targets: ['User//ana'] })).toEqual([
      'Group/acme/admins',
      'Group/acme/all',
      'RoleBinding/acme/b1',
    ]);
    expect(await find(store, { targets: ['User//bob', 'User//ana'], ids: ['Group/acme/all'] })).toEqual([
      'Group/acme/admins',
      'Group/acme/all',
      'Group/beta/all',
      'RoleBinding/acme/b1',
      'Token/acme/ci',
    ]);
  });

  test('finds no more what does not refer any longer', async (store) => {
    await filled(store);
    await apply(store, [update(await stored(store, 'Group/acme/all'), group('acme/all', ['bob']))]);
    await apply(store, [remove(await stored(store, 'Group/acme/admins'))]);
    expect(await find(store, { targets: ['User//ana'] })).toEqual(['RoleBinding/acme/b1']);
  });

  test('finds users by address, whatever its case', async (store) => {
    await filled(store);
    expect(await find(store, { emails: ['bob.strasse@acme.example'] })).toEqual(['User//bob']);
    const bob = await stored(store, 'User//bob');
    await apply(store, [update(bob, user('bob', { email: 'robert@acme.example' }))]);
    expect(await find(store, { emails: ['bob.strasse@acme.example'] })).toEqual([]);
    expect(await find(store, { emails: ['robert@acme.example'] })).toEqual(['User//bob']);
  });

  test('finds all of a kind', async (store) => {
    await filled(store);
    expect(await find(store, { kinds: ['Workspace', 'Token'] })).toEqual([
      'Token/acme/ci',
      'Workspace//acme',
      'Workspace//beta',
    ]);
  });

  test('finds those of a kind in a workspace page by page', async (store) => {
    const names = ['B', 'a', 'b-1', 'b-10', 'b-2'];
    await apply(
      store,
      [
        workspace('acme'),
        workspace('beta'),
        user('ana'),
        ...names.map((name) => group(`acme/${name.toLowerCase()}x`, ['ana'])),
        group('beta/c', ['ana']),
      ].map((one) => create(one)),
    );
    const all: string[] = [];
    for (let after = ''; ; ) {
      const page = await reading(store, (opened) =>
        opened.find({ page: { kind: 'Group', workspace: 'acme', after, limit: 2 } }),
      );
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(2);
      all.push(...page.map(({ resource }) => resource.metadata.name));
      after = all.at(-1) ?? '';
    }
    expect(all).toEqual(names.map((name) => `${name.toLowerCase()}x`).sort());
  });

  test('gives the edges of some resources', async (store) => {
    await filled(store);
    const edges = await reading(store, (opened) =>
      flat(opened.edges({ ids: ['Group/acme/all', 'Token/acme/ci', 'Group/acme/nobody', 'User//ana'] })),
    );
    expect(edges.map(({ id, pointer }) => `${id} ${pointer}`).sort()).toEqual([
      'Group/acme/all /spec/members/User:ana',
      'Group/acme/all /spec/members/User:bob',
      'Token/acme/ci /spec/owner',
      'Token/acme/ci /spec/role',
    ]);
  });

  test('tallies by kind, workspace and manager, and follows every change', async (store) => {
    await filled(store);
    const tally = () =>
      reading(store, async (opened) =>
        (await opened.tally())
          .map(({ kind, workspace, manager, count }) => `${kind}/${workspace} ${manager} ${count}`)
          .sort(),
      );
    expect(await tally()).toEqual([
      'Group/acme default 2',
      'Group/beta default 1',
      'RoleBinding/acme default 1',
      'Token/acme default 1',
      'User/ default 2',
      'Workspace/ default 2',
    ]);
    await apply(store, [
      update(await stored(store, 'User//ana'), user('ana'), { manager: 'other' }),
      remove(await stored(store, 'Group/beta/all')),
      create(group('acme/new', ['ana'])),
    ]);
    expect(await tally()).toEqual([
      'Group/acme default 3',
      'RoleBinding/acme default 1',
      'Token/acme default 1',
      'User/ default 1',
      'User/ other 1',
      'Workspace/ default 2',
    ]);
  });

  test('finds the Tokens that say where their secrets go', async (store) => {
    const delivering = () =>
      reading(store, async (opened) => (await opened.find({ delivers: true })).map(({ id }) => id).sort());
    expect(await delivering()).toEqual([]);
    const delivered = (name: string) => token(`acme/${name}`, 'ana', { deliverTo: { file: name } });
    await apply(
      store,
      ['ci', 'cd', 'cx'].map((name) => create(delivered(name))),
    );
    await apply(store, [
      create(token('acme/quiet', 'ana')),
      create(token('beta/vault', 'ana', { deliverTo: { secret: { name: 'a', key: 'b' } } })),
      create(user('ana')),
    ]);
    expect(await delivering()).toEqual([
      'Token/acme/cd',
      'Token/acme/ci',
      'Token/acme/cx',
      'Token/beta/vault',
    ]);
    await apply(store, [
      update(await stored(store, 'Token/acme/cd'), token('acme/cd', 'ana')),
      update(
        await stored(store, 'Token/acme/quiet'),
        token('acme/quiet', 'ana', { deliverTo: { file: 'x' } }),
      ),
      remove(await stored(store, 'Token/acme/cx')),
    ]);
    expect(await delivering()).toEqual(['Token/acme/ci', 'Token/acme/quiet', 'Token/beta/vault']);
    const found = await reading(store, (opened) =>
      opened.find({ delivers: true, ids: ['User//ana', 'Token/acme/ci'] }),
    );
    expect(found.map(({ id }) => id).sort()).toEqual([
      'Token/acme/ci',
      'Token/acme/quiet',
      'Token/beta/vault',
      'User//ana',
    ]);
  });
}
