import { join } from 'node:path';
import { temporaryFolder } from '../folder.ts';
import { commitFiles, type FileChanges, git, type Signature, tipOf, tipsOf } from '../git-repository.ts';
import { broughtCommits, MergeConflict, type MergeMethod, mergeCommits } from './merges.ts';
import { observe } from './observe.ts';
import {
  type Account,
  ApiError,
  type Approval,
  accountOf,
  addComment,
  installApp,
  issueOf,
  type Lag,
  nextNumber,
  type Permissions,
  type Pull,
  pullOf,
  type Repository,
  type Review,
  type Role,
  type State,
  signatureOf,
} from './state.ts';

export interface Push {
  readonly by: string;
  readonly branch: string;
  readonly files?: FileChanges;
  readonly message?: string;
  /** Whom the commit names as its author; who pushes without it. Anybody may name anybody. */
  readonly author?: Signature;
  /** To the fork of the one who pushes. */
  readonly fork?: boolean;
}

export interface Opening {
  readonly author: string;
  readonly branch: string;
  readonly title?: string;
  readonly body?: string;
  /** The default branch without it. */
  readonly base?: string;
  readonly draft?: boolean;
  /** From the fork of the author. */
  readonly fork?: boolean;
}

export interface Merging {
  readonly by: string;
  readonly method?: MergeMethod;
}

/** A move of a branch, as a push event tells it. */
export interface Moved {
  readonly before: string;
  readonly after: string;
}

/** A group of a merge queue: its commits are made on a branch of their own, and land in one push. */
export interface MergeGroup extends Moved {
  readonly branch: string;
  /** Moves the base branch to the end of the group; throws if it moved on meanwhile. */
  land(): Moved;
}

export type Acts = ReturnType<typeof createActs>;

