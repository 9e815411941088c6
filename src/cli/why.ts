import { createGrantFacts } from '../core/grant-facts.ts';
import { declaredParts } from '../core/grant-parts.ts';
import { EXIT } from '../core/problem.ts';
import { createQuestions } from '../core/question.ts';
import { whyText } from '../render/why-text.ts';
import { answerJson } from './answer-json.ts';
import type { Handler } from './program.ts';
import {
  type QuestionOptions,
  refuse,
  subjectArgument,
  targetOption,
  unknownSubject,
  unknownWorkspace,
  withAsked,
} from './question-options.ts';
import { paintFor } from './settings.ts';

export const command: Handler = async (context, [word = ''], options: QuestionOptions) => {
  const { workspace } = options;
  const target = targetOption(options);
  const { at, subject, email, grants, bars } = await withAsked(context, options, async (asked) => {
    const { state, at, ask, declared } = asked;
    const found = await ask(() => {
      refuse(unknownWorkspace(state, workspace));
      const subject = subjectArgument(word, state, workspace);
      refuse(unknownSubject(state, subject));
      const facts = createGrantFacts(state, at);
      const questions = createQuestions(state, at);
      const grants = questions
        .why(subject, workspace, target)
        .map((grant) => ({ grant, facts: facts(grant) }));
      const bars = grants.length === 0 ? questions.whyNothing(subject) : [];
      const user = subject.kind === 'User' ? state.get('User', undefined, subject.name) : undefined;
      return { subject, grants, bars, email: user?.spec.email ?? '' };
    });
    const origins = await asked.origins(found.grants.flatMap(({ grant }) => grant.rests.map(([id]) => id)));
    const grants = found.grants.map(({ grant, facts }) => ({
      ...facts,
      declared: declaredParts(grant, declared, origins),
    }));
    return { ...found, at, grants };
  });
  const { stdout } = context;
  if (options.output === 'json') {
    const who = { subjectKind: subject.kind, subject: subject.name, email };
    stdout.write(
      `${JSON.stringify({ kind: 'Why', ...who, ...answerJson({ workspace, ...target }, at), grants })}\n`,
    );
    return EXIT.done;
  }
  stdout.write(
    whyText(
      { subject, email, workspace, target, grants, bars },
      {
        at: options.at === undefined ? undefined : at,
        paint: paintFor(stdout),
        width: stdout.columns,
        most: options.verbose === true ? Infinity : 25,
      },
    ),
  );
  return EXIT.done;
};
