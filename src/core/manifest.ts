import { ANNOTATION_PREFIX } from '../kinds/annotations.ts';
import { API_VERSION, isKindName, KIND_NAMES, type KindName, kindOf, type Resource } from '../kinds/index.ts';
import type { Metadata } from '../kinds/kind.ts';
import {
  type Document,
  LIMITS,
  type Locator,
  locatorsOf,
  pointerPart,
  pointerParts,
  rootsOf,
} from './document.ts';
import { canonicalJson } from './hash.ts';
import { manifestProblems } from './manifest-rules.ts';
import { comparePlaces, type Place, type Problem } from './problem.ts';
import {
  fromManifest,
  type Identity,
  identity,
  identityOf,
  indexPointer,
  kindIn,
  type Manifest,
  showIdentity,
  toManifest,
} from './resource.ts';
import { describe, schemaProblems, show } from './schema-problem.ts';
import { didYouMean, nearest } from './suggest.ts';
import { completed } from './unmanaged.ts';
import { validators } from './validators.generated.ts';

/** A resource as its manifest declares it. */
export interface Declared {
  readonly id: Identity;
  /** The file that it is in. */
  readonly file: string;
  /** Canonical JSON of the whole normal form, with the default of what the manifest leaves to others. */
  readonly body: string;
  /** Normal form; unmanaged fields that the manifest leaves out are absent from its spec. Made when it is asked for. */
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
  /** Manifests that are wrong, with their first mistake: they exist, so that a reference to them is no second mistake. */
  readonly broken: ReadonlyMap<Identity, Problem>;
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

const IGNORE_HINT = 'name files that are not for Rolecall in .iamignore';

/** Documents to declared resources, `kind: List` unpacked. Never throws; all problems come back. */
export function readManifests(documents: Iterable<Document>): ReadManifests {
  const declared: Declared[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const broken = new Map<Identity, Problem>();
  let unknown = false;
  for (const document of documents) {
    for (const problem of listProblems(document)) {
      unknown = true;
      problems.push(problem);
    }
    for (const { value, base } of unpack(document)) {
      if (problems.length >= LIMITS.problems) return { declared, problems, broken, unknown: true };
      const before = problems.length;
      const read = readManifest(document, value, base, problems, warnings);
      if (read) {
        declared.push(read);
        continue;
      }
      if (!isOurs(value)) continue;
      const id = claimedIdentity(value);
      const mistake = problems[before];
      if (id === undefined || !mistake) unknown = true;
      else broken.set(id, mistake);
    }
  }
  return { declared, problems: [...problems, ...warnings], broken, unknown };
}

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The manifests of a document, with pointers to them: itself, or the items of a List. */
function* unpack({ value }: Document): Generator<{ value: unknown; base: string }> {
  if (!isMapping(value) || value.kind !== 'List') yield { value, base: '' };
  else if (Array.isArray(value.items))
    for (const [index, item] of value.items.entries()) yield { value: item, base: `/items/${index}` };
}

/** What is wrong with a List itself. */
function listProblems(document: Document): Problem[] {
  const { value } = document;
  const place = (pointer: string, key?: 'key') => document.place(pointer, key);
  if (!isMapping(value) || value.kind !== 'List') return [];
  const problem = (code: Problem['code'], message: string, at: Place, hint: string): Problem => ({
    code,
    severity: 'error',
    message: `List: ${message}`,
    place: at,
    hint,
  });
  const { apiVersion, items } = value;
  return [
    ...(apiVersion === 'v1' || apiVersion === API_VERSION
      ? []
      : [
          problem(
            'RC105',
            `apiVersion ${apiVersion === undefined ? 'is missing' : `cannot be ${show(apiVersion)}`}`,
            place('/apiVersion'),
            `write apiVersion: v1`,
          ),
        ]),
    ...Object.keys(value)
      .filter((key) => !['apiVersion', 'kind', 'metadata', 'items'].includes(key))
      .slice(0, LIMITS.problems)
      .map((key) =>
        problem(
          'RC107',
          `unknown field ${show(key)}`,
          place(`/${pointerPart(key)}`, 'key'),
          didYouMean(key, ['items']) ?? 'known here: apiVersion, kind, metadata, items',
        ),
      ),
    ...(Array.isArray(items)
      ? []
      : [
          problem(
            'RC105',
            items === undefined ? 'missing field "items"' : `items must be a list, not ${describe(items)}`,
            place('/items'),
            'write items: [] when there are none',
          ),
        ]),
  ];
}

/** What a manifest that is wrong says it is, as far as that can be told; a misspelt kind counts as the one meant. */
function claimedIdentity(value: Mapping): Identity | undefined {
  const word = typeof value.kind === 'string' ? value.kind : '';
  const kind = isKindName(word) ? word : nearest(word, KIND_NAMES);
  if (!isKindName(kind) || !isMapping(value.metadata) || typeof value.metadata.name !== 'string')
    return undefined;
  return identity(
    kind,
    kindOf(kind).namespaced && typeof value.metadata.namespace === 'string'
      ? value.metadata.namespace
      : undefined,
    value.metadata.name,
  );
}

/** Whether a document could declare something: one of another API does not. */
function isOurs(value: unknown): value is Mapping {
  if (!isMapping(value)) return false;
  const { apiVersion } = value;
  return (
    apiVersion === undefined || (typeof apiVersion === 'string' && apiVersion.startsWith('rolecall.dev/'))
  );
}

/** What is wrong with a document that is no manifest of a known Kind. */
function notAManifest(document: Document, value: unknown, base: string): Problem {
  const refuse = (code: Problem['code'], message: string, pointer: string, hint: string): Problem => {
    return { code, severity: 'error', message, place: document.place(base + pointer), hint };
  };
  if (!isMapping(value))
    return refuse(
      'RC105',
      `not a manifest: it must be a mapping, not ${describe(value)}`,
      '',
      `a manifest begins with apiVersion: ${API_VERSION}; ${IGNORE_HINT}`,
    );
  const { apiVersion, kind: kindName } = value;
  if (apiVersion !== API_VERSION) {
    if (apiVersion === undefined || apiVersion === null)
      return refuse(
        'RC105',
        `not a manifest: ${apiVersion === null ? 'apiVersion is null' : 'missing field "apiVersion"'}`,
        '/apiVersion',
        `write apiVersion: ${API_VERSION}; ${IGNORE_HINT}`,
      );
    return refuse(
      'RC105',
      `not a manifest of Rolecall: apiVersion is ${show(apiVersion)}`,
      '/apiVersion',
      isOurs(value) ? `write apiVersion: ${API_VERSION}` : IGNORE_HINT,
    );
  }
  const message =
    kindName === undefined
      ? 'missing field "kind"'
      : kindName === null
        ? 'kind is null'
        : `unknown kind ${show(kindName)}`;
  const near = typeof kindName === 'string' ? didYouMean(kindName, KIND_NAMES) : undefined;
  return refuse('RC106', message, '/kind', near ?? `kinds: ${KIND_NAMES.join(', ')}`);
}

function readManifest(
  document: Document,
  value: unknown,
  base: string,
  problems: Problem[],
  warnings: Problem[],
): Declared | undefined {
  if (!isMapping(value) || value.apiVersion !== API_VERSION || !isKindName(value.kind)) {
    problems.push(notAManifest(document, value, base));
    return undefined;
  }
  const kindName = value.kind;
  const before = problems.length;
  const manifest = withoutServerFields(kindName, value, document, base, warnings);
  const byIndex = (pointer = '', key?: 'key') => document.place(base + pointer, key);
  let misfits: readonly string[] = [];
  if (!validators[kindName](manifest)) {
    const errors = validators[kindName].errors ?? [];
    misfits = errors.map(({ instancePath }) => instancePath);
    for (const found of schemaProblems(kindName, manifest, errors, byIndex)) problems.push(found);
  }
  for (const found of manifestProblems({ kind: kindName, manifest, misfits, place: byIndex }))
    problems.push(found);
  if (problems.length > before) return undefined;
  return declare(document, base, kindName, manifest);
}

/** The manifest without what an API server adds, and without a namespace where there can be none. */
function withoutServerFields(
  kind: KindName,
  value: Mapping,
  document: Document,
  base: string,
  warnings: Problem[],
): Mapping {
  const metadata = isMapping(value.metadata) ? value.metadata : undefined;
  const global = !kindOf(kind).namespaced;
  const drop =
    metadata &&
    Object.keys(metadata).some((key) => IGNORED_METADATA.has(key) || (global && key === 'namespace'));
  if (!('status' in value) && !drop) return value;
  const { status: _, ...rest } = value;
  if (!metadata) return rest;
  const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => !IGNORED_METADATA.has(key)));
  if (global && 'namespace' in kept) {
    delete kept.namespace;
    warnings.push({
      code: 'RC123',
      severity: 'warn',
      message: `${kind} is global: its namespace is dropped`,
      place: document.place(`${base}/metadata/namespace`),
      hint: 'remove metadata.namespace',
    });
  }
  return { ...rest, metadata: kept };
}

