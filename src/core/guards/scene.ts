import type { Access } from '../access.ts';
import type { AccessChange, ResourceChange } from '../access-diff.ts';
import type { Actual } from '../actual.ts';
import type { Draft } from '../draft.ts';
import type { GuardSettings, PlanNotes } from '../plan.ts';
import type { State } from '../state.ts';

/** What guards judge by beside the states. */
export interface JudgeSettings {
  readonly manager: string;
  readonly pruneWorkspaces: readonly string[];
  readonly guards: GuardSettings;
  /** Who applies it; null when nobody says. */
  readonly actor: string | null;
  /** Whether a workspace in which there is nothing yet counts as new, although it is there. */
  readonly plansApart?: boolean;
}

/** All that a guard may look at. */
export interface Scene {
  readonly settings: JudgeSettings;
  readonly actual: Actual;
  readonly drafts: readonly Draft[];
  /** What changes of what there was: updates, renames and deletes. */
  readonly touched: readonly ResourceChange[];
  readonly before: State;
  readonly after: State;
  readonly accessBefore: Access;
  readonly accessAfter: Access;
  /** Who gains or loses what. Found out only when a guard asks: most of what a large plan costs. */
  readonly access: readonly AccessChange[];
  readonly risks: PlanNotes['risks'];
  /** Time of the plan, in milliseconds. */
  readonly at: number;
  /** The name that a User has after the plan, and the one that he had before. */
  userAfter(name: string): string;
  userBefore(name: string): string;
  /** The name that a Workspace had before the plan. */
  workspaceBefore(name: string): string;
}

/** All workspaces there are, before and after the plan; sorted. */
export function allWorkspaces({ before, after }: Pick<Scene, 'before' | 'after'>): string[] {
  const names = [before, after].flatMap((state) =>
    state.ofKind('Workspace').map(({ metadata }) => metadata.name),
  );
  return [...new Set(names)].sort();
}
