import { riskRank } from '../core/access.ts';
import type { AccessChange, AccessLine } from '../core/access-diff.ts';
import type { FieldChange } from '../core/diff.ts';
import { pointerParts } from '../core/document.ts';
import { type Change, DECLARED_DIFFERENT, type Plan, type PlanNotes } from '../core/plan.ts';
import { listAt } from '../core/resource.ts';
import type { KindName } from '../kinds/index.ts';
import type { JsonObject, JsonValue } from '../kinds/kind.ts';
import type { Risk } from '../kinds/role.ts';
import { type ResourceEntry, showScope } from '../kinds/role-binding.ts';
import { parseTime, showTime } from '../kinds/time.ts';
import { count, visible } from './lines.ts';

/** Where a plan was made, for its first line. */
export function planScope(plan: Plan, store: string): string {
  const { workspace, pruneWorkspaces } = plan.scope;
  const base = plan.base.store === null ? 'no store yet' : `revision ${plan.base.revision}`;
  const prune = [
    plan.prune ? 'prune' : '',
    ...pruneWorkspaces.map((name) => `prune workspace ${name}`),
  ].filter(Boolean);
  return visible(
    [
      `Plan for ${store} (${base})`,
      `manager ${plan.manager}`,
      workspace === null ? 'all workspaces' : `workspace ${workspace}`,
      ...prune,
    ].join(', '),
  );
}

export function planSummary({ summary }: Plan): string {
  return `${summary.create} to create, ${summary.update} to update, ${summary.delete} to delete, ${summary.unchanged} unchanged`;
}

/** `Group acme-prod/analysts`. */
export function changeName(change: Pick<Change, 'kind' | 'namespace' | 'name'>): string {
  return visible(`${change.kind} ${change.namespace === null ? '' : `${change.namespace}/`}${change.name}`);
}

export function changeSign(action: Change['action']): string {
  return { create: '+', update: '~', delete: '-' }[action];
}

/** What is worth saying of a change beside its name: not what its sign says already. */
export function changeRemark(change: Change): string {
  const remarks = [
    change.previousName === null ? '' : `renamed from ${change.previousName}`,
    change.adopts === null ? '' : `taken over from manager ${change.adopts}`,
    saysMore(change) ? change.reason : '',
  ];
  return visible(remarks.filter(Boolean).join(', '));
}

function saysMore({ action, previousName, reason }: Change): boolean {
  return action === 'update' ? previousName === null && reason !== DECLARED_DIFFERENT : action === 'delete';
}

/** `workspace-owner (privileged) on the whole workspace, through group admins by binding owners, until 2027-01-31 00:00 UTC`. */
export function accessWords(line: AccessLine, risk: Risk = 'Normal'): string {
  const words = [
    `${line.role}${risk === 'Normal' ? '' : ` (${risk.toLowerCase()})`} on ${scopeWords(line.scope)}`,
    viaWords(line),
    line.from === null ? '' : `from ${showTime(line.from)}`,
    line.until === null ? '' : `until ${showTime(line.until)}`,
  ];
  return visible(words.filter(Boolean).join(', '));
}

function scopeWords(scope: string): string {
  if (scope === 'Workspace') return 'the whole workspace';
  return scope.includes('/') ? scope : `all with ${scope.replaceAll(',', ', ')}`;
}

function viaWords({ via, binding }: AccessLine): string {
  const [path = '', role] = via.split('>role:');
  const groups = path.startsWith('group:') ? path.slice('group:'.length).split('>') : [];
  const through =
    groups.length === 0
      ? binding.startsWith('token/')
        ? ''
        : `by binding ${binding}`
      : `through ${groups.length === 1 ? 'group' : 'groups'} ${groups.join(' > ')} by binding ${binding}`;
  return [through, role === undefined ? '' : `as part of ${role}`].filter(Boolean).join(', ');
}

/** `ana-diaz <ana@acme.example>`, or `token ci-deploy`. */
export function subjectName({
  subjectKind,
  subject,
  email,
}: Pick<AccessChange, 'subjectKind' | 'subject' | 'email'>): string {
  return visible(subjectKind === 'Token' ? `token ${subject}` : `${subject} <${email}>`);
}

/** What is said of the access of one workspace. */
export type WorkspaceWords<T> = (workspace: string, changes: readonly AccessChange[]) => readonly T[];

/**
 * What is said of each workspace, biggest risk first: who gains the most dangerous role leads, then who loses it, people
 * before tokens; so do the workspaces that they are in. Of equal risk, gains without an end come first. Of the access only
 * that of one workspace is held at a time.
 */
export function accessByWorkspace<T>(
  notes: PlanNotes,
  words: WorkspaceWords<T>,
): { readonly said: readonly T[]; readonly summary: string } {
  const rank = (line: AccessLine) => riskRank(notes.risks.get(line.role) ?? 'Normal');
  const byRisk = (a: AccessLine, b: AccessLine) =>
    rank(b) - rank(a) || Number(b.until === null) - Number(a.until === null);
  const highest = (lines: readonly AccessLine[]) => most(lines, rank);
  const byDanger = (a: AccessChange, b: AccessChange) =>
    highest(b.gains) - highest(a.gains) ||
    Number(hasEndless(b, rank)) - Number(hasEndless(a, rank)) ||
    highest(b.loses) - highest(a.loses) ||
    Number(a.subjectKind === 'Token') - Number(b.subjectKind === 'Token');
  const tally = new AccessTally();
  const groups: { gains: number; loses: number; said: readonly T[] }[] = [];
  for (const changes of notes.accessByWorkspace()) {
    const sorted = changes
      .map((change) => ({
        ...change,
        gains: change.gains.toSorted(byRisk),
        loses: change.loses.toSorted(byRisk),
      }))
      .sort(byDanger);
    for (const change of changes) tally.add(change);
    groups.push({
      gains: most(sorted, ({ gains }) => highest(gains)),
      loses: most(sorted, ({ loses }) => highest(loses)),
      said: words(visible(sorted[0]?.workspace ?? ''), sorted),
    });
  }
  groups.sort((a, b) => b.gains - a.gains || b.loses - a.loses);
  return { said: groups.flatMap(({ said }) => said), summary: tally.words() };
}

