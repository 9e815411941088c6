import type { Readable } from 'node:stream';
import { LAYOUTS } from '../engine/snapshot-sidecar.ts';
import { type Kube, KubeError } from '../sources/kube.ts';
import type { Log } from './log.ts';
import { FIELD_MANAGER } from './object-writer.ts';
import type { OpenTable, Snapshots } from './snapshots.ts';

/** The ConfigMap in the namespace of each workspace. */
const NAME = 'rolecall-snapshot';

/** Bytes of both tables; an API server takes 1 MiB of a ConfigMap, names and all. */
const LARGEST = 900_000;

/** Keeps copies of snapshots in ConfigMaps: for who asked for it, as all who may view a namespace read them. */
export interface SnapshotCopies {
  /** Writes the copy of a workspace. What cannot be written is logged, and written with the next change. */
  write(workspace: string): Promise<void>;
}

export function createSnapshotCopies(
  kube: Kube,
  snapshots: Pick<Snapshots, 'open' | 'facts'>,
  log: Log,
): SnapshotCopies {
  /** The snapshot that each workspace has a copy of. */
  const written = new Map<string, string>();
  return {
    async write(workspace) {
      const sha256 = snapshots.facts(workspace)?.sha256;
      if (sha256 === undefined || written.get(workspace) === sha256) return;
      try {
        const data = await dataOf(snapshots, workspace);
        await kube.request({
          method: 'PATCH',
          path: `/api/v1/namespaces/${workspace}/configmaps/${NAME}`,
          patch: 'apply',
          // Not forced: what somebody else has made under this name stays his.
          query: { fieldManager: FIELD_MANAGER },
          body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: workspace }, data },
        });
        written.set(workspace, sha256);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        log.warn('the copy of a snapshot is not written', { object: `Workspace//${workspace}`, error });
      }
    },
  };
}

async function dataOf(
  snapshots: Pick<Snapshots, 'open'>,
  workspace: string,
): Promise<Readonly<Record<string, string>>> {
  const tables: (readonly [string, OpenTable])[] = [];
  for (const layout of LAYOUTS) {
    const table = await snapshots.open(workspace, layout);
    if (table) tables.push([`${layout}.csv`, table]);
  }
  if (tables.reduce((sum, [, { bytes }]) => sum + bytes, 0) > LARGEST) {
    for (const [, { content }] of tables) content.destroy();
    return { 'too-large': `more than ${LARGEST} bytes: /snapshots/${workspace}.users.csv has it` };
  }
  const texts: [string, string][] = [];
  for (const [name, { content }] of tables) texts.push([name, await textOf(content)]);
  return Object.fromEntries(texts);
}

async function textOf(content: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
