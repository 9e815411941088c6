import { EXIT, Failure, type Problem, sortProblems } from '../core/problem.ts';
import type { Declared } from '../core/manifest.ts';
import { readInput } from '../core/read-input.ts';
import type { Source } from '../sources/source.ts';

/** What an input declares, one for each identity, and the warnings about it. */
export interface Desired {
  readonly declared: readonly Declared[];
  readonly warnings: readonly Problem[];
}

/** What could be read of an input, and all problems with it. */
export interface ReadSource {
  readonly declared: readonly Declared[];
  readonly problems: readonly Problem[];
}

/** Reads a whole input and checks all that each manifest says by itself. Never throws on bad input. */
export async function readSource(source: Source): Promise<ReadSource> {
  const { texts, problems: unread } = await source.load();
  const { declared, problems } = readInput(texts);
  // "No manifest" says nothing beside the reason why the files could not be read.
  const all = [...unread, ...(unread.length > 0 ? problems.filter(({ code }) => code !== 'RC120') : problems)];
  if (declared.some(({ resource }) => resource.kind === 'AccessPolicy')) {
    const { checkExpressions } = await import('../core/policy.ts');
    all.push(...checkExpressions(declared));
  }
  return { declared, problems: all };
}

/** As `readSource`; throws a Failure (exit 4) with every problem when anything is wrong. */
export async function loadDesired(source: Source): Promise<Desired> {
  const { declared, problems } = await readSource(source);
  refuseErrors(problems);
  return { declared, warnings: problems };
}

/** Throws a Failure (exit 4) when there is an error among the problems. */
export function refuseErrors(problems: readonly Problem[]): void {
  if (problems.some(({ severity }) => severity === 'error')) {
    throw new Failure(EXIT.invalid, sortProblems(problems));
  }
}
