import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { isReadInParts } from '../core/document.ts';
import { type Declared, unpackManifests } from '../core/manifest.ts';
import { compareText } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { type ReadAnswer, type ReadTask, readPlain } from './read-worker.ts';

/** In characters: of less it is read before a second thread is there. */
const WORTH_IT = 4 * 2 ** 20;

/** Characters in one message, and messages on their way: enough that neither thread waits for the other. */
const AT_ONCE = 2 ** 19;
const AHEAD = 3;

/** What the thread may use of memory, in MiB: it keeps nothing. */
const LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

type Prepared = (input: InputText) => readonly Declared[] | undefined;

/**
 * Reads with two threads what has nothing wrong with it: the other one from the first file on, this one from the last. What is left
 * out, for whatever reason, is read by whoever asks for it next.
 */
export async function prepareInParallel(texts: readonly InputText[]): Promise<Prepared> {
  // What is read in parts is not plain: it would be read twice.
  const whole = texts.filter((one) => !isReadInParts(one));
  const size = whole.reduce((sum, one) => sum + (one.size ?? one.text.length), 0);
  if (size < WORTH_IT || availableParallelism() < 2) return () => undefined;
  const sorted = whole.sort((a, b) => compareText(a.file, b.file));
  const found = new Map<InputText, readonly Declared[]>();
  const reader = startReader();
  const take = (answers: readonly ReadAnswer[]) => {
    for (const { at, packed } of answers) {
      const input = sorted[at];
      if (input && packed) found.set(input, unpackManifests(input.file, packed, againOf(input)));
    }
  };
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
      if (input && declared) found.set(input, declared);
      for (const answers of reader.there()) take(answers);
    }
    while (reader.waiting > 0) take(await reader.next());
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
  /** Messages that are not answered. */
  readonly waiting: number;
  send(tasks: readonly ReadTask[]): void;
  /** The answers that are there, without waiting. */
  there(): Iterable<readonly ReadAnswer[]>;
  /** The next answer; nothing when the thread has ended. */
  next(): Promise<readonly ReadAnswer[]>;
  end(): Promise<void>;
}

function startReader(): Reader {
  const worker = new Worker(new URL('./read-worker.ts', import.meta.url), { resourceLimits: LIMITS });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port2, [port2]);
  let waiting = 0;
  let isLost = false;
  let lose = () => {};
  const lost = new Promise<readonly ReadAnswer[]>((resolve) => {
    lose = () => {
      isLost = true;
      waiting = 0;
      resolve([]);
    };
  });
  // Out of memory, or whatever else: what it was given is read here.
  worker.on('error', () => lose());
  worker.on('exit', () => lose());
  return {
    get waiting() {
      return isLost ? 0 : waiting;
    },
    send(tasks) {
      if (isLost) return;
      waiting++;
      port1.postMessage(tasks);
    },
    *there() {
      for (let got = receiveMessageOnPort(port1); got; got = receiveMessageOnPort(port1)) {
        waiting--;
        yield got.message;
      }
    },
    async next() {
      const answers = await Promise.race([messageOf(port1), lost]);
      if (!isLost) waiting--;
      return answers;
    },
    async end() {
      port1.close();
      await worker.terminate();
    },
  };
}

function messageOf(port: MessagePort): Promise<readonly ReadAnswer[]> {
  return new Promise((resolve) => port.once('message', resolve));
}
