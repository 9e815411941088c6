import { isBuiltin } from 'node:module';
import type { Plugin } from 'rolldown';

const PREFIX = '\0builtin';

/** What a dependency imports and the program never uses, though loading it takes a tenth of an empty Node's start. */
const UNUSED: readonly { readonly importer: RegExp; readonly name: string }[] = [
  // Only for subcommands that are programs of their own.
  { importer: /\/commander\/lib\//, name: 'child_process' },
];

/**
 * Imports of Node's own modules as `process.getBuiltinModule`.
 *
 * An `import` statement makes Node read every export of such a module, among them getters that load
 * much more: `node:process` opens the standard streams, `node:fs` loads `fs/promises`.
 */
export function builtinsPlugin(): Plugin {
  return {
    name: 'builtins',
    resolveId(source, importer, { kind }) {
      if (!isBuiltin(source)) return null;
      const name = source.replace(/^node:/, '');
      const unused = UNUSED.some((entry) => entry.name === name && entry.importer.test(importer ?? ''));
      // One for each importer, so that a chunk touches no more than its own modules name.
      return [
        PREFIX,
        unused ? 'unused' : kind === 'require-call' ? 'require' : 'import',
        source,
        importer,
      ].join('|');
    },
    load(id) {
      if (!id.startsWith(PREFIX)) return null;
      const [, how, source = ''] = id.split('|');
      const module = `process.getBuiltinModule(${JSON.stringify(source)})`;
      if (how === 'unused') return 'export default {};';
      if (how === 'require') return `module.exports = ${module};`;
      const names = Object.keys(process.getBuiltinModule(source) ?? {}).filter((name) =>
        /^[A-Za-z_$][\w$]*$/.test(name),
      );
      // Loading it takes a fifth of an empty Node's start; what is used of it are functions.
      if (source.endsWith('crypto'))
        return names
          .map((name) => `export const ${name} = (...args) => ${module}.${name}(...args);`)
          .join('\n');
      return [
        `const builtin = ${module};`,
        'export default builtin;',
        'const member = (name) => builtin[name];',
        ...names.map((name) => `const _${name} = /* @__PURE__ */ member('${name}');`),
        `export { ${names.map((name) => `_${name} as ${name}`).join(', ')} };`,
      ].join('\n');
    },
  };
}
