import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { parsePeppers } from '../../src/engine/peppers.ts';
import { hashSecret, idOfSecret } from '../../src/engine/secret-text.ts';
import { API_VERSION } from '../../src/kinds/index.ts';
import { inspect } from './crash-checks.ts';
import { lines } from './crash-organisation.ts';
import type { Program, Running } from './crash-program.ts';
import { writeFiles } from './folder.ts';
import { type Ran, runIam } from './run-iam.ts';
import type { Hook } from './secret-hook.ts';

const HOOK = fileURLToPath(new URL('./secret-hook.ts', import.meta.url));

/** A Token of the workspace acme as its manifest has it. */
export interface TokenSpec {
  readonly name: string;
  readonly file: string;
  readonly overlap?: string | undefined;
  readonly revoked?: boolean;
}

/** After so many milliseconds each Token wants another secret. */
export const ROTATES_EVERY = 90 * 86_400_000;

/** A secret as the ledger has it, and by what it is known again. Times in milliseconds. */
export interface SecretRow {
  readonly id: string;
  readonly token: string;
  /** `Token/acme/NAME`. */
  readonly identity: string;
  readonly path: string;
  readonly deliveredAt: number | null;
  readonly endsAt: number | null;
  readonly revokedAt: number | null;
  readonly settled: boolean;
  readonly hash: string;
}

/** What a store says of its secrets, read from a copy. */
export interface Ledger {
  /** The oldest first. */
  readonly secrets: readonly SecretRow[];
  /** The specs of the Tokens that there are, by uid. */
  readonly tokens: ReadonlyMap<string, TokenSpec>;
  /** The copy. */
  readonly store: string;
}

/** A file for a secret, or one that waits beside it. */
export interface SecretFile {
  /** The whole path of the sink. */
  readonly sink: string;
  readonly isStaged: boolean;
  /** Undefined where it was cut short. */
  readonly secret: { readonly id: string; readonly text: string } | undefined;
}

/** A folder to work in with manifests, and a home with a key file of its own. */
export interface Lab {
  readonly cwd: string;
  /** Writes the manifests: a workspace, an owner, and these Tokens. */
  declare(tokens: readonly TokenSpec[]): void;
  /** Starts the built program, with the hook. */
  start(argv: readonly string[], hook?: Partial<Hook>): Running;
  /** The steps that the latest process has made. */
  steps(): readonly string[];
  /** Runs `iam` in this process. `ahead`: how far its clock is, in milliseconds. */
  run(argv: readonly string[], ahead: number, stdin?: string): Promise<Ran>;
  /** All files with secrets, and those that wait. */
  files(): SecretFile[];
  /** Looks at a copy, and fails unless the store is whole. */
  ledger(): Promise<Ledger>;
  /** Whether a text is what a row was hashed from. */
  isOf(row: SecretRow, text: string): boolean;
  /** Whether `iam token verify` says that a secret is valid, on a copy of the store, at a time. */
  isValid(ledger: Ledger, text: string, now: number): Promise<boolean>;
  /** Keeps all as it is now; the function that it returns brings it back. */
  keep(): () => void;
  remove(): void;
}

export const APPLY = ['apply', '-f', 'access', '--prune'];

