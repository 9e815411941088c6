import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../src/core/document.ts';
import { type KindName, kindOf, type Resource } from '../../src/kinds/index.ts';
import { renderManifests } from '../../src/render/yaml.ts';
import { importPeribolos, type PeribolosImport } from '../../src/sources/peribolos.ts';
import { organisationsOf, type PeribolosFile } from '../../src/sources/peribolos-config.ts';

/** Files by path, `acme/org.yaml`; the first folder is the organisation. */
function filesOf(texts: Record<string, string>): PeribolosFile[] {
  return Object.entries(texts).map(([path, text]) => ({ org: path.split('/')[0] ?? '', path, text }));
}

function imported(texts: Record<string, string>): PeribolosImport {
  const result = importPeribolos(filesOf(texts));
  expect(result.problems).toEqual([]);
  valid(result);
  return result;
}

const everything = ({ users, roles, workspaces }: PeribolosImport): Resource[] => [
  ...users,
  ...roles,
  ...workspaces.flatMap(({ resources }) => resources),
];

const ajv = new Ajv({ strict: false });

/** Each resource fits its schema and rules, is in normal form, is there once, and refers only to what is there. */
function valid(result: PeribolosImport) {
  const all = everything(result);
  const names = new Set(all.map((one) => `${one.kind}/${one.metadata.namespace ?? ''}/${one.metadata.name}`));
  expect(names.size).toBe(all.length);
  for (const { kind, metadata, spec } of all) {
    expect(ajv.validate(kindOf(kind).schema, spec), JSON.stringify([metadata, ajv.errors])).toBe(true);
    expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    expect(kindOf(kind).check(spec, metadata)).toEqual([]);
    expect(kindOf(kind).normalize(spec)).toEqual(spec);
    for (const { kind: to, namespace = '', name } of kindOf(kind).references(
      { members: [], ...spec },
      metadata,
    )) {
      if (!name.startsWith('workspace-')) expect(names).toContain(`${to}/${namespace}/${name}`);
    }
  }
  const text = [...renderManifests(all)].join('');
  const { documents } = readYaml('all.yaml', text);
  const back = documents.map(({ value }) => {
    const { kind, spec } = value as { kind: KindName; spec: unknown };
    return kindOf(kind).normalize(spec);
  });
  expect(back).toEqual(all.map(({ spec }) => spec));
}

function find<K extends KindName>(
  result: PeribolosImport,
  kind: K,
  name: string,
  namespace?: string,
): Resource<K> {
  const found = everything(result).filter(
    (one) => one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace,
  );
  expect(found).toHaveLength(1);
  return found[0] as Resource<K>;
}

const named = (result: PeribolosImport, kind: KindName) =>
  everything(result).flatMap((one) => (one.kind === kind ? [one.metadata.name] : []));

/** Problems as `place message`, and the hints beside. */
function problems(texts: Record<string, string>): string[] {
  return importPeribolos(filesOf(texts)).problems.map(({ code, severity, place, message }) => {
    expect([code, severity]).toEqual(['RC127', 'error']);
    return `${place?.file}:${place?.line}:${place?.column} ${message}`;
  });
}

