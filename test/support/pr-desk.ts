import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { dedent } from './bad-input.ts';
import { temporaryFolder } from './folder.ts';
import { bareRepository } from './git-repository.ts';
import { ALL, clientOf, REPO } from './github/desk.ts';
import { type GithubServer, githubServer } from './github/server.ts';
import type { Permissions } from './github/state.ts';
import { type Ran, type RunOptions, runIam } from './run-iam.ts';

export interface PrDesk {
  readonly github: GithubServer;
  /** The bare repository. */
  readonly repository: string;
  /** A clone of it, where CI would run. */
  readonly checkout: string;
  /** Runs `iam` in the checkout as a workflow of the base branch would, after a fetch. */
  iam(words: string, options?: RunOptions): Promise<Ran>;
  /** What `iam pr plan` says of a pull request: its comments of a bot. */
  comments(number: number): Promise<string[]>;
  /** The newest check of a commit. */
  check(commit: string): Promise<{ readonly conclusion: string; readonly title: string } | undefined>;
}

const CONFIG = dedent(`
  apiVersion: rolecall.dev/v1alpha1
  kind: GitOps
  paths: [access]
  prune: true
  people: {ana: ana, bo: bo}
  overrides: {RC211: [ana]}
  environment: production
  app: rolecall
`);

const WORLD = dedent(`
  apiVersion: rolecall.dev/v1alpha1
  kind: Workspace
  metadata: {name: acme}
  spec: {displayName: Acme, tier: Business, owners: {minimum: 1}}
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
  kind: User
  metadata: {name: eve}
  spec: {email: eve@acme.example}
  ---
  apiVersion: rolecall.dev/v1alpha1
  kind: RoleBinding
  metadata: {name: owners, namespace: acme}
  spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
`);

export function group(name: string, members: readonly string[]): string {
  const listed = members.map((member) => `{name: ${member}}`).join(', ');
  return `apiVersion: rolecall.dev/v1alpha1\nkind: Group\nmetadata: {name: ${name}, namespace: acme}\nspec: {displayName: ${name}, members: [${listed}]}\n`;
}

export function binding(name: string, role: string, subjects: string): string {
  return `apiVersion: rolecall.dev/v1alpha1\nkind: RoleBinding\nmetadata: {name: ${name}, namespace: acme}\nspec: {role: ${role}, subjects: [${subjects}], resources: [{type: Workspace}]}\n`;
}

/** A repository on GitHub with an organisation in it, three people, and a store that has nothing yet. */
export async function prDesk(
  files: Readonly<Record<string, string>> = {},
  permissions: Permissions = ALL,
  options: { readonly basePath?: string } = {},
): Promise<PrDesk> {
  const repository = bareRepository({
    '.rolecall/gitops.yaml': CONFIG,
    'access/world.yaml': WORLD,
    ...files,
  });
  const github = await githubServer({ repository, ...options });
  github.people({ ana: 'admin', bo: 'write', cy: 'write', dee: 'read' });
  const token = github.token(permissions, { app: 'rolecall' });
  const client = clientOf(github, github.token(ALL));
  const folder = temporaryFolder();
  const checkout = join(folder, 'checkout');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, stdio: 'pipe' }).toString();
  execFileSync('git', ['clone', '--quiet', `file://${repository}`, checkout], { stdio: 'pipe' });
  return {
    github,
    repository,
    checkout,
    iam(words, options = {}) {
      git('fetch', '--quiet', 'origin');
      return runIam(words.split(' '), {
        cwd: checkout,
        ...options,
        env: {
          PATH: process.env.PATH ?? '',
          HOME: folder,
          GITHUB_REPOSITORY: 'acme/access',
          GITHUB_TOKEN: token,
          GITHUB_API_URL: github.url,
          GITHUB_SHA: git('rev-parse', 'origin/main').trim(),
          IAM_STORE: `sqlite:${join(folder, 'store/iam.db')}`,
          ...options.env,
        },
      });
    },
    async comments(number) {
      const { data } = await client.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        ...REPO,
        issue_number: number,
      });
      return data.flatMap(({ user, body }) => (user?.type === 'Bot' ? [body ?? ''] : []));
    },
    async check(commit) {
      const { data } = await client.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
        ...REPO,
        ref: commit,
      });
      const [found] = data.check_runs.toSorted((a, b) => Number(b.id) - Number(a.id));
      return found && { conclusion: found.conclusion ?? '', title: found.output.title ?? '' };
    },
  };
}
