import { describeKube } from '../support/kube-suite.ts';
import { apiSuite } from './api-suite.ts';
import { clientSuite } from './client-suite.ts';
import { leaderSuite } from './leader-suite.ts';
import { reflectorSuite } from './reflector-suite.ts';

await describeKube('on a real API server', (server) => {
  apiSuite(server);
  clientSuite(server);
  leaderSuite(server);
  reflectorSuite(server);
});
