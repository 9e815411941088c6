import { dnsLabel, duration, grantLabels, labels, limit, scope, time } from '../kinds/schema.ts';
import { kindOf, type KindName } from '../kinds/index.ts';
import { pointerPart, pointerParts } from './document.ts';
import type { Place, Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

/** What a generated validator says is wrong (the part of an ajv error that is used here). */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Set when it is about a key of the mapping, which `propertyNames` says too. */
  readonly propertyName?: string;
}

/** What a pattern asks for, in words. */
const PATTERNS = new Map<string, string>([
  [dnsLabel.pattern, 'lower-case letters, digits and "-", beginning and ending with a letter or digit'],
  [time.pattern, 'a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z'],
  [duration.pattern, 'a duration such as 30m, 24h or 90d'],
  [scope.pattern, 'a capital letter, then letters and digits, such as Source'],
  [limit.anyOf[1].pattern, 'a number, or a percentage from 0% to 100%'],
  [grantLabels.propertyNames.pattern, 'a letter, then letters, digits and "-", at most 63'],
  [labels.propertyNames.pattern, 'a Kubernetes label key'],
  [labels.additionalProperties.pattern, 'a Kubernetes label value: letters, digits, "-", "_" and ".", at most 63'],
  ['^[^@]+@[^@]+$', 'an address with one @'],
  ['^[-._a-zA-Z0-9]+$', 'letters, digits, "-", "_" and "."'],
]);

type Property = { readonly properties?: Readonly<Record<string, Property>>; readonly items?: Property };

/** The fields that a schema knows at a path of the manifest. */
function knownFields(kind: KindName, parts: readonly string[]): string[] {
  if (parts.length === 0) return ['apiVersion', 'kind', 'metadata', 'spec'];
  if (parts[0] === 'metadata') return ['name', 'namespace', 'labels', 'annotations'];
  let schema: Property | undefined = kindOf(kind).schema as Property;
  for (const part of parts.slice(1)) schema = schema?.properties?.[part] ?? schema?.items;
  return Object.keys(schema?.properties ?? {});
}

/**
 * Errors of a validator as problems, one for each thing wrong.
 *
 * A missing field stands at the mapping that lacks it, an unknown one at its key, all else at the value.
 */
