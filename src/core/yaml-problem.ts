import type { Place, Problem } from './problem.ts';
import { BYTE_ORDER_MARK, KEY_LENGTH, type Unclear } from './yaml-strict.ts';
import type { TreeMistake } from './yaml-tree.ts';

/** What js-yaml says, and the same in words that tell what to do. The first that fits counts. */
const WORDS: readonly (readonly [said: RegExp, message: string, hint?: string])[] = [
  [/^nesting exceeded maxDepth \((\d+)\)/, 'this is nested more than $1 deep', 'no manifest nests that deep'],
  [
    /^aliases exceeded maxAliases/,
    'more than 1,000 aliases in one document',
    'write the values where they are needed',
  ],
  [/^tab characters/, 'a tab indents this line', 'indent with spaces'],
  [
    /^deficient indentation/,
    'this line is indented too little to go on from the one above',
    'is a quote or a bracket above not closed?',
  ],
  [
    /^bad indentation of a mapping/,
    'this does not fit the mapping around it',
    'check how far it is indented; quote a text that has ": " or begins with a special character',
  ],
  [/^bad indentation of a sequence/, 'this does not fit the list around it', 'check how far it is indented'],
  [
    /multiline key|^expected ':' after a mapping key/,
    'this line is not "key: value"',
    'write a colon and a space after the key',
  ],
  [
    /^a whitespace character is expected after/,
    'a space is missing after the colon',
    'write a colon and a space after the key',
  ],
  [
    /^missed comma/,
    'a comma is missing before this',
    'put a comma between entries, and quotes around a text with special characters',
  ],
  [/^expected the node content/, 'a comma without an entry before it', 'remove it'],
  [
    /^end of the stream or a document separator/,
    'this does not belong to the document above',
    'check how far it is indented; another document begins with ---',
  ],
  [
    /^unexpected end of the (?:stream|document) within a (single|double) quoted/,
    'a $1 quote is never closed',
    'close it',
  ],
  [/^unexpected end of the stream within a flow/, 'a bracket or brace is never closed', 'close it'],
  [
    /^unknown escape sequence|^expected hexadecimal/,
    'a backslash that means nothing',
    'double it, or use single quotes',
  ],
  [/^a line break is expected/, 'the text after | or > begins on the next line', 'begin a new line'],
  [
    /^cannot resolve a node with !<(?:tag:yaml\.org,2002:)?(.*)> explicit tag/,
    'this is not a value of the tag !!$1',
    'write the plain value',
  ],
  [/tag/, 'this tag is not allowed', 'write the plain value'],
  [/^duplication of an anchor/, 'two anchors on one value', 'keep one of the two'],
  [
    /^directives end mark/,
    '--- is missing after the lines that begin with %',
    'write --- before the document, or remove them',
  ],
  [/^unacceptable YAML version/, 'this is not YAML 1', 'remove the line that begins with %YAML'],
];

/** A mistake for which a text cannot be parsed. `offset` is where the parser noticed. */
export function syntaxProblem(
  reason: string,
  text: string,
  offset: number,
  place: (offset: number) => Place,
): Problem {
  const at = /multiline key/.test(reason) ? keyBefore(text, offset) : offset;
  const code = /^nesting exceeded|^aliases exceeded/.test(reason) ? 'RC103' : 'RC102';
  const problem = (message: string, hint?: string): Problem => ({
    code,
    severity: 'error',
    message,
    place: place(at),
    hint,
  });
  if (/null byte|non-printable|valid JSON character/.test(reason)) {
    const point = (text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return problem(`the character U+${point} stands here, which YAML does not allow`, 'remove it');
  }
  if (/^deficient indentation/.test(reason) && text[offset - 1] === '\t')
    return problem('a tab stands before this', 'put a space in its place');
  if (/^(?:<{7}|={7}|>{7})/.test(text.slice(at)))
    return problem('a merge conflict is not resolved', 'resolve it');
  for (const [said, message, hint] of WORDS) {
    const match = said.exec(reason);
    if (match) return problem(message.replace('$1', match[1] ?? ''), hint);
  }
  return problem(reason);
}

/** The parser goes on to the next line before it finds that a key has no colon. */
function keyBefore(text: string, offset: number): number {
  const line = text.lastIndexOf('\n', offset - 1);
  if (line < 0) return offset;
  const before = text.slice(0, line).trimEnd();
  const start = before.lastIndexOf('\n') + 1;
  return start + before.slice(start).search(/[^ \t-]|$/);
}

/** Something in a text that parses, but is refused. */
export function unclearProblem(
  { offset, message, hint }: Unclear,
  place: (offset: number) => Place,
): Problem {
  const code = message === BYTE_ORDER_MARK ? 'RC105' : 'RC102';
  return { code, severity: 'error', message, place: place(offset), hint };
}

/** A mistake in a document that parses. */
export function treeProblem(
  { is, name, offset, first = 0 }: TreeMistake,
  place: (offset: number) => Place,
): Problem {
  const problem = (code: Problem['code'], message: string, hint: string): Problem => ({
    code,
    severity: 'error',
    message,
    place: place(offset),
    hint,
  });
  switch (is) {
    case 'repeated key': {
      const { line, column } = place(first);
      return problem(
        'RC104',
        `key ${JSON.stringify(name)} is given twice in one mapping`,
        `it is first given at ${line}:${column}; keep one of the two`,
      );
    }
    case 'key that is no text':
      return problem(
        'RC102',
        'a key must be a text, not a list or mapping',
        'a template such as {{ name }} must be rendered first, or quoted',
      );
    case 'key that is null':
      return problem('RC102', 'a key must be a text, not null', 'write the key, or quote it');
    case 'long key':
      return problem(
        'RC102',
        `a key longer than ${KEY_LENGTH.toLocaleString('en')} characters`,
        'shorten it',
      );
    case 'number too large':
      return problem('RC102', `the number ${cut(name)} is too large`, 'quote it when it is a text');
    case 'alias without anchor':
      return problem(
        'RC102',
        `no anchor &${name} in this document before the alias *${name}`,
        'write the value itself',
      );
    case 'tag':
      return problem('RC102', `the tag ${name} is not allowed`, 'write the plain value');
  }
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
