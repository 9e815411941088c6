import { EXIT, type ExitStatus, Failure, failure } from '../core/problem.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import { type Applying, applyUnit, type UnitOutcome } from './apply-unit.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from './config.ts';
import type { Forge } from './forge.ts';
import { type MergedUnit, standingOf, unitsOf } from './merged-units.ts';

/** What is to be applied, and with what. */
export interface ApplyMerged extends Applying {
  readonly cwd: string;
  readonly history: GitHistory;
  readonly store: Store;
  /** Undefined where there is none to ask: then nothing is known of pull requests. */
  readonly forge: Forge | undefined;
  /** The commit of the default branch to come to. */
  readonly head: string;
  /** The last commit that counts as applied, where the store does not remember one. */
  readonly since: string | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  /** Called after each unit, with all there is to tell of it. */
  readonly told?: (outcome: UnitOutcome) => Promise<void>;
}

export interface MergedOutcome {
  readonly outcomes: readonly UnitOutcome[];
  /** How many wait because one before them was refused. */
  readonly waiting: number;
  readonly exit: ExitStatus;
}

/**
 * Applies, one after the other, what was merged since the last commit that was applied, whichever run it is. What nobody
 * looked at, or a guard refuses, is not applied, nor is anything after it.
 *
 * Throws a Failure: RC604 (exit 5) when the commit does not follow the last one; exit 4 when manifests have mistakes.
 */
export async function applyMerged(asked: ApplyMerged): Promise<MergedOutcome> {
  const { history, store, forge, head, told } = asked;
  const config = readConfig(history.text(head, CONFIG_FILE));
  const units = await unitsToApply(asked, config);
  const outcomes: UnitOutcome[] = [];
  for (const unit of units) {
    // Whoever may let refusals pass is not for the merge itself to say.
    const before = unit.parent === null ? undefined : history.text(unit.parent, CONFIG_FILE);
    const judging = before === undefined ? config : readConfig(before);
    const { cwd, now } = asked;
    const outcome = await applyUnit({ cwd, history, config: judging, store, at: now() }, forge, unit, asked);
    outcomes.push(outcome);
    await told?.(outcome);
    if (outcome.is === 'refused' || outcome.is === 'not reviewed')
      return { outcomes, waiting: units.length - outcomes.length, exit: EXIT.refused };
  }
  return { outcomes, waiting: 0, exit: EXIT.done };
}

async function unitsToApply(
  { history, store, forge, head, since }: ApplyMerged,
  { manager }: GitOpsConfig,
): Promise<readonly MergedUnit[]> {
  const reading = await store.read();
  const last = await reading.commitOf(manager).finally(() => reading.close());
  const from = last ?? since;
  if (from === undefined) {
    if (reading.head.revision > 0)
      throw failure(
        EXIT.invalid,
        'RC604',
        `${store.location} has ${reading.head.revision} revisions, and none of a commit: it is not known what was applied`,
        'name the last commit that it has with --since COMMIT',
      );
    return [{ parent: null, tip: head, subject: 'all that there is', pull: undefined }];
  }
  const standing = standingOf(history, history.has(from) ? from : refuseUnknown(from), head);
  switch (standing.is) {
    case 'next':
      return unitsOf(forge, standing.commits);
    case 'applied already':
      return [];
    case 'elsewhere':
      throw failure(
        EXIT.stale,
        'RC604',
        `${head.slice(0, 12)} does not follow ${from.slice(0, 12)}, which was applied last; nothing was applied`,
        'apply from the default branch; where its history was rewritten, see what differs, then --since COMMIT',
      );
  }
}

function refuseUnknown(commit: string): never {
  throw new Failure(EXIT.stale, [
    {
      code: 'RC604',
      severity: 'error',
      message: `the commit that was applied last, ${commit.slice(0, 12)}, is not here; nothing was applied`,
      hint: 'a shallow clone may lack it: actions/checkout with fetch-depth: 0',
    },
  ]);
}
