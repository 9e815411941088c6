import type { GrantFacts } from '../core/grant-facts.ts';
import { type Identity, showIdentity } from '../core/resource.ts';
import { formatTime, showTime } from '../kinds/time.ts';
import { visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { accessWords } from './plan-words.ts';

/** A secret that lets somebody in: of whom, to what, until when (milliseconds, or Infinity). */
export function validText(
  id: Identity,
  facts: { readonly secret: string; readonly owner: string; readonly until: number },
  grants: readonly GrantFacts[],
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const until = facts.until === Infinity ? 'without an end' : `until ${showTime(formatTime(facts.until))}`;
  const lines = [
    `secret ${facts.secret}, owner ${facts.owner}`,
    ...grants.map(({ role, scope, via, binding, expiresAt }) =>
      accessWords({ role, scope, via, binding, from: null, until: expiresAt }),
    ),
  ];
  const head = wrap(visible(`valid: ${showIdentity(id)}, ${until}`), width, '  ');
  return [
    head.replace(/^\w+/, (word) => paint('good', word)),
    ...lines.map((line) => wrap(visible(`  ${line}`), width, '    ')),
    '',
  ].join('\n');
}

/** A secret that lets nobody in, and why not. */
export function notValidText(
  why: string,
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  return `${wrap(visible(`not valid: ${why}`), width, '  ').replace(/^not valid/, (words) => paint('bad', words))}\n`;
}
