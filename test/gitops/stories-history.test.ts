import { describe, expect, test } from 'vitest';
import { git, tipOf } from '../support/git-repository.ts';
import { binding, group, type PrDesk, prDesk, WORLD } from '../support/pr-desk.ts';

async function applied(files: Readonly<Record<string, string>> = {}): Promise<PrDesk> {
  const desk = await prDesk(files);
  await desk.apply();
  return desk;
}

const more = (name: string) => ({ [`access/${name}.yaml`]: group(name, ['eve']) });

describe('never applied is', () => {
  test('what is on an unmerged branch, though it follows what was applied last', async () => {
    const desk = await applied();
    desk.open('more', more('more'));
    const head = tipOf(desk.repository, 'more') ?? '';
    for (const words of ['pr apply', `pr apply --head ${head}`]) {
      const { exit, stderr } = await desk.iam(words, { env: { GITHUB_SHA: head } });
      expect([exit, stderr]).toEqual([
        5,
        `error RC604: ${head.slice(0, 12)} is not on main: what is not merged is never applied\n  apply from main\n`,
      ]);
    }
    expect((await desk.iam('get group more -n acme')).exit).toBe(4);
  });

  test('a commit that came into the branch by a merge, before the merge', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    const head = tipOf(desk.repository, 'more') ?? '';
    desk.github.merge(n, { by: 'ana' });
    const { exit, stderr } = await desk.iam('pr apply', { env: { GITHUB_SHA: head } });
    expect([exit, stderr]).toEqual([5, expect.stringContaining('is not on main')]);
  });

  test.each(['another history', 'an older one'])(
    'what follows no more what was applied last: %s',
    async (how) => {
      const desk = await applied();
      const first = tipOf(desk.repository, 'main') ?? '';
      desk.github.push({ by: 'ana', branch: 'main', files: more('more') });
      await desk.apply();
      const last = tipOf(desk.repository, 'main') ?? '';
      if (how === 'an older one') git(desk.repository, ['update-ref', 'refs/heads/main', first]);
      else desk.github.forcePush({ by: 'ana', branch: 'main', files: more('other'), onto: first });
      const head = tipOf(desk.repository, 'main') ?? '';
      const { stderr } = await desk.apply(5);
      expect(stderr).toBe(
        `error RC604: ${head.slice(0, 12)} does not follow ${last.slice(0, 12)}, which was applied last; nothing was applied\n  apply from the default branch; where its history was rewritten, see what differs, then --since COMMIT\n`,
      );
      // A clone that never had it can tell no more than that.
      const fresh = await desk.iam('pr apply', { cwd: desk.clone() });
      expect([fresh.exit, fresh.stderr]).toEqual([5, expect.stringContaining('RC604')]);
      expect((await desk.iam('get group other -n acme')).exit).toBe(4);
      // Somebody who has seen what differs says what counts.
      const said = await desk.iam(`pr apply --since ${first}`);
      expect([said.exit, said.stderr]).toEqual([0, expect.not.stringContaining('error')]);
      expect((await desk.iam('get group more -n acme')).exit).toBe(0);
      expect((await desk.iam('get group other -n acme')).exit).toBe(how === 'an older one' ? 4 : 0);
      expect((await desk.apply()).stderr).toContain('nothing to do');
    },
  );
});

describe('a shallow clone', () => {
  test('gets what it lacks: planned, and applied', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'More.\n' } });
    for (const options of [['--depth=1'], ['--depth=1', '--branch=more']]) {
      const { exit, stderr } = await desk.iam(`pr plan --pr ${n}`, { cwd: desk.clone(...options) });
      expect([exit, stderr]).toEqual([0, expect.stringContaining('1 to create')]);
    }
    desk.github.merge(n, { by: 'ana' });
    const { exit, stdout } = await desk.iam('pr apply', { cwd: desk.clone('--depth=1') });
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/nothing to do\n\w{12} \(#1\): 1 to create/)]);
  });

  test('is no place to merge by hand what it has not all of', async () => {
    const desk = await applied();
    desk.open('more', more('more'));
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'More.\n' } });
    const cwd = desk.clone('--depth=1', '--no-single-branch');
    const { exit, stderr } = await desk.iam('pr plan --base origin/main --head origin/more', { cwd });
    expect([exit, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^error RC129: the clone is shallow: .*\n {2}actions\/checkout with fetch-depth: 0/,
      ),
    ]);
  });
});