/** What people do on GitHub and with git. Whoever acts is a login; what GitHub would refuse is thrown. */
export function createActs(state: State) {
  const ours = state.repository;
  const someone = (login: string): Account => accountOf(state, login);

  function repositoryFor(login: string, fork: boolean | undefined): Repository {
    if (!fork) return ours;
    const found = state.forks.get(login);
    if (!found || found.deleted) throw new Error(`${login} has no fork`);
    return found;
  }

  function pushTo({ by, branch, files = {}, message, author, fork }: Push, onto?: string): Moved {
    observe(state);
    const { path, defaultBranch } = repositoryFor(by, fork);
    const before = tipOf(path, branch) ?? tipOf(path, defaultBranch) ?? '';
    const after = commitFiles(path, branch, files, {
      by: author ?? signatureOf(someone(by), state.now()),
      onto: onto ?? before,
      ...(message === undefined ? {} : { message }),
    });
    observe(state, someone(by));
    return { before, after };
  }

  function openPull(number: number) {
    const issue = pullOf(state, number);
    if (issue.closed) throw new ApiError(405, 'Pull Request is not mergeable');
    if (issue.pull.draft) throw new ApiError(405, 'Pull Request is still a draft');
    return issue;
  }

  /** The end of the commits of a merge of these pull requests, one on the other, and what each introduced. */
  function mergedOnto(numbers: readonly number[], base: string, { by, method = 'merge' }: Merging) {
    let tip = base;
    const parts = numbers.map((number) => {
      const { pull, title, body, author } = openPull(number);
      const at = state.now();
      const before = tip;
      try {
        tip = mergeCommits(ours.path, {
          method,
          base: before,
          head: pull.head.sha,
          number,
          title,
          body,
          from: `${pull.head.repository.owner.login}/${pull.head.branch}`,
          author: signatureOf(author, at),
          by: signatureOf(someone(by), at),
        });
      } catch (error) {
        if (error instanceof MergeConflict) throw new ApiError(405, error.message);
        throw error;
      }
      return { number, sha: tip, introduced: broughtCommits(ours.path, before, tip), at };
    });
    return { tip, parts };
  }

  function land(
    branch: string,
    before: string,
    by: string,
    { tip, parts }: ReturnType<typeof mergedOnto>,
  ): Moved {
    git(ours.path, ['update-ref', `refs/heads/${branch}`, tip, before]);
    for (const { number, ...merged } of parts) {
      const issue = pullOf(state, number);
      issue.pull.merged = { ...merged, by: someone(by) };
      issue.closed = { by: someone(by), at: merged.at, reason: 'completed' };
      issue.updatedAt = merged.at;
    }
    observe(state, someone(by), parts.length === 1 ? 'pr_merge' : 'merge_queue_merge');
    return { before, after: tip };
  }

  function baseOf(numbers: readonly number[]): string {
    const [first, ...more] = new Set(numbers.map((number) => pullOf(state, number).pull.base.branch));
    if (first === undefined || more.length > 0) throw new Error('a group has one base branch');
    return first;
  }

  function enqueue(numbers: readonly number[], merging: Merging): MergeGroup {
    observe(state);
    const base = baseOf(numbers);
    const before = tipOf(ours.path, base) ?? '';
    const merged = mergedOnto(numbers, before, merging);
    const branch = `gh-readonly-queue/${base}/pr-${numbers.at(-1)}-${before}`;
    git(ours.path, ['update-ref', `refs/heads/${branch}`, merged.tip]);
    return {
      branch,
      before,
      after: merged.tip,
      land() {
        git(ours.path, ['update-ref', '-d', `refs/heads/${branch}`]);
        return land(base, before, merging.by, merged);
      },
    };
  }

  function review(by: string, number: number, verdict: Review['state'], body: string): Review {
    observe(state);
    const { pull, author } = pullOf(state, number);
    if (author.login === by && verdict !== 'COMMENTED')
      throw new ApiError(422, 'Can not approve your own pull request');
    const made: Review = {
      id: state.nextId(),
      by: someone(by),
      at: state.now(),
      sha: pull.head.sha,
      body,
      state: verdict,
    };
    pull.reviews.push(made);
    return made;
  }

  function reviewRun(by: string, run: number, environment: string, verdict: Approval['state']): void {
    const approvals = state.approvals.get(run);
    if (!approvals) throw new Error(`there is no run ${run}`);
    const environmentId = state.nextId();
    approvals.push({
      environment,
      environmentId,
      by: someone(by),
      at: state.now(),
      comment: '',
      state: verdict,
    });
  }

  return {
    /** People and what each may do; who is known already gets another role. */
    people(roles: Readonly<Record<string, Role>>): void {
      for (const [login, role] of Object.entries(roles)) {
        const known = state.accounts.get(login);
        if (known) known.role = role;
        else state.accounts.set(login, { login, id: state.nextId(), type: 'User', role });
      }
    },

    /**
     * A token of a person (`user`), or of an installed app, of `github-actions` without either, as workflows
     * have it. It may do what is said, and read what everybody may.
     */
    token(permissions: Permissions, as: { readonly app?: string; readonly user?: string } = {}): string {
      const app = as.user === undefined ? installApp(state, as.app ?? 'github-actions') : undefined;
      const account = app ? app.bot : someone(as.user ?? '');
      const secret = `${app ? 'ghs' : 'ghp'}_${String(state.nextId()).padStart(36, 'Zx')}`;
      state.tokens.set(secret, { account, app, permissions, used: 0 });
      return secret;
    },

    /** One commit on top of a branch, or of the default branch where there is no such branch yet. */
    push: (push: Push): Moved => pushTo(push),

    /** One commit in the place of all that the branch had beside the default branch, or beside `onto`. */
    forcePush({ onto, ...push }: Push & { readonly onto?: string }): Moved {
      const { path, defaultBranch } = repositoryFor(push.by, push.fork);
      const mine = tipOf(path, push.branch) ?? '';
      return pushTo(push, onto ?? git(path, ['merge-base', mine, tipOf(path, defaultBranch) ?? '']));
    },

    deleteBranch(by: string, branch: string, { fork }: { readonly fork?: boolean } = {}): void {
      git(repositoryFor(by, fork).path, ['update-ref', '-d', `refs/heads/${branch}`]);
      observe(state, someone(by));
    },

    /** Who pushed to a branch is not told any more: all of it, or only what somebody pushed who is gone. */
    forgetPushes(branch: string, by?: string): void {
      observe(state);
      for (const [at, push] of [...state.pushes.entries()].reverse()) {
        if (push.branch !== branch || (by !== undefined && push.by?.login !== by)) continue;
        state.pushes.splice(at, 1, ...(by === undefined ? [] : [{ ...push, by: undefined }]));
      }
    },

    /** So many pushes to and fro: the branch is where it was. */
    pushOften(by: string, branch: string, times: number): void {
      observe(state);
      const tip = tipOf(ours.path, branch);
      const push = {
        repository: ours,
        branch,
        before: tip,
        after: tip,
        type: 'force_push',
        by: someone(by),
      } as const;
      for (let i = 0; i < times; i++) state.pushes.push({ ...push, id: state.nextId(), at: state.now() });
    },

    /** GitHub is behind with something for so many questions. */
    fallBehind(what: Lag, questions: number): void {
      state.behind[what] = questions;
    },

    /** A copy of the repository in somebody's own account. Gives its path. */
    fork(by: string): string {
      const path = join(temporaryFolder(), 'fork.git');
      git('/', ['clone', '-q', '--bare', '--no-local', ours.path, path]);
      const made = {
        ...ours,
        path,
        id: state.nextId(),
        owner: someone(by),
        fork: true,
        createdAt: state.now(),
      };
      state.forks.set(by, made);
      state.tips.set(path, tipsOf(path));
      return path;
    },

    /** The fork goes; the pull requests that came from it stay as they are. */
    deleteFork(by: string): void {
      repositoryFor(by, true).deleted = true;
    },

    /** Gives the number. */
    openPullRequest({
      author,
      branch,
      title = 'More access',
      body,
      base,
      draft = false,
      fork,
    }: Opening): number {
      observe(state);
      const repository = repositoryFor(author, fork);
      const number = nextNumber(state);
      const sha = tipOf(repository.path, branch);
      const target = base ?? ours.defaultBranch;
      const onto = tipOf(ours.path, target);
      if (sha === undefined || onto === undefined) throw new ApiError(422, 'Validation Failed');
      git(ours.path, ['fetch', '-q', repository.path, `+refs/heads/${branch}:refs/pull/${number}/head`]);
      const commits = broughtCommits(ours.path, onto, sha);
      if (commits.length === 0) throw new ApiError(422, `No commits between ${target} and ${branch}`);
      const at = state.now();
      const pull: Pull = {
        id: state.nextId(),
        head: { repository, branch, sha },
        base: { branch: target, sha: onto },
        commits,
        reviews: [],
        draft,
        merged: undefined,
      };
      state.issues.set(number, {
        number,
        id: state.nextId(),
        author: someone(author),
        app: undefined,
        title,
        body: body ?? null,
        labels: [],
        createdAt: at,
        updatedAt: at,
        closed: undefined,
        pull,
      });
      return number;
    },

    markReady(number: number): void {
      pullOf(state, number).pull.draft = false;
    },

    close(by: string, number: number): void {
      const issue = issueOf(state, number);
      issue.closed = { by: someone(by), at: state.now(), reason: 'completed' };
      issue.updatedAt = issue.closed.at;
    },

    reopen(number: number): void {
      const issue = issueOf(state, number);
      if (issue.pull?.merged) throw new ApiError(422, 'Validation Failed');
      issue.closed = undefined;
      issue.updatedAt = state.now();
    },

    /** Gives the number of the comment. */
    comment(by: string, number: number, body: string): number {
      return addComment(state, issueOf(state, number), { account: someone(by), app: undefined }, body).id;
    },

    /** Whoever may write may edit anybody's comment; GitHub does not say who did. */
    editComment(id: number, body: string): void {
      const comment = state.comments.get(id);
      if (!comment) throw new Error(`there is no comment ${id}`);
      comment.body = body;
      comment.updatedAt = state.now();
    },

    deleteComment(id: number): void {
      if (!state.comments.delete(id)) throw new Error(`there is no comment ${id}`);
    },

    approve: (by: string, number: number, body = ''): Review => review(by, number, 'APPROVED', body),
    requestChanges: (by: string, number: number, body = ''): Review =>
      review(by, number, 'CHANGES_REQUESTED', body),

    /** What somebody said of a pull request counts no more. */
    dismiss(by: string, number: number): void {
      for (const made of pullOf(state, number).pull.reviews) {
        if (made.by.login === by && made.state !== 'COMMENTED') made.state = 'DISMISSED';
      }
    },

    /** Merges as the button does. Throws 405 on a draft, what is closed, and a conflict. */
    merge: (number: number, merging: Merging): Moved => enqueue([number], merging).land(),

    enqueue,

    /** What a merge queue does with several at once: one push. */
    mergeGroup: (numbers: readonly number[], merging: Merging): Moved => enqueue(numbers, merging).land(),

    /** A run of a workflow, which people may let into environments. Gives its number. */
    startRun(): number {
      const run = state.nextId();
      state.approvals.set(run, []);
      return run;
    },

    approveRun: (by: string, run: number, environment: string): void =>
      reviewRun(by, run, environment, 'approved'),
    rejectRun: (by: string, run: number, environment: string): void =>
      reviewRun(by, run, environment, 'rejected'),
  };
}
