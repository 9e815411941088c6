import { afterAll, beforeAll, describe } from 'vitest';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { describeKube } from '../support/kube-suite.ts';
import { secretSuite } from './secret-suite.ts';

let simulator: KubeSimulator;
beforeAll(async () => {
  simulator = await startKubeSimulator();
});
afterAll(() => simulator.stop());

describe('on the simulator', () => secretSuite(() => simulator));

await describeKube('on a real API server', (server) => secretSuite(server));
