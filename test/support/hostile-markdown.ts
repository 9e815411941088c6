import fc from 'fast-check';

// biome-ignore format: a row of short texts
const HOSTILE = [
  '<script>alert(1)</script>', '</details>', '<!--', '&lt;b&gt;', '@team', 'x@team', '.@team', '@', '](http://evil.example)', '![x](y)', '[a]: b',
  '[x][y]', 'https://evil.example', 'www.evil.example', '(www.evil.example', 'mailto:a@b.example', '|', '\\|', '\\', '`', '``', '```', '~~~', '**', '__', '*a*', '~~',
  '\n', '\r\n', '\t', '\u2028', '\u202e', '#1', 'GH-1', 'acme/web#1', ':tada:', '- ', '1. ', '> ', '# ', '---', '$x$', 'deadbeef', 'ana', 'acme-prod', ' ', '  ',
];

/** What is left of a line once its code spans are gone, told as CommonMark tells them. */
export function outsideCode(line: string): string {
  let text = '';
  for (let at = 0; at < line.length; ) {
    const run = /^`+/.exec(line.slice(at))?.[0];
    if (run === undefined) {
      text += line[at++] ?? '';
      continue;
    }
    const closing = [...line.slice(at + run.length).matchAll(/`+/g)].find(
      ([other]) => other.length === run.length,
    );
    if (!closing) throw new Error(`not closed: ${line}`);
    at += run.length + closing.index + run.length;
    text += 'CODE';
  }
  return text;
}

/** Texts that mean something to Markdown, HTML, a forge or a terminal, and any others. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 4 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 4 }).map((parts) => parts.join(' ')),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
