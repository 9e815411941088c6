import { compareText, EXIT, failure } from '../core/problem.ts';
import { toManifest } from '../core/resource.ts';
import { CATALOGUE } from '../kinds/catalogue.ts';
import { kindOf, type Resource } from '../kinds/index.ts';
import { csv } from '../render/csv.ts';
import { table } from '../render/table.ts';
import type { Handler } from './program.ts';
import { kindArgument, oneOf, withStore } from './read-store.ts';
import { note } from './report.ts';
import { parseSelector } from './selector.ts';
import type { GlobalOptions } from './settings.ts';

interface Options extends GlobalOptions {
  readonly allWorkspaces?: boolean;
  readonly selector?: string;
  readonly output: 'table' | 'wide' | 'json' | 'yaml' | 'name' | 'csv';
}

export const command: Handler = async (context, [word = '', name], options: Options) => {
  const kindName = kindArgument(word);
  const kind = kindOf(kindName);
  const selects = options.selector === undefined ? () => true : parseSelector(options.selector);
  const everywhere = options.workspace === undefined;
  const found = await withStore(context, options, ({ actual, ask }) =>
    ask(() => {
      if (name !== undefined && (!kind.namespaced || !everywhere))
        return [oneOf(actual, kindName, name, options.workspace)];
      const inOne = kind.namespaced ? options.workspace : undefined;
      return inOne === undefined ? actual.ofKind(kindName) : [...actual.inWorkspace(kindName, inOne)];
    }),
  );
  const resources = found
    .map(({ resource }) => resource)
    .filter((resource) => inWorkspace(resource, options.workspace))
    .filter(({ metadata }) => name === undefined || metadata.name === name)
    .filter(({ metadata }) => selects(metadata.labels));
  resources.sort(
    (a, b) =>
      compareText(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
      compareText(a.metadata.name, b.metadata.name),
  );
  if (name !== undefined && resources.length === 0)
    throw failure(
      EXIT.invalid,
      'RC126',
      `there is no ${kindName} "${name}" in any workspace`,
      `iam get ${kind.plural}`,
    );
  const { stdout } = context;
  switch (options.output) {
    case 'json':
    case 'yaml': {
      const { renderList } = await import('../render/list.ts');
      stdout.write(renderList(resources.map(toManifest), options.output));
      return EXIT.done;
    }
    case 'name':
      stdout.write(resources.map(({ metadata }) => `${metadata.name}\n`).join(''));
      return EXIT.done;
    case 'table':
    case 'wide':
    case 'csv': {
      const columns = kind.columns.filter(({ wide }) => wide !== true || options.output !== 'table');
      const namespaced = kind.namespaced && everywhere;
      const header = [
        ...(namespaced ? ['WORKSPACE'] : []),
        'NAME',
        ...columns.map((column) => column.header),
      ];
      const at = context.now();
      const rows = resources.map(({ metadata, spec }) => [
        ...(namespaced ? [metadata.namespace ?? ''] : []),
        metadata.name,
        ...columns.map((column) => column.value(spec, metadata, at)),
      ]);
      if (options.output === 'csv') {
        const names = header.map((title) => title.toLowerCase().replaceAll(' ', '_'));
        const records = rows.map((row) => Object.fromEntries(row.map((cell, i) => [names[i] ?? '', cell])));
        stdout.write([...csv(names, records)].join(''));
      } else if (rows.length > 0) stdout.write(table(header, rows));
      else note(context, options, `no ${kind.plural} found`);
      if (kindName === 'Role' && options.output !== 'csv' && name === undefined)
        note(context, options, `beside these there are ${CATALOGUE.size} built-in roles: iam explain roles`);
      return EXIT.done;
    }
  }
};

function inWorkspace(resource: Resource, workspace: string | undefined): boolean {
  const { namespace, name } = resource.metadata;
  if (workspace === undefined) return true;
  if (resource.kind === 'Workspace') return name === workspace;
  return namespace === undefined || namespace === workspace;
}
