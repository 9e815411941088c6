import { type Fields, Refusal, type SimObject } from './kube-simulator-objects.ts';
import { resourceName } from './kube-simulator-resources.ts';
import { fillDefaults, prune } from './kube-simulator-schema.ts';
import type { Target, WriteOptions } from './kube-simulator-state.ts';

/** Puts in order what is to be kept, in place. Throws a Refusal for what is not accepted. */
export function admit({ resource }: Target, object: SimObject, { isStrict }: WriteOptions): SimObject {
  const { schema } = resource.schema ?? {};
  if (schema) {
    const unknown = prune(object, schema);
    if (isStrict && unknown.length > 0)
      throw new Refusal(
        400,
        'BadRequest',
        `strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(', ')}`,
      );
    fillDefaults(object, schema);
  }
  resource.prepare?.(object);
  const wrong = resource.schema?.validate(object) ?? [];
  if (wrong.length > 0) {
    const said = wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`;
    const kind = `${resource.kind}${resource.group ? `.${resource.group}` : ''}`;
    throw new Refusal(422, 'Invalid', `${kind} "${object.metadata.name}" is invalid: ${said}`);
  }
  return object;
}

/** An object never becomes another one. */
export function checkUid({ resource, name }: Target, { metadata }: SimObject, uid: string | undefined): void {
  if (uid === undefined || uid === metadata.uid) return;
  throw new Refusal(
    422,
    'Invalid',
    `${resourceName(resource)} "${name}" is invalid: metadata.uid: Invalid value: "${uid}": field is immutable`,
  );
}

/** What of an object is applied: its status, or all else where that is written apart. */
export function partOf({ resource, subresource }: Target, config: Fields): Fields {
  const { status, ...others } = config;
  if (subresource) return status === undefined ? {} : { status };
  return resource.hasStatus ? others : config;
}
