import {
  argumentPlaces,
  type CompletedProgram,
  commandPaths,
  commandsBelow,
  optionPlaces,
  type PlaceAt,
} from './completion.ts';

/** The completion script for fish. */
export function fishCompletion(program: CompletedProgram): string {
  const commands = program.map((command) => ({
    path: command.path,
    entries: commandsBelow(program, command).map(({ word, summary }) => [word, summary] as const),
  }));
  const options = program.map(({ path, options: own }) => ({
    path,
    entries: own.flatMap(({ flags, summary }) => flags.map((flag) => [flag, summary] as const)),
  }));
  return `# Completion of iam for fish. For every shell:
#   iam completion fish > ~/.config/fish/completions/iam.fish

# These print words with what they mean.
${described('__iam_commands', commands)}
${described('__iam_options', options)}
# These print words, or @ and what they come from; ... after what goes on being that.
# Of the value of an option; nothing when it takes none.
${places('__iam_value', optionPlaces(program))}
${places('__iam_argument', argumentPlaces(program))}
function __iam_complete
    set -l words (commandline -opc)
    set -l iam $words[1]
    set -l current (commandline -ct)
    set -l command ''
    set -l kind ''
    set -l count 0
    set -l flag ''
    set -l many ''
    set -l store
    for word in $words[2..]
        if test -z "$flag"; and string match -qr -- '^--[^=]+=' $word
            set flag (string replace -r -- '=.*' '' $word)
            set word (string replace -r -- '^[^=]*=' '' $word)
        end
        set -l longer (string trim -- "$command $word")
        if test -n "$flag"
            if contains -- $flag -n --workspace --store
                set -a store $flag $word
            end
            set flag ''
        else if string match -q -- '-*' $word
            set many ''
            set -l value (__iam_value "$command $word")
            if test -n "$value"
                set flag $word
            end
            if string match -q -- '*...' "$value"
                set many $value
            end
        else if contains -- $longer ${commandPaths(program).map(quote).join(' ')}
            set command $longer
        else
            if test $count = 0
                set kind $word
            end
            set count (math $count + 1)
        end
    end

    set -l before ''
    set -l place ''
    if test -z "$flag"; and string match -qr -- '^--[^=]+=' $current
        set flag (string replace -r -- '=.*' '' $current)
        set before "$flag="
    end
    if test -n "$flag"
        set place (__iam_value "$command $flag")
    else
        if not string match -q -- '-*' $current
            set -l below (__iam_commands "$command")
            if test -n "$below"
                printf '%s\\n' $below
                return
            end
            set place (__iam_argument "$command $count")
            if test -z "$place"
                set place $many
            end
        end
        if test -z "$place"
            if test -n "$command"
                __iam_options "$command"
            end
            __iam_options ''
            return
        end
    end

    set place (string replace -- '...' '' $place)
    switch "$place"
        case @files
            __fish_complete_path (string replace -- "$before" '' $current)
        case @folders
            __fish_complete_directories (string replace -- "$before" '' $current) ''
        case @workspaces @users
            $iam get (string sub -s 2 $place) -o name $store 2>/dev/null
        case @names
            $iam get $kind -o name $store 2>/dev/null
        case '@*'
        case '*'
            string split ' ' -- $place
    end | string replace -r -- '^' "$before"
end

complete -c iam -f -a '(__iam_complete)'
`;
}

function described(
  name: string,
  all: readonly {
    readonly path: readonly string[];
    readonly entries: readonly (readonly [word: string, summary: string])[];
  }[],
): string {
  const cases = all
    .filter(({ entries }) => entries.length > 0)
    .map(({ path, entries }) => {
      const lines = entries.map(([word, summary]) => `${quote(word)} ${quote(summary)}`);
      return `        case ${quote(path.join(' '))}\n            printf '%s\\t%s\\n' \\\n                ${lines.join(' \\\n                ')}\n`;
    });
  return `function ${name}
    switch "$argv"
${cases.join('')}    end
end
`;
}

function places(name: string, all: readonly PlaceAt[]): string {
  const cases = all.map(
    ({ patterns, place, many }) =>
      `        case ${patterns.map(quote).join(' ')}\n            echo ${quote(place + (many ? '...' : ''))}\n`,
  );
  return `function ${name}
    switch "$argv"
${cases.join('')}    end
end
`;
}

/** A text between single quotes, as fish reads it. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
