import type { AccessPolicySpec } from '../../kinds/access-policy.ts';
import type { Resource } from '../../kinds/index.ts';
import { riskOf, riskRank } from '../access.ts';
import { isLooser, showLimit } from '../limit.ts';
import { compareText } from '../problem.ts';
import { type Identity, identityOf, showIdentity, workspaceOf } from '../resource.ts';
import { nameSome, type Verdict } from '../verdict.ts';
import { isProtected } from './held-back.ts';
import { allWorkspaces, type Scene } from './scene.ts';

/** One thing that the next plan would be judged less strictly by. */
interface Weakening {
  readonly what: string;
  readonly resource: Identity;
  /** Undefined: all. */
  readonly workspace: string | undefined;
}

/** RC212: a plan does not change its judge unseen. What it takes away still judges this plan. */
export function guardWeakening(scene: Scene): Verdict[] {
  const lowered = loweredRisks(scene);
  const found = scene.touched.flatMap(({ before, after }): Weakening[] => {
    if (!before) return [];
    const resource = identityOf(before);
    const workspace = workspaceOf(before);
    const note = (what: string): Weakening => ({ what, resource, workspace });
    if (before.kind === 'AccessPolicy') {
      if (!after) return [note(`deletes policy ${before.metadata.name}`)];
      if (after.kind === 'AccessPolicy' && isWeaker(after.spec, before.spec))
        return [note(`weakens policy ${before.metadata.name}`)];
    }
    if (!after) return [];
    return [
      ...(isProtected(before) && !isProtected(after)
        ? [note(`takes the protection of ${showIdentity(resource)} away`)]
        : []),
      ...(before.kind === 'Workspace' && after.kind === 'Workspace'
        ? inWorkspace(scene, before, after).map(note)
        : []),
    ];
  });
  if (found.length === 0) return lowered;
  const everywhere = found.some(({ workspace }) => workspace === undefined);
  const workspaces = everywhere
    ? allWorkspaces(scene)
    : [...new Set(found.map(({ workspace }) => workspace ?? ''))].sort(compareText);
  return [
    {
      code: 'RC212',
      class: 'hard',
      severity: 'deny',
      message: `weakens what plans are judged by: ${nameSome(found.map(({ what }) => what))}`,
      numbers: {
        weakened: found.length,
        resources: [...new Set(found.map(({ resource }) => resource))].sort(compareText),
        workspaces,
      },
      override: null,
    },
    ...lowered,
  ];
}

/** A role that is risky no more: RC211 and policies look at it less from the next plan on. */
function loweredRisks({ touched, before, after }: Scene): Verdict[] {
  const found = touched.flatMap(({ before: was, after: is }) => {
    if (was?.kind !== 'Role' || is?.kind !== 'Role') return [];
    const [old, now] = [riskOf(before, was.metadata.name), riskOf(after, is.metadata.name)];
    return riskRank(now) < riskRank(old) ? [`${is.metadata.name} ${old} → ${now}`] : [];
  });
  if (found.length === 0) return [];
  return [
    {
      code: 'RC212',
      class: 'hard',
      severity: 'warn',
      message: `lowers the risk of ${found.length === 1 ? 'role' : 'roles'} ${nameSome(found)}, which the next plans are judged by`,
      numbers: { lowered: found.length },
      override: null,
    },
  ];
}

function inWorkspace(
  { before, userAfter }: Scene,
  old: Resource<'Workspace'>,
  now: Resource<'Workspace'>,
): string[] {
  const { name } = old.metadata;
  const found: string[] = [];
  if (now.spec.owners.minimum < old.spec.owners.minimum)
    found.push(`minimum owners of ${name} ${old.spec.owners.minimum} → ${now.spec.owners.minimum}`);
  const required = new Set(now.spec.owners.required.map((owner) => owner.name));
  for (const owner of old.spec.owners.required)
    if (!required.has(userAfter(owner.name)))
      found.push(`${owner.name} is no longer a required owner of ${name}`);
  for (const limit of ['maxRemovals', 'maxUpdates', 'maxPrivilegedGains'] as const) {
    const [was, is] = [old.spec.guards[limit], now.spec.guards[limit]];
    if (was !== is && isLooser(is, was))
      found.push(`${limit} of ${name} ${showLimit(was)} → ${showLimit(is)}`);
  }
  for (const { metadata, spec } of before.ofKind('AccessPolicy')) {
    const labels = spec.match.workspaceSelector?.matchLabels;
    if (labels && isMatch(labels, old) && !isMatch(labels, now))
      found.push(`policy ${metadata.name} no longer covers ${name} (its labels change)`);
  }
  return found;
}

function isMatch(labels: Readonly<Record<string, string>>, { metadata }: Resource<'Workspace'>): boolean {
  return Object.entries(labels).every(([key, value]) => metadata.labels[key] === value);
}

const STRICTNESS = ['Audit', 'Warn', 'Deny'] as const;

/** Whether a version of a policy may refuse less than the one before: where that cannot be told, it may. */
function isWeaker(now: AccessPolicySpec, old: AccessPolicySpec): boolean {
  if (STRICTNESS.indexOf(now.enforcement) < STRICTNESS.indexOf(old.enforcement)) return true;
  if (now.match.on !== old.match.on) return true;
  const kept = new Set(now.validations.map(({ expression }) => expression));
  if (!old.validations.every(({ expression }) => kept.has(expression))) return true;
  const fewer = (was: readonly string[] | undefined, is: readonly string[] | undefined) =>
    is !== undefined && (was === undefined || !was.every((one) => is.includes(one)));
  const { match } = old;
  if (fewer(match.kinds, now.match.kinds) || fewer(match.actions, now.match.actions)) return true;
  if (fewer(match.roles, now.match.roles)) return true;
  const [was, is] = [match, now.match].map((one) => one.workspaceSelector?.matchLabels ?? {});
  return !Object.entries(is ?? {}).every(([key, value]) => was?.[key] === value);
}
