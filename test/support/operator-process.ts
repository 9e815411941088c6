/**
 * An operator in a process of its own: `node operator-process.ts OPTIONS`, which are JSON of ProcessOptions. Prints its log; SIGTERM
 * stops it. Ends with 1 when it has lost its lease, as `iam operator` does.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { parsePeppers } from '../../src/engine/peppers.ts';
import type { LeaseDurations } from '../../src/operator/leader-election.ts';
import { createLog } from '../../src/operator/log.ts';
import { runOperator } from '../../src/operator/run-operator.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { openStore } from '../../src/stores/open.ts';

export interface ProcessOptions {
  /** The URL of the store. */
  readonly url: string;
  readonly kubeconfig: string;
  readonly instance: string;
  /** The name of the Lease, in the namespace `default`. */
  readonly lease: string;
  readonly durations: LeaseDurations;
  /** Where the snapshots are kept. */
  readonly folder: string;
}

const options: ProcessOptions = JSON.parse(process.argv[2] ?? '');
const { url, kubeconfig, instance, lease, durations, folder } = options;
const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());
const end = await runOperator({
  kube: await kubeClient({ kubeconfig }),
  store: await openStore(url, folder, 30_000),
  install: 'rolecall',
  ofClass: undefined,
  namespaces: [],
  interval: 600_000,
  log: createLog({
    format: 'text',
    level: 'debug',
    now: () => Date.now(),
    write: (text) => void writeSync(1, text),
  }),
  peppers: () => parsePeppers(`test:${Buffer.alloc(32, 7).toString('base64')}`, 'the test'),
  instance,
  lease: { namespace: 'default', name: lease, durations },
  serve: undefined,
  snapshots: { folder: path.join(folder, instance), version: '0.0.0' },
  copiesSnapshots: false,
  hasObjectMetrics: false,
  grace: 30_000,
  signal: stopping.signal,
  now: () => Date.now(),
});
process.exit(end === 'lost' ? 1 : 0);