describe('an organisation', () => {
  test('is a Workspace of tier Business, named after its folder', () => {
    const result = imported({
      'acme/org.yaml': 'name: Acme Inc.\n',
      'beta/org.yaml': 'admins: [ana]\n',
      'gamma/org.yaml': 'name: ""\n',
    });
    expect(result.workspaces.map(({ name }) => name)).toEqual(['acme', 'beta', 'gamma']);
    expect(find(result, 'Workspace', 'acme').spec).toMatchObject({
      displayName: 'Acme Inc.',
      tier: 'Business',
    });
    expect(find(result, 'Workspace', 'beta').spec.displayName).toBe('beta');
    expect(find(result, 'Workspace', 'gamma').spec.displayName).toBe('gamma');
    expect(result.workspaces[0]?.resources[0]).toEqual({
      kind: 'Workspace',
      metadata: { name: 'acme', labels: {}, annotations: {} },
      spec: kindOf('Workspace').normalize({ displayName: 'Acme Inc.', tier: 'Business' }),
    });
  });

  test('has one binding of its admins, and one of its members for each first character', () => {
    const result = imported({ 'acme/org.yaml': 'admins: [Zed, ana]\nmembers: [Bo, carl, bea, "42", Ana]\n' });
    expect(named(result, 'RoleBinding')).toEqual(['members-4', 'members-b', 'members-c', 'owners']);
    expect(find(result, 'RoleBinding', 'owners', 'acme').spec).toEqual({
      role: 'workspace-owner',
      subjects: [
        { kind: 'User', name: 'ana' },
        { kind: 'User', name: 'zed' },
      ],
      resources: [{ type: 'Workspace' }],
    });
    expect(find(result, 'RoleBinding', 'members-b', 'acme').spec).toEqual({
      role: 'workspace-member',
      subjects: [
        { kind: 'User', name: 'bea' },
        { kind: 'User', name: 'bo' },
      ],
      resources: [{ type: 'Workspace' }],
    });
  });

  test('with nobody in it, or no settings at all, has no binding', () => {
    expect(
      named(
        imported({ 'acme/org.yaml': 'admins: []\nmembers:\nteams:\n', 'beta/org.yaml': '# none\n' }),
        'RoleBinding',
      ),
    ).toEqual([]);
  });

  test('may be spread over files, which are one configuration', () => {
    const result = imported({
      'acme/org.yaml': 'members: [ana]\n',
      'acme/sig/teams.yaml': 'teams: {a: {}}\n',
      'acme/wg/teams.yaml': 'members: [bo]\nteams: {b: {}}\n',
    });
    expect(named(result, 'Group')).toEqual(['a', 'b']);
    expect(named(result, 'RoleBinding')).toEqual(['members-a', 'members-b']);
  });

  test('with more people than a binding may have gets several', () => {
    const people = Array.from({ length: 1001 }, (_, i) => `a${i}`);
    const result = imported({ 'acme/org.yaml': `members: [${people}]\n` });
    expect(named(result, 'RoleBinding')).toEqual(['members-a', 'members-a-2']);
    expect(find(result, 'RoleBinding', 'members-a-2', 'acme').spec.subjects).toEqual([
      { kind: 'User', name: 'a999' },
    ]);
  });
});

describe('a login', () => {
  test('is one User, whatever its case, shown as first written by path, then line', () => {
    const result = imported({
      'beta/org.yaml': 'members: [ANA]\n',
      'acme/z.yaml': 'members: [aNA]\n',
      'acme/org.yaml': 'members: [Bo, Ana, ana]\nadmins: [bo]\n',
    });
    expect(result.users.map(({ metadata, spec }) => [metadata.name, spec.displayName])).toEqual([
      ['ana', 'Ana'],
      ['bo', 'Bo'],
    ]);
    expect(result.users[0]).toEqual({
      kind: 'User',
      metadata: { name: 'ana', labels: {}, annotations: {} },
      spec: { email: 'ana@users.noreply.github.com', displayName: 'Ana', type: 'Human', identities: [] },
    });
  });

  test('that only a team names is a User too', () => {
    const result = imported({
      'acme/org.yaml': 'teams: {a: {members: [Ana], teams: {b: {maintainers: [Bo]}}}}\n',
    });
    expect(named(result, 'User')).toEqual(['ana', 'bo']);
  });

  test('in quotes may be a number', () => {
    expect(named(imported({ 'acme/org.yaml': 'members: ["249043822"]\n' }), 'User')).toEqual(['249043822']);
  });
});

