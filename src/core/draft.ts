import type { KindName, Resource } from '../kinds/index.ts';
import type { FieldChange } from './diff.ts';
import type { Declared } from './manifest.ts';
import { type Action, BODIES, type Bodies, type Change, IDENTITY } from './plan.ts';
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

/** What all changes have that hold texts, of which manifests and places are made when they are asked for. */
abstract class TextChange implements Change {
  abstract readonly action: Action;
  abstract readonly previousName: string | null;
  abstract readonly adopts: string | null;
  abstract readonly reason: string;
  abstract readonly fields: readonly FieldChange[];
  abstract readonly declares: readonly string[];
  abstract readonly origin: Place | null;
  /** By the name that it has after. */
  abstract readonly [IDENTITY]: Identity;
  abstract readonly [BODIES]: Bodies;

  get kind(): KindName {
    return kindIn(this[IDENTITY]);
  }

  get namespace(): string | null {
    return this[IDENTITY].split('/')[1] || null;
  }

  get name(): string {
    const id = this[IDENTITY];
    return id.slice(id.lastIndexOf('/') + 1);
  }

  get before(): Manifest | null {
    const { before } = this[BODIES];
    return before === null ? null : (JSON.parse(before) as Manifest);
  }

  get after(): Manifest | null {
    const { after } = this[BODIES];
    return after === null ? null : (JSON.parse(after) as Manifest);
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

/** A create, which is all in its manifest, and what it makes: of these there may be a million. */
export class PlannedCreate extends TextChange implements Body {
  readonly #declared: Declared;

  constructor(declared: Declared) {
    super();
    this.#declared = declared;
  }

  get id() {
    return this.#declared.id;
  }

  get body() {
    return this.#declared.body;
  }

  get resource(): Resource {
    return fromManifest(JSON.parse(this.body) as Manifest);
  }

  get action() {
    return 'create' as const;
  }

  get previousName() {
    return null;
  }

  get adopts() {
    return null;
  }

  get reason() {
    return 'not in the store';
  }

  get fields() {
    return NO_FIELDS;
  }

  get declares() {
    return this.#declared.declares;
  }

  get origin(): Place {
    return this.#declared.place();
  }

  get [IDENTITY]() {
    return this.#declared.id;
  }

  get [BODIES]() {
    return { before: null, after: this.#declared.body };
  }
}

interface Facts {
  readonly id: Identity;
  readonly reason: string;
  readonly stored: Stored;
  readonly adopts: string | null;
}

/** An update or rename. `after`: its body from now on. */
export class PlannedUpdate extends TextChange {
  /** May be told more exactly, by whoever knows more: no digest covers it. */
  reason: string;
  readonly adopts: string | null;
  readonly previousName: string | null;
  readonly fields: readonly FieldChange[];
  readonly [IDENTITY]: Identity;
  readonly [BODIES]: Bodies;
  readonly #declared: Declared;

  constructor(
    { id, reason, stored, adopts }: Facts,
    declared: Declared,
    {
      after,
      fields,
      previousName,
    }: { after: string; fields: readonly FieldChange[]; previousName: string | null },
  ) {
    super();
    this.reason = reason;
    this.adopts = adopts;
    this.previousName = previousName;
    this.fields = fields;
    this[IDENTITY] = id;
    this[BODIES] = { before: stored.body, after };
    this.#declared = declared;
  }

  get action() {
    return 'update' as const;
  }

  get declares() {
    return this.#declared.declares;
  }

  /** To find a place the file is read again: only for those who look. */
  get origin(): Place {
    return this.#declared.place();
  }
}

export class PlannedDelete extends TextChange {
  readonly reason: string;
  readonly adopts: string | null;
  readonly [IDENTITY]: Identity;
  readonly [BODIES]: Bodies;

  constructor({ id, reason, stored, adopts }: Facts) {
    super();
    this.reason = reason;
    this.adopts = adopts;
    this[IDENTITY] = id;
    this[BODIES] = { before: stored.body, after: null };
  }

  get action() {
    return 'delete' as const;
  }

  get previousName() {
    return null;
  }

  get fields() {
    return NO_FIELDS;
  }

  get declares() {
    return NO_DECLARES;
  }

  get origin() {
    return null;
  }
}

const NO_DECLARES: readonly string[] = [];
