import { count } from '../render/lines.ts';
import { type MarkdownPart, partText } from '../render/plan-markdown.ts';

/** A comment of GitHub has at most 65,536 characters. https://docs.github.com/rest/issues/comments */
const LONGEST = 65_000;

/** More comments nobody reads. */
const MOST = 3;

/** What stands between parts: an empty line. */
const BREAK = 2;

/** Room for the words that say how much is missing. */
const ROOM = 400;

/**
 * Parts of a text as at most three pages, cut between parts or between rows. From where it does not fit any more all is left out,
 * and counted; `elsewhere` says where it is. What is longer than a page is left out by itself. The last part ends the last page,
 * whether or not the others fit.
 */
export function pages(
  parts: readonly MarkdownPart[],
  marker: (page: number) => string,
  elsewhere: string,
  { longest = LONGEST, most = MOST }: { longest?: number; most?: number } = {},
): string[] {
  const last = parts.at(-1);
  const foot = last ? partText(last) : '';
  const whole = longest - marker(most).length - foot.length - ROOM;
  const made: string[][] = [];
  let page: string[] = [];
  let room = 0;
  let isFull = false;
  let left = 0;
  const begin = () => {
    page = [];
    made.push(page);
    room = whole;
  };
  begin();
  for (const part of parts.slice(0, -1)) {
    const frame = partText({ ...part, rows: [] }).length + BREAK;
    let rows = part.rows.filter((row) => frame + row.length < whole);
    left += part.rows.length - rows.length;
    const isPlain = part.rows.length === 0;
    if (isPlain && frame > whole) left++;
    let isOver = isPlain ? frame > whole : rows.length === 0;
    while (!isOver && !isFull) {
      const fit = howMany(rows, room - frame);
      if (fit > 0 || (isPlain && frame <= room)) {
        const text = partText({ ...part, rows: rows.slice(0, fit) });
        page.push(text);
        room -= text.length + BREAK;
        rows = rows.slice(fit);
        isOver = rows.length === 0;
      }
      if (isOver) break;
      if (made.length < most) begin();
      else isFull = true;
    }
    if (!isOver) left += isPlain ? 1 : rows.length;
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
