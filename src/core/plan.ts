import type { KindName } from '../kinds/index.ts';
import type { JsonValue } from '../kinds/kind.ts';
import type { Risk } from '../kinds/role.ts';
import type { AccessChange } from './access-diff.ts';
import type { Actual } from './actual.ts';
import type { FieldChange } from './diff.ts';
import { canonicalJson, sha256, sha256OfParts } from './hash.ts';
import type { Place, Problem } from './problem.ts';
import { type Identity, identity, type Manifest, toManifest } from './resource.ts';
import type { Verdict } from './verdict.ts';

export type Action = 'create' | 'update' | 'delete';

/** The reason of an update of which no more is known. */
export const DECLARED_DIFFERENT = 'declared different';

/** Create, update or delete of one resource. The members and their names are cli.md's. */
export interface Change {
  readonly action: Action;
  readonly kind: KindName;
  readonly namespace: string | null;
  readonly name: string;
  /** The name that it has in the store, when this change renames it. */
  readonly previousName: string | null;
  /** The manager that it, or a field of it, is taken over from. */
  readonly adopts: string | null;
  readonly reason: string;
  readonly before: Manifest | null;
  readonly after: Manifest | null;
  /** Of an update; empty otherwise. */
  readonly fields: readonly FieldChange[];
  readonly origin: Place | null;
  /** The unmanaged fields that the manifest gives: they become the manager's (docs/decisions/0003). */
  readonly declares: readonly string[];
  /** Canonical JSON of before and after, and the identity, where they are at hand: saves writing them. */
  readonly [BODIES]?: Bodies;
  readonly [IDENTITY]?: Identity;
}

export interface Bodies {
  readonly before: string | null;
  readonly after: string | null;
}

export const BODIES = Symbol('bodies');
export const IDENTITY = Symbol('identity');

/** The identity of a changed resource, by its new name. */
export function identityOfChange(
  change: Pick<Change, 'kind' | 'namespace' | 'name' | typeof IDENTITY>,
): Identity {
  return change[IDENTITY] ?? identity(change.kind, change.namespace ?? undefined, change.name);
}

/** The guard settings of the command line, which only tighten; part of the digest. Limits as in a Workspace. */
export interface GuardSettings {
  readonly maxRemovals?: string | number;
  readonly maxUpdates?: string | number;
  readonly maxPrivilegedGains?: string | number;
  /** Names of Users who must stay owners wherever they are; sorted. */
  readonly requireOwners?: readonly string[];
}

/** Pure data: all that apply may do, and what people and guards say of it. The members are cli.md's. */
export interface Plan {
  readonly apiVersion: string;
  readonly kind: 'Plan';
  readonly digest: string;
  /** What it was made on. A store that does not exist yet is null, at revision 0. */
  readonly base: { readonly store: string | null; readonly revision: number };
  readonly manager: string;
  readonly prune: boolean;
  readonly scope: { readonly workspace: string | null; readonly pruneWorkspaces: readonly string[] };
  /** What the command line asks of the guards; empty when nothing (docs/decisions/0007). */
  readonly guards: GuardSettings;
  /** sha256 of what the store judges plans by: its policies, and owners, limits and labels of the workspaces that it reaches. */
  readonly judges: string;
  /** Time of the plan, in normal form: access is compared from then on. */
  readonly at: string;
  readonly summary: {
    readonly create: number;
    readonly update: number;
    readonly delete: number;
    readonly unchanged: number;
  };
  readonly changes: readonly Change[];
  readonly access: readonly AccessChange[];
  readonly verdicts: readonly Verdict[];
  readonly problems: readonly Problem[];
}

/** A plan with some of its members replaced. What the others hold is still found out only when it is asked for. */
export function amended(plan: Plan, members: Partial<Plan>): Plan {
  return Object.defineProperties({} as Plan, {
    ...Object.getOwnPropertyDescriptors(plan),
    ...Object.getOwnPropertyDescriptors(members),
  });
}

/** What people read beside a plan, and no digest covers. */
export interface PlanNotes {
  /** The risk of every role named in the plan's access. */
  readonly risks: { get(role: string): Risk | undefined };
  /** The plan's access, workspace by workspace: `access` itself may not fit into memory. May be gone through once. */
  accessByWorkspace(): Iterable<readonly AccessChange[]>;
}

/** What the digest covers (cli.md): not origin, reason, access, verdicts, time or revision. */
export interface Digested {
  readonly base: { readonly store: string | null };
  readonly manager: string;
  readonly prune: boolean;
  readonly scope: Plan['scope'];
  readonly guards: GuardSettings;
  readonly changes: readonly Pick<
    Change,
    | 'action'
    | 'kind'
    | 'namespace'
    | 'name'
    | 'previousName'
    | 'adopts'
    | 'before'
    | 'after'
    | typeof BODIES
    | typeof IDENTITY
  >[];
}

/** sha256 of the canonical JSON (RFC 8785) of what a plan would do, and to which store. */
export function digestOf({ base, manager, prune, scope, guards, changes }: Digested): string {
  return sha256OfParts(
    digested(changes, { guards: { ...guards }, manager, prune, scope, store: base.store }),
  );
}

/** The text in parts: of a million changes it would not fit. Members stand in canonical order. */
function* digested(
  changes: Digested['changes'],
  rest: Record<string, JsonValue | Plan['scope']>,
): Generator<string> {
  const hash = (body: string | null) => (body === null ? null : sha256(body));
  let last = '';
  const isSorted = changes.every((change) => {
    const id = identityOfChange(change);
    const follows = id >= last;
    last = id;
    return follows;
  });
  const sorted = isSorted
    ? changes
    : changes.toSorted((a, b) => (identityOfChange(a) < identityOfChange(b) ? -1 : 1));
  let separator = '{"changes":[';
  for (const change of sorted) {
    const identity = identityOfChange(change);
    const { action, adopts, previousName } = change;
    const { before, after } = change[BODIES] ?? {
      before: change.before && canonicalJson(change.before),
      after: change.after && canonicalJson(change.after),
    };
    const line = { action, adopts, after: hash(after), before: hash(before), identity, previousName };
    yield `${separator}${JSON.stringify(line)}`;
    separator = ',';
  }
  yield changes.length === 0 ? '{"changes":[],' : '],';
  yield canonicalJson(rest).slice(1);
}

/** See Plan.judges. */
export function judgesOf(actual: Actual, { changes, access }: Pick<Plan, 'changes' | 'access'>): string {
  const places = new Set([
    ...changes.map(({ kind, namespace, name }) => (kind === 'Workspace' ? name : namespace)),
    ...access.map(({ workspace }) => workspace),
  ]);
  const ids = [...places].map((name) => identity('Workspace', undefined, name ?? ''));
  actual.need({ ids });
  const judges = [...actual.ofKind('AccessPolicy'), ...ids.flatMap((id) => actual.get(id) ?? [])].map(
    ({ id, resource }): [Identity, JsonValue] => {
      if (resource.kind !== 'Workspace') return [id, toManifest(resource).spec];
      const { owners, guards } = resource.spec;
      return [id, { owners, guards, labels: { ...resource.metadata.labels } } as unknown as JsonValue];
    },
  );
  return sha256(canonicalJson(judges.sort(([a], [b]) => (a < b ? -1 : 1))));
}
