import {
  argumentPlaces,
  type CompletedProgram,
  commandsBelow,
  optionPlaces,
  shPatterns,
  shPlaces,
  shQuote,
  shWalk,
} from './completion.ts';

/** The completion script for zsh. */
export function zshCompletion(program: CompletedProgram): string {
  const commands = program.map((command) => ({
    pattern: command.path.join(' '),
    entries: commandsBelow(program, command).map(({ word, summary }) => entry(word, summary)),
  }));
  const options = program.map(({ path, options: own }) => ({
    pattern: path.join(' '),
    entries: own.flatMap(({ flags, summary }) => flags.map((flag) => entry(flag, summary))),
  }));
  return `#compdef iam
# Completion of iam for zsh. For every shell, in ~/.zshrc after compinit:
#   source <(iam completion zsh)

# These answer in reply: words with what they mean.
${answers('__iam_commands', commands)}
${answers('__iam_options', options)}
# These answer in REPLY: words, or @ and what they come from.
# Of the value of an option; nothing when it takes none.
${shPlaces('__iam_value', optionPlaces(program))}
${shPlaces('__iam_argument', argumentPlaces(program))}
_iam() {
  local iam=$words[1] command= kind= flag= many= word REPLY
  local -a reply store own
  local -i count=0
  for word in "\${(@Q)words[2,CURRENT - 1]}"; do
${shWalk(program)}
  done

  if [[ -z $flag && $PREFIX == --*=* ]]; then
    flag=\${PREFIX%%=*}
    compset -P '*='
  fi
  if [[ -n $flag ]]; then
    __iam_value "$command $flag"
  else
    REPLY=
    if [[ $PREFIX != -* ]]; then
      __iam_commands "$command"
      if (($#reply)); then
        _describe command reply
        return
      fi
      __iam_argument "$command $count"
      REPLY=\${REPLY:-$many}
    fi
    if [[ -z $REPLY ]]; then
      if [[ -n $command ]]; then
        __iam_options "$command"
        own=($reply)
      fi
      __iam_options ''
      own+=($reply)
      _describe -o option own
      return
    fi
  fi

  case $REPLY in
    @files) _files ;;
    @folders) _files -/ ;;
    @workspaces | @users) compadd -- \${(f)"$($iam get \${REPLY#@} -o name $store 2> /dev/null)"} ;;
    @names) compadd -- \${(f)"$($iam get $kind -o name $store 2> /dev/null)"} ;;
    @*) return 1 ;;
    *) compadd -- \${=REPLY} ;;
  esac
}

if [[ $funcstack[1] == _iam ]]; then
  _iam "$@"
else
  compdef _iam iam
fi
`;
}

function answers(
  name: string,
  all: readonly { readonly pattern: string; readonly entries: readonly string[] }[],
): string {
  const branches = all
    .filter(({ entries }) => entries.length > 0)
    .map(
      ({ pattern, entries }) =>
        `    ${shPatterns([pattern])})\n      reply=(\n${entries.map((one) => `        ${one}\n`).join('')}      )\n      ;;\n`,
    );
  return `${name}() {
  case $1 in
${branches.join('')}    *) reply=() ;;
  esac
}
`;
}

/** A word and what it means, as _describe wants it. */
function entry(word: string, summary: string): string {
  return shQuote(`${word.replaceAll(':', '\\:')}:${summary}`);
}
