import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import type { DriftItem } from '../../src/core/drift.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Identity, Manifest } from '../../src/core/resource.ts';
import { temporaryFolder } from './folder.ts';
import { type Ran, type RunOptions, runIam } from './run-iam.ts';

export interface DriftDesk {
  readonly cwd: string;
  iam(words: string, options?: RunOptions): Promise<Ran>;
  /** Applies a text, whatever guards say of it. */
  apply(text: string, words?: string): Promise<void>;
  /** What drifted; nothing exactly when `iam drift` exits 0. */
  drift(words?: string): Promise<readonly DriftItem[]>;
  /** A plan that reads everything. */
  plan(text: string, words?: string): Promise<{ plan: Plan; warnings: readonly string[] }>;
  /** Runs SQL on the database, behind iam's back. */
  sql(text: string, ...values: readonly string[]): void;
  /** Makes the body of one resource another one behind iam's back; returns what it was. */
  edit(id: Identity, change: (body: Manifest) => unknown): string;
}

/** A folder with a real store, in which a text was applied. */
export async function driftDesk(text: string): Promise<DriftDesk> {
  const cwd = temporaryFolder();
  const iam: DriftDesk['iam'] = (words, options) => runIam(words.split(' '), { cwd, ...options });
  const apply: DriftDesk['apply'] = async (stdin, words = '') => {
    const options = `-f - --as ana --no-snapshot${words === '' ? '' : ` ${words}`}`;
    const first = await iam(`apply ${options}`, { stdin });
    if (first.exit === 0) return;
    expect(first.exit, first.stderr).toBe(3);
    const { stdout } = await iam(`plan ${options.replace(' --no-snapshot', '')} -o json`, { stdin });
    const { digest, verdicts } = JSON.parse(stdout) as Plan;
    const codes = new Set(verdicts.flatMap(({ severity, code }) => (severity === 'deny' ? [code] : [])));
    const overrides = [...codes].map((code) => `--override ${code}@${digest}`).join(' ');
    const again = await iam(`apply ${options} --reason test ${overrides}`, { stdin });
    expect(again.exit, again.stderr + again.stdout).toBe(0);
  };
  const sql: DriftDesk['sql'] = (statement, ...values) => {
    const database = new DatabaseSync(join(cwd, '.iam/iam.db'));
    try {
      expect(database.prepare(statement).run(...values).changes).toBeGreaterThan(0);
    } finally {
      database.close();
    }
  };
  await apply(text);
  return {
    cwd,
    iam,
    apply,
    sql,
    async drift(words = '') {
      const { exit, stdout, stderr } = await iam(`drift -o json${words === '' ? '' : ` ${words}`}`);
      expect(stderr).toBe('');
      const { items } = JSON.parse(stdout) as { items: readonly DriftItem[] };
      expect(exit).toBe(items.length === 0 ? 0 : 2);
      return items;
    },
    async plan(stdin, words = '') {
      const { stdout, stderr } = await iam(`plan -f - --full -o json${words === '' ? '' : ` ${words}`}`, {
        stdin,
      });
      const plan = JSON.parse(stdout) as Plan;
      const warnings = plan.problems.map(({ code, message }) => `${code} ${message}`);
      const isRefused = plan.verdicts.some(({ severity }) => severity === 'deny');
      expect(stderr === '').toBe(warnings.length === 0 && !isRefused);
      return { plan, warnings };
    },
    edit(id, change) {
      const [kind = '', place = '', name = ''] = id.split('/');
      const database = new DatabaseSync(join(cwd, '.iam/iam.db'));
      try {
        const where = 'WHERE kind = ? AND workspace = ? AND name = ?';
        const row = database.prepare(`SELECT body FROM resource ${where}`).get(kind, place, name);
        const before = String(row?.body);
        const after = change(JSON.parse(before) as Manifest);
        const text = typeof after === 'string' ? after : canonicalJson(after);
        database.prepare(`UPDATE resource SET body = ? ${where}`).run(text, kind, place, name);
        return before;
      } finally {
        database.close();
      }
    },
  };
}
