import { type MessagePort, parentPort } from 'node:worker_threads';
import { type Packed, packManifests } from '../core/manifest.ts';
import { readPlain } from './read-plain.ts';

export interface ReadTask {
  readonly at: number;
  readonly file: string;
  readonly text: string;
}

export interface ReadAnswer {
  readonly at: number;
  /** Undefined where it is not plain. */
  readonly packed: Packed | undefined;
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
