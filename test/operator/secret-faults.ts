import { beforeEach, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/engine/secret-text.ts';
import { secretSinks } from '../../src/operator/token-secrets.ts';
import { type KubeCall, KubeError } from '../../src/sources/kube.ts';
import { token } from '../support/resources.ts';
import { allIsSettled, nothingIsLost, ROTATES_EVERY, type SecretLab } from './secret-lab.ts';

const CI = { ci: 'ci-deploy/token' };

/** Others who write to the same Secrets, and an API server that does not do what it is asked to. */
export function secretFaults(newLab: () => Promise<SecretLab>): void {
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
          ...lab.kube,
          async request<T>(call: KubeCall): Promise<T> {
            if (fits(call) && ++seen === nth) await act();
            return lab.kube.request<T>(call);
          },
        },
      };
    };
    const isApply = ({ patch }: KubeCall) => patch === 'apply';
    let lab: SecretLab;
    beforeEach(async () => {
      lab = await newLab();
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

    test('what they put into the key, or beside it, before it is emptied stays', async () => {
      await lab.deliver();
      await lab.declare({});
      const put = () => lab.change({ stringData: { token: 'mine' } });
      await lab.deliver(justBefore(lab, ({ method }) => method === 'DELETE', put));
      expect(await lab.texts()).toEqual({ token: 'mine' });
      await lab.change({ data: { token: null } });
      await lab.declare({ cd: 'own/token' });
      await lab.deliver();
      await lab.change({ stringData: { user: 'cd' } }, 'own');
      await lab.declare({});
      const putToo = () => lab.change({ stringData: { token: 'mine' } }, 'own');
      await lab.deliver(justBefore(lab, ({ patch }) => patch === 'merge', putToo));
      expect(await lab.texts('own')).toEqual({ token: 'mine', user: 'cd' });
    });

    test('what is changed all the time is given up for now', async () => {
      let count = 0;
      const always = justBefore(lab, isApply, () => Promise.resolve());
      const { failed } = await lab.deliver({
        ...always,
        kube: {
          ...lab.kube,
          async request<T>(call: KubeCall): Promise<T> {
            if (isApply(call) && count++ > 0)
              await lab.change({ metadata: { labels: { count: `${count}` } } });
            return lab.kube.request<T>(call);
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
      lab = await newLab();
      await lab.declare(CI);
    });
    const failing = (
      fits: (call: KubeCall) => boolean,
      error: (call: KubeCall) => KubeError,
      isDone = false,
    ) => ({
      store: lab.store,
      kube: {
        ...lab.kube,
        async request<T>(call: KubeCall): Promise<T> {
          if (!fits(call)) return lab.kube.request<T>(call);
          if (isDone) await lab.kube.request(call);
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
      let written = 0;
      const isStaging = ({ patch }: KubeCall) => patch === 'apply' && ++written === 1;
      expect((await lab.deliver(failing(isStaging, lost, true))).failed).toHaveLength(1);
      expect(await lab.texts()).toEqual({});
      // Only what takes it from beside the place: by then it is valid.
      let applies = 0;
      const isThird = ({ patch }: KubeCall) => patch === 'apply' && ++applies === 2;
      const { issued } = await lab.deliver(failing(isThird, lost, true));
      expect(issued).toHaveLength(1);
      await allIsSettled(lab, CI, ['ci-deploy'], true);
      expect(await lab.ledger()).toHaveLength(1);
    });

    test('a namespace that is not there is told', async () => {
      const sinks = secretSinks({ kube: lab.kube, install: 'test', now: Date.now });
      const sink = sinks.of(token('nowhere/ci', 'ana', { deliverTo: { secret: { name: 'a', key: 'b' } } }));
      const error = await sink?.stage(newSecret(), () => false).catch(String);
      expect(error).toMatch(/there is no namespace nowhere$/);
    });
  });
}
