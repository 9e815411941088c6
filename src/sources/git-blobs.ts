import { LIMITS } from '../core/document.ts';
import { EXIT, failure } from '../core/problem.ts';
import { git, saidOf } from './git-command.ts';

/** Of more files than these a commit is not read, nor of more bytes: all of them are held at once. */
const MOST_FILES = 250_000;
const MOST_BYTES = 8 * LIMITS.fileBytes;

/** Bytes that git is asked for at once. */
const AT_ONCE = LIMITS.fileBytes;

/** What to do where the content of a file is not here. */
export const LACKING = 'is it a partial clone? one without --filter has all of it';

/**
 * Reads objects that are files, each once however often it is named; undefined for those that are larger than `most` bytes.
 * Throws a Failure before anything is read: exit 4 when they are too many or, each counted as often as it is named, too large
 * together, or one is not here or no file; exit 1 when they cannot be fetched.
 */
export type ReadBlobs = (
  objects: readonly string[],
  most?: number,
) => Iterable<readonly [object: string, content: Buffer | undefined]>;

/** Reads files of a commit or tree. What a partial clone lacks is fetched at once, as git would do one by one. */
export function blobsOf(cwd: string, revision: string): ReadBlobs {
  let lacking: Lacking | undefined;
  return function* (objects, most = LIMITS.fileBytes) {
    if (objects.length === 0) return;
    if (objects.length > MOST_FILES)
      throw tooMuch(`there are ${objects.length.toLocaleString('en')} files to read, more than 250,000`);
    lacking ??= lackingOf(cwd, revision);
    fetchLacking(cwd, lacking, objects);
    const sizes = sizesOf(cwd, [...new Set(objects)]);
    const sizeOf = (object: string) => sizes.get(object) ?? 0;
    let total = 0;
    for (const object of objects) if (sizeOf(object) <= most) total += sizeOf(object);
    if (total > MOST_BYTES)
      throw tooMuch(
        `the files to read have ${Math.ceil(total / 2 ** 20).toLocaleString('en')} MiB, more than 512`,
      );
    let part: string[] = [];
    let bytes = 0;
    for (const [object, size] of sizes) {
      if (size > most) yield [object, undefined];
      else {
        if (bytes + size > AT_ONCE) {
          yield* contents(cwd, part, sizeOf);
          [part, bytes] = [[], 0];
        }
        part.push(object);
        bytes += size;
      }
    }
    yield* contents(cwd, part, sizeOf);
  };
}

function tooMuch(message: string) {
  return failure(
    EXIT.invalid,
    'RC129',
    message,
    'name only the folders with the manifests, or leave out what is none in .iamignore',
  );
}

/** Bytes of each. */
function sizesOf(cwd: string, objects: readonly string[]): Map<string, number> {
  const told = git(cwd, ['cat-file', '--batch-check=%(objecttype) %(objectsize)'], {
    input: objects.join('\n'),
  });
  const sizes = new Map<string, number>();
  for (const [i, line] of told.toString().trimEnd().split('\n').entries()) {
    const [type, size] = line.split(' ');
    if (type !== 'blob')
      throw failure(EXIT.invalid, 'RC129', 'the repository lacks a file of that commit', LACKING);
    sizes.set(objects[i] ?? '', Number(size));
  }
  return sizes;
}

function* contents(
  cwd: string,
  objects: readonly string[],
  sizeOf: (object: string) => number,
): Generator<readonly [string, Buffer]> {
  if (objects.length === 0) return;
  // Before each is a line with its id, its type and its size.
  const most = objects.reduce((sum, object) => sum + sizeOf(object) + 200, 0);
  const all = git(cwd, ['cat-file', '--batch'], { input: objects.join('\n'), maxBuffer: most });
  let at = 0;
  for (const object of objects) {
    const start = all.indexOf('\n', at) + 1;
    at = start + sizeOf(object) + 1;
    yield [object, all.subarray(start, at - 1)];
  }
}

/** What a partial clone has not fetched, and the remote that promised it; nothing in a clone that has everything. */
interface Lacking {
  readonly remote: string;
  readonly objects: Set<string>;
}

function lackingOf(cwd: string, revision: string): Lacking {
  const remote = promisorOf(cwd);
  if (remote === undefined) return { remote: '', objects: new Set() };
  const listed = git(cwd, [
    'rev-list',
    '--objects',
    '--no-object-names',
    '--missing=print',
    '--no-walk',
    revision,
    '--',
  ]);
  return { remote, objects: new Set(listed.toString().match(/(?<=^\?)\w+$/gm)) };
}

function promisorOf(cwd: string): string | undefined {
  try {
    const listed = git(cwd, ['config', '--null', '--type=bool', '--get-regexp', '^remote\\..*\\.promisor$']);
    return /(?:^|\0)remote\.(.*)\.promisor\ntrue\0/.exec(listed.toString())?.[1];
  } catch (error) {
    // There is none.
    if (error instanceof Error && 'status' in error && error.status === 1) return undefined;
    throw error;
  }
}

function fetchLacking(cwd: string, { remote, objects }: Lacking, wanted: readonly string[]): void {
  const fetched = [...new Set(wanted)].filter((object) => objects.has(object));
  if (fetched.length === 0) return;
  try {
    git(
      cwd,
      [
        ...[
          '-c',
          'fetch.negotiationAlgorithm=noop',
          'fetch',
          '--quiet',
          '--no-tags',
          '--no-write-fetch-head',
        ],
        ...[
          '--no-recurse-submodules',
          '--no-auto-maintenance',
          '--filter=blob:none',
          '--stdin',
          '--',
          remote,
        ],
      ],
      { input: fetched.join('\n') },
    );
  } catch (error) {
    throw saidOf(error, EXIT.error, `cannot fetch ${fetched.length} files that the clone lacks`, LACKING);
  }
  for (const object of fetched) objects.delete(object);
}
