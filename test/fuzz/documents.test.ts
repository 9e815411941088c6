import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../src/core/document.ts';
import { check } from '../support/fuzz-check.ts';
import { corpus } from '../support/fuzz-corpus.ts';
import { hostile } from '../support/fuzz-hostile.ts';
import { minimal } from '../support/fuzz-minimal.ts';

/**
 * Hostile texts, each made from a number: none may crash, all problems have a place, and what is accepted means the
 * same to another reader. ROLECALL_SEED is the first number, ROLECALL_DOCUMENTS how many there are.
 */
const LONG = process.env.ROLECALL_LONG === '1';
const FIRST = Number(process.env.ROLECALL_SEED ?? 0);
const COUNT = Number(process.env.ROLECALL_DOCUMENTS ?? (LONG ? 1_000_000 : 20_000));
/** In so many parts, so that a report says how far it came. */
const PARTS = 10;

const texts = corpus();

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** What is told of a failure: the number, and a text as short as can be that fails for the same reason. */
function report(seed: number, wrong: string): string {
  const { file, content } = hostile(seed, texts);
  const kind = (said: string | undefined) => said?.replace(/["'`][\s\S]*$|[0-9]+/g, '');
  const short =
    typeof content !== 'string' || content.length > 100_000
      ? '(see the seed)'
      : JSON.stringify(
          minimal(content, (text) => kind(check({ file, content: text }).wrong) === kind(wrong)),
        );
  return `ROLECALL_SEED=${seed} ROLECALL_DOCUMENTS=1: ${file}: ${wrong}\n${short}`;
}

describe(`${COUNT.toLocaleString('en')} hostile texts, made of ${texts.length} real ones`, () => {
  /** MiB that are in use after each part. */
  const memory: number[] = [];
  let accepted = 0;

  test.each(Array.from({ length: PARTS }, (_, i) => i))(
    'part %i',
    { timeout: LONG ? 3_600_000 : 60_000 },
    (part) => {
      const failures: string[] = [];
      const start = FIRST + Math.floor((COUNT * part) / PARTS);
      const end = FIRST + Math.floor((COUNT * (part + 1)) / PARTS);
      for (let seed = start; seed < end && failures.length < 5; seed++) {
        const checked = check(hostile(seed, texts));
        if (checked.accepted) accepted++;
        if (checked.wrong !== undefined) failures.push(report(seed, checked.wrong));
      }
      collectGarbage();
      memory.push(process.memoryUsage().heapUsed / 2 ** 20);
      expect(failures.join('\n\n')).toBe('');
    },
  );

  test('some of them are accepted: otherwise there is nothing to compare', () => {
    if (COUNT >= 1000) expect(accepted / COUNT).toBeGreaterThan(0.1);
  });

  test('do not fill the memory', () => {
    const [first = 0] = memory;
    expect(Math.max(...memory)).toBeLessThan(first + 50);
  });
});

test('a long text, which is read document by document, means what a short one means', {
  timeout: 60_000,
}, () => {
  const comment = `#${'x'.repeat(2 ** 20)}\n`;
  let compared = 0;
  for (let seed = FIRST; compared < (LONG ? 3000 : 200) && seed < FIRST + 100_000; seed++) {
    const { content } = hostile(seed, texts);
    if (typeof content !== 'string' || content.length > 10_000 || /^\s/.test(content)) continue;
    const { documents, problems } = readYaml('a.yaml', content);
    if (problems.length > 0) continue;
    compared++;
    const long = readYaml('a.yaml', comment + content);
    expect(long.problems, `ROLECALL_SEED=${seed}`).toEqual([]);
    const [expected, found] = [documents, long.documents].map((all) =>
      all.map((one) => ({ value: one.value, line: one.place().line, column: one.place().column })),
    );
    expect(found).toEqual(expected?.map((one) => ({ ...one, line: one.line + 1 })));
  }
});
