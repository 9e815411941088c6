import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * Cuts out of GitHub's published OpenAPI description what the GitHub server of the tests answers:
 * these operations and all that they refer to, without prose, examples and extensions.
 * The description comes with the npm package @octokit/openapi, which is too big to depend on:
 * `npm pack @octokit/openapi`, unpack it, `node scripts/github-openapi.ts package/generated/api.github.com.json`.
 */
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  '/rate_limit': ['get'],
  '/repos/{owner}/{repo}': ['get'],
  '/repos/{owner}/{repo}/actions/runs/{run_id}/approvals': ['get'],
  '/repos/{owner}/{repo}/activity': ['get'],
  '/repos/{owner}/{repo}/check-runs': ['post'],
  '/repos/{owner}/{repo}/check-runs/{check_run_id}': ['get', 'patch'],
  '/repos/{owner}/{repo}/collaborators/{username}/permission': ['get'],
  '/repos/{owner}/{repo}/commits/{commit_sha}/pulls': ['get'],
  '/repos/{owner}/{repo}/commits/{ref}': ['get'],
  '/repos/{owner}/{repo}/commits/{ref}/check-runs': ['get'],
  '/repos/{owner}/{repo}/issues': ['get', 'post'],
  '/repos/{owner}/{repo}/issues/comments/{comment_id}': ['get', 'patch', 'delete'],
  '/repos/{owner}/{repo}/issues/{issue_number}': ['patch'],
  '/repos/{owner}/{repo}/issues/{issue_number}/comments': ['get', 'post'],
  '/repos/{owner}/{repo}/pulls': ['get'],
  '/repos/{owner}/{repo}/pulls/{pull_number}': ['get'],
  '/repos/{owner}/{repo}/pulls/{pull_number}/commits': ['get'],
  '/repos/{owner}/{repo}/pulls/{pull_number}/reviews': ['get'],
  '/user': ['get'],
};

const OUTPUT = resolve(import.meta.dirname, '../test/support/github/openapi.json');
const PROSE = new Set(['description', 'summary', 'example', 'examples', 'title', 'tags']);

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A part of the description without prose. The keys of `properties` are names, whatever they are. */
function bare(value: unknown, keysAreNames = false): unknown {
  if (Array.isArray(value)) return value.map((item) => bare(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => keysAreNames || !(PROSE.has(key) || key.startsWith('x-')))
      .map(([key, item]) => [key, bare(item, !keysAreNames && key === 'properties')]),
  );
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((found, key) => {
    if (!isObject(found) || found[key] === undefined) throw new Error(`not described: ${keys.join(' ')}`);
    return found[key];
  }, value);
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node scripts/github-openapi.ts FILE');
const whole: unknown = JSON.parse(readFileSync(file, 'utf8'));

const components = new Map<string, unknown>();
/** Takes in every component that a part refers to, and what those refer to. */
function reach(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) reach(item);
  if (!isObject(value)) return;
  for (const item of Object.values(value)) reach(item);
  if (typeof value.$ref !== 'string') return;
  const name = value.$ref.replace('#/components/', '');
  if (components.has(name)) return;
  const component = bare(at(whole, 'components', ...name.split('/')));
  components.set(name, component);
  reach(component);
}

const paths = Object.fromEntries(
  Object.entries(OPERATIONS).map(([path, methods]) => [
    path,
    Object.fromEntries(methods.map((method) => [method, bare(at(whole, 'paths', path, method))])),
  ]),
);
reach(paths);

const grouped: Record<string, Record<string, unknown>> = {};
for (const [name, component] of [...components].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const [group = '', own = ''] = name.split('/');
  grouped[group] = { ...grouped[group], [own]: component };
}

const cut = {
  openapi: at(whole, 'openapi'),
  info: {
    title: "A part of GitHub's REST API",
    version: at(whole, 'info', 'version'),
    license: at(whole, 'info', 'license'),
    'x-generated': 'from @octokit/openapi by scripts/github-openapi.ts; do not edit',
  },
  paths,
  components: grouped,
};
writeFileSync(OUTPUT, `${JSON.stringify(cut, null, 2)}\n`);
console.log(`wrote ${OUTPUT}: version ${cut.info.version}, ${components.size} components`);
