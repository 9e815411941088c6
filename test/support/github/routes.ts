import { OF_A_WHOLE_REPOSITORY } from './answers-repository.ts';
import { type Call, checkBody, found, type Need, pageOf, type Route } from './route.ts';
import { CHECK_ROUTES } from './routes-checks.ts';
import { HISTORY_ROUTES } from './routes-history.ts';
import { ISSUE_ROUTES, sorted } from './routes-issues.ts';
import { ApiError, addComment, hasPull, type Issue, isBehind, type Pull } from './state.ts';

/** Comments on pull requests are open to either scope, those on issues to one. */
function commentScopes(level: 'read' | 'write', issue: Issue): Need {
  return issue.pull ? [level, 'issues', 'pull-requests'] : [level, 'issues'];
}

function issueAsked({ state, parameters }: Call): Issue {
  return found(state.issues, parameters.issue_number);
}

function commentAsked({ state, parameters }: Call) {
  return found(state.comments, parameters.comment_id);
}

function pullAsked({ state, parameters }: Call): Issue & { readonly pull: Pull } {
  const issue = found(state.issues, parameters.pull_number);
  if (!hasPull(issue)) throw new ApiError(404, 'Not Found');
  return issue;
}

function commentNeeds(level: 'read' | 'write'): (call: Call) => Need {
  return (call) => commentScopes(level, found(call.state.issues, commentAsked(call).issue));
}

/** What the server answers, by operation. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    'repos/get',
    {
      needs: () => ['read'],
      answer: ({ state, answers }) => ({
        status: 200,
        body: { ...answers.repository(state.repository), ...OF_A_WHOLE_REPOSITORY },
      }),
    },
  ],
  [
    'rate-limit/get',
    {
      needs: () => ['read'],
      answer: ({ answers, token }) => ({ status: 200, body: answers.rateLimit(token) }),
    },
  ],
  [
    'users/get-authenticated',
    {
      needs: () => ['read'],
      answer({ answers, token }) {
        if (!token) throw new ApiError(401, 'Requires authentication');
        if (token.app) throw new ApiError(403, 'Resource not accessible by integration');
        return { status: 200, body: answers.self(token.account) };
      },
    },
  ],
  [
    'repos/get-collaborator-permission-level',
    {
      needs: () => ['read'],
      answer({ state, answers, parameters }) {
        const login = String(parameters.username);
        if (!state.accounts.has(login)) throw new ApiError(404, 'Not Found');
        return { status: 200, body: answers.permission(login) };
      },
    },
  ],
  [
    'actions/get-reviews-for-run',
    {
      needs: () => ['read', 'actions'],
      answer: ({ state, answers, parameters }) => ({
        status: 200,
        body: found(state.approvals, parameters.run_id).map(answers.approval),
      }),
    },
  ],

  [
    'pulls/list',
    {
      heeds: ['state', 'head', 'base', 'sort', 'direction'],
      needs: () => ['read', 'pull-requests'],
      answer(call) {
        const { state: wanted = 'open', head, base } = call.parameters;
        const isLate = wanted === 'closed' && isBehind(call.state, 'closed pull requests');
        const pulls = isLate ? [] : sorted(call).filter(hasPull);
        return pageOf(
          call,
          pulls.filter(
            ({ closed, pull }) =>
              (wanted === 'all' || (wanted === 'closed') === (closed !== undefined)) &&
              (head === undefined || head === `${pull.head.repository.owner.login}:${pull.head.branch}`) &&
              (base === undefined || base === pull.base.branch),
          ),
          call.answers.pullSimple,
        );
      },
    },
  ],
  [
    'pulls/get',
    {
      needs: () => ['read', 'pull-requests'],
      answer: (call) => ({ status: 200, body: call.answers.pull(pullAsked(call)) }),
    },
  ],
  [
    'pulls/list-commits',
    {
      needs: () => ['read', 'pull-requests'],
      // The first ones, however many there are.
      answer: (call) => pageOf(call, pullAsked(call).pull.commits.slice(0, 250), call.answers.commit),
    },
  ],
  [
    'pulls/list-reviews',
    {
      needs: () => ['read', 'pull-requests'],
      answer(call) {
        const { number, pull } = pullAsked(call);
        return pageOf(call, pull.reviews, (review) => call.answers.review(number, review));
      },
    },
  ],
  [
    'issues/list-comments',
    {
      heeds: ['since'],
      needs: (call) => commentScopes('read', issueAsked(call)),
      answer(call) {
        const { number } = issueAsked(call);
        const since = Date.parse(String(call.parameters.since ?? '1970-01-01T00:00:00Z'));
        const comments = [...call.state.comments.values()].filter(
          ({ issue, updatedAt }) => issue === number && updatedAt >= since,
        );
        return pageOf(call, comments, call.answers.comment);
      },
    },
  ],
  [
    'issues/create-comment',
    {
      heeds: ['body'],
      needs: (call) => commentScopes('write', issueAsked(call)),
      answer(call) {
        const { state, answers, token } = call;
        const body = String(call.body.body);
        checkBody('IssueComment', body);
        if (!token) throw new ApiError(401, 'Requires authentication');
        return { status: 201, body: answers.comment(addComment(state, issueAsked(call), token, body)) };
      },
    },
  ],
  [
    'issues/get-comment',
    {
      needs: commentNeeds('read'),
      answer: (call) => ({ status: 200, body: call.answers.comment(commentAsked(call)) }),
    },
  ],
  [
    'issues/update-comment',
    {
      heeds: ['body'],
      needs: commentNeeds('write'),
      answer(call) {
        const comment = commentAsked(call);
        const body = String(call.body.body);
        checkBody('IssueComment', body);
        comment.body = body;
        comment.updatedAt = call.state.now();
        return { status: 200, body: call.answers.comment(comment) };
      },
    },
  ],
  [
    'issues/delete-comment',
    {
      needs: commentNeeds('write'),
      answer(call) {
        call.state.comments.delete(commentAsked(call).id);
        return { status: 204 };
      },
    },
  ],
  ...HISTORY_ROUTES,
  ...ISSUE_ROUTES,
  ...CHECK_ROUTES,
]);
