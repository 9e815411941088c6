import { expect } from 'vitest';
import { parseDuration } from '../../src/kinds/time.ts';
import type { Lab, Ledger, SecretFile, SecretRow } from './secret-lab.ts';

/**
 * Fails unless a process that was ended at any moment has lost nothing: each secret that is valid without an end, and is
 * the newest of its Token or not yet delivered, is in its sink or beside it; and each sink that held a valid secret
 * `before` holds that one or the newest, which is valid, or its Token has a valid one elsewhere. `now`: in milliseconds.
 */
export async function nothingIsLost(lab: Lab, before: readonly SecretFile[], now: number): Promise<void> {
  const ledger = await lab.ledger();
  const files = lab.files();
  for (const row of ledger.secrets) {
    if (row.revokedAt !== null || row.endsAt !== null) continue;
    if (row.deliveredAt !== null && row !== newestOf(ledger, row.token)) continue;
    const found = files.filter(({ sink, secret }) => sink === row.path && secret?.id === row.id);
    expect(found.length, `${row.id} of ${row.identity} is nowhere`).toBeGreaterThan(0);
    for (const { secret } of found) expect(lab.isOf(row, secret?.text ?? '')).toBe(true);
  }
  for (const { sink, secret, isStaged } of before) {
    const row = ledger.secrets.find(({ id }) => id === secret?.id);
    if (!secret || isStaged || !row || row.revokedAt !== null) continue;
    const held = files.find((file) => !file.isStaged && file.sink === sink)?.secret;
    expect([secret.id, newestOf(ledger, row.token)?.id]).toContain(held?.id);
    // What ends has another of the same Token that is valid, be it here or elsewhere.
    const paths = ledger.secrets.flatMap(({ token, path }) => (token === row.token ? [path] : []));
    const places = row.endsAt === null ? [sink] : paths;
    const valid = await Promise.all(
      files
        .filter((file) => !file.isStaged && places.includes(file.sink))
        .map((file) => lab.isValid(ledger, file.secret?.text ?? '', now)),
    );
    expect(valid, `nothing is valid for ${row.identity}`).toContain(true);
  }
}

/**
 * Fails unless all is done that was to be done: each Token that is not revoked has one secret without an end, its
 * newest, which is in the one place that is its own; no other file is left; and of all secrets that were ever seen
 * (`texts`, by id) those are valid that are to be, to the millisecond. `now`: in milliseconds. `strays`: whether there
 * may be what never became valid, which goes with the next secret for the same sink.
 */
export async function allIsSettled(
  lab: Lab,
  texts: ReadonlyMap<string, string>,
  now: number,
  strays = false,
): Promise<void> {
  const ledger = await lab.ledger();
  const isStray = ({ isStaged, secret }: SecretFile) =>
    strays && isStaged && !ledger.secrets.some(({ id }) => id === secret?.id);
  const files = lab.files().filter((file) => !isStray(file));
  expect(
    files.filter(({ isStaged, secret }) => isStaged || !secret),
    'something waits',
  ).toEqual([]);
  expect(ledger.secrets.filter(({ settled }) => !settled)).toEqual([]);
  for (const [uid, { name, revoked }] of ledger.tokens) {
    const newest = newestOf(ledger, uid);
    const endless = ledger.secrets.filter(
      (row) => row.token === uid && row.revokedAt === null && row.endsAt === null,
    );
    if (revoked) {
      expect(endless).toEqual([]);
      continue;
    }
    expect(newest, `${name} has no secret`).toBeDefined();
    expect(endless, name).toEqual([newest]);
    expect(newest?.deliveredAt).not.toBeNull();
    const held = files.find(({ sink }) => sink === newest?.path)?.secret;
    expect(held?.id, `the sink of ${name}`).toBe(newest?.id);
    expect(await lab.isValid(ledger, held?.text ?? '', now)).toBe(true);
  }
  for (const { sink, secret } of files) {
    const row = ledger.secrets.find(({ id }) => id === secret?.id);
    expect(row?.path).toBe(sink);
    expect(ledger.tokens.has(row?.token ?? ''), `${sink} is of a token that is gone`).toBe(true);
  }
  for (const [id, text] of texts) await isAsItShould(lab, ledger, id, text, now);
}

async function isAsItShould(lab: Lab, ledger: Ledger, id: string, text: string, now: number): Promise<void> {
  const row = ledger.secrets.find((one) => one.id === id);
  const token = ledger.tokens.get(row?.token ?? '');
  if (!row || !token || row.revokedAt !== null) {
    expect(await lab.isValid(ledger, text, now), `${id} is valid`).toBe(false);
    return;
  }
  const { endsAt } = row;
  expect(await lab.isValid(ledger, text, now), id).toBe(endsAt === null || endsAt > now);
  if (endsAt === null) return;
  const overlap = parseDuration(token.overlap ?? '') ?? 0;
  // Of those that came after it, the one that was delivered first: by its own clock it may be a later one.
  const later = ledger.secrets.filter(({ token }) => token === row.token).slice(indexIn(ledger, row) + 1);
  expect(endsAt).toBe(Math.min(...later.map(({ deliveredAt }) => deliveredAt ?? Infinity)) + overlap);
  expect(await lab.isValid(ledger, text, endsAt), `${id} at its end`).toBe(false);
  expect(await lab.isValid(ledger, text, endsAt - 1), `${id} just before its end`).toBe(true);
}

function indexIn({ secrets }: Ledger, row: SecretRow): number {
  return secrets.filter(({ token }) => token === row.token).indexOf(row);
}

function newestOf({ secrets }: Ledger, token: string): SecretRow | undefined {
  return secrets.findLast((row) => row.token === token);
}

/** Fails unless another apply and a plan find nothing to do, and the audit is a chain. */
export async function nothingIsLeft(lab: Lab, ahead: number): Promise<void> {
  for (const argv of [
    ['plan', '-f', 'access', '--prune', '--exit-code'],
    ['plan', '-f', 'access', '--prune', '--exit-code', '--full'],
    ['history', 'verify'],
  ]) {
    const ran = await lab.run(argv, ahead);
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
  }
  const ran = await lab.run(['apply', '-f', 'access', '--prune', '-o', 'json'], ahead);
  expect(ran).toMatchObject({ exit: 0, stderr: '' });
  const outcome = JSON.parse(ran.stdout) as object;
  expect(outcome).toMatchObject({ outcomes: [] });
  expect(outcome).not.toHaveProperty('secrets');
}

/** Adds the texts of all secrets that are in files. */
export function gather(texts: Map<string, string>, files: readonly SecretFile[]): void {
  for (const { secret } of files) if (secret) texts.set(secret.id, secret.text);
}
