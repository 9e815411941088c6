import { momentsOf } from '../../src/core/moment.ts';
import { compareText } from '../../src/core/problem.ts';
import type { Secret, SecretHash } from '../../src/core/secret.ts';
import type { Stored } from '../../src/core/stored.ts';
import { formatTime, parseTime } from '../../src/kinds/time.ts';
import {
  type AuditInput,
  issuance,
  redaction,
  retirement,
  revocation,
} from '../../src/stores/sql/audit-chain.ts';
import {
  type LedgerEntry,
  type MomentFilter,
  type SecretFilter,
  StaleSecrets,
  type StoredMoment,
} from '../../src/stores/store.ts';

/** A moment with whether it was told. */
export interface HeldMoment extends StoredMoment {
  readonly passed: boolean;
}

/** A secret with what only `secretHash` answers. */
export interface HeldSecret extends Secret, SecretHash {}

/** What an entry of the ledger is written on, and what it makes of it; never changed once made. */
export interface Books {
  readonly snapshot: number;
  readonly resources: ReadonlyMap<
    string,
    { readonly stored: Stored; readonly moments: readonly HeldMoment[] }
  >;
  /** In the order of issue. */
  readonly secrets: readonly HeldSecret[];
}

/** The moments of what is written at `now`; of those that it had before it keeps what was told. */
export function momentsFrom(
  { id, resource }: Pick<Stored, 'id' | 'resource'>,
  before: readonly HeldMoment[],
  now: number,
): HeldMoment[] {
  return momentsOf(resource).map((moment) => {
    const same = before.find(
      ({ pointer, type, at }) => pointer === moment.pointer && type === moment.type && at === moment.at,
    );
    return { id, ...moment, passed: same?.passed ?? moment.at <= now };
  });
}

export function momentsIn({ resources }: Books, { after, until, open }: MomentFilter = {}): StoredMoment[] {
  return [...resources.values()]
    .flatMap(({ moments }) => moments)
    .filter(
      ({ at, passed }) =>
        at > (after ?? -Infinity) && at <= (until ?? Infinity) && !(open === true && passed),
    )
    .sort(byTime)
    .map(({ passed: _, ...moment }) => moment);
}

function byTime(a: StoredMoment, b: StoredMoment): number {
  const [one, other] = [a, b].map(({ id, pointer, type }) => {
    const [kind = '', workspace = '', name = ''] = id.split('/');
    return [workspace, kind, name, pointer, type];
  });
  const differs = one?.findIndex((part, at) => part !== other?.[at]) ?? -1;
  return a.at - b.at || compareText(one?.[differs] ?? '', other?.[differs] ?? '');
}

export function secretsIn({ secrets }: Books, { ids = [], tokens = [], unsettled }: SecretFilter): Secret[] {
  return secrets
    .filter(({ id, token, settled }) => ids.includes(id) || tokens.includes(token) || (unsettled && !settled))
    .toReversed()
    .map(({ keyId: _, hash: __, ...secret }) => secret);
}

type Of<T extends LedgerEntry['type']> = Extract<LedgerEntry, { type: T }>;

/** What an entry makes of the books, and the audit rows that tell it; but for a redaction, which changes only those, and a commit. */
export function booksAfter<T extends Books>(
  books: T,
  entry: Exclude<LedgerEntry, Of<'redact' | 'commit'>>,
): { readonly books: T; readonly rows: readonly AuditInput[] } {
  switch (entry.type) {
    case 'pass':
      return timePassed(books, entry);
    case 'issue':
      return issued(books, entry);
    case 'delivered':
      return { books: { ...books, secrets: delivered(books.secrets, entry) }, rows: [] };
    case 'settled': {
      const settle = (one: HeldSecret) => (entry.secrets.includes(one.id) ? { ...one, settled: true } : one);
      return { books: { ...books, secrets: books.secrets.map(settle) }, rows: [] };
    }
  }
}

function timePassed<T extends Books>(books: T, { act }: Of<'pass'>) {
  const until = timeOf(act.at);
  const passed = momentsIn(books, { until, open: true });
  if (passed.length === 0) return { books, rows: [] };
  const uids = new Map([...books.resources].map(([uid, { stored }]) => [stored.id, uid]));
  const resources = new Map(
    [...books.resources].map(([uid, row]) => [
      uid,
      { ...row, moments: row.moments.map((one) => ({ ...one, passed: one.passed || one.at <= until })) },
    ]),
  );
  const ends = passed.filter(({ type }) => type === 'ends');
  return {
    books: { ...books, snapshot: 0, resources },
    rows: ends.map((moment) => retirement(uids.get(moment.id) ?? '', moment)),
  };
}

function issued<T extends Books>(books: T, { act, secrets }: Of<'issue'>) {
  let held = books.secrets;
  for (const { follows, ...secret } of secrets) {
    const found = books.resources.get(secret.token)?.stored.resource;
    const isFree = found?.kind === 'Token' && !found.spec.revoked;
    const newest = held.findLast(({ token }) => token === secret.token);
    if (!isFree || (newest?.id ?? null) !== follows) throw new StaleSecrets(secret.identity);
    const fresh = { issuedAt: act.at, deliveredAt: null, endsAt: null, revokedAt: null, settled: false };
    held = [...held, { ...secret, ...fresh }];
  }
  return { books: { ...books, secrets: held }, rows: secrets.map(issuance) };
}

function delivered(held: readonly HeldSecret[], { act, secrets }: Of<'delivered'>): readonly HeldSecret[] {
  let after = held;
  for (const { id, overlap } of secrets) {
    const place = after.findIndex(
      (one) => one.id === id && one.deliveredAt === null && one.revokedAt === null,
    );
    const token = after[place]?.token;
    const until = timeOf(act.at) + overlap;
    after = after.map((one, at) => {
      if (at === place) return { ...one, deliveredAt: act.at, settled: true };
      if (at > place || one.token !== token || one.revokedAt !== null) return one;
      const known = one.endsAt === null ? Infinity : timeOf(one.endsAt);
      return { ...one, endsAt: formatTime(Math.min(known, until)), settled: true };
    });
  }
  return after;
}

/** All secrets of Tokens end; what is left of a Token that is gone is to be removed. */
export function revoked<T extends Books>(books: T, tokens: readonly string[], at: string) {
  const live = (token: string) =>
    books.secrets.filter((one) => one.token === token && one.revokedAt === null);
  const secrets = books.secrets.map((one) =>
    tokens.includes(one.token)
      ? { ...one, revokedAt: one.revokedAt ?? at, settled: one.settled && books.resources.has(one.token) }
      : one,
  );
  return {
    books: { ...books, secrets },
    rows: [...new Set(tokens)].flatMap((token) =>
      live(token).map(({ id, identity }) => revocation(token, identity, id)),
    ),
  };
}

/** Which of some rows there are, each once, and the audit row that tells that they are redacted. */
export function redacted(known: number, { rows }: Of<'redact'>) {
  const there = [...new Set(rows)].filter((seq) => seq >= 1 && seq <= known);
  return { there, rows: there.length === 0 ? [] : [redaction(there)] };
}

function timeOf(text: string): number {
  return parseTime(text) ?? 0;
}