function declare(document: Document, base: string, kindName: KindName, manifest: Mapping): Declared {
  const kind = kindOf(kindName);
  const spec = manifest.spec as Mapping;
  const metadata = manifest.metadata as Partial<Metadata> & { name: string };
  const resource = {
    kind: kindName,
    metadata: {
      name: metadata.name,
      ...(kind.namespaced ? { namespace: metadata.namespace } : NONE),
      labels: metadata.labels ?? NONE,
      annotations: ours(metadata.annotations),
    },
    spec: kind.normalize(spec),
  } as Resource;
  const unmanaged = unmanagedFields(kindName);
  const given = unmanaged.filter((field) => spec[field] !== undefined);
  const declares = given.length === unmanaged.length ? unmanaged : given;
  const { file, place, placeInside, value } = document;
  const locator = document.locator ?? { file, place, placeInside, value: () => value };
  return new DeclaredManifest(
    identityOf(resource),
    canonicalJson(toManifest(completed(resource))),
    declares,
    locator,
    base,
  );
}

const UNMANAGED = Object.fromEntries(
  KIND_NAMES.map((name) => [name, Object.keys(kindOf(name).unmanaged)]),
) as unknown as Readonly<Record<KindName, readonly string[]>>;

/** The fields of a Kind that are others' where a manifest leaves them out. */
export function unmanagedFields(kind: KindName): readonly string[] {
  return UNMANAGED[kind];
}

