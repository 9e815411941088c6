import { API_VERSION } from '../kinds/index.ts';
import { objectPath } from '../sources/cluster-names.ts';
import type { ClusterObject, ClusterStatus } from '../sources/cluster-object.ts';
import { type Kube, KubeError } from '../sources/kube.ts';
import { isSaid } from './conditions.ts';
import { FINALIZER, isOlder, type Known } from './objects.ts';

/** Whose fields these are, as the API server keeps them. */
export const FIELD_MANAGER = 'rolecall-operator';

/** So many requests are under way at once; an API server takes 200 that write, of all clients together. */
const AT_ONCE = 50;

/** What was not written, and why. */
export interface Unwritten {
  readonly known: Known;
  readonly error: KubeError;
}

/** Puts the finalizer on objects. Those that are gone meanwhile, or changed, are not written; a watch says so soon. */
export function hold(kube: Kube, objects: readonly Known[]): Promise<readonly Unwritten[]> {
  return each(objects, (known) => {
    const before = known.object.metadata.finalizers ?? [];
    return before.includes(FINALIZER) ? undefined : writeFinalizers(kube, known, [...before, FINALIZER]);
  });
}

/** Takes the finalizer off: nothing keeps the objects any more. */
export function release(kube: Kube, objects: readonly Known[]): Promise<readonly Unwritten[]> {
  return each(objects, (known) => {
    const before = known.object.metadata.finalizers ?? [];
    const after = before.filter((one) => one !== FINALIZER);
    return after.length === before.length ? undefined : writeFinalizers(kube, known, after);
  });
}

/** Writes the statuses that say something else than those that are there. */
export function say(
  kube: Kube,
  statuses: readonly { readonly known: Known; readonly status: ClusterStatus }[],
): Promise<readonly Unwritten[]> {
  const anew = new Map(
    statuses.flatMap(({ known, status }) =>
      isSaid(known.object.status, status) ? [] : [[known, status] as const],
    ),
  );
  return each([...anew.keys()], async (known) => {
    const { name, namespace, uid } = known.object.metadata;
    const status = anew.get(known);
    const written = await kube.request<ClusterObject>({
      method: 'PATCH',
      path: `${objectPath(known.kind, namespace, name)}/status`,
      patch: 'apply',
      query: { fieldManager: FIELD_MANAGER, force: true },
      // With its uid nothing is said of another object that has its name by now.
      body: {
        apiVersion: API_VERSION,
        kind: known.kind,
        metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid },
        status,
      },
    });
    const { metadata } = known.object;
    // A watch may have told of a later version already.
    if (metadata.uid !== uid || !status || isOlder(written, known.object)) return;
    const { resourceVersion } = written.metadata;
    known.object = { ...known.object, metadata: { ...metadata, resourceVersion }, status };
  });
}

async function writeFinalizers(kube: Kube, known: Known, finalizers: readonly string[]): Promise<void> {
  const { name, namespace, resourceVersion, uid } = known.object.metadata;
  const written = await kube.request<ClusterObject>({
    method: 'PATCH',
    path: objectPath(known.kind, namespace, name),
    patch: 'merge',
    query: { fieldManager: FIELD_MANAGER },
    // The list is written as a whole: only over the one that was read.
    body: { metadata: { uid, resourceVersion, finalizers } },
  });
  const { metadata } = known.object;
  const isNewest = metadata.uid === uid && metadata.resourceVersion === resourceVersion;
  if (isNewest && written.metadata)
    known.object = {
      ...known.object,
      metadata: { ...metadata, finalizers, resourceVersion: written.metadata.resourceVersion },
    };
}

/** Does something for each, several at once. What fails keeps no other from being done; what is not the server's fault is thrown. */
async function each(
  objects: readonly Known[],
  write: (known: Known) => Promise<void> | undefined,
): Promise<readonly Unwritten[]> {
  const unwritten: Unwritten[] = [];
  const left = objects.values();
  const worker = async () => {
    for (const known of left) {
      try {
        await write(known);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        unwritten.push({ known, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, objects.length) }, worker));
  return unwritten;
}

/** Whether an object is not there any more: a watch will say so. Of one that others have changed none need say anything that matters. */
export function isGone({ error }: Unwritten): boolean {
  return error.status === 404;
}
