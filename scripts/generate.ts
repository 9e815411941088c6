import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configSchema } from '../src/gitops/config-schema.ts';
import { KIND_NAMES } from '../src/kinds/index.ts';
import { codesPage } from './codes-page.ts';
import { CRD_FOLDER, crdFileName, crdYaml } from './crd.ts';
import { anyKindSchema, fileNameOf, manifestSchema } from './manifest-schema.ts';
import { validatorsModule } from './validators-module.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Every generated file, by its path from the root. The same sources give the same bytes. */
function generate(): Map<string, string> {
  return new Map([
    ...KIND_NAMES.map((name) => [`schemas/${fileNameOf(name)}`, json(manifestSchema(name))] as const),
    ['schemas/rolecall.schema.json', json(anyKindSchema())],
    ['schemas/gitops.schema.json', json(configSchema)],
    ['src/core/validators.generated.ts', validatorsModule()],
    ['docs/codes.md', codesPage()],
    ...KIND_NAMES.map((name) => [`${CRD_FOLDER}/${crdFileName(name)}`, crdYaml(name)] as const),
  ]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  const path = join(ROOT, folder);
  return existsSync(path) ? readdirSync(path).map((name) => `${folder}/${name}`) : [];
}

const generated = generate();
const stale = [...generated].filter(([path, text]) => read(path) !== text);
const left = [
  ...namesIn('schemas').filter((path) => path.endsWith('.schema.json')),
  ...namesIn(CRD_FOLDER),
].filter((path) => !generated.has(path));

if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`stale: ${path}`);
  for (const path of left) console.error(`of no Kind: ${path}`);
  if (stale.length + left.length > 0) {
    console.error('run: npm run generate');
    process.exitCode = 1;
  }
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    console.log(`wrote ${path}`);
  }
  for (const path of left) {
    rmSync(join(ROOT, path));
    console.log(`removed ${path}`);
  }
}
