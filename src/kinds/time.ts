/** A window of time, half-open: [notBefore, expiresAt). Both in normal form, absent = unbounded. */
export interface Window {
  readonly notBefore?: string;
  readonly expiresAt?: string;
}

/**
 * Milliseconds since 1970 of a date or RFC 3339 time, or undefined when there is no such day.
 * Finer fractions than a millisecond are cut off.
 */
export function parseTime(text: string): number | undefined {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d))?$/.exec(
      text,
    );
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  date.setUTCHours(
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
    Number((fraction ?? '').slice(0, 3).padEnd(3, '0')),
  );
  const offset =
    zone && zone.length > 1
      ? (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)))
      : 0;
  const time = date.getTime() - offset * 60_000;
  return time < -62_167_219_200_000 || time > 253_402_300_799_999 ? undefined : time;
}

/** The normal form `YYYY-MM-DDTHH:MM:SS[.mmm]Z`. */
export function formatTime(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** The normal form of a time as written; a time that does not exist is left as it is (and refused by the checks). */
export function normalTime(text: string): string {
  const time = parseTime(text);
  return time === undefined ? text : formatTime(time);
}

/** The window of anything that has one, in normal form, absent ends left out. */
export function normalWindow(value: {
  notBefore?: string | undefined;
  expiresAt?: string | undefined;
}): Window {
  return {
    ...(value.expiresAt === undefined ? {} : { expiresAt: normalTime(value.expiresAt) }),
    ...(value.notBefore === undefined ? {} : { notBefore: normalTime(value.notBefore) }),
  };
}

/** Whether a window's end is not after `at` (milliseconds). */
export function isExpired(window: Window, at: number): boolean {
  return window.expiresAt !== undefined && (parseTime(window.expiresAt) ?? Infinity) <= at;
}

/** What becomes of anything with a window at a time. */
export type WindowState = 'Pending' | 'Active' | 'Suspended' | 'Expired' | 'Revoked';

/**
 * The state at `at` (milliseconds) of what has a window, and may be suspended or revoked besides: revoked is for good, what
 * has ended stays Expired whatever else becomes of it, and what is suspended would not be active when it begins.
 */
export function windowState(
  window: Window,
  at: number,
  standing: 'Active' | 'Suspended' | 'Revoked' = 'Active',
): WindowState {
  if (standing === 'Revoked') return 'Revoked';
  if (isExpired(window, at)) return 'Expired';
  if (standing === 'Suspended') return 'Suspended';
  return window.notBefore !== undefined && (parseTime(window.notBefore) ?? -Infinity) > at
    ? 'Pending'
    : 'Active';
}

/** For people: `2027-01-31 00:00 UTC`; seconds only when there are some. */
export function showTime(text: string): string {
  return text
    .replace('T', ' ')
    .replace(/(:\d{2}):00Z$/, '$1Z')
    .replace(/Z$/, ' UTC');
}

/** Milliseconds of a duration such as 30m, 24h or 90d (`duration` of schema.ts); undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^([1-9][0-9]{0,4})([mhd])$/.exec(text);
  return match
    ? Number(match[1]) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'm' | 'h' | 'd']
    : undefined;
}
