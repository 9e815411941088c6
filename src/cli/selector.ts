import { EXIT, failure } from '../core/problem.ts';

/**
 * A label selector as kubectl reads it: `k=v`, `k==v`, `k!=v`, `k`, `!k`, joined by commas (all must hold).
 *
 * Throws a Failure on anything else.
 */
export function parseSelector(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const terms = text.split(',').map((term) => {
    const match = /^(!?)([A-Za-z0-9._/-]+)(?:(==?|!=)([A-Za-z0-9._-]*))?$/.exec(term.trim());
    const [, not, key = '', operator, value = ''] = match ?? [];
    if (!match || (not === '!' && operator !== undefined))
      throw failure(
        EXIT.invalid,
        'RC121',
        `-l cannot be ${JSON.stringify(text)}`,
        'k=v, k!=v, k or !k, joined by commas',
      );
    return (labels: Readonly<Record<string, string>>) => {
      if (operator === undefined) return Object.hasOwn(labels, key) !== (not === '!');
      return (labels[key] === value) === (operator !== '!=');
    };
  });
  return (labels) => terms.every((term) => term(labels));
}
