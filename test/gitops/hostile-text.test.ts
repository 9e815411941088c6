import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DriftItem } from '../../src/core/drift.ts';
import type { Problem } from '../../src/core/problem.ts';
import { readConfig } from '../../src/gitops/config.ts';
import { driftPage } from '../../src/gitops/drift-issue.ts';
import { outcomeParts, outcomeWords } from '../../src/gitops/outcome-markdown.ts';
import { pages } from '../../src/gitops/pages.ts';
import { mistakesParts, requestParts } from '../../src/gitops/request-markdown.ts';
import { reviewRecord } from '../../src/gitops/review-record.ts';
import { hostileText, outsideCode } from '../support/hostile-markdown.ts';
import { notesOf, planOfTexts } from '../support/plan-of-texts.ts';

const CONFIG = readConfig(
  'apiVersion: rolecall.dev/v1alpha1\nkind: GitOps\npaths: [a]\noverrides: {RC201: [ana]}\nenvironment: "@x <b>|"\n',
);
const COMMIT = 'c0ffee'.repeat(7).slice(0, 40);

function problemOf(next: () => string): Problem {
  return {
    code: 'RC606',
    severity: 'warn',
    message: next(),
    place: { file: next(), line: 1, column: 1 },
    hint: next(),
  };
}

function driftOf(next: () => string): DriftItem[] {
  return (['update', 'delete'] as const).map((action) => ({
    action,
    kind: 'Group',
    namespace: next(),
    name: next(),
    managedBy: next(),
    treatment: 'report',
    fields: action === 'update' ? [{ path: `/spec/${next()}`, before: next(), after: next() }] : [],
    cause: 'manager',
    manager: next(),
    actor: next(),
    at: '2026-06-01T00:00:00Z',
    revision: 4,
    reason: next(),
  }));
}

/** All that is written on a forge, of texts that others chose. */
function everything(next: () => string): string[] {
  const plan = planOfTexts(next);
  const told = { plan, notes: notesOf(plan), warnings: [problemOf(next), problemOf(next)] };
  const record = reviewRecord(
    { pull: 7, head: COMMIT, base: COMMIT, store: 'store-1', revision: 3, digest: plan.digest },
    plan.access,
  );
  const pull = {
    number: 7,
    title: next(),
    author: next(),
    head: COMMIT,
    headRef: next(),
    headRepository: next(),
    openedAt: 0,
    baseRef: next(),
    base: COMMIT,
    isFork: false,
    isDraft: false,
    state: 'merged' as const,
    mergeCommit: COMMIT,
  };
  const unit = { parent: COMMIT, tip: COMMIT, subject: next(), pull, held: [] };
  const outcome = {
    unit: { ...unit, held: [unit, { ...unit, pull: undefined }] },
    config: CONFIG,
    planned: told,
    act: {
      at: plan.at,
      manager: plan.manager,
      actor: next(),
      actorVerified: false,
      reason: next(),
      commit: COMMIT,
      pr: '7',
      approvers: [next()],
    },
    store: 'store 1a2b3c4d',
    revision: 4,
    applied: undefined,
    review: 'unverified' as const,
    unseen: plan.access,
    together: [3, 4],
    void: [problemOf(next)],
  };
  const stored = {
    ...told,
    pending: plan.changes,
    drift: driftOf(next),
    void: [problemOf(next)],
    store: 'store 1a2b3c4d',
  };
  const request = { base: COMMIT, head: COMMIT, difference: told, record };
  const texts = [
    requestParts({ ...request, stored }, CONFIG, [{ ...record, digest: 'sha256:0' }]),
    requestParts({ ...request, stored: undefined }, CONFIG, []),
    mistakesParts('Mistakes', [problemOf(next), problemOf(next)]),
    ...(['applied', 'nothing to do', 'refused', 'not reviewed'] as const).map((is) =>
      outcomeParts({ ...outcome, is }),
    ),
    outcomeParts({ unit, config: CONFIG, is: 'mistaken', problems: [problemOf(next)] }),
  ].flatMap((parts) => pages(parts, () => '', 'in the artifact'));
  const words = (['applied', 'refused', 'not reviewed'] as const).map((is) =>
    outcomeWords({ ...outcome, is }),
  );
  return [...texts, driftPage(driftOf(next), 'default').replace(/^<!--.*-->/, ''), ...words];
}

const FRAME = /<\/?(?:details|summary)>/g;

describe('whatever names, messages, titles and authors are', { timeout: 60_000 }, () => {
  const written = fc.array(hostileText, { minLength: 1, maxLength: 150 }).map((texts) => {
    let i = 0;
    return everything(() => texts[i++ % texts.length] ?? '').map((text) => text.split('\n'));
  });
  const benign = everything(() => 'x').map((text) => text.split('\n'));
  const runs = { numRuns: 700 };

  test('each text has the lines that it would have anyway, with the same cells', () => {
    const shape = (line: string) =>
      /^(?:### |\| |\|---|- |\*\*|<\/?details>| {2}- |$|[A-Z])/i.exec(line)?.[0].toLowerCase();
    fc.assert(
      fc.property(written, (texts) => {
        expect(texts.map((lines) => lines.length)).toEqual(benign.map((lines) => lines.length));
        for (const [at, lines] of texts.entries())
          for (const [i, line] of lines.entries()) {
            const expected = benign[at]?.[i] ?? '';
            if (/^(?:### |\||- | {2}- |<|$)/.test(expected)) expect(shape(line)).toBe(shape(expected));
            if (expected.startsWith('|')) expect(line.match(/(?<!\\)\|/g)).toHaveLength(3);
          }
      }),
      runs,
    );
  });

  test('no HTML, mention, link, or character that turns the direction comes from them', () => {
    fc.assert(
      fc.property(written, (texts) => {
        const data = texts.flat().join('\n').replaceAll(FRAME, '');
        expect(data).not.toContain('<');
        expect(data).not.toMatch(/(?<![A-Za-z0-9])@[A-Za-z0-9]/);
        expect(data).not.toContain('](');
        expect(data).not.toMatch(/[\r\t\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      }),
      runs,
    );
  });

  test('what is not in code is plain words', () => {
    // Numbers of pull requests are ours, and meant to be links.
    const ours = /(?<=[ (])#\d+/g;
    fc.assert(
      fc.property(written, (texts) => {
        for (const line of texts.flat()) {
          const bare = line.replaceAll(FRAME, '').replace(/^### |^\|---\|---\||^ *- /, '');
          const words = outsideCode(bare).replaceAll('**', '').replaceAll('|', '').replaceAll(ours, '');
          expect(words).not.toMatch(/[<[\]{}*_~`\\@#!&$^]/);
          expect(words).not.toMatch(/\w:\/\/|www\.|:\w+:|\bgh-\d|\b(?!c0ffeec0ffee\b)[0-9a-f]{7,40}\b/i);
        }
      }),
      runs,
    );
  });
});
