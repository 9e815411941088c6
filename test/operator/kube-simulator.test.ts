import { afterAll, beforeAll, describe } from 'vitest';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { apiSuite } from './api-suite.ts';

describe('on the simulator', () => {
  let simulator: KubeSimulator;
  beforeAll(async () => {
    simulator = await startKubeSimulator();
  });
  afterAll(() => simulator.stop());
  apiSuite(() => simulator);
});
