import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kube, KubeError } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { configMap, configMaps, makeNamespace, until } from './desk.ts';

/** What a client must do, on whatever API server. */
export function clientSuite(server: () => KubeServer): void {
  describe('a client', () => {
    let kube: Kube;
    let namespace: string;
    beforeAll(async () => {
      kube = await kubeClient({ kubeconfig: server().kubeconfig });
      namespace = await makeNamespace(kube);
    }, 60_000);
    afterAll(() => kube?.close());

    test('knows where it is', () => {
      expect([kube.server, kube.namespace]).toEqual([server().url, 'default']);
    });

    test('tells in the words of the server what is refused', async () => {
      const error = await kube.request({ method: 'GET', path: `${configMaps(namespace)}/x` }).catch(String);
      expect(error).toBe('KubeError: configmaps "x" not found');
    });

    test('does many things at once', async () => {
      const path = configMaps(namespace);
      await Promise.all(
        Array.from({ length: 300 }, (_, i) =>
          kube.request({ method: 'POST', path, body: configMap(`many-${i}`, { text: 'é\n"\u2028' }) }),
        ),
      );
      const { items } = await kube.request<{ items: readonly { data: object }[] }>({ method: 'GET', path });
      expect(items.length).toBeGreaterThanOrEqual(300);
      expect(items.at(-1)?.data).toEqual({ text: 'é\n"\u2028' });
    });

    test('ends what is called off, for the reason that is given', async () => {
      const reason = new Error('no more');
      const path = configMaps(namespace);
      const request = kube.request({ method: 'GET', path, signal: AbortSignal.abort(reason) });
      await expect(request).rejects.toBe(reason);
      const calling = new AbortController();
      let events = 0;
      const watching = (async () => {
        for await (const _ of kube.watch(path, { resourceVersion: '0' }, calling.signal)) events++;
      })();
      await until('the watch has begun', () => events > 0);
      calling.abort(reason);
      await watching;
    });

    test('asks nothing any more once it is closed', async () => {
      const other = await kubeClient({ kubeconfig: server().kubeconfig });
      const call = { method: 'GET', path: '/api/v1/namespaces' } as const;
      await other.request(call);
      const watching = (async () => {
        for await (const _ of other.watch('/api/v1/namespaces', {}, new AbortController().signal));
      })();
      await other.close();
      await expect(watching).rejects.toThrow(KubeError);
      await expect(other.request(call)).rejects.toThrow('is not asked any more');
    });
  });
}
