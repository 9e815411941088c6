import { describe, expect, test } from 'vitest';
import { bound, desk, ORG, user } from '../support/access-desk.ts';
import { dedent } from '../support/bad-input.ts';

function answers(words: string, text: string): void {
  test(words, async () => {
    const { told } = await desk(ORG, { store: false });
    expect(await told(`who-can ${words} -f org.yaml`)).toBe(dedent(text));
  });
}

answers(
  'pii-access -n acme',
  `
  2 people can act as pii-access on the whole workspace acme

  SUBJECT  EMAIL             ON         VIA     BINDING  AS PART OF
  ana      ana@acme.example  Workspace  direct  owners   workspace-owner
  gus      gus@acme.example  Workspace  direct  privacy  privacy-officer
  `,
);
answers(
  'function-read-only -n acme --resource Function/a/b',
  `
  2 people and 1 token can act as function-read-only on Function/a/b in acme

  ana <ana@acme.example>
    on the whole workspace, by binding owners, as part of workspace-owner
  cy <cy@acme.example>
    on Function/a/b, by binding web
  token/ci
    on Function/a/b, by binding web, until 2027-06-30 00:00 UTC
  `,
);
answers(
  'source-read-only -n acme',
  `
  3 people can act as source-read-only on the whole workspace acme, 1 more only on
    part of it

  ana <ana@acme.example>
    on the whole workspace, by binding owners, as part of workspace-owner
  bo <bo@acme.example>
    on the whole workspace, by binding direct, as part of source-admin
  cy <cy@acme.example>
    on the whole workspace, through groups staff > analysts by binding admins, as
      part of source-admin
  gus <gus@acme.example>
    on all with environment=prod, by binding prod
  `,
);
answers(
  'workspace-member -n beta --at 2027-01-01',
  `
  2 people can act as workspace-member on the whole workspace beta, at 2027-01-01
    00:00 UTC

  SUBJECT  EMAIL             ON         VIA     BINDING  AS PART OF
  ana      ana@acme.example  Workspace  direct  owners   workspace-owner
  bo       bo@acme.example   Workspace  direct  owners   workspace-owner
  `,
);

describe('who is left out, and who is told apart', () => {
  const summary = async (words: string) => {
    const { told } = await desk(ORG, { store: false });
    return (await told(`who-can ${words} -f org.yaml`)).split('\n\n')[0]?.replaceAll(/\s+/g, ' ');
  };

  test('by labels', async () => {
    const role = 'source-read-only -n acme --resource Source/x';
    expect(await summary(role)).toMatch(/^3 people .* in acme, 1 more only if it has the labels$/);
    expect(await summary(`${role} --resource-labels environment=prod`)).toMatch(/^4 people .*in acme$/);
    expect(await summary(`${role} --resource-labels environment=dev`)).toMatch(/^3 people .*in acme$/);
    expect(await summary('function-read-only -n acme --resource Function/b')).toMatch(
      /^1 person can .*acme$/,
    );
  });

  test('nobody', async () => {
    const { told } = await desk(ORG.replace('role: workspace-owner', 'role: workspace-member'), {
      store: false,
    });
    const nobody = 'nobody can act as entities-admin on the whole workspace acme\n';
    expect(await told('who-can entities-admin -n acme -f org.yaml')).toBe(nobody);
  });

  test('tokens alone', async () => {
    expect(await summary('workspace-member -n acme')).toBe(
      '1 person and 1 token can act as workspace-member on the whole workspace acme',
    );
  });
});

test('a long list is folded to a count, and -v shows all', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `u${String(i).padStart(2, '0')}`);
  const all = names.map((name) => `{name: ${name}}`).join(', ');
  const org =
    ORG +
    names.map((name) => user(name)).join('') +
    bound('many', 'entities-admin', all, '{type: Workspace}');
  const { told } = await desk(org);
  const short = await told('who-can entities-read-only -n acme');
  expect(short).toMatch(/^41 people can act as entities-read-only/);
  expect(short).toMatch(/\n… and 16 more \(all of them with -v\)\n$/);
  expect((await told('who-can entities-read-only -n acme -v')).match(/u\d\d@/g)).toHaveLength(40);
});

test('answers in JSON with every path', async () => {
  const { json } = await desk();
  const found = await json<{ subjects: { subject: string; grants: { binding: string }[] }[] }>(
    'who-can source-read-only -n acme --resource Source/x',
  );
  expect(found).toMatchObject({
    kind: 'WhoCan',
    role: 'source-read-only',
    workspace: 'acme',
    resource: 'Source/x',
    resourceLabels: null,
    at: '2026-11-24T12:00:00Z',
    subjects: [
      { subjectKind: 'User', subject: 'ana', email: 'ana@acme.example', allowed: true },
      { subject: 'bo', allowed: true },
      { subject: 'cy', allowed: true },
      { subject: 'gus', allowed: false, grants: [{ scope: 'environment=prod', active: true }] },
    ],
  });
  expect(found.subjects[1]?.grants.map(({ binding }) => binding)).toEqual(['direct', 'admins']);
});

test('what it does not know, or is not told', async () => {
  const { iam } = await desk();
  expect(await iam('who-can source-admin')).toMatchObject({
    exit: 4,
    stderr: 'error RC121: a role is held in a workspace: which one?\n  name it with -n\n',
  });
  expect(await iam('who-can source-admim -n acmee')).toMatchObject({
    exit: 4,
    stdout: '',
    stderr: dedent(`
      error RC126: there is no Role "source-admim"
        did you mean "source-admin"?
      error RC126: there is no workspace "acmee"
        did you mean "acme"?
      `),
  });
});
