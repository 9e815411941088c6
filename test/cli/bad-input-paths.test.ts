/** Paths that lead to nothing, or not to files: exactly these problems, exit 4, and the store is as it was. */
import { execFileSync } from 'node:child_process';
import { describe, test } from 'vitest';
import { bad, dedent, expectBad, type Files, temporary, user, useStore } from '../support/bad-input.ts';

useStore();

const ANA = { 'ana.yaml': user('ana') };

interface Setting {
  readonly files?: Files;
  /** What only a shell can make, in the folder. */
  readonly shell?: string;
  readonly stdin?: string | Uint8Array;
}

/** A case with its own arguments, each a -f. */
function badPaths(
  name: string,
  paths: readonly string[],
  { files = ANA, shell, stdin }: Setting,
  problems: string,
): void {
  test(name, async () => {
    const folder = temporary(files);
    if (shell !== undefined) execFileSync('sh', ['-c', shell], { cwd: folder });
    await expectBad(
      folder,
      paths.flatMap((path) => ['-f', path]),
      `${dedent(problems).trimEnd()}\n`,
      stdin,
    );
  });
}

describe('what is not there', () => {
  badPaths(
    'files and folders, all of them, beside one that is there',
    ['ana.yaml', 'bo.yaml', 'people/', './x/../y'],
    {},
    `
    error RC101: ./x/../y: there is no such file or folder
      paths are relative to the folder that iam runs in
    error RC101: bo.yaml: there is no such file or folder
      paths are relative to the folder that iam runs in
    error RC101: people/: there is no such file or folder
      paths are relative to the folder that iam runs in`,
  );
  badPaths(
    'an empty path, as of a variable that is not set',
    [''],
    {},
    `
    error RC101: "": is not a path
      is a variable not set?`,
  );
  badPaths(
    'a glob that matches nothing',
    ['*.yml', 'people/**/*.yaml'],
    {},
    `
    error RC101: *.yml: matches no file
      paths are relative to the folder that iam runs in
    error RC101: people/**/*.yaml: matches no file
      paths are relative to the folder that iam runs in`,
  );
  badPaths(
    'a path through a file',
    ['ana.yaml/bo.yaml', 'ana.yaml/*'],
    {},
    `
    error RC101: ana.yaml/*: matches no file
      paths are relative to the folder that iam runs in
    error RC101: ana.yaml/bo.yaml: there is no such file or folder
      paths are relative to the folder that iam runs in`,
  );
  badPaths(
    'a link to nothing',
    ['link.yaml'],
    { shell: 'ln -s nothing link.yaml' },
    `
    error RC101: link.yaml: is a symbolic link that leads nowhere
      remove it, or name it in .iamignore`,
  );
  badPaths(
    'links to nothing in a folder',
    ['.'],
    { shell: 'ln -s nothing link.yaml; ln -s nothing link' },
    `
    error RC101: link.yaml: is a symbolic link that leads nowhere
      remove it, or name it in .iamignore`,
  );
  badPaths(
    'links that lead to themselves',
    ['a', '.'],
    { shell: 'ln -s b a; ln -s a b; ln -s loop.yaml loop.yaml' },
    `
    error RC101: a: is a symbolic link that leads to itself
      remove it, or name it in .iamignore
    error RC101: loop.yaml: is a symbolic link that leads to itself
      remove it, or name it in .iamignore`,
  );
});

