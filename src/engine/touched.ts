import type { AuditRow } from '../core/audit.ts';
import { fromManifest, type Identity, identityOf, type Manifest } from '../core/resource.ts';
import type { KindName, Resource } from '../kinds/index.ts';
import type { Reading } from '../stores/store.ts';
import { isChange } from './state-at.ts';

/** More changes than these are not gone through: to make every snapshot anew is cheaper then, or nearly. */
const MOST = 20_000;

export interface Touched {
  readonly workspaces: ReadonlySet<string>;
  /** All that anything which changed has been, and is. */
  readonly bodies: readonly Resource[];
}

/**
 * The workspaces whose snapshot can differ from that of the moment when the newest audit row was `auditHead`
 * (`SEQ:HASH`), but for what passing time changes; undefined when that cannot be told: the audit has not that row, a
 * row is redacted, or there are too many.
 *
 * What is in a workspace touches it, before and after; a User those that have something that refers to him: what
 * referred to him before, and does not any more, has a row of its own. A Role that exists all along touches all as soon
 * as what rows say of it differs.
 */
export async function touchedSince(reading: Reading, auditHead: string): Promise<Touched | undefined> {
  const bodies: Resource[] = [];
  const touched = new Set<string>();
  const users = new Set<Identity>();
  let first = true;
  let left = MOST;
  const from = Number(auditHead.split(':', 1)[0]);
  if (!Number.isSafeInteger(from)) return undefined;
  for await (const batch of reading.audit({ from })) {
    for (const row of batch) {
      if (first) {
        if (`${row.seq}:${row.hash}` !== auditHead) return undefined;
        first = false;
        continue;
      }
      if (!isChange(row)) continue;
      if (left-- === 0) return undefined;
      const change = readChange(row);
      if (!change || changesRows(change)) return undefined;
      for (const body of [change.before, change.after]) if (body) bodies.push(body);
      for (const id of change.ids) {
        const workspace = workspaceIn(id);
        if (workspace !== undefined) touched.add(workspace);
        else if (kindIn(id) === 'User') users.add(id);
      }
    }
  }
  if (first) return undefined;
  if (users.size > 0) {
    for (const { id } of await reading.find({ targets: [...users] })) {
      // Whom a Workspace wants as an owner is in no row.
      const workspace = kindIn(id) === 'Workspace' ? undefined : workspaceIn(id);
      if (workspace !== undefined) touched.add(workspace);
    }
  }
  return { workspaces: touched, bodies };
}

interface Change {
  /** What it was called, and what it is called. */
  readonly ids: readonly Identity[];
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/** Undefined when the row is redacted. */
function readChange({ action, identity, before, after }: AuditRow): Change | undefined {
  if (identity === null) return undefined;
  const lacks = (action !== 'create' && before === null) || (action !== 'delete' && after === null);
  if (lacks) return undefined;
  const was = before === null ? undefined : resourceOf(before);
  return {
    ids: was ? [identity, identityOf(was)] : [identity],
    before: was,
    after: after === null ? undefined : resourceOf(after),
  };
}

/** Whether rows of who knows which workspaces say something else because of a change of a Role. */
function changesRows({ before, after }: Change): boolean {
  if (before?.kind !== 'Role' || after?.kind !== 'Role') return false;
  const said = ({ spec: { displayName, risk, includes } }: Resource<'Role'>) =>
    JSON.stringify([displayName, risk, includes]);
  return said(before) !== said(after);
}

function resourceOf(body: string): Resource {
  return fromManifest(JSON.parse(body) as Manifest);
}

function kindIn(id: Identity): KindName {
  return id.slice(0, id.indexOf('/')) as KindName;
}

/** The workspace that something is in, or is; undefined for what is global. */
function workspaceIn(id: Identity): string | undefined {
  const [kind, workspace, name] = id.split('/', 3);
  return kind === 'Workspace' ? name : workspace || undefined;
}
