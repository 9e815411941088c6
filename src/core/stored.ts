import type { Resource } from '../kinds/index.ts';
import type { Identity } from './resource.ts';

/** A resource as a store has it. */
export interface Stored {
  /** Given once, never used again, kept by a rename. */
  readonly uid: string;
  readonly id: Identity;
  /** Canonical JSON of the whole normal form: two are equal exactly when their bodies are. */
  readonly body: string;
  readonly manager: string;
  /** Managers of the unmanaged fields that somebody declares: field → manager. */
  readonly fieldManagers: Readonly<Record<string, string>>;
  /** Parsed from `body` when first asked for. */
  readonly resource: Resource;
}
