import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/core/resource.ts';
import { dedent } from '../support/bad-input.ts';
import { listText, withMetadata } from '../support/drift-cases.ts';
import { type DriftDesk, driftDesk } from '../support/drift-desk.ts';
import { writeFiles } from '../support/folder.ts';
import { binding, group, leavingOut, user, workspace } from '../support/resources.ts';
import { runIam } from '../support/run-iam.ts';

const acme = workspace('acme');
const beta = workspace('beta', { displayName: 'Beta' });
const ana = user('ana');
const bo = user('bo');
const devs = group('acme/devs', ['ana']);
const own = binding('acme/own', 'workspace-owner', ['ana']);
const ORG = [acme, beta, ana, bo, devs, own];
const TEXT = listText(ORG);

const REPORT = { annotations: { 'rolecall.dev/drift': 'report' } };
const IGNORE = { annotations: { 'rolecall.dev/drift': 'ignore' } };

async function told({ iam }: DriftDesk, words = ''): Promise<{ exit: number; stdout: string }> {
  const { exit, stdout, stderr } = await iam(`drift${words === '' ? '' : ` ${words}`}`);
  expect(stderr).toBe('');
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  return { exit, stdout };
}

function renamed(body: Manifest, displayName: string): Manifest {
  return { ...body, spec: { ...body.spec, displayName } };
}

/** Takes a resource out of the database behind iam's back. */
function vanish({ sql }: DriftDesk, name: string): void {
  sql('DELETE FROM resource WHERE name = ?', name);
}

