import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { CORE_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readYaml } from '../../src/core/document.ts';
import { KIND_NAMES, type KindName, kindOf, type Resource } from '../../src/kinds/index.ts';
import { renderManifest, renderManifests } from '../../src/render/yaml.ts';
import { user } from '../support/resources.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: KindName;
  readonly metadata: Partial<Resource['metadata']> & { readonly name: string };
  readonly spec: unknown;
}

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly default?: unknown;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly additionalProperties?: false | Schema;
}

function resource(manifest: Manifest): Resource {
  const { name, namespace, labels = {}, annotations = {} } = manifest.metadata;
  return {
    kind: manifest.kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels, annotations },
    spec: kindOf(manifest.kind).normalize(manifest.spec),
  } as Resource;
}

function readBack(text: string): Resource[] {
  const { documents, problems } = readYaml('rendered.yaml', text);
  expect(problems).toEqual([]);
  return documents.map(({ value }) => resource(value as Manifest));
}

const AWKWARD = [
  '',
  ' ',
  'no',
  'yes',
  'null',
  '~',
  'true',
  '1',
  '0x1f',
  '0o17',
  '1e3',
  '.inf',
  '1_000',
  '12:30:45',
  '2027-01-31',
  '2027-01-31T00:00:00Z',
  '2027-01-31 is a day',
  '*',
  '*all',
  '&x',
  '@',
  '`',
  '!tag',
  '%',
  '#',
  ' #',
  'a #b',
  'a: b',
  'a:',
  ': a',
  '- a',
  '-',
  '?',
  '? a',
  '[',
  ']',
  '{a: b}',
  ',',
  '|',
  '>',
  '|-',
  '---',
  '--- a',
  '...',
  '"',
  "'",
  "it's",
  '\\',
  'trailing ',
  ' leading',
  '\ttab',
  'tab\t',
  'a\nb',
  'a\nb\n',
  'a\n\nb\n\n\n',
  '\na',
  '\n',
  '\n\n',
  ' a\nb',
  'a \nb',
  '  a\n b',
  'a\n---\nb',
  'a\n...\nb',
  '# a\n# b',
  'a\r\nb',
  'a\rb',
  '\u0085',
  'a\u2028b',
  '\u00a0',
  '\ufeffa',
  '\u0000',
  '\u007f',
  'Ana Díaz',
  '漢字',
  '😀',
  '\u202etxt',
  '<<',
  '=',
  'x'.repeat(300),
  'word '.repeat(60),
  'word '.repeat(60).trim(),
  `${'long '.repeat(40)}\nline`,
];

const text = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
);

/** Anything that fits a schema; defaults come up often, so that leaving them out is tried. */
function arbitrary(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitrary), fc.constant(schema.default));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer') return fc.nat(10);
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'array')
    return fc.array(arbitrary(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 5 });
  if (schema.type === 'string') {
    if (schema.pattern?.includes('(0[1-9]|1[0-2])'))
      return fc.constantFrom(
        '2027-01-31',
        '2027-01-31T18:00:00Z',
        '2027-01-31T01:00:00.5+01:00',
        '2027-02-31T00:00:00Z',
        '2027-01-31T00:00:00Z',
      );
    if (schema.pattern?.includes('@'))
      return text.map((local) => `${local.replaceAll('@', '')}x@acme.example`);
    if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern));
    return schema.minLength === 0
      ? text
      : fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: fc.constant('') });
  }
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) {
    const value = schema.additionalProperties ? arbitrary(schema.additionalProperties) : text;
    return fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/), value, {
      maxKeys: 4,
      noNullPrototype: true,
    });
  }
  return fc.record(Object.fromEntries(fields.map(([name, field]) => [name, arbitrary(field)])), {
    requiredKeys: [...(schema.required ?? [])],
    noNullPrototype: true,
  });
}

const label = fc.oneof(
  fc.constantFrom('no', 'null', '1', '0x1', '1e3', '2027-01-31', 'true'),
  fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
);

const metadata = fc.record(
  {
    name: label,
    namespace: label,
    labels: fc.dictionary(label, text, { noNullPrototype: true }),
    annotations: fc.dictionary(fc.constant('rolecall.dev/previous-names'), text, { noNullPrototype: true }),
  },
  { requiredKeys: ['name'], noNullPrototype: true },
);

