import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyMerged } from '../../src/gitops/apply-merged.ts';
import { github } from '../../src/gitops/github.ts';
import { gitHistory } from '../../src/sources/git-history.ts';
import { openStore } from '../../src/stores/open.ts';
import { git, tipOf } from '../support/git-repository.ts';
import { group, type PrDesk, prDesk } from '../support/pr-desk.ts';
import { NOW } from '../support/run-iam.ts';

const COMMENTS = /\/issues\/\d+\/comments$/;

async function applied(): Promise<PrDesk> {
  const desk = await prDesk();
  await desk.apply();
  return desk;
}

const more = (name: string) => ({ [`access/${name}.yaml`]: group(name, ['eve']) });

function merged(desk: PrDesk, ...names: string[]): number[] {
  return names.map((name) => {
    const n = desk.open(name, more(name));
    desk.github.merge(n, { by: 'ana' });
    return n;
  });
}

/** What is written to GitHub from now on. */
function writesOf({ github: { log } }: PrDesk): () => string[] {
  const from = log.length;
  return () => log.slice(from).flatMap(({ method, path }) => (method === 'GET' ? [] : [`${method} ${path}`]));
}

describe('what was applied and not told', () => {
  test('because the run ended between the one and the other: the next run tells it, and only once', async () => {
    const desk = await applied();
    const [n = 0] = merged(desk, 'more');
    git(desk.checkout, ['fetch', '--quiet', 'origin']);
    await applyMerged({
      cwd: desk.checkout,
      history: gitHistory(desk.checkout, process.env),
      store: await openStore(`sqlite:${join(desk.checkout, '../store/iam.db')}`, desk.checkout, 5000),
      forge: github({
        repository: 'acme/access',
        token: desk.token,
        api: desk.github.url,
        run: undefined,
        waiting() {},
        hurries: true,
      }),
      trunk: undefined,
      since: undefined,
      head: tipOf(desk.repository, 'main') ?? '',
      now: () => Date.parse(NOW),
    });
    expect(await desk.comments(n)).toEqual([]);
    expect((await desk.apply()).stderr).toContain('nothing to do');
    const [told = '', ...rest] = await desk.comments(n);
    expect(rest).toEqual([]);
    expect(told).toMatch(
      /### Applied to store `\w{8}`\n\n\*\*1 created, 0 updated, 0 deleted\*\*: revision 2, `\w{12}`, told by a later run\n\ndigest `sha256:/,
    );
    const writes = writesOf(desk);
    await desk.apply();
    expect(writes()).toEqual([]);
  });

  test('because GitHub did not take it: of all that were not told, and before what comes then', async () => {
    const desk = await applied();
    const [zero = 0] = merged(desk, 'zero');
    await desk.apply();
    const before = await desk.comments(zero);
    const numbers = merged(desk, 'one', 'two');
    // Each is tried three times.
    desk.github.fault({ with: 500, method: 'POST', path: COMMENTS, times: 6 });
    expect((await desk.iam('pr apply')).exit).toBe(1);
    for (const n of numbers) expect(await desk.comments(n)).toEqual([]);
    const [three = 0] = merged(desk, 'three');
    await desk.apply();
    for (const n of [...numbers, three])
      expect(await desk.comments(n)).toEqual([expect.stringContaining('### Applied to')]);
    expect(await desk.comments(zero)).toEqual(before);
  });
});

describe('a plan that was overtaken', () => {
  test('by a push says nothing: what it knows is of a head that is no more', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    let pushes = 1;
    const now = () => {
      if (pushes-- > 0) desk.github.push({ by: 'bo', branch: 'more', files: more('other') });
      return Date.parse(NOW);
    };
    const writes = writesOf(desk);
    const slow = await desk.iam(`pr plan --pr ${n}`, { now });
    expect([slow.exit, slow.stderr]).toEqual([
      5,
      `#${n} is at ${tipOf(desk.repository, 'more')?.slice(0, 12)} into main since this was planned: nothing is told of it\n`,
    ]);
    expect(writes()).toEqual([]);
    await desk.plan(n);
    expect((await desk.comments(n))[0]).toContain('2 to create');
  });

  test('by its merge says nothing either, and fails nobody', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    let merges = 1;
    const now = () => {
      if (merges-- > 0) desk.github.merge(n, { by: 'ana' });
      return Date.parse(NOW);
    };
    const slow = await desk.iam(`pr plan --pr ${n}`, { now });
    expect([slow.exit, slow.stderr]).toEqual([
      0,
      `#${n} is merged since this was planned: nothing is told of it\n`,
    ]);
    expect(await desk.comments(n)).toEqual([]);
  });
});

/** Does something when it is asked for the last time whether it matches, and says that it does not. */
class Watching extends RegExp {
  #left: number;
  readonly #act: () => void;

  constructor(pattern: string, times: number, act: () => void) {
    super(pattern);
    this.#left = times;
    this.#act = act;
  }

