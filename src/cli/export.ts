import path from 'node:path';
import { compareText, EXIT } from '../core/problem.ts';
import { workspaceOf } from '../core/resource.ts';
import { KIND_NAMES, kindOf, type Resource } from '../kinds/index.ts';
import { count } from '../render/lines.ts';
import { renderManifests } from '../render/yaml.ts';
import type { Handler } from './program.ts';
import { withStore } from './read-store.ts';
import { note } from './report.ts';
import type { GlobalOptions } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output?: string;
}

export const command: Handler = async (context, _args, options: Options) => {
  const stored = await withStore(context, options, ({ actual, ask }) => ask(() => [...actual.all()]));
  const { workspace } = options;
  const resources = stored
    .map(({ resource }) => resource)
    .filter((resource) => workspace === undefined || workspaceOf(resource) === workspace)
    .sort(byPlace);
  if (options.output === undefined) {
    for (const part of renderManifests(resources)) context.stdout.write(part);
    return EXIT.done;
  }
  const { writeFolder } = await import('./folder-output.ts');
  const files = [...Map.groupBy(resources, fileOf)].map(([file, group]) => ({
    path: file,
    text: renderManifests(group),
  }));
  writeFolder(path.resolve(context.cwd, options.output), '.rolecall-export', files);
  note(
    context,
    options,
    `wrote ${count(resources.length, 'resource')} to ${count(files.length, 'file')} in ${options.output}`,
  );
  return EXIT.done;
};

/** `users.yaml` at the top, `acme-prod/groups.yaml` for what is in a workspace. */
function fileOf(resource: Resource): string {
  const workspace = workspaceOf(resource);
  if (workspace === undefined) return `${kindOf(resource.kind).plural}.yaml`;
  return `${workspace}/${resource.kind === 'Workspace' ? 'workspace' : kindOf(resource.kind).plural}.yaml`;
}

function byPlace(a: Resource, b: Resource): number {
  return (
    compareText(workspaceOf(a) ?? '', workspaceOf(b) ?? '') ||
    KIND_NAMES.indexOf(a.kind) - KIND_NAMES.indexOf(b.kind) ||
    compareText(a.metadata.name, b.metadata.name)
  );
}