/** What YAML 1.1 takes for something else than text, and what looks like it. */
const word = fc.oneof(
  fc.constantFrom(
    'y',
    'Y',
    'n',
    'N',
    'yes',
    'No',
    'on',
    'ON',
    'Off',
    'off',
    'true',
    'FALSE',
    'null',
    '~',
    '=',
    '<<',
  ),
  fc.constantFrom(
    '017',
    '08',
    '0b1',
    '0o7',
    '-0x1',
    '1_000',
    '1:30',
    '190:20:30.15',
    '+1',
    '.5',
    '1.',
    '1e3',
    '1_2:3',
  ),
  fc.constantFrom('.inf', '-.Inf', '.NaN', '2027-01-31', '2027-1-1', '2027-01-31 10:00:00', '0.0.0'),
  fc.stringMatching(/^[-+0-9_.:exobEyYnN]{1,6}$/),
);

/** As kubectl reads: times are text there (sigs.k8s.io/yaml). */
function asKubectl(text: string): unknown {
  return parse(text, {
    version: '1.1',
    customTags: (tags) =>
      tags.filter((one) => typeof one === 'string' || one.tag !== 'tag:yaml.org,2002:timestamp'),
  });
}

const resources = fc.oneof(
  ...KIND_NAMES.map((kind) =>
    fc
      .record({ metadata, spec: arbitrary(kindOf(kind).schema as Schema) })
      .map((parts) => resource({ apiVersion: '', kind, ...parts })),
  ),
);

/** Every Kind with its required fields only. */
const SMALLEST: Record<KindName, { spec: object }> = {
  Workspace: { spec: { displayName: 'A' } },
  User: { spec: { email: 'a@acme.example' } },
  Group: { spec: { displayName: 'A' } },
  Role: { spec: { displayName: 'A', scopes: ['Workspace'] } },
  RoleBinding: { spec: { role: 'r', subjects: [{ name: 'a' }], resources: [{ type: 'Workspace' }] } },
  Token: { spec: { description: 'A', role: 'r', owner: 'a' } },
  AccessPolicy: { spec: { match: {}, validations: [{ expression: 'true', message: 'never' }] } },
};

const GOLDEN = [
  `\
apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata:
  name: acme-prod
  labels:
    stage: production
spec:
  displayName: Acme Production
  tier: Business
  owners:
    minimum: 2
    required:
      - {name: ana-diaz}
  guards:
    maxRemovals: 10%
    maxPrivilegedGains: 5
`,
  `\
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata:
  name: ana-diaz
spec:
  email: ana@acme.example
  displayName: Ana Díaz
  state: Suspended
  type: Service
  notBefore: 2026-12-01
  expiresAt: 2027-01-31T18:00:00Z
  sponsor: bo-lee
  identities:
    - {provider: github, subject: '1234'}
`,
  `\
apiVersion: rolecall.dev/v1alpha1
kind: Group
metadata:
  name: analysts
  namespace: acme-prod
  annotations:
    rolecall.dev/previous-names: readers,viewers
spec:
  displayName: Analysts
  description: |-
    Read production sources.
    Ask Ana.
  members:
    - {kind: Group, name: interns}
    - {name: ana-diaz}
    - {name: bo-lee, expiresAt: 2027-01-31}
`,
  `\
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata:
  name: repo-maintainer
spec:
  displayName: Repository maintainer
  scopes: [Repository, Workspace]
  includes: [repo-reader]
  labels: true
  risk: Sensitive
`,
  `\
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata:
  name: analysts-read-prod
  namespace: acme-prod
spec:
  role: source-read-only
  subjects:
    - {kind: Group, name: analysts}
    - {name: ana-diaz}
  resources:
    - type: Source
      id: a website with a name
    - {type: Source, id: website}
    - type: Workspace
      labels:
        environment: prod
        tier: '1'
  notBefore: 2026-12-01
  expiresAt: 2027-01-31T18:00:00Z
  reason: INC-1432
`,
  `\
apiVersion: rolecall.dev/v1alpha1
kind: Token
metadata:
  name: ci-deploy
  namespace: acme-prod
spec:
  description: Deploys tracking plans from CI
  role: workspace-member
  owner: ana-diaz
  expiresAt: 2027-06-30
  rotation:
    every: 90d
    overlap: 24h
  deliverTo:
    secret:
      name: ci-deploy
      key: token
`,
  `\
apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata:
  name: owners-are-employees
spec:
  match:
    'on': Grant
    roles: [workspace-owner]
    workspaceSelector:
      matchLabels:
        stage: production
  enforcement: Warn
  validations:
    - expression: grant.email.endsWith('@acme.example')
      messageExpression: grant.subject + ' is not an employee'
`,
].map((manifest) => [/kind: (\w+)/.exec(manifest)?.[1] ?? '', manifest] as const);

