import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { dedent } from './bad-input.ts';
import { temporaryFolder } from './folder.ts';
import { gitHttpServer } from './git-http.ts';
import { bareRepository, type FileChanges } from './git-repository.ts';
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
  /** What that is allowed to do things with. */
  readonly token: string;
  /** Runs `iam` in the checkout as a workflow of the base branch would, after a fetch. */
  iam(words: string, options?: RunOptions): Promise<Ran>;
  /** Pushes a branch of this name and opens a pull request of it, titled like it. Gives the number. */
  open(branch: string, files: FileChanges, by?: string): number;
  /** Does what `iam pr apply` does on the default branch; the test fails when it does not end with this status. */
  apply(exit?: number): Promise<Ran>;
  /** Plans a pull request; the test fails when it does not end with this status. */
  plan(number: number, exit?: number): Promise<Ran>;
  startRun(): ActionsRun;
  /** Writes an event of GitHub Actions to a file, and gives its path. */
  event(event: object): string;
  /** Another clone, as CI makes one for each run. */
  clone(...options: string[]): string;
  /** What `iam pr plan` says of a pull request: its comments of a bot. */
  comments(number: number): Promise<string[]>;
  /** What our checks of a commit say, the newest first. */
  checkRuns(commit: string): Promise<{ readonly text: string }[]>;
  /** The newest check of a commit. */
  check(commit: string): Promise<{ readonly conclusion: string; readonly title: string } | undefined>;
}

/** A run of GitHub Actions, whose jobs are steps of it. */
export interface ActionsRun {
  /** Runs `iam pr apply` in it, as a job that was not started before. */
  apply(words?: string): Promise<Ran>;
  /** Lets it into an environment; `production` without one. */
  approve(by: string, environment?: string): void;
  reject(by: string, environment?: string): void;
  /** What the last apply gave as output: the digest to approve; empty where it gave none. */
  digest(): string;
  /** What those who look at the run see of all its jobs. */
  summary(): string;
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

export const WORLD = dedent(`
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
  {
    overHttp = false,
    ...options
  }: { readonly basePath?: string; readonly overHttp?: boolean; readonly private?: boolean } = {},
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
  const url = overHttp ? await gitHttpServer(repository) : `file://${repository}`;
  execFileSync('git', ['clone', '--quiet', url, checkout], { stdio: 'pipe' });
  async function ended(words: string, exit: number): Promise<Ran> {
    const ran = await iam(words);
    expect([ran.exit, exit === 0 ? ran.stderr : ''], words).toEqual([
      exit,
      expect.not.stringContaining('error'),
    ]);
    return ran;
  }
  function iam(words: string, options: RunOptions = {}): Promise<Ran> {
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
  }
  return {
    github,
    repository,
    checkout,
    token,
    iam,
    open(branch, changes, by = 'bo') {
      github.push({ by, branch, files: changes, message: `Commit of ${branch}` });
      return github.openPullRequest({ author: by, branch, title: branch });
    },
    plan: (number, exit = 0) => ended(`pr plan --pr ${number}`, exit),
    apply: (exit = 0) => ended('pr apply', exit),
    startRun() {
      const run = github.startRun();
      const output = join(temporaryFolder(), 'output');
      const summary = join(temporaryFolder(), 'summary');
      writeFileSync(summary, '');
      return {
        apply(words = '') {
          writeFileSync(output, '');
          const env = {
            GITHUB_RUN_ID: String(run),
            GITHUB_OUTPUT: output,
            GITHUB_STEP_SUMMARY: summary,
          };
          return iam(`pr apply ${words}`.trim(), { env });
        },
        approve: (by, environment = 'production') => github.approveRun(by, run, environment),
        reject: (by, environment = 'production') => github.rejectRun(by, run, environment),
        digest: () => /^digest=(\S+)\n$/.exec(readFileSync(output, 'utf8'))?.[1] ?? '',
        summary: () => readFileSync(summary, 'utf8'),
      };
    },
    event(event) {
      const file = join(temporaryFolder(), 'event.json');
      writeFileSync(file, JSON.stringify(event));
      return file;
    },
    clone(...options) {
      const made = join(temporaryFolder(), 'clone');
      execFileSync('git', ['clone', '--quiet', ...options, url, made], { stdio: 'pipe' });
      return made;
    },
    async comments(number) {
      const { data } = await client.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        ...REPO,
        issue_number: number,
      });
      return data.flatMap(({ user, body }) => (user?.type === 'Bot' ? [body ?? ''] : []));
    },
    async checkRuns(commit) {
      const { data } = await client.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
        ...REPO,
        ref: commit,
        filter: 'all',
      });
      const newest = data.check_runs.toSorted((a, b) => Number(b.id) - Number(a.id));
      return newest.map(({ output }) => ({ text: output.text ?? '' }));
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
