import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePolicy } from '../../src/core/policy-evaluate.ts';
import type { PolicyItem, PolicyWork } from '../../src/core/policy-input.ts';
import type { PolicyValue } from '../../src/core/policy-object.ts';
import { judgePolicies } from '../../src/engine/policies.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

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
    ["grant.expiresAt - now < duration('720h')", ['deny RC301 policy p: no (a grant)']],
    ['has(grant.notBefore)', ['deny RC301 policy p: no (a grant)']],
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
      'deny RC301 policy p: "false" is not true, and its messageExpression cannot be evaluated: it gives no string',
    ]);
    expect(await say('grant.nothing')).toEqual([
      expect.stringMatching(
        /^deny RC301 policy p: "false" is not true, and its messageExpression cannot be evaluated: .*nothing/,
      ),
    ]);
  });
});

test('Warn warns, Audit is told apart, and the store is named where it is its version', async () => {
  expect(await verdicts(work('false', { enforcement: 'Warn', version: 'store' }))).toEqual([
    'warn RC301 policy p (as it is in the store): no (a grant)',
  ]);
  expect(await judgePolicies([work('false', { enforcement: 'Audit' })])).toEqual({
    verdicts: [],
    remarks: [{ policy: 'p', message: 'policy p: no (a grant)', identity: 'AccessPolicy//p' }],
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

test('of many items each finding is about its own', async () => {
  const items = Array.from({ length: 1300 }, (_, i) => ({ ...item, what: `g${i}`, variables: { n: i } }));
  const judged = await judgePolicies([work('n != 7 && n != 501 && n != 1299', { items })]);
  expect(judged.verdicts[0]?.numbers).toMatchObject({ violations: 3, items: ['g1299', 'g501', 'g7'] });
});

test('the order of policies, and of what they look at, changes nothing', { timeout: 60_000 }, async () => {
  const expressions = ['n < 3', 'n % 2 == 0', 'n > 100', 'm.size() > 0'];
  const all = expressions.flatMap((expression, i): PolicyWork[] => {
    const items = Array.from({ length: 8 }, (_, n) => ({
      what: `g${n}`,
      workspaces: [`w${n % 3}`],
      causes: [`Group/w${n % 3}/g${n}`],
      variables: { n },
    }));
    const said = { messageExpression: `'${i} ' + string(n % 5)` };
    const enforcement = (['Deny', 'Warn', 'Audit'] as const)[i % 3] ?? 'Deny';
    return (['store', 'manifest'] as const).map((version) =>
      work(expression, { policy: `p${i}`, version, enforcement, items }, said),
    );
  });
  const expected = await judgePolicies(all);
  expect(expected.verdicts.length + expected.remarks.length).toBe(8);
  const shuffled = fc
    .tuple(
      fc.shuffledSubarray(all, { minLength: all.length }),
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }),
    )
    .map(([works, order]) =>
      works.map((one) => ({ ...one, items: order.flatMap((i) => one.items[i] ?? []) })),
    );
  await fc.assert(
    fc.asyncProperty(shuffled, async (works) => {
      expect(await judgePolicies(works)).toEqual(expected);
    }),
    { numRuns: 20 },
  );
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
      'deny RC301 policy z: no (a grant)',
    ]);
    expect(Date.now() - begun).toBeLessThan(5000);
  });

  test('a policy has 2 s, whatever the time that its worker takes to start', {
    timeout: 20_000,
  }, async () => {
    const begun = Date.now();
    const { verdicts } = await judgePolicies([work(nested, { items: [heavy] })]);
    expect(verdicts.map(({ message }) => message)).toEqual([
      'policy p cannot be evaluated: takes longer than 2 s for this plan',
    ]);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1990);
    expect(Date.now() - begun).toBeLessThan(5000);
  });

  test('the time of a policy is that of all that it looks at', { timeout: 20_000 }, async () => {
    const items = Array.from({ length: 5000 }, () => ({ ...item, variables: { l: list } }));
    const slow = work('l.all(a, l.all(b, a + b >= 0))', { items });
    expect(await verdicts(slow)).toEqual([
      'deny RC302 policy p cannot be evaluated: takes longer than 0.5 s for this plan',
    ]);
  });

  test.each([
    ['on the heap', "l.map(a, s.split('')).size() > 0"],
    ['beside it', 'l.map(a, l.map(b, bytes(s))).size() > 0'],
  ])('memory %s denies, and the next is judged', { timeout: 20_000 }, async (_, expression) => {
    const large: PolicyItem = { ...item, variables: { l: list, s: 'x'.repeat(2 ** 20) } };
    const judged = await judgePolicies(
      [work(expression, { items: [large] }), work('false', { policy: 'z' })],
      { budget: 15_000 },
    );
    expect(judged.verdicts.map(({ message }) => message)).toEqual([
      'policy p cannot be evaluated: needs more than 256 MiB',
      'policy z: no (a grant)',
    ]);
  });

  test.each([
    ['a deep expression', `${'('.repeat(3000)}true${')'.repeat(3000)}`],
    ['a hanging regular expression', "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')"],
  ])('%s ends nothing but itself', { timeout: 20_000 }, async (_, expression) => {
    const said = await verdicts(work(expression, { items: [heavy] }), work('false', { policy: 'z' }));
    expect(said.at(-1)).toBe('deny RC301 policy z: no (a grant)');
    expect(said.length).toBeLessThanOrEqual(2);
  });

  test('a list of more than 10,000 entries is not looked at', async () => {
    const long: PolicyItem = { ...item, variables: { l: Array.from({ length: 10_001 }, () => 1) } };
    expect(await verdicts(work('l.size() > 0', { items: [long] }))).toEqual([
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
          const evaluate = compilePolicy([{ expression: text, messageExpression: text }]);
          const found = evaluate([{ ...item, variables }]);
          expect(found.length).toBeLessThanOrEqual(1);
          for (const { message } of found) expect(message.length).toBeLessThanOrEqual(300);
          expect(performance.now() - begun).toBeLessThan(2000);
        },
      ),
      { numRuns: MANY },
    );
  });
});