  override test(text: string): boolean {
    if (super.test(text) && --this.#left === 0) this.#act();
    return false;
  }
}

describe('what a plan is made on, and moves meanwhile', () => {
  const AGAIN = '#1: its base or the store moved since this was planned: again\n';

  test('is what it is told of: the base', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    let merges = 1;
    const now = () => {
      if (merges-- > 0) merged(desk, 'other');
      return Date.parse(NOW);
    };
    const slow = await desk.iam(`pr plan --pr ${n}`, { now });
    expect([slow.exit, slow.stderr]).toEqual([0, expect.stringContaining(AGAIN)]);
    const [comment = ''] = await desk.comments(n);
    expect(comment).toContain(`into \`${tipOf(desk.repository, 'main')?.slice(0, 12)}\`, revision 1`);
    expect(comment).toContain('1 change merged before, and not applied yet');
  });

  test('is what it is told of: the store', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    writeFileSync(join(desk.checkout, 'by-hand.yaml'), group('by-hand', []));
    const byHand = () => {
      const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
      const IAM_STORE = `sqlite:${join(desk.checkout, '../store/iam.db')}`;
      execFileSync(process.execPath, [main, 'apply', '-f', 'by-hand.yaml', '--manager', 'hand'], {
        cwd: desk.checkout,
        env: { PATH: process.env.PATH, IAM_STORE },
        stdio: 'pipe',
      });
    };
    // GitHub is asked what it is like before it is planned, and afterwards.
    const path = new Watching('/pulls/1$', 2, byHand);
    desk.github.fault({ with: 500, method: 'GET', path });
    const slow = await desk.iam(`pr plan --pr ${n}`);
    expect([slow.exit, slow.stderr]).toEqual([0, expect.stringContaining(AGAIN)]);
    expect((await desk.comments(n))[0]).toContain('revision 2');
  });

  test('without end is told as it was the last time', async () => {
    const desk = await applied();
    const n = desk.open('more', more('more'));
    let i = 0;
    const now = () => {
      desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': `${i++}\n` } });
      return Date.parse(NOW);
    };
    const slow = await desk.iam(`pr plan --pr ${n}`, { now });
    expect([slow.exit, slow.stderr.split(AGAIN).length - 1]).toEqual([0, 3]);
    expect((await desk.comments(n)).length).toBe(1);
  });
});

test('one pull request that nobody thought of keeps no other from being planned, and fails the run', async () => {
  const desk = await applied();
  const numbers = ['one', 'two', 'three'].map((name) => desk.open(name, more(name)));
  const [one = 0, two = 0, three = 0] = numbers;
  let planned = 0;
  const now = () => {
    if (planned++ === 1) throw new TypeError('the clock has stopped');
    return Date.parse(NOW);
  };
  const { exit, stderr } = await desk.iam('pr plan --all', { now });
  expect(exit).toBe(1);
  expect(stderr).toMatch(
    /#2: not planned\nerror RC408: unexpected: the clock has stopped\n {2}this is a mistake in iam/,
  );
  for (const n of [one, three]) expect((await desk.comments(n)).length).toBe(1);
  expect(await desk.comments(two)).toEqual([]);
  expect(await desk.check(tipOf(desk.repository, 'two') ?? '')).toEqual({
    conclusion: 'failure',
    title: 'Not planned',
  });
});

test('one that cannot be planned has the check of its manager, so that what is required of it does not wait for ever', async () => {
  const config = 'apiVersion: rolecall.dev/v1alpha1\nkind: GitOps\npaths: [access]\nmanager: acme-access\n';
  const desk = await prDesk({ '.rolecall/gitops.yaml': config });
  await desk.apply();
  const n = desk.open('more', more('more'));
  const now = () => {
    throw new TypeError('the clock has stopped');
  };
  expect((await desk.iam(`pr plan --pr ${n}`, { now })).exit).toBe(1);
  const made = desk.github.log.filter(
    ({ method, path }) => method === 'POST' && path.endsWith('/check-runs'),
  );
  expect(made.map(({ body }) => JSON.parse(body))).toMatchObject([
    { name: 'rolecall (acme-access)', conclusion: 'failure', output: { title: 'Not planned' } },
  ]);
});

describe('a configuration that cannot be read any more', () => {
  test.each([
    ['broken', 'kind: GitOps\n', /mistakes in the manifests[\s\S]*RC601.*lacks paths/],
    [
      'taken away',
      null,
      /mistakes in the manifests[\s\S]*RC601.*it has no \.rolecall\/gitops\.yaml any more/,
    ],
  ])(
    'is told to the pull request by which it is %s; what was merged before is applied',
    async (_how, text, said) => {
      const desk = await applied();
      const config = git(desk.repository, ['show', 'main:.rolecall/gitops.yaml']);
      const [good = 0] = merged(desk, 'good');
      const bad = desk.open('bad', { '.rolecall/gitops.yaml': text });
      // Whoever looks sees it.
      expect((await desk.plan(bad, 4)).stderr).toContain('RC601');
      desk.github.merge(bad, { by: 'ana' });
      const { stdout } = await desk.apply(4);
      expect(stdout).toMatch(/\(#1\): 1 to create.* revision 2\n\w{12} \(#2\): not applied, \d mistakes?\n$/);
      expect((await desk.comments(good))[0]).toContain('### Applied to');
      expect((await desk.comments(bad)).at(-1)).toMatch(said);
      // It stays so, also beside what is merged after it, until it is mended.
      const [late = 0] = merged(desk, 'late');
      await desk.apply(4);
      expect((await desk.comments(late))[0]).toContain(`It waits for #${bad} before it`);
      const mend = desk.open('mend', { '.rolecall/gitops.yaml': `${config}\n` });
      desk.github.merge(mend, { by: 'ana' });
      expect((await desk.apply()).stdout).toMatch(
        /\(#2\), \w{12} \(#3\), \w{12} \(#4\): 1 to create.* revision 3\n$/,
      );
      expect((await desk.comments(bad)).at(-1)).toContain('### Applied to');
    },
  );

  test('and never could: nothing is applied, by the first apply neither', async () => {
    const desk = await prDesk();
    desk.github.push({ by: 'ana', branch: 'main', files: { '.rolecall/gitops.yaml': null } });
    const { exit, stderr } = await desk.iam('pr apply');
    expect([exit, stderr]).toEqual([4, expect.stringContaining('RC601')]);
    expect((await desk.iam('get users')).exit).toBe(4);
  });
});
