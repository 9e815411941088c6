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
    ['cy', 'of somebody who pushed', 'cy wrote commits of the pull request'],
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

  test('where somebody unknown wrote a commit: it could be anybody', async () => {
    const { desk, n } = await refused();
    const author = { name: 'Ana', email: 'ana@home.example', at: Date.parse('2026-11-24T11:00:00Z') };
    desk.github.push({ by: 'bo', branch: 'eve', files: { 'README.md': 'Well.\n' }, author });
    await desk.plan(n, 3);
    const [digest] = /sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
    desk.github.comment('ana', n, `iam override RC211 ${digest}`);
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain(
      'it is not known who wrote all commits of the pull request',
    );
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

  test('passes only by an approval of the environment, not the author’s own', async () => {
    const { desk, n, comment, digest } = await refused(CONFIG, NOBODY);
    expect(comment).toContain('**refused RC205**');
    expect(comment).toContain('an approval of the environment production');
    desk.github.comment('ana', n, `iam override RC205 ${digest}`);
    await desk.plan(n, 3);
    expect((await desk.comments(n))[0]).toContain(
      'the override of RC205 by ana does not count: no comment lets it pass; an approval of the environment',
    );
    desk.github.merge(n, { by: 'ana' });
    const run = desk.github.startRun();
    const inRun = { env: { GITHUB_RUN_ID: String(run) } };
    expect((await desk.iam('pr apply', inRun)).exit).toBe(3);
    desk.github.approveRun('bo', run, 'production');
    desk.github.approveRun('cy', run, 'staging');
    desk.github.rejectRun('cy', run, 'production');
    expect((await desk.iam('pr apply', inRun)).exit).toBe(3);
    desk.github.approveRun('cy', run, 'production');
    expect((await desk.iam('pr apply', inRun)).exit).toBe(0);
    const { stdout } = await desk.iam('history show 2');
    expect(stdout).toContain(`answered for by github:cy, who approved of production: eve (#${n})`);
    expect((await desk.iam('can-i ana workspace-owner -n acme')).exit).toBe(1);
  });

  test('of what was merged after it is let pass by no approval that was given before it was seen', async () => {
    const kept = (name: string) =>
      group(name, []).replace(
        `{name: ${name},`,
        `{name: ${name}, annotations: {rolecall.dev/protect: 'true'},`,
      );
    const desk = await prDesk({ 'access/one.yaml': kept('one'), 'access/two.yaml': kept('two') });
    await desk.apply();
    for (const name of ['one', 'two'])
      desk.github.merge(desk.open(`no-${name}`, { [`access/${name}.yaml`]: null }), { by: 'ana' });
    const run = desk.github.startRun();
    const inRun = { env: { GITHUB_RUN_ID: String(run) } };
    expect((await desk.iam('pr apply', inRun)).exit).toBe(3);
    desk.github.approveRun('cy', run, 'production');
    expect((await desk.iam('pr apply', inRun)).exit).toBe(3);
    expect((await desk.iam('get groups -n acme -o name')).stdout).toBe('two\n');
  });

  test('passes not at all where no environment is set up', async () => {
    const { desk, n, comment } = await refused(CONFIG.replace('environment: production\n', ''), NOBODY);
    expect(comment).not.toContain('to let it pass');
    desk.github.merge(n, { by: 'ana' });
    const run = desk.github.startRun();
    desk.github.approveRun('cy', run, 'production');
    expect((await desk.iam('pr apply', { env: { GITHUB_RUN_ID: String(run) } })).exit).toBe(3);
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
