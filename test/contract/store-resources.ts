import { expect } from 'vitest';
import { canonicalJson } from '../../src/core/hash.ts';
import { identityOf, toManifest } from '../../src/core/resource.ts';
import { binding, group, role, token, user, workspace } from '../support/resources.ts';
import { apply, create, everything, remove, stored, type Test, update } from './entries.ts';

/** Resources come back as they were written, under the uid that they were given. */
export function resources(test: Test): void {
  test('gives back what was written', async (store) => {
    const odd =
      'Zoë "quoted" \\ \u2028 𝒜 \0 \u0007 \r\n\t \uFEFF \ud800 e\u0301 é \'; DROP TABLE resource; --';
    const written = [
      user(
        'ana',
        { displayName: odd },
        { labels: { team: 'é-"x"' }, annotations: { 'rolecall.dev/protect': 'true' } },
      ),
      role('huge', { description: 'long text, é '.repeat(100_000) }),
      binding('acme/b', 'huge', ['ana', 'Group:devs', 'Token:ci'], {
        resources: [{ type: 'Source', id: 'a/b~c d' }, { type: 'Workspace' }],
      }),
    ];
    const ledger = { manager: 'tëam "a"', fieldManagers: { state: 'hr', displayName: 'tëam "a"' } };
    await apply(
      store,
      written.map((resource) => create(resource, ledger)),
    );
    for (const resource of written) {
      const id = identityOf(resource);
      expect(await stored(store, id)).toMatchObject({
        id,
        body: canonicalJson(toManifest(resource)),
        resource,
        ...ledger,
      });
    }
    const ana = await stored(store, 'User//ana');
    await apply(store, [update(ana, user('ana'), { manager: 'other', fieldManagers: {} })]);
    expect(await stored(store, 'User//ana')).toEqual({
      ...ana,
      resource: user('ana'),
      body: canonicalJson(toManifest(user('ana'))),
      manager: 'other',
      fieldManagers: {},
    });
  });

  test('keeps apart what differs only by case, accent or workspace', async (store) => {
    const all = [
      user('ana'),
      user('Ana'),
      user('aná'),
      user('ana '),
      group('acme/ana', []),
      group('Acme/ana', []),
      group('beta/ana', []),
    ];
    await apply(
      store,
      all.map((one) => create(one)),
    );
    const { resources } = await everything(store);
    expect(resources.map(({ id }) => id).sort()).toEqual(all.map(identityOf).sort());
    expect((await everything(store, { workspace: 'acme' })).resources.map(({ id }) => id)).toEqual([
      'Group/acme/ana',
    ]);
  });

  test('keeps a uid over updates and renames, and never gives it again', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))]);
    const { uid } = await stored(store, 'User//ana');
    expect(uid).not.toBe((await stored(store, 'User//bo')).uid);
    await apply(store, [update(await stored(store, 'User//ana'), user('ana', { displayName: 'Ana' }))]);
    expect(await stored(store, 'User//ana')).toMatchObject({ uid });
    await apply(store, [update(await stored(store, 'User//ana'), user('ana-diaz'))]);
    expect(await stored(store, 'User//ana-diaz')).toMatchObject({ uid });
    await apply(store, [create(user('ana'))]);
    const seen = new Set([uid, (await stored(store, 'User//ana')).uid]);
    expect(seen.size).toBe(2);
    for (let again = 3; again < 6; again++) {
      await apply(store, [remove(await stored(store, 'User//ana'))]);
      await apply(store, [create(user('ana'))]);
      expect(seen.add((await stored(store, 'User//ana')).uid).size).toBe(again);
    }
  });

  test('takes changes one after the other', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))]);
    const [ana, bo] = [await stored(store, 'User//ana'), await stored(store, 'User//bo')];
    await apply(store, [
      update(ana, user('cy')),
      update(bo, user('ana')),
      remove({ ...ana, id: 'User//cy' }),
      create(user('bo')),
    ]);
    const { resources } = await everything(store);
    expect(resources.map(({ id }) => id).sort()).toEqual(['User//ana', 'User//bo']);
    expect(await stored(store, 'User//ana')).toMatchObject({ uid: bo.uid });
  });

  test('reads one workspace: what is in it, and its Workspace', async (store) => {
    const inside = [
      workspace('acme', { owners: { required: [{ name: 'ana' }] } }),
      group('acme/devs', ['ana']),
      binding('acme/b', 'keeper', ['ana']),
      token('acme/ci', 'ana'),
    ];
    const outside = [
      workspace('beta'),
      workspace('acme-2'),
      group('beta/acme', ['ana']),
      user('acme'),
      user('ana'),
      role('keeper'),
      role('acme'),
    ];
    await apply(
      store,
      [...outside, ...inside].map((one) => create(one)),
    );
    const all = await everything(store);
    const acme = await everything(store, { workspace: 'acme' });
    const ids = inside.map(identityOf);
    expect(acme.resources.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(acme.resources).toEqual(all.resources.filter(({ id }) => ids.includes(id)));
    expect(acme.edges).toEqual(all.edges.filter(({ id }) => ids.includes(id)));
    expect(acme.edges.length).toBeGreaterThanOrEqual(4);
    expect((await everything(store, { workspace: 'nowhere' })).resources).toEqual([]);
    expect((await everything(store, { workspace: '' })).resources).toEqual([]);
  });
}