describe('no manifest', () => {
  badPaths(
    'an empty folder',
    ['.'],
    { files: {} },
    `
    error RC120: no manifest in the input
      manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out`,
  );
  badPaths(
    'an empty folder beside a file',
    ['ana.yaml', 'empty'],
    { shell: 'mkdir empty; echo "- x" > ana.yaml' },
    `
    error RC120: empty: no manifest in this folder
      manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out
    ana.yaml:1:1: error RC105: not a manifest: it must be a mapping, not a list
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'a folder with other files only',
    { 'README.md': '# Access\n', 'users.toml': '', 'users.yaml.bak': user('ana') },
    `
    error RC120: no manifest in the input
      manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out`,
  );
  bad(
    'hidden names only',
    { '.users.yaml': user('ana'), '.hidden/users.yaml': user('bo') },
    `
    error RC120: no manifest in the input
      manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out`,
  );
  bad(
    'all left out by .iamignore',
    { '.iamignore': '*\n', ...ANA },
    `
    error RC120: no manifest in the input
      manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out`,
  );
  bad(
    'comments only',
    { 'a.yaml': '# nothing yet\n', 'b.yml': '\n# nor here\n' },
    `
    error RC120: no manifest in 2 files
      an input without manifests is never taken to mean "nothing is declared"`,
  );
  bad(
    'empty documents only',
    { 'a.yaml': '---\n---\n# x\n---\nnull\n...\n', 'b.json': 'null\n', 'c.jsonl': '\n\n' },
    `
    error RC120: no manifest in 3 files
      an input without manifests is never taken to mean "nothing is declared"`,
  );
  bad(
    'a file without a byte, beside one that is whole',
    { ...ANA, 'bo.yaml': '', 'c.json': '', 'd.jsonl': '' },
    `
    bo.yaml:1:1: error RC120: the file is empty
      was it cut off? if not, remove it, or write a comment in it
    c.json:1:1: error RC120: the file is empty
      was it cut off? if not, remove it, or write a comment in it
    d.jsonl:1:1: error RC120: the file is empty
      was it cut off? if not, remove it, or write a comment in it`,
  );
  badPaths(
    'nothing from stdin',
    ['-'],
    { stdin: '' },
    `
    stdin:1:1: error RC120: nothing came from stdin
      did the command before the pipe fail?`,
  );
  badPaths(
    'nothing from stdin, beside a file',
    ['-', 'ana.yaml'],
    { stdin: '' },
    `
    stdin:1:1: error RC120: nothing came from stdin
      did the command before the pipe fail?`,
  );
  badPaths(
    'an empty folder beside stdin',
    ['-', 'empty'],
    { shell: 'mkdir empty', stdin: user('bo') },
    `
    error RC120: empty: no manifest in this folder
      manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out`,
  );
  badPaths(
    'only empty documents from stdin',
    ['-'],
    { stdin: '---\n---\n' },
    `
    error RC120: no manifest in stdin
      an input without manifests is never taken to mean "nothing is declared"`,
  );
});

describe('what is not a file', () => {
  badPaths(
    'a pipe',
    ['pipe'],
    { shell: 'mkfifo pipe' },
    `
    error RC101: pipe: is neither a file nor a folder
      for a pipe give -f - and let it be stdin`,
  );
  badPaths(
    'a pipe in a folder',
    ['.'],
    { shell: 'mkfifo pipe.yaml other-pipe' },
    `
    error RC101: pipe.yaml: is not a file
      name it in .iamignore`,
  );
  badPaths(
    'a pipe as .iamignore',
    ['.'],
    { shell: 'mkfifo .iamignore' },
    `
    error RC101: .iamignore: is not a file
      put a file in its place, or remove it`,
  );
  badPaths(
    'a device',
    ['/dev/null', '/dev/zero'],
    {},
    `
    error RC101: /dev/null: is neither a file nor a folder
      for a pipe give -f - and let it be stdin
    error RC101: /dev/zero: is neither a file nor a folder
      for a pipe give -f - and let it be stdin`,
  );
  badPaths(
    'a device behind a link',
    ['.'],
    { shell: 'ln -s /dev/zero zero.yaml' },
    `
    error RC101: zero.yaml: is a symbolic link that leads out of its folder
      put what it leads to there, or name it in .iamignore`,
  );
});

describe('links that lead out', () => {
  badPaths(
    'of a folder: to a file, to a folder',
    ['in'],
    {
      files: { 'in/ana.yaml': user('ana'), 'out/bo.yaml': user('bo') },
      shell: 'ln -s ../out/bo.yaml in/bo.yaml; ln -s ../out in/others; ln -s ../out/bo.yaml in/notes.txt',
    },
    `
    error RC101: in/bo.yaml: is a symbolic link that leads out of its folder
      put what it leads to there, or name it in .iamignore
    error RC101: in/others: is a symbolic link that leads out of its folder
      put what it leads to there, or name it in .iamignore`,
  );
  badPaths(
    'of a folder whose name begins like it',
    ['in'],
    {
      files: { 'in/ana.yaml': user('ana'), 'in-other/bo.yaml': user('bo') },
      shell: 'ln -s ../in-other/bo.yaml in/bo.yaml',
    },
    `
    error RC101: in/bo.yaml: is a symbolic link that leads out of its folder
      put what it leads to there, or name it in .iamignore`,
  );
  badPaths(
    'upwards',
    ['in'],
    { files: { 'in/ana.yaml': user('ana') }, shell: 'ln -s .. in/up' },
    `
    error RC101: in/up: is a symbolic link that leads out of its folder
      put what it leads to there, or name it in .iamignore`,
  );
});

describe('other files', () => {
  badPaths(
    'that a glob matches',
    ['*'],
    { files: { ...ANA, 'README.md': 'Access\n' } },
    `
    README.md:1:1: error RC105: not a manifest: it must be a mapping, not "Access"
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  badPaths(
    'that are named',
    ['notes.txt'],
    { files: { 'notes.txt': 'Call Ana.\n' } },
    `
    notes.txt:1:1: error RC105: not a manifest: it must be a mapping, not "Call Ana."
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  badPaths(
    'bad bytes and bad YAML on stdin',
    ['-', 'ana.yaml'],
    { stdin: Buffer.from([...Buffer.from('kind: User\nname: '), 0xff, 0x0a]) },
    `
    stdin:2:7: error RC102: the byte 0xff is not UTF-8
      save the file as UTF-8`,
  );
  badPaths(
    'the same resource on stdin and in a file',
    ['-', 'ana.yaml'],
    { stdin: user('ana') },
    `
    stdin:1:1: error RC110: User ana is declared twice
      first declared at ana.yaml:1; keep one of the two`,
  );
  badPaths(
    '.iamignore that is not UTF-8',
    ['.'],
    { files: { ...ANA, '.iamignore': new Uint8Array([0x61, 0x0a, 0xe9]) } },
    `
    .iamignore:2:1: error RC102: the byte 0xe9 is not UTF-8
      save the file as UTF-8`,
  );
  badPaths(
    '.iamignore that is a folder',
    ['.'],
    { files: { ...ANA, '.iamignore/x': '' } },
    `
    error RC101: .iamignore: is not a file
      put a file in its place, or remove it`,
  );
});
