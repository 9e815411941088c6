import type { GrantFacts } from '../core/grant-facts.ts';
import type { Secret } from '../core/secret.ts';
import { showTime, type Window, type WindowState } from '../kinds/time.ts';
import { count, thousands } from './lines.ts';
import type { Paint } from './paint.ts';
import { table } from './table.ts';

/** What `iam describe` tells of one resource. */
export interface Description {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly manifest: string;
  /** Of a Group; those whose membership gives nothing now are told apart. */
  readonly members: readonly DescribedMember[];
  /** Of a Token, the newest first. */
  readonly secrets: readonly DescribedSecret[];
  readonly grants: readonly GrantFacts[];
  /** Who refers to it, by name. */
  readonly referrers: readonly string[];
}

export interface DescribedMember extends Window {
  readonly name: string;
  readonly state: WindowState;
}

export type DescribedSecret = Pick<Secret, 'id' | 'issuedAt' | 'endsAt' | 'revokedAt' | 'path'> & {
  readonly state: string;
};

/** A description for people; long lists are cut to `most` with a count. */
export function descriptionText(
  description: Description,
  { paint, most }: { paint: Paint; most: number },
): string {
  const { title, facts, manifest, members, secrets, grants, referrers } = description;
  const width = Math.max(...facts.map(([name]) => name.length));
  const parts = [
    [paint('strong', title), ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`)].join('\n'),
    `${paint('strong', 'Manifest')}\n${indent(manifest.trimEnd())}`,
  ];
  const idle = members.filter(({ state }) => state !== 'Active');
  if (idle.length > 0) {
    const rows = idle
      .slice(0, most)
      .map(({ name, state, notBefore, expiresAt }) => [name, state, shown(notBefore), shown(expiresAt)]);
    const heading = `${thousands(idle.length)} of ${count(members.length, 'member')} not active now`;
    const listed = table(['MEMBER', 'STATE', 'FROM', 'UNTIL'], rows).trimEnd();
    parts.push(`${paint('strong', heading)}\n${indent(listed)}${more(idle.length - most)}`);
  }
  if (secrets.length > 0) {
    const rows = secrets
      .slice(0, most)
      .map(({ id, state, issuedAt, endsAt, revokedAt, path }) => [
        id,
        state,
        shown(issuedAt),
        shown(revokedAt ?? endsAt),
        path,
      ]);
    const listed = table(['SECRET', 'STATE', 'ISSUED', 'UNTIL', 'FILE'], rows).trimEnd();
    parts.push(
      `${paint('strong', count(secrets.length, 'secret'))}\n${indent(listed)}${more(secrets.length - most)}`,
    );
  }
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
        shown(expiresAt),
      ]);
    const listed = table(
      ['WORKSPACE', 'SUBJECT', 'ROLE', 'ON', 'VIA', 'BINDING', 'STATE', 'UNTIL'],
      rows,
    ).trimEnd();
    const active = grants.filter((grant) => grant.active).length;
    const heading = `Gives ${count(grants.length, 'grant')}${active === grants.length ? '' : `, ${active === 0 ? 'none' : thousands(active)} of them active now`}`;
    parts.push(`${paint('strong', heading)}\n${indent(listed)}${more(grants.length - most)}`);
  }
  if (referrers.length > 0) {
    parts.push(
      `${paint('strong', `Referred to by ${count(referrers.length, 'resource')}`)}\n${indent(referrers.slice(0, most).join('\n'))}${more(referrers.length - most)}`,
    );
  }
  return `${parts.join('\n\n')}\n`;
}

/** To the second. */
function shown(time: string | null = null): string {
  return time === null ? '' : showTime(time.replace(/\.\d+Z$/, 'Z'));
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

function more(n: number): string {
  return n > 0 ? `\n  … and ${count(n, 'more', 'more')} (all of them with -o json)` : '';
}
