import path from 'node:path';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { storeContract } from '../contract/store-contract.ts';
import { temporaryFolder } from '../support/folder.ts';

storeContract({
  name: 'sqlite',
  newStore: () =>
    sqliteStore({
      file: path.join(temporaryFolder(), '.iam/iam.db'),
      location: '.iam/iam.db',
      lockTimeout: 100,
    }),
});
