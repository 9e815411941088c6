/** A pull request, or what a forge calls so. All ids of commits are whole. */
export interface PullRequest {
  readonly number: number;
  readonly title: string;
  /** Login of who opened it. */
  readonly author: string;
  readonly head: string;
  /** The branch that it comes from, and its repository as `owner/name`; null where that is gone. */
  readonly headRef: string;
  readonly headRepository: string | null;
  /** The branch that it is to be merged into, and where that stands. */
  readonly baseRef: string;
  readonly base: string;
  /** Whether its commits come from another repository, which may be gone. */
  readonly isFork: boolean;
  readonly isDraft: boolean;
  readonly state: 'open' | 'merged' | 'closed';
  /** Milliseconds. */
  readonly openedAt: number;
  /** What its merge made of the base; null as long as it is not merged. */
  readonly mergeCommit: string | null;
}

export interface Comment {
  readonly id: number;
  readonly author: string;
  readonly isBot: boolean;
  readonly body: string;
  readonly isEdited: boolean;
}

/** Somebody's last word on a pull request. */
export interface Review {
  readonly author: string;
  readonly isApproval: boolean;
  /** The commit that he looked at. */
  readonly commit: string;
}

export type Conclusion = 'success' | 'failure' | 'neutral';

export interface Annotation {
  readonly path: string;
  readonly line: number;
  readonly level: 'failure' | 'warning';
  readonly title: string;
  readonly message: string;
}

/** A check of one commit, by its name. */
export interface Check {
  readonly name: string;
  readonly commit: string;
  readonly conclusion: Conclusion;
  readonly title: string;
  /** Markdown. */
  readonly summary: string;
  /** What programs read of it. */
  readonly record: string;
  readonly annotations: readonly Annotation[];
}

/** A check that is there. */
export interface KnownCheck {
  /** Who made it: `github-actions`, or an App of one's own. */
  readonly app: string;
  readonly conclusion: string;
  readonly title: string;
  readonly summary: string;
  readonly record: string;
}

/** Who had a hand in a pull request, as logins: whoever pushed to it, and whom its commits name, which anybody may write. */
export type Pushers =
  | { readonly is: 'known'; readonly people: readonly string[] }
  /** It is not known of all that is in it. */
  | { readonly is: 'unknown'; readonly why: string; readonly hint: string };

export type Permission = 'admin' | 'write' | 'read' | 'none';

/**
 * Where pull requests live. Nothing of a pull request is run or believed: what it says is text.
 *
 * Every function throws a Failure (RC602, exit 1) when the forge does not do it: without permission the hint says which.
 */
export interface Forge {
  readonly repository: string;
  pullRequest(number: number): Promise<PullRequest>;
  openPullRequests(baseRef: string): Promise<readonly PullRequest[]>;
  /** Those that a commit of the default branch came from. Just after a merge it may not know them yet. */
  pullRequestsOf(commit: string): Promise<readonly PullRequest[]>;
  /** Those that were merged last, into any branch without one: not all. */
  mergedLast(baseRef: string | undefined): Promise<readonly PullRequest[]>;
  /** The first lines of its commits, the oldest first, without merges. */
  subjectsOf(number: number): Promise<readonly string[]>;
  /** Waits a few seconds for what the forge does not know yet of a commit that was made just now; false where it is older. */
  waitsFor(commit: string): Promise<boolean>;
  /** The last word of each. */
  reviews(number: number): Promise<readonly Review[]>;
  pushers(pull: PullRequest): Promise<Pushers>;
  /** The login of the person whose token this is; undefined where it is that of a bot. */
  self(): Promise<string | undefined>;
  comments(number: number): Promise<readonly Comment[]>;
  /** Writes a comment, over another one when `id` is given. */
  writeComment(number: number, body: string, id?: number): Promise<void>;
  /** Does nothing where it is gone. */
  removeComment(id: number): Promise<void>;
  /** Makes a check, or makes another of the same name and commit what this one says. */
  writeCheck(check: Check): Promise<void>;
  /** The newest first. */
  checks(commit: string, name: string): Promise<readonly KnownCheck[]>;
  permissionOf(login: string): Promise<Permission>;
  /** The open issues of bots, or of whoever's token this is, whose text begins with a marker, the first one first. */
  issuesWith(marker: string): Promise<readonly { readonly number: number; readonly body: string }[]>;
  /** Writes an issue, over another one when `number` is given. */
  writeIssue(title: string, body: string, number?: number): Promise<void>;
  closeIssue(number: number, last: string): Promise<void>;
  /** Who approved that this run may use an environment, by its name. */
  approvalsOf(environment: string): Promise<readonly string[]>;
}
