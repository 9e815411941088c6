import { count } from '../render/lines.ts';
import { type MarkdownPart, partText } from '../render/plan-markdown.ts';

/** A comment of GitHub has at most 65,536 characters. https://docs.github.com/rest/issues/comments */
const LONGEST = 65_000;

/** More comments nobody reads. */
const MOST = 3;

/** Room for the words that say how much is missing. */
const ROOM = 400;

/**
 * Parts of a text as at most three pages, cut between parts or between rows. What does not fit is left out, and said to be so;
 * `elsewhere` says where all of it is. The last part, where there is room or not, ends the last page.
 */
export function pages(
  parts: readonly MarkdownPart[],
  marker: (page: number) => string,
  elsewhere: string,
  { longest = LONGEST, most = MOST }: { longest?: number; most?: number } = {},
): string[] {
  const last = parts.at(-1);
  const foot = last ? partText(last) : '';
  const made: string[][] = [];
  let page: string[] = [];
  let room = 0;
  let left = 0;
  const begin = () => {
    page = [];
    made.push(page);
    room = longest - marker(made.length).length - foot.length - ROOM;
  };
  const add = (text: string) => {
    page.push(text);
    room -= text.length + 2;
  };
  begin();
  for (const part of parts.slice(0, -1)) {
    const frame = partText({ ...part, rows: [] }).length + 2;
    let rows = part.rows;
    if (rows.length === 0) {
      if (frame > room && made.length < most && page.length > 0) begin();
      if (frame <= room) add(partText(part));
      else left++;
      continue;
    }
    while (rows.length > 0) {
      const fit = howMany(rows, room - frame);
      if (fit > 0) add(partText({ ...part, rows: rows.slice(0, fit) }));
      rows = rows.slice(fit);
      if (rows.length === 0) break;
      if (made.length === most || (fit === 0 && page.length === 0)) {
        left += rows.length;
        break;
      }
      begin();
    }
  }
  return made.map((texts, at) => {
    const isLast = at === made.length - 1;
    const more = isLast && left > 0 ? [`… and ${count(left, 'more row')}: ${elsewhere}`] : [];
    return [marker(at + 1), ...texts, ...more, ...(isLast ? [foot] : [])].join('\n\n');
  });
}

/** How many rows fit, with their line breaks. */
function howMany(rows: readonly string[], room: number): number {
  let used = 0;
  for (const [at, row] of rows.entries()) {
    used += row.length + 1;
    if (used > room) return at;
  }
  return rows.length;
}
