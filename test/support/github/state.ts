import type { Signature } from '../git-repository.ts';

/** What the server remembers: the things that GitHub keeps beside the git repository. Times are milliseconds. */
export interface State {
  readonly repository: Repository;
  readonly accounts: Map<string, Account>;
  readonly apps: Map<string, App>;
  readonly tokens: Map<string, Token>;
  /** Issues and pull requests by number. */
  readonly issues: Map<number, Issue>;
  readonly comments: Map<number, Comment>;
  readonly checkRuns: Map<number, CheckRun>;
  readonly labels: Map<string, number>;
  readonly forks: Map<string, Repository>;
  /** Who let which run of a workflow into which environment, by run. */
  readonly approvals: Map<number, Approval[]>;
  /** What became of the branches, ours and those of forks, the first first. */
  readonly pushes: Push[];
  /** Where the branches of each repository were when they were last looked at, by its path. */
  readonly tips: Map<string, ReadonlyMap<string, string>>;
  /** How many questions are still answered as if something had not happened yet. */
  readonly behind: Record<Lag, number>;
  /** The time of the next thing that happens. */
  now(): number;
  /** The time of the last thing that happened. */
  clock(): number;
  /** A number that was not given before, beyond 32 bits as many of GitHub's are. */
  nextId(): number;
}

export type Role = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';

export interface Account {
  readonly login: string;
  readonly id: number;
  readonly type: 'User' | 'Bot' | 'Organization';
  role: Role;
}

export interface App {
  readonly slug: string;
  readonly id: number;
  readonly owner: Account;
  readonly bot: Account;
}

export type Scope = 'contents' | 'pull-requests' | 'issues' | 'checks' | 'actions';
export type Permissions = Readonly<Partial<Record<Scope, 'read' | 'write' | 'none'>>>;

export interface Token {
  readonly account: Account;
  readonly app: App | undefined;
  readonly permissions: Permissions;
  used: number;
}

/** A bare repository, ours or a fork. */
export interface Repository {
  readonly path: string;
  readonly id: number;
  readonly owner: Account;
  readonly name: string;
  readonly private: boolean;
  readonly fork: boolean;
  readonly defaultBranch: string;
  readonly createdAt: number;
  deleted: boolean;
}

/** A move of a branch, and who did it, whatever the commits say. */
export interface Push {
  readonly id: number;
  readonly repository: Repository;
  readonly branch: string;
  /** Undefined where there was no such branch. */
  readonly before: string | undefined;
  /** Undefined where there is none any more. */
  readonly after: string | undefined;
  readonly type: PushType;
  /** Undefined for somebody who is gone. */
  readonly by: Account | undefined;
  readonly at: number;
}

export type PushType =
  | 'push'
  | 'force_push'
  | 'branch_creation'
  | 'branch_deletion'
  | 'pr_merge'
  | 'merge_queue_merge';

/** What GitHub is a while behind with: which pull request a commit came from, and the list of those that are closed. */
export type Lag = 'origins' | 'closed pull requests';

export interface Issue {
  readonly number: number;
  readonly id: number;
  readonly author: Account;
  readonly app: App | undefined;
  readonly createdAt: number;
  title: string;
  body: string | null;
  labels: readonly string[];
  updatedAt: number;
  closed: { readonly by: Account; readonly at: number; readonly reason: CloseReason } | undefined;
  readonly pull: Pull | undefined;
}

export type CloseReason = 'completed' | 'not_planned' | 'duplicate';

/** What a pull request has beyond an issue. */
export interface Pull {
  readonly id: number;
  readonly head: { readonly repository: Repository; readonly branch: string; sha: string };
  /** `sha` is where the base branch was when the head last moved, not where it is. */
  readonly base: { readonly branch: string; sha: string };
  /** The commits that it would add. */
  commits: readonly string[];
  readonly reviews: Review[];
  draft: boolean;
  merged: Merged | undefined;
}

export interface Merged {
  readonly by: Account;
  readonly at: number;
  readonly sha: string;
  /** The commits that came into the base branch with it. */
  readonly introduced: readonly string[];
}

export interface Review {
  readonly id: number;
  readonly by: Account;
  readonly at: number;
  readonly sha: string;
  readonly body: string;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';
}

export interface Comment {
  readonly id: number;
  readonly issue: number;
  readonly author: Account;
  readonly app: App | undefined;
  readonly createdAt: number;
  body: string;
  updatedAt: number;
}

export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly start_column?: number;
  readonly end_column?: number;
  readonly annotation_level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title?: string;
}