export function schemaProblems(
  kind: KindName,
  manifest: unknown,
  errors: readonly SchemaError[],
  place: (pointer?: string, key?: 'key') => Place,
): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const name = nameOf(kind, manifest);
  // The branches of an anyOf each complain; the anyOf itself says it all.
  const choices = new Set(errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath));
  for (const { instancePath, keyword, params, propertyName } of errors) {
    if (propertyName !== undefined || (choices.has(instancePath) && keyword !== 'anyOf')) continue;
    const parts = pointerParts(instancePath);
    const value = parts.reduce<unknown>(
      (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined),
      manifest,
    );
    const field = parts.filter((part) => part !== 'spec').join('.') || 'the manifest';
    const add = (code: Problem['code'], message: string, at: Place, hint?: string) => {
      const once = `${code} ${message} ${at.line}:${at.column}`;
      if (seen.has(once)) return;
      seen.add(once);
      problems.push({ code, severity: 'error', message: `${name}: ${message}`, place: at, hint });
    };
    if (value === null) {
      add('RC109', `${field} is null`, place(instancePath), 'give it a value, or remove the field for its default');
      continue;
    }
    const wrong = (message: string, hint?: string) => add('RC109', message, place(instancePath), hint);
    switch (keyword) {
      case 'additionalProperties': {
        const extra = String(params.additionalProperty);
        const known = knownFields(kind, parts);
        const where = parts.length === 0 || field === 'the manifest' ? '' : ` in ${field}`;
        add(
          'RC107',
          extra === 'namespace' && parts[0] === 'metadata'
            ? `${kind} is global and has no namespace`
            : `unknown field "${extra}"${where}`,
          place(`${instancePath}/${pointerPart(extra)}`, 'key'),
          didYouMean(extra, known) ?? elsewhere(kind, extra, parts) ?? `known here: ${known.join(', ')}`,
        );
        break;
      }
      case 'required': {
        const missing = String(params.missingProperty);
        const where = field === 'the manifest' ? '' : ` in ${field}`;
        add(
          'RC108',
          `missing field "${missing}"${where}`,
          place(instancePath),
          missing === 'namespace'
            ? 'name the workspace that it is in'
            : missing === 'resources'
              ? 'for the whole workspace write resources: [{type: Workspace}]'
              : undefined,
        );
        break;
      }
      case 'type':
        wrong(`${field} must be ${article(String(params.type))}, not ${describe(value)}`, quoteHint(params.type, value));
        break;
      case 'enum': {
        const allowed = (params.allowedValues as unknown[]).map(String);
        wrong(
          `${field} cannot be ${show(value)}`,
          didYouMean(String(value), allowed) ?? `allowed: ${allowed.join(', ')}`,
        );
        break;
      }
      case 'pattern':
        wrong(`${field} cannot be ${show(value)}`, PATTERNS.get(String(params.pattern)) ?? `it must match ${params.pattern}`);
        break;
      case 'propertyNames':
        add(
          'RC109',
          `${field} cannot have the key ${show(params.propertyName)}`,
          place(`${instancePath}/${pointerPart(String(params.propertyName))}`, 'key'),
          `a key is ${parts[0] === 'metadata' || parts.includes('matchLabels') ? 'a Kubernetes label key' : 'a letter, then letters, digits and "-", at most 63'}`,
        );
        break;
      case 'minLength':
        wrong(value === '' ? `${field} is empty` : `${field} is shorter than ${params.limit} characters`);
        break;
      case 'maxLength':
        wrong(`${field} is longer than ${params.limit} characters`);
        break;
      case 'minItems':
        wrong(`${field} is empty`, `at least ${params.limit} ${params.limit === 1 ? 'entry' : 'entries'}`);
        break;
      case 'maxItems':
        wrong(`${field} has ${(value as unknown[]).length} entries, at most ${params.limit} are allowed`);
        break;
      case 'minProperties':
        wrong(`${field} is empty`, 'remove it, or give at least one entry');
        break;
      case 'maxProperties':
        wrong(`${field} has more than ${params.limit} entries`);
        break;
      case 'minimum':
        wrong(`${field} is ${show(value)}, at least ${params.limit} is allowed`);
        break;
      case 'maximum':
        wrong(`${field} is ${show(value)}, at most ${params.limit} is allowed`);
        break;
      case 'anyOf':
        wrong(`${field} cannot be ${show(value)}`, PATTERNS.get(limit.anyOf[1].pattern));
        break;
      default:
        wrong(`${field} is not allowed (${keyword})`);
    }
  }
  return problems;
}

function nameOf(kind: KindName, manifest: unknown): string {
  const metadata = (manifest as { metadata?: { name?: unknown; namespace?: unknown } }).metadata;
  if (typeof metadata?.name !== 'string') return kind;
  return typeof metadata.namespace === 'string' ? `${kind} ${metadata.namespace}/${metadata.name}` : `${kind} ${metadata.name}`;
}

/** A field that stands at the wrong depth: beside spec instead of in it, or the other way round. */
function elsewhere(kind: KindName, field: string, parts: readonly string[]): string | undefined {
  if (parts.length === 0 && knownFields(kind, ['spec']).includes(field)) return `"${field}" belongs into spec`;
  if (parts[0] !== 'metadata' && ['name', 'namespace', 'labels', 'annotations'].includes(field) && parts.length <= 1)
    return `"${field}" belongs into metadata`;
  return undefined;
}

function article(type: string): string {
  const words: Readonly<Record<string, string>> = {
    object: 'a mapping',
    array: 'a list',
    string: 'a text',
    integer: 'a whole number',
    boolean: 'true or false',
  };
  return words[type] ?? type;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? show(value) : `the ${typeof value} ${show(value)}`;
}

function quoteHint(type: unknown, value: unknown): string | undefined {
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return `quote it: "${value}"`;
  if (type === 'boolean' && typeof value === 'string') return 'write true or false without quotes';
  return undefined;
}

/** A value, cut to what fits a line. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
