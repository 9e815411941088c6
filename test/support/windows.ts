import type { Resource } from '../../src/kinds/index.ts';
import { binding, group, token, user, workspace } from './resources.ts';

/** Texts that are hard to take out of JSON: NUL, half a character, and what only looks like them. */
const ODD = '\0 \\u0000 \\\0 \\\\ \ud800 "\\" \\"} \u2028 𝒜';

/** Resources with windows of every kind, and without, among them the first and the last times that there are. */
export const WITH_WINDOWS: readonly Resource[] = [
  workspace('acme'),
  user('ana', { displayName: ODD, notBefore: '2026-01-01', expiresAt: '2027-01-31T18:00:00.5Z' }),
  user('bo', { notBefore: '0000-02-29', expiresAt: '9999-12-31T23:59:59.999Z' }),
  user('cy'),
  group('acme/devs', [
    { name: 'ana', expiresAt: '2026-05-01T00:00:00.001Z' },
    { name: 'bo', notBefore: '2026-01-01T02:00:00+02:00' },
    { kind: 'Group', name: 'interns', notBefore: '0000-01-01', expiresAt: '0001-01-01' },
    'cy',
  ]),
  group('acme/interns', [], { description: ODD }),
  binding('acme/a', 'workspace-member', ['ana'], { expiresAt: '2026-05-01', reason: ODD }),
  binding('acme/b', 'workspace-member', ['ana'], { notBefore: '1969-12-31T23:59:59.999Z' }),
  binding('acme/c', 'workspace-member', ['ana']),
  token('acme/ci', 'ana', { description: ODD, expiresAt: '2026-06-30', deliverTo: { file: 'ci' } }),
  token('acme/cd', 'ana', { deliverTo: { secret: { name: 'cd', key: 'token' } } }),
  token('acme/quiet', 'ana'),
];
