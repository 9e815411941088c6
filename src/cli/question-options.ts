import type { Subject } from '../core/access.ts';
import type { Declared } from '../core/manifest.ts';
import { EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import type { Target } from '../core/question.ts';
import type { Identity } from '../core/resource.ts';
import type { State } from '../core/state.ts';
import { didYouMean } from '../core/suggest.ts';
import { readSource } from '../engine/load.ts';
import { type Asked, stateAfter, stateNow, stateThen } from '../engine/questions.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { type KindName, kindOf } from '../kinds/index.ts';
import type { Context } from './context.ts';
import { hasSource, type InputOptions, planOptions, sourceOf, storeOf } from './inputs.ts';
import { denialProblems, reportWarnings } from './report.ts';
import { timeOption } from './settings.ts';

/** The options that can-i, who-can and why share. */
export interface QuestionOptions extends InputOptions {
  readonly output: 'text' | 'json';
  readonly resource?: string;
  readonly resourceLabels?: string;
  readonly at?: string;
}

/** What a question is asked of, and for when (milliseconds). */
export interface AskedAt extends Asked {
  readonly at: number;
  /** What the manifests of `-f` declare. */
  readonly declared: ReadonlyMap<Identity, Declared>;
}

/**
 * Reads what the options say that a question is asked of: the store as it is, as it was, or as the plan of `-f` would
 * leave it. Says what there is to warn of. What is asked is asked by `use`.
 */
export async function withAsked<T>(
  context: Context,
  options: QuestionOptions,
  use: (asked: AskedAt) => Promise<T>,
): Promise<T> {
  const asked = await askedOf(context, options);
  try {
    return await use(asked);
  } finally {
    await asked.close();
  }
}

async function askedOf(context: Context, options: QuestionOptions): Promise<AskedAt> {
  const at = timeOption(options.at, context);
  const past = options.at !== undefined && at < context.now();
  const { workspace, ...everywhere } = options;
  const store = await storeOf(options, context);
  if (!hasSource(options)) {
    const asked = past ? await stateThen(store, workspace, at) : await stateNow(store);
    return { ...asked, at, declared: new Map() };
  }
  if (past)
    throw failure(
      EXIT.invalid,
      'RC121',
      `--at ${options.at} is past: a plan of files cannot have been applied then`,
      'leave --at or -f out',
    );
  // -n says which workspace is asked about, not which part of the files counts.
  const input = await readSource(sourceOf(options, context));
  const planned = await stateAfter(store, input, planOptions(everywhere, context), at);
  const denials = denialProblems(planned.verdicts).map((problem) => ({
    ...problem,
    message: `this plan would be refused: ${problem.message}`,
    hint: undefined,
    severity: 'warn' as const,
  }));
  reportWarnings(context, options, [...planned.warnings, ...denials]);
  return { ...planned, at };
}

/** The workspace of `-n`, which a question about a role needs. */
export function workspaceOption({ workspace }: QuestionOptions): string {
  if (workspace !== undefined) return workspace;
  throw failure(EXIT.invalid, 'RC121', 'a role is held in a workspace: which one?', 'name it with -n');
}

/** What `--resource` and `--resource-labels` say. */
export function targetOption({ resource, resourceLabels }: QuestionOptions): Target {
  return {
    ...(resource === undefined ? {} : { resource: resourceOf(resource) }),
    ...(resourceLabels === undefined ? {} : { labels: labelsOf(resourceLabels) }),
  };
}

function resourceOf(text: string): Target['resource'] {
  const [, type = '', id = ''] = /^([A-Z][A-Za-z0-9]{0,62})\/([^\p{Cc}]{1,256})$/u.exec(text) ?? [];
  const wrong = (hint: string) =>
    failure(EXIT.invalid, 'RC121', `--resource cannot be ${JSON.stringify(text)}`, hint);
  if (type === 'Workspace') throw wrong('the whole workspace is meant where there is no --resource');
  if (type === '') throw wrong('TYPE/ID, such as Source/website');
  return { type, id };
}

function labelsOf(text: string): Record<string, string> {
  const wrong = (hint: string) =>
    failure(EXIT.invalid, 'RC121', `--resource-labels cannot be ${JSON.stringify(text)}`, hint);
  const labels = new Map<string, string>();
  for (const pair of text.split(',')) {
    const [, key, value] = /^([A-Za-z][A-Za-z0-9-]{0,62})=([A-Za-z][A-Za-z0-9-]{0,62})$/.exec(pair) ?? [];
    if (key === undefined || value === undefined)
      throw wrong('k=v, joined by commas, such as environment=prod,tier=gold');
    if (labels.has(key)) throw wrong(`a resource has one value of ${key}`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

/** Throws a Failure (exit 4) of all that is not undefined. */
export function refuse(...problems: readonly (Problem | undefined)[]): void {
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new Failure(EXIT.invalid, found);
}

function unknown(what: string, name: string, where: string, names: string[], hint: string): Problem {
  return {
    code: 'RC126',
    severity: 'error',
    message: `there is no ${what} "${name}"${where}`,
    hint: didYouMean(name, names) ?? hint,
  };
}

export function unknownWorkspace(state: State, name: string | undefined): Problem | undefined {
  if (name === undefined || state.get('Workspace', undefined, name)) return undefined;
  return unknown('workspace', name, '', namesOf(state, 'Workspace'), 'iam get workspaces');
}

export function unknownRole(state: State, name: string): Problem | undefined {
  if (state.get('Role', undefined, name)) return undefined;
  const names = [...CATALOGUE.keys(), ...namesOf(state, 'Role')];
  return unknown('Role', name, '', names, 'iam explain roles, iam get roles');
}

export function unknownSubject(state: State, { kind, namespace, name }: Subject): Problem | undefined {
  if (state.get(kind, namespace, name)) return undefined;
  const where = namespace === undefined ? '' : ` in workspace ${namespace}`;
  return unknown(kind, name, where, namesOf(state, kind, namespace), `iam get ${kindOf(kind).plural}`);
}

function namesOf(state: State, kind: KindName, namespace?: string): string[] {
  return state
    .ofKind(kind)
    .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
    .map(({ metadata }) => metadata.name);
}

/** `USER`, or `token/NAME` of the workspace of `-n`; without it of the only workspace that has such a token. */
export function subjectArgument(word: string, state: State, workspace: string | undefined): Subject {
  if (!word.startsWith('token/')) return { kind: 'User', namespace: undefined, name: word };
  const name = word.slice('token/'.length);
  if (workspace !== undefined) return { kind: 'Token', namespace: workspace, name };
  const places = state
    .ofKind('Token')
    .flatMap(({ metadata }) => (metadata.name === name ? [metadata.namespace ?? ''] : []));
  if (places.length < 2) return { kind: 'Token', namespace: places[0], name };
  throw failure(
    EXIT.invalid,
    'RC121',
    `there is a Token "${name}" in ${places.length} workspaces: which one?`,
    `name it with -n: ${places.sort().join(', ')}`,
  );
}
