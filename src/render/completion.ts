/**
 * What may stand at one place of a command line: one of these words, a path, what a store has (`names` of the kind
 * that stands before it), or anything.
 */
export type Place = readonly string[] | 'files' | 'folders' | 'workspaces' | 'users' | 'names' | 'anything';

/** An option with all its flags. */
export interface CompletedOption {
  readonly flags: readonly string[];
  readonly summary: string;
  /** Of its value, when it takes one. */
  readonly value?: Place;
  /** Whether more words after its value are values too. */
  readonly many?: boolean;
}

export interface CompletedCommand {
  /** Its words: `[]` is the program, `['token', 'rotate']` a command of a command. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Its own; those of the program go with every command. */
  readonly options: readonly CompletedOption[];
  readonly args: readonly { readonly place: Place; readonly many: boolean }[];
}

/** A command line as completion needs it: the program itself, and all its commands. */
export type CompletedProgram = readonly CompletedCommand[];

/** Commands right below a command. */
export function commandsBelow(
  program: CompletedProgram,
  { path }: CompletedCommand,
): { word: string; summary: string }[] {
  return program
    .filter(
      (other) => other.path.length === path.length + 1 && path.every((word, i) => word === other.path[i]),
    )
    .map((other) => ({ word: other.path.at(-1) ?? '', summary: other.summary }));
}

/** The words of every command. */
export function commandPaths(program: CompletedProgram): string[] {
  return program.map(({ path }) => path.join(' ')).filter((words) => words !== '');
}

/** A place, by the words before it. */
export interface PlaceAt {
  /** `get -o` and `get --output`, `import 1`; * stands for anything. */
  readonly patterns: readonly string[];
  /** Words, or `@` and what they come from. */
  readonly place: string;
  /** Whether it goes on being that after one word. */
  readonly many?: boolean;
}

/** The values of all options. */
export function optionPlaces(program: CompletedProgram): PlaceAt[] {
  // Those of the program last: a command may give a flag a meaning of its own.
  return program.toReversed().flatMap(({ path, options }) =>
    options.flatMap(({ flags, value, many = false }) =>
      value === undefined
        ? []
        : [
            {
              patterns: flags.map((flag) => `${path.join(' ') || '*'} ${flag}`),
              place: placeText(value),
              many,
            },
          ],
    ),
  );
}

/** The arguments of all commands, by how many stand before them. */
export function argumentPlaces(program: CompletedProgram): PlaceAt[] {
  return program.flatMap(({ path, args }) =>
    args.map(({ place, many }, index) => ({
      patterns: [`${path.join(' ')} ${many ? '*' : index}`],
      place: placeText(place),
    })),
  );
}

function placeText(place: Place): string {
  return typeof place === 'string' ? `@${place}` : place.join(' ');
}

/** A text between single quotes, as sh, bash and zsh read it. */
export function shQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Patterns of one branch of `case` in sh, bash and zsh. */
export function shPatterns(patterns: readonly string[]): string {
  return patterns
    .map(
      (words) =>
        words
          .split('*')
          .map((part) => part && shQuote(part))
          .join('*') || "''",
    )
    .join(' | ');
}

/**
 * The body of a loop in bash and zsh over the words before the cursor. It sets command, kind (the first argument),
 * count (of arguments), flag (an option whose value comes next), many, and store (options that `iam get` needs too).
 */
export function shWalk(program: CompletedProgram): string {
  return `    if [[ -z $flag && $word == --*=* ]]; then
      flag=\${word%%=*} word=\${word#*=}
    fi
    if [[ -n $flag ]]; then
      case $flag in -n | --workspace | --store) store+=("$flag" "$word") ;; esac
      flag=
    elif [[ $word == -* ]]; then
      many=
      __iam_value "$command $word"
      if [[ -n $REPLY ]]; then flag=$word; fi
    else
      case "$command\${command:+ }$word" in
        ${shPatterns(commandPaths(program))}) command+="\${command:+ }$word" ;;
        *)
          if ((count == 0)); then kind=$word; fi
          count=$((count + 1))
          ;;
      esac
    fi`;
}

/** A function of bash and zsh that answers in REPLY what may stand after the words given. */
export function shPlaces(name: string, places: readonly PlaceAt[]): string {
  const branches = places
    .filter(({ place }) => place !== '')
    .map(
      ({ patterns, place, many }) =>
        `    ${shPatterns(patterns)}) REPLY='${place}'${many ? ' many=$REPLY' : ''} ;;\n`,
    );
  return `${name}() {
  case $1 in
${branches.join('')}    *) REPLY= ;;
  esac
}
`;
}
