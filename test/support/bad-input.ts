import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { visible } from '../../src/render/lines.ts';
import { runIam } from './run-iam.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** One manifest of four lines; metadata and spec as they stand between braces. */
export function doc(kind: string, metadata: string, spec: string): string {
  return `apiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;
}

export function docs(...texts: readonly string[]): string {
  return texts.join('---\n');
}

export const WORKSPACE = doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business');

export function user(name: string): string {
  return doc('User', `name: ${name}`, `email: ${name}@acme.example`);
}

/** Resources that no case names or resembles. */
const STORED = docs(
  doc('Workspace', 'name: quux-corp', 'displayName: Quux, tier: Business'),
  doc('User', 'name: quux-owner', 'email: quux-owner@quux.example'),
  doc('User', 'name: quux-reader', 'email: quux-reader@quux.example'),
  doc('Group', 'name: quux-group, namespace: quux-corp', 'displayName: Q, members: [{name: quux-reader}]'),
);

/** Where all that is wrong only shows in the plan, it also has this warning: none of the cases has quux-corp. */
const NOT_PRUNED = /^warning RC125: 2 global resources are not pruned: .*\n.*\n/;

/** A template literal without the indentation that all of its lines have. */
export function dedent(text: string): string {
  const lines = text.replace(/^\n/, '').replace(/\n *$/, '\n').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)?.[0].length ?? 0);
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(Math.min(least, /^ */.exec(line)?.[0].length ?? 0))).join('\n');
}

let base = '';
let store = '';

/** Must be called once, at the top of a test file that uses `temporary`, unless it calls `useStore`. */
export function useTemporary(): void {
  afterAll(() => rmSync(base, { recursive: true, force: true }));
}

/** A folder of its own for each call, gone after the tests of the file. */
export function temporary(files: Files = {}): string {
  base ||= mkdtempSync(join(tmpdir(), 'rolecall-bad-'));
  const folder = mkdtempSync(join(base, 'f-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Must be called once, at the top of a test file that uses `expectBad`. */
export function useStore(): void {
  useTemporary();
  beforeAll(async () => {
    const folder = temporary({ 'a.yaml': STORED });
    const applied = await runIam(['apply', '-f', 'a.yaml', '--no-snapshot'], { cwd: folder });
    expect(applied).toMatchObject({ exit: 0, stderr: expect.stringContaining('created store') });
    store = join(folder, '.iam/iam.db');
  });
}

interface Item {
  readonly code: string;
  readonly severity: 'error' | 'warn';
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly hint: string | null;
}

/** A ProblemList as the text that people get for the same. */
export function asText(stderr: string): string {
  const { kind, items, ...rest } = JSON.parse(stderr) as { kind: string; items: readonly Item[] };
  expect([kind, rest, stderr.trim().split('\n').length]).toEqual(['ProblemList', {}, 1]);
  return items
    .map(({ code, severity, message, file, line, column, hint }) => {
      const place = file === null ? '' : `${visible(file)}:${line}:${column}: `;
      const word = severity === 'error' ? 'error' : 'warning';
      return `${place}${word} ${code}: ${visible(message)}\n${hint === null ? '' : `  ${visible(hint)}\n`}`;
    })
    .join('');
}

/**
 * That applying these files in `cwd` fails with exactly these problems, and changes nothing: as JSON where there is
 * no store, and as text, with --prune, where there is one. Place, code, message and hint as `file:1:2: error RC1xx: …`.
 */
export async function expectBad(
  cwd: string,
  argv: readonly string[],
  problems: string,
  stdin: string | Uint8Array = '',
): Promise<void> {
  const json = await runIam(['apply', ...argv, '-o', 'json'], { cwd, stdin });
  expect(asText(json.stderr)).toBe(problems);
  expect(json).toMatchObject({ exit: 4, stdout: '' });
  expect(existsSync(join(cwd, '.iam'))).toBe(false);
  const before = digest(store);
  const text = await runIam(['apply', ...argv, '--prune', '--store', `sqlite:${store}`], { cwd, stdin });
  expect({ ...text, stderr: text.stderr.replace(NOT_PRUNED, '') }).toEqual({
    exit: 4,
    stdout: '',
    stderr: problems,
    questions: [],
  });
  expect(digest(store)).toBe(before);
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** A case: files in a folder (one text is `a.yaml`), and the problems of applying it, indented as the test is. */
export function bad(name: string, files: Files | string, problems: string): void {
  test(name, async () => {
    const folder = temporary(typeof files === 'string' ? { 'a.yaml': files } : files);
    await expectBad(folder, ['-f', '.'], `${dedent(problems).trimEnd()}\n`);
  });
}