describe('what it says', () => {
  test('where nothing drifted', async () => {
    const desk = await driftDesk(TEXT);
    expect(await told(desk)).toEqual({
      exit: 0,
      stdout: 'No drift. 6 resources compared with what was applied (manager default).\n',
    });
    expect(await told(desk, '-n beta')).toEqual({
      exit: 0,
      stdout: dedent(`
      No drift. 1 resource compared with what was applied (manager default, workspace
        beta).
      `),
    });
    expect(JSON.parse((await desk.iam('drift -A -o json')).stdout)).toEqual({
      kind: 'Drift',
      manager: 'default',
      workspace: null,
      revision: 1,
      summary: { resources: 6, drifted: 0, ignored: 0, unknown: 0 },
      items: [],
    });
  });

  const drifted = async () => {
    const reported = withMetadata(beta, REPORT);
    const desk = await driftDesk(listText([acme, reported, withMetadata(ana, IGNORE), bo, devs, own]));
    await desk.apply(listText([user('bo', { state: 'Suspended' })]), '--manager idp --adopt --reason left');
    desk.edit('Group/acme/devs', (body) => ({
      ...body,
      spec: { ...body.spec, members: [{ kind: 'User', name: 'bo' }] },
    }));
    desk.edit('Workspace//beta', (body) => renamed(body, 'Gamma'));
    desk.edit('User//ana', (body) => renamed(body, 'Ana D.'));
    vanish(desk, 'own');
    desk.sql(
      `INSERT INTO resource (uid, kind, workspace, name, manager, field_managers, body, revision)
       SELECT 'made-up', kind, workspace, 'evil', 'idp', field_managers, replace(body, '"devs"', '"evil"'), revision
       FROM resource WHERE name = ?`,
      'devs',
    );
    return desk;
  };

  test('by workspace, with who, when and why, and what to do next', async () => {
    const desk = await drifted();
    expect(await told(desk)).toEqual({
      exit: 2,
      stdout: dedent(`
      5 resources are not as they were applied (manager default)

      Global
        ~ User bo changed by ana (manager idp) at 2026-11-24 12:00 UTC, revision 2
            state: Active → Suspended
            reason: left

      acme
        ~ Group acme/devs changed in the database
            members: - User ana
            members: + User bo
        + Group acme/evil (manager idp) made in the database
        - RoleBinding acme/own deleted in the database

      beta
        ~ Workspace beta changed in the database, only reported
            displayName: Beta → Gamma

      1 resource differs, and is to be ignored (rolecall.dev/drift)

      Next
        iam apply -f PATH brings back what was deleted, or changed in the database
        iam plan -f PATH --adopt shows what comes back of what another manager took
          over; whoever he suspended would be active again
        declare what was made in the database, or delete it with iam delete
        what is only reported stays as it is (rolecall.dev/drift)
      `),
    });
  });

  test('in JSON', async () => {
    const { iam } = await drifted();
    const { exit, stdout, stderr } = await iam('drift -o json');
    expect({ exit, stderr }).toEqual({ exit: 2, stderr: '' });
    const byHand = { cause: 'database', manager: null, actor: null, at: null, revision: null, reason: null };
    const ours = { managedBy: 'default', treatment: 'enforce' };
    const inAcme = { namespace: 'acme' };
    const updated = { action: 'update', namespace: null };
    expect(JSON.parse(stdout)).toEqual({
      kind: 'Drift',
      manager: 'default',
      workspace: null,
      revision: 2,
      summary: { resources: 6, drifted: 5, ignored: 1, unknown: 0 },
      items: [
        {
          ...{ action: 'update', kind: 'Group', ...inAcme, name: 'devs', ...ours, ...byHand },
          fields: [
            { path: '/spec/members/User:ana', before: { kind: 'User', name: 'ana' }, after: null },
            { path: '/spec/members/User:bo', before: null, after: { kind: 'User', name: 'bo' } },
          ],
        },
        {
          ...{ action: 'create', kind: 'Group', ...inAcme, name: 'evil', ...ours, ...byHand },
          managedBy: 'idp',
          fields: [],
        },
        { action: 'delete', kind: 'RoleBinding', ...inAcme, name: 'own', ...ours, ...byHand, fields: [] },
        {
          ...{ ...updated, kind: 'User', name: 'bo', ...ours },
          cause: 'manager',
          manager: 'idp',
          actor: 'ana',
          at: '2026-11-24T12:00:00Z',
          revision: 2,
          reason: 'left',
          fields: [{ path: '/spec/state', before: 'Active', after: 'Suspended' }],
        },
        {
          ...{ ...updated, kind: 'Workspace', name: 'beta', ...ours, ...byHand, treatment: 'report' },
          fields: [{ path: '/spec/displayName', before: 'Beta', after: 'Gamma' }],
        },
      ],
    });
  });

  test('of one workspace, and of another manager', async () => {
    const desk = await drifted();
    expect((await desk.drift('-n acme')).map(({ name }) => name)).toEqual(['devs', 'evil', 'own']);
    expect((await desk.drift('-n beta')).map(({ name }) => name)).toEqual(['beta']);
    expect((await told(desk, '-n acme --manager idp')).stdout).toContain(
      dedent(`
      Next
        what manager default has, an apply with --manager default brings back
        declare what was made in the database, or delete it with iam delete
      `),
    );
    vanish(desk, 'beta');
    expect(await desk.drift('-n beta')).toMatchObject([{ action: 'delete', kind: 'Workspace' }]);
    expect(await desk.iam('drift -n bet')).toMatchObject({
      exit: 4,
      stderr: 'error RC126: there is no workspace "bet"\n  iam get workspaces\n',
    });
  });

  test('of many only some, all with -v', async () => {
    const many = Array.from({ length: 30 }, (_, i) => user(`u${String(i).padStart(2, '0')}`));
    const desk = await driftDesk(listText(many));
    desk.sql("UPDATE resource SET body = replace(body, 'Human', ?)", 'Service');
    const short = (await told(desk)).stdout;
    expect(short).toContain('30 resources are not as they were applied');
    expect(short).toContain('\n… and 5 more (all of them with -v)\n');
    expect(short.match(/^ {2}~ User/gm)).toHaveLength(25);
    expect((await told(desk, '-v')).stdout.match(/^ {2}~ User/gm)).toHaveLength(30);
  });

  test('nothing of what is hostile reaches the terminal', async () => {
    const desk = await driftDesk(TEXT);
    desk.edit('Group/acme/devs', (body) => renamed(body, '\u001b[31m\u202eevil'));
    desk.sql("UPDATE resource SET manager = ? WHERE name = 'own'", '\u001b[31m');
    desk.sql("UPDATE resource SET name = ? WHERE name = 'own'", 'x\u001b]0;y\u0007');
    const { stdout } = await told(desk);
    expect(stdout).toContain('displayName: acme/devs → "\\\\u001b[31m\\\\u202eevil"');
    for (const hostile of ['\u001b', '\u202e', '\u0007']) expect(stdout).not.toContain(hostile);
  });

  test('where there is no store, or it was never applied to', async () => {
    const { cwd } = await driftDesk(TEXT);
    expect(await runIam(['drift', '--store', 'sqlite:none.db'], { cwd })).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: expect.stringContaining('error RC401: no store at'),
    });
    expect(existsSync(join(cwd, 'none.db'))).toBe(false);
  });
});

