import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { expect } from 'vitest';
import type { Secret } from '../../src/core/secret.ts';
import { type Delivered, deliverSecrets } from '../../src/engine/deliver.ts';
import { parsePeppers } from '../../src/engine/peppers.ts';
import { hashSecret, idOfSecret } from '../../src/engine/secret-text.ts';
import { formatTime } from '../../src/kinds/time.ts';
import { secretSinks } from '../../src/operator/token-secrets.ts';
import { type Kube, KubeError, type KubeObject } from '../../src/sources/kube.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { act, apply, create, reading, remove, update } from '../contract/entries.ts';
import { temporaryFolder } from '../support/folder.ts';
import { token } from '../support/resources.ts';

export const HOUR = 3_600_000;
/** After so many milliseconds each Token wants another secret; the one before is valid for an hour. */
export const ROTATES_EVERY = 90 * 24 * HOUR;
const INSTALL = 'test';
export const MARKS = { 'rolecall.dev/install': INSTALL, 'rolecall.dev/token': 'ci' };

/** A Secret as the API server has it. */
export interface ClusterSecret extends KubeObject {
  readonly type: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Names of Tokens with what they say of where their secrets go: `NAME/KEY`, or `revoked`. */
export type Declared = Readonly<Record<string, string>>;

/** A process: the cluster and the store as it sees them. */
export interface Process {
  readonly kube: Kube;
  readonly store: Store;
}

export interface SecretLab extends Process {
  readonly namespace: string;
  /** How far the clock of the operator is ahead, in milliseconds. */
  ahead: number;
  now(): number;
  /** Makes the Tokens of the store these. */
  declare(tokens: Declared): Promise<void>;
  /** What the operator does after each apply. */
  deliver(process?: Process): Promise<Delivered>;
  path(name?: string): string;
  secret(name?: string): Promise<ClusterSecret | undefined>;
  /** The texts in a Secret, by key. */
  texts(name?: string): Promise<Readonly<Record<string, string>>>;
  /** Somebody else makes a Secret, or changes it: `null` takes away. */
  make(fields: object, name?: string): Promise<ClusterSecret>;
  change(fields: object, name?: string): Promise<ClusterSecret>;
  clear(name?: string): Promise<void>;
  /** All secrets of the store, the newest first. */
  ledger(): Promise<readonly Secret[]>;
  isOf(secret: Secret, text: string): Promise<boolean>;
}

const peppers = parsePeppers(`test:${randomBytes(32).toString('base64')}`, 'a test');

export async function newSecretLab(kube: Kube, store: Store = inFile()): Promise<SecretLab> {
  // Hundreds of them, of which no two may be called the same.
  const namespace = `test-${randomUUID()}`;
  await kube.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
  const secretPath = (name = 'ci-deploy') => `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const manager = `operator:${INSTALL}`;
  const actNow = () => act({ at: formatTime(lab.now()), manager });
  const lab: SecretLab = {
    kube,
    store,
    namespace,
    ahead: 0,
    now: () => Date.now() + lab.ahead,
    path: secretPath,
    async declare(tokens) {
      const before = await reading(store, (open) => open.find({ delivers: true }));
      const changes = Object.entries(tokens).map(([name, where]) => {
        const [secret, key] = where.split('/');
        const known = before.find(({ resource }) => resource.metadata.name === name);
        const deliverTo =
          where === 'revoked' ? known?.resource.spec : { deliverTo: { secret: { name: secret, key } } };
        const resource = token(`${namespace}/${name}`, 'ana', {
          ...deliverTo,
          rotation: { every: '90d', overlap: '1h' },
          revoked: where === 'revoked',
        });
        return known ? update(known, resource) : create(resource, { manager });
      });
      const gone = before.filter(({ resource }) => !(resource.metadata.name in tokens));
      await apply(store, [...changes, ...gone.map(remove)], actNow());
    },
    deliver: (process = lab) =>
      deliverSecrets(process.store, {
        act: actNow,
        scope: { manager, workspace: namespace },
        sinks: secretSinks({ kube: process.kube, install: INSTALL, now: lab.now }),
        peppers: () => peppers,
        replacesLost: true,
      }),
    async secret(name) {
      try {
        return await kube.request<ClusterSecret>({ method: 'GET', path: secretPath(name) });
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return undefined;
        throw error;
      }
    },
    async texts(name) {
      const data = (await lab.secret(name))?.data ?? {};
      return Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
      );
    },
    make: (fields, name = 'ci-deploy') =>
      kube.request({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/secrets`,
        query: { fieldManager: 'somebody' },
        body: { apiVersion: 'v1', kind: 'Secret', metadata: { name }, ...fields },
      }),
    change: (fields, name) =>
      kube.request({
        method: 'PATCH',
        path: secretPath(name),
        patch: 'merge',
        query: { fieldManager: 'somebody' },
        body: fields,
      }),
    async clear(name) {
      await kube.request({ method: 'DELETE', path: secretPath(name) });
    },
    async ledger() {
      const all = await reading(store, async (open) => open.find({ kinds: ['Token'] }));
      const gone = await reading(store, (open) => open.secrets({ unsettled: true }));
      const tokens = [...new Set([...all.map(({ uid }) => uid), ...gone.map((one) => one.token)])];
      return reading(store, (open) => open.secrets({ tokens }));
    },
    async isOf({ id }, text) {
      const hash = await reading(store, (open) => open.secretHash(id));
      return hash?.hash === hashSecret(text, peppers.current.key);
    },
  };
  return lab;
}

