import type { Horizon, PlanTime } from '../core/horizon.ts';
import type { ReadManifests } from '../core/manifest.ts';
import { type Change, identityOfChange } from '../core/plan.ts';
import { NOTHING_SETTLED, type PlanOptions, type Settled } from '../core/plan-changes.ts';
import { type Identity, identity, kindIn } from '../core/resource.ts';
import type { KnownFile, Loaded, Source, Told } from '../sources/source.ts';
import type { Head, Store } from '../stores/store.ts';
import { type ActualState, withActual } from './actual-state.ts';
import { timeOf } from './horizon.ts';
import type { IndexFile } from './index-file.ts';
import type { Overriding } from './judgement.ts';
import { readLoaded } from './load.ts';
import { type Desired, NeedsEverything, type Planned, planFrom, refuseMistakes } from './plan.ts';
import type { Progress } from './progress.ts';
import { DamagedIndex, type SettledFile, type SettledIndex } from './settled-index.ts';
import { identitiesOf, isChange } from './state-at.ts';
import { type Treated, treatDrift, withDrift } from './treat-drift.ts';

/** What a plan of files is made with beside them. */
export interface Making {
  readonly options: PlanOptions;
  /** In milliseconds. */
  readonly at: number;
  readonly overriding: Overriding;
  /** How far ahead to look for what ends; undefined = not at all. */
  readonly horizon?: Horizon | undefined;
  /** Where it is known which files are settled; undefined to read everything. */
  readonly index: IndexFile | undefined;
  readonly progress?: Progress | undefined;
}

export interface PlannedSource extends Planned {
  readonly time: PlanTime;
  /** Keeps for the next plan which files are settled: now, or after the plan was applied. Never fails. */
  remember(applied?: Pick<Head, 'store' | 'revision' | 'auditHead'>): void;
  /** To be called when nothing more is asked of the plan. */
  close(): void;
}

/**
 * Plans the manifests of a source against a store; throws as `planFrom`, and with every problem of the input.
 *
 * Files whose bytes are those of an earlier plan, and what they declare has not changed in the store since, are not
 * parsed: the plan is the same, byte for byte. Where anything is not plain (a mistake, a manifest declared twice, a
 * narrowed scope), everything is read.
 */
export async function planSource(store: Store, source: Source, making: Making): Promise<PlannedSource> {
  const told: Told = (done, total) => making.progress?.('load', done, total);
  const opened = isPlain(making.options) ? making.index?.open() : undefined;
  if (!opened) return planAll(store, await source.load(hashesOnly, told), making);
  const { index, close } = opened;
  let isInUse = false;
  try {
    const loaded = await source.load((hash) => index.count(hash) !== undefined, told);
    const planned = await planChanged(store, loaded, index, making);
    if (!planned) return await planAll(store, withKnown(loaded), making);
    isInUse = true;
    return { ...planned, close };
  } finally {
    if (!isInUse) close();
  }
}

/** Whether a plan is about all that is declared. */
function isPlain({ workspace, pruneWorkspaces, frozen }: PlanOptions): boolean {
  return workspace === undefined && pruneWorkspaces.length === 0 && frozen === undefined;
}

function hashesOnly(): boolean {
  return false;
}

/** The whole input, with what was known read too. */
function withKnown({ texts, problems, known }: Loaded): Loaded {
  const read = known.map((file) => file.read());
  return {
    texts: [...texts, ...read.flatMap((one) => one.texts)],
    problems: [...problems, ...read.flatMap((one) => one.problems)],
    known: [],
  };
}

async function planAll(store: Store, loaded: Loaded, making: Making): Promise<PlannedSource> {
  const { progress } = making;
  // Of the texts no more is kept: a million manifests must fit into memory beside what they declare.
  const files = filesOf(loaded);
  const input = await readLoaded(loaded, progress);
  return withActual(
    store,
    input.declared.length,
    async (state) => {
      await refuseMistakes(input, state);
      const desired = { desired: input.declared, settled: NOTHING_SETTLED };
      const planned = await planIn(state, desired, making);
      return finished(planned, { input, files, clean: [] }, undefined, making);
    },
    progress,
  );
}

/** Undefined where everything must be read. */
async function planChanged(
  store: Store,
  loaded: Loaded,
  index: SettledIndex,
  making: Making,
): Promise<PlannedSource | undefined> {
  if (loaded.problems.length > 0 || index.facts.manager !== making.options.manager) return undefined;
  try {
    return await withActual(store, 0, async (state) => {
      const changed = await changedSince(index, state);
      const found = changed && (await readChanged(loaded, index, changed, making.progress));
      if (!found) return undefined;
      const desired = { desired: found.input.declared, settled: settledOf(index, found, changed) };
      await refuseMistakes(found.input, state, desired.settled);
      const planned = await planIn(state, desired, making);
      return finished(planned, found, { index, changed }, making);
    });
  } catch (error) {
    if (error instanceof DamagedIndex || error instanceof NeedsEverything) return undefined;
    throw error;
  }
}

