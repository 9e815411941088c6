import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../src/cli/program.ts';
import { readConfig } from '../src/gitops/config.ts';
import { temporaryFolder } from './support/folder.ts';
import { git, signed } from './support/git-repository.ts';
import type { Permissions } from './support/github/state.ts';
import { prDesk } from './support/pr-desk.ts';
import { contextFor, runIam } from './support/run-iam.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const ACTIONS = join(ROOT, 'examples/github-actions');
const REPOSITORY = join(ROOT, 'examples/gitops-repo');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly name?: string;
  readonly needs?: string | readonly string[];
  readonly outputs?: Readonly<Record<string, string>>;
  readonly if?: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly concurrency?: { readonly 'cancel-in-progress': boolean | string };
  readonly 'timeout-minutes': number;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: string | Readonly<Record<string, unknown>>;
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FILES = [ACTIONS, join(REPOSITORY, '.github/workflows')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })),
);
const WORKFLOWS = FILES.map(({ name, text }) => ({ name, text, workflow: parse(text) as Workflow }));
const JOBS = WORKFLOWS.flatMap(({ name, workflow }) =>
  Object.entries(workflow.jobs).map(([id, job]) => ({ name: `${name}: ${id}`, job, workflow })),
);
const PLAN = { contents: 'read', 'pull-requests': 'write', checks: 'write' };
const APPLY = { contents: 'read', 'pull-requests': 'write', checks: 'read' };

/** What may be checked out: the base of a pull request, Rolecall, and the default branch. */
const BASE = 'github.event.pull_request.base.sha';
const REFS = [
  `\${{ ${BASE} || github.event.merge_group.base_sha }}`,
  `\${{ ${BASE} }}`,
  `\${{ vars.ROLECALL_COMMIT }}`,
  undefined,
];

