import type { Resource } from '../kinds/index.ts';
import { isExpired, parseDuration, parseTime } from '../kinds/time.ts';
import type { Identity } from './resource.ts';

/** A secret of a token, as the ledger knows it. What it is nobody can tell from it. */
export interface Secret {
  /** Its fingerprint: 12 characters of base62, a part of the secret. */
  readonly id: string;
  /** The uid of its Token. */
  readonly token: string;
  /** What the Token was called when it was issued. */
  readonly identity: Identity;
  /** Normal form, as all times here. */
  readonly issuedAt: string;
  /** What `deliverTo` said when it was issued (`deliveryOf`); null when the command line said where. */
  readonly sink: string | null;
  /** The whole path of the file, on the machine that issued it; of a Secret in a cluster `secret://NAMESPACE/NAME/KEY`. */
  readonly path: string;
  /** When the sink had it; null before. */
  readonly deliveredAt: string | null;
  /** Until when it is valid beside the one that took its place; null while it is the newest. */
  readonly endsAt: string | null;
  readonly revokedAt: string | null;
  /** Whether nothing is left to be done about its file: it is delivered, or of a Token that is gone and removed. */
  readonly settled: boolean;
}

/** By what a secret is known again: HMAC-SHA-256 with a key that the store does not have. */
export interface SecretHash {
  /** Which key it was made with. */
  readonly keyId: string;
  /** Lower-case hexadecimal digits. */
  readonly hash: string;
}

/** Whether a secret is one that lets somebody in at a time (milliseconds), as long as its Token does. */
export function isLive({ endsAt, revokedAt }: Secret, at: number): boolean {
  return revokedAt === null && (endsAt === null || (parseTime(endsAt) ?? 0) > at);
}

/** What a secret is by itself at a time (milliseconds), whatever its Token is. */
export function secretState(secret: Secret, at: number): 'Revoked' | 'Replaced' | 'Not delivered' | 'Valid' {
  if (secret.revokedAt !== null) return 'Revoked';
  if (!isLive(secret, at)) return 'Replaced';
  return secret.deliveredAt === null ? 'Not delivered' : 'Valid';
}

/** Whether a secret is valid, and has not been seen in its file yet. */
export function isOpen({ deliveredAt, endsAt, revokedAt }: Secret): boolean {
  return deliveredAt === null && endsAt === null && revokedAt === null;
}

/** What the name of a sink in a cluster begins with. No file is called so. */
export const CLUSTER_SINK = 'secret://';

/** What a Token says of where its secrets go: the file, or `secret://NAME/KEY` in the namespace of the Token. */
export function deliveryOf({ spec: { deliverTo } }: Resource<'Token'>): string | undefined {
  const { file, secret } = deliverTo ?? {};
  return secret ? `${CLUSTER_SINK}${secret.name}/${secret.key}` : file;
}

/** Why a secret is to be issued: the Token has none, its time is up, or it belongs somewhere else now. */
export type Due = 'first' | 'schedule' | 'moved';

/**
 * Whether a Token wants a secret in its sink at a time (milliseconds). `secrets`: all that it has had, the newest first.
 *
 * One whose secrets were ended on purpose gets no other by itself; nor does one whose newest has not arrived yet.
 */
export function dueOf(token: Resource<'Token'>, secrets: readonly Secret[], at: number): Due | undefined {
  const delivery = deliveryOf(token);
  if (delivery === undefined || !takesSecrets(token, at)) return undefined;
  const [newest] = secrets;
  if (!newest) return 'first';
  if (newest.revokedAt !== null || newest.deliveredAt === null) return undefined;
  if (newest.sink !== null && newest.sink !== delivery) return 'moved';
  return (rotatesAt(token, newest) ?? Infinity) <= at ? 'schedule' : undefined;
}

/** Whether a secret of a Token would be valid at a time (milliseconds), or later. */
export function takesSecrets({ spec }: Resource<'Token'>, at: number): boolean {
  return !spec.revoked && !isExpired(spec, at);
}

/** When a Token's newest secret is to be replaced, in milliseconds; undefined when it is not. */
export function rotatesAt({ spec }: Resource<'Token'>, newest: Secret): number | undefined {
  const issued = parseTime(newest.issuedAt);
  const every = spec.rotation && parseDuration(spec.rotation.every);
  return issued === undefined || every === undefined ? undefined : issued + every;
}

/** How long a secret is valid beside the next, in milliseconds. */
export function overlapOf({ spec }: Resource<'Token'>): number {
  return parseDuration(spec.rotation?.overlap ?? '') ?? 0;
}

/** A secret that an apply is going to issue, as a plan tells it. */
export interface PlannedSecret {
  readonly namespace: string | null;
  readonly name: string;
  /** Where it goes, below the folder for secrets. */
  readonly file: string;
  readonly due: Due;
}
