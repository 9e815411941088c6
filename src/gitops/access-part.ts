import type { AccessChange } from '../core/access-diff.ts';
import { type MarkdownPart, prose, subjectCell } from '../render/plan-markdown.ts';
import { accessWords } from '../render/plan-words.ts';

/** Access that changes, a row for each gain and loss. */
export function accessPart(title: string, access: readonly AccessChange[]): MarkdownPart {
  const cell = (text: string) => prose(text, 'cell');
  const rows = access.flatMap((change) => {
    const row = (word: string, line: AccessChange['gains'][number]) =>
      `| ${subjectCell(change)} | ${word} ${cell(accessWords(line))} in ${cell(change.workspace)} |`;
    return [
      ...change.gains.map((line) => row('**gains**', line)),
      ...change.loses.map((line) => row('loses', line)),
    ];
  });
  return { head: [`| who | ${title} |`, '|---|---|'], rows, foot: [] };
}
