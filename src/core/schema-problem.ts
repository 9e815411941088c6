import { type KindName, kindOf } from '../kinds/index.ts';
import { dnsLabel, duration, grantLabels, labels, limit, scope, time } from '../kinds/schema.ts';
import { LIMITS, pointerPart, pointerParts } from './document.ts';
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
  [
    labels.propertyNames.pattern,
    'letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before',
  ],
  [
    labels.additionalProperties.pattern,
    'letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit',
  ],
  ['^[^@]+@[^@]+$', 'an address with one @'],
  ['^[-._a-zA-Z0-9]+$', 'letters, digits, "-", "_" and "."'],
]);

interface Property {
  readonly properties?: Readonly<Record<string, Property>>;
  readonly items?: Property;
  readonly required?: readonly string[];
}

const METADATA = ['name', 'namespace', 'labels', 'annotations'];

/** The fields that a schema knows at a path of the manifest. */
function knownFields(kind: KindName, parts: readonly string[]): string[] {
  if (parts.length === 0) return ['apiVersion', 'kind', 'metadata', 'spec'];
  return parts[0] === 'metadata' ? METADATA : Object.keys(schemaAt(kind, parts)?.properties ?? {});
}

/** The schema at a path that begins with `spec`. */
function schemaAt(kind: KindName, parts: readonly string[]): Property | undefined {
  let schema: Property | undefined = kindOf(kind).schema as Property;
  for (const part of parts.slice(1)) schema = schema?.properties?.[part] ?? schema?.items;
  return schema;
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
  if (errors.length === 0) return problems;
  const seen = new Set<string>();
  const name = nameOf(kind, manifest);
  // An anyOf says what all of its branches say, an enum more than the type beside it.
  const said = new Set<string>();
  for (const { keyword, instancePath } of errors)
    if (keyword === 'anyOf' || keyword === 'enum') said.add(instancePath);
  for (const { instancePath, keyword, params, propertyName } of errors) {
    if (problems.length >= LIMITS.problems) break;
    if (propertyName !== undefined || (said.has(instancePath) && keyword !== 'anyOf' && keyword !== 'enum'))
      continue;
    const parts = pointerParts(instancePath);
    let value = manifest;
    for (const part of parts) value = (value as Record<string, unknown>)[part];
    const field = showPath(manifest, parts);
    const where = parts.length === 0 || (parts.length === 1 && parts[0] === 'spec') ? '' : ` in ${field}`;
    const add = (code: Problem['code'], message: string, at: Place, hint?: string) => {
      const once = `${code} ${message} ${at.line}:${at.column}`;
      if (seen.has(once)) return;
      seen.add(once);
      problems.push({ code, severity: 'error', message: `${name}: ${message}`, place: at, hint });
    };
    if (value === null) {
      add('RC109', `${field} is null`, place(instancePath), nullHint(kind, parts));
      continue;
    }
    const wrong = (message: string, hint?: string) => add('RC109', message, place(instancePath), hint);
    switch (keyword) {
      case 'additionalProperties': {
        const extra = String(params.additionalProperty);
        const known = knownFields(kind, parts);
        add(
          'RC107',
          `unknown field ${show(extra)}${where}`,
          place(`${instancePath}/${pointerPart(extra)}`, 'key'),
          elsewhere(kind, extra, parts) ?? didYouMean(extra, known) ?? `known here: ${known.join(', ')}`,
        );
        break;
      }
      case 'required': {
        const missing = String(params.missingProperty);
        add(
          'RC108',
          `missing field "${missing}"${where}`,
          place(instancePath),
          missingHint(kind, missing, parts),
        );
        break;
      }
      case 'type':
        wrong(
          `${field} must be ${article(String(params.type))}, not ${describe(value)}`,
          typeHint(params.type, value, knownFields(kind, parts)),
        );
        break;
      case 'enum': {
        const allowed = (params.allowedValues as unknown[]).map(String);
        wrong(
          `${field} cannot be ${show(value)}`,
          (typeof value === 'string' ? didYouMean(value, allowed) : undefined) ??
            `allowed: ${allowed.join(', ')}`,
        );
        break;
      }
      case 'pattern':
        wrong(
          `${field} cannot be ${show(value)}`,
          PATTERNS.get(String(params.pattern)) ?? `it must match ${params.pattern}`,
        );
        break;
      case 'propertyNames':
        add(
          'RC109',
          `${field} cannot have the key ${show(params.propertyName)}`,
          place(`${instancePath}/${pointerPart(String(params.propertyName))}`, 'key'),
          PATTERNS.get(
            parts.at(-1) === 'labels' && parts[0] === 'spec'
              ? grantLabels.propertyNames.pattern
              : labels.propertyNames.pattern,
          ),
        );
        break;
      case 'minLength':
        wrong(
          value === '' ? `${field} is empty` : `${field} is shorter than ${params.limit} characters`,
          'give it a value',
        );
        break;
      case 'maxLength':
        wrong(`${field} is longer than ${counted(params.limit)} characters`, 'shorten it');
        break;
      case 'minItems':
        wrong(`${field} is empty`, `at least ${params.limit} ${params.limit === 1 ? 'entry' : 'entries'}`);
        break;
      case 'maxItems':
        wrong(
          `${field} has ${counted((value as unknown[]).length)} entries, at most ${counted(params.limit)} are allowed`,
          'split it',
        );
        break;
      case 'minProperties':
        wrong(`${field} is empty`, 'remove it, or give at least one entry');
        break;
      case 'maxProperties':
        wrong(`${field} has more than ${params.limit} entries`, 'remove some');
        break;
      case 'minimum':
        wrong(`${field} is ${show(value)}, at least ${params.limit} is allowed`);
        break;
      case 'maximum':
        wrong(`${field} is ${show(value)}, at most ${params.limit} is allowed`);
        break;
      case 'anyOf': {
        const most = limit.anyOf[0].maximum;
        wrong(
          `${field} cannot be ${show(value)}`,
          typeof value === 'number' && value > most
            ? `at most ${counted(most)}`
            : PATTERNS.get(limit.anyOf[1].pattern),
        );
        break;
      }
      default:
        wrong(`${field} is not allowed (${keyword})`);
    }
  }
  return problems;
}

