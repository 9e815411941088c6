import { EXIT, failure } from '../core/problem.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Handler } from './program.ts';

const ACTIONS = ['plan', 'apply', 'drift'];

/** What is not one of its commands. */
export const command: Handler = async (_context, [word]) => {
  throw failure(
    EXIT.invalid,
    'RC121',
    word === undefined ? 'iam pr does what?' : `iam pr cannot ${JSON.stringify(word)}`,
    (word === undefined ? undefined : didYouMean(word, ACTIONS)) ?? 'iam pr plan, apply or drift',
  );
};
