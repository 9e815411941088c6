import type { AccessChange } from '../core/access-diff.ts';
import { EXIT } from '../core/problem.ts';
import { type RevisionStory, readRevision } from '../engine/history-revision.ts';
import { revisionText } from '../render/revision-text.ts';
import { type HistoryOptions, refuseListing, revisionArgument, withReading } from './history-options.ts';
import { flattened, listed, writeParts } from './parts.ts';
import type { Handler } from './program.ts';
import { paintFor } from './settings.ts';

export const command: Handler = async (context, [rev = ''], options: HistoryOptions) => {
  refuseListing('show', options);
  const number = revisionArgument(rev, 'REV');
  const { stdout } = context;
  await withReading(context, options, async (reading, store) => {
    const story = await readRevision(reading, number, options.workspace);
    if (options.output === 'json') {
      writeParts(stdout, storyJson(story));
      return;
    }
    stdout.write(
      revisionText(story, {
        store: store.location,
        paint: paintFor(stdout),
        width: stdout.columns,
        most: options.verbose === true ? Infinity : 20,
      }),
    );
  });
  return EXIT.done;
};

/** In parts: of a million changes it is long. */
function* storyJson(story: RevisionStory): Generator<string> {
  const { revision, pr, approvers, review, changes, access, untellable, verdicts } = story;
  const { overrides, findings, events, redacted } = story;
  yield `${JSON.stringify({ kind: 'Revision', ...revision, pr, approvers, review }).slice(0, -1)},"changes":[`;
  yield* listed(changes);
  yield '],"access":';
  if (access === null) yield 'null';
  else {
    yield '[';
    yield* listed(flattened<AccessChange>(access.accessByWorkspace()));
    yield ']';
  }
  const rest = { untellable, verdicts, overrides, findings, events, redacted };
  yield `,${JSON.stringify(rest).slice(1)}\n`;
}
