import { EXIT, type ExitStatus, failure } from '../core/problem.ts';
import { findKind, KIND_NAMES, type KindName, kindOf } from '../kinds/index.ts';
import { release } from '../operator/object-writer.ts';
import { Known } from '../operator/objects.ts';
import { count } from '../render/lines.ts';
import { objectsOf } from '../sources/cluster.ts';
import { CLUSTER_NAMES } from '../sources/cluster-names.ts';
import { isOfClass, nameOfObject } from '../sources/cluster-object.ts';
import { kubeClient } from '../sources/kube-client.ts';
import type { Context } from './context.ts';
import type { ClusterAccess } from './inputs.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import type { GlobalOptions } from './settings.ts';

interface Options extends GlobalOptions, ClusterAccess {
  readonly all?: boolean;
  readonly yes?: boolean;
}

/** Takes the finalizer off objects, and so lets them go without a look at the store. Asks no store. */
export const command: Handler = async (context, args, options: Options): Promise<ExitStatus> => {
  const [word, name] = args;
  const kinds = word === undefined ? KIND_NAMES : [kindNamed(word)];
  const kube = await kubeClient({ kubeconfig: options.kubeconfig, context: options.context });
  try {
    const found: Known[] = [];
    for (const kind of kinds)
      for await (const object of objectsOf(kube, kind)) {
        const known = new Known(kind, object);
        const { metadata } = object;
        const isMeant =
          isOfClass(object, options.class) &&
          (name === undefined || metadata.name === name) &&
          (options.workspace === undefined || metadata.namespace === options.workspace);
        if (isMeant && known.isHeld && (known.isLeaving || options.all === true)) found.push(known);
      }
    if (name !== undefined && found.length === 0)
      throw failure(
        EXIT.invalid,
        'RC126',
        `no ${word} ${name} waits for the operator`,
        options.all === true ? 'kubectl get rolecall -A' : 'delete it first, or give --all',
      );
    if (found.length === 0) {
      note(context, options, 'nothing waits for the operator');
      return EXIT.done;
    }
    if (!(await isWanted(context, options, found))) return EXIT.error;
    const unwritten = await release(kube, found);
    const lost = unwritten.filter(({ error }) => error.status !== 404);
    if (lost[0])
      throw failure(
        EXIT.error,
        'RC701',
        `${count(lost.length, 'object')} not released: ${lost[0].error.message}`,
        'try again: what is released stays so',
      );
    for (const { kind, object } of found) context.stdout.write(`released ${nameOfObject(kind, object)}\n`);
    return EXIT.done;
  } finally {
    await kube.close();
  }
};

/** As iam calls it, or as kubectl does. */
function kindNamed(word: string): KindName {
  const inCluster = (one: KindName) => Object.values(CLUSTER_NAMES[one]).includes(word.toLowerCase());
  const kind = findKind(word) ?? KIND_NAMES.find(inCluster);
  if (kind) return kind;
  throw failure(
    EXIT.invalid,
    'RC121',
    `unknown kind ${JSON.stringify(word)}`,
    `kinds: ${KIND_NAMES.map((one) => kindOf(one).plural).join(', ')}`,
  );
}

async function isWanted(context: Context, options: Options, found: readonly Known[]): Promise<boolean> {
  if (!context.interactive || options.yes === true) return true;
  for (const { kind, object } of found) context.stdout.write(`${nameOfObject(kind, object)}\n`);
  const words = `Let ${count(found.length, 'object')} go, and leave what the store has?`;
  return context.confirm(words);
}