test('a dry run says what would be applied, and neither applies it nor tells anybody', async () => {
  const desk = await applied();
  const [one, two] = [desk.open('one', more('one')), desk.open('two', { 'access/world.yaml': null })];
  desk.github.merge(one, { by: 'ana' });
  const asked = desk.github.log.length;
  const dry = await desk.iam('pr apply --dry-run');
  expect([dry.exit, dry.stderr]).toEqual([0, '']);
  expect(dry.stdout).toMatch(/^### To be applied to store `\w{8}`: `\w{12}`\n[\s\S]*\*\*1 to create, /);
  desk.github.merge(two, { by: 'ana' });
  const refused = await desk.iam('pr apply --dry-run');
  expect([refused.exit, refused.stderr]).toEqual([
    3,
    expect.stringMatching(/error RC203: .*\n {2}to let it pass: an approval of the environment production/),
  ]);
  expect(desk.github.log.length).toBe(asked);
  expect((await desk.iam('get group one -n acme')).exit).toBe(4);
  expect((await desk.iam('history --audit')).stdout).not.toContain('refused');
});

test('a clone that had another base before plans against the one that there is', async () => {
  const desk = await applied();
  const first = tipOf(desk.repository, 'main') ?? '';
  const n = desk.open('more', more('more'));
  desk.github.push({ by: 'ana', branch: 'main', files: more('other') });
  await desk.plan(n);
  desk.github.forcePush({ by: 'ana', branch: 'main', files: { 'README.md': 'Anew.\n' }, onto: first });
  await desk.plan(n);
  expect((await desk.comments(n))[0]).toContain(`into \`${tipOf(desk.repository, 'main')?.slice(0, 12)}\``);
});

describe('what a pull request may do besides', () => {
  test('rename the folder of the manifests, and say so in the configuration: nothing changes', async () => {
    const desk = await applied();
    const config = git(desk.repository, ['show', 'main:.rolecall/gitops.yaml']);
    const n = desk.open('rename', {
      'access/world.yaml': null,
      'who/may/world.yaml': WORLD,
      '.rolecall/gitops.yaml': `${config.replace('[access]', '[who/may]')}\n`,
    });
    await desk.plan(n);
    expect((await desk.check(tipOf(desk.repository, 'rename') ?? ''))?.title).toBe('Nothing to do');
    desk.github.merge(n, { by: 'ana' });
    expect((await desk.apply()).stdout).toContain('nothing to do');
    const next = desk.open('next', { 'who/may/more.yaml': group('more', ['eve']) });
    await desk.plan(next);
    desk.github.merge(next, { by: 'ana' });
    expect((await desk.apply()).stdout).toContain('1 to create');
  });

  test('take a workspace away with all that is in it', async () => {
    const second = WORLD.replaceAll('acme}', 'labs}')
      .replaceAll('namespace: acme', 'namespace: labs')
      .split('---\n')
      .filter((one) => !one.includes('kind: User'))
      .join('---\n');
    const desk = await applied({ 'access/labs.yaml': second });
    const n = desk.open('close-labs', { 'access/labs.yaml': null });
    await desk.plan(n, 3);
    const [comment = ''] = await desk.comments(n);
    expect(comment).toContain('2 to delete');
    expect(comment).toContain('**refused RC203**');
    desk.github.merge(n, { by: 'ana' });
    // Others may not be kept waiting by drift, or find half of it gone.
    const run = desk.startRun();
    expect((await run.apply()).exit).toBe(3);
    expect((await desk.iam('get workspace labs')).exit).toBe(0);
    run.approve('cy');
    const { exit, stdout } = await run.apply(`--approved ${run.digest()}`);
    expect([exit, stdout]).toEqual([0, expect.stringContaining('2 to delete')]);
    expect((await desk.iam('get workspace labs')).exit).toBe(4);
    expect((await desk.apply()).stderr).toContain('nothing to do');
  });

  test('be one of several managers of one repository', async () => {
    const config = (manager: string, path: string) =>
      `apiVersion: rolecall.dev/v1alpha1\nkind: GitOps\npaths: [${path}]\nmanager: ${manager}\n`;
    const desk = await prDesk({ '.rolecall/gitops.yaml': config('platform', 'access') });
    await desk.apply();
    const n = desk.open('more', { 'access/more.yaml': binding('eve', 'source-read-only', '{name: eve}') });
    await desk.plan(n);
    expect((await desk.comments(n))[0]).toContain('<!-- rolecall:platform:1 -->');
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    expect(JSON.parse((await desk.iam('history show 2 -o json')).stdout)).toMatchObject({
      manager: 'platform',
      review: 'unverified',
    });
    expect((await desk.apply()).stderr).toContain('nothing to do');
  });
});
