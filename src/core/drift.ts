import type { KindName } from '../kinds/index.ts';
import { showTime } from '../kinds/time.ts';
import { type Cause, type History, IN_DATABASE } from './applied.ts';
import { diffFields, type FieldChange } from './diff.ts';
import { type Treatment, treatmentOf } from './drift-treatment.ts';
import { partOf } from './part.ts';
import type { Action } from './plan.ts';
import { type Identity, kindIn, type Manifest } from './resource.ts';
import { manifestIn, normalized } from './stored-manifest.ts';

/** One resource that is not as it was applied, as far as one cause goes. */
export interface DriftItem extends Cause {
  /** What happened to it. */
  readonly action: Action;
  /** By the name that it had when it was applied. */
  readonly kind: KindName;
  readonly namespace: string | null;
  readonly name: string;
  /** The manager that has it now, as the ledger tells. */
  readonly managedBy: string;
  /** What the manifest that was applied asks for. */
  readonly treatment: Treatment;
  /** Of an update, by path; empty otherwise. `before` is what was applied, `after` what there is. */
  readonly fields: readonly FieldChange[];
}

/** What a store has of a resource. */
export interface Found {
  readonly id: Identity;
  readonly body: string;
  readonly manager: string;
}

/**
 * How what is found differs from what its history says was applied: an item for each cause, none where it does not.
 * `by`: who made it, where it is another resource of the same name. Undefined where the history cannot tell.
 */
export function driftOf(history: History, found: Found | undefined, by?: Cause): DriftItem[] | undefined {
  const { expected, owner } = history;
  if (expected === undefined) return undefined;
  if (expected === null) return found ? [madeInDatabase(found)] : [];
  const applied = normalized(expected);
  const head = { ...namesOf(applied), managedBy: owner, treatment: treatmentOf(applied) };
  if (!found) return [{ action: 'delete', ...head, ...history.causeOfLoss, fields: [] }];
  const body = manifestIn(found.body);
  const actual = body && normalized(body);
  const fields = actual ? fieldsOf(applied, actual, found.id) : [unreadable(applied, found)];
  const causeOf = actual ? history.causesIn(actual) : () => IN_DATABASE;
  const groups = new Map<string, { cause: Cause; fields: FieldChange[] }>();
  for (const field of fields) {
    const cause = by ?? causeOf(partOf(field.path));
    const group = groups.get(JSON.stringify(cause)) ?? { cause, fields: [] };
    group.fields.push(field);
    groups.set(JSON.stringify(cause), group);
  }
  return [...groups.values()].map(({ cause, fields }) => ({ action: 'update', ...head, ...cause, fields }));
}

/** Something that no audit row tells of. */
export function madeInDatabase({ id, manager }: Found): DriftItem {
  return {
    action: 'create',
    ...namesIn(id),
    managedBy: manager,
    treatment: 'enforce',
    ...IN_DATABASE,
    fields: [],
  };
}

/** A store also says beside a body what it is; both must be what was applied. */
function fieldsOf(applied: Manifest, actual: Manifest, id: Identity): FieldChange[] {
  const fields = diffFields(applied, actual);
  const { kind, namespace, name } = namesIn(id);
  const said = [
    ['/kind', applied.kind, actual.kind, kind],
    ['/metadata/name', applied.metadata.name ?? null, actual.metadata.name ?? null, name],
    ['/metadata/namespace', applied.metadata.namespace ?? null, actual.metadata.namespace ?? null, namespace],
  ] as const;
  for (const [path, before, inBody, after] of said)
    if (after !== inBody && !fields.some((field) => field.path === path))
      fields.push({ path, before, after });
  return fields;
}

/** The whole, where what there is cannot be read. */
function unreadable(applied: Manifest, { body }: Found): FieldChange {
  return { path: '', before: applied, after: body };
}

function namesOf({ kind, metadata }: Manifest): Pick<DriftItem, 'kind' | 'namespace' | 'name'> {
  const { namespace, name } = metadata;
  return { kind, namespace: typeof namespace === 'string' ? namespace : null, name: String(name) };
}

function namesIn(id: Identity): Pick<DriftItem, 'kind' | 'namespace' | 'name'> {
  const [, namespace, name = ''] = id.split('/');
  return { kind: kindIn(id), namespace: namespace || null, name };
}

/** `by ana (manager idp) at 2026-11-24 12:00 UTC`, or `in the database`. */
export function causeWords({ cause, manager, actor, at }: Cause): string {
  if (cause === 'database') return 'in the database';
  const who = actor === null ? `manager ${manager}` : `${actor} (manager ${manager})`;
  return at === null ? `by ${who}` : `by ${who} at ${showTime(at.replace(/\.\d+Z$/, 'Z'))}`;
}
