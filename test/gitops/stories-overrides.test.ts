import { describe, expect, test } from 'vitest';
import { tipOf } from '../support/git-repository.ts';
import { ALL, clientOf, REPO } from '../support/github/desk.ts';
import { binding, group, type PrDesk, prDesk, WORLD } from '../support/pr-desk.ts';

const OWNS = { 'access/eve.yaml': binding('eve-owns', 'workspace-owner', '{name: eve}') };

const CONFIG = `apiVersion: rolecall.dev/v1alpha1
kind: GitOps
paths: [access]
prune: true
people: {ana: ana, bo: bo}
overrides: {RC211: [ana, bo, cy, dee, rolecall]}
environment: production
app: rolecall
`;

/** A workspace in which nobody may gain a privileged role without somebody who answers for it, and a pull request by bo of one. */
async function refused(config = CONFIG, files: Readonly<Record<string, string>> = OWNS) {
  const desk = await prDesk({
    '.rolecall/gitops.yaml': config,
    'access/world.yaml': WORLD.replace(
      'owners: {minimum: 1}',
      'owners: {minimum: 1}, guards: {maxPrivilegedGains: 0}',
    ),
  });
  desk.github.people({ fay: 'write' });
  await desk.apply();
  const n = desk.open('eve', files);
  await desk.plan(n, 3);
  const [comment = ''] = await desk.comments(n);
  return { desk, n, comment, digest: /digest `(sha256:\w{64})`/.exec(comment)?.[1] ?? '' };
}

async function eveOwns(desk: PrDesk): Promise<boolean> {
  return (await desk.iam('can-i eve workspace-owner -n acme')).exit === 0;
}

