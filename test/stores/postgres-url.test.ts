import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { openStore } from '../../src/stores/open.ts';
import { readUrl } from '../../src/stores/postgres/url.ts';

describe('the URL of a store', () => {
  test.each([
    ['postgres://ana:secret@db.example:5433/iam', 'postgres://ana@db.example:5433/iam', 'rolecall'],
    [
      'postgresql://ana@db.example/iam?schema=acme_iam',
      'postgresql://ana@db.example/iam?schema=acme_iam',
      'acme_iam',
    ],
    ['postgres://db.example/iam?password=secret&user=ana', 'postgres://db.example/iam', 'rolecall'],
    [
      'postgres://ana:secret@/iam?host=/var/run/postgresql',
      'postgres://ana@/iam?host=%2Fvar%2Frun%2Fpostgresql',
      'rolecall',
    ],
    ['postgres://', 'postgres://', 'rolecall'],
    ['postgres:///iam', 'postgres:///iam', 'rolecall'],
    ['postgres://ana:se%40c%2Fret%23%25@[::1]/iam', 'postgres://ana@[::1]/iam', 'rolecall'],
  ])('%s is called %s', (url, location, schema) => {
    const place = readUrl(url);
    expect(place).toMatchObject({ location, schema });
    expect(place.connectionString).not.toContain('schema=');
  });

  test('gives the driver no mode of TLS that it warns of', () => {
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      expect(readUrl(`postgres://db.example/iam?sslmode=${mode}`).connectionString).toMatch(
        /sslmode=verify-full$/,
      );
    for (const mode of ['disable', 'no-verify'])
      expect(readUrl(`postgres://db.example/iam?sslmode=${mode}`).connectionString).toMatch(
        `sslmode=${mode}`,
      );
  });

  test.each([
    'postgres:iam',
    'postgres:/db/iam',
    'postgres://ana:12#secret@db/iam',
    'postgres://ana:12/secret@db/iam',
    'postgres://ana:12?secret@db/iam',
    'postgres://ana:secret%@db/iam',
    'postgres://ana:secret@db:port/iam',
    'postgres://db/iam?schema=secret;drop',
    'postgres://db/iam?schema=pg_secret',
    'postgres://db/iam?schema=Secret',
    `postgres://db/iam?schema=${'secret'.repeat(10)}`,
    'postgres://db/iam?stream=secret',
  ])('%s is refused', (url) => {
    const refused = () => readUrl(url);
    expect(refused).toThrow(
      expect.objectContaining({ exit: EXIT.invalid, problems: [expect.objectContaining({ code: 'RC121' })] }),
    );
    if (!url.includes('schema=')) expect(refused).not.toThrow(/secret|12/);
  });

  test('opens a store, and connects only when it is used', async () => {
    for (const scheme of ['postgres', 'postgresql']) {
      const store = await openStore(`${scheme}://ana:secret@127.0.0.1:1/iam`, '/', 100);
      expect(store.location).toBe(`${scheme}://ana@127.0.0.1:1/iam`);
      await store.close();
    }
  });
});
