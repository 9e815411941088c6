import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { readInput } from '../../src/core/read-input.ts';
import { API_VERSION, KIND_NAMES, type KindName, kindOf } from '../../src/kinds/index.ts';
import { CLUSTER_NAMES } from '../../src/sources/cluster-names.ts';
import type { KubeServer } from '../support/kube-server.ts';
import type { Case, Judgement } from './case.ts';

const CRDS = resolve(import.meta.dirname, '../../charts/rolecall/files/crds');

/** The text of every CustomResourceDefinition, by the name of its file. */
export function crdTexts(): ReadonlyMap<string, string> {
  return new Map(readdirSync(CRDS).map((name) => [name, readFileSync(join(CRDS, name), 'utf8')]));
}

/** What `iam` says of one manifest on its own, whatever it refers to. */
export function judgeByIam(manifest: Case['manifest']): Judgement {
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  const { problems } = readInput([{ file: 'example.yaml', text }]);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return { verdict: 'accepted', message: '' };
  return {
    verdict: 'refused',
    message: errors.map(({ message, hint }) => `${message} (${hint})`).join('\n'),
  };
}

/** What an API server that has the CRDs says when kubectl creates it; nothing is. */
export async function judgeByServer(
  server: KubeServer,
  kind: KindName,
  manifest: Case['manifest'],
): Promise<Judgement> {
  const path = `${await listPath(server, kind, manifest)}?dryRun=All&fieldValidation=Strict`;
  const { status, body } = await server.send('POST', path, manifest);
  if (status === 201) return { verdict: 'accepted', message: '' };
  // Nothing else is a judgement.
  if (![400, 404, 422].includes(status)) throw new Error(`${status} ${JSON.stringify(body)}`);
  return { verdict: 'refused', message: String(body.message) };
}

const namespaces = new WeakMap<KubeServer, Set<string>>();

async function listPath(server: KubeServer, kind: KindName, manifest: Case['manifest']): Promise<string> {
  const { plural } = CLUSTER_NAMES[kind];
  if (!kindOf(kind).namespaced) return `/apis/${API_VERSION}/${plural}`;
  const { metadata } = (typeof manifest === 'string' ? parse(manifest) : manifest) as {
    metadata: { namespace?: string };
  };
  const namespace = metadata.namespace ?? 'default';
  const known = namespaces.get(server) ?? new Set();
  namespaces.set(server, known);
  if (!known.has(namespace))
    await server.send('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
  known.add(namespace);
  return `/apis/${API_VERSION}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

/** Gives the server all CRDs, and waits until it serves them. Throws what it refuses. */
export async function installCrds(server: KubeServer): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Strict';
  for (const [name, text] of crdTexts()) {
    const { status, body } = await server.send('POST', path, text);
    if (status !== 201) throw new Error(`${name}: ${status} ${body.message}`);
  }
  for (const kind of KIND_NAMES) {
    const list = `/apis/${API_VERSION}/${CLUSTER_NAMES[kind].plural}`;
    // For a moment there is none, then one that is not ready.
    for (let tries = 0; (await server.send('GET', list)).status !== 200; tries++) {
      if (tries > 300) throw new Error(`${kind} is not served`);
      await sleep(100);
    }
  }
}
