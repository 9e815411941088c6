import { expect } from 'vitest';
import { temporaryFolder } from './folder.ts';
import { type Ran, type RunOptions, runIam } from './run-iam.ts';

const doc = (kind: string, metadata: string, spec: string) =>
  `---\napiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;

export const user = (name: string, more = '') =>
  doc('User', `name: ${name}`, `email: ${name}@acme.example${more}`);

export const bound = (name: string, role: string, subjects: string, resources: string, more = '') =>
  doc(
    'RoleBinding',
    `name: ${name}, namespace: acme`,
    `role: ${role}, subjects: [${subjects}], resources: [${resources}]${more}`,
  );

const WHOLE = '{type: Workspace}';
const token = (name: string, owner: string, more = '') =>
  doc(
    'Token',
    `name: ${name}, namespace: acme`,
    `description: A, role: workspace-member, owner: ${owner}${more}`,
  );

/** Somebody for every answer, at the time of every run: 2026-11-24 12:00 UTC. */
export const ORG = [
  doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business, owners: {required: [{name: ana}]}'),
  doc('Workspace', 'name: beta', 'displayName: Beta'),
  doc('Role', 'name: privacy-officer', 'displayName: PO, scopes: [Workspace], includes: [pii-access]'),
  ...['ana', 'bo', 'cy', 'dee', 'eli', 'fay', 'gus'].map((name) =>
    user(name, name === 'dee' ? ', state: Suspended' : name === 'cy' ? ', sponsor: bo' : ''),
  ),
  user('hal', ', expiresAt: 2026-10-01'),
  doc('Group', 'name: staff, namespace: acme', 'displayName: S, members: [{kind: Group, name: analysts}]'),
  `---
apiVersion: rolecall.dev/v1alpha1
kind: Group
metadata: {name: analysts, namespace: acme}
spec:
  displayName: Analysts
  members:
    - {name: cy}
    - {name: bo, expiresAt: 2027-01-31}
`,
  bound('owners', 'workspace-owner', '{name: ana}', WHOLE),
  bound('admins', 'source-admin', '{kind: Group, name: staff}', WHOLE, ', reason: INC-7'),
  bound('direct', 'source-admin', '{name: bo}, {name: dee}, {name: hal}', WHOLE),
  bound('web', 'function-read-only', '{name: cy}, {kind: Token, name: ci}', '{type: Function, id: a/b}'),
  bound('prod', 'source-read-only', '{name: gus}', '{type: Workspace, labels: {environment: prod}}'),
  bound('past', 'function-admin', '{name: eli}', WHOLE, ', expiresAt: 2026-11-01'),
  bound('soon', 'function-admin', '{name: fay}', WHOLE, ', notBefore: 2026-12-01, expiresAt: 2026-12-08'),
  bound('privacy', 'privacy-officer', '{name: gus}', WHOLE),
  doc(
    'RoleBinding',
    'name: owners, namespace: beta',
    'role: workspace-owner, subjects: [{name: ana}, {name: bo}], resources: [{type: Workspace}]',
  ),
  token('ci', 'bo', ', expiresAt: 2027-06-30'),
  token('off', 'bo', ', revoked: true'),
  token('lost', 'dee'),
  token('late', 'hal'),
  token('never', 'hal', ', notBefore: 2026-11-01'),
].join('');

export interface Desk {
  readonly cwd: string;
  iam(words: string, options?: RunOptions): Promise<Ran>;
  /** As `iam`, and it must end well; gives what it printed. */
  told(words: string, options?: RunOptions): Promise<string>;
  json<T>(words: string, options?: RunOptions): Promise<T>;
}

/** A folder with these manifests in `org.yaml`, applied unless `store` is false. */
export async function desk(org = ORG, { store = true } = {}): Promise<Desk> {
  const cwd = temporaryFolder({ 'org.yaml': org });
  const iam: Desk['iam'] = (words, options) => runIam(words.split(' '), { cwd, ...options });
  const told: Desk['told'] = async (words, options) => {
    const { exit, stdout, stderr } = await iam(words, options);
    expect({ exit, stderr }, words).toEqual({ exit: 0, stderr: '' });
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    return stdout;
  };
  if (store) expect(await iam('apply -f org.yaml -q')).toMatchObject({ exit: 0 });
  return { cwd, iam, told, json: async (words, options) => JSON.parse(await jsonOf(words, options)) };

  async function jsonOf(words: string, options?: RunOptions): Promise<string> {
    const { stdout, stderr } = await iam(`${words} -o json`, options);
    expect(stderr).toBe('');
    return stdout;
  }
}
