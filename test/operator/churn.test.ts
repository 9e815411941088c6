import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { API_VERSION } from '../../src/kinds/index.ts';
import { collectionPath, objectPath } from '../../src/sources/cluster-names.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeKube } from '../support/kube-suite.ts';
import { installResources, operatorDesk } from '../support/operator-desk.ts';

/** Minutes: 30 with ROLECALL_LONG=1, as the bar says; in half a minute only what grows fast is seen. */
const MINUTES = process.env.ROLECALL_LONG === '1' ? 30 : 0.5;

const IAM = resolve(import.meta.dirname, '../../dist/cli/main.js');

/** What a process uses, as Linux says. */
function usageOf({ pid }: ChildProcess): { readonly megabytes: number; readonly files: number } {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return { megabytes: Number(kilobytes) / 1024, files: readdirSync(`/proc/${pid}/fd`).length };
}

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

const canMeasure = existsSync('/proc/self/status');

await describeKube('an operator that runs for long', (server) => {
  beforeAll(() => installResources(server()));

  test.skipIf(!canMeasure)(
    `in ${MINUTES} minutes of objects that come, change and go its memory and open files stay as they are${canMeasure ? '' : ' (skipped: /proc tells of them)'}`,
    { timeout: (MINUTES + 3) * 60_000 },
    async () => {
      const { apply, until, url, eventually } = await operatorDesk(server(), undefined, { sweeps: false });
      await apply(`
        kind: Workspace
        metadata: {name: acme}
        spec: {displayName: Acme, tier: Business}
        ---
        kind: User
        metadata: {name: ana}
        spec: {email: ana@acme.example}
        ---
        kind: RoleBinding
        metadata: {name: owners, namespace: acme}
        spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
      `);
      const folder = temporaryFolder();
      const args = ['operator', '--store', url, '--kubeconfig', server().kubeconfig, '--interval', '5s'];
      const addresses = ['--listen', '127.0.0.1:0', '--health-listen', '127.0.0.1:0'];
      const operator = spawn(process.execPath, [IAM, ...args, ...addresses], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      operator.stdout?.pipe(createWriteStream(join(folder, 'log')));
      onTestFinished(async () => {
        if (operator.exitCode !== null) return;
        const ended = once(operator, 'exit');
        operator.kill('SIGTERM');
        await ended;
      });
      await until('RoleBinding', 'acme/owners', 'Applied');
      const kube = await kubeClient({ kubeconfig: server().kubeconfig });
      const samples: { readonly megabytes: number; readonly files: number }[] = [];
      const begun = Date.now();
      const KEPT = 200;
      for (let i = 0; Date.now() - begun < MINUTES * 60_000; i++) {
        await kube.request({
          method: 'POST',
          path: collectionPath('RoleBinding', 'acme'),
          body: {
            apiVersion: API_VERSION,
            kind: 'RoleBinding',
            metadata: { name: `r-${i}`, namespace: 'acme' },
            spec: {
              role: 'source-read-only',
              subjects: [{ name: 'ana' }],
              resources: [{ type: 'Source', id: `s-${i}` }],
            },
          },
        });
        if (i >= 10) {
          const path = objectPath('RoleBinding', 'acme', `r-${i - 10}`);
          await kube.request({
            method: 'PATCH',
            path,
            patch: 'merge',
            body: { spec: { reason: `edit ${i}` } },
          });
        }
        if (i >= KEPT)
          await kube.request({ method: 'DELETE', path: objectPath('RoleBinding', 'acme', `r-${i - KEPT}`) });
        if (i % 10 === 0) samples.push(usageOf(operator));
        await sleep(100);
      }
      await eventually('all is as it is declared', async () => {
        const { body } = await server().send('GET', collectionPath('RoleBinding', 'acme'));
        const { items } = body as unknown as {
          items: { status: { observedGeneration: number }; metadata: { generation: number } }[];
        };
        return items.every(({ status, metadata }) => status.observedGeneration === metadata.generation);
      });
      await kube.close();
      const third = (n: number) =>
        samples.slice(Math.floor((n * samples.length) / 3), Math.floor(((n + 1) * samples.length) / 3));
      const memory = [0, 1, 2].map((n) => Math.round(median(third(n).map(({ megabytes }) => megabytes))));
      const files = [0, 1, 2].map((n) => Math.max(...third(n).map((one) => one.files)));
      console.log(
        `${samples.length} samples in ${MINUTES} minutes: ${memory.join(', ')} MB, at most ${files.join(', ')} open files`,
      );
      expect(operator.exitCode).toBeNull();
      expect(memory[2]).toBeLessThan((memory[1] ?? 0) * (MINUTES < 5 ? 1.5 : 1.1) + 10);
      expect(files[2]).toBeLessThanOrEqual((files[1] ?? 0) + 5);
    },
  );
});
