import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { Failure } from '../../src/core/problem.ts';
import { identityOf, toManifest } from '../../src/core/resource.ts';
import { isDenied } from '../../src/core/verdict.ts';
import { applyPlan } from '../../src/engine/apply.ts';
import { indexFile } from '../../src/engine/index-file.ts';
import { NO_OVERRIDES } from '../../src/engine/judgement.ts';
import { type PlannedSource, planSource } from '../../src/engine/plan-source.ts';
import { formatTime } from '../../src/kinds/time.ts';
import { renderManifest } from '../../src/render/yaml.ts';
import { filesSource } from '../../src/sources/files.ts';
import type { KnownFile, Source } from '../../src/sources/source.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { type Evolved, organisation } from '../support/arbitrary.ts';
import { edit } from '../support/edit.ts';
import { temporaryFolder } from '../support/folder.ts';
import { OPTIONS } from '../support/planning.ts';
import { binding, group, NOW, user, workspace } from '../support/resources.ts';
import { Tape } from '../support/tape.ts';

const LONG = process.env.ROLECALL_LONG === '1';

/** All that is to be seen of a plan, or of why there is none. */
async function seen(plan: Promise<PlannedSource>): Promise<{ text: string; planned?: PlannedSource }> {
  try {
    const planned = await plan;
    const { digest, judges } = planned.plan;
    return { text: JSON.stringify([planned.plan, digest, judges, planned.warnings]), planned };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { text: JSON.stringify([error.exit, error.problems]) };
  }
}

/** One store with the files of one team, whose plans are made in both ways. */
class World {
  readonly folder = temporaryFolder();
  readonly store: Store = sqliteStore({
    file: path.join(this.folder, 'store/iam.db'),
    location: 'iam.db',
    lockTimeout: 1000,
  });
  readonly #cache = path.join(this.folder, 'store/cache.index');
  time = NOW;
  /** How many plans did without reading something. */
  saved = 0;

  get index() {
    return this.#cache;
  }

