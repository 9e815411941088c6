import { celEnv, parse } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { pointerPart } from './document.ts';
import type { Declared } from './manifest.ts';
import type { Problem } from './problem.ts';
import { showIdentity } from './resource.ts';
import { didYouMean } from './suggest.ts';

/** The variables that an expression may use, by `match.on` (safety.md, Policies). */
const VARIABLES = {
  Grant: ['grant', 'workspace', 'user', 'now'],
  Change: ['object', 'oldObject', 'action', 'workspace'],
} as const;

/** What a grant has (safety.md, Policies); the two times only where it has them. */
const GRANT_FIELDS = [
  'subjectKind',
  'subject',
  'email',
  'role',
  'risk',
  'scope',
  'via',
  'binding',
  'notBefore',
  'expiresAt',
];

/** Names of types, which CEL writes as identifiers: `type(x) == string`. */
const TYPES = [
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'timestamp',
  'type',
  'uint',
];

type Expr = NonNullable<ReturnType<typeof parse>['expr']>;

/** Every expression of the AccessPolicies that does not parse, or uses an unknown variable or function, at its place. */
export function checkExpressions(declared: readonly Declared[]): Problem[] {
  return declared.flatMap((one) => {
    const { id, resource } = one;
    if (resource.kind !== 'AccessPolicy') return [];
    const variables = VARIABLES[resource.spec.match.on];
    return resource.spec.validations.flatMap((validation) =>
      (['expression', 'messageExpression'] as const).flatMap((field): Problem[] => {
        const text = validation[field];
        if (text === undefined) return [];
        const pointer = `/spec/validations/${pointerPart(validation.expression)}/${field}`;
        return mistakes(text, variables).map(({ message, offset, hint }) => ({
          code: 'RC118',
          severity: 'error',
          message: `${showIdentity(id)}: ${field}: ${message}`,
          place: one.placeInside(pointer, offset),
          hint,
        }));
      }),
    );
  });
}

interface Mistake {
  readonly message: string;
  /** In the expression. */
  readonly offset: number;
  readonly hint?: string | undefined;
}

const functions = celEnv({ funcs: strings }).funcs;

function mistakes(text: string, variables: readonly string[]): Mistake[] {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(text);
  } catch (error) {
    return [syntaxMistake(error)];
  }
  const found: Mistake[] = [];
  const offsetOf = (expr: Expr) => parsed.sourceInfo?.positions[String(expr.id)] ?? 0;
  const visit = (expr: Expr | undefined, bound: readonly string[]): void => {
    const kind = expr?.exprKind;
    if (!expr || !kind) return;
    switch (kind.case) {
      case 'identExpr': {
        const { name } = kind.value;
        const known = [...variables, ...bound];
        if (known.includes(name) || TYPES.includes(name)) return;
        found.push({
          message: `there is no variable "${name}"`,
          offset: offsetOf(expr),
          hint: didYouMean(name, known) ?? `variables: ${variables.join(', ')}`,
        });
        return;
      }
      case 'selectExpr': {
        const { operand, field } = kind.value;
        const known = operand?.exprKind.case === 'identExpr' && operand.exprKind.value.name === 'grant';
        if (known && !bound.includes('grant') && !GRANT_FIELDS.includes(field))
          found.push({
            message: `grant has no field "${field}"`,
            offset: offsetOf(expr),
            hint: didYouMean(field, GRANT_FIELDS) ?? `fields: ${GRANT_FIELDS.join(', ')}`,
          });
        visit(operand, bound);
        return;
      }
      case 'callExpr': {
        const name = kind.value.function;
        if (/^[a-z]/i.test(name) && !functions.find(name)) {
          const known = [...functions].map((it) => it.name).filter((it) => /^[a-z]/i.test(it));
          found.push({
            message: `there is no function "${name}"`,
            offset: offsetOf(expr),
            hint: didYouMean(name, [...known, 'has', 'all', 'exists', 'exists_one', 'map', 'filter']),
          });
        }
        visit(kind.value.target, bound);
        for (const argument of kind.value.args) visit(argument, bound);
        return;
      }
      case 'listExpr':
        for (const element of kind.value.elements) visit(element, bound);
        return;
      case 'structExpr':
        for (const entry of kind.value.entries) {
          if (entry.keyKind.case === 'mapKey') visit(entry.keyKind.value, bound);
          visit(entry.value, bound);
        }
        return;
      case 'comprehensionExpr': {
        const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } =
          kind.value;
        visit(iterRange, bound);
        visit(accuInit, bound);
        const inner = [...bound, iterVar, iterVar2, accuVar];
        for (const part of [loopCondition, loopStep, result]) visit(part, inner);
        return;
      }
      case 'constExpr':
      case undefined:
        return;
    }
  };
  visit(parsed.expr, []);
  return found;
}

function syntaxMistake(error: unknown): Mistake {
  if (!(error instanceof Error)) throw error;
  const { rawMessage, location } = error as Error & {
    rawMessage?: string;
    location?: { start?: { offset?: number } };
  };
  const message = (rawMessage ?? error.message)
    .replace(/ but expecting .*$/s, '')
    .replace(/^found /, 'unexpected ');
  return { message: `does not parse: ${message}`, offset: location?.start?.offset ?? 0 };
}
