/** A limit of a guard: `25%` of what there was, or a number. The form is checked by the schemas and the command line. */
export type Limit = string | number;

/** Whether a text is a limit: an integer, or `0%` to `100%`. */
export function parseLimit(text: string): Limit | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return /^(?:100|\d{1,2})%$/.test(text) ? text : undefined;
}

/** How many of `total` a limit lets pass. */
export function allowed(limit: Limit, total: number): number {
  return typeof limit === 'number' ? limit : Math.floor((total * percentOf(limit)) / 100);
}

/** The limit that lets the fewest of `total` pass. */
export function tightest(limits: readonly Limit[], total: number): Limit | undefined {
  return limits.toSorted((a, b) => allowed(a, total) - allowed(b, total))[0];
}

/** Whether one limit lets more pass than another, for any total. Percentages and numbers do not compare: that is more. */
export function isLooser(limit: Limit, than: Limit): boolean {
  if (typeof limit === 'number' && typeof than === 'number') return limit > than;
  if (typeof limit === 'string' && typeof than === 'string') return percentOf(limit) > percentOf(than);
  return !(limit === 0 || limit === '0%');
}

/** Whether a limit is a share, which says little of small numbers. None at all is none, however few there are. */
export function isShare(limit: Limit): boolean {
  return typeof limit === 'string' && percentOf(limit) > 0;
}

/** `25 %`, `3`. */
export function showLimit(limit: Limit): string {
  return typeof limit === 'number' ? String(limit) : `${percentOf(limit)} %`;
}

/** `35 %`; rounded up to a tenth, so that what is over a limit never reads like the limit. */
export function showShare(n: number, total: number): string {
  return `${Math.ceil((n / total) * 1000 - 1e-9) / 10} %`;
}

function percentOf(limit: string): number {
  return Number(limit.slice(0, -1));
}
