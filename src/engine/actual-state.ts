import { type Actual, Missing, wholeActual } from '../core/actual.ts';
import { FetchedActual } from '../core/fetched-actual.ts';
import type { Stored } from '../core/stored.ts';
import type { Head, Reading, Store } from '../stores/store.ts';
import { NO_PROGRESS, type Progress } from './progress.ts';
import { letSignalsIn } from './signals.ts';

/** Actual state at one moment, of which parts are fetched from the store as they are asked for. To be closed. */
export interface ActualState {
  readonly head: Head;
  readonly actual: Actual;
  readonly reading: Reading;
  /**
   * Asks until nothing is missing. `question` must be pure: it is begun again after each part that was fetched for it.
   */
  ask<T>(question: () => T): Promise<T>;
  close(): Promise<void>;
}

/** A question needs as many rounds as it has steps that follow from each other. */
const MOST_ROUNDS = 10_000;

/** Of smaller stores everything is read at once: cheaper than to look for parts. */
const SMALL = 5000;

/**
 * Opens a store's state. `looksAt`: about how many resources will be looked at; where that is a good part of all there
 * are, all are read at once.
 */
export async function openActual(
  store: Store,
  looksAt: number,
  progress: Progress = NO_PROGRESS,
): Promise<ActualState> {
  const reading = await store.read();
  try {
    const { head } = reading;
    if (head.revision === 0) return wholeState(reading, []);
    const state = fetchedState(reading);
    if (looksAt === 0) return state;
    const total = (await state.ask(() => state.actual.tally())).reduce((sum, { count }) => sum + count, 0);
    const isMost = total <= SMALL || looksAt * 4 > total;
    return isMost ? wholeState(reading, await everything(reading, total, progress)) : state;
  } catch (error) {
    await reading.close();
    throw error;
  }
}

/** Uses a store's state, and closes it. */
export async function withActual<T>(
  store: Store,
  looksAt: number,
  use: (state: ActualState) => Promise<T>,
  progress?: Progress,
): Promise<T> {
  const state = await openActual(store, looksAt, progress);
  try {
    return await use(state);
  } finally {
    await state.close();
  }
}

async function everything(reading: Reading, total?: number, progress = NO_PROGRESS): Promise<Stored[]> {
  const stored: Stored[] = [];
  for await (const batch of reading.resources()) {
    for (const one of batch) stored.push(one);
    progress('read', stored.length, total);
    await letSignalsIn();
  }
  return stored;
}

function wholeState(reading: Reading, stored: readonly Stored[]): ActualState {
  return {
    head: reading.head,
    actual: wholeActual(stored),
    reading,
    ask: async (question) => question(),
    close: () => reading.close(),
  };
}

function fetchedState(reading: Reading): ActualState {
  const known = new FetchedActual();
  return {
    head: reading.head,
    actual: known,
    reading,
    async ask(question) {
      for (let rounds = 0; ; rounds++) {
        try {
          return question();
        } catch (error) {
          if (!(error instanceof Missing)) throw error;
          if (rounds > MOST_ROUNDS) throw new Error('what was fetched is asked for again and again');
          await fetch(reading, error.what, known);
        }
      }
    },
    close: () => reading.close(),
  };
}

async function fetch(reading: Reading, what: Missing['what'], known: FetchedActual): Promise<void> {
  if (what === 'all') known.become(wholeActual(await everything(reading)));
  else if (what === 'tally') known.tallies = await reading.tally();
  else known.learn(what, await reading.find(what));
}