describe('a team', () => {
  test('is a Group of its members and maintainers, with its description', () => {
    const result = imported({
      'acme/org.yaml': `teams:
  "Acme/Ops Team":
    description: "Who  runs it \\nand how "
    members: [Bo, ana, BO]
    maintainers: [Ana, carl]
  empty:
`,
    });
    expect(find(result, 'Group', 'acme-ops-team', 'acme')).toEqual({
      kind: 'Group',
      metadata: { name: 'acme-ops-team', namespace: 'acme', labels: {}, annotations: {} },
      spec: {
        displayName: 'Acme/Ops Team',
        description: 'Who  runs it \nand how ',
        members: ['ana', 'bo', 'carl'].map((name) => ({ kind: 'User', name })),
      },
    });
    expect(find(result, 'Group', 'empty', 'acme').spec).toEqual({
      displayName: 'empty',
      description: '',
      members: [],
    });
  });

  test('inside of another is a member of it', () => {
    const result = imported({
      'acme/org.yaml': 'teams: {a: {members: [ana], teams: {b: {teams: {c: {members: [bo]}}}}}}\n',
    });
    expect(find(result, 'Group', 'a', 'acme').spec.members).toEqual([
      { kind: 'Group', name: 'b' },
      { kind: 'User', name: 'ana' },
    ]);
    expect(find(result, 'Group', 'b', 'acme').spec.members).toEqual([{ kind: 'Group', name: 'c' }]);
  });

  test('gets one binding for each permission, on the repositories', () => {
    const result = imported({
      'acme/org.yaml': 'teams: {Ops: {repos: {web: admin, api: admin, docs: read, ".github": maintain}}}\n',
    });
    expect(named(result, 'RoleBinding')).toEqual(['ops-admin', 'ops-maintain', 'ops-read']);
    expect(find(result, 'RoleBinding', 'ops-admin', 'acme').spec).toEqual({
      role: 'repo-admin',
      subjects: [{ kind: 'Group', name: 'ops' }],
      resources: [
        { type: 'Repository', id: 'api' },
        { type: 'Repository', id: 'web' },
      ],
    });
  });

  test('has bindings with names of at most 63 characters', () => {
    const name = 'x'.repeat(63);
    const result = imported({
      'acme/org.yaml': `teams: {${name}: {repos: {web: admin}}, ${'y'.repeat(57)}: {repos: {web: admin}}}\n`,
    });
    const hash = createHash('sha256').update(`${name}-admin`).digest('hex').slice(0, 6);
    expect(named(result, 'RoleBinding')).toEqual([`${'x'.repeat(56)}-${hash}`, `${'y'.repeat(57)}-admin`]);
  });

  test('with more repositories than a binding may name gets several', () => {
    const repos = Array.from({ length: 401 }, (_, i) => `r${1000 + i}: read`);
    const result = imported({ 'acme/org.yaml': `teams: {ops: {previously: [old], repos: {${repos}}}}\n` });
    expect(named(result, 'RoleBinding')).toEqual(['ops-read', 'ops-read-2', 'ops-read-3']);
    expect(find(result, 'RoleBinding', 'ops-read-3', 'acme')).toMatchObject({
      metadata: { annotations: { 'rolecall.dev/previous-names': 'old-read-3' } },
      spec: { resources: [{ type: 'Repository', id: 'r1400' }] },
    });
  });

  test('that had another name says so, on its bindings too', () => {
    const long = 'o'.repeat(60);
    const result = imported({
      'acme/org.yaml': `teams: {ops: {previously: [Old Ops, a.b, old-ops, OPS, ${long}], repos: {web: write}}, b: {}}\n`,
    });
    expect(find(result, 'Group', 'ops', 'acme').metadata.annotations).toEqual({
      'rolecall.dev/previous-names': `a-b,old-ops,${long}`,
    });
    const hash = createHash('sha256').update(`${long}-write`).digest('hex').slice(0, 6);
    expect(find(result, 'RoleBinding', 'ops-write', 'acme').metadata.annotations).toEqual({
      'rolecall.dev/previous-names': `a-b-write,old-ops-write,${long.slice(0, 56)}-${hash}`,
    });
    expect(find(result, 'Group', 'b', 'acme').metadata.annotations).toEqual({});
  });

  test('may have the name of a team of another organisation', () => {
    expect(
      named(imported({ 'acme/org.yaml': 'teams: {a: {}}\n', 'beta/org.yaml': 'teams: {a: {}}\n' }), 'Group'),
    ).toEqual(['a', 'a']);
  });
});

