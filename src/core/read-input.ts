import { documentsOf, LIMITS } from './document.ts';
import { type Declared, type ReadManifests, readManifests, uniqueManifests } from './manifest.ts';
import { compareText, type Problem } from './problem.ts';
import type { Identity } from './resource.ts';

/** One file of an input, by the name that messages give it. */
export interface InputText {
  readonly file: string;
  /** May be read only when it is asked for. */
  readonly text: string;
  /** About how long the text is; absent where it is at hand. */
  readonly size?: number;
  /** sha256 of its bytes, hexadecimal; absent where nobody asked for it. */
  readonly hash?: string;
  /** Gives the text once more; throws a Failure when it is not the same any longer. Absent where it can only be kept. */
  again?(): string;
}

/** Of more than so many characters the texts are not kept beside what they declare. */
export const MUCH = 2 ** 26;

/** In characters, about. */
export function sizeOf(texts: readonly InputText[]): number {
  return texts.reduce((sum, one) => sum + (one.size ?? one.text.length), 0);
}

/**
 * Texts to declared resources, one for each identity. The order of `texts` means nothing.
 *
 * What is `prepared` has been read already, with nothing to be said of it.
 *
 * With an error among the problems the declared resources are not the whole input and must not be planned.
 */
export function readInput(
  texts: readonly InputText[],
  told: (done: number, total: number | undefined) => void = () => {},
  prepared: (input: InputText) => readonly Declared[] | undefined = () => undefined,
): ReadManifests {
  const all = sizeOf(texts);
  let read = 0;
  let documents = 0;
  let total: number | undefined;
  function* counted<T>(some: Iterable<T>): Generator<T> {
    for (const one of some) {
      yield one;
      documents++;
      told(documents, total && Math.max(total, documents + 1));
    }
  }
  const declared: Declared[] = [];
  const problems: Problem[] = [];
  const broken = new Map<Identity, Problem>();
  let unknown = false;
  const isMuch = all > MUCH;
  for (const input of [...texts].sort((a, b) => compareText(a.file, b.file))) {
    const plain = prepared(input);
    if (plain) {
      for (const one of plain) declared.push(one);
      documents += plain.length;
      continue;
    }
    const { file, text, again } = input;
    const unread: Problem[] = [];
    const manifests = readManifests(counted(documentsOf(file, text, unread, isMuch ? again : undefined)));
    for (const one of manifests.declared) declared.push(one);
    for (const [id, mistake] of manifests.broken) broken.set(id, mistake);
    read += text.length;
    // Of the files to come as many are expected as there were so far.
    total = read > 0 ? Math.round((documents * all) / read) : undefined;
    unknown ||= manifests.unknown || unread.length > 0;
    const found = [...unread, ...manifests.problems];
    const errors = found.filter(({ severity }) => severity === 'error');
    const tooMany = errors.length >= LIMITS.problems;
    for (const problem of tooMany ? errors.slice(0, LIMITS.problems) : found) problems.push(problem);
    if (!tooMany) continue;
    problems.push({
      code: 'RC103',
      severity: 'error',
      message: '1,000 mistakes in this file: the rest of it was not read',
      place: { file, line: 1, column: 1 },
      hint: 'correct these first',
    });
  }
  told(documents, documents);
  const unique = uniqueManifests(declared);
  for (const problem of unique.problems) problems.push(problem);
  if (declared.length === 0 && problems.length === 0) {
    problems.push({
      code: 'RC120',
      severity: 'error',
      message: `no manifest in ${texts.length > 1 ? `${texts.length} files` : (texts[0]?.file ?? 'the input')}`,
      hint:
        texts.length === 0
          ? 'manifests end in .yaml, .yml, .json or .jsonl; what begins with a dot or is named in .iamignore is left out'
          : 'an input without manifests is never taken to mean "nothing is declared"',
    });
  }
  return { declared: unique.declared, problems, broken, unknown };
}
