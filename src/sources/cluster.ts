import { EXIT, failure, type Problem } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { KIND_NAMES, type KindName } from '../kinds/index.ts';
import { collectionPath } from './cluster-names.ts';
import { type ClusterObject, isOfClass, manifestOf, nameOfObject } from './cluster-object.ts';
import { type Kube, KubeError } from './kube.ts';
import type { Source } from './source.ts';

export interface ClusterOptions {
  /** Called once, when it is loaded. */
  connect(): Promise<Kube>;
  /** Of which class (`rolecall.dev/class`) the objects are; without one those that name none. */
  readonly ofClass: string | undefined;
}

/** Objects of a page. */
const PAGE = 500;

/**
 * The objects of a cluster, as an operator would plan them: those that somebody has deleted are not declared any more. Each is a
 * text of its own, by the name that kubectl has for it.
 *
 * Throws a Failure (exit 1) when they cannot all be read; of none it never says that there are fewer.
 */
export function clusterSource({ connect, ofClass }: ClusterOptions): Source {
  return {
    name: 'the cluster',
    async load() {
      const kube = await connect();
      try {
        const texts: InputText[] = [];
        const problems: Problem[] = [];
        for (const kind of KIND_NAMES)
          for await (const object of objectsOf(kube, kind)) {
            if (object.metadata.deletionTimestamp !== undefined || !isOfClass(object, ofClass)) continue;
            texts.push({
              file: nameOfObject(kind, object),
              text: JSON.stringify(manifestOf(kind, object), undefined, 2),
            });
          }
        return { texts, problems, known: [] };
      } finally {
        await kube.close();
      }
    },
  };
}

/** All objects of a Kind, page by page. Throws a Failure (exit 1) when the server does not give all of them. */
export async function* objectsOf(kube: Kube, kind: KindName): AsyncGenerator<ClusterObject> {
  let from: string | undefined;
  do {
    const page: { items?: readonly ClusterObject[] | null; metadata?: { continue?: string } } = await kube
      .request<object>({
        method: 'GET',
        path: collectionPath(kind),
        query: { limit: PAGE, continue: from },
      })
      .catch((error: unknown) => {
        throw error instanceof KubeError ? unread(kube, kind, error) : error;
      });
    // Go writes null for an empty list; what is no list must not be read as one.
    if (page.items !== null && !Array.isArray(page.items))
      throw unread(kube, kind, new KubeError(null, '', 'it answers with what is no list'));
    yield* page.items ?? [];
    from = page.metadata?.continue || undefined;
  } while (from !== undefined);
}

function unread(kube: Kube, kind: KindName, error: KubeError) {
  return failure(
    EXIT.error,
    'RC701',
    `${kind} objects of ${kube.server} cannot be read: ${error.message}`,
    error.status === 404
      ? 'are the custom resource definitions installed? docs/crds.md'
      : error.status === 403
        ? 'the account needs get and list on all of rolecall.dev: ClusterRole rolecall-viewer'
        : 'kubectl get --raw /readyz tells whether it answers',
  );
}
