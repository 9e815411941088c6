import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { KIND_NAMES } from '../src/kinds/index.ts';
import { manifestSchema } from './manifest-schema.ts';

/** What the generated code would `require`, as text to stand in its place. */
const HELPERS: readonly (readonly [required: string, code: string])[] = [
  ['require("ajv/dist/runtime/ucs2length").default', 'codePoints'],
];

const HEAD = `// @ts-nocheck
// Generated from src/kinds by \`npm run generate\`.
import type { KindName } from '../kinds/index.ts';

/** One thing that a validator finds wrong. */
export interface ValidatorError {
  /** JSON Pointer of the value. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Says whether a whole manifest fits the schema of its Kind; if not, \`errors\` is every reason until the next call. */
export interface Validator {
  (manifest: unknown): boolean;
  errors?: readonly ValidatorError[] | null;
}

function codePoints(text: string): number {
  if (!/[\\ud800-\\udbff]/.test(text)) return text.length;
  let length = text.length;
  for (let at = 1; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) length--;
  }
  return length;
}
`;

type Schema = Readonly<Record<string, unknown>>;

/** The schema without what validates nothing: it would be carried along in the code. */
function bare(schema: Schema): Schema {
  const each = (value: unknown) =>
    Object.fromEntries(
      Object.entries(value as Record<string, Schema>).map(([name, part]) => [name, bare(part)]),
    );
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]) => {
      if (['$schema', 'title', 'description', 'default'].includes(keyword)) return [];
      if (keyword === 'properties') return [[keyword, each(value)]];
      if (Array.isArray(value)) return [[keyword, value.map((part) => (isSchema(part) ? bare(part) : part))]];
      return [[keyword, isSchema(value) ? bare(value) : value]];
    }),
  );
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `src/core/validators.generated.ts`: what ajv would compile at every start, compiled once. */
export function validatorsModule(): string {
  const ajv = new Ajv({
    allErrors: true,
    messages: false,
    strict: true,
    strictRequired: true,
    code: { source: true, esm: true, lines: true },
  });
  for (const name of KIND_NAMES) ajv.addSchema(bare(manifestSchema(name)), name);
  const code = HELPERS.reduce(
    (text, [required, helper]) => text.replaceAll(required, helper),
    standalone.default(ajv, Object.fromEntries(KIND_NAMES.map((name) => [`validate${name}`, name]))),
  );
  if (code.includes('require('))
    throw new Error(`the validators need ${code.match(/require\([^)]*\)/)?.[0]}`);
  return [
    HEAD,
    code
      .replace(/^"use strict";\n?/, '')
      .replace(/^export const /gm, 'const ')
      // Nobody reads it, and every command that reads manifests would load it.
      .replace(/schemaPath:"(?:[^"\\\\]|\\\\.)*",/g, '')
      .trim(),
    '',
    '/** The validator of each Kind. */',
    'export const validators: { readonly [K in KindName]: Validator } = {',
    ...KIND_NAMES.map((name) => `  ${name}: validate${name},`),
    '};',
    '',
  ].join('\n');
}
