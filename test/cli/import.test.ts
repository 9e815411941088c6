import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readTree, temporaryFolder, writeFiles } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

const ACME = {
  'config/acme/org.yaml': `name: Acme
billing_email: billing@acme.example
admins: [Ana-Diaz, bo-lee]
members: [cem-kaya, dana-novak]
`,
  'config/acme/sig-web/teams.yaml': `teams:
  web:
    description: The website
    privacy: closed
    maintainers: [cem-kaya]
    repos: {website: maintain, docs: write}
    teams:
      web-leads: {members: [dana-novak], privacy: closed}
`,
  'config/acme/.hidden.yaml': 'not: [read',
  'config/acme/OWNERS': 'not: [read',
  'config/umbrella/org.yml': 'admins: [ana-diaz]\n',
};

async function imported(cwd: string, ...argv: string[]) {
  const ran = await runIam(['import', 'peribolos', ...argv], { cwd });
  expect(ran).toMatchObject({ exit: 0 });
  return ran;
}

describe('iam import peribolos', () => {
  test('writes a folder that can be applied', async () => {
    const cwd = temporaryFolder(ACME);
    const { stdout, stderr } = await imported(cwd, 'config', '-o', 'out');
    expect(stdout).toBe('');
    expect(stderr).toBe(`imported 4 users, 5 roles, 2 workspaces, 2 groups, 6 rolebindings into out
dropped settings without a counterpart: org.billing_email (1), team.privacy (2)
next: iam validate -f out
`);
    expect(Object.keys(readTree(join(cwd, 'out')))).toEqual([
      '.rolecall-import',
      'acme/groups/web-leads.yaml',
      'acme/groups/web.yaml',
      'acme/members.yaml',
      'acme/owners.yaml',
      'acme/workspace.yaml',
      'roles.yaml',
      'umbrella/owners.yaml',
      'umbrella/workspace.yaml',
      'users.yaml',
    ]);
    expect(await runIam(['apply', '-f', 'out'], { cwd })).toMatchObject({ exit: 0 });
    expect(await runIam(['plan', '-f', 'out', '--exit-code'], { cwd })).toMatchObject({
      exit: 0,
      stderr: '',
    });
  });

  test('a group is in one file with what it may do', async () => {
    const cwd = temporaryFolder(ACME);
    await imported(cwd, 'config', '-o', 'out');
    const files = readTree(join(cwd, 'out'));
    expect(files['acme/groups/web.yaml']).toBe(`apiVersion: rolecall.dev/v1alpha1
kind: Group
metadata:
  name: web
  namespace: acme
spec:
  displayName: web
  description: The website
  members:
    - {kind: Group, name: web-leads}
    - {name: cem-kaya}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata:
  name: web-maintain
  namespace: acme
spec:
  role: repo-maintain
  subjects:
    - {kind: Group, name: web}
  resources:
    - {type: Repository, id: website}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata:
  name: web-write
  namespace: acme
spec:
  role: repo-write
  subjects:
    - {kind: Group, name: web}
  resources:
    - {type: Repository, id: docs}
`);
    expect(files['acme/owners.yaml']).toContain('role: workspace-owner');
    expect(files['acme/members.yaml']).not.toContain('role: workspace-owner');
  });

  test('again, it changes only what has changed, and removes what is gone', async () => {
    const cwd = temporaryFolder(ACME);
    await imported(cwd, 'config', '-o', 'out');
    const before = readTree(join(cwd, 'out'));
    await imported(cwd, 'config/', '-o', 'out');
    expect(readTree(join(cwd, 'out'))).toEqual(before);
    writeFiles(cwd, {
      'config/acme/sig-web/teams.yaml': 'teams:\n  web: {members: [cem-kaya], repos: {website: maintain}}\n',
    });
    await imported(cwd, 'config', '-o', 'out');
    const after = readTree(join(cwd, 'out'));
    const changed = Object.keys(before).filter((path) => before[path] !== after[path]);
    expect(changed).toEqual(['.rolecall-import', 'acme/groups/web-leads.yaml', 'acme/groups/web.yaml']);
    expect(after).not.toHaveProperty(['acme/groups/web-leads.yaml']);
  });

  test('without -o it is one stream, the same resources', async () => {
    const cwd = temporaryFolder(ACME);
    const { stdout, stderr } = await imported(cwd, 'config');
    expect(stderr).toMatch(/^imported 4 users, 5 roles, 2 workspaces, 2 groups, 6 rolebindings\n/);
    const validated = await runIam(['validate', '-f', '-'], { cwd, stdin: stdout });
    expect(validated).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^valid: 19 resources /) });
  });

  test('one organisation, several roots, the same one twice: all the same', async () => {
    const cwd = temporaryFolder(ACME);
    const whole = await imported(cwd, 'config', '-q');
    expect(whole.stderr).toBe('');
    const parts = await imported(cwd, 'config/umbrella', 'config/acme', 'config/acme/', '-q');
    expect(parts.stdout).toBe(whole.stdout);
  });

  test('all that is wrong is told at once, and nothing is written', async () => {
    const cwd = temporaryFolder({
      ...ACME,
      'config/acme/sig-ops/teams.yaml':
        'teams:\n  web: {}\n  ops: {members: [under_score], repos: {site: own}}\n',
      'config/acme/sig-bad/teams.yaml': 'teams: [\n',
    });
    const { exit, stdout, stderr } = await runIam(['import', 'peribolos', 'config', 'nowhere', '-o', 'out'], {
      cwd,
    });
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
    expect(stderr.match(/RC\d+/g)?.sort()).toEqual(['RC101', 'RC102', 'RC127', 'RC127', 'RC127']);
    expect(stderr).toContain('nowhere: there is no such folder');
    expect(stderr).toContain('config/acme/sig-ops/teams.yaml:3:19: error RC127: login "under_score"');
    expect(existsSync(join(cwd, 'out'))).toBe(false);
  });

  test('a folder above the organisations is named as such, and nothing else', async () => {
    const cwd = temporaryFolder(ACME);
    const { exit, stderr } = await runIam(['import', 'peribolos', '.'], { cwd });
    expect(exit).toBe(4);
    expect(stderr).toContain('is an organisation inside of the organisation config');
    expect(stderr.match(/error/g)).toHaveLength(2);
  });

  test.each([
    ['no organisation at all', ['peribolos', '.'], 'RC120', 'no organisation in .'],
    ['a file', ['peribolos', 'README.md'], 'RC101', 'README.md: there is no such folder'],
    ['another format', ['terraform', '.'], 'RC121', 'Allowed choices are peribolos.'],
    ['no path', ['peribolos'], 'RC121', "missing required argument 'path'"],
  ])('%s is an error', async (_, argv, code, message) => {
    const cwd = temporaryFolder({ 'README.md': '' });
    const { exit, stdout, stderr } = await runIam(['import', ...argv], { cwd });
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^error ${code}: `));
    expect(stderr).toContain(message);
  });

  test('a folder that is not ours is left alone', async () => {
    const cwd = temporaryFolder({ ...ACME, 'out/users.yaml': 'mine' });
    expect(await runIam(['import', 'peribolos', 'config', '-o', 'out'], { cwd })).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('error RC128: '),
    });
    expect(readTree(join(cwd, 'out'))).toEqual({ 'users.yaml': 'mine' });
  });
});

const REAL = fileURLToPath(new URL('../../../shared/data/kubernetes-org/config', import.meta.url));

test.skipIf(!existsSync(REAL))(
  `the organisations of Kubernetes are valid (skipped when ${REAL} is absent)`,
  async () => {
    const cwd = temporaryFolder();
    await imported(cwd, REAL, '-o', 'out');
    expect(await runIam(['validate', '-f', 'out'], { cwd })).toMatchObject({ exit: 0, stderr: '' });
  },
);
