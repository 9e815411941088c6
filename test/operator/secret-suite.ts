import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileSinks } from '../../src/cli/sinks.ts';
import { idOfSecret, newSecret } from '../../src/engine/secret-text.ts';
import { settleSecrets } from '../../src/engine/settle-secrets.ts';
import { formatTime } from '../../src/kinds/time.ts';
import { secretSinks } from '../../src/operator/token-secrets.ts';
import type { Kube } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import type { Store } from '../../src/stores/store.ts';
import { act as actNow } from '../contract/entries.ts';
import { sinkContract } from '../contract/sink-contract.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { token } from '../support/resources.ts';
import { secretCrashes } from './secret-crashes.ts';
import { secretFaults } from './secret-faults.ts';
import { allIsSettled, HOUR, MARKS, newSecretLab, ROTATES_EVERY, type SecretLab } from './secret-lab.ts';

const CI = { ci: 'ci-deploy/token' };

/** What becomes of the secrets of Tokens in a cluster, on whatever API server and store: without one, a file each time. */
export function secretSuite(
  server: () => KubeServer,
  newStore: () => Store | undefined = () => undefined,
): void {
  let kube: Kube;
  beforeAll(async () => {
    kube = await kubeClient({ kubeconfig: server().kubeconfig });
  });
  afterAll(() => kube?.close());

  sinkContract({ name: 'Secrets', newPlace: () => newPlace(kube, newStore()) });

  describe('a Secret', () => {
    let lab: SecretLab;
    beforeEach(async () => {
      lab = await newSecretLab(kube, newStore());
      await lab.declare(CI);
    });
    const deliver = async () => {
      const { issued, failed, warnings, removed } = await lab.deliver();
      return { issued: issued.length, failed, warnings, removed };
    };
    const done = { issued: 1, failed: [], warnings: [], removed: [] };
    const nothing = { ...done, issued: 0 };
    const rotate = async () => {
      lab.ahead += ROTATES_EVERY + HOUR;
      expect(await deliver()).toEqual(done);
    };
    const newest = async () => (await lab.ledger())[0]?.id;
    const inPlace = async (key = 'token') => idOfSecret((await lab.texts())[key] ?? '');

    test('is made, marked, and has the secret and nothing else', async () => {
      expect(await deliver()).toEqual(done);
      const made = await lab.secret();
      expect(made).toMatchObject({ type: 'Opaque', metadata: { labels: MARKS } });
      expect(made?.metadata).not.toHaveProperty('ownerReferences');
      expect(Object.keys(made?.data ?? {})).toEqual(['token']);
      expect(await inPlace()).toBe(await newest());
      const managers = made?.metadata.managedFields as { manager: string; operation: string }[];
      expect(managers.map(({ manager, operation }) => `${manager} ${operation}`).sort()).toEqual([
        'rolecall-operator Apply',
        'rolecall-operator-marks Apply',
      ]);
      expect(await deliver()).toEqual(nothing);
      expect(await lab.secret()).toEqual(made);
    });

    test('that somebody has made and marked is taken, with what else is in it', async () => {
      await lab.make({
        metadata: { name: 'ci-deploy', labels: { ...MARKS, team: 'a' } },
        stringData: { user: 'ci' },
      });
      expect(await deliver()).toEqual(done);
      await rotate();
      expect(await lab.secret()).toMatchObject({ metadata: { labels: { team: 'a', ...MARKS } } });
      expect(Object.keys(await lab.texts()).sort()).toEqual(['token', 'user']);
      await lab.declare({});
      expect(await deliver()).toEqual({ ...nothing, removed: [expect.stringContaining('ci-deploy')] });
      expect(await lab.texts()).toEqual({ user: 'ci' });
      expect((await lab.secret())?.metadata.labels).toEqual({ team: 'a' });
    });

    test.each([
      ['not marked', {}, /is not marked as that of this token/],
      ['not marked, though the key is free', { stringData: { user: 'ci' } }, /is not marked/],
      [
        'of another Token',
        { metadata: { labels: { ...MARKS, 'rolecall.dev/token': 'cd' } } },
        /is not marked/,
      ],
      [
        'of another install',
        { metadata: { labels: { ...MARKS, 'rolecall.dev/install': 'b' } } },
        /is not marked/,
      ],
      [
        'marked, with something else in the key',
        { metadata: { labels: MARKS }, stringData: { token: 'mine' } },
        /key token .* does not hold a secret of this token/,
      ],
      [
        'marked, with a secret of others in it',
        { metadata: { labels: MARKS }, stringData: { token: newSecret().text } },
        /does not hold a secret of this token/,
      ],
      [
        'of another type',
        { metadata: { labels: MARKS }, type: 'example.com/other' },
        /is of type example.com\/other, not Opaque/,
      ],
      ['immutable', { metadata: { labels: MARKS }, immutable: true }, /is immutable/],
    ])('that is %s is refused, and not touched', async (_, fields, message) => {
      const metadata = 'metadata' in fields ? fields.metadata : {};
      const made = await lab.make({ ...fields, metadata: { ...metadata, name: 'ci-deploy' } });
      for (let times = 0; times < 2; times++)
        expect(await deliver()).toEqual({
          ...nothing,
          failed: [
            expect.objectContaining({
              identity: `Token/${lab.namespace}/ci`,
              message: expect.stringMatching(message),
              code: expect.stringMatching(/^RC50[69]$/),
            }),
          ],
        });
      expect(await lab.secret()).toEqual(made);
      expect(await lab.ledger()).toEqual([]);
      await lab.clear();
      expect(await deliver()).toEqual(done);
    });

    test('that has to wait for its finalizers is refused', async () => {
      await lab.make({ metadata: { name: 'ci-deploy', labels: MARKS, finalizers: ['example.com/keep'] } });
      await lab.clear();
      const { failed } = await deliver();
      expect(failed).toMatchObject([{ code: 'RC509', message: expect.stringContaining('is being deleted') }]);
      await lab.change({ metadata: { finalizers: null } });
      expect(await deliver()).toEqual(done);
    });

    test('is kept when its secret is replaced by the next, beside which it stays valid', async () => {
      await deliver();
      const first = await newest();
      const { metadata } = (await lab.secret()) ?? {};
      await rotate();
      expect(await inPlace()).toBe(await newest());
      expect(await newest()).not.toBe(first);
      expect((await lab.secret())?.metadata.uid).toBe(metadata?.uid);
      const [, before] = await lab.ledger();
      expect(before?.endsAt).not.toBeNull();
      expect(Date.parse(before?.endsAt ?? '') - lab.now()).toBeGreaterThan(HOUR - 60_000);
    });

    test('goes with its Token, and so do those in which its secrets were before', async () => {
      await deliver();
      await lab.declare({ ci: 'ci-deploy/password' });
      expect(await deliver()).toEqual(done);
      expect(Object.keys(await lab.texts()).sort()).toEqual(['password', 'token']);
      await lab.declare({ ci: 'elsewhere/token' });
      expect(await deliver()).toEqual(done);
      expect(await lab.secret('elsewhere')).toBeDefined();
      await lab.declare({});
      await deliver();
      for (const name of ['ci-deploy', 'elsewhere']) expect(await lab.secret(name)).toBeUndefined();
      expect(await deliver()).toEqual(nothing);
    });

    test('stays when its Token is revoked, and what somebody has put into the key stays for good', async () => {
      await deliver();
      await lab.declare({ ci: 'revoked' });
      expect(await deliver()).toEqual(nothing);
      expect(await inPlace()).toBeDefined();
      await lab.change({ stringData: { token: 'mine' } });
      await lab.declare({});
      expect(await deliver()).toEqual(nothing);
      expect(await lab.texts()).toEqual({ token: 'mine' });
    });

    test('that is gone, or the key in it, is made good with another secret', async () => {
      await deliver();
      for (const lose of [() => lab.clear(), () => lab.change({ data: { token: null } })]) {
        const before = await newest();
        await lose();
        expect(await deliver()).toEqual(done);
        expect(await newest()).not.toBe(before);
        expect(await inPlace()).toBe(await newest());
        expect(await deliver()).toEqual(nothing);
      }
      await lab.change({ stringData: { token: 'mine' } });
      expect((await deliver()).failed).toMatchObject([{ code: 'RC506' }]);
      expect(await lab.texts()).toEqual({ token: 'mine' });
    });

    test('that has lost its marks is known by what is in it, and marked again', async () => {
      await deliver();
      await lab.change({ metadata: { labels: { 'rolecall.dev/token': null, 'rolecall.dev/install': 'b' } } });
      await rotate();
      expect((await lab.secret())?.metadata.labels).toEqual(MARKS);
    });

    test('is left to the operator by whoever has files, and files by the operator', async () => {
      const cwd = temporaryFolder();
      const files = fileSinks({ cwd, env: {}, secretsDir: 'secrets', now: lab.now });
      const cluster = secretSinks({ kube, install: 'test', now: lab.now });
      await deliver();
      await lab.declare({});
      const [{ path: where, sink } = { path: '', sink: '' }] = await lab.ledger();
      expect(files.at(where, sink)).toBeUndefined();
      const scope = { manager: 'default' };
      const act = () => actNow({ at: formatTime(lab.now()) });
      const settling = { act, scope, sinks: files };
      expect(await settleSecrets(lab.store, settling)).toEqual({ removed: [], warnings: [] });
      expect((await lab.ledger()).map(({ settled }) => settled)).toEqual([false]);
      expect(await inPlace()).toBeDefined();
      expect((await deliver()).removed).toHaveLength(1);
      const declared = token('acme/ci', 'ana', { deliverTo: { file: 'ci' } });
      expect(cluster.of(declared)).toBeUndefined();
      expect(cluster.at(files.of(declared)?.path ?? '', 'ci')).toBeUndefined();
    });

    test('of one Token is of no other, and of those that want one place one gets it', async () => {
      const both = { ci: 'ci-deploy/token', cd: 'ci-deploy/other', ce: 'ci-deploy/token' };
      await lab.declare(both);
      const { issued, failed } = await deliver();
      expect(issued).toBe(1);
      expect(failed.map(({ code, identity }) => `${code} ${identity.split('/')[2]}`).sort()).toHaveLength(2);
      await lab.declare({ cd: 'own/other', ci: 'ci-deploy/token', ce: 'third/token' });
      await deliver();
      await deliver();
      await allIsSettled(lab, { cd: 'own/other', ce: 'third/token' }, ['own', 'third']);
    });

    test('of a bad Token keeps none of a good one from it', async () => {
      await lab.make({}, 'foreign');
      await lab.declare({ ...CI, bad: 'foreign/token', long: `long/${'k'.repeat(240)}`, good: 'good/token' });
      const { issued, failed } = await deliver();
      expect(issued).toBe(2);
      expect(failed.map(({ message }) => message.replace(lab.namespace, 'ns')).sort()).toEqual([
        expect.stringMatching(/^Token ns\/bad: Secret .* is not marked/),
        expect.stringMatching(/^Token ns\/long: the key of Secret .* has more than 235 characters$/),
      ]);
      await allIsSettled(lab, { ...CI, good: 'good/token' }, ['ci-deploy', 'good']);
    });
  });

  const newLab = () => newSecretLab(kube, newStore());
  secretFaults(newLab);
  secretCrashes(newLab);
}

/** A Secret that is marked, but not there yet. */
async function newPlace(kube: Kube, store: Store | undefined) {
  const lab = await newSecretLab(kube, store);
  const sinks = secretSinks({ kube, install: 'test', now: Date.now });
  const given = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('there is none');
    return value;
  };
  const deliverTo = { secret: { name: 'ci-deploy', key: 'token' } };
  return {
    sink: () => given(sinks.of(token(`${lab.namespace}/ci`, 'ana', { deliverTo }))),
    remembered: () =>
      given(sinks.at(`secret://${lab.namespace}/ci-deploy/token`, 'secret://ci-deploy/token')),
    read: async () => (await lab.texts()).token,
    async put(text: string) {
      const fields = { stringData: { token: text } };
      if (await lab.secret()) await lab.change(fields);
      else await lab.make({ ...fields, metadata: { name: 'ci-deploy', labels: MARKS } });
    },
    clear: async () => void (await lab.change({ data: { token: null } })),
  };
}