async function planIn(
  state: ActualState,
  desired: Desired,
  { options, at, overriding, horizon }: Making,
): Promise<Timed> {
  const treated = await treatDrift(state, desired, options);
  const planned = withDrift(await planFrom(state, treated, options, at, overriding), treated);
  return { ...planned, time: await timeOf(state, planned, at, horizon), treated };
}

type Timed = Planned & Pick<PlannedSource, 'time'> & { readonly treated: Treated };

/** More than so many changes since an index was made, and it is worth as much to read everything. */
const MOST_CHANGES = 20_000;

/** What has changed in the store since an index was made; undefined when that cannot be told, or it is of another store. */
async function changedSince(
  index: SettledIndex,
  state: ActualState,
): Promise<ReadonlySet<Identity> | undefined> {
  const { facts } = index;
  const { head, reading } = state;
  if (facts.store !== head.store || facts.revision > head.revision) return undefined;
  const changed = new Set<Identity>();
  if (facts.auditHead === head.auditHead) return changed;
  const [seq = '', hash] = facts.auditHead.split(/:(.*)/s);
  let isFirst = true;
  for await (const rows of reading.audit({ from: Number(seq) })) {
    for (const row of rows) {
      if (isFirst && row.hash !== hash) return undefined;
      isFirst = false;
      if (row.revision <= facts.revision || !isChange(row)) continue;
      // Without what it was (a redacted row), it cannot be told whether it was renamed.
      if (row.identity === null || (row.action !== 'create' && row.before === null)) return undefined;
      for (const id of identitiesOf(row)) changed.add(id);
      if (changed.size > MOST_CHANGES) return undefined;
    }
  }
  return isFirst ? undefined : changed;
}

interface ReadFile {
  readonly file: string;
  /** Absent for what is no file. */
  readonly hash: string | undefined;
}

function filesOf({ texts }: Loaded): ReadFile[] {
  return texts.map(({ file, hash }) => ({ file, hash }));
}

interface ReadChanged {
  readonly input: ReadManifests;
  /** Files that were read. */
  readonly files: readonly ReadFile[];
  /** Files that were not read, by their hash. */
  readonly clean: readonly string[];
}

/** Reads what is not known, and what is known but has changed in the store; undefined where everything must be read. */
async function readChanged(
  loaded: Loaded,
  index: SettledIndex,
  changed: ReadonlySet<Identity>,
  progress?: Progress,
): Promise<ReadChanged | undefined> {
  const stale = new Set([...changed].flatMap((id) => index.filesOf(id)));
  const isClean = ({ hash }: KnownFile) => !stale.has(hash);
  const again = loaded.known.filter((file) => !isClean(file)).map((file) => file.read());
  const clean = loaded.known.filter(isClean).map(({ hash }) => hash);
  const part: Loaded = {
    texts: [...loaded.texts, ...again.flatMap(({ texts }) => texts)],
    problems: again.flatMap(({ problems }) => problems),
    known: [],
  };
  const input = await readLoaded(part, progress, clean.length > 0);
  // Two files alike declare everything twice; and an input that declares nothing is a mistake.
  const seen = new Set<string>();
  for (const hash of clean) {
    if (seen.has(hash) && index.count(hash) !== 0) return undefined;
    seen.add(hash);
  }
  if (input.declared.length === 0 && clean.every((hash) => index.count(hash) === 0)) return undefined;
  if (input.declared.some(({ id }) => index.filesOf(id).some((hash) => seen.has(hash)))) return undefined;
  return { input, files: filesOf(part), clean };
}

function settledOf(
  index: SettledIndex,
  { input, clean }: ReadChanged,
  changed: ReadonlySet<Identity>,
): Settled {
  const files = new Set(clean);
  return {
    count: clean.reduce((sum, hash) => sum + (index.count(hash) ?? 0), 0),
    has: (id) => index.filesOf(id).some((hash) => files.has(hash)),
    get undeclared() {
      return undeclaredOf(index, input, files, changed);
    },
  };
}

/** What was declared by files that are not there any more, or has changed since all was declared that there was. */
function undeclaredOf(
  index: SettledIndex,
  { declared }: ReadManifests,
  clean: ReadonlySet<string>,
  changed: ReadonlySet<Identity>,
): readonly Identity[] | undefined {
  const isNewWorkspace = declared.some(
    ({ id, resource }) => resource.kind === 'Workspace' && !index.filesOf(id).some(index.isPruned),
  );
  // One that comes back with a file that was not part of it then has not been looked through either.
  const comesBack = [...clean].some(
    (hash) => !index.isPruned(hash) && index.idsOf(hash).some((id) => kindIn(id) === 'Workspace'),
  );
  if (!index.facts.pruned || isNewWorkspace || comesBack) return undefined;
  const gone = [...index.hashes].filter((hash) => index.isPruned(hash) && !clean.has(hash));
  return [...new Set([...gone.flatMap(index.idsOf), ...changed])];
}

