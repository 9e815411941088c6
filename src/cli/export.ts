import path from 'node:path';
import { compareText, EXIT } from '../core/problem.ts';
import { identity, identityOf } from '../core/resource.ts';
import { Pieces } from '../engine/pieces.ts';
import { KIND_NAMES, type KindName, kindOf, type Resource } from '../kinds/index.ts';
import { count } from '../render/lines.ts';
import { renderManifest } from '../render/yaml.ts';
import type { Reading } from '../stores/store.ts';
import type { Handler } from './program.ts';
import { withStore } from './read-store.ts';
import { note } from './report.ts';
import type { GlobalOptions } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output?: string;
}

export const command: Handler = (context, _args, options: Options) =>
  withStore(context, options, async ({ reading }) => {
    const places = await placesIn(reading, options.workspace);
    if (options.output === undefined) {
      const pieces = new Pieces((text) => context.stdout.write(text));
      for await (const text of manifests(reading, places)) pieces.add(text);
      pieces.flush();
      return EXIT.done;
    }
    const { streamFolder } = await import('./folder-output.ts');
    const files = places.map((place) => ({ path: fileOf(place), text: manifests(reading, [place]) }));
    await streamFolder(path.resolve(context.cwd, options.output), '.rolecall-export', files);
    const total = places.reduce((sum, place) => sum + place.count, 0);
    note(
      context,
      options,
      `wrote ${count(total, 'resource')} to ${count(files.length, 'file')} in ${options.output}`,
    );
    return EXIT.done;
  });

/** What stands together: all of a kind that is global, or in one workspace; or a Workspace, by itself. */
interface Place {
  readonly kind: KindName;
  /** Empty for what is global. */
  readonly workspace: string;
  readonly count: number;
}

/** All places, or those of one workspace, in the order of an export: what is global, then each workspace. */
async function placesIn(reading: Reading, only: string | undefined): Promise<Place[]> {
  const counts = new Map<string, Place>();
  for (const { kind, workspace, count } of await reading.tally()) {
    if (kind === 'Workspace') continue;
    const key = identity(kind, workspace, '');
    counts.set(key, { kind, workspace, count: count + (counts.get(key)?.count ?? 0) });
  }
  for (const { resource } of await reading.find({ kinds: ['Workspace'] }))
    counts.set(identityOf(resource), { kind: 'Workspace', workspace: resource.metadata.name, count: 1 });
  return [...counts.values()]
    .filter(({ workspace }) => only === undefined || workspace === only)
    .sort(
      (a, b) =>
        compareText(a.workspace, b.workspace) || KIND_NAMES.indexOf(a.kind) - KIND_NAMES.indexOf(b.kind),
    );
}

const PAGE = 1000;

/** The manifests of places as one YAML stream. Never are more than a page of them at hand. */
async function* manifests(reading: Reading, places: readonly Place[]): AsyncGenerator<string> {
  let separator = '';
  for (const place of places) {
    for await (const page of pagesOf(reading, place)) {
      for (const resource of page) {
        yield separator + renderManifest(resource);
        separator = '---\n';
      }
    }
  }
}

async function* pagesOf(reading: Reading, { kind, workspace }: Place): AsyncGenerator<Resource[]> {
  if (kind === 'Workspace') {
    const found = await reading.find({ ids: [identity('Workspace', undefined, workspace)] });
    yield found.map(({ resource }) => resource);
    return;
  }
  for (let after = ''; ; ) {
    const found = await reading.find({ page: { kind, workspace, after, limit: PAGE } });
    if (found.length > 0) yield found.map(({ resource }) => resource);
    if (found.length < PAGE) return;
    after = found.at(-1)?.resource.metadata.name ?? '';
  }
}

/** `users.yaml` at the top, `acme-prod/groups.yaml` for what is in a workspace. */
function fileOf({ kind, workspace }: Place): string {
  if (workspace === '') return `${kindOf(kind).plural}.yaml`;
  return `${workspace}/${kind === 'Workspace' ? 'workspace' : kindOf(kind).plural}.yaml`;
}
