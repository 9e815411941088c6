import { type Field, type FieldSchema, fieldsOf } from '../core/field.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { API_VERSION, KIND_NAMES, type KindName, kindOf } from '../kinds/index.ts';
import { dnsLabel, duration, grantLabels, labels, limit, scope, time } from '../kinds/schema.ts';
import { wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { table } from './table.ts';

export interface ExplainOptions {
  readonly paint: Paint;
  readonly width: number;
}

/** What a pattern lets through: one word for it, and what it must look like. */
const FORMS = new Map<string, readonly [type: string, form: string]>([
  [
    dnsLabel.pattern,
    ['name', 'lower-case letters, digits and "-", beginning and ending with a letter or digit'],
  ],
  [
    time.pattern,
    ['time', '2027-01-31, which is 00:00 UTC of that day, or 2027-01-31T18:00:00Z, or with an offset'],
  ],
  [duration.pattern, ['duration', 'a number and m, h or d, such as 30m, 24h or 90d']],
  [
    scope.pattern,
    ['type of resource', 'a capital letter, then letters and digits, such as Workspace or Source'],
  ],
  [limit.anyOf[1].pattern, ['percentage', '0% to 100%']],
  [
    grantLabels.additionalProperties.pattern,
    ['text', 'keys and values: a letter, then letters, digits and "-", at most 63 characters'],
  ],
  [
    labels.additionalProperties.pattern,
    [
      'text',
      'keys and values as Kubernetes has them: team, example.com/team: letters, digits, "-", "_" and "."',
    ],
  ],
  ['^[^@]+@[^@]+$', ['address', 'with one @']],
]);

const TYPES: Readonly<Record<string, string>> = {
  object: 'mapping',
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
};

/** All Kinds, for people. */
export function kindsText({ paint, width }: ExplainOptions): string {
  const kinds = KIND_NAMES.map((name) => {
    const { plural, short, description, namespaced } = kindOf(name);
    const head = `  ${paint('strong', name)}  ${paint('faint', `${plural}, ${short}${namespaced ? '; in a workspace' : ''}`)}\n`;
    return head + hanging('      ', description, width);
  });
  return `${paint('strong', 'KINDS')}\n${kinds.join('')}\nMore: iam explain KIND, iam explain KIND.FIELD, iam explain roles.\n`;
}

/** A Kind with all its fields, for people. */
export function kindText(name: KindName, manifest: FieldSchema, options: ExplainOptions): string {
  const { paint, width } = options;
  const { plural, short, namespaced, description } = kindOf(name);
  const { metadata = {}, spec = {} } = manifest.properties ?? {};
  const where = namespaced ? 'in a workspace: metadata.namespace names it' : 'global: in no workspace';
  return [
    `KIND     ${paint('strong', name)}  ${paint('faint', `${plural}, ${short}`)}\nVERSION  ${API_VERSION}\nWHERE    ${where}\n`,
    hanging('', description, width),
    `${paint('strong', 'METADATA')}  ${paint('faint', `more: iam explain ${name.toLowerCase()}.metadata.annotations`)}\n${fieldsText(metadata, options, '  ', 1)}`,
    `${paint('strong', 'SPEC')}\n${fieldsText(spec, options)}`,
  ].join('\n');
}

/** One field with all below it, for people. */
export function fieldText(
  name: KindName,
  { path, schema, required }: Field,
  options: ExplainOptions,
): string {
  const { paint, width } = options;
  const form = FORMS.get(patternOf(schema) ?? '')?.[1];
  const below = fieldsText(schema, options);
  return [
    [
      `KIND   ${paint('strong', name)}\n`,
      `FIELD  ${paint('strong', path.join('.'))}\n`,
      hanging('TYPE   ', typeText(schema, required), width),
      ...(form === undefined ? [] : [hanging('FORM   ', form, width)]),
    ].join(''),
    ...(schema.description === undefined ? [] : [hanging('', schema.description, width)]),
    ...(below === '' ? [] : [`${paint('strong', 'FIELDS')}\n${below}`]),
  ].join('\n');
}

/** How roles work, and those that are built in. */
export function rolesText({ paint, width }: ExplainOptions): string {
  const rules = [
    'A role says what somebody may do. A RoleBinding gives it to users, groups and tokens of one workspace; a Token has one of its own.',
    'Scopes: the types of resource that it can be bound on. On {type: Workspace} it holds for all of the workspace, present and future; on {type: Source, id: website} for that one.',
    'Labels: whether {type: Workspace, labels: …} may narrow it to what has these labels. That needs tier Business.',
    'Tier: the lowest tier of a workspace that may use it.',
    'Includes: it has all that the included roles have, and all that they include, on its own scopes. workspace-owner includes every role.',
    'Risk: Normal, Sensitive or Privileged, and at least that of what it includes. Plans show the highest first; how many people may gain a Privileged role at once is limited by guards.maxPrivilegedGains of the workspace.',
    'Ownership: only workspace-owner has it. Who holds it on a whole workspace owns it.',
  ];
  const roles = [...CATALOGUE.values()].map(({ metadata, spec }) => [
    metadata.name,
    spec.scopes.filter((scope) => scope !== 'Workspace').join(', ') || '-',
    spec.labels ? 'yes' : '-',
    spec.minimumTier,
    spec.risk,
  ]);
  const [header = '', ...rows] = table(['NAME', 'ALSO ON', 'LABELS', 'TIER', 'RISK'], roles)
    .trimEnd()
    .split('\n');
  const details = [...CATALOGUE.values()].map(({ spec: { displayName, includes, ownership } }) =>
    [
      displayName,
      ...(includes.length > 0 ? [`includes ${includes.join(', ')}`] : []),
      ...(ownership ? ['includes every role'] : []),
    ].join('; '),
  );
  return [
    `${paint('strong', 'HOW ROLES WORK')}\n${rules.map((rule) => hanging('  - ', rule, width)).join('')}`,
    `${paint('strong', 'BUILT IN')}\n${hanging('  ', 'All can be bound on the whole workspace. Refer to them by name; they cannot be declared, and are never exported or pruned.', width)}`,
    `  ${paint('faint', header)}\n${rows.map((row, i) => `  ${row}\n      ${paint('faint', details[i] ?? '')}\n`).join('')}`,
  ].join('\n');
}

function fieldsText(schema: FieldSchema, options: ExplainOptions, indent = '  ', depth = Infinity): string {
  if (depth === 0) return '';
  const { paint, width } = options;
  return fieldsOf(schema)
    .map(({ name, schema: field, required }) => {
      const type = wrap(typeText(field, required), width - indent.length - name.length - 2, '').replaceAll(
        '\n',
        `\n${indent}    `,
      );
      const description =
        field.description === undefined ? '' : hanging(`${indent}    `, field.description, width);
      return `${indent}${paint('strong', name)}  ${paint('faint', type)}\n${description}${fieldsText(field, options, `${indent}  `, depth - 1)}`;
    })
    .join('');
}

/** `list of mappings, required, 1 to 200 entries`. */
function typeText(schema: FieldSchema, required: boolean): string {
  const value = schema.default;
  // Empty is what everybody expects of a list or mapping that is left out.
  const shown =
    value === undefined || typeof value === 'object' ? undefined : value === '' ? '""' : String(value);
  return [
    typeWords(schema),
    ...(required ? ['required'] : []),
    ...(shown === undefined ? [] : [`default ${shown}`]),
    ...limitWords(schema),
  ].join(', ');
}

function typeWords(schema: FieldSchema): string {
  const { type, items, anyOf, enum: choices, additionalProperties, properties } = schema;
  if (schema.const !== undefined) return String(schema.const);
  if (choices) return choices.join(' | ');
  if (anyOf) return anyOf.map(typeWords).join(' or ');
  if (items) return items.enum ? `list of ${items.enum.join(' | ')}` : `list of ${plural(typeWords(items))}`;
  if (type === 'object' && !properties && typeof additionalProperties === 'object') return 'mapping of texts';
  return FORMS.get(schema.pattern ?? '')?.[0] ?? TYPES[type ?? ''] ?? 'any';
}

function plural(words: string): string {
  return words === 'type of resource' ? 'types of resources' : `${words}s`;
}

function limitWords(schema: FieldSchema): string[] {
  const { minLength, maxLength, minimum, maximum, minItems, maxItems, minProperties, maxProperties } = schema;
  // A name is at most 63 characters long: said once, with its form.
  const characters = schema.pattern === dnsLabel.pattern ? '' : range(minLength, maxLength);
  return [
    ...(characters === '' ? [] : [`${characters} characters`]),
    range(minimum, maximum),
    entriesWords(minItems, maxItems),
    entriesWords(minProperties, maxProperties),
  ].filter((words) => words !== '');
}

function entriesWords(least: number | undefined, most: number | undefined): string {
  if (least === 1 && most === undefined) return 'not empty';
  const entries = range(least, most);
  return entries === '' ? '' : `${entries} entries`;
}

function range(least: number | undefined, most: number | undefined): string {
  const show = (n: number) => n.toLocaleString('en');
  if (most === undefined) return least === undefined || least === 0 ? '' : `at least ${show(least)}`;
  return least === undefined ? `at most ${show(most)}` : `${show(least)} to ${show(most)}`;
}

function patternOf({ pattern, items, anyOf, additionalProperties }: FieldSchema): string | undefined {
  const values = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  return (
    pattern ?? items?.pattern ?? values?.pattern ?? anyOf?.map(patternOf).find((found) => found !== undefined)
  );
}

/** A paragraph, ending in a newline, whose first line begins with `head` and the others as far in. */
function hanging(head: string, text: string, width: number): string {
  const rest = ' '.repeat(head.length);
  return `${head}${wrap(text, width - head.length, '').replaceAll('\n', `\n${rest}`)}\n`;
}
