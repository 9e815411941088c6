import { storeContract } from '../contract/store-contract.ts';
import { newStore } from '../support/postgres.ts';

storeContract({ name: 'postgres', newStore: () => newStore() });
