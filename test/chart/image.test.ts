import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runTool } from '../support/helm.ts';
import { VALUES_FILES } from './chart.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** An instruction of the Dockerfile, with what comes after its first word; `stage` is that it belongs to. */
interface Instruction {
  readonly word: string;
  readonly rest: string;
  readonly stage: number;
}

const INSTRUCTIONS = instructions(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const LAST = Math.max(...INSTRUCTIONS.map(({ stage }) => stage));

function instructions(text: string): readonly Instruction[] {
  let stage = -1;
  return text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [word = '', ...rest] = line.trim().split(/\s+/);
      if (word === 'FROM') stage++;
      return { word, rest: rest.join(' '), stage };
    });
}

function all(word: string, stage?: number): readonly string[] {
  return INSTRUCTIONS.filter((one) => one.word === word && (stage ?? one.stage) === one.stage).map(
    ({ rest }) => rest,
  );
}

// No engine runs here: what can be said of the file without one.
describe('the Dockerfile', () => {
  test('copies what is there, and .dockerignore lets it', () => {
    const [everything, ...kept] = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
    expect(everything).toBe('*');
    const sources = all('COPY')
      .filter((rest) => !rest.startsWith('--from='))
      .flatMap((rest) => rest.split(' ').slice(0, -1));
    for (const source of sources) expect(existsSync(join(ROOT, source)), source).toBe(true);
    expect(sources.toSorted()).toEqual(
      expect.arrayContaining(kept.map((line) => line.replace(/^!/, '')).toSorted()),
    );
    expect(kept.map((line) => line.replace(/^!/, ''))).toEqual(expect.arrayContaining(sources));
  });

  test('has the Node that the tests run on, and slim', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: { node: string };
    };
    const major = /\d+/.exec(devDependencies.node)?.[0];
    for (const from of all('FROM')) expect(from.split(' ')[0]).toBe(`node:${major}-slim`);
  });

  test('installs what the lock says, and runs the build', () => {
    expect(all('RUN', 0)).toEqual(['npm ci --ignore-scripts', 'node scripts/build.ts']);
    expect(all('RUN', LAST)).toEqual([]);
    expect(all('ADD')).toEqual([]);
  });

  test('runs as the user of the chart, who is nobody', () => {
    const [user] = all('USER', LAST);
    const { runAsUser, runAsGroup } = podOf('default').securityContext;
    expect(user).toBe(`${runAsUser}:${runAsGroup}`);
    expect(INSTRUCTIONS.map(({ word }) => word).slice(-2)).toEqual(['USER', 'ENTRYPOINT']);
  });

  describe('what is in the image', () => {
    const folder = mkdtempSync(join(tmpdir(), 'iam-image-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    test('is all that the program needs', async () => {
      const [workdir = ''] = all('WORKDIR', LAST);
      const [built] = all('WORKDIR', 0);
      for (const rest of all('COPY', LAST)) {
        const parts = rest.split(' ').filter((part) => !part.startsWith('--'));
        const target = parts.pop() ?? '';
        for (const part of parts) {
          const source = posix.isAbsolute(part) ? posix.relative(built ?? '', part) : part;
          const path = target.endsWith('/') ? join(workdir, target, source) : join(workdir, target);
          cpSync(join(ROOT, source), join(folder, path), { recursive: true });
        }
      }
      const [, entry = ''] = JSON.parse(all('ENTRYPOINT', LAST)[0] ?? '[]') as string[];
      const iam = (...args: readonly string[]) => runTool(process.execPath, [join(folder, entry), ...args]);
      expect(await iam('version')).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^iam \d/) });
      expect(await iam('operator', '--help')).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining('--leader-elect'),
      });
      // With the arguments that it has in a cluster it comes as far as to look for one.
      for (const file of VALUES_FILES) {
        const { args } = containerOf(file);
        const ran = await iam(...args, '--kubeconfig=/nonexistent');
        expect(ran.stderr, file).toContain('/nonexistent');
        expect(ran).toMatchObject({ exit: 4, stdout: '' });
      }
    });
  });
});

interface Pod {
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly containers: readonly { readonly args: readonly string[] }[];
}

/** As the golden files have it. */
function podOf(file: string): Pod {
  const text = readFileSync(join(ROOT, `test/chart/golden/${file}.yaml`), 'utf8');
  const deployment = parseAllDocuments(text)
    .map((document) => document.toJS() as { kind: string; spec: { template: { spec: Pod } } })
    .find(({ kind }) => kind === 'Deployment');
  if (deployment === undefined) throw new Error(`${file} has no Deployment`);
  return deployment.spec.template.spec;
}

function containerOf(file: string): Pod['containers'][number] {
  const [container] = podOf(file).containers;
  if (container === undefined) throw new Error(`${file} has no container`);
  return container;
}