/** The highest of any number of values, -1 where there are none. */
function most<T>(list: readonly T[], value: (one: T) => number): number {
  return list.reduce((highest, one) => Math.max(highest, value(one)), -1);
}

/** Whether the most dangerous of the gains has no end; the gains by risk. */
function hasEndless({ gains }: AccessChange, rank: (line: AccessLine) => number): boolean {
  const [first] = gains;
  return first !== undefined && gains.some((line) => rank(line) === rank(first) && line.until === null);
}

/** `3 people and 1 token gain access, 1 person loses access, 2 people gain some and lose some`. */
export function accessSummary(access: Iterable<AccessChange>): string {
  const tally = new AccessTally();
  for (const change of access) tally.add(change);
  return tally.words();
}

const GAINS = 1;
const LOSES = 2;
const IS_TOKEN = 4;

/** Counts who gains and who loses, in whatever workspaces. */
class AccessTally {
  readonly #subjects = new Map<string, number>();

  add({ subjectKind, subject, workspace, gains, loses }: AccessChange): void {
    const key = subjectKind === 'User' ? subject : `${workspace}/${subject}`;
    const more =
      (gains.length > 0 ? GAINS : 0) |
      (loses.length > 0 ? LOSES : 0) |
      (subjectKind === 'User' ? 0 : IS_TOKEN);
    this.#subjects.set(key, (this.#subjects.get(key) ?? 0) | more);
  }

  words(): string {
    const counts = new Map<number, number>();
    for (const what of this.#subjects.values()) counts.set(what, (counts.get(what) ?? 0) + 1);
    const whose = (what: number) => {
      const people = counts.get(what) ?? 0;
      const tokens = counts.get(what | IS_TOKEN) ?? 0;
      const names = [
        people > 0 ? count(people, 'person', 'people') : '',
        tokens > 0 ? count(tokens, 'token') : '',
      ];
      return { names: names.filter(Boolean).join(' and '), one: people + tokens === 1 };
    };
    const [gaining, losing, both] = [whose(GAINS), whose(LOSES), whose(GAINS | LOSES)];
    return [
      gaining.names && `${gaining.names} ${gaining.one ? 'gains' : 'gain'} access`,
      losing.names && `${losing.names} ${losing.one ? 'loses' : 'lose'} access`,
      both.names && `${both.names} ${both.one ? 'gains some and loses some' : 'gain some and lose some'}`,
    ]
      .filter(Boolean)
      .join(', ');
  }
}

/** What differs between before and after of a change, but for what its remark says already. */
export function changedFields({ fields, previousName }: Change): readonly FieldChange[] {
  return previousName === null ? fields : fields.filter(({ path }) => path !== '/metadata/name');
}

/** `members: + User bo-lee, until 2027-01-31 00:00 UTC`, `tier: Team → Business`. */
export function fieldWords(kind: KindName, { path, before, after }: FieldChange): string {
  const parts = pointerParts(path);
  // An entry of a list says itself what its key would say.
  const isEntry = parts[0] === 'spec' && listAt(kind, parts.slice(1, -1)) !== undefined;
  const label = visible(fieldLabel(isEntry ? parts.slice(0, -1) : parts));
  if (before === null) return `${label}: + ${valueWords(after)}`;
  if (after === null) return `${label}: - ${valueWords(before)}`;
  return `${label}: ${valueWords(before)} → ${valueWords(after)}`;
}

function fieldLabel([top = '', ...rest]: readonly string[]): string {
  const [map = '', ...key] = rest;
  if (top === 'metadata' && key.length > 0) return `${map.replace(/s$/, '')} ${key.join('.')}`;
  return top === 'spec' ? rest.join('.') : [top, ...rest].join('.');
}

function valueWords(value: JsonValue): string {
  if (typeof value === 'string') {
    if (parseTime(value) !== undefined) return showTime(value);
    return /^[\w@.+/-]+$/.test(value) ? value : JSON.stringify(visible(value));
  }
  if (isNamed(value)) {
    const { kind, name, notBefore, expiresAt } = value;
    const words = [
      kind === undefined ? name : `${kind} ${name}`,
      notBefore && `from ${showTime(notBefore)}`,
      expiresAt && `until ${showTime(expiresAt)}`,
    ];
    return visible(words.filter(Boolean).join(', '));
  }
  if (isResourceEntry(value)) return visible(showScope(value));
  const text = visible(JSON.stringify(value));
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** Whether it is an entry of subjects, members or the like. */
function isNamed(
  value: JsonValue,
): value is { name: string; kind?: string; notBefore?: string; expiresAt?: string } {
  return (
    isObject(value) &&
    'name' in value &&
    Object.entries(value).every(([key, one]) => NAMED.has(key) && typeof one === 'string')
  );
}

const NAMED = new Set(['kind', 'name', 'notBefore', 'expiresAt']);

function isResourceEntry(value: JsonValue): value is JsonObject & ResourceEntry {
  return (
    isObject(value) &&
    typeof value.type === 'string' &&
    Object.keys(value).every((key) => ['type', 'id', 'labels'].includes(key))
  );
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
