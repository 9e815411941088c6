import { API_VERSION, KIND_NAMES, type KindName, isKindName, kindOf, type Resource } from '../kinds/index.ts';
import { ANNOTATION_PREFIX } from '../kinds/annotations.ts';
import type { Metadata } from '../kinds/kind.ts';
import { type Document, LIMITS } from './document.ts';
import { manifestProblems } from './manifest-rules.ts';
import { comparePlaces, type Place, type Problem } from './problem.ts';
import { type Identity, identity, identityOf, indexPointer, showIdentity } from './resource.ts';
import { describe, schemaProblems } from './schema-problem.ts';
import { didYouMean, nearest } from './suggest.ts';
import { validators } from './validators.generated.ts';

/** A resource as its manifest declares it. */
export interface Declared {
  readonly id: Identity;
  /** Normal form; unmanaged fields that the manifest leaves out are absent from its spec. */
  readonly resource: Resource;
  /** The unmanaged fields that the manifest gives. */
  readonly declares: readonly string[];
  /** The place of a JSON Pointer, list entries named by key (or index); with `key`, of the mapping key itself. */
  place(pointer?: string, key?: 'key'): Place;
  placeInside(pointer: string, offset: number): Place;
}

export interface ReadManifests {
  readonly declared: readonly Declared[];
  readonly problems: readonly Problem[];
  /** Identities of manifests that are wrong: they exist, so that a reference to them is no second mistake. */
  readonly broken: ReadonlySet<Identity>;
  /** Whether something is so wrong that it is not even known what it declares. */
  readonly unknown: boolean;
}

/** What an API server or a templating tool writes and nobody declares. */
const IGNORED_METADATA = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'ownerReferences',
  'finalizers',
  'selfLink',
]);

/** Documents to declared resources, `kind: List` unpacked. Never throws; all problems come back. */
export function readManifests(documents: Iterable<Document>): ReadManifests {
  const declared: Declared[] = [];
  const problems: Problem[] = [];
  const broken = new Set<Identity>();
  let unknown = false;
  for (const document of documents) {
    for (const { value, base } of unpack(document, problems)) {
      if (problems.length >= LIMITS.problems) return { declared, problems, broken, unknown: true };
      const read = readManifest(document, value, base, problems);
      if (read) {
        declared.push(read);
        continue;
      }
      if (!isOurs(value)) continue;
      const id = claimedIdentity(value);
      if (id === undefined) unknown = true;
      else broken.add(id);
    }
  }
  return { declared, problems, broken, unknown };
}

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* unpack(document: Document, problems: Problem[]): Generator<{ value: unknown; base: string }> {
  const { value } = document;
  if (!isMapping(value) || value.kind !== 'List') {
    yield { value, base: '' };
    return;
  }
  const report = (pointer: string, message: string) =>
    problems.push({ code: 'RC105', severity: 'error', message, place: document.place(pointer) });
  if (value.apiVersion !== 'v1' && value.apiVersion !== API_VERSION)
    report('/apiVersion', `apiVersion of a List must be v1 or ${API_VERSION}`);
  for (const key of Object.keys(value)) {
    if (!['apiVersion', 'kind', 'metadata', 'items'].includes(key))
      problems.push({
        code: 'RC107',
        severity: 'error',
        message: `unknown field "${key}" in List`,
        place: document.place(`/${key}`, 'key'),
        hint: didYouMean(key, ['items']),
      });
  }
  if (!Array.isArray(value.items)) {
    report('/items', 'items of a List must be a list');
    return;
  }
  for (const [index, item] of value.items.entries()) yield { value: item, base: `/items/${index}` };
}

/** What a manifest that is wrong says it is, as far as that can be told; a misspelt kind counts as the one meant. */
function claimedIdentity(value: Mapping): Identity | undefined {
  const word = String(value.kind);
  const kind = isKindName(word) ? word : nearest(word, KIND_NAMES);
  if (!isKindName(kind) || !isMapping(value.metadata) || typeof value.metadata.name !== 'string') return undefined;
  return identity(kind, kindOf(kind).namespaced ? String(value.metadata.namespace) : undefined, value.metadata.name);
}

/** Whether a document could declare something: one of another API does not. */
function isOurs(value: unknown): value is Mapping {
  if (!isMapping(value)) return false;
  const { apiVersion } = value;
  return apiVersion === undefined || (typeof apiVersion === 'string' && apiVersion.startsWith('rolecall.dev/'));
}

