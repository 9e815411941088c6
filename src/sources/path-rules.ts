import path from 'node:path';
import type { Problem } from '../core/problem.ts';

/** What a folder's files are read of (cli.md, PATH). */
const EXTENSIONS = ['.yaml', '.yml', '.json', '.jsonl'];

export const IGNORE_FILE = '.iamignore';

export function hasExtension(name: string): boolean {
  return EXTENSIONS.includes(path.extname(name).toLowerCase());
}

/** Whether an .iamignore says of a path below its folder that it is left out; undefined when it says nothing. */
export type IgnoreRules = (file: string, isFolder: boolean) => boolean | undefined;

/** The rules of an .iamignore (the syntax of .gitignore) in `folder`; paths are asked for as `folder` was given. */
export async function ignoreRules(folder: string, text: string): Promise<IgnoreRules> {
  const { default: ignore } = await import('ignore');
  const matcher = ignore().add(text);
  return (file, isFolder) => {
    const { ignored, unignored } = matcher.test(path.relative(folder, file) + (isFolder ? '/' : ''));
    return ignored ? true : unignored ? false : undefined;
  };
}

/** Whether a path is left out by rules of folders that it is in, the outermost first: the innermost that says has the word. */
export function isLeftOut(rules: readonly IgnoreRules[], file: string, isFolder: boolean): boolean {
  return rules.reduce((out, says) => says(file, isFolder) ?? out, false);
}

/** A folder in which there is nothing to read is most likely not the one that was meant. */
export function nothingIn(folder: string): Problem {
  return {
    code: 'RC120',
    severity: 'error',
    message: `${folder}: no manifest in this folder`,
    hint: 'manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out',
  };
}
