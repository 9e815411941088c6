import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeActual } from '../../src/core/actual.ts';
import type { Plan } from '../../src/core/plan.ts';
import { NOTHING_SETTLED, planChanges } from '../../src/core/plan-changes.ts';
import type { Stored } from '../../src/core/stored.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { ansi, plain } from '../../src/render/paint.ts';
import { planText } from '../../src/render/plan-text.ts';
import { evolution } from '../support/arbitrary.ts';
import { notesOf, planOfTexts } from '../support/plan-of-texts.ts';
import { OPTIONS } from '../support/planning.ts';
import { binding, declare, group, NOW, role, store, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const TEXT = { store: '.iam/iam.db', paint: plain, width: 80, most: 20 };

function rendered(
  desired: readonly Resource[],
  actual: readonly Stored[],
  options: Partial<typeof TEXT> & { prune?: boolean } = {},
): string {
  const { prune = false, ...rest } = options;
  const base = { store: 's', revision: 3 };
  const { plan, notes } = planChanges({
    desired: declare(desired),
    settled: NOTHING_SETTLED,
    actual: wholeActual(actual),
    base,
    options: { ...OPTIONS, prune },
    at: NOW,
  });
  return planText(plan, notes, { ...TEXT, ...rest });
}

/** Lines that are too long although they could be broken between two words. */
function breakable(text: string, width: number): string[] {
  return text.split('\n').filter(
    (line) =>
      line.length > width &&
      // A command to copy is not broken.
      !line.startsWith('      --override ') &&
      line
        .trim()
        .replace(/^[-+~] /, '')
        .includes(' '),
  );
}

describe('a plan as text', () => {
  test('says where it was made, what is refused, whose access changes, then what, in the end the digest', () => {
    const actual = [
      ...store([acme, user('ana'), user('bo'), group('acme/devs', ['ana'])]),
      ...store([binding('acme/reads', 'source-read-only', ['Group:devs'])], 'other'),
    ];
    const desired = [
      acme,
      user('ana'),
      user('bo'),
      group('acme/devs', ['bo']),
      binding('acme/reads', 'source-read-only', ['Group:devs'], { expiresAt: '2027-01-31' }),
    ];
    expect(
      rendered(desired, actual).replaceAll(/sha256:[0-9a-f]{64}/g, 'DIGEST'),
    ).toBe(`Plan for .iam/iam.db (revision 3), manager default, all workspaces

Verdicts
  refused RC203: removes the only person of acme: ana
    to let it pass:
      --override RC203@DIGEST --reason TEXT --as USER
  refused RC210: RoleBinding acme/reads is managed by "other" and differs here;
    --adopt takes it over

Access: 1 person gains access, 1 person loses access
  acme
    bo <bo@acme.example>
      + source-read-only on the whole workspace, through group devs by binding
          reads, until 2027-01-31 00:00 UTC
    ana <ana@acme.example>
      - source-read-only on the whole workspace, through group devs by binding
          reads

Changes
  ~ Group acme/devs
      members: - User ana
      members: + User bo
  ~ RoleBinding acme/reads
      expiresAt: + 2027-01-31 00:00 UTC

0 to create, 2 to update, 0 to delete, 3 unchanged
digest DIGEST
`);
  });

  test('is two lines where there is nothing to do', () => {
    expect(rendered([acme], store([acme]))).toBe(
      'Plan for .iam/iam.db (revision 3), manager default, all workspaces\n\nNothing to do. 1 resource as declared.\n',
    );
  });

  test("says so when nobody's access changes", () => {
    expect(rendered([workspace('acme', { displayName: 'Acme' })], store([acme]))).toContain(
      "\n\nNobody's access changes.\n\n",
    );
  });

  test('has who gains the biggest risk first, and of equal risk without an end', () => {
    const people = ['ana', 'bo', 'cy', 'dee'].map((name) => user(name));
    const roles = [role('normal'), role('high', { risk: 'Privileged' }), role('some', { risk: 'Sensitive' })];
    const grants = [
      binding('acme/a', 'normal', ['ana'], { expiresAt: '2027-01-31' }),
      binding('acme/b', 'some', ['bo']),
      binding('acme/c', 'high', ['cy']),
      binding('acme/d', 'normal', ['dee']),
    ];
    const text = rendered([acme, ...people, ...roles, ...grants], store([acme, ...people, ...roles]));
    expect([...text.matchAll(/^ {4}(\w+) </gm)].map(([, name]) => name)).toEqual(['cy', 'bo', 'dee', 'ana']);
    expect(text).toContain('+ high (privileged) on the whole workspace');
    expect(text).toContain('+ some (sensitive) on the whole workspace');
  });

  test('is the same but for its colours', () => {
    const people = [user('ana'), user('bo')];
    const [before, after] = [
      [acme, ...people, binding('acme/a', 'workspace-owner', ['ana'])],
      [acme, ...people, binding('acme/a', 'workspace-owner', ['bo'])],
    ];
    const coloured = rendered(after, store(before), { paint: ansi });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal takes for a colour begins with it
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(rendered(after, store(before)));
    expect(coloured).not.toBe(rendered(after, store(before)));
  });
});

describe('long lists', () => {
  const people = Array.from({ length: 50 }, (_, i) => user(`u${i}`));
  const grant = binding(
    'acme/b',
    'workspace-member',
    people.map(({ metadata }) => metadata.name),
  );
  const whole = [acme, ...people, grant];

  test('are folded, with counts', () => {
    const text = rendered(whole, store([acme]));
    expect(text.match(/^ {4}u\d+ </gm)).toHaveLength(20);
    expect(text).toContain('\n    … and 30 more (all of them with -o json)\n');
    expect(text.match(/^ {2}\+ User/gm)).toHaveLength(5);
    expect(text).toMatch(/\n {2}\+ … and 45 more Users?\n/);
    expect(text).toContain('\n51 to create, 0 to update, 0 to delete, 1 unchanged\n');
  });

  test('of fields and of lines of one person, too', () => {
    const members = (n: number) =>
      group(
        'acme/g',
        people.slice(0, n).map(({ metadata }) => metadata.name),
      );
    expect(rendered([acme, ...people, members(30)], store([acme, ...people, members(0)]))).toContain(
      '\n      … and 10 more fields\n',
    );
    const ids = Array.from({ length: 25 }, (_, i) => ({ type: 'Source', id: `s${i}` }));
    const many = binding('acme/m', 'source-admin', ['u0'], { resources: ids });
    expect(rendered([acme, ...people, many], store([acme, ...people]))).toContain(
      '\n      … and 5 more lines\n',
    );
  });

  test('are whole where they fit, and with no limit', () => {
    expect(rendered(whole.slice(0, 21), store([acme]))).not.toContain('…');
    const text = rendered(whole, store([acme]), { most: Infinity });
    expect(text).not.toContain('…');
    expect(text.match(/^ {2}\+ User/gm)).toHaveLength(50);
  });
});

describe('columns', { timeout: 60_000 }, () => {
  test('are 80 at most, or what one word needs', () => {
    fc.assert(
      fc.property(evolution, fc.boolean(), ({ before, resources: after }, prune) => {
        expect(breakable(rendered(after, store(before), { prune }), 80)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('are 80 at most for long names and texts', () => {
    const long = (letter: string) => letter.repeat(40);
    const people = [user('ana')];
    const before = [
      workspace(long('w')),
      ...people,
      role(long('r')),
      group(`${long('w')}/${long('g')}`, ['ana']),
    ];
    const after = [
      ...before.slice(0, 3),
      group(`${long('w')}/${long('g')}`, ['ana'], { description: 'a word '.repeat(60) }),
      binding(`${long('w')}/${long('b')}`, long('r'), [`Group:${long('g')}`]),
    ];
    expect(breakable(rendered(after, store(before)), 80)).toEqual([]);
  });

  test('are 80 at most for a long name beside a long address', () => {
    const name = 'n'.repeat(50);
    const org = [acme, user(name)];
    expect(
      breakable(rendered([...org, binding('acme/b', 'workspace-member', [name])], store(org)), 80),
    ).toEqual([]);
  });
});

describe('whatever the texts of a plan are', { timeout: 60_000 }, () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    '\u001b[31m',
    '\r',
    '\n',
    '\u0007',
    '\u009b',
    '\u202e',
    '\u2028',
    '$&',
    "$'",
  );
  const text = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''));

  /** Renders plans of any texts; `edit` takes parts out. */
  function shows(edit: (plan: Plan) => Plan): void {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 100 }), (texts) => {
        let i = 0;
        const plan = edit(planOfTexts(() => texts[i++ % texts.length] ?? ''));
        const output = planText(plan, notesOf(plan), TEXT);
        expect(output.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u202a-\u202e]/u);
      }),
      { numRuns: 500 },
    );
  }

  test('none of them reaches the terminal as a control or bidirectional character', () => {
    shows((plan) => ({ ...plan, verdicts: [] }));
  });

  test('nor do those of verdicts', () => {
    shows((plan) => plan);
  });
});
