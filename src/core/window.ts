import { parseTime, type Window } from '../kinds/time.ts';

/** A span of time in milliseconds, half-open: [from, until). Unbounded ends are infinite. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

export const ALWAYS: Span = { from: -Infinity, until: Infinity };

export function spanOf(window: Window): Span {
  if (window.notBefore === undefined && window.expiresAt === undefined) return ALWAYS;
  return {
    from: window.notBefore === undefined ? -Infinity : (parseTime(window.notBefore) ?? -Infinity),
    until: window.expiresAt === undefined ? Infinity : (parseTime(window.expiresAt) ?? Infinity),
  };
}

/** What both have in common; undefined when that is nothing. */
export function intersect(a: Span, b: Span): Span | undefined {
  if (a === ALWAYS) return b;
  if (b === ALWAYS) return a;
  const from = Math.max(a.from, b.from);
  const until = Math.min(a.until, b.until);
  return from < until ? { from, until } : undefined;
}

/** The same moments as sorted spans that neither overlap nor touch. */
export function merge(spans: readonly Span[]): Span[] {
  if (spans.length < 2) return [...spans];
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from || a.until - b.until)) {
    const last = merged.at(-1);
    if (last && span.from <= last.until) {
      if (span.until > last.until) merged[merged.length - 1] = { from: last.from, until: span.until };
    } else merged.push(span);
  }
  return merged;
}

/** The moments of `a` that are not in `b`. Both merged; so is the result. */
export function subtract(a: readonly Span[], b: readonly Span[]): Span[] {
  const left: Span[] = [];
  for (const span of a) {
    let from = span.from;
    for (const hole of b) {
      if (hole.until <= from || hole.from >= span.until) continue;
      if (hole.from > from) left.push({ from, until: hole.from });
      from = hole.until;
      if (from >= span.until) break;
    }
    if (from < span.until) left.push({ from, until: span.until });
  }
  return left;
}

export function contains(span: Span, time: number): boolean {
  return span.from <= time && time < span.until;
}
