import { grouped } from '../../src/core/judge.ts';
import type { Plan, PlanNotes } from '../../src/core/plan.ts';

/** A plan with an unknown text wherever it has one: the verdicts, access and changes of one each, and more. */
export function planOfTexts(next: () => string): Plan {
  const line = () => ({
    role: next(),
    scope: next(),
    via: `group:${next()}>role:${next()}`,
    binding: next(),
    from: null,
    until: '2027-01-31T00:00:00Z',
  });
  const manifest = (text: string) => ({
    apiVersion: 'rolecall.dev/v1alpha1',
    kind: 'Group' as const,
    metadata: { name: text },
    spec: {},
  });
  const change = (action: 'create' | 'update' | 'delete') => ({
    action,
    kind: 'Group' as const,
    namespace: next(),
    name: next(),
    previousName: action === 'update' ? next() : null,
    adopts: action === 'update' ? next() : null,
    reason: next(),
    before: manifest(next()),
    after: manifest(next()),
    fields:
      action === 'update'
        ? [
            { path: `/spec/description`, before: next(), after: next() },
            {
              path: `/spec/members/User:${next().replaceAll('/', '~1')}`,
              before: null,
              after: { kind: 'User', name: next() },
            },
            {
              path: `/metadata/annotations/${next().replaceAll('/', '~1')}`,
              before: [next(), { [next()]: next() }],
              after: null,
            },
          ]
        : [],
    origin: { file: next(), line: 3, column: 1 },
    declares: [],
  });
  const person = (subjectKind: 'User' | 'Token', workspace: string) => ({
    subjectKind,
    subject: next(),
    email: subjectKind === 'User' ? next() : '',
    workspace,
    gains: [line(), line()],
    loses: [line()],
  });
  const where = next();
  return {
    apiVersion: 'rolecall.dev/v1alpha1',
    kind: 'Plan',
    digest: `sha256:${'0'.repeat(64)}`,
    base: { store: 'store-1', revision: 3 },
    manager: next(),
    prune: true,
    scope: { workspace: next(), pruneWorkspaces: [next()] },
    guards: {},
    judges: 'sha256:0',
    at: '2026-06-01T00:00:00Z',
    summary: { create: 1, update: 1, delete: 1, unchanged: 5 },
    changes: [change('create'), change('update'), change('delete')],
    access: [person('User', where), person('Token', where)],
    verdicts: [
      {
        code: 'RC209',
        class: 'soft',
        severity: 'deny',
        message: next(),
        numbers: {},
        override: `--override ${next()}`,
      },
      { code: 'RC210', class: 'hard', severity: 'warn', message: next(), numbers: {}, override: null },
    ],
    problems: [
      {
        code: 'RC124',
        severity: 'warn',
        message: next(),
        place: { file: next(), line: 1, column: 1 },
        hint: next(),
      },
    ],
  };
}

/** What is to be said beside a plan whose roles have no risk. */
export function notesOf({ access }: Plan): PlanNotes {
  return { risks: new Map(), accessByWorkspace: () => grouped(access) };
}