function inFile(): Store {
  const file = path.join(temporaryFolder(), 'iam.db');
  return sqliteStore({ file, location: 'iam.db', lockTimeout: 5000 });
}

/** The place of a secret, and what is there: `[key, text]` of each key that has it. */
async function placesOf(lab: SecretLab, { id, path: where }: Secret) {
  const [namespace, name, key = ''] = where.replace('secret://', '').split('/');
  expect(namespace).toBe(lab.namespace);
  const found = Object.entries(await lab.texts(name)).filter(([, text]) => idOfSecret(text) === id);
  return { name: name ?? '', key, found };
}

/**
 * Fails unless a process that ended at any moment has lost nothing: what is valid without an end, and the newest of its Token or
 * not delivered yet, is in its place or beside it; and each place that held a valid secret `before` holds that one or the newest.
 */
export async function nothingIsLost(lab: SecretLab, before: readonly Held[]): Promise<void> {
  const all = await lab.ledger();
  const newestOf = (of: string) => all.find(({ token }) => token === of);
  for (const one of all) {
    if (one.revokedAt !== null || one.endsAt !== null) continue;
    if (one.deliveredAt !== null && one !== newestOf(one.token)) continue;
    const { key, found } = await placesOf(lab, one);
    expect(found.length, `${one.id} of ${one.identity} is nowhere`).toBeGreaterThan(0);
    for (const [where, text] of found) {
      expect([key, `${key}.${one.id}.next`]).toContain(where);
      expect(await lab.isOf(one, text)).toBe(true);
    }
  }
  for (const { name, key, id } of before) {
    const row = all.find((one) => one.id === id);
    if (!row || row.revokedAt !== null) continue;
    const held = idOfSecret((await lab.texts(name))[key] ?? '');
    expect([id, newestOf(row.token)?.id]).toContain(held);
  }
}

export interface Held {
  readonly name: string;
  readonly key: string;
  readonly id: string;
}

/** What the Secrets of some names hold. */
export async function heldIn(lab: SecretLab, names: readonly string[]): Promise<Held[]> {
  const held = await Promise.all(
    names.map(async (name) =>
      Object.entries(await lab.texts(name)).flatMap(([key, text]) => {
        const id = idOfSecret(text);
        return id === undefined || key.endsWith('.next') ? [] : [{ name, key, id }];
      }),
    ),
  );
  return held.flat();
}

/**
 * Fails unless all is done that was to be done: each Token that takes secrets has one without an end, its newest, and that is in its
 * place; nothing waits, but for what never became valid, which `strays` allows; of Tokens that are gone nothing is left.
 */
export async function allIsSettled(
  lab: SecretLab,
  tokens: Declared,
  names: readonly string[],
  strays = false,
) {
  const all = await lab.ledger();
  expect(all.filter(({ settled }) => !settled)).toEqual([]);
  for (const [name, where] of Object.entries(tokens)) {
    if (where === 'revoked') continue;
    const own = all.filter(({ identity }) => identity === `Token/${lab.namespace}/${name}`);
    const [newest] = own;
    expect(own.filter(({ revokedAt, endsAt }) => revokedAt === null && endsAt === null)).toEqual([newest]);
    expect(newest).toMatchObject({
      path: `secret://${lab.namespace}/${where}`,
      deliveredAt: expect.any(String),
    });
    const [secret, key = ''] = where.split('/');
    const text = (await lab.texts(secret))[key] ?? '';
    expect(idOfSecret(text)).toBe(newest?.id);
    if (newest) expect(await lab.isOf(newest, text)).toBe(true);
  }
  const known = new Set(all.map(({ id }) => id));
  for (const name of names)
    for (const [key, text] of Object.entries(await lab.texts(name))) {
      const id = idOfSecret(text);
      if (id === undefined || (strays && !known.has(id))) continue;
      expect(key, 'something waits').not.toMatch(/\.next$/);
      expect(known.has(id), `${name} (${key}) is of a Token that is gone`).toBe(true);
    }
}

/** The end of a process: nothing that would come after it happens any more. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * A process that ends with its step of that number, from 0: before that is done, or after it, but before it knows. Requests to the
 * cluster and writes to the store are steps. `steps` says which it came to.
 */
export function crashing({ kube, store }: Process, at: number, when: 'before' | 'after') {
  const steps: string[] = [];
  let isOver = false;
  const step = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    if (isOver) throw new Crash();
    const isLast = steps.push(what) - 1 === at;
    if (isLast) isOver = true;
    if (isLast && when === 'before') throw new Crash(what);
    const done = await act();
    if (isOver) throw new Crash(what);
    return done;
  };
  const process: Process = {
    kube: {
      ...kube,
      request: (call) => step(`${call.method} ${call.patch ?? ''}`, () => kube.request(call)),
    },
    store: {
      ...store,
      read: () => (isOver ? Promise.reject(new Crash()) : store.read()),
      write: (entry) => step(`write ${entry.type}`, () => store.write(entry)),
    },
  };
  return { ...process, steps };
}
