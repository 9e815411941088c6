import type { JsonValue } from '../kinds/kind.ts';
import type { Code } from './code.ts';

/** What a guard or policy says of a plan: part of the plan, shown even when it denies. */
export interface Verdict {
  readonly code: Code;
  /** Who may override it: see cli.md, Codes. */
  readonly class: 'soft' | 'hard';
  readonly severity: 'deny' | 'warn';
  /** Numbers first, then the limit, then the way out. */
  readonly message: string;
  readonly numbers: Readonly<Record<string, JsonValue>>;
  /** The exact option that lets it pass; null where there is none. */
  readonly override: string | null;
}

export function isDenied(verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ severity }) => severity === 'deny');
}

/** A few names, and how many more. */
export function nameSome(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length <= most ? shown : `${shown} and ${names.length - most} more`;
}
