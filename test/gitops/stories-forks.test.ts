import { describe, expect, test } from 'vitest';
import { approversOf } from '../../src/gitops/approved-head.ts';
import type { Forge, Permission, Review } from '../../src/gitops/forge.ts';
import { binding, group, type PrDesk, prDesk, WORLD } from '../support/pr-desk.ts';

const STAFF = { 'access/staff.yaml': group('staff', []).replace(', members: []', '') };
const BOUND = {
  'access/bound.yaml': binding('staff', 'workspace-member', '{kind: Group, name: staff}'),
};

/** Opens a pull request of a fork by fay, who may do nothing here. */
function forked(desk: PrDesk, files: Readonly<Record<string, string>>): number {
  desk.github.people({ fay: 'none' });
  desk.github.fork('fay');
  desk.github.push({ by: 'fay', branch: 'more', files, fork: true });
  return desk.github.openPullRequest({ author: 'fay', branch: 'more', fork: true, title: 'more' });
}

/** A group whose members an identity provider keeps in the store: eve. A fork binds it. */
async function provided() {
  const desk = await prDesk(STAFF);
  await desk.apply();
  expect((await desk.iam('apply --manager idp --adopt -f -', { stdin: group('staff', ['eve']) })).exit).toBe(
    0,
  );
  const n = forked(desk, BOUND);
  return { desk, n };
}

const asked = (desk: PrDesk, n: number) => desk.iam(`pr plan --pr ${n} --approved-forks`);

describe('a fork whose head somebody approved', () => {
  test('is planned against the store where that is asked for: with what only the store knows, and applied as that', async () => {
    const { desk, n } = await provided();
    await desk.plan(n);
    const [files = ''] = await desk.comments(n);
    expect(files).toContain(
      'files against files. It can be planned against the store once somebody else who may write to the repository approves of this head',
    );
    expect(files).not.toContain('eve');
    desk.github.approve('ana', n);
    // Nobody asked for it yet.
    await desk.plan(n);
    expect((await desk.comments(n))[0]).toBe(files);
    const planned = await asked(desk, n);
    expect([planned.exit, planned.stderr]).toEqual([
      0,
      `#${n}: 1 to create, 0 to update, 0 to delete, 6 unchanged\n`,
    ]);
    const [stored = '', ...more] = await desk.comments(n);
    expect(more).toEqual([]);
    expect(stored).toMatch(/What merging this pull request does to store `\w{8}`/);
    expect(stored).toContain('| eve `eve@acme.example` | **gains** workspace-member');
    // It is the same plan, of which more is known.
    expect(stored).not.toContain('Planned again');
    const digest = /digest `(sha256:\w{64})`/.exec(stored)?.[1];
    desk.github.merge(n, { by: 'ana', method: 'squash' });
    await desk.apply();
    expect((await desk.comments(n))[1]).toContain(`digest \`${digest}\``);
    expect(JSON.parse((await desk.iam('history show 3 -o json')).stdout)).toMatchObject({
      actor: 'github:fay',
      approvers: ['ana'],
      review: 'verified',
    });
    expect((await desk.iam('can-i eve workspace-member -n acme')).exit).toBe(0);
  });

  test('and that is pushed to again is planned files against files again, and what came is in no record', async () => {
    const { desk, n } = await provided();
    desk.github.approve('ana', n);
    expect((await asked(desk, n)).exit).toBe(0);
    desk.github.push({ by: 'fay', branch: 'more', files: { 'README.md': 'More.\n' }, fork: true });
    // Whatever store there is, it is not asked.
    const env = { IAM_STORE: 'postgres://127.0.0.1:9/none' };
    const again = await desk.iam(`pr plan --pr ${n} --approved-forks`, { env });
    expect([again.exit, again.stderr]).toEqual([
      0,
      expect.stringMatching(/not against the store: nobody else who may write has approved of \w{12}\n$/),
    ]);
    const [comment] = await desk.comments(n);
    expect(comment).toContain('files against files');
    expect(comment).not.toContain('eve');
    desk.github.merge(n, { by: 'ana' });
    expect((await desk.apply(3)).stderr).toContain(
      'access of eve <eve@acme.example> that was not to be seen',
    );
  });

  test('keeps what was said with the store when it is planned without it once more', async () => {
    const { desk, n } = await provided();
    desk.github.approve('ana', n);
    await asked(desk, n);
    const said = await desk.comments(n);
    // The title is edited: the workflow for forks has no store.
    const { exit, stderr } = await desk.iam(`pr plan --pr ${n}`, { env: { IAM_STORE: '' } });
    expect([exit, stderr]).toEqual([
      0,
      expect.stringContaining('with what the store adds it is told already\n'),
    ]);
    expect(await desk.comments(n)).toEqual(said);
    // Once the base moves, that is stale, and told anew.
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'More.\n' } });
    await desk.iam(`pr plan --pr ${n}`, { env: { IAM_STORE: '' } });
    expect((await desk.comments(n))[0]).toContain('files against files');
    await desk.iam('pr plan --all --approved-forks');
    expect((await desk.comments(n))[0]).toContain('| eve `eve@acme.example` | **gains** workspace-member');
  });

  test.each([
    ['by somebody who may only read', (desk: PrDesk, n: number) => desk.github.approve('dee', n)],
    [
      'and took that back',
      (desk: PrDesk, n: number) => {
        desk.github.approve('ana', n);
        desk.github.requestChanges('ana', n);
      },
    ],
    [
      'and it was dismissed',
      (desk: PrDesk, n: number) => {
        desk.github.approve('ana', n);
        desk.github.dismiss('ana', n);
      },
    ],
  ])('%s: does not count', async (_how, act) => {
    const { desk, n } = await provided();
    act(desk, n);
    expect((await asked(desk, n)).stderr).toContain('not against the store: nobody else who may write');
    expect((await desk.comments(n))[0]).not.toContain('eve');
  });

  test('by its author, or a bot: does not count', async () => {
    const head = 'a'.repeat(40);
    const forge = (reviews: readonly Review[], permission: Permission) =>
      ({ reviews: async () => reviews, permissionOf: async () => permission }) as Partial<Forge> as Forge;
    const approved = (author: string, commit = head, isApproval = true) =>
      approversOf(forge([{ author, isApproval, commit }], 'write'), { number: 1, head, author: 'Fay' });
    expect(await approved('ana')).toEqual(['ana']);
    expect(await approved('fay')).toEqual([]);
    expect(await approved('github-actions[bot]')).toEqual([]);
    expect(await approved('ana', 'b'.repeat(40))).toEqual([]);
    expect(await approved('ana', head, false)).toEqual([]);
    const read = forge([{ author: 'ana', isApproval: true, commit: head }], 'read');
    expect(await approversOf(read, { number: 1, head, author: 'fay' })).toEqual([]);
  });
});

