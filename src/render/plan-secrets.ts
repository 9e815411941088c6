import type { PlannedSecret } from '../core/secret.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';

/** What becomes of the secret of a Token, in words. */
function secretWords({ namespace, name, file, due }: PlannedSecret): string {
  const token = `Token ${namespace}/${name}`;
  switch (due) {
    case 'first':
      return `issue one of ${token} to ${file}`;
    case 'schedule':
      return `issue another of ${token} to ${file}: its rotation is due`;
    case 'moved':
      return `issue another of ${token} to ${file}: it was delivered elsewhere`;
  }
}

/** What a plan says of secrets as a paragraph; nothing where none is due. */
export function planSecretTexts(
  secrets: readonly PlannedSecret[],
  { paint, width, most }: { paint: Paint; width: number; most: number },
): string[] {
  if (secrets.length === 0) return [];
  const lines = secrets.slice(0, most).map((one) => wrap(`  ${visible(secretWords(one))}`, width, '    '));
  const more = secrets.length - most;
  if (more > 0)
    lines.push(paint('faint', `  … and ${count(more, 'more', 'more')} (all of them with -o json)`));
  return [[paint('strong', 'Secrets'), ...lines].join('\n')];
}

/** The same as words, for other forms. */
export function planSecretWords(secrets: readonly PlannedSecret[]): string[] {
  return secrets.map(secretWords);
}
