import type { AccessChange } from '../core/access-diff.ts';
import { nameSome, type Verdict } from '../core/verdict.ts';
import { subjectName } from '../render/plan-words.ts';

/** Why access that changes, and nobody looked at, is refused. `together`: the pull requests that were merged since. */
export function unreviewed(access: readonly AccessChange[], together: readonly number[]): Verdict {
  const subjects = [...new Set(access.map(subjectName))];
  const who =
    together.length === 0 ? '' : ` together with ${together.map((number) => `#${number}`).join(', ')}`;
  return {
    code: 'RC605',
    class: 'hard',
    severity: 'deny',
    message: `merged${who}, it changes access of ${nameSome(subjects)} that was not to be seen in its pull request`,
    numbers: { subjects: subjects.length, together },
    override: null,
  };
}