describe('an override on a fork', () => {
  const CAUTIOUS = WORLD.replace(
    'owners: {minimum: 1}',
    'owners: {minimum: 1}, guards: {maxPrivilegedGains: 0}',
  );
  const OWNS = { 'access/eve.yaml': binding('eve-owns', 'workspace-owner', '{name: eve}') };

  test('is answered once it is planned against the store, before the merge', async () => {
    // Who pushed to a fork a token of another repository may see where it is public.
    const desk = await prDesk({ 'access/world.yaml': CAUTIOUS }, undefined, { private: false });
    await desk.apply();
    const n = forked(desk, OWNS);
    await desk.plan(n, 3);
    const [files = ''] = await desk.comments(n);
    expect(files).toContain('**refused RC211**');
    // Its digest would be another one.
    expect(files).not.toContain('iam override');
    expect(files).toContain(
      'What lets a refusal pass is said, and answered, once this is planned against the store.',
    );
    desk.github.approve('cy', n);
    expect((await asked(desk, n)).exit).toBe(3);
    const [order = ''] = /iam override RC211 sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
    desk.github.comment('cy', n, order);
    expect((await asked(desk, n)).exit).toBe(3);
    expect((await desk.comments(n))[0]).toContain('the override of RC211 by cy does not count');
    desk.github.comment('ana', n, order);
    expect((await asked(desk, n)).exit).toBe(0);
    expect((await desk.comments(n))[0]).toContain('overridden by ana');
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    expect((await desk.iam('can-i eve workspace-owner -n acme')).exit).toBe(0);
  });
});
