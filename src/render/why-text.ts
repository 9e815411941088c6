import type { Subject } from '../core/access.ts';
import { pointerParts } from '../core/document.ts';
import type { GrantFacts } from '../core/grant-facts.ts';
import type { GrantPart } from '../core/grant-parts.ts';
import type { Bar, Target } from '../core/question.ts';
import { OWNER_ROLE } from '../kinds/catalogue.ts';
import { showTime } from '../kinds/time.ts';
import {
  type AnswerTextOptions,
  accessLine,
  atWords,
  barWords,
  subjectWords,
  targetWords,
} from './answer-text.ts';
import { count, visible, wrap } from './lines.ts';
import { accessWords } from './plan-words.ts';

export type DeclaredGrant = GrantFacts & { readonly declared: readonly GrantPart[] };

export interface WhyAnswer {
  readonly subject: Subject;
  /** Empty for a Token. */
  readonly email: string;
  /** Undefined for all. */
  readonly workspace: string | undefined;
  readonly target: Target;
  /** By workspace; those that have ended last in each. */
  readonly grants: readonly DeclaredGrant[];
  /** Why there are none, when there is more to say. */
  readonly bars: readonly Bar[];
}

/** Every grant of somebody, with its state, the way that it comes, and where each part of it is declared. */
export function whyText(answer: WhyAnswer, options: AnswerTextOptions): string {
  const { grants, bars } = answer;
  const { paint, width, most, at } = options;
  const head = paint('strong', wrap(visible(`${summary(answer)}${atWords(at)}`), width, '  '));
  if (grants.length === 0) {
    const place = { role: '', workspace: answer.workspace ?? '' };
    return `${[head, ...bars.map((bar) => wrap(`  ${visible(barWords(bar, place))}`, width, '    '))].join('\n')}\n`;
  }
  const byWorkspace = Map.groupBy(grants.slice(0, most), ({ workspace }) => workspace);
  const parts = [...byWorkspace].map(([workspace, some]) =>
    [paint('strong', visible(workspace)), ...some.map((grant) => grantText(grant, options))].join('\n'),
  );
  const rest = grants.length - most;
  if (rest > 0) parts.push(`… and ${count(rest, 'more', 'more')} (all of them with -v)`);
  return `${[head, ...parts].join('\n\n')}\n`;
}

function summary({ subject, email, workspace, target, grants }: WhyAnswer): string {
  const who = subject.kind === 'Token' ? subjectWords(subject) : `${subject.name} <${email}>`;
  const about = target.resource || target.labels;
  const where = about
    ? ` that ${grants.length === 1 ? 'bears' : 'bear'} on ${targetWords(target, workspace ?? 'any workspace').slice('on '.length)}`
    : workspace === undefined
      ? ''
      : ` in ${workspace}`;
  if (grants.length === 0) return `${who} has no grants${where}`;
  const active = grants.filter((grant) => grant.active).length;
  return `${who} has ${count(grants.length, 'grant')}${where}, ${active === grants.length ? (active === 1 ? 'which is active' : 'all active') : `${active} active`}`;
}

function grantText(grant: DeclaredGrant, { paint, width }: AnswerTextOptions): string {
  const { role, includes, state, expiresAt, reason } = grant;
  const line = accessLine(grant, role);
  // An end that is past is what the state tells.
  const words = accessWords(state === 'Expired' ? { ...line, until: null } : line);
  const shown = state === 'Expired' && expiresAt !== null ? `Expired at ${showTime(expiresAt)}` : state;
  const tone = grant.active ? 'good' : state === 'Expired' ? 'faint' : 'warn';
  const first = wrap(`  ${shown.startsWith('From ') ? 'Not yet' : shown}: ${words}`, width, '    ').replace(
    /^ {2}[^:]+?(?=: )/,
    (word) => `  ${paint(tone, word.slice(2))}`,
  );
  const more = [
    role === OWNER_ROLE
      ? 'includes every role'
      : includes.length > 0
        ? `includes ${includes.join(', ')}`
        : '',
    reason === '' ? '' : `reason: ${reason.replaceAll('\n', ' ')}`,
    ...grant.declared.flatMap((part) => partWords(part)),
  ].filter(Boolean);
  return [first, ...more.map((text) => wrap(`    ${visible(text)}`, width, '      '))].join('\n');
}

/** Of all that a grant rests on, who is named where: the subject of the binding, each member, a token's own role. */
function partWords({ id, pointer, file, line, column, revision, at, by }: GrantPart): string[] {
  const [kind = '', , name = ''] = id.split('/');
  const [, field, entry = ''] = pointerParts(pointer);
  const what =
    field === 'subjects' || field === 'members'
      ? `${entry.replace(':', ' ')} in ${kind} ${name}`
      : kind === 'Token'
        ? `role of Token ${name}`
        : undefined;
  if (what === undefined) return [];
  const where =
    file !== null
      ? `${file}:${line}:${column}`
      : revision !== null && at !== null
        ? `revision ${revision}, ${showTime(at.replace(/\.\d+Z$/, 'Z'))}, ${by}`
        : 'of unknown origin';
  return [`${what}: ${where}`];
}
