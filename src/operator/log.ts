import pino from 'pino';
import { Failure } from '../core/problem.ts';
import { visible } from '../render/lines.ts';
import { maskCredentials } from '../render/masked.ts';
import { KubeError } from '../sources/kube.ts';

/** What is said beside the message. A field that is undefined is left out. */
export interface LogFields {
  /** Of the work queue. */
  readonly key?: string | undefined;
  /** `Kind/namespace/name`, the namespace empty for what is global. */
  readonly object?: string | undefined;
  /** Of the store. */
  readonly revision?: number | undefined;
  /** What was thrown. Where it comes, and from where, is told only of what nobody expects. */
  readonly error?: unknown;
  readonly [field: string]: unknown;
}

/** Where the operator tells what it does. The message of a line is always the same text; what differs is in the fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogLevel = keyof Log;

export interface LogOptions {
  /** `json`: one object a line, with time, level, msg and the fields; `text`: a line for people. */
  readonly format: 'json' | 'text';
  /** What is below it is not said. */
  readonly level: LogLevel;
  /** Takes whole lines. */
  write(text: string): void;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A log in which nothing is said that has the form of a secret or of credentials, whatever it is given. */
export function createLog({ format, level, write, now }: LogOptions): Log {
  const time = () => new Date(now()).toISOString();
  const inForm = format === 'json' ? (line: string) => line : textOf;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${time()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => write(inForm(maskCredentials(line))) },
  );
  const say = (at: LogLevel) => (message: string, fields?: LogFields) => {
    // The work of telling an error is not done for nobody.
    if (logger.isLevelEnabled(at)) logger[at](told(fields), message);
  };
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

function told(fields: LogFields = {}): object {
  const { error, ...others } = fields;
  return error === undefined ? others : { ...others, ...toldError(error) };
}

/** What an error says, and where it comes from when nobody expects it. */
function toldError(error: unknown): { readonly error: string; readonly stack?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  if (error instanceof Failure) {
    const [first, ...more] = error.problems;
    const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
    return { error: `${first?.code ?? ''} ${first?.message ?? error.message}${rest}` };
  }
  const isExpected = error instanceof KubeError || 'code' in error;
  return {
    error: error.message + cause,
    ...(isExpected || error.stack === undefined ? {} : { stack: error.stack }),
  };
}

/** `2026-11-24T10:00:00.000Z WARN  message key=global error="what was wrong"` */
function textOf(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`);
  return `${time} ${String(level).toUpperCase().padEnd(5)} ${visible(String(msg))}${rest.join('')}\n`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return visible(/^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text));
}