export function newLab(program: Program): Lab {
  const base = mkdtempSync(path.join(tmpdir(), 'iam-secrets-'));
  const [cwd, home, log, aside] = ['work', 'home', 'log', 'aside'].map((name) => path.join(base, name)) as [
    string,
    string,
    string,
    string,
  ];
  // `out` is for what the command line names.
  for (const folder of [home, path.join(cwd, 'out')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const env = { HOME: home, PATH: process.env.PATH ?? '' };

  const run: Lab['run'] = (argv, ahead, stdin = '') =>
    runIam(argv, { cwd, env, stdin, now: () => Date.now() + ahead });

  return {
    cwd,
    declare(tokens) {
      writeFiles(path.join(cwd, 'access'), { 'all.jsonl': lines(manifestsOf(tokens)) });
    },
    start(argv, { at = -1, signal = 'SIGKILL', ahead = 0, all = false } = {}) {
      rmSync(log, { force: true });
      const hook: Hook = { at, signal, ahead, all, log };
      const through = [
        'env',
        `HOME=${home}`,
        `NODE_OPTIONS=--import=${HOOK}`,
        `HOOK=${JSON.stringify(hook)}`,
      ];
      return program.start(cwd, argv, through);
    },
    steps: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
    run,
    files: () => [path.join(cwd, '.iam/secrets'), path.join(cwd, 'out')].flatMap(filesIn),
    async ledger() {
      rmSync(aside, { recursive: true, force: true });
      await inspect(path.join(cwd, '.iam'), aside);
      return { ...readLedger(path.join(aside, 'iam.db')), store: `sqlite:${aside}/iam.db` };
    },
    isOf({ hash }, text) {
      const peppers = readFileSync(path.join(home, '.config/rolecall/pepper'), 'utf8');
      return hashSecret(text, parsePeppers(peppers, 'the key file').current.key) === hash;
    },
    async isValid({ store }, text, now) {
      const ran = await runIam(['token', 'verify', '--store', store], {
        cwd,
        env,
        stdin: text,
        now: () => now,
      });
      if (ran.exit > 1) throw new Error(ran.stderr);
      return ran.exit === 0;
    },
    keep() {
      const kept = mkdtempSync(path.join(base, 'kept-'));
      // With the modes of folders, which cpSync does not keep.
      const copy = (from: readonly string[], to: string) => execFileSync('cp', ['-a', ...from, to]);
      copy([cwd, home], kept);
      return () => {
        for (const one of [cwd, home]) rmSync(one, { recursive: true });
        copy([path.join(kept, 'work'), path.join(kept, 'home')], base);
      };
    },
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

function manifestsOf(tokens: readonly TokenSpec[]): object[] {
  const make = (kind: string, metadata: object, spec: object) => ({
    apiVersion: API_VERSION,
    kind,
    metadata,
    spec,
  });
  const every = `${ROTATES_EVERY / 86_400_000}d`;
  return [
    make(
      'Workspace',
      { name: 'acme' },
      { displayName: 'Acme', owners: { minimum: 0 }, guards: { maxRemovals: '100%', maxUpdates: '100%' } },
    ),
    make('User', { name: 'ana' }, { email: 'ana@acme.example' }),
    ...tokens.map(({ name, file, overlap, revoked = false }) =>
      make(
        'Token',
        { name, namespace: 'acme' },
        {
          description: 'For a test',
          role: 'workspace-member',
          owner: 'ana',
          rotation: { every, ...(overlap === undefined ? {} : { overlap }) },
          deliverTo: { file },
          revoked,
        },
      ),
    ),
  ];
}

function filesIn(folder: string): SecretFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const [, sink, id] = /^\.(.*)\.([0-9A-Za-z]{12})\.tmp$/.exec(name) ?? [];
      const text = readFileSync(path.join(parentPath, name), 'utf8');
      const held = text.endsWith('\n') ? idOfSecret(text.trimEnd()) : undefined;
      const secret = held === undefined ? undefined : { id: held, text: text.trimEnd() };
      if (secret && id !== undefined && id !== held) throw new Error(`${name} holds ${held}`);
      return { sink: path.join(parentPath, sink ?? name), isStaged: sink !== undefined, secret };
    });
}

function readLedger(file: string): Omit<Ledger, 'store'> {
  if (!existsSync(file)) return { secrets: [], tokens: new Map() };
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'secret'").get() === undefined)
      return { secrets: [], tokens: new Map() };
    const time = (value: unknown) => (value === null ? null : Date.parse(String(value)));
    const secrets = database
      .prepare('SELECT * FROM secret LEFT JOIN secret_hash USING (id) ORDER BY number')
      .all()
      .map((row) => ({
        id: String(row.id),
        token: String(row.token),
        identity: String(row.identity),
        path: String(row.path),
        deliveredAt: time(row.delivered_at),
        endsAt: time(row.ends_at),
        revokedAt: time(row.revoked_at),
        settled: row.settled === 1,
        hash: String(row.hash),
      }));
    const tokens = database
      .prepare("SELECT uid, body FROM resource WHERE kind = 'Token'")
      .all()
      .map(({ uid, body }): [string, TokenSpec] => {
        const { metadata, spec } = JSON.parse(String(body)) as {
          metadata: { name: string };
          spec: { rotation: { overlap?: string }; deliverTo: { file: string }; revoked: boolean };
        };
        const { file } = spec.deliverTo;
        return [
          String(uid),
          { name: metadata.name, file, overlap: spec.rotation.overlap, revoked: spec.revoked },
        ];
      });
    return { secrets, tokens: new Map(tokens) };
  } finally {
    database.close();
  }
}