  async planBoth(
    files: ReadonlyMap<string, string>,
    prune: boolean,
    manager = 'default',
  ): Promise<PlannedSource | undefined> {
    const source = this.#source(files);
    const options = { ...OPTIONS, manager, prune };
    const making = { options, at: this.time, overriding: NO_OVERRIDES };
    const full = await seen(planSource(this.store, source, { ...making, index: undefined }));
    let skipped = 0;
    const counting = {
      ...source,
      load: async (isKnown?: (hash: string) => boolean) => {
        const loaded = await source.load(isKnown);
        skipped += loaded.known.length;
        const counted = (file: KnownFile): KnownFile => ({
          ...file,
          read() {
            skipped--;
            return file.read();
          },
        });
        return { ...loaded, known: loaded.known.map(counted) };
      },
    };
    const incremental = await seen(
      planSource(this.store, counting, { ...making, index: indexFile(this.#cache) }),
    );
    expect(incremental.text).toBe(full.text);
    if (skipped > 0 && incremental.planned) this.saved++;
    return incremental.planned;
  }

  /** As somebody plans who keeps no index. */
  async planAlone(files: ReadonlyMap<string, string>, prune: boolean): Promise<PlannedSource | undefined> {
    const options = { ...OPTIONS, prune };
    const making = { options, at: this.time, overriding: NO_OVERRIDES, index: undefined };
    return (await seen(planSource(this.store, this.#source(files), making))).planned;
  }

  #source(files: ReadonlyMap<string, string>): Source {
    const cwd = path.join(this.folder, 'files');
    rmSync(cwd, { recursive: true, force: true });
    mkdirSync(cwd);
    for (const [name, text] of files) writeFileSync(path.join(cwd, name), text);
    return filesSource({ paths: ['.'], cwd, readStdin: async () => new Uint8Array() });
  }

  async apply(planned: PlannedSource, manager = 'default'): Promise<void> {
    if (isDenied(planned.plan.verdicts)) return;
    const act = {
      at: formatTime(this.time),
      manager,
      actor: null,
      actorVerified: false,
      reason: null,
      commit: null,
      pr: null,
      approvers: [],
    };
    planned.remember(await applyPlan(this.store, planned, act, NO_OVERRIDES));
  }
}

/** The manifests of an organisation in some files; a few of them wrong in some way. */
function filesOf({ resources }: Evolved, shift: number, tape: Tape): Map<string, string> {
  const files = new Map<string, string>();
  for (const resource of resources) {
    const id = identityOf(resource);
    const at = [...id].reduce((sum, character) => sum + character.charCodeAt(0), shift) % 7;
    const name = `f${at}.yaml`;
    files.set(name, `${files.get(name) ?? ''}---\n${renderManifest(resource)}`);
  }
  const [name, text = ''] = [...files][tape.below(files.size || 1)] ?? [''];
  if (name === '') return files;
  switch (tape.below(24)) {
    case 0:
      files.set(name, text.replace(/name: (\w+)$/m, 'name: $1-other'));
      break;
    case 1:
      files.set('copy.yaml', text);
      break;
    case 2:
      files.set(name, `${text}\n  wrong: [`);
      break;
    case 3:
    case 4:
      files.set('note.yaml', '# nothing yet\n');
      break;
    case 5:
    case 6:
      files.delete(name);
      break;
    case 7:
      files.set(name, '# all gone\n');
      break;
  }
  return files;
}

/** Whatever can happen to a file that nobody watches over. */
function damage(file: string, tape: Tape, old: Map<string, Buffer>): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  old.set(String(old.size), bytes);
  switch (tape.below(6)) {
    case 0:
      rmSync(file);
      break;
    case 1:
      truncateSync(file, tape.below(bytes.length));
      break;
    case 2:
    case 3:
      for (let n = 0; n <= tape.below(4); n++) {
        const at = Math.floor((tape.below(256) / 256) * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 + tape.below(255));
      }
      writeFileSync(file, bytes);
      break;
    case 4:
      writeFileSync(file, [...old.values()][tape.below(old.size)] ?? bytes);
      break;
    default:
      writeFileSync(file, Buffer.concat([bytes, Buffer.from('more')]));
  }
}

/** Somebody else changes the store, by other files than those that are looked at. */
async function meddle(world: World, now: Evolved, taken: Set<string>, tape: Tape): Promise<void> {
  let other = now;
  for (let n = 0; n <= tape.below(3); n++) other = edit(tape, other, taken) ?? other;
  const files = new Map(other.resources.map((one, i) => [`m${i}.yaml`, renderManifest(one)]));
  const planned = await world.planAlone(files, tape.chance(2));
  if (planned) await world.apply(planned);
}

async function live(org: readonly Parameters<typeof identityOf>[0][], values: Uint8Array): Promise<number> {
  const tape = new Tape(values);
  const world = new World();
  const old = new Map<string, Buffer>();
  const taken = new Set(org.map(identityOf));
  let now: Evolved = { resources: org as Evolved['resources'], renamed: new Map() };
  let shift = 0;
  const past: Evolved[] = [];
  while (!tape.ended) {
    // Now and then everything is as it was before, as after a change of branches.
    past.push(now);
    if (tape.chance(4)) now = past[tape.below(past.length)] ?? now;
    for (let n = tape.below(3); n > 0; n--) {
      now = edit(tape, now, taken) ?? now;
      for (const resource of now.resources) taken.add(identityOf(resource));
    }
    if (tape.chance(8)) shift++;
    if (tape.chance(6)) damage(world.index, tape, old);
    if (tape.chance(5)) world.time += tape.below(40) * 24 * 3_600_000;
    if (tape.chance(3)) await meddle(world, now, taken, tape);
    const manager = tape.chance(8) ? 'other' : 'default';
    const planned = await world.planBoth(filesOf(now, shift, tape), tape.chance(3), manager);
    if (!planned) continue;
    if (tape.chance(2)) await world.apply(planned, manager);
    else planned.remember();
  }
  return world.saved;
}

test('a plan that reads only what changed is that of everything, whatever was edited, applied and broken', {
  timeout: LONG ? 3_600_000 : 120_000,
}, async () => {
  let saved = 0;
  await fc.assert(
    fc.asyncProperty(
      organisation,
      fc.uint8Array({ minLength: 20, maxLength: 200, size: 'max' }),
      async (org, values) => {
        saved += await live(org, values);
      },
    ),
    { numRuns: LONG ? 5000 : 40 },
  );
  console.log(`${saved} plans did without reading some of their files`);
  expect(saved).toBeGreaterThan(10);
});

describe('files that come and go', () => {
  const all = [
    workspace('one'),
    workspace('two'),
    ...['ana', 'bo', 'cy'].map((name) => user(name)),
    ...['a', 'b', 'c', 'd'].map((name) => group(`two/${name}`, ['bo'])),
    binding('two/owners', 'workspace-owner', ['ana']),
    binding('two/members', 'workspace-member', ['cy']),
  ];
  const filesWithout = (...ids: readonly string[]) =>
    new Map(
      all
        .filter((one) => !ids.includes(identityOf(one)))
        .map((one) => [`${identityOf(one).replaceAll('/', '-')}.yaml`, renderManifest(one)]),
    );
  const applied = async () => {
    const world = new World();
    const planned = await world.planBoth(filesWithout(), false);
    if (planned) await world.apply(planned);
    return world;
  };
  const inTwo = all.filter(({ metadata }) => metadata.namespace === 'two').map(identityOf);

  test('a workspace that comes back with a file that is known is pruned all the same', async () => {
    const world = await applied();
    (await world.planBoth(filesWithout('Workspace//two', ...inTwo), true))?.remember();
    const planned = await world.planBoth(filesWithout('RoleBinding/two/members'), true);
    expect(planned?.plan.summary).toMatchObject({ delete: 1 });
  });

  test('two versions of a file, both known, declare everything twice', async () => {
    const world = await applied();
    const files = filesWithout();
    const [name = '', text = ''] = [...files].at(0) ?? [];
    (await world.planBoth(new Map([...files, [name, `${text}# more\n`]]), false))?.remember();
    expect(await world.planBoth(new Map([...files, ['other.yaml', `${text}# more\n`]]), false)).toBe(
      undefined,
    );
  });

  test('a file that is now one of JSON Lines is read as such', async () => {
    const world = await applied();
    const files = filesWithout('User//ana');
    files.set('ana.jsonl', filesWithout().get('User--ana.yaml') ?? '');
    expect(await world.planBoth(files, false)).toBe(undefined);
  });

  test('files alike that declare nothing do no harm', async () => {
    const world = await applied();
    const files = new Map([...filesWithout(), ['n1.yaml', '# nothing\n'], ['n2.yaml', '# nothing\n']]);
    (await world.planBoth(files, false))?.remember();
    (await world.planBoth(files, false))?.remember();
    const before = world.saved;
    await world.planBoth(files, false);
    expect(world.saved).toBe(before + 1);
  });
});

test('very many creates beside what is settled are told to the end, though the store is closed', {
  timeout: 60_000,
}, async () => {
  const world = new World();
  const first = new Map([['one.yaml', renderManifest(workspace('one'))]]);
  const planned = await world.planBoth(first, false);
  if (planned) await world.apply(planned);
  const many = Array.from({ length: 20_001 }, (_, i) => user(`u${i}`));
  const bound = binding('one/all', 'workspace-member', ['u1', 'u2']);
  const lines = [...many, bound].map((one) => JSON.stringify(toManifest(one))).join('\n');
  const grown = await world.planBoth(new Map([...first, ['many.jsonl', lines]]), false);
  expect(world.saved).toBe(1);
  expect([...(grown?.notes.accessByWorkspace() ?? [])].flat().map(({ subject }) => subject)).toEqual([
    'u1',
    'u2',
  ]);
});

test('an index of another store, or of another manager, is of no use', async () => {
  const files = new Map([
    [
      'f.yaml',
      renderManifest({
        kind: 'User',
        metadata: { name: 'ana', labels: {}, annotations: {} },
        spec: { email: 'ana@acme.example', displayName: '', state: 'Active', type: 'Human', identities: [] },
      } as never),
    ],
  ]);
  const [one, other] = [new World(), new World()];
  for (const world of [one, other]) {
    const planned = await world.planBoth(files, false);
    if (planned) await world.apply(planned);
  }
  cpSync(one.index, other.index);
  expect((await other.planBoth(files, false))?.plan.summary).toMatchObject({
    unchanged: 1,
    update: 0,
  } satisfies Partial<Plan['summary']>);
  expect(other.saved + one.saved).toBe(0);
  expect(readdirSync(path.dirname(other.index)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
