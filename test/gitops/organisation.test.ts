import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { seedOfRun, tapeOf } from '../support/crash-random.ts';
import { readTree, temporaryFolder } from '../support/folder.ts';
import { prDesk } from '../support/pr-desk.ts';
import { type Ran, runIam } from '../support/run-iam.ts';
import type { Tape } from '../support/tape.ts';

/** A real organisation, see test/organisation.test.ts. Not part of this repository. */
const DATA = resolve(import.meta.dirname, '../../../shared/data/kubernetes-org/config');
const missing = existsSync(DATA) ? '' : ' (skipped: ../shared/data/kubernetes-org is not there)';

const LONG = process.env.ROLECALL_LONG === '1';
const PULLS = LONG ? 20 : 8;
const HEAD = 'apiVersion: rolecall.dev/v1alpha1\n';
const MEMBER = /^ {4}- \{name: (\S+)\}\n/gm;

type Files = Map<string, string>;

async function imported(): Promise<Files> {
  const folder = temporaryFolder();
  const ran = await runIam(['import', 'peribolos', DATA, '-o', 'org'], { cwd: folder });
  expect(ran.exit, ran.stderr).toBe(0);
  return new Map(
    Object.entries(readTree(join(folder, 'org'))).map(([path, text]) => [`access/org/${path}`, text]),
  );
}

function membersOf(text: string): string[] {
  const [before = ''] = text.split('---\n');
  return [...before.matchAll(MEMBER)].map(([, name = '']) => name);
}

function some<T>(tape: Tape, list: readonly T[]): T {
  const found = tape.one(list);
  if (found === undefined) throw new Error('there is none');
  return found;
}

/** Changes something that one person of a team would, in a file that nobody else has in hand. */
function edit(files: Files, tape: Tape, taken: Set<string>, round: string): void {
  const users = [...(files.get('access/org/users.yaml') ?? '').matchAll(/^ {2}name: (\S+)$/gm)].map(
    ([, name = '']) => name,
  );
  const groups = [...files].filter(
    ([path, text]) => path.includes('/groups/') && !taken.has(path) && membersOf(text).length > 2,
  );
  const [path, text] = some(tape, groups);
  taken.add(path);
  const members = membersOf(text);
  const newcomer = some(
    tape,
    users.filter((user) => !members.includes(user)),
  );
  switch (tape.below(6)) {
    case 0:
    case 1:
      files.set(
        path,
        text.replace(MEMBER, (line) =>
          line.includes(`name: ${members[0]}}`) ? `${line}    - {name: ${newcomer}}\n` : line,
        ),
      );
      break;
    case 2: {
      const leaver = some(tape, members);
      files.set(path, text.replace(`    - {name: ${leaver}}\n`, ''));
      break;
    }
    case 3:
      files.set(path, text.replace(/^ {2}displayName: .*$/m, `  displayName: "Renamed in ${round}"`));
      break;
    case 4: {
      const [, workspace = ''] = /access\/org\/([^/]+)\//.exec(path) ?? [];
      const name = `made-${round}`;
      files.set(
        `access/org/${workspace}/groups/${name}.yaml`,
        `${HEAD}kind: Group\nmetadata: {name: ${name}, namespace: ${workspace}}\nspec:\n  displayName: ${name}\n  members:\n${[newcomer, members[0], members[1]].map((member) => `    - {name: ${member}}\n`).join('')}---\n${HEAD}kind: RoleBinding\nmetadata: {name: ${name}, namespace: ${workspace}}\nspec: {role: repo-read, subjects: [{kind: Group, name: ${name}}], resources: [{type: Repository, id: ${name}}]}\n`,
      );
      break;
    }
    default: {
      const made = [...files.keys()].find((file) => file.includes('/made-') && !taken.has(file));
      if (made === undefined)
        files.set(path, text.replace(/^ {2}description: .*$/m, `  description: "Said in ${round}"`));
      else {
        files.delete(made);
        taken.add(made);
      }
    }
  }
}

