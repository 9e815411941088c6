import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dedent } from './bad-input.ts';
import { temporaryFolder, writeFiles } from './folder.ts';
import { NOW, type Ran, type RunOptions, runIam } from './run-iam.ts';

export interface TokenDesk {
  readonly folder: string;
  /** The clock: what it says is the time of every run. */
  at(time: string): void;
  /** Runs `iam` with words that are parted by spaces; `options` as of `runIam`. */
  iam(words: string, options?: RunOptions): Promise<Ran>;
  /** Declares the Token acme/ci with this spec, or none, and applies that; throws when it is not done. */
  apply(spec: string | undefined, options?: RunOptions): Promise<Ran>;
  /** The text of a file below the folder; undefined without one. */
  text(path: string): string | undefined;
  /** The exit status and first line of `iam token verify`, of a secret. */
  verify(secret: string | undefined, words?: string): Promise<string>;
}

const WORLD = dedent(`
  apiVersion: rolecall.dev/v1alpha1
  kind: Workspace
  metadata: {name: acme}
  spec: {displayName: Acme, owners: {minimum: 1}}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: User
  metadata: {name: ana}
  spec: {email: ana@acme.example}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: User
  metadata: {name: bo}
  spec: {email: bo@acme.example}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: RoleBinding
  metadata: {name: owners, namespace: acme}
  spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
`);

/** A folder with an organisation, a HOME, and no Token yet. */
export function tokenDesk(env: Readonly<Record<string, string>> = {}): TokenDesk {
  const folder = temporaryFolder({ 'access/world.yaml': WORLD, 'access/token.yaml': '# none yet\n' });
  mkdirSync(join(folder, 'home'));
  let now: string = NOW;
  const iam = (words: string, options: RunOptions = {}) =>
    runIam(words.split(' '), {
      cwd: folder,
      now,
      ...options,
      env: { HOME: join(folder, 'home'), PATH: process.env.PATH ?? '', ...env, ...options.env },
    });
  return {
    folder,
    at(time) {
      now = time;
    },
    iam,
    async apply(spec, options) {
      writeFiles(folder, {
        'access/token.yaml':
          spec === undefined
            ? '# none\n'
            : `apiVersion: rolecall.dev/v1alpha1\nkind: Token\nmetadata: {name: ci, namespace: acme}\nspec: {description: CI, role: workspace-member, owner: bo, ${spec}}\n`,
      });
      const ran = await iam('apply -f access --prune', options);
      if (ran.exit !== 0) throw new Error(`exit ${ran.exit}: ${ran.stderr}`);
      return ran;
    },
    text(path) {
      const file = join(folder, path);
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    },
    async verify(secret, words = '') {
      const ran = await iam(`token verify${words}`, { stdin: secret ?? '' });
      return `${ran.exit} ${(ran.stdout || ran.stderr).split('\n')[0]}`;
    },
  };
}