describe('what is no drift', () => {
  test('another order, and defaults that are not written down', async () => {
    const desk = await driftDesk(TEXT);
    desk.edit('Group/acme/devs', ({ spec, metadata, kind, apiVersion }) => {
      const { description: _, ...rest } = spec;
      return JSON.stringify({ spec: rest, kind, metadata, apiVersion }, null, 2);
    });
    desk.edit('User//bo', (body) => ({ ...body, spec: { email: 'bo@acme.example' } }));
    desk.edit('Workspace//acme', (body) => {
      const { guards: _, ...spec } = body.spec;
      return { ...body, spec: { ...spec, owners: { required: [] } } };
    });
    desk.edit('RoleBinding/acme/own', (body) => ({ ...body, metadata: { ...body.metadata, labels: {} } }));
    expect(await desk.drift()).toEqual([]);
    expect((await desk.plan(TEXT)).plan.changes).toEqual([]);
  });

  test('what another manager changes of his own', async () => {
    const left = leavingOut(bo, 'state');
    const desk = await driftDesk(listText([left]));
    await desk.apply(
      listText([leavingOut(user('bo', { state: 'Suspended' }), 'displayName')]),
      '--manager idp',
    );
    await desk.apply(listText([leavingOut(user('bo', { state: 'Active' }), 'displayName')]), '--manager idp');
    expect(await desk.drift()).toEqual([]);
    expect(await desk.drift('--manager idp')).toEqual([]);
    expect((await desk.plan(listText([left]))).plan.changes).toEqual([]);
  });

  test('what the manager itself changes, renames, deletes and makes again', async () => {
    const desk = await driftDesk(TEXT);
    const teams = withMetadata(group('acme/teams', ['bo']), {
      annotations: { 'rolecall.dev/previous-names': 'devs' },
    });
    await desk.apply(listText([acme, beta, ana, bo, teams, own]));
    expect(await desk.drift()).toEqual([]);
    await desk.apply(listText([acme, beta, ana, bo, own]), '--prune');
    expect(await desk.drift()).toEqual([]);
    await desk.apply(TEXT);
    expect(await desk.drift()).toEqual([]);
  });
});

describe('by another manager', () => {
  test('a part that he took keeps drifting as he goes on, until he puts it back', async () => {
    const desk = await driftDesk(TEXT);
    const service = (displayName: string) => user('bo', { type: 'Service', displayName });
    await desk.apply(listText([service('')]), '--manager idp --adopt');
    await desk.apply(listText([service('Bot')]), '--manager idp --adopt');
    await desk.apply(listText([user('bo', { type: 'BreakGlass', displayName: 'Bot' })]), '--manager idp');
    expect(await desk.drift()).toMatchObject([
      { revision: 3, fields: [{ path: '/spec/displayName' }] },
      { revision: 4, fields: [{ path: '/spec/type', before: 'Human', after: 'BreakGlass' }] },
    ]);
    await desk.apply(listText([bo]), '--manager idp');
    expect(await desk.drift()).toEqual([]);
  });

  test('what somebody then changed in the database is told by itself', async () => {
    const desk = await driftDesk(TEXT);
    await desk.apply(listText([user('bo', { type: 'Service' })]), '--manager idp --adopt');
    desk.edit('User//bo', (body) => renamed(body, 'Bob'));
    expect(await desk.drift()).toMatchObject([
      { cause: 'manager', manager: 'idp', fields: [{ path: '/spec/type' }] },
      { cause: 'database', fields: [{ path: '/spec/displayName' }] },
    ]);
    expect(await desk.drift('--manager idp')).toMatchObject([
      { cause: 'database', fields: [{ path: '/spec/displayName' }] },
    ]);
  });

  test('deleted is told until it is made again', async () => {
    const desk = await driftDesk(TEXT);
    await desk.iam('delete group devs -n acme --manager idp --adopt --yes --as cy --no-snapshot');
    expect(await desk.drift()).toMatchObject([
      { action: 'delete', kind: 'Group', name: 'devs', manager: 'idp', actor: 'cy', revision: 2, fields: [] },
    ]);
    expect(await desk.drift('--manager idp')).toEqual([]);
    expect((await told(desk)).stdout).toBe(
      dedent(`
      1 resource is not as it was applied (manager default)

      acme
        - Group acme/devs deleted by cy (manager idp) at 2026-11-24 12:00 UTC,
            revision 2

      Next
        iam apply -f PATH brings back what was deleted, or changed in the database
      `),
    );
    expect((await desk.plan(TEXT)).plan.changes).toMatchObject([{ action: 'create', name: 'devs' }]);
    await desk.apply(TEXT);
    expect(await desk.drift()).toEqual([]);
    expect((await desk.plan(TEXT)).plan.changes).toEqual([]);
  });

  test('deleted and made anew is compared with what was applied', async () => {
    const desk = await driftDesk(TEXT);
    const again = (text: string) => desk.apply(text, '--manager idp');
    await desk.iam('delete group devs -n acme --manager idp --adopt --yes --no-snapshot');
    await again(listText([group('acme/devs', ['bo'])]));
    expect(await desk.drift()).toMatchObject([
      {
        action: 'update',
        manager: 'idp',
        revision: 3,
        fields: [{ path: '/spec/members/User:ana' }, { path: '/spec/members/User:bo' }],
      },
    ]);
    await again(listText([devs]));
    expect(await desk.drift()).toEqual([]);
  });

  test('settled files do not hide it', async () => {
    const desk = await driftDesk(TEXT);
    writeFiles(desk.cwd, { 'org.json': TEXT });
    const changes = async () => {
      const { stdout } = await desk.iam('plan -f org.json --adopt -o json');
      return (JSON.parse(stdout) as { changes: object[] }).changes;
    };
    expect(await changes()).toEqual([]);
    expect(readdirSync(join(desk.cwd, '.iam')).some((name) => name.endsWith('.index'))).toBe(true);
    await desk.apply(listText([user('bo', { type: 'Service' })]), '--manager idp --adopt');
    expect(await changes()).toMatchObject([
      { name: 'bo', reason: 'changed by ana (manager idp) at 2026-11-24 12:00 UTC since it was applied' },
    ]);
  });
});

