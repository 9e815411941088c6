import { ANNOTATION_PREFIX, ANNOTATIONS } from '../kinds/annotations.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { type KindName, kindOf } from '../kinds/index.ts';
import type { JsonValue, Metadata } from '../kinds/kind.ts';
import { dnsLabel } from '../kinds/schema.ts';
import { pointerPart, pointerParts } from './document.ts';
import type { Place, Problem } from './problem.ts';
import { indexPointer } from './resource.ts';
import { nameOf, show, showPath } from './schema-problem.ts';
import { didYouMean } from './suggest.ts';

/** A manifest, whether it fits its schema or not, and what the schema says of it. */
export interface ReadManifest {
  readonly kind: KindName;
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Pointers to all that does not fit the schema. */
  readonly misfits: readonly string[];
  /** The place of a pointer whose list entries are named by index. */
  place(pointer: string, key?: 'key'): Place;
}

/** What is wrong with one manifest that its schema cannot say. */
export function manifestProblems(read: ReadManifest): Problem[] {
  const { kind, manifest, misfits } = read;
  const problems: Problem[] = [];
  if (misfits.length === 0) ruleProblems(read, problems);
  annotationProblems(read, problems);
  if (kind === 'Role' && CATALOGUE.has((manifest.metadata as Partial<Metadata> | undefined)?.name ?? ''))
    problems.push(
      problem(
        read,
        'RC119',
        '/metadata/name',
        'is built in and cannot be declared',
        'refer to it as it is, or give your role another name',
      ),
    );
  repeatedEntries(read, problems);
  return problems;
}

function problem(
  { kind, manifest, place }: ReadManifest,
  code: Problem['code'],
  pointer: string,
  message: string,
  hint?: string,
  key?: 'key',
): Problem {
  const name = nameOf(kind, manifest);
  return {
    code,
    severity: 'error',
    message: `${name}${code === 'RC119' ? ' ' : ': '}${message}`,
    place: place(pointer, key),
    hint,
  };
}

/** The rules of the Kind itself. */
function ruleProblems({ kind, manifest, place }: ReadManifest, problems: Problem[]): void {
  const findings = kindOf(kind).check(manifest.spec, manifest.metadata as Metadata);
  for (const { code, pointer, message, hint } of findings) {
    const at = indexPointer(kind, manifest, pointer);
    const parts = pointerParts(at);
    // "expiresAt: expiresAt … is not after" says it once too often.
    if (message.startsWith(`${parts.at(-1)} `)) parts.pop();
    const field = parts.length < 2 ? '' : `${showPath(manifest, parts)}: `;
    problems.push({
      code,
      severity: 'error',
      message: `${nameOf(kind, manifest)}: ${field}${message}`,
      place: place(at),
      hint,
    });
  }
}

const LABEL = new RegExp(dnsLabel.pattern);

function areNames(value: string): boolean {
  return value.split(',').every((name) => name.length <= dnsLabel.maxLength && LABEL.test(name));
}

function annotationProblems(read: ReadManifest, problems: Problem[]): void {
  const metadata = read.manifest.metadata as { annotations?: Readonly<Record<string, unknown>> } | undefined;
  if (!metadata?.annotations) return;
  for (const [key, value] of Object.entries(metadata.annotations)) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const pointer = `/metadata/annotations/${pointerPart(key)}`;
    const short = key.slice(ANNOTATION_PREFIX.length);
    const known = Object.hasOwn(ANNOTATIONS, short) ? ANNOTATIONS[short] : undefined;
    if (!known) {
      const hint = didYouMean(
        key,
        Object.keys(ANNOTATIONS).map((name) => ANNOTATION_PREFIX + name),
      );
      problems.push(
        problem(
          read,
          'RC107',
          pointer,
          `unknown annotation ${key}`,
          hint ?? `known: ${Object.keys(ANNOTATIONS).join(', ')}`,
          'key',
        ),
      );
      continue;
    }
    if (typeof value !== 'string') continue;
    const allowed = known.values?.includes(value) ?? (short !== 'previous-names' || areNames(value));
    if (allowed) continue;
    const hint = known.values
      ? `allowed: ${known.values.join(', ')}`
      : 'names joined by commas, such as analysts,old-analysts';
    problems.push(problem(read, 'RC109', pointer, `annotation ${key} cannot be ${show(value)}`, hint));
  }
}

function repeatedEntries(read: ReadManifest, problems: Problem[]): void {
  const { kind, manifest, misfits } = read;
  for (const { path, key } of kindOf(kind).lists) {
    let entries: unknown = manifest.spec;
    for (const part of path) entries = (entries as Record<string, unknown> | null | undefined)?.[part];
    if (!Array.isArray(entries) || entries.length < 2) continue;
    const pointer = `/spec/${path.join('/')}`;
    if (misfits.some((misfit) => misfit.startsWith(pointer))) continue;
    const seen = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      const name = key(entry as JsonValue);
      if (seen.has(name))
        problems.push(
          problem(
            read,
            'RC111',
            `${pointer}/${index}`,
            `${path.join('.')} names ${show(name)} twice`,
            'keep one of the two',
          ),
        );
      seen.add(name);
    }
  }
}
