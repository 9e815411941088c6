import { type MessagePort, parentPort } from 'node:worker_threads';
import { documentsOf } from '../core/document.ts';
import { type Packed, packManifests, readManifests } from '../core/manifest.ts';
import type { Problem } from '../core/problem.ts';

export interface ReadTask {
  readonly at: number;
  readonly file: string;
  readonly text: string;
}

export interface ReadAnswer {
  readonly at: number;
  /** Undefined where there is anything to be said of it: that is for whoever tells people. */
  readonly packed: Packed | undefined;
}

/** Reads a text that has nothing wrong with it. */
export function readPlain(file: string, text: string, again?: () => string) {
  const unread: Problem[] = [];
  const { declared, problems, broken, unknown } = readManifests(documentsOf(file, text, unread, again));
  const isPlain = unread.length + problems.length + broken.size === 0 && !unknown && declared.length > 0;
  return isPlain ? declared : undefined;
}

/** The first message is the port on which all others come. */
parentPort?.once('message', (port: MessagePort) => {
  port.on('message', (tasks: readonly ReadTask[]) => {
    const answers = tasks.map(({ at, file, text }): ReadAnswer => {
      const declared = readPlain(file, text);
      return { at, packed: declared && packManifests(declared) };
    });
    port.postMessage(answers);
  });
});
