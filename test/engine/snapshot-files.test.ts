/** The files that applies leave, against the snapshot of the whole state at that time. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Identity, identityOf } from '../../src/core/resource.ts';
import { COLUMNS, type Layout } from '../../src/core/snapshot.ts';
import { createState } from '../../src/core/state.ts';
import type { Stored } from '../../src/core/stored.ts';
import { readOrigins } from '../../src/engine/snapshot.ts';
import { writeSnapshots } from '../../src/engine/snapshot-files.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { formatTime } from '../../src/kinds/time.ts';
import { CSV, csv } from '../../src/render/csv.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store, WriteChange } from '../../src/stores/store.ts';
import { apply, create, everything, reading, remove, update } from '../contract/entries.ts';
import { evolve, organisation } from '../support/arbitrary.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import { createSnapshots } from '../support/snapshot-reference.ts';

const START = Date.parse('2026-04-01T00:00:00Z');
const DAY = 24 * 3_600_000;
const LONG = process.env.ROLECALL_LONG === '1';

/** What makes a store that has `before` have `after`: what is renamed keeps its uid. */
function changesTo(
  before: readonly Stored[],
  after: readonly Resource[],
  renamed: ReadonlyMap<Identity, Identity>,
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

/** The tables that a store should have at a time, told person by person. */
async function wanted(store: Store, at: number): Promise<Record<string, string>> {
  return reading(store, async (open) => {
    const { resources } = await everything(store);
    const state = createState(resources.map(({ resource }) => resource));
    const rows = createSnapshots(state, (await readOrigins(open, {})).origins, at);
    return Object.fromEntries(
      state
        .ofKind('Workspace')
        .flatMap(({ metadata: { name } }) =>
          (['users', 'grants'] as const).map((layout) => [
            `${name}.${layout}.csv`,
            [...csv<string>(COLUMNS[layout as Layout], rows[layout](name))].join(''),
          ]),
        ),
    );
  });
}

function tables(folder: string): Record<string, string> {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.csv')) : [];
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

async function live(
  store: Store,
  folder: string,
  g: fc.GeneratorValue,
  first: Resource[],
  steps: number,
): Promise<void> {
  let org = first;
  let renamed: ReadonlyMap<Identity, Identity> = new Map();
  let at = START;
  for (let step = 1; step <= steps; step++) {
    at += g(fc.integer, { min: 0, max: 60 }) * DAY;
    const { resources } = await everything(store);
    await apply(store, changesTo(resources, org, renamed), { at: formatTime(at) });
    // Some applies are without a snapshot, some others meet a folder in which somebody was.
    if (g(fc.nat, { max: 3 }) < 3) {
      if (g(fc.nat, { max: 7 }) === 7) disturb(folder, g);
      await writeSnapshots({ store, folder, isDefault: true, form: CSV, version: '1', now: () => at });
      expect(tables(folder)).toMatchObject(await wanted(store, at));
      expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
    }
    ({ resources: org, renamed } = g(evolve, org));
  }
}

/** Takes a file away, or cuts one off. */
function disturb(folder: string, g: fc.GeneratorValue): void {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.length === 0) return;
  const file = path.join(folder, names[g(fc.nat, { max: names.length - 1 })] ?? '');
  if (g(fc.boolean)) rmSync(file);
  else writeFileSync(file, readFileSync(file).subarray(0, 40));
}

test('after any applies the files are those of the state (in memory)', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(organisation, fc.integer({ min: 2, max: 8 }), fc.gen(), async (org, steps, g) => {
      await live(inMemoryStore(), path.join(temporaryFolder(), 'snapshot'), g, org, steps);
    }),
    { numRuns: LONG ? 5000 : 60 },
  );
});

test('after any applies the files are those of the state (SQLite)', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(organisation, fc.gen(), async (org, g) => {
      const folder = temporaryFolder();
      const file = path.join(folder, 'iam.db');
      const store = sqliteStore({ file, location: 'iam.db', lockTimeout: 1000 });
      try {
        await live(store, path.join(folder, 'snapshot'), g, org, 5);
      } finally {
        await store.close();
      }
    }),
    { numRuns: LONG ? 300 : 12 },
  );
});
