import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { expect } from 'vitest';
import { type Desk, desk, user } from './access-desk.ts';
import { writeFiles } from './folder.ts';
import { type Ran, type RunOptions, runIam } from './run-iam.ts';

const binding = (workspace: string, subjects: string) =>
  `---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: owners, namespace: ${workspace}}
spec: {role: workspace-owner, subjects: [${subjects}], resources: [{type: Workspace}]}
`;
const WORKSPACES = ['acme', 'beta'].map(
  (name) => `---
apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: ${name}}
spec: {displayName: ${name}, tier: Business}
`,
);

export interface HistoryDesk extends Desk {
  /** Writes what `org.yaml` declares beside the workspaces. */
  put(...texts: readonly string[]): void;
  /** As `iam`, for words that have spaces in them. */
  run(words: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Changes the database as somebody would who takes the triggers of the audit away. */
  tamper(sql: string, ...values: readonly SQLInputValue[]): void;
  rows(sql: string): Record<string, unknown>[];
}

/**
 * A store with a history, a day each from 2026-06-01 09:00 on:
 *
 * 1. ana and bo come, both own acme, ana owns beta (audit rows 1 to 7)
 * 2. bo would leave the owners: refused (8), then overridden (revision 2, rows 9 to 11)
 * 3. another display name of bo (revision 3, rows 12 and 13)
 * 4. bo is suspended (revision 4, rows 14 and 15)
 */
export async function historyDesk(): Promise<HistoryDesk> {
  const base = await desk('', { store: false });
  const { cwd } = base;
  const file = join(cwd, '.iam/iam.db');
  const at: HistoryDesk = {
    ...base,
    put: (...texts) => writeFiles(cwd, { 'org.yaml': [...WORKSPACES, ...texts].join('') }),
    run: (words, options) => runIam(words, { cwd, ...options }),
    tamper(sql, ...values) {
      const database = new DatabaseSync(file);
      const triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
      for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
      database.prepare(sql).run(...values);
      for (const trigger of triggers) database.exec(String(trigger.sql));
      database.close();
    },
    rows(sql) {
      const database = new DatabaseSync(file, { readOnly: true });
      const found = database.prepare(sql).all();
      database.close();
      return found;
    },
  };
  const day = (n: number) => ({ now: `2026-06-0${n}T09:00:00Z` });
  const [ana, bo, lee] = [user('ana'), user('bo', ', displayName: Bo'), user('bo', ', displayName: Bo Lee')];
  const beta = binding('beta', '{name: ana}');
  at.put(ana, bo, beta, binding('acme', '{name: ana}, {name: bo}'));
  const apply = 'apply -f org.yaml -q';
  expect(await at.iam(`${apply} --as ana --reason first`, day(1))).toMatchObject({ exit: 0 });
  at.put(ana, bo, beta, binding('acme', '{name: ana}'));
  expect(await at.iam(`${apply} --as bo --reason mine`, day(2))).toMatchObject({ exit: 3 });
  const plan = await at.iam('plan -f org.yaml --as bo -o json', day(2));
  const { digest } = JSON.parse(plan.stdout);
  const override = ['--as', 'bo', '--override', `RC207@${digest}`, '--reason', 'handover, INC-7'];
  expect(await at.run([...apply.split(' '), ...override], day(2))).toMatchObject({ exit: 0 });
  at.put(ana, lee, beta, binding('acme', '{name: ana}'));
  expect(await at.iam(apply, day(3))).toMatchObject({ exit: 0 });
  expect(await at.iam('suspend bo -q --as ana --reason left', day(4))).toMatchObject({ exit: 0 });
  return at;
}

/** A text in which digests and hashes, which differ from store to store, are short. */
export function shortHashes(text: string): string {
  return text.replace(/sha256:[0-9a-f]{64}/g, 'sha256:…');
}
