import { EXIT, failure } from '../core/problem.ts';

/** Counts what comparing names with patterns costs, in steps. Throws a Failure (RC103, exit 4) when that is too much. */
export type Spend = (steps: number) => void;

/** Some seconds of them: a million files, and a hundred patterns of some length. */
const MOST = 1e10;

/** What one reading may cost: patterns come with the files, and may be made to be compared without end. */
export function effort(): Spend {
  let spent = 0;
  return (steps) => {
    spent += steps;
    if (spent <= MOST) return;
    throw failure(
      EXIT.invalid,
      'RC103',
      'there are too many names to compare with paths and .iamignore, or too many patterns in these',
      'name folders instead of patterns, and fewer of them',
    );
  };
}
