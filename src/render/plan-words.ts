import type { AccessChange, AccessLine } from '../core/access-diff.ts';
import { riskRank } from '../core/access.ts';
import { pointerParts } from '../core/document.ts';
import type { FieldChange } from '../core/diff.ts';
import type { Change, Plan, PlanNotes } from '../core/plan.ts';
import type { JsonValue } from '../kinds/kind.ts';
import { parseTime, showTime } from '../kinds/time.ts';
import { count, visible } from './lines.ts';

/** Where a plan was made, for its first line. */
export function planScope(plan: Plan, store: string): string {
  const { workspace, pruneWorkspaces } = plan.scope;
  const base = plan.base.store === null ? 'no store yet' : `revision ${plan.base.revision}`;
  const prune = [plan.prune ? 'prune' : '', ...pruneWorkspaces.map((name) => `prune workspace ${name}`)].filter(Boolean);
  return [
    `Plan for ${store} (${base})`,
    `manager ${plan.manager}`,
    workspace === null ? 'all workspaces' : `workspace ${workspace}`,
    ...prune,
  ].join(', ');
}

export function planSummary({ summary }: Plan): string {
  return `${summary.create} to create, ${summary.update} to update, ${summary.delete} to delete, ${summary.unchanged} unchanged`;
}

/** `Group acme-prod/analysts`. */
export function changeName(change: Pick<Change, 'kind' | 'namespace' | 'name'>): string {
  return `${change.kind} ${change.namespace === null ? '' : `${change.namespace}/`}${change.name}`;
}

export function changeSign(action: Change['action']): string {
  return { create: '+', update: '~', delete: '-' }[action];
}

/** What is worth saying of a change beside its name: not what its sign says already. */
export function changeRemark(change: Change): string {
  return [
    change.previousName === null ? '' : `renamed from ${change.previousName}`,
    change.adopts === null ? '' : `taken over from manager ${change.adopts}`,
    change.action === 'delete' ? change.reason : '',
  ]
    .filter(Boolean)
    .join(', ');
}

/** `workspace-owner on the whole workspace, through group admins, until 2027-01-31 00:00 UTC`. */
export function accessWords(line: AccessLine): string {
  return [
    `${line.role} on ${scopeWords(line.scope)}`,
    viaWords(line),
    line.from === null ? '' : `from ${showTime(line.from)}`,
    line.until === null ? '' : `until ${showTime(line.until)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function scopeWords(scope: string): string {
  if (scope === 'Workspace') return 'the whole workspace';
  return visible(scope.includes('/') ? scope : `all with ${scope.replaceAll(',', ', ')}`);
}

function viaWords({ via, binding }: AccessLine): string {
  const [path = '', role] = via.split('>role:');
  const groups = path.startsWith('group:') ? path.slice('group:'.length).split('>') : [];
  const through =
    groups.length === 0
      ? binding.startsWith('token/')
        ? ''
        : `by ${binding}`
      : `through ${groups.length === 1 ? 'group' : 'groups'} ${groups.join(' > ')} by ${binding}`;
  return [through, role === undefined ? '' : `as part of ${role}`].filter(Boolean).join(', ');
}

/** `ana-diaz <ana@acme.example>`, or `token ci-deploy`. */
export function subjectName({ subjectKind, subject, email }: AccessChange): string {
  return subjectKind === 'Token' ? `token ${subject}` : `${subject} <${visible(email)}>`;
}

/** The access of one workspace, biggest risk first: who gains the most dangerous role leads. */
export function accessByWorkspace(plan: Plan, notes: PlanNotes): [workspace: string, changes: AccessChange[]][] {
  const rank = (line: AccessLine) => riskRank(notes.risks.get(line.role) ?? 'Normal');
  const highest = ({ gains }: AccessChange) => Math.max(-1, ...gains.map(rank));
  const groups = Map.groupBy(plan.access, ({ workspace }) => workspace);
  const byRisk = (lines: readonly AccessLine[]) => [...lines].sort((a, b) => rank(b) - rank(a));
  return [...groups].map(([workspace, changes]) => [
    workspace,
    changes
      .map((change) => ({ ...change, gains: byRisk(change.gains), loses: byRisk(change.loses) }))
      .sort((a, b) => highest(b) - highest(a)),
  ]);
}

/** `3 people and 1 token gain access, 1 person loses some`. */
export function accessSummary(access: readonly AccessChange[]): string {
  const who = (changes: readonly AccessChange[]) => {
    const people = new Set(changes.filter(({ subjectKind }) => subjectKind === 'User').map(({ subject }) => subject)).size;
    const tokens = changes.filter(({ subjectKind }) => subjectKind === 'Token').length;
    return {
      text: [people > 0 ? count(people, 'person', 'people') : '', tokens > 0 ? count(tokens, 'token') : ''].filter(Boolean).join(' and '),
      one: people + tokens === 1,
    };
  };
  const gaining = who(access.filter(({ gains }) => gains.length > 0));
  const losing = who(access.filter(({ loses }) => loses.length > 0));
  return [
    gaining.text && `${gaining.text} ${gaining.one ? 'gains' : 'gain'} access`,
    losing.text && `${losing.text} ${losing.one ? 'loses' : 'lose'} access`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** `members: + User bo-lee, until 2027-01-31 00:00 UTC`, `tier: Team → Business`. */
export function fieldWords({ path, before, after }: FieldChange): string {
  const parts = pointerParts(path);
  const name = parts[0] === 'spec' ? parts.slice(1) : parts;
  const label = visible(name.join('.'));
  if (before === null) return `${label}: + ${valueWords(after)}`;
  if (after === null) return `${label}: - ${valueWords(before)}`;
  return `${label}: ${valueWords(before)} → ${valueWords(after)}`;
}

function valueWords(value: JsonValue): string {
  if (typeof value === 'string') return parseTime(value) === undefined ? JSON.stringify(visible(value)) : showTime(value);
  const text = visible(JSON.stringify(value));
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
