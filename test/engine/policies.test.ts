import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluatePolicy } from '../../src/core/policy-evaluate.ts';
import type { PolicyItem, PolicyValue, PolicyWork } from '../../src/core/policy-input.ts';
import { judgePolicies } from '../../src/engine/policies.ts';

/** Hostile inputs by the hundred thousand, when asked for. */
const MANY = process.env.ROLECALL_LONG === '1' ? 100_000 : 2000;

const item: PolicyItem = {
  what: 'a grant',
  workspaces: ['acme'],
  causes: [],
  variables: {
    grant: { subject: 'ana', risk: 'Normal', expiresAt: { $time: Date.parse('2026-07-01T00:00:00Z') } },
    now: { $time: Date.parse('2026-06-01T00:00:00Z') },
    user: { spec: { members: [1, 2, 3], type: 'Human' } },
    workspace: null,
  },
};

function work(
  expression: string,
  more: Partial<PolicyWork> = {},
  said: object = { message: 'no' },
): PolicyWork {
  return {
    policy: 'p',
    version: 'both',
    enforcement: 'Deny',
    validations: [{ expression, ...said }],
    items: [item],
    ...more,
  };
}

async function verdicts(...all: PolicyWork[]): Promise<string[]> {
  const judged = await judgePolicies(all, { budget: 500 });
  return judged.verdicts.map(({ code, severity, message }) => `${severity} ${code} ${message}`);
}

describe('an expression', () => {
  test.each([
    ["grant.subject == 'ana'", []],
    ["grant.expiresAt - now <= duration('720h')", []],
    ["grant.expiresAt - now < duration('720h')", ['deny RC301 policy p: no']],
    ['has(grant.notBefore)', ['deny RC301 policy p: no']],
    ['user.spec.members.all(m, m > 0) && size(user.spec.members) == 3', []],
    ["grant.subject.matches('^a.a$')", []],
    ["grant.subject.upperAscii() == 'ANA'", []],
    ['workspace == null', []],
  ])('%s', async (expression, said) => {
    expect(await verdicts(work(expression))).toEqual(said);
  });

  test('that fails denies, whatever the enforcement', async () => {
    for (const enforcement of ['Deny', 'Warn', 'Audit'] as const)
      expect(await verdicts(work('grant.notBefore < now', { enforcement }))).toEqual([
        expect.stringMatching(
          /^deny RC302 policy p cannot be evaluated: a grant: "grant.notBefore < now": .*notBefore/,
        ),
      ]);
    expect(await verdicts(work('grant.subject'))).toEqual([
      'deny RC302 policy p cannot be evaluated: a grant: "grant.subject" is neither true nor false',
    ]);
  });

  test('says why by messageExpression', async () => {
    const say = (messageExpression: string) => verdicts(work('false', {}, { messageExpression }));
    expect(await say("grant.subject + '!'")).toEqual(['deny RC301 policy p: ana!']);
    expect(await say('1')).toEqual([
      'deny RC301 policy p: "false" is not true, and its messageExpression "1" gives no text',
    ]);
    expect(await say('grant.nothing')).toEqual([
      expect.stringMatching(
        /^deny RC301 policy p: "false" is not true, and its messageExpression "grant.nothing" cannot/,
      ),
    ]);
  });
});

test('Warn warns, Audit is told apart, and the store is named where it is its version', async () => {
  expect(await verdicts(work('false', { enforcement: 'Warn', version: 'store' }))).toEqual([
    'warn RC301 policy p (as it is in the store): no',
  ]);
  expect(await judgePolicies([work('false', { enforcement: 'Audit' })])).toEqual({
    verdicts: [],
    remarks: [{ policy: 'p', message: 'policy p: no', identity: 'AccessPolicy//p' }],
  });
});

test('many findings are one verdict, whatever their order', async () => {
  const items = Array.from({ length: 9 }, (_, i) => ({ ...item, what: `g${i}`, variables: { n: i } }));
  const one = work('n < 2', { items }, { messageExpression: "'n' + string(n)" });
  const judged = await judgePolicies([one]);
  expect(judged.verdicts[0]).toMatchObject({
    message: 'policy p: n2, n3, n4, n5, n6 and 2 more',
    numbers: { policy: 'p', violations: 7, workspaces: ['acme'] },
  });
  expect(await judgePolicies([{ ...one, items: items.toReversed() }])).toEqual(judged);
});

