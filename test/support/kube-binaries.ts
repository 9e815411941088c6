import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, homedir, setPriority, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a real API server consists of. */
export interface KubeBinaries {
  readonly apiServer: string;
  readonly etcd: string;
  /** Where they come from, for people. */
  readonly origin: string;
}

const KUBERNETES = '1.34.2';
const ETCD = '3.6.6';

const PACKAGES = {
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  etcd: 'go.etcd.io/etcd/server/v3',
} as const;

/**
 * Those of KUBEBUILDER_ASSETS (the convention of envtest), else those in the cache, which are built once with Go from the
 * published modules: about five minutes on two cores.
 *
 * A string says why there are none.
 */
export async function findKubeBinaries(): Promise<KubeBinaries | string> {
  if (process.env.ROLECALL_KUBE === '0') return 'ROLECALL_KUBE is 0';
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets) return inFolder(assets, 'KUBEBUILDER_ASSETS') ?? `no kube-apiserver and etcd in ${assets}`;
  const folder = join(cacheFolder(), `kube-${KUBERNETES}-etcd-${ETCD}`);
  const origin = `kube-apiserver ${KUBERNETES} and etcd ${ETCD}, built from their modules`;
  const cached = inFolder(folder, origin);
  if (cached) return cached;
  const go = findGo();
  if (go === undefined) return 'no KUBEBUILDER_ASSETS, and no Go to build one with';
  try {
    await alone(`${folder}.lock`, async () => {
      if (!inFolder(folder, origin)) await build(go, folder);
    });
  } catch (error) {
    return `it could not be built: ${error instanceof Error ? error.message : error}`;
  }
  return inFolder(folder, origin) ?? `nothing was built in ${folder}`;
}

function inFolder(folder: string, origin: string): KubeBinaries | undefined {
  const apiServer = join(folder, 'kube-apiserver');
  const etcd = join(folder, 'etcd');
  return existsSync(apiServer) && existsSync(etcd) ? { apiServer, etcd, origin } : undefined;
}

/** Where tests keep what is dear to make, outside of the checkout. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rolecall-test');
}

/** On the PATH, or where its installer puts it. */
function findGo(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin'];
  return folders.map((folder) => join(folder, 'go')).find((path) => existsSync(path));
}

/** Runs `work` when no other process does: one that is gone leaves its lock to the next. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  mkdirSync(dirname(lock), { recursive: true });
  while (!take(lock)) {
    const holder = Number(existsSync(lock) && readFileSync(lock, 'utf8'));
    if (holder > 0 && !isThere(holder)) rmSync(lock, { force: true });
    await sleep(500);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function build(go: string, folder: string): Promise<void> {
  console.log('building kube-apiserver and etcd, once: this takes some minutes');
  const work = mkdtempSync(join(tmpdir(), 'iam-kube-'));
  try {
    const downloaded = await run(go, ['mod', 'download', '-json', `k8s.io/kubernetes@v${KUBERNETES}`], work);
    const { GoMod: path } = JSON.parse(downloaded) as { GoMod: string };
    writeFileSync(join(work, 'go.mod'), goMod(readFileSync(path, 'utf8')));
    const flags = `-s -w -X k8s.io/component-base/version.gitVersion=v${KUBERNETES}`;
    mkdirSync(folder, { recursive: true });
    for (const [name, source] of Object.entries(PACKAGES)) {
      const built = join(folder, `${name}.${process.pid}`);
      await run(go, ['build', '-ldflags', flags, '-o', built, source], work);
      renameSync(built, join(folder, name));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * A module that needs both. The published module of Kubernetes names folders that are not in it; the same things are
 * published as modules of their own, version 0.x for 1.x.
 */
function goMod(kubernetes: string): string {
  const staged = [...kubernetes.matchAll(/^\s(\S+) => \.\/staging\/src\//gm)].map(([, name]) => name);
  return [
    'module rolecall.dev/test/servers',
    'go 1.24.0',
    `require k8s.io/kubernetes v${KUBERNETES}`,
    `require go.etcd.io/etcd/server/v3 v${ETCD}`,
    ...staged.map((name) => `replace ${name} => ${name} v${KUBERNETES.replace(/^1/, '0')}`),
    '',
  ].join('\n');
}

/** One thing at a time, and behind all others: tests with a clock run meanwhile. */
async function run(go: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(go, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GOFLAGS: '-p=1 -mod=mod -buildvcs=false', GOWORK: 'off', CGO_ENABLED: '0' },
  });
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (code !== 0) throw new Error(`go ${args[0]}: ${(output.stderr || output.stdout).trim().slice(-500)}`);
  return output.stdout;
}
