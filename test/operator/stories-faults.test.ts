import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { installResources } from '../support/operator-desk.ts';
import { faultStories } from './stories-faults.ts';
import { frozenStories, processStories } from './stories-processes.ts';

describe('the operator, on a simulator where much goes wrong', { timeout: 60_000 }, () => {
  let simulator: KubeSimulator | undefined;
  const server = () => {
    if (!simulator) throw new Error('there is no simulator now');
    return simulator;
  };
  beforeAll(async () => {
    simulator = await startKubeSimulator();
    await installResources(simulator);
  });
  afterEach(() => simulator?.faults.heal());
  afterAll(() => simulator?.stop());
  faultStories(server);
  frozenStories(server);
  processStories(server);
});
