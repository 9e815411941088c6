import { globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, posix, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KIND_NAMES } from '../src/kinds/index.ts';

const SRC = resolve(import.meta.dirname, '../src');

interface Import {
  /** A path below src, or the name of a package or of a module of Node. */
  readonly target: string;
  readonly ours: boolean;
  readonly how: 'type' | 'value' | 'lazy';
}

interface Module {
  /** Below src. */
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATIC = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\bfrom\s*)?'([^']+)'/gm;
const LAZY = /\bimport\(\s*'([^']+)'\s*\)(\.[A-Z])?/g;
const WORKER = /new URL\(\s*'(\.{1,2}\/[^']+\.ts)',\s*import\.meta\.url\s*,?\s*\)/g;

function readModule(path: string): Module {
  const text = withoutComments(readFileSync(join(SRC, path), 'utf8'));
  const target = (name: string) =>
    name.startsWith('.')
      ? { target: posix.join(posix.dirname(path), name), ours: true }
      : { target: name, ours: false };
  return {
    path,
    folder: path.split('/')[0] ?? '',
    text,
    imports: [
      ...[...text.matchAll(STATIC)].map(
        ([, type, name = '']) => ({ ...target(name), how: type ? 'type' : 'value' }) as const,
      ),
      ...[...text.matchAll(LAZY)].map(
        ([, name = '', type]) => ({ ...target(name), how: type ? 'type' : 'lazy' }) as const,
      ),
      ...[...text.matchAll(WORKER)].map(([, name = '']) => ({ ...target(name), how: 'lazy' }) as const),
    ],
  };
}

function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\/|\/\*|\*).*$/gm, '');
}

const modules = globSync('**/*.ts', { cwd: SRC })
  .sort()
  .map((path) => readModule(path.replaceAll('\\', '/')));

/** Every import that `allowed` does not allow, as text. */
function offences(folder: string, allowed: (imported: Import, module: Module) => boolean): string[] {
  return modules
    .filter((module) => module.folder === folder)
    .flatMap((module) =>
      module.imports
        .filter((imported) => !allowed(imported, module))
        .map(({ target, how }) => `${module.path} imports ${target} (${how})`),
    );
}

function within(target: string, ...folders: readonly string[]): boolean {
  return folders.some((folder) => target.startsWith(`${folder}/`));
}

const PURE_LIBRARIES = [
  'js-yaml',
  '@bufbuild/cel',
  '@bufbuild/cel/ext',
  '@bufbuild/cel/types',
  '@bufbuild/protobuf/wkt',
];

/** The source or store that a module belongs to: its folder, or the first of the files whose name begins alike. */
function unitOf(path: string): string {
  const [seam = '', name = '', ...rest] = path.split('/');
  if (rest.length > 0) return `${seam}/${name}`;
  const names = readdirSync(join(SRC, seam))
    .filter((other) => other.endsWith('.ts'))
    .map((other) => basename(other, '.ts'));
  const own = basename(name, '.ts');
  return `${seam}/${names.filter((other) => own === other || own.startsWith(`${other}-`)).sort()[0] ?? own}`;
}

/** Whether a module belongs to a source, not to what all sources share: one of its files names the seam. */
function isOfSource(path: string): boolean {
  const unit = unitOf(path);
  return modules.some(
    (module) =>
      module.folder === 'sources' &&
      unitOf(module.path) === unit &&
      module.imports.some(({ target }) => target === 'sources/source.ts'),
  );
}

/** The commands of pull requests and of the operator. */
const FACES = /^cli\/(?:operator|(?:pr|operator)-[a-z-]+)\.ts$/;

describe('who may import whom', () => {
  for (const folder of ['kinds', 'core']) {
    test(`${folder}: kinds, core and pure libraries`, () => {
      expect(
        offences(folder, ({ target, ours, how }, { path }) =>
          ours
            ? within(target, 'kinds', 'core')
            : PURE_LIBRARIES.includes(target) ||
              (target === 'typebox' && how === 'type') ||
              (target === 'node:crypto' && path === 'core/hash.ts'),
        ),
      ).toEqual([]);
    });
  }

  test('render: core and kinds, nothing of Node but node:util', () => {
    expect(
      offences('render', ({ target, ours }) =>
        ours
          ? within(target, 'render', 'core', 'kinds')
          : target === 'node:util' || !target.startsWith('node:'),
      ),
    ).toEqual([]);
  });

  test('engine: core, kinds and the interfaces of the seams', () => {
    expect(
      offences(
        'engine',
        ({ target, ours }) =>
          !ours ||
          within(target, 'engine', 'core', 'kinds') ||
          target === 'sources/source.ts' ||
          target === 'stores/store.ts',
      ),
    ).toEqual([]);
  });

  test('a source: core, kinds and its seam, never another source', () => {
    expect(
      offences(
        'sources',
        ({ target, ours }, { path }) =>
          !ours ||
          within(target, 'core', 'kinds') ||
          (within(target, 'sources') && (unitOf(target) === unitOf(path) || !isOfSource(target))),
      ),
    ).toEqual([]);
  });

  test('a store: core, kinds, its seam and stores/sql, never another store', () => {
    expect(
      offences(
        'stores',
        ({ target, ours }, { path }) =>
          !ours ||
          within(target, 'core', 'kinds', 'stores/sql') ||
          target === 'stores/store.ts' ||
          unitOf(target) === unitOf(path) ||
          // The table of all stores.
          (path === 'stores/open.ts' && within(target, 'stores')),
      ),
    ).toEqual([]);
  });

  for (const [folder, other] of [
    ['operator', 'gitops'],
    ['gitops', 'operator'],
  ] as const) {
    test(`${folder}: never cli or ${other}`, () => {
      expect(offences(folder, ({ target, ours }) => !ours || !within(target, 'cli', other))).toEqual([]);
    });
  }

  test('cli: operator and gitops only when they are used', () => {
    expect(
      offences(
        'cli',
        ({ target, ours, how }, { path }) =>
          !ours ||
          how !== 'value' ||
          // The commands of that face are loaded when they run, and by nothing else.
          (FACES.test(path) ? true : !within(target, 'operator', 'gitops') && !FACES.test(target)),
      ),
    ).toEqual([]);
  });
});

test('only cli reads the environment and argv, prints, and exits', () => {
  const touches = /\bprocess\.(?:env|argv|exit|exitCode|stdin|stdout|stderr)\b|\bconsole\.|'node:process'/g;
  expect(
    modules
      .filter(({ folder }) => folder !== 'cli')
      .flatMap(({ path, text }) => [...text.matchAll(touches)].map(([what]) => `${path} uses ${what}`)),
  ).toEqual([]);
});

test('no module imports itself through others', () => {
  const imports = new Map(
    modules.map(({ path, imports }) => [
      path,
      imports.filter(({ ours, how }) => ours && how === 'value').map(({ target }) => target),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) cycles.push([...trail.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test('the registry is the list of the files of Kinds', () => {
  const files = modules.filter(({ folder, text }) => folder === 'kinds' && /= defineKind\b/.test(text));
  const fileOf = (kind: string) => `kinds/${kind.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()}.ts`;
  expect(files.map(({ path }) => path)).toEqual(KIND_NAMES.map(fileOf).sort());
});
