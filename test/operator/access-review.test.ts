import { expect, test } from 'vitest';
import { createAccessReview, type Wanted } from '../../src/operator/access-review.ts';
import { type KubeCall, KubeError } from '../../src/sources/kube.ts';
import { scriptedKube } from '../support/scripted-kube.ts';

const SNAPSHOT: Wanted = { what: 'snapshot', workspace: 'acme' };
const METRICS: Wanted = { what: 'path', path: '/metrics' };
const ANA = {
  username: 'ana',
  uid: '7',
  groups: ['auditors', 'system:authenticated'],
  extra: { scopes: ['a'] },
};

interface Body {
  readonly spec: Readonly<Record<string, unknown>>;
}

/** A cluster that knows the tokens `good` and `other`; only Ana may read anything. */
function cluster(
  options: { readonly audiences?: readonly string[]; readonly found?: readonly string[] } = {},
) {
  let at = 0;
  let failing: KubeError | undefined;
  const answer = ({ path, body }: KubeCall) => {
    if (failing) throw failing;
    const { spec } = body as Body;
    if (path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      const user = { good: ANA, other: { username: 'bo', groups: [] } }[String(spec.token)];
      return { status: { authenticated: user !== undefined, user, audiences: options.found } };
    }
    return { status: { allowed: spec.user === 'ana' } };
  };
  const kube = scriptedKube(answer);
  const access = createAccessReview({ kube, audiences: options.audiences ?? [], now: () => at });
  return {
    access,
    kube,
    asked: () => kube.calls.splice(0).map(({ path }) => path.split('/').at(-1)),
    pass: (milliseconds: number) => {
      at += milliseconds;
    },
    fail: (error: KubeError | undefined) => {
      failing = error;
    },
  };
}

test('who has a token is asked first, then whether he may', async () => {
  const { access, kube } = cluster();
  expect(await access.mayRead('good', SNAPSHOT)).toBe('allowed');
  expect(kube.calls).toEqual([
    {
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'good' } },
    },
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'ana',
          groups: ANA.groups,
          uid: '7',
          extra: ANA.extra,
          resourceAttributes: {
            group: 'rolecall.dev',
            version: 'v1alpha1',
            resource: 'workspaces',
            subresource: 'snapshot',
            name: 'acme',
            verb: 'get',
          },
        },
      },
    },
  ]);
});

test('a path is asked for as a path', async () => {
  const { access, kube } = cluster();
  expect(await access.mayRead('good', METRICS)).toBe('allowed');
  expect(kube.calls[1]?.body).toMatchObject({
    spec: { user: 'ana', nonResourceAttributes: { path: '/metrics', verb: 'get' } },
  });
});

test('who is not known, and who may not, is told apart', async () => {
  const { access, asked } = cluster();
  expect(await access.mayRead('nobody', SNAPSHOT)).toBe('unknown');
  expect(asked()).toEqual(['tokenreviews']);
  expect(await access.mayRead('other', SNAPSHOT)).toBe('denied');
  expect(asked()).toEqual(['tokenreviews', 'subjectaccessreviews']);
});

test('a yes is believed for ten seconds, a no for five', async () => {
  const { access, asked, pass } = cluster();
  const all = () => Promise.all(['good', 'other', 'nobody'].map((token) => access.mayRead(token, SNAPSHOT)));
  await all();
  expect(asked()).toHaveLength(5);
  pass(4999);
  expect(await all()).toEqual(['allowed', 'denied', 'unknown']);
  expect(asked()).toEqual([]);
  pass(1);
  await all();
  expect(asked().sort()).toEqual(['subjectaccessreviews', 'tokenreviews']);
  pass(5000);
  await access.mayRead('good', SNAPSHOT);
  expect(asked()).toEqual(['tokenreviews', 'subjectaccessreviews']);
});

test('what is allowed for one thing is not for another', async () => {
  const { access, asked } = cluster();
  await access.mayRead('good', SNAPSHOT);
  await access.mayRead('good', { what: 'snapshot', workspace: 'other' });
  await access.mayRead('good', METRICS);
  expect(asked()).toEqual(['tokenreviews', ...Array(3).fill('subjectaccessreviews')]);
});

test('many who ask the same at once are one question', async () => {
  const { access, asked } = cluster();
  const all = await Promise.all(Array.from({ length: 100 }, () => access.mayRead('good', SNAPSHOT)));
  expect(new Set(all)).toEqual(new Set(['allowed']));
  expect(asked()).toEqual(['tokenreviews', 'subjectaccessreviews']);
});

test('an API server that does not answer is never a yes, and not remembered', async () => {
  const { access, fail } = cluster();
  fail(new KubeError(null, '', 'connection refused'));
  await expect(access.mayRead('good', SNAPSHOT)).rejects.toThrow('connection refused');
  fail(undefined);
  expect(await access.mayRead('good', SNAPSHOT)).toBe('allowed');
  fail(new KubeError(500, 'InternalError', 'broken'));
  await expect(access.mayRead('good', METRICS)).rejects.toThrow('broken');
});

test('an answer that says nothing is a no', async () => {
  const access = createAccessReview({ kube: scriptedKube(() => ({})) });
  expect(await access.mayRead('good', SNAPSHOT)).toBe('unknown');
  const half = createAccessReview({
    kube: scriptedKube(({ path }) =>
      path.includes('tokenreviews') ? { status: { authenticated: true, user: ANA } } : { status: {} },
    ),
  });
  expect(await half.mayRead('good', SNAPSHOT)).toBe('denied');
});

test('a token for somebody else is no token', async () => {
  const ours = cluster({ audiences: ['rolecall'], found: ['rolecall'] });
  expect(await ours.access.mayRead('good', SNAPSHOT)).toBe('allowed');
  expect(ours.kube.calls[0]?.body).toMatchObject({ spec: { token: 'good', audiences: ['rolecall'] } });
  const others = cluster({ audiences: ['rolecall'], found: ['https://kubernetes.default.svc'] });
  expect(await others.access.mayRead('good', SNAPSHOT)).toBe('unknown');
  const none = cluster({ audiences: ['rolecall'] });
  expect(await none.access.mayRead('good', SNAPSHOT)).toBe('unknown');
});

test('thousands of strangers push nobody out who is known', async () => {
  const { access, asked } = cluster();
  await access.mayRead('good', SNAPSHOT);
  for (let i = 0; i < 3000; i++) await access.mayRead(`nobody-${i}`, SNAPSHOT);
  asked();
  expect(await access.mayRead('good', SNAPSHOT)).toBe('allowed');
  expect(await access.mayRead('nobody-2999', SNAPSHOT)).toBe('unknown');
  expect(asked()).toEqual([]);
});
