import type { GrantFacts } from '../core/grant-facts.ts';
import type { Offboarding } from '../core/offboarding.ts';
import { showIdentity } from '../core/resource.ts';
import { accessLine } from './answer-text.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { accessWords } from './plan-words.ts';

export interface OffboardTextOptions {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Longer lists are folded to a count; Infinity shows all. */
  readonly most: number;
}

/** What hangs on a person, and what to do about it, in order. */
export function offboardText(
  offboarding: Offboarding,
  grants: readonly GrantFacts[],
  { paint, width, most }: OffboardTextOptions,
): string {
  const { user, groups, owns, requiredIn, tokens, sponsors, referrers } = offboarding;
  const { email, type, state } = user.spec;
  const section = (title: string, lines: readonly string[], numbered = false) => {
    if (lines.length === 0) return [];
    const shown = lines.slice(0, most).map((line, i) => {
      const mark = numbered ? `${i + 1}. ` : '';
      return wrap(`  ${mark}${visible(line)}`, width, numbered ? '     ' : '    ');
    });
    if (lines.length > most)
      shown.push(`  … and ${count(lines.length - most, 'more', 'more')} (all of them with -v)`);
    return [[paint('strong', title), ...shown].join('\n')];
  };
  const parts = [
    paint('strong', visible(`User ${user.metadata.name} <${email}>, ${type}, ${state}`)),
    ...section(
      `Holds ${count(grants.length, 'grant')}`,
      grants.map((grant) => `${grant.workspace}: ${accessWords(accessLine(grant, grant.role))}`),
    ),
    ...section(
      `Is in ${count(groups.length, 'group')}`,
      groups.map(
        ({ workspace, group, direct }) => `${workspace}/${group}${direct ? '' : ', through another group'}`,
      ),
    ),
    ...section(
      `Owns ${count(owns.length, 'workspace')}`,
      owns.map(
        ({ workspace, owners, minimum, tooFewWithout }) =>
          `${workspace}, with ${count(owners - 1, 'other owner')}, minimum ${minimum}${tooFewWithout ? ': too few without' : ''}`,
      ),
    ),
    ...section(`Must own ${count(requiredIn.length, 'workspace')}`, requiredIn),
    ...section(
      `Answers for ${count(tokens.length, 'token')}`,
      tokens.map(
        ({ metadata, spec }) =>
          `${metadata.namespace}/${metadata.name}, ${spec.role}${spec.revoked ? ', revoked' : ''}`,
      ),
    ),
    ...section(`Sponsors ${count(sponsors.length, 'user')}`, sponsors),
    ...section(`Is referred to by ${count(referrers.length, 'resource')}`, referrers.map(showIdentity)),
    ...section('Next', offboardSteps(offboarding), true),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** What to do, in order: first what takes access away at once, last what takes the person out. */
export function offboardSteps({
  user,
  owns,
  requiredIn,
  tokens,
  sponsors,
  referrers,
  soleSubject,
}: Offboarding): string[] {
  const { name } = user.metadata;
  const working = tokens.filter(({ spec }) => !spec.revoked);
  const stops = working.length > 0 ? `; ${count(working.length, 'token')} of theirs will give nothing` : '';
  const short = owns.filter(({ tooFewWithout }) => tooFewWithout).map(({ workspace }) => workspace);
  const guarded = new Set([
    ...short,
    ...requiredIn.filter((one) => owns.some(({ workspace }) => workspace === one)),
  ]);
  const refused =
    guarded.size > 0
      ? `; refused because of ${[...guarded].sort().join(', ')} until it is overridden, or the owners there are changed`
      : '';
  const entries = referrers.filter((id) => id.startsWith('Group/') || id.startsWith('RoleBinding/'));
  return [
    ...(user.spec.state === 'Suspended'
      ? []
      : [`iam suspend ${name} --reason TEXT: takes all access at once${stops}${refused}`]),
    ...short.map((workspace) => `name another owner of ${workspace}`),
    ...requiredIn.map((workspace) => `take ${name} out of owners.required of Workspace ${workspace}`),
    ...tokens.map(
      ({ metadata }) => `give Token ${metadata.namespace}/${metadata.name} another owner, or delete it`,
    ),
    ...sponsors.map((other) => `give User ${other} another sponsor`),
    ...entries.map((id) =>
      soleSubject.includes(id)
        ? `delete ${showIdentity(id)}, or name somebody else in it`
        : `take ${name} out of ${showIdentity(id)}`,
    ),
    `take User ${name} out of the manifests and apply with --prune, or iam delete user ${name}`,
  ];
}
