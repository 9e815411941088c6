import type { GrantFacts } from '../core/grant-facts.ts';
import { showTime } from '../kinds/time.ts';
import { count } from './lines.ts';
import type { Paint } from './paint.ts';
import { table } from './table.ts';

/** What `iam describe` tells of one resource. */
export interface Description {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly manifest: string;
  readonly grants: readonly GrantFacts[];
  /** Who refers to it, by name. */
  readonly referrers: readonly string[];
}

/** A description for people; long lists are cut to `most` with a count. */
export function descriptionText(
  description: Description,
  { paint, most }: { paint: Paint; most: number },
): string {
  const { title, facts, manifest, grants, referrers } = description;
  const width = Math.max(...facts.map(([name]) => name.length));
  const parts = [
    [paint('strong', title), ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`)].join('\n'),
    `${paint('strong', 'Manifest')}\n${indent(manifest.trimEnd())}`,
  ];
  if (grants.length > 0) {
    const rows = grants
      .slice(0, most)
      .map(({ workspace, subjectKind, subject, role, scope, via, binding, state, expiresAt }) => [
        workspace,
        subjectKind === 'Token' ? `token:${subject}` : subject,
        role,
        scope,
        via,
        binding,
        state,
        expiresAt === null ? '' : showTime(expiresAt),
      ]);
    const shown = table(
      ['WORKSPACE', 'SUBJECT', 'ROLE', 'ON', 'VIA', 'BINDING', 'STATE', 'UNTIL'],
      rows,
    ).trimEnd();
    parts.push(
      `${paint('strong', `Gives ${count(grants.length, 'grant')}`)}\n${indent(shown)}${more(grants.length - most)}`,
    );
  }
  if (referrers.length > 0) {
    parts.push(
      `${paint('strong', `Referred to by ${count(referrers.length, 'resource')}`)}\n${indent(referrers.slice(0, most).join('\n'))}${more(referrers.length - most)}`,
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

function more(n: number): string {
  return n > 0 ? `\n  … and ${count(n, 'more', 'more')} (all of them with -o json)` : '';
}