export interface CheckRun {
  readonly id: number;
  readonly suite: number;
  readonly app: App;
  readonly sha: string;
  name: string;
  externalId: string | null;
  detailsUrl: string | null;
  status: string;
  conclusion: string | null;
  startedAt: number;
  completedAt: number | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  readonly annotations: Annotation[];
}

export interface Approval {
  readonly environment: string;
  readonly environmentId: number;
  readonly by: Account;
  readonly at: number;
  readonly comment: string;
  readonly state: 'approved' | 'rejected';
}

export interface StateOptions {
  /** The path of the bare repository. */
  readonly repository: string;
  /** `acme/access` without it. */
  readonly name?: string;
  /** True without it. */
  readonly private?: boolean;
  /** A second later each time without it. */
  readonly now?: () => number;
}

const NOON = Date.parse('2026-11-24T12:00:00Z');

/** A repository of an organisation, without people, with the app of GitHub Actions. */
export function createState({
  repository,
  name = 'acme/access',
  private: hidden = true,
  now,
}: StateOptions): State {
  let id = 3_000_000_000;
  let seconds = 0;
  let latest = NOON;
  const nextId = () => ++id;
  const [owner = '', repo = ''] = name.split('/');
  const organisation: Account = { login: owner, id: nextId(), type: 'Organization', role: 'admin' };
  const state: State = {
    repository: {
      path: repository,
      id: nextId(),
      owner: organisation,
      name: repo,
      private: hidden,
      fork: false,
      defaultBranch: 'main',
      createdAt: NOON,
      deleted: false,
    },
    accounts: new Map([[owner, organisation]]),
    apps: new Map(),
    tokens: new Map(),
    issues: new Map(),
    comments: new Map(),
    checkRuns: new Map(),
    labels: new Map(),
    forks: new Map(),
    approvals: new Map(),
    pushes: [],
    tips: new Map(),
    behind: { origins: 0, 'closed pull requests': 0 },
    now() {
      latest = now?.() ?? NOON + 1000 * seconds++;
      return latest;
    },
    clock: () => latest,
    nextId,
  };
  installApp(state, 'github-actions', 15_368, 41_898_282);
  return state;
}

/** The app of this name, installed if it is not, and its bot. */
export function installApp(state: State, slug: string, id = state.nextId(), botId = state.nextId()): App {
  const installed = state.apps.get(slug);
  if (installed) return installed;
  const bot: Account = { login: `${slug}[bot]`, id: botId, type: 'Bot', role: 'none' };
  const app: App = { slug, id, owner: state.repository.owner, bot };
  state.accounts.set(bot.login, bot);
  state.apps.set(slug, app);
  return app;
}

/** Somebody known by this login; throws if nobody is. */
export function accountOf(state: State, login: string): Account {
  const account = state.accounts.get(login);
  if (!account)
    throw new Error(`nobody is called ${login}; known are ${[...state.accounts.keys()].join(', ')}`);
  return account;
}

export function signatureOf({ login, id }: Account, at: number): Signature {
  return { name: login, email: `${id}+${login}@users.noreply.github.com`, at };
}

/** An issue or pull request of this number; throws if there is none. */
export function issueOf(state: State, number: number): Issue {
  const issue = state.issues.get(number);
  if (!issue) throw new Error(`there is no #${number}`);
  return issue;
}

/** A pull request of this number; throws if there is none. */
export function pullOf(state: State, number: number): Issue & { readonly pull: Pull } {
  const issue = issueOf(state, number);
  if (!hasPull(issue)) throw new Error(`#${number} is not a pull request`);
  return issue;
}

export function hasPull(issue: Issue): issue is Issue & { readonly pull: Pull } {
  return issue.pull !== undefined;
}

/** Whether GitHub does not know something yet that it is asked for. */
export function isBehind({ behind }: State, what: Lag): boolean {
  const isLate = behind[what] > 0;
  if (isLate) behind[what] -= 1;
  return isLate;
}

/** Issues and pull requests are numbered together. */
export function nextNumber(state: State): number {
  return state.issues.size + 1;
}

/** Whoever speaks: a person, or an app by its bot. */
export type Speaker = Pick<Token, 'account' | 'app'>;

export function addComment(state: State, issue: Issue, { account, app }: Speaker, body: string): Comment {
  const at = state.now();
  const comment: Comment = {
    id: state.nextId(),
    issue: issue.number,
    author: account,
    app,
    createdAt: at,
    body,
    updatedAt: at,
  };
  state.comments.set(comment.id, comment);
  issue.updatedAt = at;
  return comment;
}

/** What GitHub answers instead of doing what was asked for. */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly Readonly<Record<string, string>>[] | undefined;

  constructor(status: number, message: string, errors?: readonly Readonly<Record<string, string>>[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}