describe('in the database', () => {
  test('once drift has found it, settled files are read again', async () => {
    const desk = await driftDesk(TEXT);
    writeFiles(desk.cwd, { 'org.json': TEXT });
    await desk.iam('plan -f org.json');
    desk.edit('User//bo', (body) => renamed(body, 'Bob'));
    expect(await desk.drift()).toHaveLength(1);
    expect(await desk.iam('apply -f org.json --yes --no-snapshot')).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('updated User bo (changed in the database since it was applied)'),
    });
    expect(await desk.drift()).toEqual([]);
    expect((await desk.plan(TEXT)).plan.changes).toEqual([]);
  });

  test('deleted, and made again by an apply', async () => {
    const desk = await driftDesk(TEXT);
    vanish(desk, 'own');
    expect(await desk.drift('--manager idp')).toMatchObject([{ action: 'delete', managedBy: 'default' }]);
    await desk.apply(TEXT);
    expect([await desk.drift(), await desk.drift('--manager idp')]).toEqual([[], []]);
    await desk.apply(listText([acme, beta, ana, bo, devs]), '--prune');
    expect([await desk.drift(), await desk.drift('--manager idp')]).toEqual([[], []]);
  });

  test('another name, another workspace, and another resource under the same name', async () => {
    const desk = await driftDesk(TEXT);
    desk.sql("UPDATE resource SET name = 'robert' WHERE name = ?", 'bo');
    expect(await desk.drift()).toMatchObject([
      {
        action: 'update',
        kind: 'User',
        name: 'bo',
        fields: [{ path: '/metadata/name', before: 'bo', after: 'robert' }],
      },
    ]);
    desk.sql("UPDATE resource SET name = 'bo' WHERE name = ?", 'robert');
    desk.sql("UPDATE resource SET workspace = 'beta' WHERE name = ?", 'devs');
    expect(await desk.drift()).toMatchObject([
      { name: 'devs', fields: [{ path: '/metadata/namespace', before: 'acme', after: 'beta' }] },
    ]);
    desk.sql("UPDATE resource SET workspace = 'acme' WHERE name = ?", 'devs');
    desk.sql('UPDATE resource SET uid = ? WHERE name = ?', 'made-up', 'bo');
    expect(await desk.drift()).toEqual([]);
    desk.edit('User//bo', (body) => renamed(body, 'Bob'));
    expect(await desk.drift()).toMatchObject([
      { action: 'update', cause: 'database', name: 'bo', fields: [{ path: '/spec/displayName' }] },
    ]);
  });

  test('what is no manifest any more', async () => {
    const desk = await driftDesk(TEXT);
    for (const text of ['no JSON', '5', '{"kind":"User","metadata":{},"spec":{}}']) {
      desk.sql("UPDATE resource SET body = ? WHERE name = 'bo'", text);
      expect(await desk.drift()).toMatchObject([
        { name: 'bo', fields: [{ path: '', before: { kind: 'User' }, after: text }] },
      ]);
      expect((await told(desk)).stdout).toContain('      what is stored is no manifest\n');
    }
  });

  test('what cannot be told is counted', async () => {
    const desk = await driftDesk(TEXT);
    desk.edit('User//ana', (body) => renamed(body, 'Ana D.'));
    desk.sql(
      "UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE identity IN (?, 'User//bo')",
      'User//ana',
    );
    expect(await told(desk)).toEqual({
      exit: 0,
      stdout: dedent(`
      No drift. 6 resources compared with what was applied (manager default).

      of 2 resources it cannot be told: audit rows are redacted
      `),
    });
    expect((await told(desk, '-n acme')).stdout).not.toContain('cannot');
    await desk.apply(listText([user('ana', { displayName: 'Ana' })]));
    expect((await told(desk)).stdout).toContain('of 1 resource it cannot be told');
  });
});