test('the five roles of repositories', () => {
  const { roles } = imported({});
  expect(
    roles.map(({ metadata, spec }) => [metadata.name, spec.displayName, spec.scopes, spec.includes]),
  ).toEqual(
    ['admin', 'maintain', 'read', 'triage', 'write'].map((one) => [
      `repo-${one}`,
      `Repository ${one}`,
      ['Repository'],
      [],
    ]),
  );
});

test('other settings are dropped and counted', () => {
  const { dropped } = imported({
    'acme/org.yaml':
      'billing_email: a@b.example\nteams: {a: {privacy: closed}, b: {privacy: secret, teams: {c: {privacy: closed, name: x}}}}\n',
    'beta/org.yaml': 'billing_email: x\n',
  });
  expect([...dropped]).toEqual([
    ['org.billing_email', 2],
    ['team.name', 1],
    ['team.privacy', 3],
  ]);
});

test('the order of the files means nothing', () => {
  const files = filesOf({
    'acme/org.yaml': 'name: Acme\nadmins: [Ana]\nmembers: [bo]\n',
    'acme/a/teams.yaml': 'teams: {b: {members: [ANA], repos: {web: admin}}}\n',
    'acme/b/teams.yaml': 'teams: {a: {members: [BO], teams: {c: {}}}, b: {}}\n',
    'beta/org.yaml': 'members: [aNA, 1]\n',
  });
  const wanted = importPeribolos(files);
  fc.assert(
    fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
      expect(importPeribolos(shuffled)).toEqual(wanted);
    }),
  );
});

