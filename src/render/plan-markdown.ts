import type { AccessChange, AccessLine } from '../core/access-diff.ts';
import type { PlanTime } from '../core/horizon.ts';
import type { Change, Plan, PlanNotes } from '../core/plan.ts';
import type { Problem } from '../core/problem.ts';
import type { PlannedSecret } from '../core/secret.ts';
import type { Verdict } from '../core/verdict.ts';
import { KIND_NAMES } from '../kinds/index.ts';
import { parseTime } from '../kinds/time.ts';
import { count, visible } from './lines.ts';
import { planSecretWords } from './plan-secrets.ts';
import {
  accessByWorkspace,
  accessSummary,
  accessWords,
  changedFields,
  changeName,
  changeRemark,
  changeSign,
  fieldWords,
  planScope,
  planSummary,
} from './plan-words.ts';
import { endedWords, endingWords, horizonWords } from './time-words.ts';

export interface PlanMarkdownOptions {
  /** Where it was made, without a password. */
  readonly store: string;
  /** The heading; "Plan" when left out. */
  readonly title?: string;
  /** Instead of the line that names store, manager and scope. */
  readonly where?: string;
  /** What to do so that a refusal passes, null for nothing; the option of the command line when left out. */
  readonly wayOut?: (verdict: Verdict) => string | null;
  /** What it says of time; left out where there is no store. */
  readonly time?: PlanTime;
  /** The secrets that the apply is going to issue. */
  readonly secrets?: readonly PlannedSecret[];
  /** Longer lists are folded to a count; Infinity shows all. */
  readonly limit?: number;
}

/**
 * A part of a Markdown text. One that has rows may be cut between them, and says then how many are missing; what it begins with
 * stands before the rest too.
 */
export interface MarkdownPart {
  readonly head: readonly string[];
  readonly rows: readonly string[];
  readonly foot: readonly string[];
  /** Whether what is long in it is folded already. */
  readonly isFolded?: boolean;
}

/**
 * A plan as Markdown for pull requests: what refuses first, counts, people's access by risk, then the changes folded,
 * the digest last.
 *
 * Nothing that a plan says is taken for Markdown or HTML, mentions somebody, links, or breaks out of its cell or line.
 */
export function planMarkdown(plan: Plan, notes: PlanNotes, options: PlanMarkdownOptions): string {
  const { limit = 30 } = options;
  const parts = planMarkdownParts(plan, notes, options);
  return `${parts.map((part) => partText(part, part.isFolded ? Infinity : limit)).join('\n\n')}\n`;
}

/** A part, or as much of it as `limit` rows. */
export function partText({ head, rows, foot }: MarkdownPart, limit = Infinity): string {
  const more = rows.length - limit;
  const cut = more > 0 ? ['', `… and ${count(more, 'more row')}`] : [];
  return [...head, ...rows.slice(0, limit), ...cut, ...foot].join('\n');
}

/** The parts of `planMarkdown`, of which the rows of access are not cut. */
export function planMarkdownParts(
  plan: Plan,
  notes: PlanNotes,
  options: PlanMarkdownOptions,
): MarkdownPart[] {
  const { store, title = 'Plan', where, wayOut, limit = 30, time, secrets = [] } = options;
  const parts = [plain(`### ${prose(title)}`), plain(prose(where ?? planScope(plan, store)))];
  const said = [...verdictItems(plan.verdicts, wayOut), ...plan.problems.map(problemItem)];
  if (said.length > 0) parts.push({ head: [], rows: said, foot: [], isFolded: true });
  const times = [...secretParts(secrets, limit), ...(time ? timeParts(plan, time, limit) : [])].map(plain);
  if (plan.changes.length === 0)
    return [
      ...parts,
      plain(`**Nothing to do.** ${count(plan.summary.unchanged, 'resource')} as declared.`),
      ...times,
    ];
  const broken = plan.problems.some(({ severity }) => severity === 'error');
  const { said: rows, summary } = accessByWorkspace(notes, (workspace, changes) => [
    plain(`**${prose(workspace)}**: ${accessSummary(changes)}`),
    accessTable(changes, notes),
  ]);
  const access = summary || (broken ? 'access not compared' : "nobody's access changes");
  return [
    ...parts,
    plain(`**${planSummary(plan)}; ${access}**`),
    ...rows,
    ...times,
    {
      head: [`<details><summary>${count(plan.changes.length, 'change')} in detail</summary>`, ''],
      rows: changeItems(plan.changes, limit),
      foot: ['', '</details>'],
      isFolded: true,
    },
    plain(`digest ${code(plan.digest)}`),
  ];
}

