import { type Call, commitOf, found, pageOf, type Route } from './route.ts';
import type { Json } from './site.ts';
import { type Annotation, ApiError, type App, type CheckRun } from './state.ts';

/** Only apps make and change check runs. */
function appOf({ token }: Call): App {
  if (!token?.app) throw new ApiError(403, 'You must authenticate via a GitHub App.');
  return token.app;
}

function runAsked({ state, parameters }: Call): CheckRun {
  return found(state.checkRuns, parameters.check_run_id);
}

interface Output {
  readonly title?: string;
  readonly summary: string;
  readonly text?: string;
  readonly annotations?: readonly Annotation[];
}

/** Takes over what a request says of a run. Annotations are added to those that it has. */
function takeOver(run: CheckRun, body: Json, now: number): void {
  const { name, external_id: externalId, details_url: detailsUrl, started_at: startedAt } = body;
  const output = body.output as Output | undefined;
  for (const annotation of output?.annotations ?? []) checkAnnotation(annotation);
  const conclusion = body.conclusion ?? (body.status === 'completed' ? undefined : null);
  if (conclusion === undefined) throw new ApiError(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.');

  if (name !== undefined) run.name = String(name);
  if (externalId !== undefined) run.externalId = String(externalId);
  if (detailsUrl !== undefined) run.detailsUrl = String(detailsUrl);
  if (startedAt !== undefined) run.startedAt = Date.parse(String(startedAt));
  if (body.status !== undefined) run.status = String(body.status);
  if (conclusion !== null) {
    run.status = 'completed';
    run.conclusion = String(conclusion);
    run.completedAt = body.completed_at === undefined ? now : Date.parse(String(body.completed_at));
  } else if (body.status !== undefined) {
    run.conclusion = null;
    run.completedAt = null;
  }
  if (output === undefined) return;
  run.title = output.title ?? run.title;
  run.summary = output.summary;
  run.text = output.text ?? run.text;
  run.annotations.push(...(output.annotations ?? []));
}

/** What the description says only in prose. */
function checkAnnotation(annotation: Annotation): void {
  const { start_line: start, end_line: end, start_column: from, end_column: to } = annotation;
  const refused =
    end < start
      ? 'end_line is before start_line'
      : start !== end && (from !== undefined || to !== undefined)
        ? 'start_column and end_column need start_line and end_line to be the same'
        : (annotation.title?.length ?? 0) > 255
          ? 'title is too long (maximum is 255 characters)'
          : Buffer.byteLength(annotation.message) > 65_536
            ? 'message is too long (maximum is 64 KB)'
            : undefined;
  if (refused === undefined) return;
  throw new ApiError(422, 'Validation Failed', [
    { resource: 'CheckRun', code: 'custom', field: 'annotations', message: refused },
  ]);
}

const WRITTEN = [
  'name',
  'head_sha',
  'external_id',
  'details_url',
  'status',
  'conclusion',
  'started_at',
  'completed_at',
  'output',
];

export const CHECK_ROUTES: readonly (readonly [string, Route])[] = [
  [
    'checks/create',
    {
      heeds: WRITTEN,
      needs: () => ['write', 'checks'],
      answer(call) {
        const { state, answers, body } = call;
        const app = appOf(call);
        const sha = commitOf(state, String(body.head_sha));
        const same = [...state.checkRuns.values()].find((run) => run.app === app && run.sha === sha);
        const now = state.now();
        const run: CheckRun = {
          id: state.nextId(),
          suite: same?.suite ?? state.nextId(),
          app,
          sha,
          name: String(body.name),
          externalId: null,
          detailsUrl: null,
          status: 'queued',
          conclusion: null,
          startedAt: now,
          completedAt: null,
          title: null,
          summary: null,
          text: null,
          annotations: [],
        };
        takeOver(run, body, now);
        state.checkRuns.set(run.id, run);
        return { status: 201, body: answers.checkRun(run) };
      },
    },
  ],
  [
    'checks/update',
    {
      heeds: WRITTEN,
      needs: () => ['write', 'checks'],
      answer(call) {
        const run = runAsked(call);
        const app = appOf(call);
        if (run.app !== app) {
          throw new ApiError(
            403,
            `Invalid app_id \`${app.id}\` - check run can only be modified by the GitHub App that created it.`,
          );
        }
        takeOver(run, call.body, call.state.now());
        return { status: 200, body: call.answers.checkRun(run) };
      },
    },
  ],
  [
    'checks/get',
    {
      needs: () => ['read', 'checks'],
      answer: (call) => ({ status: 200, body: call.answers.checkRun(runAsked(call)) }),
    },
  ],
  [
    'checks/list-for-ref',
    {
      heeds: ['check_name', 'status', 'filter', 'app_id'],
      needs: () => ['read', 'checks'],
      answer(call) {
        const { ref, check_name: name, status, app_id: app, filter = 'latest' } = call.parameters;
        const sha = commitOf(call.state, String(ref));
        const newest = [...call.state.checkRuns.values()].filter((run) => run.sha === sha).reverse();
        const seen = new Set<string>();
        const runs = newest.filter((run) => {
          const key = `${run.suite} ${run.name}`;
          const latest = !seen.has(key);
          seen.add(key);
          return (
            (latest || filter === 'all') &&
            (name === undefined || name === run.name) &&
            (status === undefined || status === run.status) &&
            (app === undefined || app === run.app.id)
          );
        });
        return pageOf(call, runs, call.answers.checkRun, (items) => ({
          total_count: runs.length,
          check_runs: items,
        }));
      },
    },
  ],
];
