import type { ResourceEntry } from '../../kinds/role-binding.ts';
import { showScope } from '../../kinds/role-binding.ts';
import { showTime } from '../../kinds/time.ts';
import { riskRank } from '../access.ts';
import type { AccessChange, AccessLine } from '../access-diff.ts';
import { allowed, showLimit, tightest } from '../limit.ts';
import type { PlanNotes } from '../plan.ts';
import { compareText } from '../problem.ts';
import { identityOf, showIdentity } from '../resource.ts';
import type { State } from '../state.ts';
import { nameSome, type Verdict } from '../verdict.ts';
import type { Scene } from './scene.ts';

/** RC211 and RC215: who gains the power to do harm, or access without an end, folded by workspace. */
export function guardGains(scene: Scene): Verdict[] {
  if (!mayGain(scene)) return [];
  const { risks } = scene;
  const byWorkspace = Map.groupBy(
    scene.access.filter(({ gains }) => gains.length > 0),
    ({ workspace }) => workspace,
  );
  return [...byWorkspace.keys()].sort(compareText).flatMap((workspace) => {
    const gaining = byWorkspace.get(workspace) ?? [];
    if (isNew(scene, workspace)) return [];
    const refused = guardPrivileged(scene, workspace, gaining, risks);
    return [...refused, ...worthALook(workspace, gaining, risks)];
  });
}

/** A workspace that this plan makes: somebody must get in first, and all of it is there to be looked at. */
function isNew({ before, workspaceBefore, settings }: Scene, workspace: string): boolean {
  const name = workspaceBefore(workspace);
  if (!before.get('Workspace', undefined, name)) return true;
  return settings.plansApart === true && !hasAccess(before, name);
}

/** Whether anything in a workspace can give somebody something. */
function hasAccess(before: State, workspace: string): boolean {
  for (const kind of ['RoleBinding', 'Token'] as const)
    for (const _ of before.inWorkspace(kind, workspace)) return true;
  return false;
}

/** Whether anything changes that can give access in a workspace that was there before: known without the access diff. */
function mayGain(scene: Scene): boolean {
  if (scene.touched.length > 0) return true;
  // What is global and new gives nothing by itself.
  const places = new Set(scene.drafts.map(({ change }) => change.namespace));
  return [...places].some((place) => place !== null && !isNew(scene, place));
}

function guardPrivileged(
  { actual, before, after, settings, workspaceBefore }: Scene,
  workspace: string,
  gaining: readonly AccessChange[],
  risks: PlanNotes['risks'],
): Verdict[] {
  const was = before.get('Workspace', undefined, workspaceBefore(workspace));
  const people = new Set(
    gaining
      .filter(
        ({ subjectKind, gains }) =>
          subjectKind === 'User' && gains.some(({ role }) => risks.get(role) === 'Privileged'),
      )
      .map(({ subject }) => subject),
  );
  const total = actual.tally().reduce((sum, { kind, count }) => (kind === 'User' ? sum + count : sum), 0);
  const limits = [was, after.get('Workspace', undefined, workspace)].flatMap(
    (one) => one?.spec.guards.maxPrivilegedGains ?? [],
  );
  const asked = settings.guards.maxPrivilegedGains;
  const limit = tightest(asked === undefined ? limits : [...limits, asked], total);
  if (limit === undefined || people.size <= allowed(limit, total)) return [];
  return [
    {
      code: 'RC211',
      class: 'soft',
      severity: 'deny',
      message: `${people.size === 1 ? '1 person gains a Privileged role' : `${people.size} people gain Privileged roles`} in ${workspace}, limit ${showLimit(limit)}: ${nameSome([...people].sort(compareText))}`,
      numbers: { workspace, gains: people.size, limit },
      override: null,
    },
  ];
}