function plain(text: string): MarkdownPart {
  return { head: [text], rows: [], foot: [] };
}

function secretParts(secrets: readonly PlannedSecret[], limit: number): string[] {
  if (secrets.length === 0) return [];
  const items = planSecretWords(secrets.slice(0, limit)).map((words) => `- ${prose(words)}`);
  const more = secrets.length - limit;
  return [
    ['**Secrets**', '', ...items, ...(more > 0 ? [`- … and ${count(more, 'more', 'more')}`] : [])].join('\n'),
  ];
}

/** What has ended, and what ends within the horizon, soonest first. */
function timeParts(plan: Plan, { ended, ending }: PlanTime, limit: number): string[] {
  const parts: string[] = [];
  if (ended.length > 0)
    parts.push(`**Ended, to be retired by the apply**: ${prose(endedWords(ended, limit))}`);
  if (!ending) return parts;
  const horizon = horizonWords(ending.horizon);
  if (ending.access.length === 0) return [...parts, `No access ends within ${horizon}.`];
  parts.push(`**Ends within ${horizon}**`);
  const at = parseTime(plan.at) ?? 0;
  for (const [workspace, access] of Map.groupBy(ending.access, (one) => one.workspace)) {
    const rows = access.slice(0, limit).map((one) => {
      const { when, what } = endingWords(one, at);
      return `| ${cell(when)} | ${subjectCell(one)} | ${cell(what)} |`;
    });
    const table = [`| ${cell(workspace)} | who | loses |`, '|---|---|---|', ...rows].join('\n');
    const more = access.length - limit;
    parts.push(more > 0 ? `${table}\n\n… and ${count(more, 'more row')}` : table);
  }
  return parts;
}

