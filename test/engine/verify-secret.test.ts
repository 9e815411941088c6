import { expect, test } from 'vitest';
import { withActual } from '../../src/engine/actual-state.ts';
import { parsePeppers } from '../../src/engine/peppers.ts';
import { newSecret } from '../../src/engine/secret-text.ts';
import { verifySecret } from '../../src/engine/verify-secret.ts';
import { openStore } from '../../src/stores/open.ts';
import { tokenDesk } from '../support/token-desk.ts';

test('of a secret that was never issued the same is asked as of one that was', async () => {
  const desk = tokenDesk();
  await desk.apply('deliverTo: {file: ci}');
  const issued = desk.text('.iam/secrets/ci')?.trim() ?? '';
  const peppers = parsePeppers(`k1:${Buffer.alloc(32).toString('base64')}`, 'IAM_PEPPER');
  const store = await openStore('sqlite:.iam/iam.db', desk.folder, 1000);
  const asked = (text: string) =>
    withActual(store, 0, async ({ head, actual, ask, reading, close }) => {
      const ids: string[] = [];
      const watched = {
        ...reading,
        secretHash(id: string) {
          ids.push(id);
          return reading.secretHash(id);
        },
      };
      const found = await verifySecret(
        { head, actual, ask, close, reading: watched },
        text,
        peppers,
        0,
      ).catch((error: unknown) => error);
      return { found, ids };
    });
  const stranger = newSecret();
  expect(await asked(stranger.text)).toEqual({ found: { is: 'unknown' }, ids: [stranger.id] });
  expect((await asked(issued)).ids).toEqual([issued.slice(4, 16)]);
  expect(await asked('rct_x')).toEqual({ found: { is: 'unknown' }, ids: [] });
});
