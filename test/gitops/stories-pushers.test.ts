import { describe, expect, test } from 'vitest';
import { ALL } from '../support/github/desk.ts';
import type { Permissions } from '../support/github/state.ts';
import { binding, type PrDesk, prDesk, WORLD } from '../support/pr-desk.ts';

const OWNS = { 'access/eve.yaml': binding('eve-owns', 'workspace-owner', '{name: eve}') };
const CONFIG = `apiVersion: rolecall.dev/v1alpha1
kind: GitOps
paths: [access]
prune: true
people: {ana: ana, bo: bo}
overrides: {RC211: [ana, bo, cy]}
app: rolecall
`;

/** An address of nobody. */
const HOME = { name: 'Ana', email: 'ana@home.example', at: Date.parse('2026-11-24T11:00:00Z') };

/** A workspace in which nobody may gain a privileged role without somebody who answers for it. */
async function guarded(
  permissions: Permissions = ALL,
  options: { readonly private?: boolean } = {},
): Promise<PrDesk> {
  const guards = 'owners: {minimum: 1}, guards: {maxPrivilegedGains: 0}';
  const files = {
    '.rolecall/gitops.yaml': CONFIG,
    'access/world.yaml': WORLD.replace('owners: {minimum: 1}', guards),
  };
  const desk = await prDesk(files, permissions, options);
  await desk.apply();
  return desk;
}

/** Somebody lets the plan of a pull request pass; what it says then, and the test fails when it does not end with this status. */
async function overridden(desk: PrDesk, n: number, by: string, exit: number): Promise<string> {
  await desk.plan(n, 3);
  const [digest] = /sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
  desk.github.comment(by, n, `iam override RC211 ${digest}`);
  await desk.plan(n, exit);
  return (await desk.comments(n))[0] ?? '';
}

const FROM_CY = 'cy does not count: cy wrote or pushed commits of the pull request';

describe('an override does not count of somebody', () => {
  test('who pushed a commit in the name of another', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    desk.github.push({ by: 'cy', branch: 'eve', files: { 'README.md': 'Well.\n' }, author: HOME });
    expect(await overridden(desk, n, 'cy', 3)).toContain(FROM_CY);
    desk.github.merge(n, { by: 'ana' });
    desk.github.deleteBranch('ana', 'eve');
    // Who pushed to a branch that is gone is known as well.
    expect((await desk.apply(3)).stderr).toContain(FROM_CY);
    // Whose name a commit has says nothing: the address is nobody's.
    const [digest] = /sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
    desk.github.comment('ana', n, `iam override RC211 ${digest}`);
    await desk.apply();
  });

  test('who pushed, also when the author has pushed after him', async () => {
    const desk = await guarded();
    const n = desk.open('eve', { 'README.md': 'Well.\n' });
    desk.github.push({ by: 'cy', branch: 'eve', files: OWNS, author: HOME });
    desk.github.push({ by: 'bo', branch: 'eve', files: { 'README.md': 'Very well.\n' } });
    expect(await overridden(desk, n, 'cy', 3)).toContain(FROM_CY);
  });

  test('who pushed what was pushed over since', async () => {
    const desk = await guarded();
    const n = desk.open('eve', { 'README.md': 'Well.\n' });
    desk.github.push({ by: 'cy', branch: 'eve', files: OWNS, author: HOME });
    desk.github.forcePush({ by: 'bo', branch: 'eve', files: OWNS });
    expect(await overridden(desk, n, 'cy', 3)).toContain(FROM_CY);
  });

  test('who pushed many pages of pushes ago', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    desk.github.push({ by: 'cy', branch: 'eve', files: { 'README.md': 'Well.\n' }, author: HOME });
    desk.github.pushOften('bo', 'eve', 250);
    expect(await overridden(desk, n, 'cy', 3)).toContain(FROM_CY);
    const asked = desk.github.log.filter(({ path }) => path.includes('/activity?'));
    expect(asked).toHaveLength(3);
  });

  test('who pushed before it was opened', async () => {
    const desk = await guarded();
    desk.github.push({ by: 'cy', branch: 'eve', files: OWNS, author: HOME });
    const n = desk.open('eve', { 'README.md': 'Well.\n' });
    expect(await overridden(desk, n, 'cy', 3)).toContain(FROM_CY);
  });

  test('who wrote a commit that another pushed', async () => {
    const desk = await guarded();
    const n = desk.open('eve', { 'README.md': 'Well.\n' });
    const { id } = JSON.parse(await accountOf(desk, 'cy'));
    const author = { name: 'cy', email: `${id}+cy@users.noreply.github.com`, at: HOME.at };
    desk.github.push({ by: 'bo', branch: 'eve', files: OWNS, author });
    expect(await overridden(desk, n, 'cy', 3)).toContain(FROM_CY);
  });
});

/** What GitHub says of an account. */
async function accountOf(desk: PrDesk, user: string): Promise<string> {
  const headers = { authorization: `Bearer ${desk.github.token({}, { user })}`, accept: 'application/json' };
  return (await fetch(`${desk.github.url}/user`, { headers })).text();
}

