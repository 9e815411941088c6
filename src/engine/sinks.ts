import type { Problem } from '../core/problem.ts';
import type { Resource } from '../kinds/index.ts';
import type { SecretText } from './secret-text.ts';

/** Where the secrets of tokens go. Whoever runs the pipeline knows what there is: files, or Secrets of a cluster. */
export interface Sinks {
  /**
   * The sink that a Token declares; undefined when it declares none, or one that is not delivered from here. Throws a Failure
   * when there can be none.
   */
  of(token: Resource<'Token'>): Sink | undefined;
  /**
   * A sink that a secret went to once; undefined when that is not one of these. `declared`: what its Token said of it, null
   * when the command line did.
   */
  at(path: string, declared: string | null): Sink | undefined;
}

/** Whether a secret with that id was issued for the Token that a sink is of. */
export type IsOurs = (id: string) => boolean;

/**
 * One place for one secret. Nothing here may ever tell a secret to anybody.
 *
 * Each step may be the last of its process. Done again, after it was done or begun, a step does what is left of it.
 */
export interface Sink {
  /** The same name for the same place, as the ledger remembers it. */
  readonly path: string;
  /** How people are told of it. */
  readonly shown: string;
  /** Why a secret cannot be put there; undefined when it can. Changes nothing. */
  check(isOurs: IsOurs): Promise<Problem | undefined>;
  /**
   * Puts a secret beside the place, so that no crash takes it away; what is in the place stays. `check` must have found
   * nothing. Throws a Failure when that fails; nothing of it is left then, unless it cannot be known.
   */
  stage(secret: SecretText, isOurs: IsOurs): Promise<void>;
  /** What is beside the place, be it of another process or left by a crash. Throws a Failure when that cannot be told. */
  staged(): Promise<readonly StagedSecret[]>;
  /**
   * Moves a secret that is beside the place into it. Throws a Failure when it is in neither, or what is in the place is not ours:
   * what is beside it stays there, and can be placed later.
   */
  place(id: string, isOurs: IsOurs): Promise<void>;
  /** Removes a secret that is beside the place. Throws a Failure when that fails. */
  drop(id: string): Promise<void>;
  /** The id of the secret that is in the place; undefined when there is none. */
  holds(): Promise<string | undefined>;
  /** Removes what is in the place and beside it as far as it is ours. Throws a Failure when that fails. */
  remove(isOurs: IsOurs): Promise<void>;
}

export interface StagedSecret {
  readonly id: string;
  /** For how long it has been there, in milliseconds. */
  readonly age: number;
  /** Whether all of it is there. What a crash cut short never became valid. */
  readonly isWhole: boolean;
}
