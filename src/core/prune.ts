import type { Actual } from './actual.ts';
import type { PlanInput, Settled } from './plan-changes.ts';
import type { Problem } from './problem.ts';
import { type Identity, identity, kindIn, workspaceOf } from './resource.ts';
import type { Stored } from './stored.ts';
import { nameSome } from './verdict.ts';

/**
 * What a plan deletes: what somebody asked for, and what pruning reaches.
 *
 * Pruning reaches only resources of this manager that the input does not declare, in workspaces whose Workspace is
 * in the input; global kinds only when no workspace of this manager is left out; a Workspace, and all that this
 * manager has in it, only by name (--prune-workspace).
 */
export function prunable(
  { desired, settled, options }: Pick<PlanInput, 'desired' | 'settled' | 'options'>,
  actual: Actual,
  claimed: ReadonlySet<Identity>,
  problems: Problem[],
): { stored: Stored; reason: string }[] {
  const found: { stored: Stored; reason: string }[] = [];
  const asked = new Set(options.deletes);
  for (const id of asked) {
    const stored = actual.get(id);
    if (stored && !claimed.has(id)) found.push({ stored, reason: 'asked for' });
  }
  if (!options.prune && options.pruneWorkspaces.length === 0) return found;

  const inInput = new Set(
    desired.flatMap(({ id }) => (kindIn(id) === 'Workspace' ? [id.slice(id.lastIndexOf('/') + 1)] : [])),
  );
  const declared = {
    has: (name: string) => inInput.has(name) || settled.has(identity('Workspace', undefined, name)),
  };
  const gone = new Set(options.pruneWorkspaces);
  for (const name of gone) {
    if (options.workspace !== undefined && name !== options.workspace)
      problems.push(wrong(`--prune-workspace ${name}: outside of -n ${options.workspace}`, 'leave out -n'));
    else if (declared.has(name))
      problems.push(
        wrong(
          `--prune-workspace ${name}: this workspace is in the input`,
          'remove the option, or its manifests',
        ),
      );
    else if (!actual.get(identity('Workspace', undefined, name)))
      problems.push(
        wrong(`--prune-workspace ${name}: the store has no such workspace`, 'iam get workspaces'),
      );
  }
  const leftOut = actual.ofKind('Workspace').flatMap(({ resource, manager }) => {
    const { name } = resource.metadata;
    return manager === options.manager && !declared.has(name) && !gone.has(name) ? [name] : [];
  });
  let kept = 0;
  for (const stored of candidates(actual, settled)) {
    if (claimed.has(stored.id) || asked.has(stored.id) || settled.has(stored.id)) continue;
    const { kind, metadata } = stored.resource;
    const workspace = workspaceOf(stored.resource);
    if (kind === 'Workspace') {
      if (gone.has(metadata.name)) found.push({ stored, reason: 'workspace pruned' });
      continue;
    }
    if (stored.manager !== options.manager || metadata.annotations['rolecall.dev/prune'] === 'disabled')
      continue;
    if (workspace !== undefined) {
      if (gone.has(workspace)) found.push({ stored, reason: 'workspace pruned' });
      else if (options.prune && declared.has(workspace)) found.push({ stored, reason: 'no longer declared' });
    } else if (options.prune && options.workspace === undefined) {
      if (leftOut.length === 0) found.push({ stored, reason: 'no longer declared' });
      else kept++;
    }
  }
  if (kept > 0) {
    problems.push({
      code: 'RC125',
      severity: 'warn',
      message: `${kept} global ${kept === 1 ? 'resource is' : 'resources are'} not pruned: ${leftOut.length === 1 ? 'workspace' : 'workspaces'} ${nameSome(leftOut.sort())} ${leftOut.length === 1 ? 'is' : 'are'} not in the input and may need ${kept === 1 ? 'it' : 'them'}`,
      hint: 'give all workspaces of this manager, or --prune-workspace for one that is gone',
    });
  }
  return found;
}

/** What may have to go: all that there is, unless it is known what else is declared. */
function candidates(actual: Actual, settled: Settled): Iterable<Stored> {
  const { undeclared } = settled;
  if (!undeclared) return actual.all();
  actual.need({ ids: undeclared });
  return undeclared.flatMap((id) => actual.get(id) ?? []);
}

function wrong(message: string, hint: string): Problem {
  return { code: 'RC121', severity: 'error', message, hint };
}