describe('the workflows', () => {
  test('may do just this', () => {
    expect(Object.fromEntries(JOBS.map(({ name, job }) => [name, job.permissions]))).toEqual({
      'plan.yaml: plan': PLAN,
      'plan-fork.yaml: plan': PLAN,
      'plan-approved-fork.yaml: plan': PLAN,
      'apply.yaml: apply': APPLY,
      'apply.yaml: approval': {},
      'apply.yaml: approved': { ...PLAN, actions: 'read' },
      'apply.yaml: plan': PLAN,
      'drift.yaml: drift': { contents: 'read', issues: 'write' },
      'rendered.yaml: rendered': { contents: 'read' },
    });
    for (const { name, workflow } of WORKFLOWS) expect(workflow.permissions, name).toEqual({});
  });

  test('use actions by their commit, with the version behind it', () => {
    for (const { name, text } of WORKFLOWS) {
      const used = [...text.matchAll(/\buses:(.*)/g)];
      expect(used.length, name).toBeGreaterThan(0);
      for (const [, what] of used)
        expect(what, name).toMatch(/^ [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
    const pins = new Set(
      FILES.flatMap(({ text }) => [...text.matchAll(/uses: (\S+)/g)].map(([, pin]) => pin)),
    );
    expect(pins.size).toBe(3);
  });

  test('give no shell what somebody else wrote, and end by themselves', () => {
    for (const { name, job } of JOBS) {
      expect(job['timeout-minutes'], name).toBeLessThanOrEqual(30);
      for (const { run } of job.steps) expect(run ?? '', name).not.toContain('${{');
    }
  });

  test('check out no head, and keep credentials only where iam asks the remote', () => {
    for (const { name, job, workflow } of JOBS) {
      const checkouts = job.steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
      const asks = job.steps.some(({ run }) => /pr (plan|apply)/.test(run ?? ''));
      for (const { with: given = {} } of checkouts) {
        expect(REFS, name).toContain(given.ref);
        const isOurs = given.repository === undefined;
        // Left out, it would be the merge of the pull request: only where nothing is to be lost.
        if (isOurs && Object.keys(workflow.on).some((event) => event.startsWith('pull_request')))
          expect(given.ref, name).toContain(BASE);
        expect(given['persist-credentials'], name).toBe(isOurs && asks);
        if (isOurs && job.steps.some(({ run }) => /pr (plan|apply)/.test(run ?? '')))
          expect(given['fetch-depth'], name).toBe(0);
      }
    }
  });

  test('show forks no secret, and nobody but an environment of the default branch the writer', () => {
    const withTarget = WORKFLOWS.filter(({ text }) => text.includes('pull_request_target:'));
    expect(withTarget.map(({ name }) => name)).toEqual(['plan-fork.yaml']);
    for (const { text } of withTarget) expect(text).not.toMatch(/secrets\b.*\}\}|secrets:/);
    for (const { name, job } of JOBS) {
      const secrets = job.steps.flatMap(({ env = {} }) => Object.values(env)).join(' ');
      const writes = /secrets\.IAM_STORE\b/.test(secrets);
      expect(job.environment === 'apply', name).toBe(writes);
      // Who waits for an approval has nothing to lose, and keeps nobody waiting.
      if (job.environment === 'production')
        expect([job.steps, job.permissions, job.concurrency], name).toEqual([
          [{ run: 'echo approved' }],
          {},
          undefined,
        ]);
      // Only iam itself sees one.
      for (const { run, env, with: given } of job.steps) {
        expect(JSON.stringify(given ?? {}), name).not.toContain('secrets.');
        if (env !== undefined) expect(run, name).toContain('node rolecall/dist/cli/main.js pr ');
      }
    }
  });

  test('apply one after the other, and lose no run', () => {
    const apply = WORKFLOWS.find(({ name }) => name === 'apply.yaml')?.workflow;
    expect(apply?.on).toEqual({ push: { branches: ['main'] }, workflow_dispatch: null });
    for (const job of [apply?.jobs.apply, apply?.jobs.approved])
      expect(job?.concurrency).toEqual({ group: 'apply', 'cancel-in-progress': false });
    expect(apply?.jobs.apply?.if).toBe("github.ref == 'refs/heads/main'");
  });

  test('apply what was approved only: the digest goes from job to job', () => {
    const jobs = WORKFLOWS.find(({ name }) => name === 'apply.yaml')?.workflow.jobs;
    const digest = `\${{ needs.apply.outputs.digest }}`;
    expect(jobs?.apply?.outputs).toEqual({ digest: `\${{ steps.apply.outputs.digest }}` });
    expect(jobs?.approval?.name).toContain(digest);
    expect(jobs?.approved?.needs).toContain('approval');
    const step = jobs?.approved?.steps.find(({ env }) => env?.DIGEST !== undefined);
    expect([step?.env?.DIGEST, step?.run]).toEqual([
      digest,
      expect.stringContaining(' --approved "$DIGEST"'),
    ]);
    expect(jobs?.apply?.steps.map(({ run }) => run ?? '').join('\n')).not.toContain('--approved');
  });

  test('plan what is open after an apply, and again after an approval, for which nothing else waits', () => {
    const jobs = WORKFLOWS.find(({ name }) => name === 'apply.yaml')?.workflow.jobs;
    expect(jobs?.plan?.needs).toBe('apply');
    for (const job of [jobs?.plan, jobs?.approved])
      expect(job?.steps.at(-1)).toMatchObject({
        run: 'node rolecall/dist/cli/main.js pr plan --all --approved-forks',
        env: { IAM_STORE: `\${{ secrets.IAM_STORE_READER }}` },
      });
  });

  test('are ended by no comment, which anybody may write', () => {
    const plan = WORKFLOWS.find(({ name }) => name === 'plan.yaml')?.workflow.jobs.plan;
    expect(plan?.concurrency?.['cancel-in-progress']).toBe(`\${{ github.event_name != 'issue_comment' }}`);
  });

  test('with the store are started by what is of the default branch, for forks too', () => {
    const forks = WORKFLOWS.find(({ name }) => name === 'plan-approved-fork.yaml')?.workflow;
    expect(Object.keys(forks?.on ?? {})).toEqual(['workflow_dispatch']);
    expect(forks?.jobs.plan?.if).toBe("github.ref == 'refs/heads/main'");
  });

  test('plan again when somebody overrides, on whatever line that stands', () => {
    const plan = WORKFLOWS.find(({ name }) => name === 'plan.yaml')?.workflow;
    expect(plan?.jobs.plan?.if).toContain("contains(github.event.comment.body, 'iam override ')");
  });

  test('name commands and options that exist', () => {
    const commands = JOBS.flatMap(({ job }) => job.steps).flatMap(({ run = '' }) => [
      ...run.matchAll(/main\.js (pr .*?)(?: \|\|.*)?$/gm),
    ]);
    expect(commands.length).toBe(8);
    for (const [, words = ''] of commands) expect(unknownOptions(words), words).toEqual([]);
  });
});

test('what the workflows may is enough for them', { timeout: 60_000 }, async () => {
  const desk = await prDesk();
  const { github } = desk;
  const run = github.startRun();
  const GITHUB_OUTPUT = join(temporaryFolder(), 'output');
  const iam = (words: string, job: string) => {
    const permissions = JOBS.find(({ name }) => name === job)?.job.permissions ?? {};
    const GITHUB_TOKEN = github.token(permissions, { app: 'rolecall' });
    return desk.iam(words, { env: { GITHUB_TOKEN, GITHUB_RUN_ID: String(run), GITHUB_OUTPUT } });
  };
  const plan = 'plan.yaml: plan';
  const apply = 'apply.yaml: apply';
  const owners = (...names: string[]) => ({
    'access/owners.yaml': `apiVersion: rolecall.dev/v1alpha1\nkind: RoleBinding\nmetadata: {name: more-owners, namespace: acme}\nspec: {role: workspace-owner, subjects: [${names.map((name) => `{name: ${name}}`)}], resources: [{type: Workspace}]}\n`,
  });
  expect(await iam('pr apply', apply)).toMatchObject({ exit: 0 });

  github.push({ by: 'bo', branch: 'more', files: owners('bo') });
  const more = github.openPullRequest({ author: 'bo', branch: 'more', title: 'More owners' });
  expect(await iam(`pr plan --pr ${more}`, plan)).toMatchObject({ exit: 0 });
  expect((await desk.comments(more)).length).toBe(1);
  github.merge(more, { by: 'ana' });
  expect(await iam('pr apply', apply)).toMatchObject({ exit: 0 });
  expect((await desk.comments(more)).length).toBe(2);

  // What no comment lets pass, and what one does.
  const world = git(desk.checkout, ['show', 'origin/main:access/world.yaml']);
  const none = {
    'access/world.yaml': world.replace('workspace-owner', 'workspace-member'),
    'access/owners.yaml': null,
  };
  github.push({ by: 'bo', branch: 'none', files: none });
  const gone = github.openPullRequest({ author: 'bo', branch: 'none', title: 'Nobody' });
  github.push({ by: 'bo', branch: 'all', files: owners('bo', 'eve') });
  const all = github.openPullRequest({ author: 'bo', branch: 'all', title: 'Everybody' });
  expect(await iam('pr plan --all', 'apply.yaml: plan')).toMatchObject({ exit: 0 });
  expect(await desk.comments(gone)).toEqual([
    expect.stringMatching(/refused RC205.*to let it pass: `an approval of the environment production`/),
  ]);
  expect((await desk.comments(all)).length).toBe(1);
  expect(await iam('pr drift', 'drift.yaml: drift')).toMatchObject({ exit: 0 });

  github.people({ fay: 'none' });
  github.fork('fay');
  github.push({
    by: 'fay',
    branch: 'fork',
    files: { 'access/owners.yaml': owners('eve')['access/owners.yaml'] ?? '' },
    fork: true,
  });
  const fork = github.openPullRequest({ author: 'fay', branch: 'fork', fork: true });
  expect(await iam(`pr plan --pr ${fork}`, 'plan-fork.yaml: plan')).toMatchObject({ exit: 0 });
  github.approve('ana', fork);
  const event = desk.event({ inputs: { pr: String(fork) } });
  const approvedFork = await desk.iam('pr plan --approved-forks', {
    env: {
      GITHUB_TOKEN: github.token(PLAN as Permissions, { app: 'rolecall' }),
      GITHUB_EVENT_PATH: event,
    },
  });
  expect(approvedFork).toMatchObject({ exit: 0 });
  expect(await desk.comments(fork)).toEqual([expect.stringContaining('to store')]);

  github.merge(gone, { by: 'ana' });
  expect(await iam('pr apply', apply)).toMatchObject({ exit: 3 });
  const [, digest] = /^digest=(.*)$/m.exec(readFileSync(GITHUB_OUTPUT, 'utf8')) ?? [];
  github.approveRun('cy', run, 'production');
  expect(await iam(`pr apply --approved ${digest}`, 'apply.yaml: approved')).toMatchObject({ exit: 0 });
});

/** Options of a command line that its command does not have; its own name where there is no such command. */
function unknownOptions(words: string): string[] {
  const program = createProgram(contextFor([], {}).context, () => {});
  const [name, below, ...rest] = words.split(' ');
  const command = program.commands.find((one) => one.name() === name);
  const sub = command?.commands.find((one) => one.name() === below) ?? command;
  if (!sub) return [words];
  const known = [...program.options, ...sub.options].flatMap(({ short, long }) => [short, long]);
  return [below ?? '', ...rest].filter((word) => /^--?[a-z]/.test(word) && !known.includes(word));
}

describe('the repository', () => {
  const file = join(REPOSITORY, '.rolecall/gitops.yaml');
  const config = readConfig(readFileSync(file, 'utf8'));

  test('has a configuration that says who is who, and names the environment of the workflow', () => {
    const people = readFileSync(join(REPOSITORY, 'access/people/employees.yaml'), 'utf8');
    for (const user of config.people.values()) expect(people).toContain(`metadata: {name: ${user}}\n`);
    for (const logins of config.overrides.values())
      for (const login of logins) expect([...config.people.keys()]).toContain(login);
    expect(JOBS.map(({ job }) => job.environment)).toContain(config.environment);
  });

  test('has an owner for each folder, and no owner of what is not there', () => {
    const lines = readFileSync(join(REPOSITORY, '.github/CODEOWNERS'), 'utf8')
      .split('\n')
      .filter((line) => /^[^#\s]/.test(line));
    const owned = lines.map((line) => line.split(/\s+/)[0] ?? '');
    for (const path of owned.filter((path) => path !== '*'))
      expect(existsSync(join(REPOSITORY, path)), path).toBe(true);
    for (const path of globSync('{access,kustomize,access/rendered}/acme-*', { cwd: REPOSITORY }))
      expect(owned, path).toContain(path.endsWith('.yaml') ? `/${path}` : `/${path}/`);
  });

  // kustomize is no package of npm: whoever changes one of these runs render.sh, and then writes the new sum.
  test('has in access/rendered what kustomize made of kustomize/', () => {
    const files = globSync(['kustomize/**/*.{yaml,json}', 'access/rendered/*'], { cwd: REPOSITORY }).sort();
    const hash = createHash('sha256');
    for (const path of files) hash.update(`${path}\0${readFileSync(join(REPOSITORY, path), 'utf8')}\0`);
    expect(hash.digest('hex')).toBe('6c56610c1d84058355ca769fda35a6221eab4cd0386ffdfd65b4cd0a61797978');
  });
});

/** Does what the README of the repository says. */
async function tried() {
  const folder = temporaryFolder();
  const cwd = join(folder, 'access');
  cpSync(REPOSITORY, cwd, { recursive: true });
  const BO = { name: 'Bo', email: 'bo@acme.example', at: Date.parse('2026-11-24T10:00:00Z') };
  const run = (...args: string[]) => git(cwd, args, { env: signed(BO) });
  const iam = (words: string) =>
    runIam(words.split(' '), { cwd, env: { IAM_STORE: `sqlite:${join(folder, 'store/iam.db')}` } });
  run('init', '-q', '-b', 'main');
  run('add', '.');
  run('commit', '-q', '-m', 'Access of Acme');
  const first = await iam('pr apply');
  await iam('apply -f try/helpdesk.yaml --manager helpdesk --adopt --as bo-lee');
  run('switch', '-q', '-c', 'audit');
  run('apply', 'try/audit-week.patch');
  run('commit', '-q', '-a', '-m', 'Audit week');
  return { cwd, run, iam, first };
}

/** Ids and sums are others each time. */
function same(text: string): string {
  return text.replace(/sha256:[0-9a-f]{64}/g, 'sha256:…').replace(/`(?:[0-9a-f]{8}|[0-9a-f]{12})`/g, '`…`');
}

const blocks = (path: string) =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^```markdown\n(.*?)^```$/gms)].map(
    ([, block = '']) => block,
  );

test('what the guide and the README show of a pull request is what the program says of it', async () => {
  const { iam } = await tried();
  const { exit, stdout } = await iam('pr plan --base main');
  expect(exit).toBe(0);
  const said = same(stdout).trim();
  expect(blocks('docs/gitops.md').map((block) => same(block).trim())).toContain(said);
  const [cut = ''] = blocks('README.md');
  for (const line of same(cut)
    .split('\n')
    .filter((line) => line !== '…'))
    expect(said.split('\n')).toContain(line);
});

test('its pull request is applied as planned, beside what somebody else did', async () => {
  const { run, iam, first } = await tried();
  expect(first).toMatchObject({ exit: 0, stdout: expect.stringContaining('24 to create') });
  const planned = await iam('pr plan --base main');
  run('switch', '-q', 'main');
  run('merge', '-q', '--no-ff', '-m', 'Audit week', 'audit');
  const applied = await iam('pr apply');
  expect(applied).toMatchObject({ exit: 0, stdout: expect.stringContaining('revision 3') });
  const digest = /sha256:[0-9a-f]{64}/.exec(planned.stdout)?.[0];
  expect((await iam('history show 3 -o json')).stdout).toContain(digest);
  expect((await iam('can-i dana-novak source-admin -n acme-prod --resource-labels team=data')).exit).toBe(0);
  expect((await iam('can-i eli-okafor workspace-owner -n acme-staging')).exit).toBe(0);
  expect(await iam('pr drift')).toMatchObject({
    exit: 2,
    stdout: expect.stringContaining('RoleBinding acme-staging/owners'),
  });
  expect(await iam('pr apply')).toMatchObject({ exit: 0, stderr: expect.stringContaining('nothing to do') });
});

test('the README of the repository says what was tried here', () => {
  const text = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  for (const words of [
    'iam pr apply ',
    'iam apply -f try/helpdesk.yaml --manager helpdesk --adopt --as bo-lee ',
    'git apply try/audit-week.patch ',
    'iam pr plan --base main ',
    'iam pr drift ',
  ])
    expect(text).toContain(words);
});

test.each(['docs/gitops.md', 'examples/gitops-repo/README.md', 'examples/github-actions/README.md'])(
  '%s: every link leads somewhere, and every command and option exists',
  (path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      expect(existsSync(join(ROOT, path, '..', target)), target).toBe(true);
    for (const [, words = ''] of text.matchAll(/(?:^|`|&& )iam ([a-z][^`\n#&|]*)/gm))
      if (!words.startsWith('override ')) expect(unknownOptions(words.trim()), words).toEqual([]);
  },
);