describe('renderManifest', () => {
  test('quotes what looks like a number beyond all numbers', () => {
    const name = '01e1000';
    const text = renderManifest(user('ana', { displayName: name }));
    expect(text).toContain(`displayName: '${name}'`);
    expect(readYaml('a.yaml', text).problems).toEqual([]);
  });

  test('gives a text that reads back as the same resource', () => {
    fc.assert(
      fc.property(resources, (given) => {
        expect(readBack(renderManifest(given))).toEqual([given]);
      }),
      { numRuns: 2000 },
    );
  });

  test('keeps every awkward text', () => {
    for (const awkward of AWKWARD) keeps(awkward);
  });

  function keeps(awkward: string) {
    const given = resource({
      apiVersion: '',
      kind: 'Group',
      metadata: { name: 'a', namespace: 'b' },
      spec: { displayName: awkward, description: awkward, members: [] },
    });
    expect(readBack(renderManifest(given))).toEqual([given]);
  }

  test('quotes what a YAML 1.1 reader would not take for text', () => {
    const given = resource({
      apiVersion: '',
      kind: 'Group',
      metadata: { name: 'no', namespace: 'off' },
      spec: { displayName: '2027-01-31', description: '0o17', members: [{ name: '1_000' }] },
    });
    expect(load(renderManifest(given), { schema: YAML11_SCHEMA })).toEqual(
      load(renderManifest(given), { schema: CORE_SCHEMA }),
    );
  });

  test('gives a text that kubectl, which reads YAML 1.1, takes for the same', () => {
    fc.assert(
      fc.property(resources, word, (given, name) => {
        const { labels } = given.metadata;
        const odd = { ...given, metadata: { ...given.metadata, name, labels: { ...labels, [name]: name } } };
        const text = renderManifest(odd as Resource);
        expect(asKubectl(text)).toEqual(load(text, { schema: CORE_SCHEMA }));
      }),
      { numRuns: 2000 },
    );
  });

  test('leaves defaults out only where the schema has them, so that what is rendered fits the schema', () => {
    const ajv = new Ajv({ strict: false });
    for (const [kind, { spec }] of Object.entries(SMALLEST)) {
      const given = resource({ apiVersion: '', kind: kind as KindName, metadata: { name: 'a' }, spec });
      const written = load(renderManifest(given)) as Manifest;
      expect(written.spec).toEqual(spec);
      expect(ajv.validate(kindOf(kind as KindName).schema, written.spec)).toBe(true);
    }
  });

  test('writes fields that are not managed when absent, whatever their value', () => {
    expect(
      renderManifest(
        resource({
          apiVersion: '',
          kind: 'User',
          metadata: { name: 'ana' },
          spec: { email: 'ana@acme.example', displayName: '', state: 'Active' },
        }),
      ),
    ).toBe(`\
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata:
  name: ana
spec:
  email: ana@acme.example
  displayName: ''
  state: Active
`);
    expect(
      renderManifest(
        resource({
          apiVersion: '',
          kind: 'Group',
          metadata: { name: 'a' },
          spec: { displayName: 'A', members: [] },
        }),
      ),
    ).toContain('members: []\n');
    expect(
      renderManifest(
        resource({ apiVersion: '', kind: 'Group', metadata: { name: 'a' }, spec: { displayName: 'A' } }),
      ),
    ).not.toContain('members');
  });

  test.each(GOLDEN)('writes a %s as people would', (_, manifest) => {
    const { documents } = readYaml('golden.yaml', manifest);
    expect(renderManifest(resource(documents[0]?.value as Manifest))).toBe(manifest);
  });
});

describe('renderManifests', () => {
  test('puts --- between, nothing around', () => {
    const given = ['a', 'b'].map((name) =>
      resource({ apiVersion: '', kind: 'User', metadata: { name }, spec: { email: `${name}@acme.example` } }),
    );
    const pieces = [...renderManifests(given)];
    expect(pieces).toHaveLength(2);
    expect(pieces.join('')).toBe(`\
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata:
  name: a
spec:
  email: a@acme.example
---
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata:
  name: b
spec:
  email: b@acme.example
`);
    expect([...renderManifests([])]).toEqual([]);
  });

  test('a text that ends in empty lines, or holds ---, does not run into the next document', () => {
    fc.assert(
      fc.property(fc.array(resources, { maxLength: 5 }), (given) => {
        expect(readBack([...renderManifests(given)].join(''))).toEqual(given);
      }),
      { numRuns: 100 },
    );
  });
});
