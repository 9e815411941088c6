/** What a part of a text is, for a terminal that shows colours. */
export type Tone = 'good' | 'bad' | 'warn' | 'strong' | 'faint';

/** Adds colour to a text, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

export const plain: Paint = (_, text) => text;

/** Colours by ANSI escape sequences (ECMA-48, SGR). */
export const ansi: Paint = (tone, text) => {
  const [on, off] = { good: [32, 39], bad: [31, 39], warn: [33, 39], strong: [1, 22], faint: [2, 22] }[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};
