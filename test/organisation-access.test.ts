/** Questions about a real organisation, that of Kubernetes on GitHub, against a straight reading of its YAML. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Subject } from '../src/core/access.ts';
import { createQuestions } from '../src/core/question.ts';
import { stateNow } from '../src/engine/questions.ts';
import { openStore } from '../src/stores/open.ts';
import { temporaryFolder } from './support/folder.ts';
import { waysIn } from './support/peribolos-ways.ts';
import { NOW, runIam } from './support/run-iam.ts';

const DATA = resolve(import.meta.dirname, '../../shared/data/kubernetes-org/config');
const missing = existsSync(DATA) ? '' : ' (skipped: ../shared/data/kubernetes-org is not there)';
const SEED = 20261124;

describe.skipIf(missing !== '')(`the organisations of Kubernetes${missing}`, { timeout: 300_000 }, () => {
  test('can-i, who-can and why agree with its YAML', async () => {
    const cwd = temporaryFolder();
    const iam = async (words: string, exit = 0) => {
      const ran = await runIam(words.split(' '), { cwd });
      expect(ran.exit, `iam ${words}: ${ran.stderr}`).toBe(exit);
      return ran.stdout;
    };
    await iam(`import peribolos ${DATA} -o org -q`);
    await iam('apply -f org -q --no-snapshot');
    const { state, close } = await stateNow(await openStore('sqlite:.iam/iam.db', cwd, 1000));
    const questions = createQuestions(state, Date.parse(NOW));

    const all = waysIn(DATA);
    const roles = [...new Set(all.map(({ role }) => role))];
    const byPerson = Map.groupBy(all, ({ org, login }) => `${org} ${login}`);
    const people = [...new Set(all.map(({ login }) => login))];
    const places = [
      ...new Set(all.flatMap(({ org, repo }) => (repo === undefined ? [] : [`${org} ${repo}`]))),
    ];
    const pair = fc.oneof(
      fc.record({ login: fc.constantFrom(...people), place: fc.constantFrom(...places) }),
      // Of all pairs hardly any has to do with each other: half of these have.
      fc
        .constantFrom(...all.filter(({ repo }) => repo !== undefined))
        .map(({ org, login, repo }) => ({ login, place: `${org} ${repo}` })),
    );
    const pairs = fc.sample(pair, { seed: SEED, numRuns: 500 });

    let yes = 0;
    for (const [i, { login, place }] of pairs.entries()) {
      const [workspace = '', repo = ''] = place.split(' ');
      const resource = { type: 'Repository', id: repo };
      const subject: Subject = { kind: 'User', namespace: undefined, name: login };
      const has = byPerson.get(`${workspace} ${login}`) ?? [];
      for (const [j, role] of roles.entries()) {
        const may = has.some(
          (way) =>
            way.role === 'workspace-owner' ||
            (way.role === role && (way.repo === undefined || way.repo === repo)),
        );
        expect(
          questions.can(subject, { role, workspace, resource }).allowed,
          `${login} ${role} ${place}`,
        ).toBe(may);
        yes += may ? 1 : 0;
        if (i % 25 === 0 && j % 2 === 0)
          await iam(`can-i ${login} ${role} -n ${workspace} --resource Repository/${repo}`, may ? 0 : 1);
      }
      const bearing = has
        .filter((way) => way.repo === undefined || way.repo === repo)
        .map((way) => `${way.role} ${way.repo === undefined ? 'Workspace' : `Repository/${way.repo}`}`)
        .sort();
      const why = questions.why(subject, workspace, { resource });
      expect(why.map(({ role, scope }) => `${role} ${scope}`).sort()).toEqual(bearing);
      if (i % 50 > 0) continue;
      const told = JSON.parse(
        await iam(`why ${login} -n ${workspace} --resource Repository/${repo} -o json`),
      ) as {
        grants: { role: string; scope: string; active: boolean; declared: { revision: number }[] }[];
      };
      expect(told.grants.map(({ role, scope }) => `${role} ${scope}`).sort()).toEqual(bearing);
      expect(
        told.grants.every(({ active, declared }) => active && declared.every((part) => part.revision === 1)),
      ).toBe(true);
    }
    expect(yes).toBeGreaterThan(300);

    for (const { place } of pairs.slice(0, 60)) {
      const [workspace = '', repo = ''] = place.split(' ');
      for (const role of roles) {
        const may = all.filter(
          (way) =>
            way.org === workspace &&
            (way.role === 'workspace-owner' ||
              (way.role === role && (way.repo === undefined || way.repo === repo))),
        );
        const who = questions.whoCan({ role, workspace, resource: { type: 'Repository', id: repo } });
        expect(who.map(({ subject }) => subject.name).sort()).toEqual(
          [...new Set(may.map(({ login }) => login))].sort(),
        );
      }
    }
    await close();
  });
});
