import { EXIT, failure } from '../core/problem.ts';
import { didYouMean } from '../core/suggest.ts';
import { findDrift } from '../engine/drift.ts';
import { requireStore } from '../engine/plan.ts';
import { driftText } from '../render/drift-text.ts';
import type { Reading, Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { indexOf, storeOf } from './inputs.ts';
import { listed, writeParts } from './parts.ts';
import type { Handler } from './program.ts';
import { type GlobalOptions, managerName, paintFor } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, _args, options: Options) => {
  const manager = managerName(options, context);
  const { workspace } = options;
  const store = await storeOf(options, context);
  const reading = await store.read();
  try {
    requireStore(reading.head, store.location);
    const drift = await findDrift(reading, manager, workspace);
    if (!drift) throw await unknownWorkspace(reading, workspace ?? '');
    if (drift.items.some(({ cause }) => cause === 'database')) forgetSettled(store, options, context);
    const { stdout } = context;
    if (options.output === 'json') {
      const { items, resources, ignored, unknown } = drift;
      const head = { kind: 'Drift', manager, workspace: workspace ?? null, revision: reading.head.revision };
      const summary = { resources, drifted: items.length, ignored, unknown };
      writeParts(stdout, driftJson({ ...head, summary }, items));
    } else {
      const most = options.verbose === true ? Infinity : 25;
      const how = { paint: paintFor(stdout), width: stdout.columns, most };
      stdout.write(driftText({ ...drift, manager, workspace }, how));
    }
    return drift.items.length > 0 ? EXIT.pending : EXIT.done;
  } finally {
    await reading.close();
  }
};

function* driftJson(head: object, items: readonly unknown[]): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"items":[`;
  yield* listed(items);
  yield ']}\n';
}

/** No audit row tells what is changed in the database: files that were settled are to be read again. */
function forgetSettled(store: Store, options: Options, context: Context): void {
  indexOf(store, options, context)?.forget();
}

async function unknownWorkspace(reading: Reading, name: string) {
  const stored = await reading.find({ kinds: ['Workspace'] });
  const names = stored.map(({ resource }) => resource.metadata.name);
  const hint = didYouMean(name, names) ?? 'iam get workspaces';
  return failure(EXIT.invalid, 'RC126', `there is no workspace "${name}"`, hint);
}
