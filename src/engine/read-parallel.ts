import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { isReadInParts } from '../core/document.ts';
import { type Declared, unpackManifests } from '../core/manifest.ts';
import { compareText } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { readPlain } from './read-plain.ts';
import type { ReadAnswer, ReadTask } from './read-worker.ts';
import { letSignalsIn } from './signals.ts';

/** Characters in one message, and messages on their way: enough that neither thread waits for the other. */
const AT_ONCE = 2 ** 19;
const AHEAD = 3;

/** What the thread may use of memory, in MiB: it keeps nothing. */
const LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

type Prepared = (input: InputText) => readonly Declared[] | undefined;

/**
 * Reads with two threads what has nothing wrong with it: the other one from the first file on, this one from the last. What is left
 * out, for whatever reason, is read by whoever asks for it next. `told`: of resources, how many, and of about how many.
 */
export async function prepareInParallel(
  texts: readonly InputText[],
  told: (done: number, total: number | undefined) => void = () => {},
): Promise<Prepared> {
  if (availableParallelism() < 2) return () => undefined;
  // What is read in parts is not plain: it would be read twice.
  const sorted = texts.filter((one) => !isReadInParts(one)).sort((a, b) => compareText(a.file, b.file));
  const found = new Map<InputText, readonly Declared[]>();
  let resources = 0;
  const keep = (input: InputText, declared: readonly Declared[]) => {
    found.set(input, declared);
    resources += declared.length;
    // Of the files to come as many are expected as there were so far.
    told(resources, Math.round((resources * texts.length) / found.size));
  };
  const take = (answers: readonly ReadAnswer[]) => {
    for (const { at, packed } of answers) {
      const input = sorted[at];
      if (input && packed) keep(input, unpackManifests(input.file, packed, againOf(input)));
    }
  };
  const reader = startReader(take);
  try {
    let first = 0;
    let last = sorted.length - 1;
    while (first <= last) {
      while (first <= last && reader.waiting < AHEAD) {
        const tasks: ReadTask[] = [];
        for (let length = 0; first <= last && length < AT_ONCE; first++) {
          const { file = '', text = '' } = sorted[first] ?? {};
          tasks.push({ at: first, file, text });
          length += text.length;
        }
        reader.send(tasks);
      }
      const input = first <= last ? sorted[last--] : undefined;
      const declared = input && readPlain(input.file, input.text, againOf(input));
      if (declared) keep(input, declared);
      // For its answers too.
      await letSignalsIn();
    }
    await reader.rest();
  } finally {
    await reader.end();
  }
  return (input) => {
    const declared = found.get(input);
    found.delete(input);
    return declared;
  };
}

function againOf(input: InputText): () => string {
  return input.again ?? (() => input.text);
}

interface Reader {
  /** Messages that are not answered; Infinity once the thread is lost. */
  readonly waiting: number;
  send(tasks: readonly ReadTask[]): void;
  /** Resolves when all is answered, or nothing more will be. To be called after the last `send`. */
  rest(): Promise<void>;
  end(): Promise<void>;
}

/** `take` is called while whoever sends awaits something. */
function startReader(take: (answers: readonly ReadAnswer[]) => void): Reader {
  const worker = new Worker(new URL('./read-worker.ts', import.meta.url), { resourceLimits: LIMITS });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port2, [port2]);
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  let isLast = false;
  port1.on('message', (answers: readonly ReadAnswer[]) => {
    waiting--;
    take(answers);
    if (isLast && waiting === 0) resolve();
  });
  const lose = () => {
    waiting = Number.POSITIVE_INFINITY;
    resolve();
  };
  // Out of memory, or whatever else: what it was given is read here.
  worker.on('error', lose);
  worker.on('exit', lose);
  return {
    get waiting() {
      return waiting;
    },
    send(tasks) {
      waiting++;
      port1.postMessage(tasks);
    },
    rest() {
      isLast = true;
      if (waiting === 0) resolve();
      return answered;
    },
    async end() {
      port1.close();
      await worker.terminate();
    },
  };
}
