import { beforeAll } from 'vitest';
import { describeKube } from '../support/kube-suite.ts';
import { installResources } from '../support/operator-desk.ts';
import { operatorStories } from './stories.ts';

await describeKube('the operator, on a real API server', (server) => {
  beforeAll(() => installResources(server()));
  operatorStories(server);
});
