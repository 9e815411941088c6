import { type FieldSchema, fieldsOf, findField, type NoField, withAnnotations } from '../core/field.ts';
import { EXIT, type Failure, failure } from '../core/problem.ts';
import { didYouMean, nearest } from '../core/suggest.ts';
import { ANNOTATION_PREFIX } from '../kinds/annotations.ts';
import { findKind, KIND_NAMES, type KindName, kindOf } from '../kinds/index.ts';
import { fieldText, kindsText, kindText, rolesText } from '../render/explain.ts';
import { readPackageFile } from './package-files.ts';
import type { Handler } from './program.ts';
import { paintFor } from './settings.ts';

interface Options {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, [topic], options: Options) => {
  const { stdout } = context;
  const how = { paint: paintFor(stdout), width: Math.min(stdout.columns, 100) };
  if (topic === undefined) {
    stdout.write(
      options.output === 'json' ? readPackageFile('schemas/rolecall.schema.json') : kindsText(how),
    );
    return EXIT.done;
  }
  const [word = '', ...parts] = split(topic);
  const kind = findKind(word);
  if (kind === undefined) throw unknownKind(word);
  const manifest = withAnnotations(
    JSON.parse(readPackageFile(`schemas/${kind.toLowerCase()}.schema.json`)) as FieldSchema,
  );
  const found = findField(manifest, parts);
  if ('unknown' in found) throw unknownField(kind, manifest, found);
  if (options.output === 'json') stdout.write(`${JSON.stringify(found.schema, null, 2)}\n`);
  else if (found.path.length > 0) stdout.write(fieldText(kind, found, how));
  else stdout.write(kindText(kind, found.schema, how) + (kind === 'Role' ? `\n${rolesText(how)}` : ''));
  return EXIT.done;
};

/** `group.spec.members[].name` to its parts; what stands for an entry of a list is left out. */
function split(topic: string): string[] {
  const parts = [...topic.matchAll(/\[(?<bracket>[^\]]*)\]|(?<plain>[^.[\]]+)/g)].flatMap(({ groups }) => {
    const part = groups?.plain ?? groups?.bracket?.replace(/^(['"])(.*)\1$/, '$2') ?? '';
    return part === '' || part === '*' || /^\d+$/.test(part) ? [] : [part];
  });
  const at = parts.indexOf('annotations') + 1;
  if (at === 0 || at === parts.length) return parts;
  // Names of annotations have dots in them, and their prefix is always the same.
  const annotation = parts.slice(at).join('.');
  return [...parts.slice(0, at), annotation.includes('/') ? annotation : ANNOTATION_PREFIX + annotation];
}

function unknownKind(word: string): Failure {
  const kinds = KIND_NAMES.map((name) => kindOf(name));
  const names = kinds.flatMap(({ name, plural }) => [name.toLowerCase(), plural]);
  const hint = didYouMean(word, names) ?? `kinds: ${KIND_NAMES.join(', ')}`;
  return failure(EXIT.invalid, 'RC121', `unknown kind "${word}"`, hint);
}

function unknownField(kind: KindName, manifest: FieldSchema, { path, unknown, known }: NoField): Failure {
  const word = kind.toLowerCase();
  const where = [kind, ...path].join('.');
  if (known.length === 0)
    return failure(
      EXIT.invalid,
      'RC121',
      `${where} has no fields`,
      `iam explain ${[word, ...path].join('.')}`,
    );
  const near = nearest(unknown, known);
  const inMetadata = fieldsOf(manifest.properties?.metadata ?? {}).some(({ name }) => name === unknown);
  const meant = near !== undefined ? [...path, near] : inMetadata ? ['metadata', unknown] : undefined;
  return failure(
    EXIT.invalid,
    'RC121',
    `${where} has no field "${unknown}"`,
    meant ? `did you mean "${[word, ...meant].join('.')}"?` : `known here: ${known.join(', ')}`,
  );
}
