import { count, visible, wrap } from './lines.ts';

interface Found {
  readonly rows: number;
  readonly head: string | null;
  readonly redacted: readonly number[];
}

interface Head {
  readonly seq: number;
  readonly hash: string;
  readonly from: string;
}

/** An audit that is as it was written, and what it was compared with: of the heads the first, which is the newest. */
export function verificationText(
  { rows, head, redacted }: Found,
  heads: readonly Head[],
  width: number,
): string {
  const [newest] = heads;
  const lines = [
    head === null
      ? 'The audit has no row yet.'
      : `${count(rows, 'audit row is', 'audit rows are')} intact, the newest is ${head}`,
    newest
      ? `compared with ${newest.seq}:${newest.hash} (${visible(newest.from)})`
      : 'compared with no head: that the end is cut off would not show. Keep the auditHead that apply -o json gives, and name it with --head',
    redacted.length === 0 ? '' : `${count(redacted.length, 'row is', 'rows are')} redacted`,
  ].filter(Boolean);
  return lines.map((line) => `${wrap(line, width, '  ')}\n`).join('');
}