/** What a text declares, in a form that can be sent to another thread. */
export interface Packed {
  /** One a line each, and none of them has a line break in it. */
  readonly ids: string;
  readonly bodies: string;
  /** Which unmanaged fields each gives: a bit for each field of its Kind. */
  readonly declares: Uint8Array;
  /** Which document each is, and where the documents begin. */
  readonly documents: Uint32Array;
  readonly roots: Int32Array;
}

/** Undefined for what is not plain: parts of lists, or of texts that are read in parts. */
export function packManifests(declared: readonly Declared[]): Packed | undefined {
  const packed = declared.map((one) => (one instanceof DeclaredManifest ? one.packed : undefined));
  const roots = packed[0]?.roots;
  if (!roots || packed.some((one) => one?.roots !== roots)) return undefined;
  const bits = ({ id, declares }: Declared) =>
    unmanagedFields(kindIn(id)).reduce((sum, field, i) => sum | (declares.includes(field) ? 1 << i : 0), 0);
  return {
    ids: declared.map(({ id }) => id).join('\n'),
    bodies: declared.map(({ body }) => body).join('\n'),
    declares: Uint8Array.from(declared, bits),
    documents: Uint32Array.from(packed, (one) => one?.index ?? 0),
    roots,
  };
}

/** What `packManifests` has packed. `again` gives the text once more. */
export function unpackManifests(file: string, packed: Packed, again: () => string): Declared[] {
  const locatorOf = locatorsOf(file, again, packed.roots);
  const bodies = packed.bodies.split('\n');
  return packed.ids.split('\n').map((id, i) => {
    const bits = packed.declares[i] ?? 0;
    const unmanaged = unmanagedFields(kindIn(id));
    const given = unmanaged.filter((_, n) => bits & (1 << n));
    const declares = given.length === unmanaged.length ? unmanaged : given;
    return new DeclaredManifest(id, bodies[i] ?? '', declares, locatorOf(packed.documents[i] ?? 0), '');
  });
}

/** Keeps a text where there could be many objects: a million of them must fit into memory. */
class DeclaredManifest implements Declared {
  readonly id: Identity;
  readonly body: string;
  readonly declares: readonly string[];
  readonly #locator: Locator;
  readonly #base: string;

  constructor(id: Identity, body: string, declares: readonly string[], locator: Locator, base: string) {
    this.id = id;
    this.body = body;
    this.declares = declares;
    this.#locator = locator;
    this.#base = base;
  }

  get packed() {
    return this.#base === '' ? rootsOf(this.#locator) : undefined;
  }

  get file(): string {
    return this.#locator.file;
  }

  get resource(): Resource {
    const resource = fromManifest(JSON.parse(this.body) as Manifest);
    const absent = unmanagedFields(resource.kind).filter((field) => !this.declares.includes(field));
    if (absent.length === 0) return resource;
    const spec = Object.entries(resource.spec).filter(([field]) => !absent.includes(field));
    return { ...resource, spec: Object.fromEntries(spec) } as unknown as Resource;
  }

  place(pointer = '', key?: 'key'): Place {
    return this.#locator.place(pointer === '' ? this.#base : this.#indexed(pointer), key);
  }

  placeInside(pointer: string, offset: number): Place {
    return this.#locator.placeInside(this.#indexed(pointer), offset);
  }

  #indexed(pointer: string): string {
    const declared = pointerParts(this.#base).reduce<unknown>(
      (value, part) => (value as Record<string, unknown>)[part],
      this.#locator.value(),
    );
    return this.#base + indexPointer(kindIn(this.id), declared, pointer);
  }
}

/** What most manifests have of labels and annotations. */
const NONE: Readonly<Record<string, string>> = Object.freeze({});

function ours(annotations: Readonly<Record<string, string>> | undefined): Metadata['annotations'] {
  if (!annotations) return NONE;
  const entries = Object.entries(annotations).filter(([key]) => key.startsWith(ANNOTATION_PREFIX));
  return Object.fromEntries(entries);
}

/**
 * One problem for each document that declares an identity again, at the later place in code-point order of path
 * and line, naming the first. The first of each identity is returned.
 */
export function uniqueManifests(declared: readonly Declared[]): Pick<ReadManifests, 'declared' | 'problems'> {
  if (new Set(declared.map(({ id }) => id)).size === declared.length) return { declared, problems: [] };
  const groups = new Map<Identity, Declared[]>();
  for (const one of declared) {
    const same = groups.get(one.id);
    if (same) same.push(one);
    else groups.set(one.id, [one]);
  }
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