describe('an override counts of somebody', () => {
  test('who pushed to another branch of that name, before', async () => {
    const desk = await guarded();
    const before = desk.open('eve', { 'README.md': 'Well.\n' }, 'cy');
    await desk.plan(before);
    desk.github.merge(before, { by: 'ana' });
    desk.github.deleteBranch('cy', 'eve');
    await desk.apply();
    const n = desk.open('eve', OWNS);
    expect(await overridden(desk, n, 'cy', 0)).toContain('**warning RC211**');
  });

  test('who only deletes the branch', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    await overridden(desk, n, 'ana', 0);
    desk.github.merge(n, { by: 'ana' });
    desk.github.deleteBranch('ana', 'eve');
    await desk.apply();
    expect((await desk.iam('can-i eve workspace-owner -n acme')).exit).toBe(0);
  });

  test('where a fork can be seen', async () => {
    const desk = await guarded(ALL, { private: false });
    const n = forked(desk);
    desk.github.merge(n, { by: 'ana' });
    const digest = await refusedDigest(desk);
    desk.github.comment('cy', n, `iam override RC211 ${digest}`);
    expect((await desk.apply(3)).stderr).toContain('cy does not count: cy opened the pull request');
    desk.github.comment('ana', n, `iam override RC211 ${digest}`);
    await desk.apply();
  });
});

/** A pull request of cy, of a fork. */
function forked({ github }: PrDesk): number {
  github.fork('cy');
  github.push({ by: 'cy', branch: 'eve', files: OWNS, fork: true });
  return github.openPullRequest({ author: 'cy', branch: 'eve', fork: true });
}

/** The digest that an apply refuses. */
async function refusedDigest(desk: PrDesk): Promise<string> {
  const { stderr } = await desk.apply(3);
  return /iam override RC211 (sha256:\w{64})/.exec(stderr)?.[1] ?? '';
}

describe('where it is not known who pushed, an override is void, and it is said what to do', () => {
  const unknown = (why: string) => `it is not known who pushed: ${why}`;

  test('GitHub has no push of the head', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    desk.github.forgetPushes('eve');
    const comment = await overridden(desk, n, 'ana', 3);
    expect(comment).toContain(unknown('GitHub tells of no push of '));
    expect(comment).toContain('push to it again; what is merged already: take it back, and open it anew');
    // The plan is the same, so what was said of it counts from then on.
    desk.github.push({ by: 'bo', branch: 'eve', files: { 'README.md': 'Well.\n' } });
    await desk.plan(n);
    expect((await desk.comments(n))[0]).toContain('**warning RC211**');
  });

  test('whoever pushed is gone', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    desk.github.push({ by: 'cy', branch: 'eve', files: { 'README.md': 'Well.\n' } });
    desk.github.forgetPushes('eve', 'cy');
    expect(await overridden(desk, n, 'ana', 3)).toContain(unknown('GitHub does not say who it was'));
  });

  test('the token may not see pushes', async () => {
    const desk = await guarded({ ...ALL, contents: 'none' });
    const n = desk.open('eve', OWNS);
    expect(await overridden(desk, n, 'ana', 3)).toContain(
      unknown('the token may not see pushes; the job needs "permissions: contents: read"'),
    );
  });

  test('it was pushed to more often than anybody looks through', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    desk.github.pushOften('bo', 'eve', 1001);
    expect(await overridden(desk, n, 'ana', 3)).toContain(unknown('its branch was pushed to too often'));
  });

  test('it is of a fork that the token may not see, or that is gone', async () => {
    const desk = await guarded();
    const n = forked(desk);
    desk.github.merge(n, { by: 'ana' });
    desk.github.comment('ana', n, `iam override RC211 ${await refusedDigest(desk)}`);
    const ran = await desk.apply(3);
    expect(ran.stderr).toContain(unknown('the token may not see cy/access'));
    expect(ran.stderr).toContain('push it to a branch of this repository, and open it anew');
    desk.github.deleteFork('cy');
    expect((await desk.apply(3)).stderr).toContain(unknown('its fork is gone'));
  });

  test('an outage is none of this: it is tried again, and then an error', async () => {
    const desk = await guarded();
    const n = desk.open('eve', OWNS);
    desk.github.fault({ with: 503, path: /\/activity$/ });
    await overridden(desk, n, 'ana', 0);
    desk.github.fault({ with: 'secondary limit', path: /\/activity$/, times: 99 });
    const ran = await desk.iam(`pr plan --pr ${n}`);
    expect([ran.exit, ran.stderr]).toEqual([
      1,
      expect.stringMatching(
        /error RC602: GitHub: GET .*\/activity: .*secondary rate limit.*\n {2}try again later/,
      ),
    ]);
  });
});

test('an override does not count within what iam itself writes, with the token of whoever may', async () => {
  const desk = await guarded();
  const n = desk.open('eve', OWNS);
  await desk.plan(n, 3);
  const [digest] = /sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
  desk.github.comment('ana', n, `<!-- rolecall:other:1 -->\n\niam override RC211 ${digest}\n`);
  await desk.plan(n, 3);
  expect((await desk.comments(n))[0]).toContain('it begins as what iam itself writes');
});

test('who pushed is asked only where a comment would count otherwise', async () => {
  const desk = await guarded();
  const n = desk.open('eve', OWNS);
  await desk.plan(n, 3);
  const asked = () => desk.github.log.filter(({ path }) => path.includes('/activity?')).length;
  desk.github.comment('dee', n, `iam override RC211 sha256:${'0'.repeat(64)}`);
  await desk.plan(n, 3);
  expect(asked()).toBe(0);
  await overridden(desk, n, 'ana', 0);
  expect(asked()).toBe(1);
});