/** Which resource a manifest is about, as far as it says so. */
export function nameOf(kind: KindName, manifest: unknown): string {
  const metadata = (manifest as { metadata?: { name?: unknown; namespace?: unknown } | null }).metadata;
  const name = metadata?.name;
  if (typeof name !== 'string' || name === '') return kind;
  const namespace = typeof metadata?.namespace === 'string' ? `${cut(metadata.namespace)}/` : '';
  return `${kind} ${namespace}${cut(name)}`;
}

/** A path of a manifest as people write it, without spec: `members[2].name`. */
export function showPath(manifest: unknown, parts: readonly string[]): string {
  let value = manifest;
  let path = '';
  for (const part of parts) {
    path += Array.isArray(value) ? `[${part}]` : /^[\w-]+$/.test(part) ? `.${part}` : `[${show(part)}]`;
    value = (value as Record<string, unknown> | null | undefined)?.[part];
  }
  return path.slice(1).replace(/^spec[.]/, '') || 'the manifest';
}

function nullHint(kind: KindName, parts: readonly string[]): string {
  const last = parts.at(-1) ?? '';
  if (/^\d+$/.test(last)) return 'write the entry, or remove it';
  const parent = parts[0] === 'spec' ? schemaAt(kind, parts.slice(0, -1)) : undefined;
  const required =
    parts.length === 1 || last === 'name' || last === 'namespace' || parent?.required?.includes(last);
  return required ? 'give it a value' : 'give it a value, or remove the field for its default';
}

/** A field that stands at the wrong depth: beside spec instead of in it, or the other way round. */
function elsewhere(kind: KindName, field: string, parts: readonly string[]): string | undefined {
  if (field === '<<') return 'merge keys are not YAML 1.2: write the fields themselves';
  if (parts.length > 1) return undefined;
  if (parts[0] !== 'spec' && knownFields(kind, ['spec']).includes(field))
    return `"${field}" belongs into spec`;
  if (parts[0] !== 'metadata' && METADATA.includes(field)) return `"${field}" belongs into metadata`;
  return undefined;
}

function missingHint(kind: KindName, field: string, parts: readonly string[]): string {
  if (field === 'namespace') return 'name the workspace that it is in';
  if (field === 'resources') return 'for the whole workspace write resources: [{type: Workspace}]';
  if (parts.length === 0) return 'every manifest has apiVersion, kind, metadata and spec';
  const path = [...parts.filter((part) => part !== 'spec' && !/^\d+$/.test(part)), field];
  return `what it is: iam explain ${kind.toLowerCase()}.${path.join('.')}`;
}

export function article(type: string): string {
  const words: Readonly<Record<string, string>> = {
    object: 'a mapping',
    array: 'a list',
    string: 'a text',
    integer: 'a whole number',
    boolean: 'true or false',
  };
  return words[type] ?? type;
}

export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return value === null ? 'null' : 'a mapping';
  return typeof value === 'number' ? `the number ${show(value)}` : show(value);
}

function typeHint(type: unknown, value: unknown, fields: readonly string[]): string | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'object' ? 'write one text' : `quote it: "${value}"`;
    case 'array':
      return 'begin each entry with "- ", or write [ ] around them';
    case 'object':
      return typeof value === 'string' && fields.includes('name')
        ? `write {name: ${cut(value)}}`
        : 'write its fields as key: value';
    default:
      return typeof value === 'string' ? 'write it without quotes' : undefined;
  }
}

function counted(value: unknown): string {
  return Number(value).toLocaleString('en');
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** A value, cut to what fits a line. */
export function show(value: unknown): string {
  return cut(JSON.stringify(value) ?? String(value));
}