function readManifest(document: Document, value: unknown, base: string, problems: Problem[]): Declared | undefined {
  if (!isMapping(value)) {
    problems.push({
      code: 'RC105',
      severity: 'error',
      message: `not a manifest: a document must be a mapping, this is ${Array.isArray(value) ? 'a list' : `a ${typeof value}`}`,
      place: document.place(base),
    });
    return undefined;
  }
  const { apiVersion, kind: kindName } = value;
  if (apiVersion !== API_VERSION) {
    const ours = typeof apiVersion === 'string' && apiVersion.startsWith('rolecall.dev/');
    problems.push({
      code: 'RC105',
      severity: 'error',
      message:
        apiVersion === undefined
          ? `not a manifest: missing field "apiVersion"`
          : `not a manifest of Rolecall: apiVersion is ${JSON.stringify(apiVersion)}`,
      place: document.place(`${base}/apiVersion`),
      hint:
        apiVersion === undefined || ours
          ? `write apiVersion: ${API_VERSION}`
          : 'name files that are not for Rolecall in .iamignore',
    });
    return undefined;
  }
  if (!isKindName(kindName)) {
    problems.push({
      code: 'RC106',
      severity: 'error',
      message: kindName === undefined ? 'missing field "kind"' : `unknown kind ${JSON.stringify(kindName)}`,
      place: document.place(`${base}/kind`),
      hint:
        (typeof kindName === 'string' ? didYouMean(kindName, KIND_NAMES) : undefined) ??
        `kinds: ${KIND_NAMES.join(', ')}`,
    });
    return undefined;
  }
  const before = problems.length;
  const manifest = withoutServerFields(kindName, value, document, base, problems);
  const place = (pointer = '', key?: 'key') =>
    document.place(base + indexPointer(kindName, manifest, pointer), key);
  if (!validators[kindName](manifest)) {
    problems.push(...schemaProblems(kindName, manifest, validators[kindName].errors ?? [], place));
  }
  // What does not fit its schema cannot be judged any further.
  if (problems.slice(before).some(({ severity }) => severity === 'error')) return undefined;
  const declared = declare(kindName, manifest, place, (pointer, offset) =>
    document.placeInside(base + indexPointer(kindName, manifest, pointer), offset),
  );
  const found = findings(kindName, manifest, declared);
  problems.push(...found);
  return found.length > 0 ? undefined : declared;
}

/** The manifest without what an API server adds, and without a namespace where there can be none. */
function withoutServerFields(
  kind: KindName,
  value: Mapping,
  document: Document,
  base: string,
  problems: Problem[],
): Mapping {
  const metadata = isMapping(value.metadata) ? value.metadata : undefined;
  const global = !kindOf(kind).namespaced;
  const drop =
    metadata && Object.keys(metadata).some((key) => IGNORED_METADATA.has(key) || (global && key === 'namespace'));
  if (!('status' in value) && !drop) return value;
  const { status: _, ...rest } = value;
  if (!metadata) return rest;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !IGNORED_METADATA.has(key)));
  if (global && 'namespace' in kept) {
    delete kept.namespace;
    problems.push({
      code: 'RC123',
      severity: 'warn',
      message: `${kind} is global: its namespace is dropped`,
      place: document.place(`${base}/metadata/namespace`),
      hint: 'remove metadata.namespace',
    });
  }
  return { ...rest, metadata: kept };
}

function declare(
  kindName: KindName,
  manifest: Mapping,
  place: Declared['place'],
  placeInside: Declared['placeInside'],
): Declared {
  const kind = kindOf(kindName);
  const spec = manifest.spec as Mapping;
  const metadata = manifest.metadata as Partial<Metadata> & { name: string };
  const resource = {
    kind: kindName,
    metadata: {
      name: metadata.name,
      ...(kind.namespaced && metadata.namespace !== undefined ? { namespace: metadata.namespace } : {}),
      labels: metadata.labels ?? {},
      annotations: ours(metadata.annotations),
    },
    spec: kind.normalize(spec),
  } as Resource;
  return {
    id: identityOf(resource),
    resource,
    declares: Object.keys(kind.unmanaged).filter((field) => spec[field] !== undefined),
    place,
    placeInside,
  };
}

function ours(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  const entries = Object.entries(annotations).filter(([key]) => key.startsWith(ANNOTATION_PREFIX));
  return Object.fromEntries(entries);
}

/**
 * One problem for each document that declares an identity again, at the later place in code-point order of path
 * and line, naming the first. The first of each identity is returned.
 */
export function uniqueManifests(declared: readonly Declared[]): Pick<ReadManifests, 'declared' | 'problems'> {
  const groups = new Map<Identity, Declared[]>();
  for (const one of declared) {
    const same = groups.get(one.id);
    if (same) same.push(one);
    else groups.set(one.id, [one]);
  }
  if (groups.size === declared.length) return { declared, problems: [] };
  const problems: Problem[] = [];
  const kept: Declared[] = [];
  for (const same of groups.values()) {
    const sorted = same.length === 1 ? same : [...same].sort((a, b) => comparePlaces(a.place(), b.place()));
    const [first, ...rest] = sorted;
    if (!first) continue;
    kept.push(first);
    for (const later of rest) {
      const { file, line } = first.place();
      problems.push({
        code: 'RC110',
        severity: 'error',
        message: `${showIdentity(first.id)} is declared twice`,
        place: later.place(),
        hint: `first declared at ${file}:${line}; keep one of the two`,
      });
    }
  }
  return { declared: kept, problems };
}
