import type { Owners } from './kube-simulator-apply.ts';
import type { Fields, SimObject } from './kube-simulator-objects.ts';

/** What no write changes. */
export function lasting({
  metadata,
}: SimObject): Partial<SimObject['metadata']> &
  Pick<SimObject['metadata'], 'name' | 'uid' | 'resourceVersion' | 'creationTimestamp'> {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp } = metadata;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

/** What a generation is of. */
export function content({ metadata: _metadata, status: _status, ...rest }: SimObject): Fields {
  return rest;
}

/** To compare them by. */
export function ownersText(owners: Owners): unknown {
  return [...owners].map(([manager, paths]) => [manager, [...paths].sort()]);
}

/** Who has set what. */
export function managedFields(owners: Owners, apiVersion: string): unknown[] {
  return [...owners].map(([key, paths]) => {
    const [manager, operation, subresource] = key.split(' ');
    return {
      manager,
      operation,
      apiVersion,
      time: seconds(),
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsV1(paths),
      ...(subresource ? { subresource } : {}),
    };
  });
}

function fieldsV1(paths: Iterable<string>): Fields {
  const fields: Fields = {};
  for (const path of paths) {
    let at = fields;
    for (const step of JSON.parse(path)) {
      const name =
        typeof step === 'string'
          ? `f:${step}`
          : 'key' in step
            ? `k:${JSON.stringify(step.key)}`
            : `v:${JSON.stringify(step.value)}`;
      at[name] ??= {};
      at = at[name] as Fields;
    }
  }
  return fields;
}

/** Now, as times of objects are. */
export function seconds(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
