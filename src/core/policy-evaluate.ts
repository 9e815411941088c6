import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { PolicyItem, PolicyWork } from './policy-input.ts';
import type { PolicyValue } from './policy-object.ts';

/** What a policy says of one thing that it looked at. */
export interface PolicyFinding {
  /** Index among the items. */
  readonly item: number;
  /** Not satisfied, or it could not be evaluated. */
  readonly is: 'violation' | 'failure';
  readonly message: string;
}

/** Lists given to an expression are no longer than this (safety.md, Hostile input). */
const MOST_ENTRIES = 10_000;

/** Messages are cut to this many characters. */
const LONGEST_MESSAGE = 300;

const env = celEnv({ funcs: strings });

type Evaluate = (bindings: Record<string, CelInput>) => unknown;

/** A policy ready to evaluate items: indexes of findings are those of the items of each call. */
export type EvaluateItems = (items: readonly PolicyItem[]) => PolicyFinding[];

/**
 * Compiles the validations of a policy. Never throws.
 *
 * The function that comes back evaluates every validation on every item, and never throws either. It takes as long as it
 * takes: the caller must bound it. An expression that does not compile, fails, or gives anything but true or false, is a
 * failure of the item.
 */
export function compilePolicy(validations: PolicyWork['validations']): EvaluateItems {
  const compiled = validations.map(({ expression, message, messageExpression }): Compiled => {
    const say = messageExpression === undefined ? undefined : compile(messageExpression);
    return { shown: show(expression), test: compile(expression), message, say };
  });
  // To read what no expression names would take longer than to evaluate.
  const texts = validations.flatMap(({ expression, messageExpression = '' }) => [
    expression,
    messageExpression,
  ]);
  const isNamed = (name: string) => texts.some((text) => text.includes(name));
  return (items) => {
    // Items share what is the same for them, such as their workspace.
    const known = new Map<PolicyValue | undefined, CelInput>();
    return items.flatMap(({ what, variables }, item) => {
      const bindings: Record<string, CelInput> = {};
      for (const name of Object.keys(variables).filter(isNamed)) {
        const value = variables[name];
        try {
          bindings[name] = known.get(value) ?? toCel(value ?? null);
          known.set(value, bindings[name]);
        } catch (error) {
          return [{ item, is: 'failure', message: cut(`${what}: ${name} ${messageOf(error)}`) }];
        }
      }
      return compiled.flatMap((one): PolicyFinding[] => {
        const said = validate(one, bindings);
        if (said === null) return [];
        const message = said.is === 'failure' ? `${what}: ${one.shown}${said.message}` : said.message;
        return [{ item, is: said.is, message: cut(message) }];
      });
    });
  };
}

interface Compiled {
  /** The expression, for people. */
  readonly shown: string;
  readonly test: Evaluate | string;
  readonly message: string | undefined;
  readonly say: Evaluate | string | undefined;
}

function validate(
  { shown, test, message, say }: Compiled,
  bindings: Record<string, CelInput>,
): Omit<PolicyFinding, 'item'> | null {
  const result = attempt(test, bindings);
  if ('cause' in result) return { is: 'failure', message: `: ${result.cause}` };
  if (result.value === true) return null;
  if (result.value !== false) return { is: 'failure', message: ' is neither true nor false' };
  if (message !== undefined) return { is: 'violation', message };
  const said = say === undefined ? { cause: 'there is none' } : attempt(say, bindings);
  if ('value' in said && typeof said.value === 'string') return { is: 'violation', message: said.value };
  const cause = 'cause' in said ? said.cause : 'it gives no string';
  return {
    is: 'violation',
    message: `${shown} is not true, and its messageExpression cannot be evaluated: ${cause}`,
  };
}

function compile(text: string): Evaluate | string {
  try {
    return plan(env, parse(text)) as Evaluate;
  } catch (error) {
    return messageOf(error);
  }
}

function attempt(
  evaluate: Evaluate | string,
  bindings: Record<string, CelInput>,
): { value: unknown } | { cause: string } {
  if (typeof evaluate === 'string') return { cause: evaluate };
  try {
    const value = evaluate(bindings);
    return isCelError(value) ? { cause: messageOf(value) } : { value };
  } catch (error) {
    // The evaluator throws on a stack that overflows, among others: whatever it is, the policy was not evaluated.
    return { cause: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error
    ? error.message
    : typeof error === 'object' && error !== null && 'message' in error
      ? String(error.message)
      : String(error);
}

/** A value as CEL sees it. Throws on a list that is too long. */
function toCel(value: PolicyValue): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) {
    if (value.length > MOST_ENTRIES) throw new RangeError('has a list of over 10,000 entries');
    return value.map(toCel);
  }
  const names = Object.keys(value);
  if (names.length > MOST_ENTRIES) throw new RangeError('has a map of over 10,000 entries');
  const { $time: time } = value;
  if (names.length === 1 && typeof time === 'number') return timestampFromMs(time);
  const map = new Map<string, CelInput>();
  for (const name of names) map.set(name, toCel(value[name] ?? null));
  return map;
}

function isList(value: PolicyValue): value is readonly PolicyValue[] {
  return Array.isArray(value);
}

function show(expression: string): string {
  return JSON.stringify(expression.length > 80 ? `${expression.slice(0, 79)}…` : expression);
}

function cut(text: string): string {
  return text.length > LONGEST_MESSAGE
    ? `${text.slice(0, LONGEST_MESSAGE - 1).replace(/[\ud800-\udbff]$/, '')}…`
    : text;
}
