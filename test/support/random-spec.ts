import type { Resource } from '../../src/kinds/index.ts';
import type { Window } from '../../src/kinds/time.ts';
import type { Tape } from './tape.ts';

/** Some before NOW, NOW itself, some after. */
const TIMES = ['2026-04-01', '2026-05-01', '2026-06-01', '2026-07-01', '2026-08-01T12:00:00Z', '2026-09-01'];

export function userSpec(tape: Tape, others: readonly string[]): object {
  const [sponsor] = tape.chance(4) ? tape.some(others, 1) : [];
  return {
    displayName: tape.pick(['', 'A. Person']),
    state: tape.chance(6) ? 'Suspended' : 'Active',
    type: tape.pick(['Human', 'Human', 'Service', 'BreakGlass']),
    ...(tape.chance(4) ? window(tape) : {}),
    ...(sponsor === undefined ? {} : { sponsor }),
  };
}

export function roleSpec(tape: Tape, later: readonly string[]): object {
  return {
    scopes: tape.pick([['Workspace'], ['Workspace', 'Source'], ['Source']]),
    includes: tape.some([...later, 'source-read-only', 'pii-access'], 2),
    labels: tape.chance(2),
    minimumTier: tape.pick(['Free', 'Free', 'Business']),
    risk: tape.pick(['Normal', 'Sensitive', 'Privileged']),
  };
}

/** Never empty; mostly with one end or two. */
export function window(tape: Tape): Window {
  const from = tape.below(TIMES.length);
  const until = from + 1 + tape.below(TIMES.length - from);
  const [notBefore, expiresAt] = [tape.chance(2) ? TIMES[from] : undefined, TIMES[until]];
  return {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

export function tokenSpec(tape: Tape, roles: readonly string[]): object {
  return { role: tape.one(roles) ?? '', revoked: tape.chance(6), ...(tape.chance(3) ? window(tape) : {}) };
}

/** Where and when a role is granted, as the role and the tier allow. */
export function grantSpec(tape: Tape, { spec }: Resource<'Role'>, tier: string): object {
  const other = spec.scopes.find((scope) => scope !== 'Workspace');
  const entries = [
    ...(spec.scopes.includes('Workspace') ? [{ type: 'Workspace' }] : []),
    ...(other === undefined
      ? []
      : [
          { type: other, id: 'web' },
          { type: other, id: 'a/b c' },
        ]),
    ...(spec.labels && tier === 'Business' && spec.scopes.includes('Workspace')
      ? [{ type: 'Workspace', labels: { env: 'prod' } }]
      : []),
  ];
  const first = tape.one(entries);
  const more = tape.some(entries, 1).filter((one) => one !== first);
  return {
    resources: [first, ...more],
    ...(tape.chance(3) ? window(tape) : {}),
    ...(tape.chance(4) ? { reason: 'INC-1' } : {}),
  };
}
