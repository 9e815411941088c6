import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXIT, type ExitStatus, failure } from '../core/problem.ts';
import { readAddress } from '../operator/listener.ts';
import { createLog, type LogLevel } from '../operator/log.ts';
import { runOperator } from '../operator/run-operator.ts';
import { kubeClient } from '../sources/kube-client.ts';
import { folderOfStore } from '../stores/open.ts';
import type { Context } from './context.ts';
import { type ClusterAccess, storeOf } from './inputs.ts';
import { peppersFor } from './pepper-file.ts';
import type { Handler } from './program.ts';
import { type GlobalOptions, milliseconds, storeUrl } from './settings.ts';
import { programVersion } from './version-number.ts';

interface Options extends GlobalOptions, ClusterAccess {
  readonly install: string;
  readonly watchNamespace?: readonly string[];
  readonly interval: string;
  readonly leaderElect?: boolean;
  readonly leaseNamespace?: string;
  readonly leaseName?: string;
  readonly listen: string;
  readonly healthListen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly snapshotDir?: string;
  readonly snapshotConfigMaps?: boolean;
  readonly objectMetrics?: boolean;
  readonly logLevel: LogLevel;
  readonly grace: string;
}

export const command: Handler = async (context, _args, options: Options): Promise<ExitStatus> => {
  const { env, stdout, now } = context;
  const install = nameOption(options.install, '--install');
  const main = readAddress(options.listen, '--listen');
  const health = readAddress(options.healthListen, '--health-listen');
  const interval = milliseconds(options.interval, '--interval');
  if (interval < 1000)
    throw failure(EXIT.invalid, 'RC121', `--interval ${options.interval} is too often`, 'at least 1s');
  const grace = milliseconds(options.grace, '--grace');
  const log = createLog({
    // In a cluster somebody collects it; `--log-format text` is for people.
    format: options.logFormat ?? 'json',
    level: options.logLevel,
    write: (text) => stdout.write(text),
    now,
  });
  const kube = await kubeClient({ kubeconfig: options.kubeconfig, context: options.context });
  const instance = env.POD_NAME || `iam-${process.pid}`;
  const stopping = new AbortController();
  void context.stopped(true).then(() => stopping.abort());
  const end = await runOperator({
    kube,
    store: await storeOf(options, context),
    install,
    ofClass: options.class,
    namespaces: options.watchNamespace ?? [],
    interval,
    log,
    peppers: () => peppersOf(options, context),
    instance,
    lease:
      options.leaderElect === true
        ? {
            namespace: options.leaseNamespace ?? (env.POD_NAMESPACE || kube.namespace),
            name: options.leaseName ?? `rolecall-${install}`,
          }
        : undefined,
    serve: { main, health, tls: tlsOf(options) },
    snapshots: {
      folder: snapshotFolder(options, context),
      version: programVersion(),
    },
    copiesSnapshots: options.snapshotConfigMaps === true,
    hasObjectMetrics: options.objectMetrics === true,
    grace,
    signal: stopping.signal,
    now,
  });
  // Whoever has lost the lease must not be taken for one who was asked to stop.
  return end === 'lost' ? EXIT.error : EXIT.done;
};

/** Each process has its own. */
function snapshotFolder({ snapshotDir }: Options, context: Context): string {
  if (snapshotDir !== undefined) return path.resolve(context.cwd, snapshotDir);
  const folder = mkdtempSync(path.join(tmpdir(), 'rolecall-'));
  context.atExit?.(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function peppersOf(options: Options, context: Context) {
  const sqliteFolder = folderOfStore(storeUrl(options, context), context.cwd);
  const found = peppersFor({ env: context.env, sqliteFolder, mayMake: true });
  if (!found) throw new Error('peppers were neither found, nor made, nor refused');
  return found.peppers;
}

function tlsOf({ tlsCert: cert, tlsKey: key }: Options) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw failure(EXIT.invalid, 'RC121', '--tls-cert and --tls-key go together', 'give both, or neither');
  return { cert, key };
}

/** What is part of names of objects. */
function nameOption(text: string, option: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,39}[a-z0-9])?$/.test(text)) return text;
  throw failure(
    EXIT.invalid,
    'RC121',
    `${option} cannot be ${JSON.stringify(text)}`,
    'small letters, digits and hyphens, at most 41',
  );
}