/** Denials first. */
function verdictItems(
  verdicts: readonly Verdict[],
  wayOut: PlanMarkdownOptions['wayOut'] = ({ override }) => override,
): string[] {
  const order = [...verdicts].sort((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
  return order.map((verdict) => {
    const { severity, code: name, message } = verdict;
    const out = wayOut(verdict);
    const way = out === null ? '' : `; to let it pass: ${code(out)}`;
    return `- **${severity === 'deny' ? 'refused' : 'warning'} ${name}**: ${prose(message)}${way}`;
  });
}

export function problemItem({ severity, code: name, message, place, hint }: Problem): string {
  const where = place ? ` (${code(`${place.file}:${place.line}`)})` : '';
  return `- **${severity === 'error' ? 'error' : 'warning'} ${name}**: ${prose(message)}${where}${hint === undefined ? '' : `; ${prose(hint)}`}`;
}

/** A row for each gain and loss: a table that is cut between rows still says whose access each is. */
function accessTable(changes: readonly AccessChange[], notes: PlanNotes): MarkdownPart {
  const rows = changes.flatMap((change) => {
    const row = (word: string, line: AccessLine) =>
      `| ${subjectCell(change)} | ${word} ${cell(accessWords(line, notes.risks.get(line.role)))} |`;
    return [
      ...change.gains.map((line) => row('**gains**', line)),
      ...change.loses.map((line) => row('loses', line)),
    ];
  });
  return { head: ['| who | access |', '|---|---|'], rows, foot: [] };
}

/** Whose access it is, for a cell of a table. */
export function subjectCell({
  subjectKind,
  subject,
  email,
}: Pick<AccessChange, 'subjectKind' | 'subject' | 'email'>): string {
  return subjectKind === 'Token' ? `token ${cell(subject)}` : `${cell(subject)} ${code(email, 'cell')}`;
}

/** An item for each change, its fields below it; of like ones as many as `limit`. */
function changeItems(changes: readonly Change[], limit: number): string[] {
  const ordered = [...changes].sort((a, b) => KIND_NAMES.indexOf(a.kind) - KIND_NAMES.indexOf(b.kind));
  const groups = Map.groupBy(ordered, ({ action, kind, namespace }) =>
    JSON.stringify([action, kind, namespace]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const more = group.length - limit;
    if (more <= 0 || !first) return group.map((change) => changeItem(change, limit));
    const where = first.namespace === null ? '' : ` in ${prose(first.namespace)}`;
    const rest = `- ${code(changeSign(first.action))} … and ${count(more, `more ${first.kind}`)}${where}`;
    return [...group.slice(0, limit).map((change) => changeItem(change, limit)), rest];
  });
}

export function changeItem(change: Change, limit: number): string {
  const { action, origin, kind } = change;
  const remark = changeRemark(change);
  const where = origin ? ` (${code(`${origin.file}:${origin.line}`)})` : '';
  const fields = changedFields(change);
  const shown = fields.slice(0, limit).map((field) => `  - ${prose(shortened(fieldWords(kind, field)))}`);
  if (fields.length > limit) shown.push(`  - … and ${count(fields.length - limit, 'more field')}`);
  return [
    `- ${code(changeSign(action))} ${prose(changeName(change))}${remark === '' ? '' : `, ${prose(remark)}`}${where}`,
    ...shown,
  ].join('\n');
}

/** A description may be as long as a page; the file has all of it. */
function shortened(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

/**
 * A word that is plain text wherever it stands: no character that means something to Markdown, and nothing that a forge
 * makes a link of (an address of the web or of a person, a commit, an issue).
 */
const PLAIN = /^(?!.*(?:www\.|\bgh-\d|\b[0-9a-f]{7,}\b))(?:[\p{L}\p{N},.;()"'%/?+…→=-]|:(?=\d|$))+$|^>$/iu;

/** What would begin a list, a quotation or an underline where it stands first. */
const MARKER = /^(?:[-+>=]|\d+[.)]?$)/;

/** A sentence: words that are not plain stand in code, where nothing in them means anything. */
export function prose(text: string, place: 'line' | 'cell' = 'line'): string {
  const pieces: { plain: boolean; words: string[] }[] = [];
  for (const word of visible(text).trim().split(' ')) {
    const plain = word === '' || (PLAIN.test(word) && !(pieces.length === 0 && MARKER.test(word)));
    const last = pieces.at(-1);
    if (last && (last.plain === plain || word === '')) last.words.push(word);
    else pieces.push({ plain, words: [word] });
  }
  return pieces.map(({ plain, words }) => (plain ? words.join(' ') : code(words.join(' '), place))).join(' ');
}

function cell(text: string): string {
  return prose(text, 'cell');
}

/**
 * A code span. What could end it, or would mean something to a reader less strict than Markdown's rules, is written
 * like a character that cannot be seen: `\u003c` for `<`.
 */
export function code(text: string, place: 'line' | 'cell' = 'line'): string {
  const unsafe = place === 'cell' ? /<|\||(?<=\])\(|(?<![A-Za-z0-9])@/g : /<|(?<=\])\(|(?<![A-Za-z0-9])@/g;
  const safe = visible(text).replace(unsafe, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
  const fence = '`'.repeat(1 + Math.max(0, ...[...safe.matchAll(/`+/g)].map(([run]) => run.length)));
  const space = /^[ `]|[ `]$|^$/.test(safe) ? ' ' : '';
  return `${fence}${space}${safe}${space}${fence}`;
}
