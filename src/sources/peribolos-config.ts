import { type Document, pointerPart, readYaml } from '../core/document.ts';
import { comparePlaces, compareText, type Place, type Problem } from '../core/problem.ts';
import { description, displayName, dnsLabel } from '../kinds/schema.ts';
import { unsafeName, unsafeText } from '../kinds/text.ts';

/** What a team may be given on a repository, the most first. */
export const PERMISSIONS = ['admin', 'maintain', 'write', 'triage', 'read'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** One file of the configuration of an organisation. */
export interface PeribolosFile {
  readonly org: string;
  /** As problems shall name it. */
  readonly path: string;
  readonly text: string;
}

/** A text as it is written, the name that Rolecall gives it, and where it stands. */
export interface Named {
  readonly written: string;
  readonly name: string;
  readonly place: Place;
}

export interface Team extends Named {
  readonly description: string;
  /** Members and maintainers. */
  readonly people: readonly Named[];
  readonly repos: readonly { readonly id: string; readonly permission: Permission }[];
  /** Names that it had, as names of Groups. */
  readonly previously: readonly Named[];
  readonly teams: readonly Team[];
}

/** All files of one organisation. */
export interface Organisation {
  readonly name: string;
  readonly displayName: string;
  readonly admins: readonly Named[];
  readonly members: readonly Named[];
  readonly teams: readonly Team[];
}

export interface ReadPeribolos {
  /** By name. Only what could be read; complete only when there is no problem. */
  readonly organisations: readonly Organisation[];
  readonly problems: readonly Problem[];
  /** Settings without a counterpart, `org.privacy` or `team.privacy`, and how often they were met. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** The longest id of a resource that a RoleBinding may name. */
const ID_LENGTH = 256;

const LABEL = new RegExp(dnsLabel.pattern);

/** One value of a document, and what was met on the way. */
interface Part {
  readonly value: unknown;
  readonly document: Document;
  readonly pointer: string;
  readonly notes: Notes;
}

interface Notes {
  readonly problems: Problem[];
  readonly dropped: Map<string, number>;
}

/**
 * Which organisation each file belongs to: the folder right below `root`, or `root` itself when it has an org.yaml.
 *
 * `name` is the base name of the root, `path` how to name it in problems; `below` are paths below it, with `/`.
 */
export function organisationsOf(
  root: { readonly name: string; readonly path: string },
  below: readonly string[],
): { files: { org: string; below: string }[]; problems: Problem[] } {
  const isOrg = (path: string) => path === 'org.yaml' || path === 'org.yml';
  const single = below.some(isOrg);
  const files: { org: string; below: string }[] = [];
  const problems: Problem[] = [];
  const report = (path: string, message: string, hint: string) =>
    problems.push(problem({ file: `${root.path}/${path}`, line: 1, column: 1 }, message, hint));
  for (const path of below) {
    const [folder = '', ...rest] = path.split('/');
    if (!single && rest.length === 0) {
      report(
        path,
        `${path} is not in the folder of an organisation`,
        'give the folder that has one folder for each organisation, or one that has an org.yaml',
      );
    } else if (isOrg(rest.at(-1) ?? '') && (single || rest.length > 1)) {
      report(
        path,
        `${path} is an organisation inside of the organisation ${single ? root.name : folder}`,
        'give the folder that has one folder for each organisation',
      );
    } else {
      files.push({ org: single ? root.name : folder, below: path });
    }
  }
  return { files, problems };
}

/** Reads the configuration of organisations. Never throws on bad input: all problems come back with their places. */
export function readPeribolos(files: readonly PeribolosFile[]): ReadPeribolos {
  const notes: Notes = { problems: [], dropped: new Map() };
  const byOrg = Map.groupBy(
    files.toSorted((a, b) => compareText(a.path, b.path)),
    ({ org }) => org,
  );
  const organisations = [...byOrg]
    .sort(([a], [b]) => compareText(a, b))
    .map(([org, own]) => readOrganisation(org, own, notes));
  return {
    organisations,
    problems: notes.problems,
    dropped: new Map([...notes.dropped].sort(([a], [b]) => compareText(a, b))),
  };
}

function readOrganisation(name: string, files: readonly PeribolosFile[], notes: Notes): Organisation {
  const { problems } = notes;
  if (!isLabel(name)) {
    problems.push(
      problem(
        { file: files[0]?.path ?? name, line: 1, column: 1 },
        `organisation ${JSON.stringify(name)} cannot be the name of a Workspace`,
        'rename its folder: lower-case letters, digits and -, at most 63',
      ),
    );
  }
  const roots: Part[] = [];
  for (const { path, text } of files) {
    const read = readYaml(path, text);
    problems.push(...read.problems);
    for (const document of read.documents)
      roots.push({ value: document.value, document, pointer: '', notes });
  }
  const names: Named[] = [];
  const admins: Named[] = [];
  const members: Named[] = [];
  const teams: Team[] = [];
  for (const root of roots) {
    const settings = fields(root, 'org', ['name', 'admins', 'members', 'teams']);
    if (settings.name) names.push(...oneName(settings.name));
    admins.push(...logins(settings.admins));
    members.push(...logins(settings.members));
    teams.push(...readTeams(settings.teams));
  }
  const [first, ...others] = names;
  for (const other of others) {
    if (first && other.written !== first.written) {
      problems.push(
        problem(
          other.place,
          `name ${JSON.stringify(other.written)} of organisation ${name} is ${JSON.stringify(first.written)} at ${at(first.place)}`,
          'keep one of the two',
        ),
      );
    }
  }
  return { name, displayName: first?.written ?? name, admins, members, teams };
}

function oneName(part: Part): Named[] {
  const written = text(part, 'name');
  if (written === undefined || written === '') return [];
  checkText(part, 'name', written, displayName.maxLength, unsafeName(written, '')[0]?.message);
  return [{ written, name: written, place: place(part) }];
}

function readTeams(part: Part | undefined): Team[] {
  return entries(part, 'teams').map(({ key, keyPlace, part }) => readTeam(key, keyPlace, part));
}

function readTeam(written: string, keyPlace: Place, part: Part): Team {
  const named = groupName('team', written, keyPlace, part.notes);
  const wrong =
    [...written].length > displayName.maxLength
      ? `is longer than ${displayName.maxLength} characters`
      : unsafeName(written, '')[0]?.message;
  if (wrong) part.notes.problems.push(problem(keyPlace, `team ${JSON.stringify(written)} ${wrong}`));
  const settings = fields(part, 'team', [
    'description',
    'members',
    'maintainers',
    'previously',
    'repos',
    'teams',
  ]);
  return {
    ...named,
    description: readDescription(settings.description),
    people: [...logins(settings.members), ...logins(settings.maintainers)],
    repos: readRepos(settings.repos),
    previously: items(settings.previously, 'previously').flatMap((item) => {
      const previous = text(item, 'previous name');
      return previous === undefined ? [] : [groupName('previous name', previous, place(item), part.notes)];
    }),
    teams: readTeams(settings.teams),
  };
}

function readDescription(part: Part | undefined): string {
  const written = part ? text(part, 'description') : undefined;
  if (part && written !== undefined) {
    checkText(
      part,
      'description',
      written,
      description.maxLength,
      unsafeText(written, '', { lines: true })[0]?.message,
    );
  }
  return written ?? '';
}

function readRepos(part: Part | undefined): Team['repos'] {
  return entries(part, 'repos').flatMap(({ key, keyPlace, part }) => {
    const wrong =
      key === ''
        ? 'has no name'
        : [...key].length > ID_LENGTH
          ? `is longer than ${ID_LENGTH} characters`
          : unsafeText(key, '')[0]?.message;
    if (wrong) part.notes.problems.push(problem(keyPlace, `repository ${JSON.stringify(key)} ${wrong}`));
    const permission = text(part, `permission on ${JSON.stringify(key)}`, 'required');
    if (permission === undefined) return [];
    const known = PERMISSIONS.find((one) => one === permission);
    if (known) return [{ id: key, permission: known }];
    part.notes.problems.push(
      problem(
        place(part),
        `unknown permission ${JSON.stringify(permission)} on ${JSON.stringify(key)}`,
        `one of ${PERMISSIONS.join(', ')}`,
      ),
    );
    return [];
  });
}

/** Logins that can be names, in the order of the list. */
function logins(part: Part | undefined): Named[] {
  const list = part?.pointer.split('/').at(-1) ?? '';
  return items(part, list).flatMap((item) => {
    const written = text(item, `login in ${list}`, 'required');
    if (written === undefined) return [];
    const name = lowerCase(written);
    if (isLabel(name)) return [{ written, name, place: place(item) }];
    item.notes.problems.push(
      problem(place(item), `login ${JSON.stringify(written)} cannot be the name of a User`, NAMES),
    );
    return [];
  });
}

const NAMES = 'names are letters, digits and -, at most 63, and begin and end with a letter or digit';

/** A name of a team, now or before, as the name of a Group. */
function groupName(what: string, written: string, at: Place, { problems }: Notes): Named {
  const name = lowerCase(written).replace(/[^-a-z0-9]/gu, '-');
  if (!isLabel(name)) {
    problems.push(
      problem(
        at,
        `${what} ${JSON.stringify(written)} becomes ${JSON.stringify(name)}, which cannot be the name of a Group`,
        NAMES,
      ),
    );
  }
  return { written, name, place: at };
}

// Only ASCII: to lower-case the Kelvin sign gives a plain k, and a login would become somebody else's.
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isLabel(name: string): boolean {
  return name.length <= dnsLabel.maxLength && LABEL.test(name);
}

/** The known fields of a mapping; a field that is null counts as absent, one not known is counted. */
function fields<F extends string>(
  part: Part,
  owner: 'org' | 'team',
  known: readonly F[],
): Partial<Record<F, Part>> {
  const found: Partial<Record<F, Part>> = {};
  for (const { key, keyPlace, part: field } of entries(part, owner === 'org' ? 'configuration' : 'team')) {
    const name = known.find((one) => one === key);
    if (name !== undefined) {
      found[name] = field;
    } else if (owner === 'org' && key === 'orgs') {
      part.notes.problems.push(
        problem(
          keyPlace,
          'orgs holds several organisations in one file',
          'give the folder that has one folder for each organisation',
        ),
      );
    } else {
      const setting = `${owner}.${key}`;
      part.notes.dropped.set(setting, (part.notes.dropped.get(setting) ?? 0) + 1);
    }
  }
  return found;
}

interface Entry {
  readonly key: string;
  readonly keyPlace: Place;
  readonly part: Part;
}

function entries(part: Part | undefined, what: string): Entry[] {
  if (!part || part.value === null) return [];
  if (typeof part.value !== 'object' || Array.isArray(part.value)) return wrongType(part, what, 'a mapping');
  return Object.entries(part.value).map(([key, value]) => {
    const pointer = `${part.pointer}/${pointerPart(key)}`;
    return { key, keyPlace: part.document.place(pointer, 'key'), part: { ...part, value, pointer } };
  });
}

function items(part: Part | undefined, what: string): Part[] {
  if (!part || part.value === null) return [];
  if (!Array.isArray(part.value)) return wrongType(part, what, 'a list');
  return part.value.map((value: unknown, index) => ({ ...part, value, pointer: `${part.pointer}/${index}` }));
}

function text(part: Part, what: string, required?: 'required'): string | undefined {
  if (typeof part.value === 'string') return part.value;
  if (part.value !== null || required) wrongType(part, what, 'a string');
  return undefined;
}

function wrongType(part: Part, what: string, wanted: string): never[] {
  const { value } = part;
  const found =
    value === null
      ? 'empty'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'a mapping'
          : `a ${typeof value}`;
  const quotes = wanted === 'a string' && value !== null && typeof value !== 'object';
  part.notes.problems.push(
    problem(
      place(part),
      `${what} must be ${wanted}, but is ${found}`,
      quotes ? 'put it in quotes' : undefined,
    ),
  );
  return [];
}

function checkText(
  part: Part,
  what: string,
  written: string,
  longest: number,
  unsafe: string | undefined,
): void {
  const wrong = [...written].length > longest ? `is longer than ${longest} characters` : unsafe;
  if (wrong) part.notes.problems.push(problem(place(part), `${what} ${wrong}`));
}

function place(part: Part): Place {
  return part.document.place(part.pointer);
}

/** A problem of an import. */
export function problem(at: Place, message: string, hint?: string): Problem {
  return { code: 'RC127', severity: 'error', message, place: at, hint };
}

/** A place for a message. */
export function at({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** The first written of each name, by place. */
export function firsts<T extends Named>(all: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const one of all.toSorted((a, b) => comparePlaces(a.place, b.place)))
    if (!found.has(one.name)) found.set(one.name, one);
  return found;
}
