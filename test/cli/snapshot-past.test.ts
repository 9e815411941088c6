/** Snapshots of what was, and descriptions: both tell grants as the questions do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { desk, ORG } from '../support/access-desk.ts';

const LATER = '2026-11-26T12:00:00Z';
const SOON = '2026-11-26T13:00:00Z';

test('a snapshot of the past is the one that was written then', async () => {
  const { iam, cwd } = await desk();
  const layouts = ['users', 'grants'] as const;
  const then = await Promise.all(layouts.map((layout) => iam(`snapshot --layout ${layout}`)));
  writeFileSync(
    join(cwd, 'org.yaml'),
    ORG.replace('subjects: [{name: bo}, ', 'subjects: [').replace(
      'expiresAt: 2027-01-31',
      'expiresAt: 2027-03-31',
    ),
  );
  expect(await iam('apply -f org.yaml -q --as ana', { now: LATER })).toMatchObject({ exit: 0 });
  for (const [i, layout] of layouts.entries()) {
    const past = await iam(`snapshot --layout ${layout} --at 2026-11-24T12:00:00Z`, { now: SOON });
    expect(past).toMatchObject({ exit: 0, stderr: '', stdout: then[i]?.stdout });
    expect((await iam(`snapshot --layout ${layout}`, { now: SOON })).stdout).not.toBe(past.stdout);
    const one = await iam(`snapshot -n acme --layout ${layout} --at 2026-11-25`, { now: SOON });
    expect(one.stdout.split('\r\n').length).toBe(
      (then[i]?.stdout ?? '').split('\r\n').filter((line) => !line.startsWith('"beta"')).length,
    );
  }
  expect(await iam('snapshot --at 2026-11-23', { now: SOON })).toMatchObject({
    exit: 4,
    stderr:
      'error RC126: there was nothing yet at 2026-11-23 00:00 UTC\n  the first apply was at 2026-11-24 12:00 UTC\n',
  });
  expect(await iam('snapshot -n gone --at 2026-11-25', { now: SOON })).toMatchObject({
    exit: 4,
    stderr: 'error RC126: there was no workspace "gone"\n  iam get workspaces\n',
  });
});

test('describe tells grants with the facts that can-i, who-can and why tell', async () => {
  const { json } = await desk();
  const { grants } = await json<{ grants: object[] }>('describe user bo');
  const why = await json<{ grants: object[] }>('why bo');
  const plain = why.grants.map((grant) => ({ ...grant, declared: undefined }));
  for (const grant of grants) expect(plain).toContainEqual(grant);
  expect(grants.length).toBe(plain.length);
});
