import { isAncestor } from './merges.ts';
import { type Call, commitOf, cursorPageOf, pageOf, type Route } from './route.ts';
import { sorted } from './routes-issues.ts';
import { fullName } from './site.ts';
import { hasPull, isBehind } from './state.ts';

/** What is told of commits, and of who pushed them. */
export const HISTORY_ROUTES: readonly (readonly [string, Route])[] = [
  [
    'repos/get-commit',
    {
      needs: () => ['read', 'contents'],
      answer(call) {
        const sha = commitOf(call.state, String(call.parameters.ref));
        return { status: 200, body: call.answers.commit(sha) };
      },
    },
  ],
  [
    'repos/list-pull-requests-associated-with-commit',
    {
      needs: () => ['read', 'pull-requests'],
      answer(call) {
        const { path, defaultBranch } = call.state.repository;
        const sha = commitOf(call.state, String(call.parameters.commit_sha));
        if (isBehind(call.state, 'origins')) return pageOf(call, [], call.answers.pullSimple);
        const pulls = sorted(call).filter(hasPull);
        // Of what is merged GitHub names the pull request that brought it, else all that have it and may yet.
        const brought = pulls.filter(({ pull }) => pull.merged?.introduced.includes(sha));
        const having = pulls.filter(
          ({ closed, pull }) => (pull.merged || !closed) && pull.commits.includes(sha),
        );
        const merged = isAncestor(path, sha, defaultBranch);
        return pageOf(call, merged ? brought : having, call.answers.pullSimple);
      },
    },
  ],
  [
    // Also of branches that are gone.
    'repos/list-activities',
    {
      heeds: ['ref', 'direction', 'after'],
      isOfForks: true,
      needs: (call) => (isOurs(call) ? ['read', 'contents'] : ['read']),
      answer(call) {
        const { ref, direction = 'desc', owner, repo } = call.parameters;
        const named = `${owner}/${repo}`.toLowerCase();
        const pushes = call.state.pushes.filter(
          ({ repository, branch }) =>
            fullName(repository).toLowerCase() === named &&
            (ref === undefined || [branch, `refs/heads/${branch}`].includes(String(ref))),
        );
        if (direction === 'desc') pushes.reverse();
        return cursorPageOf(call, pushes, call.answers.activity);
      },
    },
  ],
];

function isOurs({ state, parameters: { owner, repo } }: Call): boolean {
  return fullName(state.repository).toLowerCase() === `${owner}/${repo}`.toLowerCase();
}
