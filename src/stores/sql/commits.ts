import { EXIT, failure } from '../../core/problem.ts';
import type { Act } from '../store.ts';

/** Throws a Failure (RC404, exit 5) when an act was to follow another commit than the last one that there is. */
export function refuseOvertaken({ follows }: Act, last: string | null): void {
  if (follows === undefined || follows === last) return;
  throw failure(
    EXIT.stale,
    'RC404',
    `another run has applied commits meanwhile, up to ${last === null ? 'none' : last.slice(0, 12)}; nothing was applied`,
    'start it again: what is applied is not applied twice',
  );
}