describe('what is let be', () => {
  const boReported = withMetadata(bo, REPORT);
  const text = listText([acme, ana, boReported, devs]);
  const taken = async () => {
    const desk = await driftDesk(text);
    await desk.apply(
      listText([withMetadata(user('bo', { state: 'Suspended', type: 'Service' }), REPORT)]),
      '--manager idp --adopt',
    );
    return desk;
  };
  const WARNING =
    'RC410 User bo is not as it was applied, and is left so: /spec/state, /spec/type changed by ana (manager idp) at 2026-11-24 12:00 UTC';

  test('is one warning for each resource, where it is declared', async () => {
    const desk = await taken();
    writeFiles(desk.cwd, { 'org.json': text });
    const ran = await desk.iam('apply -f org.json --no-snapshot --yes');
    expect(ran).toMatchObject({ exit: 0, stdout: 'Nothing to do: 4 resources as declared (revision 2).\n' });
    expect(ran.stderr).toBe(
      `org.json:1:${text.lastIndexOf('{"apiVersion":"rolecall.dev/v1alpha1","kind":"User"') + 1}: warning ${WARNING.replace(' ', ': ')}\n  iam drift shows what differs; rolecall.dev/drift: enforce brings it back\n`,
    );
    // Once more, now that the files could be settled.
    expect(await desk.iam('apply -f org.json --no-snapshot --yes')).toEqual(ran);
    const { stdout } = await desk.iam('plan -f org.json -o markdown');
    expect(stdout).toContain('**warning RC410**');
    expect((await desk.plan(text, '-n acme')).warnings).toEqual([]);
  });

  test('stays so when its author changes something else', async () => {
    const desk = await driftDesk(text);
    await desk.apply(
      listText([leavingOut(user('bo', { state: 'Suspended' }), 'displayName')]).replace(
        '"metadata":{',
        '"metadata":{"annotations":{"rolecall.dev/drift":"report"},',
      ),
      '--manager idp --adopt',
    );
    const moved = listText([acme, ana, withMetadata(user('bo', { email: 'bo@new.example' }), REPORT), devs]);
    const { plan, warnings } = await desk.plan(moved);
    expect(plan.changes).toMatchObject([
      { name: 'bo', fields: [{ path: '/spec/email' }], adopts: null, declares: ['displayName'] },
    ]);
    expect(warnings).toEqual([WARNING.replace('/spec/state, /spec/type', '/spec/state')]);
    await desk.apply(moved);
    expect((await desk.plan(moved)).plan.changes).toEqual([]);
    expect(await desk.drift()).toMatchObject([
      { name: 'bo', treatment: 'report', manager: 'idp', fields: [{ path: '/spec/state' }] },
    ]);
    // What the author changes of it himself is asked for.
    const enforced = listText([acme, ana, user('bo', { email: 'bo@new.example' }), devs]);
    expect((await desk.plan(enforced, '--adopt')).plan.changes).toMatchObject([
      { fields: [{ path: '/metadata/annotations/rolecall.dev~1drift' }, { path: '/spec/state' }] },
    ]);
    await desk.apply(enforced, '--adopt');
    expect(await desk.drift()).toEqual([]);
    expect((await desk.plan(enforced)).plan.changes).toEqual([]);
  });

  test('is no more than what drifted: what its author has changed since is applied', async () => {
    const desk = await driftDesk(text);
    desk.edit('User//bo', (body) => ({ ...body, spec: { ...body.spec, type: 'Service', displayName: 'X' } }));
    const changed = listText([acme, ana, withMetadata(user('bo', { displayName: 'Bo' }), REPORT), devs]);
    const { plan, warnings } = await desk.plan(changed);
    expect(plan.changes).toMatchObject([
      { fields: [{ path: '/spec/displayName', before: 'X', after: 'Bo' }] },
    ]);
    expect(warnings).toEqual([
      'RC410 User bo is not as it was applied, and is left so: /spec/type changed in the database',
    ]);
    await desk.apply(changed);
    expect((await desk.plan(changed)).plan.changes).toEqual([]);
    expect(await desk.drift()).toMatchObject([{ cause: 'database', fields: [{ path: '/spec/type' }] }]);
  });

  test('a window is let be whole', async () => {
    const dated = (more: object) => listText([withMetadata(user('bo', more), REPORT)]);
    const desk = await driftDesk(dated({ notBefore: '2026-12-01', expiresAt: '2027-12-01' }));
    desk.edit('User//bo', (body) => ({ ...body, spec: { ...body.spec, notBefore: '2027-06-01T00:00:00Z' } }));
    const { plan } = await desk.plan(dated({ notBefore: '2026-12-01', expiresAt: '2027-03-01' }));
    expect(plan.changes[0]?.after?.spec).toMatchObject({
      notBefore: '2026-12-01T00:00:00Z',
      expiresAt: '2027-03-01T00:00:00Z',
    });
  });

  test.each([
    ['report', REPORT],
    ['ignore', IGNORE],
  ])('what is gone is not made again (%s)', async (treatment, annotations) => {
    const lenient = listText([acme, ana, withMetadata(bo, annotations), withMetadata(devs, annotations)]);
    const desk = await driftDesk(lenient);
    writeFiles(desk.cwd, { 'org.json': lenient });
    await desk.iam('delete group devs -n acme --manager idp --adopt --yes --as cy --no-snapshot');
    vanish(desk, 'bo');
    const warnings =
      treatment === 'ignore'
        ? []
        : [
            'RC410 User bo was deleted in the database, and is not created again',
            'RC410 Group acme/devs was deleted by cy (manager idp) at 2026-11-24 12:00 UTC, and is not created again',
          ];
    expect(await desk.drift()).toHaveLength(warnings.length);
    for (let again = 0; again < 2; again++) {
      const planned = await desk.plan(lenient);
      expect(planned.plan).toMatchObject({ changes: [], summary: { unchanged: 2 } });
      expect(planned.warnings).toEqual(warnings);
      const { stdout } = await desk.iam('plan -f org.json -o json');
      expect((JSON.parse(stdout) as { summary: object }).summary).toEqual(planned.plan.summary);
    }
    const enforced = listText([acme, ana, bo, devs]);
    expect((await desk.plan(enforced)).plan.summary).toMatchObject({ create: 2, unchanged: 2 });
  });

  test('what was never there, or the manager itself deleted, is made', async () => {
    const desk = await driftDesk(listText([acme, ana]));
    const lenient = listText([acme, ana, withMetadata(devs, REPORT)]);
    expect((await desk.plan(lenient)).plan.summary).toMatchObject({ create: 1 });
    await desk.apply(lenient);
    await desk.apply(listText([acme, ana]), '--prune');
    expect(await desk.plan(lenient)).toMatchObject({ plan: { summary: { create: 1 } }, warnings: [] });
  });

  test('also with --keep-going, and when a question asks what would be', async () => {
    const desk = await taken();
    writeFiles(desk.cwd, { 'org.json': text });
    const ran = await desk.iam('apply -f org.json --keep-going --no-snapshot --yes');
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^Nothing to do/) });
    expect(ran.stderr).toContain(WARNING.replace(' ', ': '));
    expect((await desk.iam('why bo -f org.json')).stderr).toContain(WARNING.replace(' ', ': '));
  });

  test('never when somebody is to be suspended', async () => {
    const desk = await driftDesk(text);
    await desk.iam('suspend bo --reason left --no-snapshot');
    await desk.apply(TEXT, '--adopt');
    await desk.apply(text);
    expect(await desk.drift('--manager suspend')).toMatchObject([
      { manager: 'default', fields: [{ path: '/spec/state', after: 'Active' }] },
    ]);
    expect(await desk.iam('suspend bo --reason again --no-snapshot')).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('updated User bo'),
    });
  });
});
