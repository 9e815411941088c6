/** The history of a store in Postgres, through the command line, against a real server. */
import { expect, test } from 'vitest';
import { bound, user } from '../support/access-desk.ts';
import { temporaryFolder } from '../support/folder.ts';
import { shortHashes } from '../support/history-desk.ts';
import { ask, newSchema, serverUrl, storeUrl } from '../support/postgres.ts';
import { runIam } from '../support/run-iam.ts';

const ORG = `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec: {displayName: Acme, tier: Business}
${user('ana')}${bound('owners', 'workspace-owner', '{name: ana}', '{type: Workspace}')}`;

test('history is told, verified, redacted and compared as in SQLite', async () => {
  const [server, schema] = [await serverUrl(), newSchema()];
  const env = { IAM_STORE: storeUrl(server, schema) };
  const cwd = temporaryFolder({ 'org.yaml': ORG, 'ana.yaml': user('ana', ', displayName: Ana') });
  const iam = (words: string) => runIam(words.split(' '), { cwd, env, now: '2026-06-01T09:00:00Z' });
  expect(await iam('apply -f org.yaml -q --as ana --reason first')).toMatchObject({ exit: 0 });
  expect(await iam('apply -f ana.yaml -q --as ana --reason second')).toMatchObject({ exit: 0 });
  const { stdout } = await iam('history --audit -o jsonl');
  const head = (({ seq, hash }) => `${seq}:${hash}`)(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  expect(await iam(`history verify --head ${head}`)).toMatchObject({ exit: 0, stderr: '' });
  const { access } = JSON.parse((await iam('diff --from 0 --to 1 -o json')).stdout);
  expect(access).toMatchObject([{ subject: 'ana', gains: [{ role: 'workspace-owner' }] }]);
  expect((await iam('history show 2')).stdout).toContain('displayName: "" → Ana');
  expect(await iam('history redact 6 --reason asked -q')).toMatchObject({ exit: 0, stderr: '' });
  const verified = await iam(`history verify --head ${head}`);
  expect(verified).toMatchObject({ exit: 0, stderr: '' });
  expect(verified.stdout).toContain('1 row is redacted');
  expect((await iam('history show 2')).stdout).toContain('audit row 6: update User ana');

  const audit = `"${schema}".audit`;
  await ask(server, `ALTER TABLE ${audit} DISABLE TRIGGER USER`);
  await ask(server, `UPDATE ${audit} SET actor = 'eve' WHERE seq = 2`);
  expect((await iam('history verify')).stderr).toContain(
    'error RC409: audit row 2 (create Workspace acme, revision 1) is not as it was written\n',
  );
  await ask(server, `UPDATE ${audit} SET actor = 'ana' WHERE seq = 2`);
  expect(await iam('history verify')).toMatchObject({ exit: 0 });
  await ask(server, `DELETE FROM ${audit} WHERE seq > 4`);
  const cut = await iam(`history verify --head ${head}`);
  expect(cut.exit).toBe(1);
  expect(shortHashes(cut.stderr)).toContain(
    'error RC409: the end of the audit is cut off: the newest row is 4, and there was 6:sha256:… (--head)\n',
  );
});
