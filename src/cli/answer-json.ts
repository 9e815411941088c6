import type { Target } from '../core/question.ts';
import { formatTime } from '../kinds/time.ts';

/** What a question was, as every answer in JSON repeats it. `at` in milliseconds. */
export function answerJson(
  {
    role,
    workspace,
    resource,
    labels,
  }: Target & { readonly role?: string; readonly workspace: string | undefined },
  at: number,
) {
  return {
    ...(role === undefined ? {} : { role }),
    workspace: workspace ?? null,
    resource: resource ? `${resource.type}/${resource.id}` : null,
    resourceLabels: labels ?? null,
    at: formatTime(at),
  };
}
