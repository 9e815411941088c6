import { expect, test } from 'vitest';
import type { ReadManifests } from '../../src/core/manifest.ts';
import { type InputText, readInput } from '../../src/core/read-input.ts';
import { readLoaded } from '../../src/engine/load.ts';
import { prepareInParallel } from '../../src/engine/read-parallel.ts';
import { renderManifest } from '../../src/render/yaml.ts';
import { group, user } from '../support/resources.ts';

/** Enough to be worth a second thread, and of every form that a file can have. */
function manyTexts(): InputText[] {
  const plain = Array.from({ length: 120 }, (_, n) => ({
    file: `f${String(n).padStart(3, '0')}.yaml`,
    text: Array.from({ length: 150 }, (_, i) =>
      i % 3 === 0
        ? renderManifest(
            group(`acme/g${n}-${i}`, [`u${n}-${i}`, 'Group:inner'], { description: 'x'.repeat(150) }),
          )
        : renderManifest(user(`u${n}-${i}`, { displayName: `Ünï ${n} ✓`.repeat(9) })),
    ).join('---\n'),
  }));
  const [first] = plain;
  return [
    ...plain,
    { file: 'a-comment.yaml', text: '# nothing\n' },
    { file: 'a-gap.yaml', text: `---\n---\n${renderManifest(user('gap'))}---\n\n` },
    {
      file: 'a-list.yaml',
      text: `apiVersion: v1\nkind: List\nitems:\n- ${JSON.stringify({ apiVersion: 'rolecall.dev/v1alpha1', kind: 'User', metadata: { name: 'listed' }, spec: { email: 'l@acme.example' } })}\n`,
    },
    {
      file: 'a-wrong.yaml',
      text: 'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: wrong}\nspec: {}\n',
    },
    { file: 'a-broken.yaml', text: 'kind: [\n' },
    { file: 'a-twice.yaml', text: first?.text ?? '' },
    {
      file: 'a-lines.jsonl',
      text: ['one', 'two']
        .map((name) =>
          JSON.stringify({
            apiVersion: 'rolecall.dev/v1alpha1',
            kind: 'User',
            metadata: { name },
            spec: { email: `${name}@acme.example`, state: 'Suspended' },
          }),
        )
        .join('\r\n'),
    },
    {
      file: 'z-dropped.yaml',
      text: renderManifest(user('dropped')).replace('name: dropped', 'name: dropped\n  namespace: acme'),
    },
  ];
}

function seen({ declared, problems, broken, unknown }: ReadManifests): unknown {
  return {
    declared: declared.map((one) => [
      one.id,
      one.file,
      one.body,
      one.declares,
      one.resource,
      one.place(),
      one.id.endsWith('-3') ? one.place('/spec/members/Group:inner') : null,
    ]),
    problems,
    broken: [...broken],
    unknown,
  };
}

test('two threads read what one reads, at the same places', { timeout: 60_000 }, async () => {
  const texts = manyTexts();
  expect(texts.reduce((sum, { text }) => sum + text.length, 0)).toBeGreaterThan(4 * 2 ** 20);
  const prepared = await prepareInParallel(texts);
  let plain = 0;
  const both = readInput(texts, undefined, (input) => {
    const found = prepared(input);
    if (found) plain++;
    return found;
  });
  expect(plain).toBeGreaterThan(100);
  expect(seen(both)).toEqual(seen(readInput(texts)));
});

test('progress never goes back', { timeout: 60_000 }, async () => {
  const counts: number[] = [];
  const read = await readLoaded({ texts: manyTexts(), problems: [], known: [] }, (phase, done) => {
    if (phase === 'validate') counts.push(done);
  });
  expect(read.problems.length).toBeGreaterThan(0);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts.at(-1)).toBeGreaterThan(120 * 150);
});
