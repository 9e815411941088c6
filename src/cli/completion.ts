import type { Argument, Command, Option } from 'commander';
import { EXIT } from '../core/problem.ts';
import { KIND_NAMES, kindOf } from '../kinds/index.ts';
import type { CompletedCommand, CompletedOption, CompletedProgram, Place } from '../render/completion.ts';
import { createProgram, type Handler } from './program.ts';

export const command: Handler = async (context, [shell = '']) => {
  const program = completedProgram(createProgram(context, () => {}));
  context.stdout.write(await script(shell, program));
  return EXIT.done;
};

async function script(shell: string, program: CompletedProgram): Promise<string> {
  switch (shell) {
    case 'bash':
      return (await import('../render/completion-bash.ts')).bashCompletion(program);
    case 'zsh':
      return (await import('../render/completion-zsh.ts')).zshCompletion(program);
    case 'fish':
      return (await import('../render/completion-fish.ts')).fishCompletion(program);
    default:
      // The command line lets no other through.
      throw new Error(`no completion for ${shell}`);
  }
}

/** The command line as it is, for the scripts: they cannot know less than the help. */
export function completedProgram(program: Command): CompletedProgram {
  const help = program.createHelp();
  const visit = (command: Command, path: readonly string[]): CompletedCommand[] => [
    {
      path,
      summary: command.summary(),
      // --help is an option of each; once is enough.
      options: help
        .visibleOptions(command)
        .filter(({ long }) => path.length === 0 || long !== '--help')
        .map(completedOption),
      args: command.registeredArguments.map((argument, index, all) => ({
        place: argumentPlace(argument, all[index - 1]),
        many: argument.variadic,
      })),
    },
    ...help.visibleCommands(command).flatMap((sub) => visit(sub, [...path, sub.name()])),
  ];
  return visit(program, []);
}

function completedOption(option: Option): CompletedOption {
  const { short, long, description, variadic, required, optional, argChoices } = option;
  const flags = [short, long].filter((flag) => flag !== undefined);
  if (!required && !optional) return { flags, summary: description };
  const value =
    argChoices ?? namedPlace(/workspace$/i.test(option.attributeName()) ? 'workspace' : placeholder(option));
  return { flags, summary: description, value, many: variadic };
}

function argumentPlace(argument: Argument, before: Argument | undefined): Place {
  if (argument.name() === 'name' && before?.name() === 'kind') return 'names';
  return argument.argChoices ?? namedPlace(argument.name());
}

/** `file` of `--out <file>`. */
function placeholder({ flags }: Option): string {
  return /[<[]([^>\].]+)/.exec(flags)?.[1] ?? '';
}

/** What stands where help says `<file>`. */
function namedPlace(name: string): Place {
  switch (name) {
    case 'file':
    case 'path':
      return 'files';
    case 'dir':
      return 'folders';
    case 'kind':
      return KIND_NAMES.map((kind) => kindOf(kind).plural);
    case 'user':
      return 'users';
    case 'workspace':
      return 'workspaces';
    default:
      return 'anything';
  }
}
