import type { Code } from '../core/code.ts';
import { readYaml } from '../core/document.ts';
import { EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import { article, describe } from '../core/schema-problem.ts';
import { didYouMean } from '../core/suggest.ts';
import { configSchema } from './config-schema.ts';

/** Where it is, from the root of the repository. */
export const CONFIG_FILE = '.rolecall/gitops.yaml';

const WITH = 'apiVersion, kind: GitOps and paths: [access]';

/** What to write where something of another type stands. */
const HINTS: Readonly<Record<string, string>> = {
  string: 'write one text, in quotes where it looks like something else',
  array: 'begin each entry with "- ", or write [ ] around them',
  object: 'write "key: value" lines below it',
  boolean: 'without quotes',
};

/** How pull requests of a repository are planned and applied. */
export interface GitOpsConfig {
  readonly paths: readonly string[];
  readonly prune: boolean;
  readonly manager: string;
  /** By login in lower case. */
  readonly people: ReadonlyMap<string, string>;
  /** Logins in lower case. */
  readonly overrides: ReadonlyMap<Code, ReadonlySet<string>>;
  readonly environment: string | undefined;
  readonly app: string | undefined;
}

/**
 * Reads the configuration. Throws a Failure (RC601, exit 4) with every problem and its place; `text` is undefined where there
 * is no such file.
 */
export function readConfig(text: string | undefined, file = CONFIG_FILE): GitOpsConfig {
  if (text === undefined)
    throw failure(
      EXIT.invalid,
      'RC601',
      `there is no ${CONFIG_FILE} in the base of the pull request`,
      `one with ${WITH} will do`,
    );
  const { documents, problems } = readYaml(file, text);
  const [document] = documents;
  if (problems.length > 0) throw new Failure(EXIT.invalid, problems);
  if (!document || documents.length > 1)
    throw failure(EXIT.invalid, 'RC601', `${file}: must be one document`, `one with ${WITH} will do`);
  const found: Problem[] = [];
  const wrong = (pointer: string, message: string, hint?: string, key?: 'key') =>
    found.push({ code: 'RC601', severity: 'error', message, place: document.place(pointer, key), hint });
  checkValue(document.value, configSchema as Schema, '', wrong);
  if (found.length > 0) throw new Failure(EXIT.invalid, found);
  const value = document.value as Written;
  refuseTwice(Object.keys(value.people ?? {}), wrong);
  if (found.length > 0) throw new Failure(EXIT.invalid, found);
  const lower = (logins: readonly string[]) => new Set(logins.map((login) => login.toLowerCase()));
  return {
    paths: value.paths,
    prune: value.prune ?? false,
    manager: value.manager ?? 'default',
    people: new Map(Object.entries(value.people ?? {}).map(([login, user]) => [login.toLowerCase(), user])),
    overrides: new Map(
      Object.entries(value.overrides ?? {}).map(([code, logins]) => [code as Code, lower(logins)]),
    ),
    environment: value.environment,
    app: value.app,
  };
}

interface Written {
  readonly paths: readonly string[];
  readonly prune?: boolean;
  readonly manager?: string;
  readonly people?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, readonly string[]>>;
  readonly environment?: string;
  readonly app?: string;
}

/** A forge tells logins apart without regard to case. */
function refuseTwice(logins: readonly string[], wrong: Wrong): void {
  const seen = new Set<string>();
  for (const login of logins) {
    if (seen.has(login.toLowerCase()))
      wrong(pointerTo('/people', login), `people has ${login} twice`, 'who is it? leave one out', 'key');
    seen.add(login.toLowerCase());
  }
}

function pointerTo(parent: string, key: string): string {
  return `${parent}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** As much of JSON Schema as `configSchema` uses; a test holds that both judge alike. */
interface Schema {
  readonly type?: string;
  readonly const?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: false | Schema;
  readonly required?: readonly string[];
}

type Wrong = (pointer: string, message: string, hint?: string, key?: 'key') => void;

function checkValue(value: unknown, schema: Schema, pointer: string, wrong: Wrong): void {
  const name = pointer === '' ? CONFIG_FILE : pointer.slice(1).replaceAll('/', '.');
  if (schema.const !== undefined) {
    if (value !== schema.const)
      wrong(pointer, `${name} must be ${schema.const}, not ${describe(value)}`, `write ${schema.const}`);
    return;
  }
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  if (schema.type !== undefined && type !== schema.type) {
    wrong(pointer, `${name} must be ${article(schema.type)}, not ${describe(value)}`, HINTS[schema.type]);
    return;
  }
  if (typeof value === 'string') checkText(value, schema, pointer, name, wrong);
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) wrong(pointer, `${name} is empty`, 'at least 1 entry');
    for (const [at, item] of value.entries()) checkValue(item, schema.items ?? {}, `${pointer}/${at}`, wrong);
  } else if (typeof value === 'object' && value !== null) checkMapping(value, schema, pointer, name, wrong);
}

function checkText(value: string, schema: Schema, pointer: string, name: string, wrong: Wrong): void {
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  if (value.length < minLength) wrong(pointer, `${name} is empty`, 'give it a value');
  else if (value.length > maxLength)
    wrong(pointer, `${name} is longer than ${maxLength} characters`, 'shorten it');
  else if (pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    wrong(pointer, `${name} cannot be ${describe(value)}`, `it must match ${pattern}`);
}

function checkMapping(value: object, schema: Schema, pointer: string, name: string, wrong: Wrong): void {
  const known = Object.keys(schema.properties ?? {});
  for (const missing of schema.required ?? [])
    if (!Object.hasOwn(value, missing))
      wrong(pointer, `${name} lacks ${missing}`, `one with ${WITH} will do`);
  for (const [key, one] of Object.entries(value)) {
    const own = Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[key] : undefined;
    const at = pointerTo(pointer, key);
    if (own) checkValue(one, own, at, wrong);
    else if (schema.additionalProperties === false)
      wrong(
        at,
        `unknown field ${JSON.stringify(key)}`,
        didYouMean(key, known) ?? `known here: ${known.join(', ')}`,
        'key',
      );
    else checkValue(one, schema.additionalProperties ?? {}, at, wrong);
  }
}
