import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { idOfSecret, newSecret } from '../../src/engine/secret-text.ts';
import { secretSinks } from '../../src/operator/token-secrets.ts';
import { type Kube, type KubeCall, KubeError } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import type { Store } from '../../src/stores/store.ts';
import { sinkContract } from '../contract/sink-contract.ts';
import { seedOfRun, tapeOf } from '../support/crash-random.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { token } from '../support/resources.ts';
import {
  allIsSettled,
  Crash,
  crashing,
  type Declared,
  HOUR,
  heldIn,
  MARKS,
  newSecretLab,
  nothingIsLost,
  ROTATES_EVERY,
  type SecretLab,
} from './secret-lab.ts';

const CI = { ci: 'ci-deploy/token' };
const WAVES = process.env.ROLECALL_LONG === '1' ? 200 : 12;

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

  describe('where others are faster', () => {
    /** Has somebody do something just before the request of that number which fits. */
    const justBefore = (
      lab: SecretLab,
      fits: (call: KubeCall) => boolean,
      act: () => Promise<unknown>,
      nth = 1,
    ) => {
      let seen = 0;
      return {
        store: lab.store,
        kube: {
          ...kube,
          async request<T>(call: KubeCall): Promise<T> {
            if (fits(call) && ++seen === nth) await act();
            return kube.request<T>(call);
          },
        },
      };
    };
    const isApply = ({ patch }: KubeCall) => patch === 'apply';
    let lab: SecretLab;
    beforeEach(async () => {
      lab = await newSecretLab(kube, newStore());
      await lab.declare(CI);
    });

    test('a Secret that they make meanwhile is theirs, and stays as it is', async () => {
      const theirs = { stringData: { token: 'mine', user: 'ci' } };
      const { issued, failed } = await lab.deliver(justBefore(lab, isApply, () => lab.make(theirs)));
      expect([issued.length, failed.map(({ code }) => code)]).toEqual([0, ['RC506']]);
      expect(await lab.texts()).toEqual({ token: 'mine', user: 'ci' });
      expect((await lab.secret())?.metadata.labels ?? {}).toEqual({});
    });

    test('a Secret that another operator makes meanwhile loses nothing', async () => {
      const { issued } = await lab.deliver(justBefore(lab, isApply, () => lab.deliver()));
      expect(issued).toEqual([]);
      await nothingIsLost(lab, []);
      await allIsSettled(lab, CI, ['ci-deploy']);
      expect(await lab.ledger()).toHaveLength(1);
    });

    test.each([1, 2, 3])('what they add before apply %i stays', async (nth) => {
      const add = () => lab.change({ stringData: { user: 'ci' }, metadata: { labels: { team: 'a' } } });
      await lab.deliver();
      lab.ahead += ROTATES_EVERY;
      const { issued, failed } = await lab.deliver(justBefore(lab, isApply, add, nth));
      expect([issued.length, failed]).toEqual([1, []]);
      if (nth < 3) expect(await lab.texts()).toMatchObject({ user: 'ci' });
      await allIsSettled(lab, CI, ['ci-deploy']);
    });

    test('what they put into the key stays, and the secret waits beside it', async () => {
      const put = () => lab.change({ stringData: { token: 'mine' } });
      const { issued, failed } = await lab.deliver(justBefore(lab, isApply, put, 3));
      expect([issued.length, failed.map(({ code }) => code)]).toEqual([0, ['RC506']]);
      const [secret] = await lab.ledger();
      expect(Object.keys(await lab.texts()).sort()).toEqual(['token', `token.${secret?.id}.next`]);
      expect((await lab.texts()).token).toBe('mine');
      expect((await lab.deliver()).warnings).toMatchObject([{ code: 'RC506', identity: secret?.identity }]);
      await lab.change({ data: { token: null } });
      expect(await lab.deliver()).toEqual({ issued: [], failed: [], warnings: [], removed: [] });
      await allIsSettled(lab, CI, ['ci-deploy']);
      expect(await lab.ledger()).toHaveLength(1);
    });

    test.each([2, 3])('a Secret that they delete before apply %i is made good', async (nth) => {
      await lab.deliver(justBefore(lab, isApply, () => lab.clear(), nth));
      await lab.deliver();
      await allIsSettled(lab, CI, ['ci-deploy']);
    });

    test('what is changed all the time is given up for now', async () => {
      let count = 0;
      const always = justBefore(lab, isApply, () => Promise.resolve());
      const { failed } = await lab.deliver({
        ...always,
        kube: {
          ...kube,
          async request<T>(call: KubeCall): Promise<T> {
            if (isApply(call) && count++ > 0)
              await lab.change({ metadata: { labels: { count: `${count}` } } });
            return kube.request<T>(call);
          },
        },
      });
      expect(failed).toMatchObject([{ code: 'RC509', message: expect.stringContaining('all the time') }]);
      expect(await lab.ledger()).toEqual([]);
      await lab.deliver();
      await allIsSettled(lab, CI, ['ci-deploy'], true);
    });
  });

  describe('what goes wrong with the API server', () => {
    let lab: SecretLab;
    beforeEach(async () => {
      lab = await newSecretLab(kube, newStore());
      await lab.declare(CI);
    });
    const failing = (
      fits: (call: KubeCall) => boolean,
      error: (call: KubeCall) => KubeError,
      isDone = false,
    ) => ({
      store: lab.store,
      kube: {
        ...kube,
        async request<T>(call: KubeCall): Promise<T> {
          if (!fits(call)) return kube.request<T>(call);
          if (isDone) await kube.request(call);
          throw error(call);
        },
      },
    });
    const all = () => true;
    const isPatch = ({ method }: KubeCall) => method === 'PATCH';

    test.each([
      ['get', (call: KubeCall) => call.method === 'GET'],
      ['patch', isPatch],
      ['create', isPatch],
    ])('a permission that is missing is named: %s', async (verb, fits) => {
      const words = `secrets "ci-deploy" is forbidden: User "x" cannot ${verb} resource "secrets" in API group "" in the namespace "y"`;
      const { failed, issued } = await lab.deliver(
        failing(fits, () => new KubeError(403, 'Forbidden', words)),
      );
      expect(issued).toEqual([]);
      expect(failed).toMatchObject([
        {
          code: 'RC509',
          message: expect.stringMatching(
            new RegExp(`: the operator may not ${verb} Secrets in namespace ${lab.namespace}$`),
          ),
          hint: expect.stringContaining('get, patch and delete ci-deploy there, and create Secrets'),
        },
      ]);
      expect(await lab.ledger()).toEqual([]);
    });

    test.each([
      [400, 'BadRequest'],
      [403, 'Forbidden'],
      [422, 'Invalid'],
      [500, 'InternalError'],
      [null, ''],
    ])('no error tells the secret that a server repeats: %s', async (status, reason) => {
      const said: string[] = [];
      for (const fits of [all, isPatch]) {
        const repeat = ({ body }: KubeCall) =>
          new KubeError(status, reason, status === null ? 'no answer' : `refused: ${JSON.stringify(body)}`);
        const { failed, issued } = await lab.deliver(failing(fits, repeat));
        expect([issued.length, failed.length]).toEqual([0, 1]);
        said.push(JSON.stringify(failed));
      }
      expect(said.join()).not.toMatch(/rct_|cmN0X|"data"/);
      expect(await lab.ledger()).toEqual([]);
      await lab.deliver();
      await allIsSettled(lab, CI, ['ci-deploy']);
    });

    test('what is done without an answer is not done twice, and nothing is lost', async () => {
      const lost = () => new KubeError(null, '', 'no answer');
      const { failed } = await lab.deliver(failing(isPatch, lost, true));
      expect(failed).toMatchObject([{ code: 'RC509' }]);
      expect(await lab.ledger()).toEqual([]);
      // Only what takes it from beside the place: by then it is valid.
      let applies = 0;
      const isThird = ({ patch }: KubeCall) => patch === 'apply' && ++applies === 2;
      const { issued } = await lab.deliver(failing(isThird, lost, true));
      expect(issued).toHaveLength(1);
      await allIsSettled(lab, CI, ['ci-deploy'], true);
      expect(await lab.ledger()).toHaveLength(1);
    });

    test('a namespace that is not there is told', async () => {
      const sinks = secretSinks({ kube, install: 'test', now: Date.now });
      const sink = sinks.of(token('nowhere/ci', 'ana', { deliverTo: { secret: { name: 'a', key: 'b' } } }));
      const error = await sink?.stage(newSecret(), () => false).catch(String);
      expect(error).toMatch(/there is no namespace nowhere$/);
    });
  });

  describe('ended at each step, and done again, nothing is lost and all is done:', () => {
    interface Case {
      readonly title: string;
      readonly before?: Declared;
      readonly after: Declared;
      readonly later?: number;
      readonly lose?: (lab: SecretLab) => Promise<unknown>;
    }
    const cases: readonly Case[] = [
      { title: 'the first secrets', after: { ...CI, cd: 'cd-deploy/token' } },
      { title: 'rotation by schedule', before: CI, after: CI, later: ROTATES_EVERY },
      { title: 'another key', before: CI, after: { ci: 'ci-deploy/password' }, later: HOUR },
      { title: 'another Secret', before: CI, after: { ci: 'cd-deploy/token' }, later: HOUR },
      { title: 'a Token that goes', before: { ...CI, cd: 'cd-deploy/token' }, after: CI, later: HOUR },
      { title: 'a Secret that is gone', before: CI, after: CI, lose: (lab) => lab.clear() },
    ];
    const names = ['ci-deploy', 'cd-deploy'];

    test.each(cases)('$title', { timeout: 300_000 }, async (one) => {
      for (const when of ['before', 'after'] as const)
        for (let at = 0, isOver = false; !isOver; at++) {
          const { steps, crashed } = await killed(one, at, when);
          isOver = !crashed;
          if (isOver) expect(steps.length).toBeGreaterThan(3);
        }
    });

    async function killed({ before, after, later = 0, lose }: Case, at: number, when: 'before' | 'after') {
      const lab = await newSecretLab(kube, newStore());
      if (before) {
        await lab.declare(before);
        await lab.deliver();
      }
      await lab.declare(after);
      await lose?.(lab);
      lab.ahead += later;
      const held = await heldIn(lab, names);
      const process = crashing(lab, at, when);
      let crashed = false;
      try {
        await lab.deliver(process);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashed = true;
      }
      try {
        // Where it was to be lost, it is what is made good.
        if (!lose) await nothingIsLost(lab, held);
        lab.ahead += 2 * HOUR;
        await lab.deliver();
        await nothingIsLost(lab, lose ? [] : held);
        await allIsSettled(lab, after, names, true);
        // What never became valid goes with the next secret.
        lab.ahead += ROTATES_EVERY;
        await lab.deliver();
        await allIsSettled(lab, after, names);
        expect(await lab.deliver()).toEqual({ issued: [], failed: [], warnings: [], removed: [] });
      } catch (error) {
        throw new Error(`${when} step ${at}: ${process.steps[at]}`, { cause: error });
      }
      return { steps: process.steps, crashed };
    }
  });

  test(`${WAVES} times two to five operators at once, some of which end, lose nothing`, {
    timeout: WAVES * 10_000,
  }, async () => {
    const seed = seedOfRun();
    const lab = await newSecretLab(kube, newStore());
    const both = { ...CI, cd: 'cd-deploy/token' };
    await lab.declare(both);
    const names = ['ci-deploy', 'cd-deploy'];
    for (let wave = 0; wave < WAVES; wave++) {
      const tape = tapeOf(seed, wave);
      const held = await heldIn(lab, names);
      const ended = await Promise.allSettled(
        Array.from({ length: 2 + tape.below(4) }, () =>
          lab.deliver(crashing(lab, tape.chance(2) ? tape.below(20) : 1000, tape.pick(['before', 'after']))),
        ),
      );
      try {
        for (const one of ended)
          if (one.status === 'rejected' && !/RC407|others issue/.test(String(one.reason)))
            expect(one.reason).toBeInstanceOf(Crash);
        await nothingIsLost(lab, held);
        lab.ahead += 2 * HOUR;
        await lab.deliver();
        await allIsSettled(lab, both, names, true);
      } catch (error) {
        throw new Error(`ROLECALL_SEED=${seed}, wave ${wave}`, { cause: error });
      }
      lab.ahead += tape.pick([HOUR, ROTATES_EVERY]);
    }
  });
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
