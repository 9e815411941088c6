import { EXIT, failure } from '../core/problem.ts';
import { parseTime } from '../kinds/time.ts';
import { ansi, type Paint, plain } from '../render/paint.ts';
import type { Context, Output } from './context.ts';

/** Global options as commander gives them. */
export interface GlobalOptions {
  readonly store?: string;
  readonly workspace?: string;
  readonly manager?: string;
  readonly as?: string;
  readonly secretsDir?: string;
  readonly lockTimeout?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly logFormat?: 'text' | 'json';
}

export function storeUrl(options: GlobalOptions, { env }: Context): string {
  return options.store ?? (env.IAM_STORE || 'sqlite:.iam/iam.db');
}

/** What a cluster has is the operator's, unless somebody says otherwise. */
export function managerName(options: GlobalOptions & { source?: 'cluster' }, { env }: Context): string {
  const usual = options.source === 'cluster' ? 'operator:rolecall' : 'default';
  const manager = options.manager ?? (env.IAM_MANAGER || usual);
  if (!/^[A-Za-z0-9][A-Za-z0-9:._-]{0,62}$/.test(manager))
    throw failure(
      EXIT.invalid,
      'RC121',
      `--manager cannot be ${JSON.stringify(manager)}`,
      'letters, digits and : . _ -, at most 63',
    );
  return manager;
}

export function actorName(options: GlobalOptions, { env }: Context): string | null {
  return options.as ?? (env.IAM_ACTOR || null);
}

/** A time option in milliseconds, or now. */
export function timeOption(text: string | undefined, context: Context, name = '--at'): number {
  if (text === undefined) return context.now();
  const time = parseTime(text);
  if (time === undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      `${name} cannot be ${JSON.stringify(text)}`,
      'a date, or an RFC 3339 time such as 2027-01-31T18:00:00Z',
    );
  return time;
}

export function lockTimeout(options: GlobalOptions): number {
  return milliseconds(options.lockTimeout ?? '30s', '--lock-timeout');
}

/** `30s`, `500ms`, `2m` in milliseconds. */
export function milliseconds(text: string, option: string): number {
  const match = /^(\d{1,6})(ms|s|m)$/.exec(text);
  if (!match)
    throw failure(
      EXIT.invalid,
      'RC121',
      `${option} cannot be ${JSON.stringify(text)}`,
      'a number and ms, s or m, such as 30s',
    );
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[match[2] as 'ms' | 's' | 'm'];
}

export function paintFor(output: Output): Paint {
  return output.colour ? ansi : plain;
}
