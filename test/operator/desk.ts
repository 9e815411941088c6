import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, LogFields, LogLevel } from '../../src/operator/log.ts';
import { type Kube, type KubeCall, KubeError, type KubeObject } from '../../src/sources/kube.ts';

/** Waits until something is so. Throws when it is not within `patience` milliseconds. */
export async function until(what: string, isSo: () => unknown, patience = 20_000): Promise<void> {
  for (const end = performance.now() + patience; !(await isSo()); await sleep(5))
    if (performance.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
}

export interface Line extends LogFields {
  readonly level: LogLevel;
  readonly message: string;
}

/** A log that is kept. */
export function keptLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const say = (level: LogLevel) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, ...fields });
  };
  return { lines, debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export function configMaps(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}

export function configMap(name: string, data: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

/** A namespace of its own for a test, with nothing in it. */
export async function makeNamespace(kube: Kube): Promise<string> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'test-' } };
  const made = await kube.request<KubeObject>({ method: 'POST', path: '/api/v1/namespaces', body });
  return made.metadata.name;
}

/** How a request is refused. Throws when it is done, or there is no answer. */
export async function refusal(kube: Kube, call: KubeCall): Promise<string> {
  try {
    await kube.request(call);
  } catch (error) {
    if (error instanceof KubeError && error.status !== null) return `${error.status} ${error.reason}`;
    throw error;
  }
  throw new Error(`${call.method} ${call.path} is not refused`);
}
