import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeActual } from '../../src/core/actual.ts';
import { NOTHING_SETTLED, planChanges } from '../../src/core/plan-changes.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { type PlanMarkdownOptions, planMarkdown } from '../../src/render/plan-markdown.ts';
import { hostileText, outsideCode } from '../support/hostile-markdown.ts';
import { notesOf, planOfTexts } from '../support/plan-of-texts.ts';
import { OPTIONS } from '../support/planning.ts';
import { binding, declare, group, NOW, role, store, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const beta = workspace('beta');

function markdownOf(next: () => string, options: PlanMarkdownOptions): string {
  const plan = planOfTexts(next);
  return planMarkdown(plan, notesOf(plan), options);
}

function rendered(
  desired: readonly Resource[],
  actual: readonly Resource[],
  options: { limit?: number; title?: string; manager?: string } = {},
): string {
  const { manager = 'default', ...rest } = options;
  const { plan, notes } = planChanges({
    desired: declare(desired),
    settled: NOTHING_SETTLED,
    actual: wholeActual(store(actual)),
    base: { store: 's', revision: 3 },
    options: { ...OPTIONS, manager },
    at: NOW,
  });
  return planMarkdown(plan, notes, { store: '.iam/iam.db', ...rest }).replaceAll(
    /sha256:[0-9a-f]{64}/g,
    'DIGEST',
  );
}

describe('a plan as Markdown', () => {
  test('has verdicts, counts, access, then changes folded, the digest last', () => {
    const people = [user('ana'), user('bo')];
    const before = [
      acme,
      beta,
      ...people,
      group('acme/devs', ['ana']),
      binding('acme/reads', 'source-read-only', ['Group:devs']),
    ];
    const after = [
      ...before.slice(0, 4),
      group('acme/devs', ['bo'], { description: 'a | b' }),
      binding('beta/owns', 'workspace-owner', ['bo']),
    ];
    expect(rendered(after, before, { manager: 'other' })).toBe(
      `### Plan

Plan for .iam/iam.db (revision 3), manager other, all workspaces

- **refused RC203**: removes the only person of acme: ana; to let it pass: \`--override RC203@DIGEST --reason TEXT --as USER\`
- **refused RC210**: Group acme/devs is managed by "default" and differs here; --adopt takes it over
- **warning RC215**: in acme: bo gains access without an end
- **warning RC215**: in beta: bo gains workspace-owner (privileged) without an end

**1 to create, 1 to update, 0 to delete, 4 unchanged; 1 person gains access, 1 person loses access**

**beta**: 1 person gains access

| who | access |
|---|---|
| bo \`bo@acme.example\` | **gains** workspace-owner (privileged) on the whole workspace, by binding owns |

**acme**: 1 person gains access, 1 person loses access

| who | access |
|---|---|
| bo \`bo@acme.example\` | **gains** source-read-only on the whole workspace, through group devs by binding reads |
| ana \`ana@acme.example\` | loses source-read-only on the whole workspace, through group devs by binding reads |

<details><summary>2 changes in detail</summary>

- \`~\` Group acme/devs (\`Group/acme/devs.yaml:1\`)
  - description: "" → "a \`|\` b"
  - members: - User ana
  - members: + User bo
- \`+\` RoleBinding beta/owns (\`RoleBinding/beta/owns.yaml:1\`)

</details>

digest \`DIGEST\`
`,
    );
  });

  test('is two lines where there is nothing to do', () => {
    expect(rendered([acme], [acme], { title: 'Drift' })).toBe(
      '### Drift\n\nPlan for .iam/iam.db (revision 3), manager default, all workspaces\n\n**Nothing to do.** 1 resource as declared.\n',
    );
  });

  test('has who gains the biggest risk first', () => {
    const people = ['ana', 'bo', 'cy'].map((name) => user(name));
    const roles = [role('normal'), role('high', { risk: 'Privileged' }), role('some', { risk: 'Sensitive' })];
    const grants = [
      binding('acme/a', 'normal', ['ana']),
      binding('acme/b', 'some', ['bo']),
      binding('acme/c', 'high', ['cy']),
    ];
    const text = rendered([acme, ...people, ...roles, ...grants], [acme, ...people, ...roles]);
    expect([...text.matchAll(/\| (\w+) `/g)].map(([, name]) => name)).toEqual(['cy', 'bo', 'ana']);
  });

  test('folds long lists, with counts', () => {
    const people = Array.from({ length: 50 }, (_, i) => user(`u${i}`));
    const grant = binding(
      'acme/b',
      'workspace-member',
      people.map(({ metadata }) => metadata.name),
    );
    const text = rendered([acme, ...people, grant], [acme], { limit: 10 });
    expect(text.match(/\*\*gains\*\*/g)).toHaveLength(10);
    expect(text).toContain('\n\n… and 40 more rows\n');
    expect(text.match(/^- `\+` User/gm)).toHaveLength(10);
    expect(text).toContain('\n- `+` … and 40 more Users\n');
    const all = rendered([acme, ...people, grant], [acme], { limit: Infinity });
    expect(all.match(/\*\*gains\*\*/g)).toHaveLength(50);
    expect(all).not.toContain('…');
  });

  test('cuts a text that is as long as a page', () => {
    const text = rendered(
      [acme, group('acme/g', [], { description: 'word '.repeat(500) })],
      [acme, group('acme/g', [])],
    );
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(500);
  });
});

describe('whatever the texts of a plan are', { timeout: 60_000 }, () => {
  const rendering = fc.array(hostileText, { minLength: 1, maxLength: 120 }).map((texts) => {
    let i = 0;
    const next = () => texts[i++ % texts.length] ?? '';
    return markdownOf(next, { store: next(), title: next() });
  });
  const lines = (markdown: string) => markdown.split('\n');
  const benign = lines(markdownOf(() => 'x', { store: 'x', title: 'x' }));
  const frame = /<\/?(?:details|summary)>/g;
  const runs = { numRuns: 2000 };

  test('no raw <, @name, ]( or line break comes from them', () => {
    fc.assert(
      fc.property(rendering, (markdown) => {
        const data = markdown.replaceAll(frame, '');
        expect(data).not.toContain('<');
        expect(data).not.toMatch(/(?<![A-Za-z0-9])@[A-Za-z0-9]/);
        expect(data).not.toContain('](');
        expect(data).not.toMatch(/[\r\t\u2028\u2029\u202a-\u202e]/);
        expect(lines(markdown)).toHaveLength(benign.length);
      }),
      runs,
    );
  });

  test('each line is what it would be anyway: a heading, an item, a row of two cells', () => {
    fc.assert(
      fc.property(rendering, (markdown) => {
        for (const [i, line] of lines(markdown).entries()) {
          const expected = benign[i] ?? '';
          const shape = (text: string) =>
            /^(?:### |\| |\|---|- |\*\*|<\/?details>| {2}- |$|[A-Z])/i.exec(text)?.[0];
          if (/^(?:### |\||- | {2}- |<|$)/.test(expected)) expect(shape(line)).toBe(shape(expected));
          if (expected.startsWith('|')) expect(line.match(/(?<!\\)\|/g)).toHaveLength(3);
        }
      }),
      runs,
    );
  });

  test('what is not in code is plain words', () => {
    fc.assert(
      fc.property(rendering, (markdown) => {
        for (const line of lines(markdown)) {
          const words = outsideCode(line.replaceAll(frame, '').replace(/^### |^\|---\|---\||^ *- /, ''))
            .replaceAll('**', '')
            .replaceAll('|', '');
          expect(words).not.toMatch(/[<[\]{}*_~`\\@#!&$|^]/);
          expect(words).not.toMatch(/\w:\/\/|www\.|:\w+:|\bgh-\d|\b[0-9a-f]{7,40}\b/i);
          expect(words).toMatch(/^(?! {4}|\t|\d+[.)] |[-+*#>] )/);
        }
      }),
      runs,
    );
  });

  test('they can be read: nothing is left out, and plain words are as they are', () => {
    const words = fc
      .stringMatching(/^[a-z0-9-]{1,10}( [a-z]{1,10}){0,3}$/)
      .filter((text) => !/[0-9a-f]{7}|gh-\d/.test(text));
    fc.assert(
      fc.property(words, (word) => {
        expect(markdownOf(() => word, { store: word }).split(word).length).toBeGreaterThan(30);
      }),
    );
  });
});
