import type { Document } from '../core/document.ts';
import { type ReadManifests, readManifests } from '../core/manifest.ts';
import { API_VERSION, type KindName } from '../kinds/index.ts';
import { CLUSTER_NAMES } from './cluster-names.ts';
import type { KubeObject } from './kube.ts';

/** An object of one of our Kinds, as an API server has it. */
export interface ClusterObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: ClusterStatus;
}

/** What the operator says of an object; of a Workspace it says more. */
export interface ClusterStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly appliedHash?: string;
  readonly lastHandledReconcileAt?: string;
  readonly counts?: WorkspaceCounts;
  readonly owners?: { readonly count: number; readonly names: readonly string[] };
  readonly snapshot?: { readonly sha256: string; readonly rows: number; readonly writtenAt: string };
}

export interface WorkspaceCounts {
  readonly people: number;
  readonly groups: number;
  readonly roleBindings: number;
  readonly tokens: number;
}

/** metav1.Condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** How messages call an object: `workspacerolebindings acme-prod/analysts`. */
export function nameOfObject(kind: KindName, { metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return `${CLUSTER_NAMES[kind].plural} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Asks for a look, and declares nothing. */
const ASKED_AT = 'rolecall.dev/reconcile-requested-at';

/**
 * What an object declares, by all that a manifest of its own must be. Its place is the object: there are no lines in a
 * cluster.
 */
export function readObject(kind: KindName, object: ClusterObject): ReadManifests {
  const file = nameOfObject(kind, object);
  const place = () => ({ file, line: 1, column: 1 });
  const document: Document = { file, value: manifestOf(kind, object), place, placeInside: place };
  return readManifests([document]);
}

/** Whether an object is of a class; without one, of none. */
export function isOfClass({ metadata }: KubeObject, ofClass: string | undefined): boolean {
  return metadata.annotations?.['rolecall.dev/class'] === ofClass;
}

/** What somebody wrote of it, without what only the server and other tools do. */
export function manifestOf(kind: KindName, { metadata, spec }: ClusterObject): unknown {
  const { name, namespace, labels, annotations } = metadata;
  const { [ASKED_AT]: _, ...kept } = annotations ?? {};
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(Object.keys(kept).length === 0 ? {} : { annotations: kept }),
    },
    ...(spec === undefined ? {} : { spec }),
  };
}
