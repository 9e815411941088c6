import type { Problem } from '../core/problem.ts';
import type { Resource } from '../kinds/index.ts';
import type { SecretText } from './secret-text.ts';

/** Where the secrets of tokens go. Whoever runs the pipeline knows what there is: files, or Secrets of a cluster. */
export interface Sinks {
  /** The sink that a Token declares; undefined when it declares none, or one that is not delivered from here. */
  of(token: Resource<'Token'>): Sink | undefined;
  /** A sink that a secret went to once; `declared`: what its Token said of it, null when the command line did. */
  at(path: string, declared: string | null): Sink;
}

/** One place for one secret. Nothing here may ever tell a secret to anybody. */
export interface Sink {
  /** The same name for the same place, as the ledger remembers it. */
  readonly path: string;
  /** How people are told of it. */
  readonly shown: string;
  /** Why a secret cannot be put there; undefined when it can. `isOurs`: whether a secret was issued for the same Token. */
  check(isOurs: (secret: string) => boolean): Problem | undefined;
  /** Puts a secret beside the place, so that no crash takes it away. Throws a Failure, and leaves nothing, when that fails. */
  stage(secret: SecretText, isOurs: (secret: string) => boolean): void;
  /** What is beside the place. */
  staged(): readonly StagedSecret[];
  /** Moves a secret that is beside the place into it. Throws a Failure when it is not there, or the place is not ours. */
  place(id: string, isOurs: (secret: string) => boolean): void;
  /** Removes a secret that is beside the place. */
  drop(id: string): void;
  /** The id of the secret that is in the place; undefined when there is none. */
  holds(): string | undefined;
  /** Removes what is in the place when it is a secret of the same Token. Throws a Failure when that fails. */
  remove(isOurs: (secret: string) => boolean): void;
}

export interface StagedSecret {
  readonly id: string;
  /** For how long it has been there, in milliseconds. */
  readonly age: number;
  /** Whether all of it is there. What a crash cut short never became valid. */
  readonly isWhole: boolean;
}
