import type { Ended, EndingAccess } from '../core/horizon.ts';
import { parseTime, showTime, type Window } from '../kinds/time.ts';
import { count, visible } from './lines.ts';
import { accessWords, changeName, subjectName } from './plan-words.ts';

const MINUTE = 60_000;
const UNITS = [
  [24 * 60 * MINUTE, 'day'],
  [60 * MINUTE, 'hour'],
  [MINUTE, 'minute'],
] as const;

/** `in 3 days`, `45 minutes ago`: how far a time is from `at` (both milliseconds), in the largest unit that it has two of. */
function distanceWords(time: number, at: number): string {
  const away = Math.abs(time - at);
  const [length, unit] = UNITS.find(([one]) => away >= 2 * one) ?? [MINUTE, 'minute'];
  const words = away < MINUTE ? 'less than a minute' : count(Math.round(away / length), unit);
  return time > at ? `in ${words}` : `${words} ago`;
}

/** `Expired since …`, `Ends …` or `Begins …, ends …`, each time with how far it is; undefined without any end. */
export function windowWords({ notBefore, expiresAt }: Window, at: number): string | undefined {
  const [from, until] = [timeOf(notBefore), timeOf(expiresAt)];
  const words = (text = '', time = 0) => `${showTime(text)} (${distanceWords(time, at)})`;
  if (until !== undefined && until <= at) return `Expired since ${words(expiresAt, until)}`;
  const ends = until === undefined ? '' : `ends ${words(expiresAt, until)}`;
  if (from !== undefined && from > at)
    return [`Begins ${words(notBefore, from)}`, ends].filter(Boolean).join(', ');
  return ends === '' ? undefined : ends.replace('e', 'E');
}

/** `RoleBinding acme/x (2026-11-01 00:00 UTC), …`: at most so many, the rest as a count. */
export function endedWords(ended: readonly Ended[], most: number): string {
  const words = ended.slice(0, most).map((one) => `${endedName(one)} (${showTime(one.until)})`);
  const more = ended.length - most;
  return [...words, ...(more > 0 ? [`… and ${count(more, 'more', 'more')}`] : [])].join(', ');
}

/** `RoleBinding acme/x`, or `User bo in Group acme/staff`. */
function endedName({ path, ...resource }: Ended): string {
  const [, kind, name] = /^\/spec\/members\/(\w+):(.*)$/.exec(path) ?? [];
  const inside = changeName(resource);
  return kind === undefined ? inside : visible(`${kind} ${name} in ${inside}`);
}

/** `7 days` for `7d`; the text must be a duration. */
export function horizonWords(horizon: string): string {
  const unit = { m: 'minute', h: 'hour', d: 'day' }[horizon.slice(-1)] ?? '';
  return count(Number(horizon.slice(0, -1)), unit);
}

/** `2026-12-01 00:00 UTC (in 6 days)`, whose, and which access, as seen at `at`. */
export function endingWords(one: EndingAccess, at: number): { when: string; who: string; what: string } {
  const time = parseTime(one.until) ?? 0;
  return {
    when: `${showTime(one.until)} (${distanceWords(time, at)})`,
    who: subjectName(one),
    what: accessWords({ ...one, from: null, until: null }),
  };
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTime(text);
}
