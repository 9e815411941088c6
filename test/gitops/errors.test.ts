import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { commitFiles } from '../support/git-repository.ts';
import { ALL } from '../support/github/desk.ts';
import type { Fault } from '../support/github/faults.ts';
import type { Permissions } from '../support/github/state.ts';
import { group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const CHECK = /\/check-runs$/;
const COMMENTS = /\/issues\/\d+\/comments$/;

/** A desk whose store has what is merged, and a pull request that makes a group. */
async function opened(permissions?: Permissions, branch = 'readers'): Promise<{ desk: PrDesk; n: number }> {
  const desk = await prDesk({}, permissions);
  expect((await desk.iam('pr apply')).exit).toBe(0);
  return { desk, n: open(desk, branch) };
}

function open({ github }: PrDesk, branch: string, text = group(branch, ['bo'])): number {
  github.push({ by: 'bo', branch, files: { [`access/${branch}.yaml`]: text } });
  return github.openPullRequest({ author: 'bo', branch, title: `Please: ${branch}` });
}

/** The requests that wrote something, with their status. */
function written({ github }: PrDesk): string[] {
  return github.log
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path, status }) => `${method} ${path.replace('/repos/acme/access', '')} ${status}`);
}

describe('what the token may not do is said, and the rest is done', () => {
  test('no comments: the check is written', async () => {
    const { desk, n } = await opened({ ...ALL, 'pull-requests': 'read', issues: 'none' });
    const ran = await desk.iam(`pr plan --pr ${n}`);
    expect(ran).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /^error RC602: GitHub, acme\/access: .*comments.*\(403\)\n {2}the job needs "permissions: pull-requests: write"\n#2: 1 to create/m,
      ),
    });
    expect(written(desk)).toEqual([`POST /issues/${n}/comments 403`, 'POST /check-runs 201']);
  });
});