function worthALook(
  workspace: string,
  gaining: readonly AccessChange[],
  risks: PlanNotes['risks'],
): Verdict[] {
  const lines = gaining.flatMap((change) => change.gains.map((line) => ({ change, line })));
  const rank = (line: AccessLine) => riskRank(risks.get(line.role) ?? 'Normal');
  const risky = lines.filter(({ line }) => rank(line) > 0).sort((a, b) => rank(b.line) - rank(a.line));
  // Whoever is named already need not be counted again.
  const named = new Set(risky.map(({ change }) => subjectOf(change)));
  const endless = new Set(
    lines.filter(({ line }) => line.until === null).map(({ change }) => subjectOf(change)),
  );
  const others = [...endless].filter((subject) => !named.has(subject));
  if (risky.length === 0 && endless.size === 0) return [];
  // One role with one end is told once, with all who gain it.
  const folded = Map.groupBy(risky, ({ line }) => `${line.role} ${line.until}`);
  const words = [...folded.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { role, until } = first.line;
    const who = [...new Set(same.map(({ change }) => subjectOf(change)))];
    const end = until === null ? 'without an end' : `until ${showTime(until)}`;
    return `${nameSome(who, 3)} ${who.length === 1 ? 'gains' : 'gain'} ${role} (${(risks.get(role) ?? 'Normal').toLowerCase()}) ${end}`;
  });
  const more = words.length === 0 ? '' : ' more';
  const said = [
    ...words,
    others.length === 0
      ? ''
      : `${others.length === 1 && more === '' ? `${others[0]} gains` : `${others.length}${more} ${others.length === 1 ? 'gains' : 'gain'}`} access without an end`,
  ];
  return [
    {
      code: 'RC215',
      class: 'soft',
      severity: 'warn',
      message: `in ${workspace}: ${said.filter(Boolean).join('; ')}`,
      numbers: {
        workspace,
        privileged: risky.filter(({ line }) => risks.get(line.role) === 'Privileged').length,
        sensitive: risky.filter(({ line }) => risks.get(line.role) === 'Sensitive').length,
        endless: endless.size,
      },
      override: null,
    },
  ];
}

function subjectOf({ subjectKind, subject }: AccessChange): string {
  return subjectKind === 'Token' ? `token ${subject}` : subject;
}

/** RC216: a binding whose entry covers more because a label or a resource's name was taken away from it. */
export function guardWidened({ touched }: Scene): Verdict[] {
  return touched.flatMap(({ before, after }): Verdict[] => {
    if (before?.kind !== 'RoleBinding' || after?.kind !== 'RoleBinding') return [];
    const old = before.spec.resources;
    const had = new Set(old.map(showScope));
    const has = new Set(after.spec.resources.map(showScope));
    const widened = after.spec.resources.flatMap((entry) => {
      if (had.has(showScope(entry))) return [];
      const narrower = old.find((one) => !has.has(showScope(one)) && covers(entry, one));
      if (!narrower) return [];
      const [from, to] = [
        showScope(narrower),
        entry.labels || entry.id ? showScope(entry) : 'the whole workspace',
      ];
      const taken = narrower.labels ? 'label' : 'resource';
      return [`from ${from} to ${to} (a ${taken} was taken away, which gives more)`];
    });
    if (widened.length === 0) return [];
    return [
      {
        code: 'RC216',
        class: 'soft',
        severity: 'warn',
        message: `${showIdentity(identityOf(after))} widens ${after.spec.role} ${nameSome(widened)}`,
        numbers: { resource: identityOf(after), widened: widened.length },
        override: null,
      },
    ];
  });
}

/** Whether one entry gives all that another gives, and more. */
function covers(wide: ResourceEntry, narrow: ResourceEntry): boolean {
  if (wide.type !== 'Workspace') return false;
  if (!wide.labels) return narrow.type !== 'Workspace' || narrow.labels !== undefined;
  const { labels } = narrow;
  if (!labels) return false;
  const shared = Object.entries(wide.labels);
  return shared.every(([key, value]) => labels[key] === value) && shared.length < Object.keys(labels).length;
}
