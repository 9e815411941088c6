import { EXIT, failure } from '../core/problem.ts';
import { requireStore } from '../engine/plan.ts';
import type { Reading, Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import type { GlobalOptions } from './settings.ts';

/** Options of `history`, which its commands are given too. */
export interface HistoryOptions extends GlobalOptions {
  readonly output: 'text' | 'json' | 'jsonl';
  readonly since?: string;
  readonly audit?: boolean;
  readonly refused?: boolean;
}

/** Uses a reading of the store, which must exist. */
export async function withReading<T>(
  context: Context,
  options: GlobalOptions,
  use: (reading: Reading, store: Store) => Promise<T>,
): Promise<T> {
  const store = await storeOf(options, context);
  const reading = await store.read();
  try {
    requireStore(reading.head, store.location);
    return await use(reading, store);
  } finally {
    await reading.close();
  }
}

/** What is for the list alone is refused, not passed over. */
export function refuseListing(command: string, { output, since, audit, refused }: HistoryOptions): void {
  const given = [
    since === undefined ? '' : '--since',
    audit === true ? '--audit' : '',
    refused === true ? '--refused' : '',
    output === 'jsonl' ? '-o jsonl' : '',
  ].filter(Boolean);
  if (given.length === 0) return;
  const others = given.length === 1 ? 'goes' : 'go';
  throw failure(
    EXIT.invalid,
    'RC121',
    `${given.join(', ')} ${others} with iam history, not with history ${command}`,
    'leave it out',
  );
}

/** The chain of the audit is one. */
export function refuseWorkspace(command: string, { workspace }: GlobalOptions): void {
  if (workspace === undefined) return;
  throw failure(
    EXIT.invalid,
    'RC121',
    `history ${command} is about the audit of the whole store, not of one workspace`,
    'leave -n out',
  );
}

/** The number of a revision or of an audit row. */
export function numberArgument(text: string, name: string, hint: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw failure(EXIT.invalid, 'RC121', `${name} cannot be ${JSON.stringify(text)}`, hint);
}

/** The number of a revision. */
export function revisionArgument(text: string, name: string): number {
  return numberArgument(text, name, 'a number, as iam history lists them');
}
