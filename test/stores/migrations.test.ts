import { expect, test } from 'vitest';
import { sha256 } from '../../src/core/hash.ts';
import { MIGRATIONS } from '../../src/stores/sqlite/migrations.ts';

test.each(MIGRATIONS)('the checksum of $name is that of its text', ({ checksum, sql }) => {
  expect(checksum).toBe(sha256(sql));
});
