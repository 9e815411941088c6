import { expect } from 'vitest';
import { binding, group, user } from '../support/resources.ts';
import { apply, create, edgesOf, everything, remove, stored, type Test, update } from './entries.ts';

/** Each edge knows the revision that made it. */
export function edges(test: Test): void {
  test('an edge keeps the revision that made it while it stays', async (store) => {
    await apply(store, [
      create(group('acme/devs', ['ana', 'bo'])),
      create(binding('acme/b', 'keeper', ['ana'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({
      '/spec/members/User:ana': 1,
      '/spec/members/User:bo': 1,
    });
    const devs = await stored(store, 'Group/acme/devs');
    await apply(store, [
      update(devs, group('acme/devs', [{ name: 'ana', expiresAt: '2027-01-01T00:00:00.000Z' }, 'cy'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({
      '/spec/members/User:ana': 1,
      '/spec/members/User:cy': 2,
    });
    const b = await stored(store, 'RoleBinding/acme/b');
    const entries = { resources: [{ type: 'Workspace' }, { type: 'Source', id: 'a/b' }] };
    await apply(store, [update(b, binding('acme/b', 'reader', ['ana', 'Group:devs'], entries))]);
    expect(await edgesOf(store, 'RoleBinding/acme/b')).toEqual({
      '/spec/role': 3,
      '/spec/subjects/User:ana': 1,
      '/spec/subjects/Group:devs': 3,
      '/spec/resources/Workspace': 1,
      '/spec/resources/Source~1a~1b': 3,
    });
  });

  test('an edge that comes back is new', async (store) => {
    await apply(store, [create(group('acme/devs', ['ana']))]);
    for (const members of [[], ['ana']])
      await apply(store, [update(await stored(store, 'Group/acme/devs'), group('acme/devs', members))]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({ '/spec/members/User:ana': 3 });
  });

  test('an edge outlasts a rename of what it is of, and of its target', async (store) => {
    await apply(store, [create(user('ana')), create(group('acme/devs', ['ana', 'bo']))]);
    const ana = await stored(store, 'User//ana');
    const devs = await stored(store, 'Group/acme/devs');
    await apply(store, [
      update(ana, user('ana-diaz')),
      update(devs, group('acme/engineers', ['ana-diaz', 'bo', 'cy'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/engineers')).toEqual({
      '/spec/members/User:ana-diaz': 1,
      '/spec/members/User:bo': 1,
      '/spec/members/User:cy': 2,
    });
    // A new one with the name of before is somebody else.
    const engineers = await stored(store, 'Group/acme/engineers');
    await apply(store, [
      create(user('ana')),
      update(engineers, group('acme/engineers', ['ana', 'ana-diaz'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/engineers')).toEqual({
      '/spec/members/User:ana': 3,
      '/spec/members/User:ana-diaz': 1,
    });
  });

  test('edges go with their resource', async (store) => {
    await apply(store, [create(group('acme/devs', ['ana'])), create(group('acme/ops', ['ana']))]);
    await apply(store, [remove(await stored(store, 'Group/acme/devs'))]);
    expect((await everything(store)).edges).toEqual([
      { id: 'Group/acme/ops', pointer: '/spec/members/User:ana', since: 1 },
    ]);
    await apply(store, [create(group('acme/devs', ['ana']))]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({ '/spec/members/User:ana': 3 });
  });
}
