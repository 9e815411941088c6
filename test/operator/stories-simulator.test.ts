import { afterAll, beforeAll, describe } from 'vitest';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { installResources } from '../support/operator-desk.ts';
import { operatorStories } from './stories.ts';
import { objectStories } from './stories-objects.ts';
import { secretStories } from './stories-secrets.ts';
import { stateStories } from './stories-states.ts';
import { storeStories } from './stories-store.ts';

describe('the operator, on a simulator', { timeout: 60_000 }, () => {
  let simulator: KubeSimulator | undefined;
  const server = () => {
    if (!simulator) throw new Error('there is no simulator now');
    return simulator;
  };
  beforeAll(async () => {
    simulator = await startKubeSimulator();
    await installResources(simulator);
  });
  afterAll(() => simulator?.stop());
  operatorStories(server);
  storeStories(server);
  objectStories(server);
  secretStories(server);
  stateStories(server);
});