describe('a mistake has its place', () => {
  test.each<[what: string, texts: Record<string, string>, messages: string[]]>([
    [
      'permission',
      { 'a/org.yaml': 'teams:\n  t:\n    repos:\n      web: owner\n      api: none\n      x:\n      y: 1\n' },
      [
        'a/org.yaml:4:12 unknown permission "owner" on "web"',
        'a/org.yaml:5:12 unknown permission "none" on "api"',
        'a/org.yaml:6:7 permission on "x" must be a string, but is empty',
        'a/org.yaml:7:10 permission on "y" must be a string, but is a number',
      ],
    ],
    [
      'login that is not a string',
      {
        'a/org.yaml':
          'admins: [12, true]\nmembers:\n- {a: b}\n- [c]\n- null\nteams: {t: {members: [1], maintainers: [2]}}\n',
      },
      [
        'a/org.yaml:1:10 login in admins must be a string, but is a number',
        'a/org.yaml:1:14 login in admins must be a string, but is a boolean',
        'a/org.yaml:3:3 login in members must be a string, but is a mapping',
        'a/org.yaml:4:3 login in members must be a string, but is a list',
        'a/org.yaml:5:3 login in members must be a string, but is empty',
        'a/org.yaml:6:23 login in members must be a string, but is a number',
        'a/org.yaml:6:41 login in maintainers must be a string, but is a number',
      ],
    ],
    [
      'login that cannot be a name',
      { 'a/org.yaml': `members: [a_b, -a, a-, "", "a b", \u212aelvin, ${'a'.repeat(64)}]\n` },
      [
        'a/org.yaml:1:11 login "a_b" cannot be the name of a User',
        'a/org.yaml:1:16 login "-a" cannot be the name of a User',
        'a/org.yaml:1:20 login "a-" cannot be the name of a User',
        'a/org.yaml:1:24 login "" cannot be the name of a User',
        'a/org.yaml:1:28 login "a b" cannot be the name of a User',
        'a/org.yaml:1:35 login "\u212aelvin" cannot be the name of a User',
        `a/org.yaml:1:43 login "${'a'.repeat(64)}" cannot be the name of a User`,
      ],
    ],
    [
      'team that cannot be a name',
      { 'a/org.yaml': `teams:\n  Ops_:\n  éa:\n  ${'x'.repeat(64)}:\n  ok: {previously: [.]}\n` },
      [
        'a/org.yaml:2:3 team "Ops_" becomes "ops-", which cannot be the name of a Group',
        'a/org.yaml:3:3 team "éa" becomes "-a", which cannot be the name of a Group',
        `a/org.yaml:4:3 team "${'x'.repeat(64)}" becomes "${'x'.repeat(64)}", which cannot be the name of a Group`,
        'a/org.yaml:5:21 previous name "." becomes "-", which cannot be the name of a Group',
      ],
    ],
    [
      'team given twice',
      { 'a/org.yaml': 'teams:\n  t: {teams: {u: {}}}\n', 'a/x/teams.yaml': 'teams:\n  u: {}\n  t: {}\n' },
      [
        'a/x/teams.yaml:2:3 team "u" is given twice, first at a/org.yaml:2:15',
        'a/x/teams.yaml:3:3 team "t" is given twice, first at a/org.yaml:2:3',
      ],
    ],
    [
      'teams that meet',
      { 'a/org.yaml': 'teams:\n  Ops Team: {}\n  ops.team: {}\n' },
      ['a/org.yaml:3:3 teams "Ops Team" (at a/org.yaml:2:3) and "ops.team" would both be the Group ops-team'],
    ],
    [
      'previous name of two',
      { 'a/org.yaml': 'teams:\n  a: {previously: [b, c]}\n  b: {}\n  d: {previously: [C]}\n' },
      [
        'a/org.yaml:2:20 previous name "b" of team "a" is the name of team "b" at a/org.yaml:3:3',
        'a/org.yaml:4:20 previous name "C" of team "d" is a previous name of team "a" at a/org.yaml:2:3',
      ],
    ],
    [
      'structure',
      {
        'a/org.yaml': 'name: 1\nadmins: ana\nmembers: {bo: 1}\nteams: []\n',
        'a/x.yaml': '- a\n',
        'a/y.yaml':
          'teams:\n  t: x\n  u: {description: [a], members: 1, maintainers: m, previously: p, repos: [web], teams: x}\n',
      },
      [
        'a/org.yaml:1:7 name must be a string, but is a number',
        'a/org.yaml:2:9 admins must be a list, but is a string',
        'a/org.yaml:3:10 members must be a list, but is a mapping',
        'a/org.yaml:4:8 teams must be a mapping, but is a list',
        'a/x.yaml:1:1 configuration must be a mapping, but is a list',
        'a/y.yaml:2:6 team must be a mapping, but is a string',
        'a/y.yaml:3:20 description must be a string, but is a list',
        'a/y.yaml:3:34 members must be a list, but is a number',
        'a/y.yaml:3:50 maintainers must be a list, but is a string',
        'a/y.yaml:3:65 previously must be a list, but is a string',
        'a/y.yaml:3:75 repos must be a mapping, but is a list',
        'a/y.yaml:3:89 teams must be a mapping, but is a string',
      ],
    ],
    [
      'text that a manifest may not have',
      {
        'a/org.yaml': `name: "a; b"\nteams:\n  "x\\ty": {}\n  ${'y'.repeat(257)}: {}\n  t:\n    description: "a\\tb"\n    repos: {"": read, "a\\u202eb": read, ${'r'.repeat(257)}: read}\n  u: {description: ${'d'.repeat(4097)}}\n`,
      },
      [
        'a/org.yaml:1:7 name must not contain "; "',
        'a/org.yaml:3:3 team "x\\ty" has the character U+0009, which people cannot see',
        `a/org.yaml:4:3 team "${'y'.repeat(257)}" becomes "${'y'.repeat(257)}", which cannot be the name of a Group`,
        `a/org.yaml:4:3 team "${'y'.repeat(257)}" is longer than 256 characters`,
        'a/org.yaml:6:18 description has the character U+0009, which people cannot see',
        'a/org.yaml:7:13 repository "" has no name',
        'a/org.yaml:7:23 repository "a\u202eb" has the character U+202E, which people cannot see',
        `a/org.yaml:7:41 repository "${'r'.repeat(257)}" is longer than 256 characters`,
        'a/org.yaml:8:20 description is longer than 4096 characters',
      ],
    ],
    [
      'name of the organisation',
      {
        'Acme_Inc/org.yaml': '',
        'b/org.yaml': 'name: B\n',
        'b/x.yaml': 'name: C\n',
        'b/y.yaml': 'name: B\n',
      },
      [
        'Acme_Inc/org.yaml:1:1 organisation "Acme_Inc" cannot be the name of a Workspace',
        'b/x.yaml:1:7 name "C" of organisation b is "B" at b/org.yaml:1:7',
      ],
    ],
    [
      'several organisations in a file',
      { 'a/org.yaml': 'orgs:\n  b: {}\n' },
      ['a/org.yaml:1:1 orgs holds several organisations in one file'],
    ],
    [
      'team with too many members',
      {
        'a/org.yaml': `teams:\n  t: {members: [${Array.from({ length: 1000 }, (_, i) => `u${i}`)}], teams: {u: {}}}\n`,
      },
      ['a/org.yaml:2:3 team "t" has 1,001 members; a Group has at most 1,000'],
    ],
    [
      'teams nested too deep',
      {
        'a/org.yaml': `teams: ${Array.from({ length: 11 }, (_, i) => `{t${i}: {teams: `).join('')}{}${'}}'.repeat(11)}\n`,
      },
      ['a/org.yaml:1:139 team "t10" is nested more than 10 deep'],
    ],
  ])('%s', (_, texts, messages) => {
    expect(problems(texts)).toEqual(messages);
  });

  test('a file that does not parse', () => {
    const { problems } = importPeribolos(
      filesOf({
        'a/org.yaml': 'members: [ana\n',
        'a/x.yaml': 'teams:\n  t: {}\n  t: {}\n',
        'a/y.yaml': 'members: [1]\n',
      }),
    );
    expect(problems.map(({ code, place }) => [code, place?.file, place?.line])).toEqual([
      ['RC102', 'a/org.yaml', 2],
      ['RC104', 'a/x.yaml', 3],
      ['RC127', 'a/y.yaml', 1],
    ]);
  });
});

describe('organisationsOf', () => {
  test('takes the folder right below the root, or the root when it has an org.yaml', () => {
    expect(
      organisationsOf({ name: 'config', path: 'config' }, [
        'acme/org.yaml',
        'acme/sig/teams.yaml',
        'beta/org.yml',
      ]),
    ).toEqual({
      files: [
        { org: 'acme', below: 'acme/org.yaml' },
        { org: 'acme', below: 'acme/sig/teams.yaml' },
        { org: 'beta', below: 'beta/org.yml' },
      ],
      problems: [],
    });
    expect(
      organisationsOf({ name: 'acme', path: '.' }, ['sig/teams.yaml', 'org.yaml', 'teams.yaml']),
    ).toEqual({
      files: [
        { org: 'acme', below: 'sig/teams.yaml' },
        { org: 'acme', below: 'org.yaml' },
        { org: 'acme', below: 'teams.yaml' },
      ],
      problems: [],
    });
  });

  test('refuses a root that is one too high or too low', () => {
    const messages = (name: string, below: string[]) =>
      organisationsOf({ name, path: `x/${name}` }, below).problems.map(
        ({ place, message }) => `${place?.file} ${message}`,
      );
    expect(messages('repo', ['config/acme/org.yaml'])).toEqual([
      'x/repo/config/acme/org.yaml config/acme/org.yaml is an organisation inside of the organisation config',
    ]);
    expect(messages('acme', ['org.yaml', 'sub/org.yaml'])).toEqual([
      'x/acme/sub/org.yaml sub/org.yaml is an organisation inside of the organisation acme',
    ]);
    expect(messages('sig', ['teams.yaml'])).toEqual([
      'x/sig/teams.yaml teams.yaml is not in the folder of an organisation',
    ]);
  });
});

const REAL = fileURLToPath(new URL('../../../shared/data/kubernetes-org/config', import.meta.url));

interface RealTeam {
  readonly members?: string[];
  readonly maintainers?: string[];
  readonly previously?: string[];
  readonly repos?: Record<string, string>;
  readonly teams?: Record<string, RealTeam>;
}

interface RealFile {
  readonly admins?: string[];
  readonly members?: string[];
  readonly teams?: Record<string, RealTeam>;
}

// The same counts, read straight from the files.
describe.skipIf(!existsSync(REAL))(`the organisations of Kubernetes (skipped when ${REAL} is absent)`, () => {
  const paths = existsSync(REAL) ? globSync('**/*.yaml', { cwd: REAL }).sort() : [];
  const orgs = Map.groupBy(paths, (path) => path.split('/')[0] ?? '');
  const read = (path: string) => readFileSync(`${REAL}/${path}`, 'utf8');
  const teamsOf = (teams: Record<string, RealTeam> = {}): [string, RealTeam][] =>
    Object.entries(teams).flatMap(([name, team]) => [[name, team ?? {}], ...teamsOf(team?.teams)]);
  const lower = (logins: string[]) => new Set(logins.map((login) => login.toLowerCase()));
  const result = importPeribolos(
    paths.map((path) => ({ org: path.split('/')[0] ?? '', path, text: read(path) })),
  );

  test('have no problem, and give valid manifests', () => {
    expect(result.problems).toEqual([]);
    expect(paths.length).toBeGreaterThan(50);
    valid(result);
  });

  test('have as many people as logins are named', () => {
    const people = paths.flatMap((path) => {
      const file = load(read(path)) as RealFile;
      return [
        ...(file.admins ?? []),
        ...(file.members ?? []),
        ...teamsOf(file.teams).flatMap(([, team]) => [...(team.members ?? []), ...(team.maintainers ?? [])]),
      ];
    });
    expect(new Set(result.users.map(({ metadata }) => metadata.name))).toEqual(lower(people));
  });

  test.each([...orgs.keys()])('%s has its people, teams and permissions', (org) => {
    const files = (orgs.get(org) ?? []).map((path) => load(read(path)) as RealFile);
    const teams = files.flatMap((file) => teamsOf(file.teams));
    const admins = lower(files.flatMap((file) => file.admins ?? []));
    const members = lower(files.flatMap((file) => file.members ?? []));
    const own = result.workspaces.find(({ name }) => name === org)?.resources ?? [];
    const bindings = own.flatMap((one) => (one.kind === 'RoleBinding' ? [one.spec] : []));
    const holders = (role: string) =>
      new Set(bindings.flatMap((spec) => (spec.role === role ? spec.subjects.map(({ name }) => name) : [])));
    expect(holders('workspace-owner')).toEqual(admins);
    expect(holders('workspace-member')).toEqual(members.difference(admins));
    const groups = own.flatMap((one) => (one.kind === 'Group' ? [one] : []));
    expect(groups.map(({ spec }) => spec.displayName).sort()).toEqual(teams.map(([name]) => name).sort());
    const memberships = teams.map(
      ([, team]) =>
        lower([...(team.members ?? []), ...(team.maintainers ?? [])]).size +
        Object.keys(team.teams ?? {}).length,
    );
    expect(groups.reduce((sum, { spec }) => sum + spec.members.length, 0)).toBe(
      memberships.reduce((sum, count) => sum + count, 0),
    );
    expect(
      groups.filter(({ metadata }) => 'rolecall.dev/previous-names' in metadata.annotations),
    ).toHaveLength(teams.filter(([, team]) => team.previously?.length).length);
    const grants = bindings.flatMap((spec) =>
      spec.resources.flatMap(({ id }) =>
        id === undefined ? [] : [`${spec.subjects[0]?.name} ${spec.role} ${id}`],
      ),
    );
    expect(grants.sort()).toEqual(
      teams
        .flatMap(([name, team]) =>
          Object.entries(team.repos ?? {}).map(
            ([id, permission]) =>
              `${name.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')} repo-${permission} ${id}`,
          ),
        )
        .sort(),
    );
    const letters = new Set([...members.difference(admins)].map((login) => login[0]));
    const levels = teams.reduce((sum, [, team]) => sum + new Set(Object.values(team.repos ?? {})).size, 0);
    expect(bindings).toHaveLength((admins.size > 0 ? 1 : 0) + letters.size + levels);
  });
});
