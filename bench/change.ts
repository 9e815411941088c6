import { readFileSync, writeFileSync } from 'node:fs';

/** One binding of one person in one file, on one resource or on another: the same small change, back and forth. */
export interface Change {
  /** The workspace that it is in. */
  readonly workspace: string;
  /** Writes the file as it is not applied. */
  make(): void;
  /** Writes the file as it is applied. */
  undo(): void;
  /** What was made is applied now. */
  applied(): void;
}

const SOURCE = /id: source-\d+/;

export function changeIn(file: string): Change {
  const documents = readFileSync(file, 'utf8').split('---\n');
  const index = documents.findIndex((one) => one.includes('- {name: user-') && SOURCE.test(one));
  const changed = documents[index] ?? '';
  const workspace = /namespace: (\S+)/.exec(changed)?.[1];
  if (workspace === undefined) throw new Error(`${file} has no binding of a person on a source`);
  let [now, other] = [documents, documents.with(index, changed.replace(SOURCE, 'id: source-elsewhere'))].map(
    (all) => all.join('---\n'),
  ) as [string, string];
  return {
    workspace,
    make: () => writeFileSync(file, other),
    undo: () => writeFileSync(file, now),
    applied() {
      [now, other] = [other, now];
    },
  };
}
