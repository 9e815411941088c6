import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { installResources, operatorDesk } from '../support/operator-desk.ts';
import { newSchema, ownServer, storeUrl } from '../support/postgres.ts';
import { AN_ORGANISATION, READERS } from './stories.ts';

let simulator: KubeSimulator;
beforeAll(async () => {
  simulator = await startKubeSimulator();
  await installResources(simulator);
});
afterAll(() => simulator?.stop());

test('an operator outlives its Postgres being stopped and started', { timeout: 120_000 }, async () => {
  const postgres = await ownServer();
  const { start, apply, until, remove, untilGone, get, record, eventually, lines, stored, audit } =
    await operatorDesk(simulator, storeUrl(postgres.url, newSchema()));
  await apply(AN_ORGANISATION);
  await apply(READERS);
  await apply(READERS.replace('name: readers', 'name: leaving'));
  await start({ interval: 500 });
  for (const name of ['owners', 'readers', 'leaving']) await until('RoleBinding', `acme/${name}`, 'Applied');
  const { versions } = await record('RoleBinding');
  await postgres.stop();
  await apply(READERS.replace('source-read-only', 'pii-access'));
  await remove('RoleBinding', 'acme/leaving');
  for (const name of ['readers', 'leaving'])
    expect(await until('RoleBinding', `acme/${name}`, 'StoreUnavailable')).toMatch(/^RC408: /);
  const tries = () => lines.filter((line) => /could not be reconciled/.test(line)).length;
  const before = tries();
  await eventually('it is tried again and again', () => tries() > before + 3);
  expect((await get('RoleBinding', 'acme/owners'))?.status?.conditions).toMatchObject([{ status: 'True' }]);
  // The server says in two or three ways that it goes: none of them is told twice.
  const said = versions.filter(({ metadata }) => metadata.name === 'readers').map(({ status }) => status);
  expect(said.length).toBeLessThan(8);
  await postgres.start();
  await until('RoleBinding', 'acme/readers', 'Applied');
  await untilGone('RoleBinding', 'acme/leaving');
  expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'pii-access' });
  expect(await audit('RoleBinding/acme/readers')).toEqual([
    'create RoleBinding/acme/readers',
    'update RoleBinding/acme/readers',
  ]);
  expect(await audit('RoleBinding/acme/leaving')).toEqual([
    'create RoleBinding/acme/leaving',
    'delete RoleBinding/acme/leaving',
  ]);
});
