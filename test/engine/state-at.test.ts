/** The past, told from the audit alone, against what was there. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { type Identity, identityOf } from '../../src/core/resource.ts';
import type { Stored } from '../../src/core/stored.ts';
import { edgesAt } from '../../src/engine/edges-at.ts';
import { revisionAt, stateAt } from '../../src/engine/state-at.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { formatTime } from '../../src/kinds/time.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store, WriteChange } from '../../src/stores/store.ts';
import {
  act,
  apply,
  create,
  type Everything,
  everything,
  reading,
  remove,
  stored,
  update,
} from '../contract/entries.ts';
import { evolve, organisation } from '../support/arbitrary.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import { group, user } from '../support/resources.ts';

const START = Date.parse('2026-06-01T00:00:00Z');
const DAY = 24 * 3_600_000;
const LONG = process.env.ROLECALL_LONG === '1';

function timeOf(revision: number): string {
  return formatTime(START + revision * DAY);
}

/** What makes a store that has `before` have `after`: what is renamed keeps its uid. */
function changesTo(
  before: readonly Stored[],
  after: readonly Resource[],
  renamed: ReadonlyMap<Identity, Identity> = new Map(),
): WriteChange[] {
  const left = new Map(before.map((one) => [renamed.get(one.id) ?? one.id, one]));
  const written = after.flatMap((resource): WriteChange[] => {
    const was = left.get(identityOf(resource));
    left.delete(identityOf(resource));
    if (!was) return [create(resource)];
    const change = update(was, resource);
    return change.after?.body === was.body ? [] : [change];
  });
  return [...[...left.values()].map(remove), ...written];
}

const plain = ({ uid, id, body }: { uid: string; id: Identity; body: string }) => `${id} ${uid} ${body}`;

async function expectPast(store: Store, was: Everything): Promise<void> {
  const { revision } = was.head;
  await reading(store, async (open) => {
    for (const later of [0, DAY - 1])
      expect((await revisionAt(open, START + revision * DAY + later)).revision).toBe(revision);
    const past = await stateAt(open, revision);
    expect(past.resources.map(plain).sort()).toEqual(was.resources.map(plain).sort());
    for (const { id, resource } of past.resources) expect(identityOf(resource)).toBe(id);
    const edges = await edgesAt(open, revision, past);
    const got = [...edges].flatMap(([id, of]) =>
      [...of].map(([pointer, since]) => `${id} ${pointer} ${since}`),
    );
    expect(got.sort()).toEqual(was.edges.map(({ id, pointer, since }) => `${id} ${pointer} ${since}`).sort());
  });
}

async function live(store: Store, g: fc.GeneratorValue, first: Resource[], steps: number): Promise<void> {
  const refusal = { type: 'refused', digest: 'sha256:no', verdicts: [] } as const;
  const past: Everything[] = [];
  let org = first;
  let renamed: ReadonlyMap<Identity, Identity> = new Map();
  for (let revision = 1; revision <= steps; revision++) {
    const { resources } = await everything(store);
    await apply(store, changesTo(resources, org, renamed), { at: timeOf(revision) });
    past.push(await everything(store));
    await store.write({ ...refusal, act: act({ at: timeOf(revision) }) });
    ({ resources: org, renamed } = g(evolve, org));
  }
  for (const was of past) await expectPast(store, was);
}

test('every past revision is what was there, edges and all (in memory)', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(organisation, fc.integer({ min: 1, max: 6 }), fc.gen(), async (org, steps, g) => {
      await live(inMemoryStore(), g, org, steps);
    }),
    { numRuns: LONG ? 10_000 : 300 },
  );
});

function sqlite(): { store: Store; file: string } {
  const file = join(temporaryFolder(), '.iam/iam.db');
  return { store: sqliteStore({ file, location: '.iam/iam.db', lockTimeout: 1000 }), file };
}

test('every past revision is what was there, edges and all (SQLite)', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(organisation, fc.gen(), async (org, g) => {
      const { store } = sqlite();
      try {
        await live(store, g, org, 5);
      } finally {
        await store.close();
      }
    }),
    { numRuns: LONG ? 300 : 15 },
  );
});

test('a name that is given again is another resource', async () => {
  const store = inMemoryStore();
  await apply(store, [create(user('ana', { displayName: 'First' }))], { at: timeOf(1) });
  const first = await everything(store);
  await apply(store, [remove(await stored(store, 'User//ana'))], { at: timeOf(2) });
  await apply(store, [create(user('ana', { displayName: 'Second' }))], { at: timeOf(3) });
  await expectPast(store, first);
  await reading(store, async (open) => expect((await stateAt(open, 2)).resources).toEqual([]));
});

test('before the first apply there was nothing', async () => {
  const store = inMemoryStore();
  await apply(store, [create(user('ana'))], { at: timeOf(1) });
  const refused = reading(store, (open) => revisionAt(open, START));
  await expect(refused).rejects.toMatchObject({
    exit: 4,
    problems: [
      {
        code: 'RC126',
        message: 'there was nothing yet at 2026-06-01 00:00 UTC',
        hint: 'the first apply was at 2026-06-02 00:00 UTC',
      },
    ],
  });
});

test('what was redacted cannot be told, unless it is not needed', async () => {
  const { store, file } = sqlite();
  await apply(store, [create(group('acme/devs', ['ana'])), create(user('bo'))], { at: timeOf(1) });
  await apply(store, [update(await stored(store, 'Group/acme/devs'), group('acme/devs', []))], {
    at: timeOf(2),
  });
  await apply(store, [remove(await stored(store, 'User//bo')), create(user('cy'))], { at: timeOf(3) });
  const third = await everything(store);
  const database = new DatabaseSync(file);
  database.exec("UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE action <> 'apply'");
  database.close();
  const of = (revision: number) => reading(store, (open) => stateAt(open, revision));
  expect((await of(3)).resources.map(plain).sort()).toEqual(third.resources.map(plain).sort());
  for (const revision of [1, 2]) {
    const failed = of(revision);
    await expect(failed).rejects.toBeInstanceOf(Failure);
    await expect(failed).rejects.toMatchObject({ exit: 1, problems: [{ code: 'RC408' }] });
  }
  await expect(of(1)).rejects.toThrow(
    'what Group acme/devs was at revision 1 cannot be told: audit row 5 is redacted',
  );
  // Created later: that it was not there needs no payload.
  expect(third.resources.map(({ id }) => id).sort()).toEqual(['Group/acme/devs', 'User//cy']);
  await store.close();
});
