import { type Call, checkBody, found, pageOf, type Route } from './route.ts';
import { ApiError, type CloseReason, type Issue, nextNumber, type State } from './state.ts';

/** All issues and pull requests in the order that was asked for, the newest first without one. */
export function sorted({ state, parameters }: Call): Issue[] {
  const time = parameters.sort === 'updated' ? 'updatedAt' : 'createdAt';
  const sign = parameters.direction === 'asc' ? 1 : -1;
  return [...state.issues.values()].sort((a, b) => sign * (a[time] - b[time] || a.number - b.number));
}

/** The names of labels as they were given, each made if it does not exist. */
function labelled(state: State, labels: unknown): string[] {
  const names = (labels as readonly (string | { readonly name: string })[]).map((label) =>
    typeof label === 'string' ? label : label.name,
  );
  for (const name of names) if (!state.labels.has(name)) state.labels.set(name, state.nextId());
  return [...new Set(names)];
}

export const ISSUE_ROUTES: readonly (readonly [string, Route])[] = [
  [
    // Pull requests are among them.
    'issues/list-for-repo',
    {
      heeds: ['state', 'labels', 'creator', 'sort', 'direction', 'since'],
      needs: () => ['read', 'issues'],
      answer(call) {
        const { state: wanted = 'open', labels = '', creator, since, sort } = call.parameters;
        if (sort === 'comments') throw new Error('sort=comments is not modelled');
        const names = String(labels)
          .split(',')
          .filter((name) => name !== '');
        const issues = sorted(call).filter(
          (issue) =>
            (wanted === 'all' || (wanted === 'closed') === (issue.closed !== undefined)) &&
            names.every((name) => issue.labels.includes(name)) &&
            (creator === undefined || creator === issue.author.login) &&
            (since === undefined || issue.updatedAt >= Date.parse(String(since))),
        );
        return pageOf(call, issues, call.answers.issue);
      },
    },
  ],
  [
    'issues/create',
    {
      heeds: ['title', 'body', 'labels'],
      needs: () => ['write', 'issues'],
      answer({ state, answers, body: given, token }) {
        if (!token) throw new ApiError(401, 'Requires authentication');
        const { title, body = null, labels = [] } = given;
        checkTitle(String(title));
        if (body !== null) checkBody('Issue', String(body));
        const at = state.now();
        const issue: Issue = {
          number: nextNumber(state),
          id: state.nextId(),
          author: token.account,
          app: token.app,
          title: String(title),
          body: body === null ? null : String(body),
          labels: labelled(state, labels),
          createdAt: at,
          updatedAt: at,
          closed: undefined,
          pull: undefined,
        };
        state.issues.set(issue.number, issue);
        return { status: 201, body: answers.issue(issue) };
      },
    },
  ],
  [
    'issues/update',
    {
      heeds: ['title', 'body', 'state', 'state_reason', 'labels'],
      needs: ({ state, parameters }) =>
        found(state.issues, parameters.issue_number).pull
          ? ['write', 'issues', 'pull-requests']
          : ['write', 'issues'],
      answer({ state, answers, body: given, token, parameters }) {
        if (!token) throw new ApiError(401, 'Requires authentication');
        const issue = found(state.issues, parameters.issue_number);
        const { title, body, labels, state: wanted, state_reason: reason } = given;
        if (title !== undefined) checkTitle(String(title));
        if (typeof body === 'string') checkBody('Issue', body);
        issue.updatedAt = state.now();
        if (title !== undefined) issue.title = String(title);
        if (body !== undefined) issue.body = body === null ? null : String(body);
        if (labels !== undefined) issue.labels = labelled(state, labels);
        if (wanted === 'open') issue.closed = undefined;
        if (wanted === 'closed') {
          const why = (reason ?? 'completed') as CloseReason;
          issue.closed = { by: token.account, at: issue.updatedAt, reason: why };
        }
        return { status: 200, body: answers.issue(issue) };
      },
    },
  ],
];

function checkTitle(title: string): void {
  const problem = title.trim() === '' ? 'missing_field' : title.length > 256 ? 'custom' : undefined;
  if (problem === undefined) return;
  throw new ApiError(422, 'Validation Failed', [
    {
      resource: 'Issue',
      code: problem,
      field: 'title',
      ...(problem === 'custom' ? { message: 'title is too long (maximum is 256 characters)' } : {}),
    },
  ]);
}
