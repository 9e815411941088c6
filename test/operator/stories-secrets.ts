import { expect, onTestFinished, test } from 'vitest';
import { idOfSecret } from '../../src/engine/secret-text.ts';
import type { Store } from '../../src/stores/store.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { conditionOf, operatorDesk } from '../support/operator-desk.ts';
import { AN_ORGANISATION } from './stories.ts';

const MINUTE = 60_000;

const CI = `
  kind: Token
  metadata: {name: ci, namespace: acme}
  spec:
    description: Deploys from CI
    role: source-admin
    owner: ana
    rotation: {every: 30m, overlap: 5m}
    deliverTo: {secret: {name: ci-deploy, key: token}}
`;

const PATH = '/api/v1/namespaces/acme/secrets/ci-deploy';

/** What becomes of the secret of a Token, from its object to a Secret that a pod can read. */
export function secretStories(server: () => KubeServer): void {
  const desk = () => {
    onTestFinished(async () => {
      await server().send('DELETE', PATH);
    });
    return operatorDesk(server());
  };

  /** What the Secret has, by key; undefined without one. */
  async function texts(): Promise<Readonly<Record<string, string>> | undefined> {
    const { status, body } = await server().send('GET', PATH);
    if (status !== 200) return undefined;
    const data = Object.entries((body.data ?? {}) as Record<string, string>);
    return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
  }

  test('the secret of a Token comes as a Secret, is replaced at its time, and goes with the Token', async () => {
    const { start, apply, until, untilGone, remove, annotate, eventually, get, store, lines } = await desk();
    let ahead = 0;
    await apply(AN_ORGANISATION);
    await apply(CI);
    await start({ now: () => Date.now() + ahead });
    await until('Token', 'acme/ci', 'Applied');
    const { token: first = '', ...others } = (await texts()) ?? {};
    expect(others).toEqual({});
    const [issued] = await ledger(store);
    expect(idOfSecret(first)).toBe(issued?.id);
    expect(issued).toMatchObject({
      identity: 'Token/acme/ci',
      endsAt: null,
      deliveredAt: expect.any(String),
    });
    // Nobody asks for it then: the operator knows when it is.
    const due = Date.parse(issued?.issuedAt ?? '') + 30 * MINUTE;
    ahead = due - 1500 - Date.now();
    await annotate('RoleBinding', 'acme/owners', { 'rolecall.dev/reconcile-requested-at': 'now' });
    await eventually('the owners are looked at', async () => {
      const found = await get('RoleBinding', 'acme/owners');
      return found?.status?.lastHandledReconcileAt === 'now';
    });
    expect(await texts()).toEqual({ token: first });
    await eventually('another secret is in its place', async () => (await texts())?.token !== first);
    expect(Date.now() + ahead - due).toBeGreaterThanOrEqual(0);
    expect(Date.now() + ahead - due).toBeLessThan(3000);
    const second = (await texts())?.token ?? '';
    await eventually('it is known to be there', async () => (await ledger(store))[0]?.deliveredAt !== null);
    const [newest, before, ...more] = await ledger(store);
    expect(more).toEqual([]);
    expect(newest).toMatchObject({ id: idOfSecret(second), endsAt: null });
    // The one before is valid for a while: whoever has it need not hurry.
    const end = Date.parse(before?.endsAt ?? '') - Date.parse(newest?.issuedAt ?? '');
    expect(Math.round(end / MINUTE)).toBe(5);
    expect((await get('Token', 'acme/ci'))?.status?.conditions).toMatchObject([{ status: 'True' }]);
    await remove('Token', 'acme/ci');
    await untilGone('Token', 'acme/ci');
    await eventually('the Secret is gone', async () => !(await texts()));
    expect((await ledger(store)).every(({ revokedAt, endsAt }) => revokedAt ?? endsAt)).toBe(true);
    for (const text of [first, second]) expect(lines.join('')).not.toContain(text);
  });

  test("somebody else's Secret in its place is left alone and named, and its going is noticed", async () => {
    const { start, apply, until, eventually, get, stored, store, record } = await desk();
    await apply(AN_ORGANISATION);
    const metadata = { name: 'ci-deploy', labels: { team: 'a' } };
    const foreign = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { token: 'mine' } };
    expect((await server().send('POST', '/api/v1/namespaces/acme/secrets', foreign)).status).toBe(201);
    const { versions } = await record('Token');
    await apply(CI);
    await start({ interval: 400 });
    expect(await until('Token', 'acme/ci', 'SecretNotDelivered')).toMatch(
      /^RC506: .*Secret acme\/ci-deploy .*\(.+\)$/,
    );
    const token = await get('Token', 'acme/ci');
    expect(token && conditionOf(token, 'Reconciling')?.status).toBe('True');
    // It is a Token all the same, and nothing else waits for it.
    expect(await stored('Token', 'acme/ci')).toBeDefined();
    await until('RoleBinding', 'acme/owners', 'Applied');
    expect(await ledger(store)).toEqual([]);
    expect(await texts()).toEqual({ token: 'mine' });
    await server().send('DELETE', PATH);
    await until('Token', 'acme/ci', 'Applied');
    const [issued] = await ledger(store);
    expect(idOfSecret((await texts())?.token ?? '')).toBe(issued?.id);
    await eventually('all is told', () => versions.some(({ status }) => status?.conditions?.length === 1));
    expect(versions.every(({ metadata }) => metadata.generation === 1)).toBe(true);
    // One word for each of: it is there, it is held, it is not delivered, it is.
    expect(versions.length).toBeLessThanOrEqual(4);
  });

  test('a Secret that somebody deletes comes again, with another secret', async () => {
    const { start, apply, until, eventually, store } = await desk();
    await apply(AN_ORGANISATION);
    await apply(CI);
    await start({ interval: 400 });
    await until('Token', 'acme/ci', 'Applied');
    const { token: first } = (await texts()) ?? {};
    await server().send('DELETE', PATH);
    await eventually('there is a Secret', async () => (await texts())?.token !== undefined);
    const { token: second = '' } = (await texts()) ?? {};
    expect(second).not.toBe(first);
    await eventually('it is known', async () => {
      const [newest] = await ledger(store);
      return newest?.deliveredAt !== null && newest?.id === idOfSecret(second);
    });
  });
}

/** All secrets that were issued, the newest first. */
async function ledger(store: Store) {
  const reading = await store.read();
  try {
    const tokens: string[] = [];
    for await (const batch of reading.audit())
      for (const { identity, uid } of batch)
        if (identity === 'Token/acme/ci' && uid !== null && !tokens.includes(uid)) tokens.push(uid);
    return await reading.secrets({ tokens });
  } finally {
    await reading.close();
  }
}
