import { appendFileSync } from 'node:fs';
import type { Context } from './context.ts';
import { note, type Voice } from './report.ts';

/** The files that GitHub Actions reads after a step, by the variable that names each. */
export type ActionsFile = 'GITHUB_OUTPUT' | 'GITHUB_STEP_SUMMARY';

/** Appends to a file that Actions reads; nothing where none is named. What cannot be written is said, and fails nothing. */
export function appendTo(context: Context, voice: Voice, file: ActionsFile, text: string): void {
  const path = context.env[file];
  if (!path) return;
  try {
    appendFileSync(path, text);
  } catch (error) {
    note(context, voice, `${file} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}
