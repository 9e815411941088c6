import { chmod, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type ChunkingContext, type Plugin, rolldown } from 'rolldown';
import { builtinsPlugin } from './builtins-plugin.ts';

const ROOT = resolve(import.meta.dirname, '..');

/**
 * Bundles the program with its dependencies into `outDir`: `cli/main.js`, which loads as little as it can,
 * and chunks that it imports when a command needs them. Whatever was in `outDir` is gone.
 */
export async function build(
  entry = join(ROOT, 'src/cli/main.ts'),
  outDir = join(ROOT, 'dist'),
): Promise<void> {
  await rm(outDir, { recursive: true, force: true });
  const bundle = await rolldown({
    input: { main: entry },
    cwd: ROOT,
    platform: 'node',
    plugins: [builtinsPlugin(), workersPlugin(), runtimePlugin()],
    onLog(level, log) {
      // What dependencies do is theirs; an import of ours that leads nowhere must not wait for its first use.
      if (level === 'warn' && !log.id?.includes('/node_modules/')) throw new Error(log.message);
    },
  });
  await bundle.write({
    dir: outDir,
    format: 'esm',
    entryFileNames: ({ name }) => (name === 'main' ? 'cli/main.js' : 'chunks/[name]-[hash].js'),
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: {
      groups: [
        // What the entry imports first, and all that it imports; and what `iam version` must not load a plan for.
        group('start', 2, (context) => [
          ...(context.getModuleInfo(entry)?.dynamicallyImportedIds.slice(0, 1) ?? []),
          join(ROOT, 'src/cli/version-number.ts'),
        ]),
        group('plan', 1, () => PLAN.map((file) => join(ROOT, file))),
      ],
    },
    // Functions keep their names, so that a stack trace can be read without a source map.
    minify: {
      compress: true,
      mangle: { toplevel: false, keepNames: true },
      codegen: { removeWhitespace: true },
    },
    comments: { legal: false },
  });
  await bundle.close();
  await chmod(join(outDir, 'cli/main.js'), 0o755);
}

/** What a plan loads beside what every run does: one file opens faster than twenty. */
const PLAN = ['src/cli/plan.ts', 'src/render/plan-text.ts', 'src/stores/sqlite/sqlite-store.ts'];

/** A chunk of the modules that `roots` names, and of all that they import, but not what they load on demand. */
function group(
  name: string,
  priority: number,
  roots: (context: ChunkingContext) => readonly string[],
): { debugName: string; priority: number; name: (id: string, context: ChunkingContext) => string | null } {
  const members = new Set<string>();
  return {
    debugName: name,
    priority,
    name(id, context) {
      if (members.size === 0) {
        const open = [...roots(context)];
        for (const next of open) {
          if (members.has(next)) continue;
          members.add(next);
          open.push(...(context.getModuleInfo(next)?.importedIds ?? []));
        }
      }
      return members.has(id) ? name : null;
    },
  };
}

/** Makes an entry of its own of each worker, which the sources name as `new URL('./x.ts', import.meta.url)`. */
function workersPlugin(): Plugin {
  const worker = /new URL\(\s*'(\.{1,2}\/[^']+\.ts)',\s*import\.meta\.url\s*,?\s*\)/g;
  return {
    name: 'workers',
    transform(code, id) {
      if (code.search(worker) < 0) return null;
      return code.replace(worker, (_, path: string) => {
        const reference = this.emitFile({ type: 'chunk', id: resolve(dirname(id), path) });
        return `new URL(import.meta.ROLLUP_FILE_URL_${reference})`;
      });
    },
  };
}

/** Drops imports of the bundler's helpers from chunks that use none of them: one file less to open at the start. */
function runtimePlugin(): Plugin {
  return {
    name: 'runtime',
    generateBundle(_options, files) {
      for (const file of Object.values(files)) {
        if (file.type === 'chunk')
          file.code = file.code.replace(/import"[^"]*\/rolldown-runtime-[^"]*";/, '');
      }
    },
  };
}

if (import.meta.main) {
  const [entry, outDir] = process.argv.slice(2).map((path) => resolve(path));
  try {
    await build(entry, outDir);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`build failed: ${stripVTControlCharacters(reason)}`);
    process.exitCode = 1;
  }
}