describe('a comment of somebody who may', () => {
  test('lets a soft refusal pass: in the plan, once merged, in the history', async () => {
    const { desk, n, comment, digest } = await refused();
    const head = tipOf(desk.repository, 'eve') ?? '';
    const order = `iam override RC211 ${digest}`;
    expect(comment).toContain('**refused RC211**');
    expect(comment).toContain(`to let it pass: \`${order}\``);
    expect(await desk.check(head)).toMatchObject({
      conclusion: 'failure',
      title: expect.stringContaining('RC211'),
    });
    desk.github.comment('ana', n, `She is to.\n\n${order}\n`);
    // A comment is an event, and so it is planned again.
    const event = { issue: { number: n, pull_request: {} }, comment: { body: order } };
    const planned = await desk.iam('pr plan', { env: { GITHUB_EVENT_PATH: desk.event(event) } });
    expect(planned.exit).toBe(0);
    const [passed] = await desk.comments(n);
    expect(passed).toContain('**warning RC211**');
    expect(passed).toContain(`overridden by ana: pull request \`#${n}\``);
    expect((await desk.check(head))?.conclusion).toBe('success');
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    expect(await eveOwns(desk)).toBe(true);
    const { stdout } = await desk.iam('history show 2');
    expect(stdout).toContain(`RC211, answered for by ana in a comment: eve (#${n})`);
    expect(stdout).toMatch(/^ {2}by {9}bo \(verified\)$/m);
  });

  test('holds once: the same plan again is refused again', async () => {
    const { desk, n, digest } = await refused();
    const order = `iam override RC211 ${digest}`;
    desk.github.comment('ana', n, order);
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    const back = desk.open('back', { 'access/eve.yaml': null });
    await desk.plan(back);
    desk.github.merge(back, { by: 'ana' });
    await desk.apply();
    const again = desk.open('again', OWNS);
    desk.github.comment('ana', again, order);
    await desk.plan(again, 3);
    expect((await desk.comments(again))[0]).toContain(
      'the override of RC211 does not count: it was used for revision 2, and holds once',
    );
    desk.github.merge(again, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toMatch(/error RC211: [\s\S]*warning RC606: .*it was used for revision 2/);
    expect(await eveOwns(desk)).toBe(false);
  });

  test('also after the merge, when it is applied again; what he may is asked then', async () => {
    const { desk, n, digest } = await refused();
    desk.github.comment('ana', n, `iam override RC211 ${digest}`);
    await desk.plan(n);
    desk.github.people({ ana: 'read' });
    desk.github.merge(n, { by: 'cy' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain(
      'the override of RC211 by ana does not count: ana may not write to the repository (read)',
    );
    expect((await desk.comments(n))[1]).toContain('ana may not write to the repository');
    expect(await eveOwns(desk)).toBe(false);
    desk.github.people({ ana: 'admin' });
    await desk.apply();
    expect((await desk.comments(n))[1]).toContain('### Applied to');
    expect(await eveOwns(desk)).toBe(true);
  });
});

describe('a comment is void', () => {
  test.each([
    ['bo', 'of the author', 'bo opened the pull request'],
    ['cy', 'of somebody who pushed', 'cy wrote or pushed commits of the pull request'],
    ['dee', 'of somebody who may only read', 'dee may not write to the repository (read)'],
    ['fay', 'of somebody who is not listed', 'fay is not among those who may override RC211'],
  ])('of %s: %s', async (login, _what, why) => {
    const { desk, n } = await refused();
    desk.github.push({ by: 'cy', branch: 'eve', files: { 'README.md': 'Eve is to own.\n' } });
    await desk.plan(n, 3);
    const [digest] = /sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
    desk.github.comment(login, n, `iam override RC211 ${digest}`);
    await desk.plan(n, 3);
    const [comment] = await desk.comments(n);
    expect(comment).toContain('**refused RC211**');
    expect(comment).toContain(`**warning RC606**: the override of RC211 by ${login} does not count: ${why}`);
    desk.github.merge(n, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain(why);
    expect(await eveOwns(desk)).toBe(false);
  });

  test('of a bot', async () => {
    const { desk, n, digest } = await refused();
    const bot = clientOf(desk.github, desk.github.token(ALL));
    await bot.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...REPO,
      issue_number: n,
      body: `iam override RC211 ${digest}`,
    });
    await desk.plan(n, 3);
    expect((await desk.comments(n)).join('\n')).toContain('is a bot');
  });

  test('once it was edited, whoever did, and whatever it said before', async () => {
    const { desk, n, digest } = await refused();
    const order = `iam override RC211 ${digest}`;
    const id = desk.github.comment('ana', n, order);
    await desk.plan(n);
    desk.github.editComment(id, `${order}\n`);
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain('by ana does not count: the comment was edited');
    desk.github.merge(n, { by: 'ana' });
    await desk.apply(3);
    // A new one is needed.
    desk.github.comment('ana', n, order);
    await desk.apply();
    expect(await eveOwns(desk)).toBe(true);
  });

  test('of its author on another pull request, with which it is applied', async () => {
    const { desk, n, digest } = await refused();
    desk.github.merge(n, { by: 'ana' });
    await desk.apply(3);
    const other = desk.open('readme', { 'README.md': 'More.\n' }, 'ana');
    await desk.plan(other);
    desk.github.merge(other, { by: 'ana' });
    desk.github.comment('bo', other, `iam override RC211 ${digest}`);
    await desk.apply(3);
    expect(await eveOwns(desk)).toBe(false);
    // Somebody who wrote none of both may.
    desk.github.comment('cy', other, `iam override RC211 ${digest}`);
    await desk.apply();
    expect(await eveOwns(desk)).toBe(true);
  });

  test('for another plan, or within other words', async () => {
    const { desk, n, digest } = await refused();
    desk.github.comment('ana', n, `iam override RC211 sha256:${'0'.repeat(64)}`);
    desk.github.comment('ana', n, `Somebody should say iam override RC211 ${digest}`);
    desk.github.comment('ana', n, `> iam override RC211 ${digest}`);
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain(
      'the override of RC211 by ana does not count: it is for another plan than this',
    );
  });

  test('once, and soon, however often and long it is said', async () => {
    const { desk, n } = await refused();
    const order = `iam override RC211 sha256:${'0'.repeat(64)}\n`;
    desk.github.comment('ana', n, `.${'\n'.repeat(65_000)}.`);
    desk.github.comment('ana', n, `.\n${`${' '.repeat(600)}iam override\n`.repeat(100)}`);
    desk.github.comment('ana', n, order.repeat(600));
    desk.github.comment('ana', n, order);
    const began = performance.now();
    const { stderr } = await desk.plan(n, 3);
    // To look for it at each line again, from there to the end, took seconds.
    expect(performance.now() - began).toBeLessThan(2500);
    expect(stderr.match(/RC606/g) ?? []).toEqual([]);
    expect((await desk.comments(n))[0]?.match(/RC606/g)).toHaveLength(1);
  });

  test('for a soft code that nobody is listed for', async () => {
    const { desk, n, comment, digest } = await refused(CONFIG.replace('RC211', 'RC201'));
    expect(comment).not.toContain('to let it pass');
    desk.github.comment('ana', n, `iam override RC211 ${digest}`);
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain('ana is not among those who may override RC211');
  });

  test('of somebody whom only the pull request itself lists', async () => {
    const files = { ...OWNS, '.rolecall/gitops.yaml': CONFIG.replace('[ana,', '[fay, ana,') };
    const { desk, n, digest } = await refused(CONFIG, files);
    desk.github.comment('fay', n, `iam override RC211 ${digest}`);
    await desk.plan(n, 3);
    desk.github.merge(n, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain('fay is not among those who may override RC211');
  });
});

describe('a hard refusal', () => {
  /** Takes away the only owner. */
  const NOBODY = { 'access/world.yaml': WORLD.replace(/---\n[^-]*name: owners[\s\S]*/, '') };

  test('passes only by an approval of the environment', async () => {
    const { desk, n, comment, digest } = await refused(CONFIG, NOBODY);
    expect(comment).toContain('**refused RC205**');
    expect(comment).toContain('an approval of the environment production');
    desk.github.comment('ana', n, `iam override RC205 ${digest}`);
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain(
      'the override of RC205 by ana does not count: no comment lets it pass; an approval of the environment',
    );
    desk.github.merge(n, { by: 'ana' });
    const run = desk.startRun();
    expect((await run.apply()).exit).toBe(3);
    expect(run.digest()).toBe(digest);
    run.approve('cy', 'staging');
    run.reject('cy');
    const nobody = await run.apply(`--approved ${digest}`);
    expect([nobody.exit, nobody.stderr]).toEqual([
      3,
      expect.stringContaining('does not count: nobody approved of it in this run'),
    ]);
    run.approve('cy');
    expect((await run.apply(`--approved ${digest}`)).exit).toBe(0);
    const { stdout } = await desk.iam('history show 2');
    expect(stdout).toContain(`answered for by github:cy, who approved of production: eve (#${n})`);
    expect((await desk.iam('can-i ana workspace-owner -n acme')).exit).toBe(1);
  });

  test('does not pass by an approval of its author, nor of who knows whom', async () => {
    const { desk, n } = await refused(CONFIG, NOBODY);
    desk.github.merge(n, { by: 'ana' });
    const run = desk.startRun();
    await run.apply();
    const approved = `--approved ${run.digest()}`;
    run.approve('bo');
    const own = await run.apply(approved);
    expect([own.exit, own.stderr]).toEqual([3, expect.stringContaining('bo opened the pull request')]);
    expect((await desk.comments(n))[1]).toContain('bo opened the pull request');
    // Started again, somebody else approves: of this, or did bo?
    run.approve('cy');
    const both = await run.apply(approved);
    expect([both.exit, both.stderr]).toEqual([
      3,
      expect.stringMatching(
        /bo and cy did in this run, and it is not known who of this plan\n {2}start a new run/,
      ),
    ]);
    const other = desk.startRun();
    await other.apply();
    other.approve('cy');
    expect((await other.apply(`--approved ${other.digest()}`)).exit).toBe(0);
  });

  test('does not pass by an approval of who pushed to it, nor where that is not known', async () => {
    const { desk, n } = await refused(CONFIG, NOBODY);
    desk.github.push({ by: 'cy', branch: 'eve', files: { 'README.md': 'Well.\n' } });
    desk.github.merge(n, { by: 'ana' });
    const run = desk.startRun();
    await run.apply();
    run.approve('cy');
    const pushed = await run.apply(`--approved ${run.digest()}`);
    expect([pushed.exit, pushed.stderr]).toEqual([
      3,
      expect.stringContaining(
        'production does not count: cy wrote or pushed commits of the pull request\n  start a new run',
      ),
    ]);
    const other = desk.startRun();
    await other.apply();
    other.approve('dee');
    const digest = other.digest();
    desk.github.forgetPushes('eve');
    const unknown = await other.apply(`--approved ${digest}`);
    expect([unknown.exit, unknown.stderr]).toEqual([
      3,
      expect.stringMatching(
        /production does not count: of #1 it is not known who pushed: GitHub tells of no push of \w+\n {2}push to it again/,
      ),
    ]);
  });

  /** Two groups that are protected, each of which a pull request deletes. */
  async function protectedGroups() {
    const kept = (name: string) =>
      group(name, []).replace(
        `{name: ${name},`,
        `{name: ${name}, annotations: {rolecall.dev/protect: 'true'},`,
      );
    const files = { 'access/one.yaml': kept('one'), 'access/two.yaml': kept('two') };
    const desk = await prDesk(files);
    await desk.apply();
    const gone = (name: string, branch = `no-${name}`) =>
      desk.github.merge(desk.open(branch, { [`access/${name}.yaml`]: null }), { by: 'ana' });
    return { desk, files, gone, groups: async () => (await desk.iam('get groups -n acme -o name')).stdout };
  }

  test('passes by an approval of just its plan: what was merged after it does not', async () => {
    const { desk, gone, groups } = await protectedGroups();
    gone('one');
    const run = desk.startRun();
    const first = await run.apply();
    expect([first.exit, first.stdout]).toEqual([
      3,
      expect.stringMatching(/\(#1\): refused, digest sha256:\w{64}\n$/),
    ]);
    const approved = `--approved ${run.digest()}`;
    run.approve('cy');
    // The run is approved, and does not say of what: nothing passes.
    expect((await run.apply()).exit).toBe(3);
    gone('two');
    const then = await run.apply(approved);
    expect(then.exit).toBe(3);
    expect(then.stderr).toMatch(
      /warning RC606: the approval of the environment production does not count: it is for sha256:\w{64}, and this plan is sha256:\w{64}/,
    );
    expect(await groups()).toBe('two\n');
    // The run is started again: it cannot be used for the other one, nor again for the same.
    expect(run.digest()).not.toBe('');
    expect((await run.apply(approved)).exit).toBe(3);
    expect(await groups()).toBe('two\n');
  });

  test('passes once: when it is all done again, it is asked for again', async () => {
    const { desk, files, gone, groups } = await protectedGroups();
    gone('one');
    const run = desk.startRun();
    await run.apply();
    const approved = `--approved ${run.digest()}`;
    run.approve('cy');
    expect((await run.apply(approved)).exit).toBe(0);
    desk.github.merge(desk.open('back', { 'access/one.yaml': files['access/one.yaml'] }), { by: 'ana' });
    await desk.apply();
    gone('one', 'no-one-again');
    const again = await run.apply(approved);
    expect([again.exit, again.stderr]).toEqual([3, expect.stringContaining('it was used for revision 2')]);
    expect(await groups()).toBe('one\ntwo\n');
  });

  test('is to be seen where one approves: in the summary of the run, with all of the plan', async () => {
    const { desk, gone } = await protectedGroups();
    gone('one');
    const run = desk.startRun();
    await run.apply();
    expect(run.summary()).toMatch(/^### Not applied to store `\w{8}`: refused\n/);
    expect(run.summary()).toContain('**refused RC208**');
    expect(run.summary()).toContain('to let it pass: `an approval of the environment production`');
    expect(run.summary()).toContain(`digest \`${run.digest()}\``);
    run.approve('cy');
    await run.apply(`--approved ${run.digest()}`);
    expect(run.summary()).toMatch(/\n### Applied to store/);
  });

  test('is asked for by nothing that an approval does not let pass', async () => {
    const { desk, n } = await refused();
    desk.github.merge(n, { by: 'ana' });
    const run = desk.startRun();
    expect((await run.apply()).exit).toBe(3);
    // A comment does.
    expect(run.digest()).toBe('');
  });

  test('is approved of by a digest, not by other words', async () => {
    const desk = await prDesk();
    for (const words of ['latest', `sha256:${'0'.repeat(63)}`]) {
      const { exit, stderr } = await desk.iam(`pr apply --approved ${words}`);
      expect([exit, stderr]).toEqual([
        4,
        `error RC121: --approved cannot be "${words}"\n  the digest that the refused apply printed\n`,
      ]);
    }
  });

  test('passes not at all where no environment is set up', async () => {
    const { desk, n, comment } = await refused(CONFIG.replace('environment: production\n', ''), NOBODY);
    expect(comment).not.toContain('to let it pass');
    desk.github.merge(n, { by: 'ana' });
    const run = desk.startRun();
    expect((await run.apply()).exit).toBe(3);
    expect(run.digest()).toBe('');
    run.approve('cy');
    expect((await run.apply(`--approved sha256:${'0'.repeat(64)}`)).exit).toBe(3);
  });

  test('of the author, who would lose his own workspace, is one in the plan too', async () => {
    const desk = await prDesk({
      'access/owners.yaml': binding('more-owners', 'workspace-owner', '{name: bo}'),
    });
    await desk.apply();
    const n = desk.open('bye', { 'access/owners.yaml': null });
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain('**refused RC207**');
    const by = desk.open('bye-bo', { 'access/owners.yaml': null }, 'ana');
    await desk.plan(by);
  });
});
