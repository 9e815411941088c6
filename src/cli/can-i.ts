import { createGrantFacts } from '../core/grant-facts.ts';
import { EXIT } from '../core/problem.ts';
import { createQuestions } from '../core/question.ts';
import { canIText, reasonWords } from '../render/answer-text.ts';
import { answerJson } from './answer-json.ts';
import type { Handler } from './program.ts';
import {
  type QuestionOptions,
  refuse,
  subjectArgument,
  targetOption,
  unknownRole,
  unknownSubject,
  unknownWorkspace,
  withAsked,
  workspaceOption,
} from './question-options.ts';
import { paintFor } from './settings.ts';

/** Exit 0 is yes and 1 is no; `run` sees to it that a failure looks like neither. */
export const command: Handler = async (context, [word = '', role = ''], options: QuestionOptions) => {
  const question = { role, workspace: workspaceOption(options), ...targetOption(options) };
  const { at, subject, found, grants } = await withAsked(context, options, ({ state, at, ask }) =>
    ask(() => {
      const subject = subjectArgument(word, state, question.workspace);
      const noWorkspace = unknownWorkspace(state, question.workspace);
      // Nothing more to say of a token in a workspace that is not there.
      const noSubject = noWorkspace && subject.kind === 'Token' ? undefined : unknownSubject(state, subject);
      refuse(noWorkspace, noSubject, unknownRole(state, role));
      const found = createQuestions(state, at).can(subject, question);
      return { at, subject, found, grants: found.grants.map(createGrantFacts(state, at)) };
    }),
  );
  const { stdout } = context;
  if (options.output === 'json') {
    const reason = reasonWords(found, grants, question);
    stdout.write(
      `${JSON.stringify({
        kind: 'Answer',
        allowed: found.allowed,
        subjectKind: subject.kind,
        subject: subject.name,
        ...answerJson(question, at),
        reason,
        grants,
      })}\n`,
    );
  } else {
    stdout.write(
      canIText(found, grants, question, {
        at: options.at === undefined ? undefined : at,
        paint: paintFor(stdout),
        width: stdout.columns,
        most: options.verbose === true ? Infinity : 1,
      }),
    );
  }
  return found.allowed ? EXIT.done : EXIT.error;
};
