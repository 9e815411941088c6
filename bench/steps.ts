import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { MIGRATIONS } from '../src/stores/sqlite/migrations.ts';
import { type Change, changeIn } from './change.ts';
import { type Run, runNode, runShort } from './measure.ts';
import { prepareTerraform } from './terraform.ts';

const FLOORS = path.join(import.meta.dirname, 'floors');

/** One thing that is timed. What it needs is made ready beforehand, by itself and without being timed. */
export interface Step {
  readonly name: string;
  /** Reads or writes everything: with --quick it has fewer runs. */
  readonly heavy?: boolean;
  /** How many runs are enough, whatever was asked for. */
  readonly most?: number;
  run(): Promise<Run>;
}

/** Steps that need no store that is there already. */
const WITHOUT_STORE = new Set([
  ...['empty', 'help', 'version', 'parse', 'hash', 'cold-apply', 'cold-plan-json'],
  ...['terraform-apply', 'terraform-plan'],
]);

export interface Bench {
  /** The built program. */
  readonly program: string;
  /** Holds all that is made; the manifests are in `workload`. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly size: number;
  readonly signal: AbortSignal;
  /** The steps that are wanted. */
  readonly wanted: ReadonlySet<string>;
  progress(text: string): void;
}

/** Makes ready what the wanted steps need; gives them in the order in which each round runs them. */
export async function prepareSteps(bench: Bench): Promise<Step[]> {
  const { program, folder, files, size, signal, wanted, progress } = bench;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('IAM_')));
  const stdout = path.join(folder, 'stdout');
  const at = (...parts: string[]) => path.join(folder, ...parts);
  const clear = (...parts: string[]) => rmSync(at(...parts), { recursive: true, force: true });
  const node = (args: readonly string[], accepts: readonly number[] = [0]) =>
    runNode({ args, cwd: folder, env, stdout, signal, accepts });
  const iam = (...args: string[]) => node([program, ...args]);
  const short = (args: readonly string[], accepts: readonly number[] = [0]) =>
    runShort({ args, cwd: folder, env, stdout, signal, accepts });
  const floor = (name: string, ...args: string[]) => node([path.join(FLOORS, `${name}.mjs`), ...args]);
  /** What a floor says of itself, in place of what its whole program took. */
  const counted = async (name: string, ...args: string[]): Promise<Run> => {
    const { rss } = await floor(name, ...args);
    const { wall, cpu } = JSON.parse(readFileSync(stdout, 'utf8')) as { wall: number; cpu: number };
    return { wall, cpu, rss };
  };

  if (!existsSync(program)) throw new Error(`there is no ${program}: npm run build`);
  let change: Change | undefined;
  if ([...wanted].some((name) => !WITHOUT_STORE.has(name))) {
    progress('making the store');
    await iam('apply', '-f', 'workload', '-q', ...(wanted.has('rows') ? [] : ['--no-snapshot']));
    copyFileSync(at('.iam/iam.db'), at('fresh.db'));
    writeFileSync(at('schema.json'), JSON.stringify(MIGRATIONS.map(({ sql }) => sql)));
    change = changeIn(files.at(-1) ?? '');
  }
  let terraform: ReturnType<typeof prepareTerraform>;
  if (wanted.has('terraform-apply') || wanted.has('terraform-plan')) {
    progress('preparing terraform');
    terraform = prepareTerraform(at('terraform'), size, { env, stdout, signal });
  }

  const plan = (...args: string[]) => iam('plan', '-f', 'workload', ...args);
  const apply = (...args: string[]) => iam('apply', '-f', 'workload', '-q', ...args);
  /** Whether the last command was a plan of the files as they are. */
  let warm = false;
  const applyChange = async (...args: string[]) => {
    if (!warm) await plan();
    change?.make();
    warm = false;
    const took = await apply(...args);
    change?.applied();
    return took;
  };
  let checked = false;

  const steps: (Step | undefined)[] = [
    { name: 'empty', run: () => short([path.join(FLOORS, 'empty.mjs')]) },
    { name: 'help', run: () => short([program, '--help']) },
    { name: 'version', run: () => short([program, 'version']) },
    { name: 'hash', run: () => floor('hash', 'workload') },
    { name: 'parse', heavy: true, run: () => floor('parse', 'workload') },
    {
      name: 'cold-apply',
      heavy: true,
      async run() {
        clear('cold');
        const took = await apply('--no-snapshot', '--store', 'sqlite:cold/iam.db');
        clear('cold');
        return took;
      },
    },
    {
      name: 'insert',
      heavy: true,
      async run() {
        clear('bare');
        mkdirSync(at('bare'));
        const took = await counted('insert', 'fresh.db', 'bare/iam.db', 'schema.json');
        clear('bare');
        return took;
      },
    },
    terraform && { name: 'terraform-apply', most: 3, run: terraform.apply },
    terraform && { name: 'terraform-plan', most: 3, run: terraform.plan },
    {
      name: 'cold-plan-json',
      heavy: true,
      run: () => plan('-o', 'json', '--store', 'sqlite:none/iam.db'),
    },
    {
      name: 'noop-plan-cold-cache',
      heavy: true,
      async run() {
        for (const name of readdirSync(at('.iam'))) if (name.startsWith('cache')) clear('.iam', name);
        const took = await plan('--exit-code');
        warm = true;
        return took;
      },
    },
    {
      name: 'noop-plan',
      async run() {
        if (!warm) await plan();
        warm = true;
        return short([program, 'plan', '-f', 'workload', '--exit-code']);
      },
    },
    {
      name: 'changed-plan',
      async run() {
        if (!warm) await plan();
        change?.make();
        // Exit status 2: there is something to do.
        const took = await node([program, 'plan', '-f', 'workload', '--exit-code'], [2]);
        change?.undo();
        warm = false;
        return took;
      },
    },
    { name: 'changed-apply', run: () => applyChange('--no-snapshot') },
    { name: 'changed-apply-snapshot', run: () => applyChange() },
    {
      name: 'rows',
      async run() {
        clear('rows');
        mkdirSync(at('rows'));
        const [users, grants] = ['users', 'grants'].map(
          (layout) => `.iam/snapshot/${change?.workspace}.${layout}.csv`,
        );
        return counted('rows', 'rows', ...[users, grants].filter((file) => file !== undefined));
      },
    },
    {
      name: 'grants-csv',
      heavy: true,
      async run() {
        const took = await iam('snapshot', '--layout', 'grants');
        if (checked) return took;
        checked = true;
        // A floor that does something else would be none.
        const written = lines(stdout) - 1;
        await floor('grants', '.iam/iam.db', 'grants.csv');
        const { rows } = JSON.parse(readFileSync(stdout, 'utf8')) as { rows: number };
        if (rows !== written) throw new Error(`iam wrote ${written} grants, the floor ${rows}`);
        return took;
      },
    },
    { name: 'grants-floor', heavy: true, run: () => floor('grants', '.iam/iam.db', 'grants.csv') },
    {
      name: 'export',
      heavy: true,
      async run() {
        clear('exported');
        return iam('export', '-o', 'exported');
      },
    },
    { name: 'why', run: () => short([program, 'why', 'user-0000001']) },
    {
      name: 'can-i',
      // Yes or no: both are answers.
      run: () => short([program, 'can-i', 'user-0000001', 'source-admin', '-n', 'workspace-00'], [0, 1]),
    },
    { name: 'get', run: () => short([program, 'get', 'user', 'user-0000001']) },
  ];
  return steps.filter((step) => step !== undefined).filter(({ name }) => wanted.has(name));
}

function lines(file: string): number {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(1 << 20);
  let count = 0;
  for (let read = readSync(descriptor, buffer); read > 0; read = readSync(descriptor, buffer))
    for (let i = 0; i < read; i++) if (buffer[i] === 10) count++;
  closeSync(descriptor);
  return count;
}
