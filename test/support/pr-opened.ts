import { expect } from 'vitest';
import type { Permissions } from './github/state.ts';
import { group, type PrDesk, prDesk } from './pr-desk.ts';

/** A desk whose store has what is merged, and a pull request of bo that makes a group. */
export async function opened(
  permissions?: Permissions,
  branch = 'readers',
): Promise<{ desk: PrDesk; n: number }> {
  const desk = await prDesk({}, permissions);
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  return { desk, n: open(desk, branch) };
}

/** Pushes a branch with one file and opens a pull request of it. */
export function open({ github }: PrDesk, branch: string, text = group(branch, ['bo'])): number {
  github.push({ by: 'bo', branch, files: { [`access/${branch}.yaml`]: text } });
  return github.openPullRequest({ author: 'bo', branch, title: `Please: ${branch}` });
}

/** The requests that wrote something, with their status. */
export function written({ github }: PrDesk): string[] {
  return github.log
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path, status }) => `${method} ${path.replace('/repos/acme/access', '')} ${status}`);
}

/** Pushes to a branch; gives its new head. */
export function headOf(
  { github }: PrDesk,
  branch: string,
  files: Readonly<Record<string, string | null>>,
): string {
  return github.push({ by: 'bo', branch, files }).after;
}
