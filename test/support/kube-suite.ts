import { afterAll, beforeAll, describe } from 'vitest';
import { findKubeBinaries } from './kube-binaries.ts';
import { type KubeServerOptions, type RealKubeServer, startKubeServer } from './kube-server.ts';

/**
 * Tests that need a real API server, which starts before them and stops after them. `server` may be called in tests and
 * hooks, not where they are declared.
 *
 * Where there is none they are skipped, which the title and a line on the console say; with ROLECALL_KUBE=1 that is an error.
 */
export async function describeKube(
  title: string,
  tests: (server: () => RealKubeServer) => void,
  options?: KubeServerOptions,
): Promise<void> {
  const binaries = await findKubeBinaries();
  if (typeof binaries === 'string') {
    if (process.env.ROLECALL_KUBE === '1') throw new Error(`no API server: ${binaries}`);
    console.log(`NO REAL API SERVER, so not tested: ${title}: ${binaries}`);
    describe.skip(`${title} (skipped, no API server: ${binaries})`, () => tests(absent));
    return;
  }
  describe(`${title} (${binaries.origin})`, { timeout: 300_000 }, () => {
    let server: RealKubeServer | undefined;
    beforeAll(async () => {
      server = await startKubeServer(binaries, options);
    }, 180_000);
    afterAll(() => server?.stop(), 60_000);
    tests(() => server ?? absent());
  });
}

function absent(): never {
  throw new Error('there is no API server now');
}
