/** What others can make very many of is told as far as somebody reads it, and no one waits for it. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { tipOf } from '../support/git-repository.ts';
import { group, type PrDesk, prDesk } from '../support/pr-desk.ts';

async function applied(): Promise<PrDesk> {
  const desk = await prDesk();
  await desk.apply();
  return desk;
}

interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly annotation_level: string;
  readonly title: string;
  readonly message: string;
}

/** The annotations of each request. */
function annotated({ github }: PrDesk): Annotation[][] {
  return github.log
    .filter(({ method, path }) => method !== 'GET' && path.includes('/check-runs'))
    .map(({ body }) => (JSON.parse(body).output.annotations ?? []) as Annotation[]);
}

/** A group with a field that none has, in the fifth line. */
const mistaken = (i: number, field = 'colour') =>
  `# A team.\n${group(`g${i}`, []).replace('members', `${field}: red, members`)}`;
const files = (many: number, field?: string) =>
  Object.fromEntries(Array.from({ length: many }, (_, i) => [`access/${i}.yaml`, mistaken(i, field)]));

describe('mistakes', () => {
  test('stand at their lines, fifty in each request', async () => {
    const desk = await applied();
    const n = desk.open('some', files(120));
    await desk.plan(n, 4);
    const requests = annotated(desk).slice(-3);
    expect(requests.map(({ length }) => length)).toEqual([50, 50, 20]);
    const all = requests.flat();
    expect(new Set(all.map(({ path }) => path)).size).toBe(120);
    for (const one of all)
      expect(one).toEqual({
        path: expect.stringMatching(/^access\/\d+\.yaml$/),
        start_line: 5,
        end_line: 5,
        annotation_level: 'failure',
        title: 'RC107',
        message: expect.stringContaining('colour'),
      });
  });

  test('of which there are thousands: some of them, and how many more', async () => {
    const desk = await applied();
    const n = desk.open('many', files(6000));
    const before = desk.github.log.length;
    const { stderr } = await desk.plan(n, 4);
    expect(stderr.match(/^\S+ error RC107/gm)).toHaveLength(500);
    expect(stderr).toContain('… and 5,500 more problems: iam validate tells all of them\n');
    expect(annotated(desk).flat()).toHaveLength(500);
    expect(desk.github.log.length - before).toBeLessThan(40);
    const comments = await desk.comments(n);
    expect(comments).toHaveLength(3);
    expect(comments[2]).toMatch(/\n… and [\d,]+ more rows: .*\n\n6,000 problems$/);
    expect((await desk.check(tipOf(desk.repository, 'many') ?? ''))?.title).toBe(
      '6,000 mistakes in the manifests',
    );
  });

  test('that are longer than a request may be are cut', async () => {
    const desk = await applied();
    const n = desk.open('long', files(1, `c${'😀'.repeat(50_000)}`));
    await desk.plan(n, 4);
    const [one] = annotated(desk).flat();
    expect(one?.message.length).toBeLessThanOrEqual(4000);
    expect(one?.message.isWellFormed()).toBe(true);
    expect((await desk.comments(n))[0]).toContain('1 problem');
  });
});

test('patterns that take without end to compare keep no other pull request from being planned', async () => {
  const desk = await applied();
  const config = (paths: string) =>
    `apiVersion: rolecall.dev/v1alpha1\nkind: GitOps\npaths: [access, ${paths}]\nprune: true\n`;
  const name = 'a'.repeat(60);
  const stars = desk.open('stars', {
    '.rolecall/gitops.yaml': config(`'x/${'*a'.repeat(20)}b'`),
    [`x/${name}`]: 'a\n',
  });
  const braces = desk.open('braces', { '.rolecall/gitops.yaml': config(`'${'{a,b}'.repeat(40)}'`) });
  const rules = desk.open('rules', {
    'access/.iamignore': `${'a/**/'.repeat(12)}b\n`,
    [`access/${'a/'.repeat(60)}c.yaml`]: group('deep', []),
  });
  const paths = desk.open('paths', {
    '.rolecall/gitops.yaml': config(
      Array.from({ length: 9000 }, (_, i) => `${'./'.repeat(i % 9)}access`).join(', '),
    ),
    ...Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`access/x/${i}.txt`, 'a\n'])),
  });
  const good = desk.open('good', { 'access/good.yaml': group('good', ['bo']) });
  const began = performance.now();
  const { exit, stderr } = await desk.iam('pr plan --all');
  expect([exit, performance.now() - began < 60_000]).toEqual([0, true]);
  const said = async (n: number) => (await desk.comments(n))[0] ?? '';
  expect(await said(stars)).toContain('the commit has no such file or folder');
  expect(await said(braces)).toMatch(/RC103.*stands for more than 1000 patterns/);
  for (const n of [rules, paths]) expect(await said(n)).toMatch(/RC103.*there are too many names to compare/);
  expect(await said(good)).toContain('1 to create');
  expect(stderr).toContain(`#${good}: 1 to create`);
});

test('what a manifest says is no order to GitHub Actions', async () => {
  const desk = await applied();
  const n = desk.open('orders', { 'access/::add-mask::a.yaml': mistaken(1, '"##[add-mask]a"') });
  const { stderr } = await desk.iam(`pr plan --pr ${n}`, { env: { GITHUB_ACTIONS: 'true' } });
  const [stop = '', ...said] = stderr.split('\n');
  expect(stop).toMatch(/^::stop-commands::[0-9a-f-]{36}$/);
  expect(said.join('\n')).toContain('##[add-mask]a');
  const [, word = ''] = stop.split('::stop-commands::');
  // Nothing of the pull request can know the word that ends it.
  expect(said.join('\n')).not.toContain(word);
  for (const words of ['pr apply', 'pr drift'])
    expect((await desk.iam(words, { env: { GITHUB_ACTIONS: 'true' } })).stderr).toMatch(/^::stop-commands::/);
  expect((await desk.iam('pr drift')).stderr).not.toContain('::');
  // What comes after it in the same step may give some again, however it ends.
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
  const ran = spawnSync(process.execPath, [main, 'pr', 'plan', '--base', 'nowhere'], {
    cwd: desk.checkout,
    env: { PATH: process.env.PATH, GITHUB_ACTIONS: 'true' },
    encoding: 'utf8',
  });
  expect([ran.status, ran.stderr]).toEqual([
    4,
    expect.stringMatching(/^::stop-commands::(\S{36})\nerror RC129: [\s\S]*\n::\1::\n$/),
  ]);
});
