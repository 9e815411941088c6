import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** What the thread that serves is told. */
export interface GitHttpOrder {
  readonly root: string;
  readonly password: string | undefined;
}

/**
 * Serves a bare repository to clone and fetch from, also in part, by `git http-backend`, from a thread of its own,
 * so that a test may wait for a git that it runs. With a password, as GitHub serves a private repository.
 * Gives the URL; ends with the test.
 */
export async function gitHttpServer(
  repository: string,
  { password }: { readonly password?: string } = {},
): Promise<string> {
  const order: GitHttpOrder = { root: dirname(repository), password };
  const worker = new Worker(new URL('./git-http-worker.ts', import.meta.url), { workerData: order });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [port] = await once(worker, 'message');
  return `http://127.0.0.1:${port}/${basename(repository)}`;
}