/** An index in use, and what has changed since it was made. */
interface Used {
  readonly index: SettledIndex;
  readonly changed: ReadonlySet<Identity>;
}

function finished(
  planned: Timed,
  read: ReadChanged,
  used: Used | undefined,
  { index: file, options }: Making,
): PlannedSource {
  const { head, plan } = planned;
  const warnings = [...read.input.problems, ...planned.warnings];
  const mayBePruned = options.prune && !warnings.some(({ code }) => HELD_BACK.includes(code));
  // What is remembered of the index in use is read while it is open.
  const kept =
    file && isPlain(options) && isWorthIt(read, used, mayBePruned) ? keptOf(read, used) : undefined;
  const overtaken = new Set(
    kept && used ? plan.changes.flatMap(idsOf).flatMap((id) => used.index.filesOf(id)) : [],
  );
  return {
    ...planned,
    warnings,
    remember(applied) {
      const { store, revision, auditHead } = applied ?? head;
      if (!file || !kept || store === null || auditHead === null) return;
      if (applied && plan.changes.length > 0 && revision !== head.revision + 1) return;
      const changing = applied ? [] : plan.changes.map(identityOfChange);
      const unsettled = new Set([
        ...warnings.flatMap(({ place }) => (place ? [place.file] : [])),
        ...unsettledBy(changing, read.input),
        ...planned.treated.files,
      ]);
      const pruned =
        mayBePruned && unsettled.size === 0 && (applied !== undefined || plan.summary.delete === 0);
      const present = new Set(read.clean);
      const files = [
        ...kept
          .filter(({ hash }) => !applied || !overtaken.has(hash))
          .map((one) => ({ ...one, pruned: pruned && present.has(one.hash) })),
        ...settledFiles(read, unsettled).map((one) => ({ ...one, pruned })),
      ];
      // A text without a hash (standard input) is part of the input, and not in the index.
      const isWhole = read.files.every(({ hash }) => hash !== undefined);
      const facts = { store, manager: options.manager, revision, auditHead, pruned: pruned && isWhole };
      file.write(facts, files);
    },
    close() {},
  };
}

/** What a change is about, by its names before and after. */
function idsOf({ kind, namespace, name, previousName }: Change): Identity[] {
  return [name, previousName ?? name].map((one) => identity(kind, namespace ?? undefined, one));
}

/** Warnings of what pruning would delete if it might: paused, or global and perhaps needed. */
const HELD_BACK: readonly string[] = ['RC124', 'RC125'];

/** The files that declare any of these. */
function unsettledBy(ids: readonly Identity[], { declared }: ReadManifests): string[] {
  const changing = new Set(ids);
  return declared.filter(({ id }) => changing.has(id)).map(({ file }) => file);
}

function settledFiles({ input, files }: ReadChanged, unsettled: ReadonlySet<string>) {
  const byFile = Map.groupBy(input.declared, ({ file }) => file);
  // A file may have the name that standard input goes by.
  const unnamed = new Set(files.flatMap(({ file, hash }) => (hash === undefined ? [file] : [])));
  return files.flatMap(({ file, hash }) =>
    hash === undefined || unsettled.has(file) || unnamed.has(file)
      ? []
      : [{ hash, ids: (byFile.get(file) ?? []).map(({ id }) => id) }],
  );
}

/** As many resources parsed again cost about as much as to write the index. */
const FEW = 200;

function isWorthIt(
  { input, files, clean }: ReadChanged,
  used: Used | undefined,
  mayBePruned: boolean,
): boolean {
  if (!used) return files.some(({ hash }) => hash !== undefined);
  const { index, changed } = used;
  if (mayBePruned && !index.facts.pruned) return true;
  const parsed = input.declared.length;
  return parsed > 0 && (parsed * FEW >= index.size || clean.length === 0 || changed.size * FEW >= index.size);
}

/** Files of the index in use that stay settled, of this input or not: a branch that is left is come back to. */
function keptOf({ input, files, clean }: ReadChanged, used: Used | undefined): Omit<SettledFile, 'pruned'>[] {
  if (!used) return [];
  const { index, changed } = used;
  const stale = new Set([...changed].flatMap((id) => index.filesOf(id)));
  const present = new Set(clean);
  const read = new Set(files.map(({ hash }) => hash));
  // No two files of an index declare the same: an older version of what was read goes.
  for (const { id } of input.declared) for (const hash of index.filesOf(id)) stale.add(hash);
  const all = [...index.hashes].filter((hash) => !stale.has(hash) && !read.has(hash));
  const isTooMuch = all.length > 2 * (present.size + files.length);
  const kept = isTooMuch ? all.filter((hash) => present.has(hash)) : all;
  return kept.map((hash) => ({ hash, ids: index.idsOf(hash) }));
}
