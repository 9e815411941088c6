import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder, writeFiles } from '../support/folder.ts';
import { describeHelmOnKube, runTool } from '../support/helm.ts';
import { installResources, operatorDesk } from '../support/operator-desk.ts';

const GUIDE = resolve(import.meta.dirname, '../../docs/operator.md');

/** The manifests and the transcript of the guide. */
function blocksOf(guide: string) {
  const manifests = [...guide.matchAll(/```yaml (\S+\.yaml)\n([\s\S]*?)```/g)].map(
    ([, name = '', text = '']) => [name, text] as const,
  );
  const [, transcript = ''] = /<!-- transcript -->\n```\n([\s\S]*?)```/.exec(guide) ?? [];
  return { manifests, transcript };
}

/** What differs from run to run: ages, times, ids, and how wide the columns are because of them. */
function masked(text: string): string {
  return text
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '2026-11-24T12:00:00Z')
    .replace(/(?<=\s)(?:\d+m)?\d+s\b/g, '2s')
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'uid')
    .replace(/ +$/gm, '');
}

await describeHelmOnKube('the transcript of the guide', (server, { kubectl }) => {
  beforeAll(() => installResources(server()));

  test('is what kubectl says', { timeout: 120_000 }, async () => {
    const guide = readFileSync(GUIDE, 'utf8');
    const { manifests, transcript } = blocksOf(guide);
    const folder = temporaryFolder();
    writeFiles(folder, Object.fromEntries(manifests));
    const { start } = await operatorDesk(server());
    await start();
    const said: string[] = [];
    for (const line of transcript.split('\n').filter((one) => one.startsWith('$ '))) {
      // As a shell parts words: none in quotes.
      const words = line.slice(2).match(/(?:'[^']*'|[^\s'])+/g) ?? [];
      const [tool, ...args] = words.map((word) => word.replaceAll("'", ''));
      expect(tool).toBe('kubectl');
      const paths = args.map((one) => (one.endsWith('.yaml') ? join(folder, one) : one));
      const { stdout, stderr } = await runTool(kubectl, paths, { kubeconfig: server().kubeconfig });
      said.push(`${line}\n${stdout}${stderr}`);
    }
    const now = masked(said.join(''));
    if (process.env.UPDATE_GOLDEN === '1')
      writeFileSync(
        GUIDE,
        guide.replace(transcript, () => now),
      );
    else expect(now).toBe(transcript);
  });
});
