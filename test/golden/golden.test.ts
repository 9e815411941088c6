import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { type Ran, runIam } from '../support/run-iam.ts';

/**
 * Cases that a policy owner can read. `before/` is applied first (absent: there is no store), then `after/` is planned
 * and applied, with the options in `command`. Expected: what `iam plan` says as text, JSON and Markdown; what it says
 * beside (`problems.txt`); how it exits (`exit`, absent: 0); what `iam apply` says; and both CSV snapshots after it.
 *
 * UPDATE_GOLDEN=1 rewrites what is expected: read the difference before committing it.
 */
const UPDATE = process.env.UPDATE_GOLDEN === '1';
const BEFORE = '2026-06-01T09:00:00Z';
const NOW = '2026-06-02T09:00:00Z';

const cases = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe.each(cases)('%s', (name) => {
  const golden = join(import.meta.dirname, name);
  const words = existsSync(join(golden, 'command')) ? read(golden, 'command').trim() : '';
  // An override holds for one plan, and a workspace is pruned by its name once: after that there is neither.
  const plain = words.replaceAll(/--override \S+ ?/g, '').split(' ').filter(Boolean);
  const again = plain.join(' ').replace(/--prune-workspace \S+ ?/, '').split(' ').filter(Boolean);
  /** The words of the command, `CODE@DIGEST` with the digest of the plan, which the store's random id is in. */
  const optionsFor = async (iam: Iam): Promise<string[]> => {
    if (!words.includes('@DIGEST')) return plain;
    const { stdout } = await iam('plan', '-f', 'after', '-o', 'json', ...plain);
    return words.replaceAll('DIGEST', (JSON.parse(stdout) as Plan).digest).split(' ');
  };

  test('plan, apply, snapshot', async () => {
    const { iam } = await given(golden);
    const options = await optionsFor(iam);
    const plan = await iam('plan', '-f', 'after', ...options);
    expected(golden, 'exit', plan.exit === 0 ? undefined : `${plan.exit}\n`);
    expected(golden, 'problems.txt', plan.stderr === '' ? undefined : plan.stderr);
    expected(golden, 'plan.txt', plan.exit === 4 ? undefined : withoutDigest(plan.stdout));
    const json = await iam('plan', '-f', 'after', '-o', 'json', ...options);
    expect(json.exit).toBe(plan.exit);
    expected(golden, 'plan.json', plan.exit === 4 ? undefined : pretty(json.stdout));
    const markdown = await iam('plan', '-f', 'after', '-o', 'markdown', ...options);
    expect(markdown).toMatchObject({ exit: plan.exit, stderr: plan.stderr });
    expected(golden, 'plan.md', plan.exit === 4 ? undefined : withoutDigest(markdown.stdout));

    const before = await iam('export');
    const apply = await iam('apply', '-f', 'after', '--no-snapshot', ...options);
    expect(apply.exit).toBe(plan.exit);
    if (plan.exit === 0) expected(golden, 'outcome.txt', apply.stdout);
    else {
      const said = plan.exit === 3 ? `${plan.stderr}refused (${codes(plan.stdout)}), nothing was applied\n` : plan.stderr;
      expect([apply.stdout, apply.stderr]).toEqual([plan.stdout, said]);
      expect(await iam('export')).toEqual(before);
    }
    const snapshot = async (layout: string) => (await iam('snapshot', '--layout', layout)).stdout;
    expected(golden, 'users.csv', await snapshot('users'));
    expected(golden, 'grants.csv', await snapshot('grants'));
  });

  test('the order of the files means nothing', async () => {
    const { iam, files } = await given(golden);
    const options = await optionsFor(iam);
    const one = await iam('plan', '-f', 'after', '-o', 'json', ...options);
    const other = await iam('plan', ...options, '-o', 'json', ...files.reverse().flatMap((file) => ['-f', `after/${file}`]));
    expect(other).toEqual(one);
  });

  test('once applied there is nothing left to do', async () => {
    const { iam } = await given(golden);
    const options = await optionsFor(iam);
    const applied = await iam('apply', '-f', 'after', '--no-snapshot', ...options);
    if (applied.exit !== 0) return;
    expectNothing(await iam('plan', '-f', 'after', '-o', 'json', '--exit-code', ...again));
    const { stdout } = await iam('export');
    expectNothing(await iam('plan', '-f', '-', '-o', 'json', '--exit-code', ...again, { stdin: stdout }));
    expect((await iam('history', '-o', 'jsonl')).stdout.trim().split('\n')).toHaveLength(
      Number(existsSync(join(golden, 'before'))) + Number(!read(golden, 'outcome.txt').startsWith('Nothing to do')),
    );
  });
});

type Word = string | { readonly stdin: string };
type Iam = (...words: Word[]) => Promise<Ran>;

/** A folder with the case's files, and its `before` applied. */
async function given(golden: string): Promise<{ iam: Iam; files: string[] }> {
  const cwd = mkdtempSync(join(tmpdir(), 'golden-'));
  folders.push(cwd);
  for (const part of ['before', 'after']) {
    if (existsSync(join(golden, part))) cpSync(join(golden, part), join(cwd, part), { recursive: true });
  }
  if (existsSync(join(cwd, 'before'))) {
    const ran = await runIam(['apply', '-f', 'before', '--no-snapshot'], { cwd, now: BEFORE });
    expect(ran).toMatchObject({ exit: 0, stderr: 'created store .iam/iam.db\n' });
  }
  return {
    files: readdirSync(join(cwd, 'after')),
    iam: (...words) => {
      const stdin = words.flatMap((word) => (typeof word === 'string' ? [] : [word.stdin])).join('');
      return runIam(words.filter((word) => typeof word === 'string'), { cwd, now: NOW, stdin });
    },
  };
}

function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

/** The text must be that of the file, byte for byte; without a text there must be no file. */
function expected(golden: string, file: string, text: string | undefined): void {
  const path = join(golden, file);
  if (UPDATE && text === undefined) rmSync(path, { force: true });
  else if (UPDATE && text !== undefined) writeFileSync(path, text);
  if (text === undefined) expect(existsSync(path), `${file} is there, but nothing of that kind was said`).toBe(false);
  else expect(text, file).toBe(existsSync(path) ? readFileSync(path, 'utf8') : undefined);
}

/** The digest covers the store's id, which is random. */
function withoutDigest(text: string): string {
  return text.replaceAll(/sha256:[0-9a-f]{64}/g, '<digest>');
}

function pretty(text: string): string {
  const plan = JSON.parse(text) as Plan;
  expect(`${JSON.stringify(plan)}\n`).toBe(text);
  const store = plan.base.store === null ? null : 'the-store';
  return withoutDigest(`${JSON.stringify({ ...plan, base: { ...plan.base, store } }, null, 2)}\n`);
}

function expectNothing(ran: Ran): void {
  expect(ran.exit, ran.stderr).toBe(0);
  expect((JSON.parse(ran.stdout) as Plan).changes).toEqual([]);
}

/** The codes that a plan is refused by, in their order. */
function codes(text: string): string {
  return [...new Set([...text.matchAll(/^ {2}refused (RC\d+):/gm)].map(([, code]) => code))].join(', ');
}
