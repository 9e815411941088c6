import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, test } from 'vitest';
import type { Plan } from '../src/core/plan.ts';
import { waysIn } from './support/peribolos-ways.ts';

/** A real organisation: that of Kubernetes on GitHub, as it is kept for Peribolos. Not part of this repository. */
const ROOT = resolve(import.meta.dirname, '..');
const DATA = resolve(ROOT, '../shared/data/kubernetes-org/config');
const MAIN =
  [join(ROOT, 'dist/cli/main.js'), join(ROOT, 'src/cli/main.ts')].find((path) => existsSync(path)) ?? '';
const missing = existsSync(DATA) ? '' : ' (skipped: ../shared/data/kubernetes-org is not there)';

const cwd = mkdtempSync(join(tmpdir(), 'organisation-'));
afterAll(() => rmSync(cwd, { recursive: true }));

interface Figures {
  readonly command: string;
  readonly seconds: number;
  readonly megabytes: number;
}
const figures: Figures[] = [];

/** Runs the real program, and keeps how long it took and how much memory it needed. */
function iam(command: string, exit = 0): string {
  const peak = join(cwd, '.peak');
  const watch = `data:text/javascript,${encodeURIComponent(
    `import { writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));`,
  )}`;
  const start = performance.now();
  const ran = spawnSync(process.execPath, ['--import', watch, MAIN, ...command.split(' ')], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    env: { PATH: process.env.PATH, HOME: cwd },
  });
  const seconds = (performance.now() - start) / 1000;
  expect(ran.status, `iam ${command}: ${ran.stderr}`).toBe(exit);
  figures.push({
    command: command.replace(DATA, 'DATA'),
    seconds,
    megabytes: Number(readFileSync(peak, 'utf8')) / 1024,
  });
  return ran.stdout;
}

/** Straight from the YAML: `org login role scope`, once for each way that somebody comes to it. */
function expectedGrants(): string[] {
  return waysIn(DATA)
    .map(
      ({ org, login, role, repo }) =>
        `${org} ${login} ${role} ${repo === undefined ? 'Workspace' : `Repository/${repo}`}`,
    )
    .sort();
}

type Row = Readonly<Record<string, string>>;
const table = (text: string) => parse(text, { columns: true, record_delimiter: '\r\n' }) as Row[];

describe.skipIf(missing !== '')(`the organisations of Kubernetes${missing}`, { timeout: 300_000 }, () => {
  test('import, validate, plan, apply, snapshots, export: and nothing is left to do', () => {
    iam(`import peribolos ${DATA} -o org`);
    const { valid, resources } = JSON.parse(iam('validate -f org -o json')) as {
      valid: boolean;
      resources: Record<string, number>;
    };
    expect(valid).toBe(true);
    const total = Object.values(resources).reduce((a, b) => a + b, 0);
    expect(resources).toMatchObject({ Workspace: readdirSync(DATA).length, Role: 5 });

    const plan = JSON.parse(iam('plan -f org -o json')) as Plan;
    expect(plan.summary).toEqual({ create: total, update: 0, delete: 0, unchanged: 0 });
    expect(existsSync(join(cwd, '.iam'))).toBe(false);
    iam('apply -f org');
    expect((JSON.parse(iam('plan -f org -o json --exit-code')) as Plan).changes).toEqual([]);

    const grants = table(iam('snapshot --layout grants'));
    const expected = expectedGrants();
    expect(expected.length).toBeGreaterThan(5_000);
    const got = grants
      .map(({ workspace, subject, role, scope }) => `${workspace} ${subject} ${role} ${scope}`)
      .sort();
    expect(got).toEqual(expected);
    expect(new Set(grants.map(({ state }) => state))).toEqual(new Set(['Active']));
    expect(
      grants.filter(({ granted_at, granted_by }) => granted_at === '' || granted_by !== 'manager:default'),
    ).toEqual([]);

    const users = table(iam('snapshot --layout users'));
    const people = new Set(expected.map((line) => line.split(' ').slice(0, 2).join(' ')));
    const belonging = users.map(({ workspace, user }) => `${workspace} ${user}`);
    expect(new Set(belonging).size).toBe(belonging.length);
    expect(people.isSubsetOf(new Set(belonging))).toBe(true);
    const owners = users
      .filter(({ permission }) => permission === 'Owner')
      .map(({ workspace, user }) => `${workspace} ${user} workspace-owner Workspace`);
    expect(owners.sort()).toEqual(expected.filter((line) => line.includes(' workspace-owner ')));

    const snapshot = join(cwd, '.iam/snapshot');
    const written = readdirSync(snapshot).filter((file) => file.endsWith('.grants.csv'));
    expect(written.flatMap((file) => table(readFileSync(join(snapshot, file), 'utf8'))).length).toBe(
      grants.length,
    );
    expect(
      readdirSync(snapshot)
        .filter((file) => file.endsWith('.users.csv'))
        .flatMap((file) => table(readFileSync(join(snapshot, file), 'utf8'))).length,
    ).toBe(users.length);

    iam('export -o exported');
    expect((JSON.parse(iam('plan -f exported -o json --exit-code --prune')) as Plan).changes).toEqual([]);
    const before = iam('history -o jsonl');
    iam('apply -f exported --prune');
    expect(iam('history -o jsonl')).toBe(before);

    const lines = figures.map(
      ({ command, seconds, megabytes }) =>
        `  ${seconds.toFixed(2).padStart(6)} s ${megabytes.toFixed(0).padStart(5)} MB  iam ${command}`,
    );
    const counts = Object.entries(resources).map(([kind, n]) => `${n} ${kind}`);
    console.log(
      `${total} resources (${counts.join(', ')}), ${grants.length} grants, ${users.length} people in workspaces\n${basename(dirname(MAIN))}/${basename(MAIN)}\n${lines.join('\n')}`,
    );
  });
});
