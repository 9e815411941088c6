import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { EXIT, type Failure, failure } from '../core/problem.ts';

export interface KubeConfigOptions {
  /** A file; without it those of KUBECONFIG, else ~/.kube/config, else what a pod has. */
  readonly kubeconfig?: string | undefined;
  /** One of its contexts; without it the current one. */
  readonly context?: string | undefined;
}

/** Where an API server is, and how one gets in. */
export interface KubeAccess {
  /** Without a slash at its end. */
  readonly server: string;
  readonly namespace: string;
  readonly context: string;
  /**
   * Headers, TLS and, where there is a proxy, the agent of a request. Reads files and runs programs as the kubeconfig says,
   * where what they gave before does not hold any more. Throws what they do.
   */
  options(): Promise<RequestOptions>;
}

const HINT = 'looked for in this order: --kubeconfig FILE, KUBECONFIG, ~/.kube/config, what a pod has';

/**
 * Reads a kubeconfig as kubectl does.
 *
 * Throws a Failure (exit 4) when there is none, it cannot be read, or has no such context. No credential is in a message.
 */
export async function readKubeConfig({ kubeconfig, context }: KubeConfigOptions): Promise<KubeAccess> {
  const config = await open(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  const name = config.getCurrentContext();
  const cluster = config.getCurrentCluster();
  if (!cluster?.server || !URL.canParse(cluster.server)) {
    const known = config.contexts.map((one) => one.name).join(', ');
    throw refused(
      name
        ? `the kubeconfig has no context "${name}", or not its cluster`
        : 'the kubeconfig has no current context',
      known === '' ? HINT : `--context NAME: ${known}`,
    );
  }
  // It says something of TLS; the library asks for it where there is none.
  if (cluster.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(name)?.namespace?.trim() || 'default',
    context: name,
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { agent, headers, ...tls } = options;
      return {
        ...tls,
        // A file ends with a line feed, a header must not.
        headers: Object.fromEntries(
          Object.entries(headers ?? {}).map(([key, value]) => [key, `${value}`.trim()]),
        ),
        ...(cluster.proxyUrl && agent ? { agent } : {}),
      };
    },
  };
}

async function open(file: string | undefined): Promise<KubeConfig> {
  // Most commands never need it, and it is large.
  const { KubeConfig } = await import('@kubernetes/client-node');
  /** One that knows `tokenFile` too, which is for tokens that change. */
  class Config extends KubeConfig {
    override loadFromFile(path: string): void {
      super.loadFromFile(path);
      for (const [name, tokenFile] of tokenFiles(path)) {
        const user = this.users.find((one) => one.name === name);
        if (user === undefined) continue;
        const authProvider = { name: 'tokenFile', config: { tokenFile: resolve(dirname(path), tokenFile) } };
        Object.assign(user, { authProvider, token: undefined });
      }
    }
  }
  const config = new Config();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    // What a parser says quotes what it has read.
    const reason = error instanceof Error && 'path' in error ? `: ${error.message}` : ', or not a kubeconfig';
    throw refused(`the kubeconfig${file === undefined ? '' : ` ${file}`} cannot be read${reason}`, HINT);
  }
  if (config.getCurrentContext() === NOTHING_FOUND) throw refused('there is no kubeconfig', HINT);
  return config;
}

/** What the library makes up, for http://localhost:8080, where it has found none. */
const NOTHING_FOUND = 'loaded-context';

function tokenFiles(path: string): [name: string, file: string][] {
  const { users } = load(readFileSync(path, 'utf8')) as { users?: unknown };
  const list = Array.isArray(users) ? (users as { name?: unknown; user?: { tokenFile?: unknown } }[]) : [];
  return list.flatMap(({ name, user }) =>
    typeof name === 'string' && typeof user?.tokenFile === 'string' ? [[name, user.tokenFile]] : [],
  );
}

function refused(message: string, hint: string): Failure {
  return failure(EXIT.invalid, 'RC101', message, hint);
}
