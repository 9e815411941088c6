import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { newSchema, serverUrl } from '../support/postgres.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const OTHER = 'https://elsewhere.example/leak';

/** What is said in a run, and on GitHub since. */
async function everythingSaid(
  desk: PrDesk,
  commands: readonly string[],
  env: Record<string, string>,
): Promise<string> {
  const said: string[] = [];
  for (const words of commands) {
    const { stdout, stderr } = await desk.iam(words, { env });
    said.push(stdout, stderr);
  }
  const wrote = desk.github.log.filter(({ method }) => method !== 'GET').map(({ body }) => body);
  return [...said, ...wrote].join('\n');
}

function tokenManifest(name: string): string {
  return `apiVersion: rolecall.dev/v1alpha1\nkind: Token\nmetadata: {name: ${name}, namespace: acme}\nspec: {description: Deploys, role: workspace-member, owner: ana, deliverTo: {file: ${name}}}\n`;
}

/** Opens, plans, merges and applies one pull request, and makes some things go wrong. */
async function life(desk: PrDesk, env: Record<string, string>): Promise<string> {
  const { github } = desk;
  const open = (branch: string, text: string) => {
    github.push({ by: 'bo', branch, files: { [`access/${branch}.yaml`]: text } });
    return github.openPullRequest({ author: 'bo', branch, title: branch });
  };
  const said = [await everythingSaid(desk, ['pr apply'], env)];
  const n = open('deploys', `${tokenManifest('ci')}---\n${group('readers', ['bo'])}`);
  const wrong = open('wrong', group('wrong', ['nobody-known']));
  const owner = open('owner', binding('owner', 'workspace-owner', '{name: bo}, {name: eve}'));
  said.push(
    await everythingSaid(
      desk,
      [`pr plan --pr ${n}`, `pr plan --pr ${wrong}`, `pr plan --pr ${owner}`, 'pr plan --all'],
      env,
    ),
  );
  github.merge(n, { by: 'ana' });
  said.push(
    await everythingSaid(
      desk,
      ['pr apply', 'pr drift', 'pr plan --all -v', 'pr apply -v --log-format json'],
      env,
    ),
  );
  github.fault({ with: 'close', times: 99 });
  said.push(await everythingSaid(desk, [`pr plan --pr ${owner}`, 'pr drift -v'], env));
  return said.join('\n');
}

const PEPPER = 'cGVwcGVyLXBlcHBlci1wZXBwZXItcGVwcGVyLXBlcHA=';

/** As `life`, with secrets that are issued; and what must not be in it. */
async function lifeWithSecrets(
  desk: PrDesk,
  IAM_STORE: string,
): Promise<{ said: string; secrets: string[] }> {
  const folder = join(temporaryFolder(), 'secrets-dir');
  mkdirSync(folder, { mode: 0o700 });
  const iam: PrDesk['iam'] = (words, options) =>
    desk.iam(words.startsWith('pr apply') ? `${words} --secrets-dir ${folder}` : words, options);
  const said = await life({ ...desk, iam }, { IAM_STORE, IAM_PEPPER: `p1:${PEPPER}` });
  expect(said).toContain('issued secret');
  expect(said).toMatch(/revision 2/);
  const secret = readFileSync(join(folder, 'ci'), 'utf8').trim();
  expect(secret).toMatch(/^rct_/);
  return { said, secrets: [secret, secret.slice(-49), desk.token, PEPPER] };
}

test('no secret, token, or place of a SQLite store is in any comment, check, issue or log', async () => {
  const desk = await prDesk();
  const place = join(temporaryFolder(), 'deep-inside');
  const { said, secrets } = await lifeWithSecrets(desk, `sqlite:${place}/access.db`);
  for (const hidden of [...secrets, place, 'deep-inside', 'access.db']) expect(said).not.toContain(hidden);
  // The folder of the database cannot be made: its name is not said either.
  const broken = await desk.iam('pr apply', {
    env: { IAM_STORE: 'sqlite:/dev/null/deep-inside/access.db' },
  });
  expect(broken.exit).toBeGreaterThan(0);
  expect(broken.stdout + broken.stderr).not.toMatch(/deep-inside|dev\/null/);
});

test('no password, host, or URL of a Postgres store is in any comment, check, issue or log', {
  timeout: 120_000,
}, async () => {
  const desk = await prDesk();
  const url = new URL(await serverUrl());
  url.searchParams.set('schema', newSchema());
  const { said, secrets } = await lifeWithSecrets(desk, url.href);
  const hidden = [...secrets, url.href, url.href.split('?')[0] ?? '', url.host, url.password];
  for (const word of hidden.filter((one) => one.length > 3)) expect(said).not.toContain(word);
  expect(said).not.toMatch(/postgres(ql)?:\/\//);
  for (const wrong of [
    'postgres://iam:s3cr%2Fet-word@db.internal.example:6543/access',
    'postgres://iam:s3cr%2Fet-word@127.0.0.1:9/access',
    'postgres://iam:s3cr/et-word@db.internal.example/access',
    'postgres://iam@/access?host=db.internal.example&password=s3cr-et-word',
  ]) {
    for (const words of [
      'pr apply',
      'pr plan --base origin/main --head origin/deploys --dry-run',
      'pr drift -v',
    ]) {
      const ran = await desk.iam(words, { env: { IAM_STORE: wrong } });
      expect([ran.exit > 0, ran.stderr.includes('error')], words).toEqual([true, true]);
      expect(ran.stdout + ran.stderr).not.toMatch(/et-word|internal|127\.0\.0\.1|postgres:(?!\/\/USER)|:9\b/);
    }
  }
});

test('no token goes anywhere else than to the API that is named', async () => {
  const desk = await prDesk();
  const said = await desk.iam('pr plan --pr 1', {
    env: { GITHUB_API_URL: OTHER.replace('elsewhere.example', '127.0.0.1:9') },
  });
  expect(said).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringContaining('no answer') });
  expect(said.stderr).not.toContain(desk.token);
});
