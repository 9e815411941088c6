import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { temporaryFolder } from '../support/folder.ts';
import { tipOf } from '../support/git-repository.ts';
import { type PrDesk, prDesk } from '../support/pr-desk.ts';

const FILES = 5000;
/** With the group and the binding of a file, 10 resources in each. */
const PEOPLE = 8;
const HEAD = 'apiVersion: rolecall.dev/v1alpha1\n';

/** A file with some people, the group that they are in, and what it may do. */
function team(i: number): string {
  const names = Array.from({ length: PEOPLE }, (_, k) => `person-${i}-${k}`);
  return [
    ...names.map(
      (name) => `${HEAD}kind: User\nmetadata: {name: ${name}}\nspec: {email: ${name}@acme.example}\n`,
    ),
    `${HEAD}kind: Group\nmetadata: {name: team-${i}, namespace: acme}\nspec: {displayName: Team ${i}, members: [${names.map((name) => `{name: ${name}}`).join(', ')}]}\n`,
    `${HEAD}kind: RoleBinding\nmetadata: {name: reads-${i}, namespace: acme}\nspec: {role: source-read-only, subjects: [{kind: Group, name: team-${i}}], resources: [{type: Source, id: s-${i}}]}\n`,
  ].join('---\n');
}

async function opened(): Promise<{ desk: PrDesk; n: number }> {
  const desk = await prDesk();
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  const files = Object.fromEntries(
    Array.from({ length: FILES }, (_, i) => [`access/teams/${Math.floor(i / 100)}/team-${i}.yaml`, team(i)]),
  );
  desk.github.push({ by: 'bo', branch: 'teams', files });
  const n = desk.github.openPullRequest({ author: 'bo', branch: 'teams', title: 'Everybody' });
  return { desk, n };
}

test('50,000 changes in 5,000 files: in seconds three comments, all of them in the artifact, applied as it was reviewed', {
  timeout: 240_000,
}, async () => {
  const { desk, n } = await opened();
  const artifact = temporaryFolder();
  const ran = await desk.iam(`pr plan --pr ${n} --artifact ${artifact}`, { env: { GITHUB_RUN_ID: '77' } });
  expect(ran).toEqual({
    exit: 0,
    stdout: '',
    stderr: `#${n}: 50000 to create, 0 to update, 0 to delete, 5 unchanged\n`,
    questions: [],
  });

  const plan = JSON.parse(readFileSync(join(artifact, 'plan.json'), 'utf8')) as Plan;
  const teams = Array.from({ length: FILES }, (_, i) => i);
  const people = teams.flatMap((i) =>
    Array.from({ length: PEOPLE }, (_, k) => ({ i, name: `person-${i}-${k}` })),
  );
  expect(plan.changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`).sort()).toEqual(
    [
      ...people.map(({ name }) => `create User ${name}`),
      ...teams.flatMap((i) => [`create Group team-${i}`, `create RoleBinding reads-${i}`]),
    ].sort(),
  );
  expect(
    plan.access
      .flatMap(({ subject, gains, loses }) => [
        ...gains.map(({ role, scope }) => `${subject} gains ${role} ${scope}`),
        ...loses.map(({ role }) => `${subject} loses ${role}`),
      ])
      .sort(),
  ).toEqual(people.map(({ i, name }) => `${name} gains source-read-only Source/s-${i}`).sort());

  const comments = await desk.comments(n);
  expect(comments.map(({ length }) => length > 60_000 && length <= 65_536)).toEqual([true, true, true]);
  const rows = comments.flatMap(
    (comment) => comment.match(/^\| person-.*\*\*gains\*\* source-read-only on .* \|$/gm) ?? [],
  );
  expect(new Set(rows).size).toBe(rows.length);
  const [, left = ''] =
    /\n\n… and ([\d,]+) more rows: in the artifact of run 77\n\ndigest .*$/.exec(comments[2] ?? '') ?? [];
  // Of each kind 200 are told in detail, and how many more there are.
  expect(rows.length + Number(left.replace(',', ''))).toBe(FILES * PEOPLE + 3 * 201);
  expect(comments[2]).toContain(`digest \`${plan.digest}\``);

  // Beside GitHub: 5 s where nothing else is at work.
  const tip = tipOf(desk.repository, 'teams');
  const start = performance.now();
  expect(await desk.iam(`pr plan --base origin/main --head ${tip} --dry-run`)).toMatchObject({ exit: 0 });
  expect((performance.now() - start) / 1000).toBeLessThan(15);

  desk.github.merge(n, { by: 'ana' });
  expect(await desk.iam('pr apply')).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining(
      `(#${n}): 50000 to create, 0 to update, 0 to delete, 5 unchanged, revision 2`,
    ),
  });
  expect((await desk.comments(n)).at(-1)).toContain(`digest \`${plan.digest}\``);
});
