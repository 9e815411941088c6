import path from 'node:path';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import type { Spend } from './effort.ts';

/** What a folder's files are read of (cli.md, PATH). */
const EXTENSIONS = ['.yaml', '.yml', '.json', '.jsonl'];

export const IGNORE_FILE = '.iamignore';

export function hasExtension(name: string): boolean {
  return EXTENSIONS.includes(path.extname(name).toLowerCase());
}

/** Whether an .iamignore says of a path below its folder that it is left out; undefined when it says nothing. */
export type IgnoreRules = (file: string, isFolder: boolean) => boolean | undefined;

/** A rule is a path, and no path is longer. */
const LONGEST_RULE = 4096;

/** What making a rule of a character costs, beside comparing it. */
const MAKING = 1000;

/**
 * The rules of an .iamignore (the syntax of .gitignore) in `folder`; paths are asked for as `folder` was given. Throws a Failure
 * (RC103, exit 4) when a line is longer than any path.
 */
export async function ignoreRules(folder: string, text: string, spend: Spend): Promise<IgnoreRules> {
  const { default: ignore } = await import('ignore');
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.some((line) => line.length > LONGEST_RULE))
    throw failure(
      EXIT.invalid,
      'RC103',
      `${path.join(folder, IGNORE_FILE)}: a line is longer than ${LONGEST_RULE.toLocaleString('en')} characters`,
      'no path is: shorten it',
    );
  spend(text.length * MAKING);
  const matcher = ignore().add(text);
  // Each ** beside others may stand for any of the folders on the way.
  const manyWays = lines.map((line) => Math.max(0, line.split('**').length - 2));
  return (file, isFolder) => {
    const relative = path.relative(folder, file) + (isFolder ? '/' : '');
    const depth = relative.split('/').length;
    spend(manyWays.reduce((sum, ways) => sum + relative.length * depth ** ways, 0));
    const { ignored, unignored } = matcher.test(relative);
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