describe('validate --audit', () => {
  const head = 'apiVersion: rolecall.dev/v1alpha1\nkind: ';
  const people = ['ana', 'bo', 'cy']
    .map((name) => `${head}User\nmetadata: {name: ${name}}\nspec: {email: ${name}@acme.example}\n`)
    .join('---\n');
  const policy = (name: string, expression: string, enforcement: string) =>
    `${head}AccessPolicy\nmetadata: {name: ${name}}\nspec:\n  match: {kinds: [User]}\n  enforcement: ${enforcement}\n  validations: [{expression: ${JSON.stringify(expression)}, message: no}]\n`;
  const audit = (files: Record<string, string>, ...more: string[]) =>
    runIam(['validate', '--audit', '-f', '.', ...more], { cwd: temporaryFolder(files) });
  const notBo = "object.metadata.name != 'bo'";

  test('names each resource that violates, at its place, and warns of what does not deny', async () => {
    const files = {
      'a.yaml': people,
      'p.yaml': [policy('deny', "object.metadata.name == 'cy'", 'Deny'), policy('warn', notBo, 'Warn')].join(
        '---\n',
      ),
      'q.yaml': policy('audit', notBo, 'Audit'),
    };
    expect(await audit(files)).toMatchObject({
      exit: 3,
      stdout: '',
      stderr: [
        'a.yaml:1:1: error RC301: policy deny: no',
        'a.yaml:6:1: warning RC301: policy audit: no',
        'a.yaml:6:1: error RC301: policy deny: no',
        'a.yaml:6:1: warning RC301: policy warn: no',
        '',
      ].join('\n'),
    });
  });

  test('is done when nothing denies', async () => {
    const ran = await audit({ 'a.yaml': people, 'q.yaml': policy('audit', notBo, 'Audit') }, '-o', 'json');
    expect(ran.exit).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ kind: 'Validation', valid: true });
    expect(JSON.parse(ran.stderr).items).toMatchObject([
      { code: 'RC301', severity: 'warn', file: 'a.yaml', line: 6 },
    ]);
  });

  test('refuses a policy that cannot be evaluated, whatever its enforcement', async () => {
    const files = { 'a.yaml': people, 'q.yaml': policy('audit', 'object.spec.nothing == 1', 'Audit') };
    const ran = await audit(files);
    expect(ran.exit).toBe(3);
    expect(ran.stderr).toMatch(
      /^a.yaml:1:1: error RC302: policy audit cannot be evaluated: create of User ana: /,
    );
  });

  test('comes after everything else that is wrong', async () => {
    const files = {
      'a.yaml': `${people}---\n${head}Group\nmetadata: {name: g, namespace: gone}\nspec: {displayName: G}\n`,
      'q.yaml': policy('deny', 'false', 'Deny'),
    };
    const ran = await audit(files);
    expect(ran.exit).toBe(4);
    expect(ran.stderr).not.toMatch(/RC30/);
  });
});

test('a policy that would end the process ends nothing but itself', { timeout: 60_000 }, async () => {
  const doubled = `['aaaaaaaaaaaaaaaa']${'.map(x, x+x)'.repeat(24)}.all(x, x.upperAscii() == x)`;
  const judged = await judgePolicies([
    work(doubled, { policy: 'huge', enforcement: 'Audit' }),
    work('false', { policy: 'z' }),
  ]);
  expect(judged.verdicts.map(({ code, severity, numbers }) => [code, severity, numbers.policy])).toEqual([
    ['RC302', 'deny', 'huge'],
    ['RC301', 'deny', 'z'],
  ]);
});
