import { createGrantFacts } from '../core/grant-facts.ts';
import { EXIT } from '../core/problem.ts';
import { createQuestions } from '../core/question.ts';
import { whoCanText } from '../render/who-can-text.ts';
import { answerJson } from './answer-json.ts';
import type { Handler } from './program.ts';
import {
  type QuestionOptions,
  refuse,
  targetOption,
  unknownRole,
  unknownWorkspace,
  withAsked,
  workspaceOption,
} from './question-options.ts';
import { paintFor } from './settings.ts';

export const command: Handler = async (context, [role = ''], options: QuestionOptions) => {
  const question = { role, workspace: workspaceOption(options), ...targetOption(options) };
  const { at, subjects } = await withAsked(context, options, ({ state, at, ask }) =>
    ask(() => {
      refuse(unknownWorkspace(state, question.workspace), unknownRole(state, role));
      const facts = createGrantFacts(state, at);
      const subjects = createQuestions(state, at)
        .whoCan(question)
        .map(({ subject, allowed, grants }) => ({
          subjectKind: subject.kind,
          subject: subject.name,
          email: grants[0]?.email ?? '',
          allowed,
          grants: grants.map(facts),
        }));
      return { at, subjects };
    }),
  );
  const { stdout } = context;
  if (options.output === 'json')
    stdout.write(`${JSON.stringify({ kind: 'WhoCan', ...answerJson(question, at), subjects })}\n`);
  else
    stdout.write(
      whoCanText(subjects, question, {
        at: options.at === undefined ? undefined : at,
        paint: paintFor(stdout),
        width: stdout.columns,
        most: options.verbose === true ? Infinity : 25,
      }),
    );
  return EXIT.done;
};
