import { statSync } from 'node:fs';
import { basename, relative, resolve, sep } from 'node:path';
import { EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import { OWNER_ROLE } from '../kinds/catalogue.ts';
import { kindOf, type Resource } from '../kinds/index.ts';
import { wrap } from '../render/lines.ts';
import { renderManifests } from '../render/yaml.ts';
import { filesSource } from '../sources/files.ts';
import { importPeribolos, type PeribolosImport } from '../sources/peribolos.ts';
import { organisationsOf, type PeribolosFile } from '../sources/peribolos-config.ts';
import type { Context } from './context.ts';
import { type OutputFile, writeFolder } from './folder-output.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import type { GlobalOptions } from './settings.ts';
import { shellQuote } from './shell-quote.ts';

interface Options extends GlobalOptions {
  /** A folder. */
  readonly output?: string;
}

const MARKER = '.rolecall-import';

export const command: Handler = async (
  context,
  [_format, ...roots],
  { output: dir, ...options }: Options,
) => {
  const { files, problems } = await readRoots(context, roots);
  // In the wrong organisation nearly everything is wrong.
  if (problems.some(({ code }) => code === 'RC127')) throw new Failure(EXIT.invalid, problems);
  const imported = importPeribolos(files);
  const all = [...problems, ...imported.problems];
  if (all.length > 0) throw new Failure(EXIT.invalid, all);
  if (imported.workspaces.length === 0)
    throw failure(
      EXIT.invalid,
      'RC120',
      `no organisation in ${roots.join(', ')}`,
      'give the folder that has one folder for each organisation, or one that has an org.yaml',
    );
  if (dir === undefined)
    for (const piece of renderManifests(resourcesOf(imported))) context.stdout.write(piece);
  else writeFolder(resolve(context.cwd, dir), MARKER, outputFiles(imported));
  for (const line of remarks(imported, dir)) note(context, options, wrap(line, 80, '  '));
  return EXIT.done;
};

/** The YAML files below the roots, each with the organisation that it belongs to. */
async function readRoots(
  context: Context,
  roots: readonly string[],
): Promise<{ files: PeribolosFile[]; problems: Problem[] }> {
  const files = new Map<string, PeribolosFile>();
  const problems: Problem[] = [];
  for (const root of roots) {
    const folder = resolve(context.cwd, root);
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      problems.push({
        code: 'RC101',
        severity: 'error',
        message: `${root}: there is no such folder`,
        hint: 'give the folder of the organisations',
      });
      continue;
    }
    const source = filesSource({ paths: [root], cwd: context.cwd, readStdin: () => context.readStdin() });
    const loaded = await source.load();
    problems.push(...loaded.problems);
    const texts = new Map<string, { file: string; text: string }>();
    for (const { file, text } of loaded.texts) {
      const below = relative(folder, resolve(context.cwd, file)).replaceAll(sep, '/');
      // JSON is YAML: organisationsOf tells which of them it knows.
      texts.set(below, { file, text });
    }
    const found = organisationsOf({ name: basename(folder), path: root.replace(/(?<=.)\/+$/, '') }, [
      ...texts.keys(),
    ]);
    problems.push(...found.problems);
    for (const { org, below } of found.files) {
      const one = texts.get(below);
      // Of a file below two roots, one copy counts.
      if (one) files.set(resolve(folder, below), { org, path: one.file, text: one.text });
    }
  }
  return { files: [...files.values()], problems };
}

function resourcesOf({ users, roles, workspaces }: PeribolosImport): Resource[] {
  return [...users, ...roles, ...workspaces.flatMap(({ resources }) => resources)];
}

/** Users and roles in a file each, and a folder for each workspace, with a file for each team. */
function outputFiles({ users, roles, workspaces }: PeribolosImport): OutputFile[] {
  return [
    { path: 'users.yaml', text: renderManifests(users) },
    { path: 'roles.yaml', text: renderManifests(roles) },
    ...workspaces.flatMap(({ name, resources }) =>
      [...Map.groupBy(resources, fileOf)].map(([file, own]) => ({
        path: `${name}/${file}`,
        text: renderManifests(own),
      })),
    ),
  ];
}

/** A change of one team is then a change of one file; and owners can have reviewers of their own (CODEOWNERS). */
function fileOf(resource: Resource): string {
  switch (resource.kind) {
    case 'Workspace':
      return 'workspace.yaml';
    case 'Group':
      return `groups/${resource.metadata.name}.yaml`;
    case 'RoleBinding': {
      const group = resource.spec.subjects.find(({ kind }) => kind === 'Group');
      if (group) return `groups/${group.name}.yaml`;
      return resource.spec.role === OWNER_ROLE ? 'owners.yaml' : 'members.yaml';
    }
    default:
      throw new Error(`a ${resource.kind} is in no workspace`);
  }
}

function* remarks(imported: PeribolosImport, dir: string | undefined): Iterable<string> {
  const kinds = [...Map.groupBy(resourcesOf(imported), ({ kind }) => kind)];
  const counts = kinds.map(([kind, some]) =>
    some.length === 1
      ? `1 ${kind.toLowerCase()}`
      : `${some.length.toLocaleString('en')} ${kindOf(kind).plural}`,
  );
  yield `imported ${counts.join(', ')}${dir === undefined ? '' : ` into ${dir}`}`;
  if (imported.dropped.size > 0) {
    const settings = [...imported.dropped].map(
      ([setting, times]) => `${setting} (${times.toLocaleString('en')})`,
    );
    yield `dropped settings without a counterpart: ${settings.join(', ')}`;
  }
  if (dir !== undefined) yield `next: iam validate -f ${shellQuote(dir)}`;
}
