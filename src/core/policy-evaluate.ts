import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { PolicyValue, PolicyWork } from './policy-input.ts';

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

/**
 * Evaluates every validation of a policy on every item. Takes as long as it takes: the caller must bound it.
 *
 * An expression that does not compile, fails, or gives anything but true or false, is a failure of the item.
 */
export function evaluatePolicy({
  validations,
  items,
}: Pick<PolicyWork, 'validations' | 'items'>): PolicyFinding[] {
  const compiled = validations.map(({ expression, message, messageExpression }) => ({
    expression,
    message,
    messageExpression,
    test: compile(expression),
    say: messageExpression === undefined ? undefined : compile(messageExpression),
  }));
  return items.flatMap((item, index) => {
    const bindings: Record<string, CelInput> = {};
    for (const [name, value] of Object.entries(item.variables)) {
      const long = tooLong(value);
      if (long)
        return [
          { item: index, is: 'failure', message: `${item.what}: ${name} has a list of over 10,000 entries` },
        ];
      bindings[name] = toCel(value);
    }
    return compiled.flatMap(({ expression, message, messageExpression, test, say }): PolicyFinding[] => {
      const result = attempt(test, bindings);
      if ('cause' in result)
        return [
          { item: index, is: 'failure', message: cut(`${item.what}: ${show(expression)}: ${result.cause}`) },
        ];
      if (result.value === true) return [];
      if (result.value !== false)
        return [
          {
            item: index,
            is: 'failure',
            message: cut(`${item.what}: ${show(expression)} is neither true nor false`),
          },
        ];
      if (message !== undefined) return [{ item: index, is: 'violation', message: cut(message) }];
      const said = say ? attempt(say, bindings) : { cause: 'there is none' };
      const words =
        'value' in said && typeof said.value === 'string'
          ? said.value
          : `${show(expression)} is not true, and its messageExpression ${show(messageExpression ?? '')} ${'cause' in said ? `cannot be evaluated: ${said.cause}` : 'gives no text'}`;
      return [{ item: index, is: 'violation', message: cut(words) }];
    });
  });
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

function tooLong(value: PolicyValue): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.values(value);
  return entries.length > MOST_ENTRIES || entries.some(tooLong);
}

function toCel(value: PolicyValue): CelInput {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: PolicyValue) => toCel(one));
  const entries = Object.entries(value as { [key: string]: PolicyValue });
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === '$time' && typeof first[1] === 'number')
    return timestampFromMs(first[1]);
  return new Map(entries.map(([key, one]) => [key, toCel(one)]));
}

function show(expression: string): string {
  return JSON.stringify(expression.length > 80 ? `${expression.slice(0, 79)}…` : expression);
}

function cut(text: string): string {
  return text.length > LONGEST_MESSAGE
    ? `${text.slice(0, LONGEST_MESSAGE - 1).replace(/[\ud800-\udbff]$/, '')}…`
    : text;
}
