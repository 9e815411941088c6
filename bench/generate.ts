import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Resource } from '../src/kinds/index.ts';
import { renderManifest } from '../src/render/yaml.ts';

/** A small, fast, seeded generator (mulberry32), so that the same seed makes the same workload everywhere. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORKSPACES = 20;
const PER_FILE = 200;

/**
 * The workload: 60 % users, 4 % groups (30 members each on average, some nested), 34 % bindings (half to groups, a
 * tenth with labels, a tenth with an end), 2 % tokens, in 20 workspaces.
 */
export function* generate(size: number, seed = 1): Generator<Resource> {
  const next = random(seed);
  const below = (n: number) => Math.floor(next() * n);
  const name = (kind: string, i: number) => `${kind}-${String(i).padStart(7, '0')}`;
  const workspace = (i: number) => `workspace-${String(i % WORKSPACES).padStart(2, '0')}`;
  const metadata = (it: string, namespace?: string) => ({
    name: it,
    ...(namespace === undefined ? {} : { namespace }),
    labels: {},
    annotations: {},
  });
  const users = Math.round(size * 0.6);
  const groups = Math.round(size * 0.04);
  const tokens = Math.round(size * 0.02);
  const bindings = size - users - groups - tokens - WORKSPACES;

  for (let i = 0; i < WORKSPACES; i++) {
    const guards = { maxRemovals: '25%', maxUpdates: '30%', maxPrivilegedGains: 3 };
    const owners = { minimum: 0, required: [] };
    const spec = { displayName: `Workspace ${i}`, tier: 'Business' as const, owners, guards };
    yield { kind: 'Workspace', metadata: metadata(workspace(i)), spec };
  }
  for (let i = 0; i < users; i++) {
    const user = name('user', i);
    const email = `${user}@acme.example`;
    const state = { state: 'Active' as const, type: 'Human' as const };
    yield {
      kind: 'User',
      metadata: metadata(user),
      spec: { email, displayName: `User ${i}`, ...state, identities: [] },
    };
  }
  for (let i = 0; i < groups; i++) {
    const count = Math.min(users, 1 + below(59));
    const members = new Map(
      Array.from({ length: count }, () => name('user', below(users))).map((user) => [
        user,
        { kind: 'User' as const, name: user },
      ]),
    );
    // Every tenth group holds the one before it in the same workspace, which holds none: the limit on depth is ten.
    const nested =
      i >= WORKSPACES && i % 10 === 0 && Math.floor(i / WORKSPACES) % 2 === 1
        ? [{ kind: 'Group' as const, name: name('group', i - WORKSPACES) }]
        : [];
    const spec = { displayName: `Group ${i}`, description: '', members: [...nested, ...members.values()] };
    yield { kind: 'Group', metadata: metadata(name('group', i), workspace(i)), spec };
  }
  for (let i = 0; i < tokens; i++) {
    const spec = {
      description: 'Deploys from CI',
      role: 'workspace-member',
      owner: name('user', below(users)),
      revoked: false,
    };
    yield { kind: 'Token', metadata: metadata(name('token', i), workspace(i)), spec };
  }
  for (let i = 0; i < bindings; i++) {
    const group = below(groups);
    const toGroup = next() < 0.5 && groups > 0;
    const labelled = next() < 0.1;
    const spec = {
      role: 'source-admin',
      subjects: [
        toGroup
          ? { kind: 'Group' as const, name: name('group', group) }
          : { kind: 'User' as const, name: name('user', below(users)) },
      ],
      resources: [
        labelled
          ? { type: 'Workspace', labels: { environment: 'prod' } }
          : { type: 'Source', id: `source-${below(1000)}` },
      ],
      ...(next() < 0.1 ? { expiresAt: '2030-01-01T00:00:00Z' } : {}),
    };
    yield {
      kind: 'RoleBinding',
      metadata: metadata(name('binding', i), workspace(toGroup ? group : i)),
      spec,
    };
  }
}

/** Writes the workload as manifests, 200 to a file; returns the files. */
export function writeWorkload(folder: string, size: number, seed = 1): string[] {
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  let texts: string[] = [];
  const flush = () => {
    if (texts.length === 0) return;
    const file = path.join(folder, `${String(files.length).padStart(5, '0')}.yaml`);
    writeFileSync(file, texts.join('---\n'));
    files.push(file);
    texts = [];
  };
  for (const resource of generate(size, seed)) {
    texts.push(renderManifest(resource));
    if (texts.length === PER_FILE) flush();
  }
  flush();
  return files;
}