describe('over its budget', () => {
  const list = Array.from({ length: 200 }, (_, i) => i);
  const heavy: PolicyItem = { ...item, variables: { l: list } };
  const nested = 'l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))';

  test('a policy denies, is ended, and the next is judged', { timeout: 20_000 }, async () => {
    const begun = Date.now();
    expect(
      await verdicts(
        work(nested, { policy: 'slow', items: [heavy] }),
        work("grant.subject == 'ana'"),
        work('false', { policy: 'z' }),
      ),
    ).toEqual([
      'deny RC302 policy slow cannot be evaluated: takes longer than 0.5 s for this plan',
      'deny RC301 policy z: no',
    ]);
    expect(Date.now() - begun).toBeLessThan(5000);
  });

  test.each([
    [
      'memory',
      "l.map(a, l.map(b, l.map(c, l.map(d, 'xxxxxxxxxxxxxxxx' + string(a) + string(b))))).size() > 0",
    ],
    ['a deep expression', `${'('.repeat(3000)}true${')'.repeat(3000)}`],
    ['a hanging regular expression', "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')"],
  ])('%s ends nothing but itself', { timeout: 20_000 }, async (_, expression) => {
    const said = await verdicts(work(expression, { items: [heavy] }), work('false', { policy: 'z' }));
    expect(said.at(-1)).toBe('deny RC301 policy z: no');
    expect(said.length).toBeLessThanOrEqual(2);
  });

  test('a list of more than 10,000 entries is not looked at', async () => {
    const long: PolicyItem = { ...item, variables: { l: Array.from({ length: 10_001 }, () => 1) } };
    expect(await verdicts(work('true', { items: [long] }))).toEqual([
      'deny RC302 policy p cannot be evaluated: a grant: l has a list of over 10,000 entries',
    ]);
  });
});

describe('whatever the policy and the object are', () => {
  const atom = fc.constantFrom(
    'grant',
    'user',
    'now',
    'grant.subject',
    'l',
    '1',
    '-1',
    "'x'",
    'null',
    'true',
    '[1,2]',
    "{'a': 1}",
    'x',
    'grant.a.b',
    "b'a'",
    '1u',
    '1.5',
    "duration('1h')",
    '9223372036854775807',
  );
  const operator = fc.constantFrom(
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '!=',
    '<',
    '&&',
    '||',
    'in',
    '?',
    '.',
    ')',
    '(',
  );
  const call = fc.constantFrom(
    '.size()',
    '.matches("a*")',
    '.all(x, x)',
    '.map(x, [x, x])',
    '.exists(x, x == l)',
    '[0]',
    '["a"]',
    '.startsWith("")',
    '.split("")',
    '.join()',
    '.replace("", "xx")',
    '.getFullYear()',
  );
  const expression = fc
    .array(fc.tuple(atom, fc.option(call), operator), { minLength: 1, maxLength: 6 })
    .map((parts) =>
      parts.map(([a, c, o], i) => `${a}${c ?? ''}${i < parts.length - 1 ? ` ${o} ` : ''}`).join(''),
    );
  const value: fc.Arbitrary<PolicyValue> = fc.letrec<{ value: PolicyValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
      fc.record({ $time: fc.integer({ min: -62135596800000, max: 253402300799999 }) }),
    ),
  })).value;

  test('it is judged, or found not to be: it never throws', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(
        fc.oneof(expression, fc.string({ unit: 'binary' })),
        fc.dictionary(fc.constantFrom('grant', 'user', 'l', 'now', 'x'), value),
        (text, variables) => {
          const begun = performance.now();
          const found = evaluatePolicy({
            validations: [{ expression: text, messageExpression: text }],
            items: [{ ...item, variables }],
          });
          expect(found.length).toBeLessThanOrEqual(1);
          for (const { message } of found) expect(message.length).toBeLessThanOrEqual(300);
          expect(performance.now() - begun).toBeLessThan(2000);
        },
      ),
      { numRuns: MANY },
    );
  });
});
