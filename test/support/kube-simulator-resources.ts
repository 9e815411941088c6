import { type Fields, isFields, Refusal, type SimObject, type Structural } from './kube-simulator-objects.ts';
import { type ObjectSchema, objectSchema } from './kube-simulator-schema.ts';

/** One kind of objects that a server serves. */
export interface SimResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  /** Whether status is written apart from all else. */
  readonly hasStatus: boolean;
  /** Whether it is one of a CRD: it has a generation, and wants a resourceVersion in a PUT. */
  readonly isCustom: boolean;
  readonly schema?: ObjectSchema;
  /** Puts in order what is to be kept, in place. Throws a Refusal for what is not accepted. */
  readonly prepare?: (object: SimObject) => void;
}

const BUILT_IN: Pick<SimResource, 'group' | 'version' | 'hasStatus' | 'isCustom'> = {
  group: '',
  version: 'v1',
  hasStatus: false,
  isCustom: false,
};

/** What there is before any CRD is. */
export const BUILT_IN_RESOURCES: readonly SimResource[] = [
  { ...BUILT_IN, plural: 'namespaces', kind: 'Namespace', isNamespaced: false, prepare: prepareNamespace },
  { ...BUILT_IN, plural: 'configmaps', kind: 'ConfigMap', isNamespaced: true },
  { ...BUILT_IN, plural: 'secrets', kind: 'Secret', isNamespaced: true, prepare: prepareSecret },
  {
    ...BUILT_IN,
    group: 'coordination.k8s.io',
    plural: 'leases',
    kind: 'Lease',
    isNamespaced: true,
    prepare: prepareLease,
  },
  {
    ...BUILT_IN,
    group: 'events.k8s.io',
    plural: 'events',
    kind: 'Event',
    isNamespaced: true,
    prepare: prepareEvent,
  },
  {
    ...BUILT_IN,
    group: 'apiextensions.k8s.io',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    isNamespaced: false,
    prepare: (crd) => {
      crd.status = { conditions: [{ type: 'Established', status: 'True' }] };
    },
  },
];

/** What a CustomResourceDefinition defines: the version that is stored. */
export function customResource(crd: SimObject): SimResource {
  const spec = crd.spec as {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly plural: string; readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
      readonly subresources?: { readonly status?: object };
      readonly schema: { readonly openAPIV3Schema: Structural };
    }[];
  };
  const version = spec.versions.find(({ storage }) => storage);
  if (version === undefined) throw new Refusal(422, 'Invalid', 'spec.versions: no version is stored');
  return {
    group: spec.group,
    version: version.name,
    plural: spec.names.plural,
    kind: spec.names.kind,
    isNamespaced: spec.scope === 'Namespaced',
    hasStatus: version.subresources?.status !== undefined,
    isCustom: true,
    schema: objectSchema(version.schema.openAPIV3Schema),
  };
}

/** `workspaces.rolecall.dev`, or the plural alone. */
export function resourceName({ plural, group }: SimResource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function apiVersionOf({ group, version }: SimResource): string {
  return group === '' ? version : `${group}/${version}`;
}

function prepareNamespace(namespace: SimObject): void {
  namespace.metadata.labels = {
    ...namespace.metadata.labels,
    'kubernetes.io/metadata.name': namespace.metadata.name,
  };
  namespace.spec ??= { finalizers: ['kubernetes'] };
  namespace.status = { phase: namespace.metadata.deletionTimestamp ? 'Terminating' : 'Active' };
}

function prepareSecret(secret: SimObject): void {
  secret.type ??= 'Opaque';
  const { stringData } = secret;
  delete secret.stringData;
  if (isFields(stringData)) {
    const encoded = Object.entries(stringData).map(([key, text]) => [
      key,
      Buffer.from(String(text)).toString('base64'),
    ]);
    secret.data = { ...(secret.data as Fields | undefined), ...Object.fromEntries(encoded) };
  }
  for (const value of Object.values((secret.data as Fields | undefined) ?? {}))
    if (
      typeof value !== 'string' ||
      !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
    )
      throw new Refusal(400, 'BadRequest', 'Secret in version "v1" cannot be handled: illegal base64 data');
}

/** RFC 3339 with six digits of a second, no more and no less. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

function prepareLease({ spec }: SimObject): void {
  const { renewTime, acquireTime, leaseDurationSeconds } = (spec ?? {}) as Fields;
  for (const time of [renewTime, acquireTime])
    if (time !== undefined && time !== null && !MICRO_TIME.test(String(time)))
      throw new Refusal(
        400,
        'BadRequest',
        `Lease in version "v1" cannot be handled as a Lease: parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00"`,
      );
  if (typeof leaseDurationSeconds === 'number' && leaseDurationSeconds <= 0)
    throw new Refusal(422, 'Invalid', 'spec.leaseDurationSeconds: must be greater than 0');
}

function prepareEvent(event: SimObject): void {
  if (!MICRO_TIME.test(String(event.eventTime)))
    throw new Refusal(400, 'BadRequest', 'Event in version "v1" cannot be handled as a Event: eventTime');
  for (const field of ['reportingController', 'reportingInstance', 'action', 'reason', 'type'])
    if (!event[field]) throw new Refusal(422, 'Invalid', `${field}: Required value`);
  if (event.type !== 'Normal' && event.type !== 'Warning')
    throw new Refusal(422, 'Invalid', `type: Invalid value: "${event.type}"`);
  if (String(event.note ?? '').length > 1024)
    throw new Refusal(422, 'Invalid', 'note: can have at most 1024 bytes');
}
