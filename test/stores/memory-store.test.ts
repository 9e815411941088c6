import { storeContract } from '../contract/store-contract.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';

storeContract({ name: 'memory', newStore: inMemoryStore });
