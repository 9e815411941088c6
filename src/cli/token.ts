import { EXIT, failure } from '../core/problem.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Handler } from './program.ts';

const ACTIONS = ['rotate', 'revoke', 'verify'];

/** What is not one of its commands. */
export const command: Handler = async (_context, [word]) => {
  throw failure(
    EXIT.invalid,
    'RC121',
    word === undefined ? 'iam token does what?' : `iam token cannot ${JSON.stringify(word)}`,
    (word === undefined ? undefined : didYouMean(word, ACTIONS)) ?? 'iam token rotate, revoke or verify',
  );
};
