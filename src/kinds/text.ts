import type { Finding } from './kind.ts';
import { parseTime } from './time.ts';

/** Most texts are printable ASCII, which is always safe; the pattern of all that is not is slow to prepare. */
const ASCII = /^[ -~]*$/;

const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * What is wrong with a text that people will read in a terminal, a comment or a sheet:
 * control, line-breaking and bidirectional-override characters can make it read as something else.
 */
export function unsafeText(value: string | undefined, pointer: string, { lines = false } = {}): Finding[] {
  if (value === undefined || ASCII.test(value)) return [];
  const found = UNSAFE.exec(lines ? value.replaceAll('\n', ' ') : value);
  if (!found) return [];
  const point = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return [
    {
      code: 'RC109',
      pointer,
      message: `has the character U+${point}, which people cannot see`,
      hint: 'remove it',
    },
  ];
}

/** As `unsafeText`, for names that the CSV joins with "; ". */
export function unsafeName(value: string | undefined, pointer: string): Finding[] {
  if (value?.includes('; ')) {
    return [
      {
        code: 'RC109',
        pointer,
        message: 'must not contain "; "',
        hint: 'the CSV snapshot separates entries with it',
      },
    ];
  }
  return unsafeText(value, pointer);
}

/** Times that do not exist, and windows that are never open. */
export function badWindow(
  value: { notBefore?: string | undefined; expiresAt?: string | undefined },
  pointer: string,
): Finding[] {
  const findings: Finding[] = [];
  if (value.notBefore === undefined && value.expiresAt === undefined) return findings;
  const times = (['notBefore', 'expiresAt'] as const).map((field) => {
    const text = value[field];
    const time = text === undefined ? undefined : parseTime(text);
    if (text !== undefined && time === undefined) {
      findings.push({
        code: 'RC109',
        pointer: `${pointer}/${field}`,
        message: `there is no such day as ${text}`,
      });
    }
    return time;
  });
  const [from, until] = times;
  if (from !== undefined && until !== undefined && from >= until) {
    findings.push({
      code: 'RC117',
      pointer: `${pointer}/expiresAt`,
      message: `expiresAt ${value.expiresAt} is not after notBefore ${value.notBefore}`,
      hint: 'the window is half-open: [notBefore, expiresAt)',
    });
  }
  return findings;
}

/** Full case folding, near enough: `ß` is `ss`, and all forms of sigma are one. What tells two e-mails apart. */
export function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase().replaceAll('ς', 'σ');
}
