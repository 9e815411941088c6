import type { KindName, Resource } from '../kinds/index.ts';
import type { FieldChange } from './diff.ts';
import type { Declared } from './manifest.ts';
import { type Action, BODIES, type Change } from './plan.ts';
import type { Place } from './problem.ts';
import { fromManifest, type Identity, kindIn, type Manifest } from './resource.ts';
import type { Stored } from './stored.ts';

/** A change on the way to the plan. */
export interface Draft {
  readonly change: Change;
  readonly stored: Stored | undefined;
  /** What it is from now on; undefined for a delete. */
  readonly after: Body | undefined;
  /** The manager that stands in its way. */
  readonly conflict: string | undefined;
  /** The manager who suspended the person whom it would activate again. */
  readonly reactivates?: string | undefined;
}

/** A resource as its text, of which the resource is made when it is asked for. */
export type Body = Pick<Stored, 'id' | 'body' | 'resource'>;

/** `keeps`: whether what was made is kept; of very many resources the texts alone fit into memory. */
export function bodyOf(id: Identity, body: string, keeps: boolean): Body {
  return keeps || FEW.includes(kindIn(id)) ? new KeptBody(id, body) : new LooseBody(id, body);
}

/** Of these there are few, and all others ask for them. */
const FEW: readonly KindName[] = ['Workspace', 'Role', 'AccessPolicy'];

class LooseBody implements Body {
  readonly id: Identity;
  readonly body: string;

  constructor(id: Identity, body: string) {
    this.id = id;
    this.body = body;
  }

  get resource(): Resource {
    return fromManifest(JSON.parse(this.body) as Manifest);
  }
}

class KeptBody extends LooseBody {
  #resource: Resource | undefined;

  override get resource(): Resource {
    this.#resource ??= super.resource;
    return this.#resource;
  }
}

type Facts = Partial<Pick<Change, 'fields' | 'previousName' | 'adopts'>>;

/** A change that holds texts, of which manifests and places are made when they are asked for. */
export class PlannedChange implements Change {
  readonly action: Action;
  readonly kind: KindName;
  readonly namespace: string | null;
  readonly name: string;
  readonly previousName: string | null;
  readonly adopts: string | null;
  readonly reason: string;
  readonly fields: readonly FieldChange[];
  readonly declares: readonly string[];
  readonly #before: string | null;
  readonly #after: string | null;
  readonly #declared: Declared | undefined;

  constructor(
    action: Action,
    reason: string,
    id: Identity,
    bodies: { readonly before: string | null; readonly after: string | null },
    declared: Declared | undefined,
    { fields = NO_FIELDS, previousName = null, adopts = null }: Facts = {},
  ) {
    const [kind, namespace = '', name = ''] = id.split('/') as [KindName, string?, string?];
    this.action = action;
    this.kind = kind;
    this.namespace = namespace === '' ? null : namespace;
    this.name = name;
    this.previousName = previousName;
    this.adopts = adopts;
    this.reason = reason;
    this.fields = fields;
    this.declares = declared?.declares ?? NO_DECLARES;
    this.#before = bodies.before;
    this.#after = bodies.after;
    this.#declared = declared;
  }

  get before(): Manifest | null {
    return this.#before === null ? null : (JSON.parse(this.#before) as Manifest);
  }

  get after(): Manifest | null {
    return this.#after === null ? null : (JSON.parse(this.#after) as Manifest);
  }

  get [BODIES]() {
    return { before: this.#before, after: this.#after };
  }

  /** To find a place the file is read again: only for those who look. */
  get origin(): Place | null {
    return this.#declared?.place() ?? null;
  }

  toJSON(): Change {
    const {
      action,
      kind,
      namespace,
      name,
      previousName,
      adopts,
      reason,
      before,
      after,
      fields,
      origin,
      declares,
    } = this;
    return {
      action,
      kind,
      namespace,
      name,
      previousName,
      adopts,
      reason,
      before,
      after,
      fields,
      origin,
      declares,
    };
  }
}

const NO_FIELDS: readonly FieldChange[] = [];
const NO_DECLARES: readonly string[] = [];
