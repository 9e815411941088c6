import type { AccessChange } from '../core/access-diff.ts';
import { sha256 } from '../core/hash.ts';

/**
 * What somebody gains or loses, as something that can be looked for: who, under which address, where, which role, on what, from
 * when until when. Through what is no part of it: another way to the same access is the same access.
 */
export function accessKeys(access: Iterable<AccessChange>): Set<string> {
  const keys = new Set<string>();
  for (const change of access) {
    const { subjectKind, subject, email, workspace, gains, loses } = change;
    const who = [subjectKind, subject, email, workspace];
    for (const { role, scope, from, until } of gains)
      keys.add(keyOf([...who, 'gains', role, scope, from, until]));
    for (const { role, scope, from, until } of loses)
      keys.add(keyOf([...who, 'loses', role, scope, from, until]));
  }
  return keys;
}

/** 132 bits: whoever writes both of two lines cannot make them have the same. */
function keyOf(parts: readonly (string | null)[]): string {
  return Buffer.from(sha256(JSON.stringify(parts)).slice('sha256:'.length), 'hex')
    .toString('base64url')
    .slice(0, 22);
}
