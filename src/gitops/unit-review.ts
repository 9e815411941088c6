import { compareSources } from '../engine/compare.ts';
import { accessKeys } from './access-keys.ts';
import type { Forge, PullRequest } from './forge.ts';
import { type MergedUnit, partsOf } from './merged-units.ts';
import { checkName } from './plan-pull-request.ts';
import { Conflict, planRequest } from './plan-request.ts';
import { isMistake, NOTHING, type Planning, treeBefore, treeSource } from './planning.ts';
import { type ReviewRecord, readRecord } from './review-record.ts';

/** What people could see who looked at what was merged. */
export interface Reviewed {
  readonly review: 'verified' | 'unverified';
  readonly records: readonly ReviewRecord[];
  /** What the files alone say. */
  readonly keys: ReadonlySet<string>;
  /** The base that the last pull request was looked at on; undefined where that is not known. */
  readonly base: string | undefined;
}

/**
 * What could be seen of a unit before it was merged; undefined where all of it was pushed without a pull request. `fetch` gets the
 * head of a pull request that is not here.
 */
export async function reviewOf(
  planning: Planning,
  forge: Forge,
  unit: MergedUnit,
  fetch?: (pull: PullRequest) => void,
): Promise<Reviewed | undefined> {
  const parts = partsOf(unit);
  if (parts.every(({ pull }) => pull === undefined)) return undefined;
  const found: Reviewed[] = [];
  for (const part of parts) {
    if (part.pull) found.push(await reviewOfPull(planning, forge, part.pull, fetch));
    else found.push(await ownOfPush(planning, part));
  }
  return {
    review: found.every(({ review }) => review === 'verified') ? 'verified' : 'unverified',
    records: found.flatMap(({ records }) => records),
    keys: new Set(found.flatMap(({ keys }) => [...keys])),
    base: found.at(-1)?.base,
  };
}

/**
 * What was recorded of the last head of a pull request, by it and no other, and what its files say. Where an App of one's own is to write the records,
 * those of others do not count: whoever may run a workflow can write a check.
 */
async function reviewOfPull(
  planning: Planning,
  forge: Forge,
  pull: PullRequest,
  fetch?: (pull: PullRequest) => void,
): Promise<Reviewed> {
  const { config, history } = planning;
  const checks = await forge.checks(pull.head, checkName(config));
  const records = checks.flatMap(({ app, record }) => {
    const read = config.app === undefined || app === config.app ? readRecord(record) : undefined;
    return read && read.head === pull.head && read.pull === pull.number ? [read] : [];
  });
  if (!history.has(pull.head)) fetch?.(pull);
  const base =
    records[0]?.base ?? (history.has(pull.head) ? history.mergeBase(pull.base, pull.head) : undefined);
  return {
    review: config.app !== undefined && records.length > 0 ? 'verified' : 'unverified',
    records,
    keys: base === undefined ? new Set() : await filesKeys(planning, base, pull.head),
    base,
  };
}

/** What was pushed is what it is of itself, whatever is applied with it. */
async function ownOfPush(planning: Planning, { parent, tip }: MergedUnit): Promise<Reviewed> {
  const { config, at } = planning;
  const before = parent === null ? NOTHING : treeBefore(planning, parent);
  const keys = await seenIn(async () => {
    const { plan } = await compareSources(
      before,
      treeSource(planning, tip),
      config.manager,
      at,
      config.prune,
    );
    return accessKeys(plan.access);
  });
  return { review: 'unverified', records: [], keys, base: parent ?? undefined };
}

async function filesKeys(planning: Planning, base: string, head: string): Promise<ReadonlySet<string>> {
  const { history } = planning;
  if (!history.has(base) || !history.has(head)) return new Set();
  return seenIn(async () => {
    const { difference } = await planRequest({ ...planning, store: undefined }, base, head);
    return accessKeys(difference.plan.access);
  });
}

/** What could not be planned as it stood nobody could see. */
async function seenIn(look: () => Promise<ReadonlySet<string>>): Promise<ReadonlySet<string>> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Conflict || isMistake(error)) return new Set();
    throw error;
  }
}
