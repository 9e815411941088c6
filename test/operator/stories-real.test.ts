import { beforeAll } from 'vitest';
import { describeKube } from '../support/kube-suite.ts';
import { installResources } from '../support/operator-desk.ts';
import { operatorStories } from './stories.ts';
import { objectStories } from './stories-objects.ts';
import { processStories } from './stories-processes.ts';
import { secretStories } from './stories-secrets.ts';
import { stateStories } from './stories-states.ts';
import { storeStories } from './stories-store.ts';

await describeKube('the operator, on a real API server', (server) => {
  beforeAll(() => installResources(server()));
  operatorStories(server);
  storeStories(server);
  objectStories(server);
  secretStories(server);
  stateStories(server);
  processStories(server);
});
