import { fromManifest, type Manifest } from '../../core/resource.ts';
import type { Resource } from '../../kinds/index.ts';
import { formatTime, parseTime } from '../../kinds/time.ts';
import type { WriteChange } from '../store.ts';

/** Whether it is a Token that says where its secrets go. */
export function deliversSecrets(resource: Resource): boolean {
  return resource.kind === 'Token' && resource.spec.deliverTo !== undefined;
}

/** Whether a change ends all secrets of a Token for good: it is deleted, or revoked. */
export function endsSecrets({ id, after }: WriteChange): boolean {
  if (!id.startsWith('Token/')) return false;
  return after === null || (after.resource.kind === 'Token' && after.resource.spec.revoked);
}

/** Whether secrets may be issued for what has this body, undefined where there is nothing: a Token, not revoked. */
export function takesSecrets(body: unknown): boolean {
  if (body === undefined) return false;
  const resource = fromManifest(JSON.parse(String(body)) as Manifest);
  return resource.kind === 'Token' && !resource.spec.revoked;
}

/** The earlier of the end that a secret has (null for none) and `until` (milliseconds). */
export function earlierEnd(endsAt: unknown, until: number): string {
  const known = endsAt === null ? undefined : parseTime(String(endsAt));
  return formatTime(Math.min(known ?? Infinity, until));
}