/** What to push so that a branch has these files. */
function changesBetween(before: Files, after: Files): Record<string, string | null> {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return Object.fromEntries(
    [...paths]
      .filter((path) => before.get(path) !== after.get(path))
      .map((path) => [path, after.get(path) ?? null]),
  );
}

type Row = Readonly<Record<string, string>>;

/** All that a store says, but for who did it, and when. */
async function stateOf(iam: (words: string) => Promise<Ran>) {
  const folder = join(temporaryFolder(), 'exported');
  const said = async (words: string) => {
    const ran = await iam(words);
    expect([ran.exit, ran.stderr], words).toEqual([0, expect.any(String)]);
    return ran.stdout;
  };
  await said(`export -o ${folder}`);
  const rows = async (layout: string) =>
    (
      parse(await said(`snapshot --layout ${layout}`), { columns: true, record_delimiter: '\r\n' }) as Row[]
    ).map(({ since, granted_at, granted_by, reason, ...row }) => row);
  return { files: readTree(folder), users: await rows('users'), grants: await rows('grants') };
}

describe.skipIf(missing !== '')(`the organisations of Kubernetes${missing}`, () => {
  const few = LONG ? '' : ' (20 with ROLECALL_LONG=1)';
  test(`${PULLS} pull requests${few}, merged in all ways: the end is what applying the last commit at once makes`, {
    timeout: 300_000,
  }, async () => {
    const seed = seedOfRun();
    const tape = tapeOf(seed, 0);
    let files = await imported();
    const desk = await prDesk(Object.fromEntries(files));
    const { github } = desk;
    const folder = temporaryFolder();
    const on = (store: string) => (words: string) =>
      desk.iam(words, { env: { IAM_STORE: `sqlite:${join(folder, store)}` } });
    const [iam, once] = [on('step.db'), on('once.db')];
    expect(await iam('pr apply --no-snapshot'), `seed ${seed}`).toMatchObject({ exit: 0 });
    const open: number[] = [];
    const taken = new Set<string>();
    for (let round = 1; round <= PULLS; round++) {
      const before = new Map(files);
      const after = new Map(files);
      for (let edits = 1 + tape.below(4); edits > 0; edits--) edit(after, tape, taken, `r${round}-${edits}`);
      github.push({
        by: 'bo',
        branch: `round-${round}`,
        files: changesBetween(before, after),
        message: `Round ${round}`,
      });
      // Some need more than one commit.
      if (tape.chance(2)) {
        const more = new Map(after);
        edit(more, tape, taken, `r${round}-0`);
        github.push({
          by: 'bo',
          branch: `round-${round}`,
          files: changesBetween(after, more),
          message: 'More',
        });
        files = more;
      } else files = after;
      const n = github.openPullRequest({ author: 'bo', branch: `round-${round}`, title: `Round ${round}` });
      open.push(n);
      const planned = await iam(`pr plan --pr ${n}`);
      expect([planned.exit, planned.stderr], `seed ${seed}`).toEqual([0, expect.stringContaining(`#${n}: `)]);
      github.merge(n, { by: 'ana', method: tape.pick(['merge', 'squash', 'rebase']) });
      // A run may find several.
      if (!tape.chance(3) && round < PULLS) continue;
      const applied = await iam('pr apply --no-snapshot');
      expect([applied.exit, applied.stderr], `seed ${seed}`).toEqual([0, '']);
      for (const number of open.splice(0)) expect(applied.stdout).toContain(`(#${number}): `);
      taken.clear();
    }
    expect(open).toEqual([]);

    expect(await once('pr apply --no-snapshot')).toMatchObject({ exit: 0 });
    expect(await stateOf(iam), `seed ${seed}`).toEqual(await stateOf(once));
    expect((await iam('pr apply')).stderr).toContain('nothing to do');
    expect(await iam('pr drift')).toMatchObject({ exit: 0 });
  });
});
