import type { Identity } from '../resource.ts';
import type { Verdict } from '../verdict.ts';
import { guardFractions } from './fractions.ts';
import { guardGains, guardWidened } from './gains.ts';
import { guardAnotherManager, guardProtected, guardReactivates, guardStillReferredTo } from './held-back.ts';
import { guardOwners } from './owners.ts';
import type { Scene } from './scene.ts';
import { guardWeakening } from './weakening.ts';

/** What every guard says of a plan whose state after holds by itself, in the order of their codes. */
export function judgeByGuards(scene: Scene, leaving: ReadonlySet<Identity>): Verdict[] {
  const verdicts = [
    ...guardFractions(scene),
    ...guardOwners(scene),
    ...guardProtected(scene),
    ...guardStillReferredTo(scene.after, leaving, scene.actual),
    ...guardAnotherManager(scene.drafts),
    ...guardGains(scene),
    ...guardWeakening(scene),
    ...guardReactivates(scene.drafts),
    ...guardWidened(scene),
  ];
  return verdicts.sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
}
