import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { type KubeTools, runTool, type ToolRan } from '../support/helm.ts';
import type { KubeAnswer, KubeServer } from '../support/kube-server.ts';

export const CHART = resolve(import.meta.dirname, '../../charts/rolecall');
export const NAMESPACE = 'rolecall-system';

const VALUES = join(import.meta.dirname, 'values');

/** The files of values that the chart is tried with, without their ending. */
export const VALUES_FILES: readonly string[] = readdirSync(VALUES).map((name) => name.replace(/\.yaml$/, ''));

export function valuesPath(name: string): string {
  return join(VALUES, `${name}.yaml`);
}

/** An object as Helm renders it. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** What `helm template` says of a release called rolecall, with values of a file, of options, or of both. */
export function template(
  { helm }: KubeTools,
  { file, set = [] }: { readonly file?: string; readonly set?: readonly string[] },
): Promise<ToolRan> {
  const values = file === undefined ? [] : ['--values', valuesPath(file)];
  const options = set.flatMap((one) => ['--set-json', one]);
  return runTool(helm, ['template', 'rolecall', CHART, '--namespace', NAMESPACE, ...values, ...options]);
}

/** All objects of a release with values of a file. Throws what Helm objects to. */
export async function renderedObjects(tools: KubeTools, file: string): Promise<readonly Rendered[]> {
  const { exit, stdout, stderr } = await template(tools, { file });
  if (exit !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** What helm says of a command about a release, on a server. Throws when it fails. */
export async function helmOn(
  server: KubeServer,
  { helm }: KubeTools,
  ...args: readonly string[]
): Promise<string> {
  const { exit, stdout, stderr } = await runTool(helm, [...args, '--namespace', NAMESPACE], {
    kubeconfig: server.kubeconfig,
  });
  if (exit !== 0) throw new Error(`helm ${args[0]}: ${stderr}`);
  return stdout;
}

/** Asks until the answer has that status: what is installed is in force a moment later. Throws when it never is. */
export async function until(status: number, ask: () => Promise<KubeAnswer>): Promise<void> {
  let answer = await ask();
  for (let tries = 0; answer.status !== status; tries++) {
    if (tries > 600) throw new Error(`still ${answer.status}, not ${status}: ${answer.body.message}`);
    await sleep(100);
    answer = await ask();
  }
}
