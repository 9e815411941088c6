import { describe, expect, test } from 'vitest';
import { withoutWhereabouts } from '../../src/cli/whereabouts.ts';
import { contextFor } from '../support/run-iam.ts';

function told(text: string, store: string, argv: readonly string[] = ['pr', 'plan']): string {
  const { context } = contextFor(argv, { cwd: '/home/checkout', env: { IAM_STORE: store } });
  return withoutWhereabouts(context)?.(text) ?? text;
}

describe('where a store is', () => {
  test('is not said of a file, whichever way it is written', () => {
    const store = 'sqlite:/srv/iam/access.db';
    for (const place of [store, '/srv/iam/access.db', '/srv/iam', '../../srv/iam'])
      expect(told(`no store at ${place}: x`, store)).toBe('no store at the store: x');
    expect(told('/srv/iam/snapshot', store)).toBe('the store/snapshot');
  });

  test('is not said of a server: no URL, host, address or password', () => {
    const store = 'postgres://iam:pass%2Fword-1@db.internal.example:6543/access?host=other.internal.example';
    for (const place of [
      store,
      'postgres://iam@db.internal.example:6543/access',
      'db.internal.example:6543',
      'db.internal.example',
      'other.internal.example',
      'pass%2Fword-1',
      'pass/word-1',
    ])
      expect(told(`at ${place}: x`, store)).toBe('at the store: x');
    expect(told('connect ECONNREFUSED 10.1.2.3:6543', store)).toBe('connect ECONNREFUSED its host');
    expect(told('connect ECONNREFUSED ::1:6543', store)).toBe('connect ECONNREFUSED its host');
  });

  test('takes no other word away', () => {
    const text = 'postgres, access and acme/iam: 1.5 of main; write postgres://USER@HOST:PORT/DATABASE';
    for (const store of [
      'sqlite:access',
      'sqlite:.iam/iam.db',
      'postgres://iam:acme@main/access',
      'postgres://postgres@postgres/iam',
      '',
    ])
      expect(told(text, store)).toBe(text);
  });

  test('is said by commands that are not about pull requests', () => {
    expect(told('no store at /srv/iam/access.db', 'sqlite:/srv/iam/access.db', ['get', 'users'])).toBe(
      'no store at /srv/iam/access.db',
    );
  });

  test('is taken from the options too', () => {
    for (const option of [['--store', 'sqlite:/srv/iam/access.db'], ['--store=sqlite:/srv/iam/access.db']])
      expect(told('at /srv/iam/access.db', '', ['pr', 'drift', ...option])).toBe('at the store');
  });
});
