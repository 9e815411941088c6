import path from 'node:path';

/** What a folder's files are read of (cli.md, PATH). */
const EXTENSIONS = ['.yaml', '.yml', '.json', '.jsonl'];

export const IGNORE_FILE = '.iamignore';

export function hasExtension(name: string): boolean {
  return EXTENSIONS.includes(path.extname(name));
}

/** Whether a name on the path begins with a dot. */
export function isHidden(file: string): boolean {
  return file.split('/').some((part) => part.startsWith('.') && part !== '.' && part !== '..');
}

/** Whether a path below the folder of an .iamignore is one that it leaves out. */
export type IgnoreRules = (file: string, isFolder: boolean) => boolean;

/** The rules of an .iamignore (the syntax of .gitignore) in `folder`; paths are asked for as `folder` was given. */
export async function ignoreRules(folder: string, text: string): Promise<IgnoreRules> {
  const { default: ignore } = await import('ignore');
  const matcher = ignore().add(text);
  return (file, isFolder) => {
    const below = path.relative(folder, file);
    if (below === '' || below.startsWith('..')) return false;
    return matcher.ignores(below + (isFolder ? '/' : ''));
  };
}
