import {
  argumentPlaces,
  type CompletedProgram,
  commandsBelow,
  optionPlaces,
  shPlaces,
  shWalk,
} from './completion.ts';

/** The completion script for bash, from the 3.2 of macOS on. */
export function bashCompletion(program: CompletedProgram): string {
  const commands = program.map((command) => ({
    patterns: [command.path.join(' ')],
    place: commandsBelow(program, command)
      .map(({ word }) => word)
      .join(' '),
  }));
  const options = program.map((command) => ({
    patterns: [command.path.join(' ')],
    place: command.options.flatMap(({ flags }) => flags).join(' '),
  }));
  return `# Completion of iam for bash. For every shell, in ~/.bashrc:
#   source <(iam completion bash)

# These answer in REPLY: words, or @ and what they come from.
${shPlaces('__iam_commands', commands)}
${shPlaces('__iam_options', options)}
# Of the value of an option; nothing when it takes none.
${shPlaces('__iam_value', optionPlaces(program))}
${shPlaces('__iam_argument', argumentPlaces(program))}
_iam() {
  local iam=$1 cur=\${COMP_WORDS[COMP_CWORD]} line=\${COMP_LINE:0:COMP_POINT}
  local command= kind= count=0 flag= many= current= word words REPLY
  local store=()
  # Not COMP_WORDS: bash breaks words at = and : too.
  read -a words <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    current=\${words[\${#words[@]} - 1]}
    unset "words[\${#words[@]} - 1]"
  fi
  for word in "\${words[@]:1}"; do
${shWalk(program)}
  done

  if [[ -z $flag && $current == --*=* ]]; then flag=\${current%%=*}; fi
  if [[ $cur == = ]]; then cur=; fi
  if [[ -n $flag ]]; then
    __iam_value "$command $flag"
  else
    REPLY=
    if [[ $current != -* ]]; then
      __iam_commands "$command"
      if [[ -z $REPLY ]]; then __iam_argument "$command $count"; fi
      if [[ -z $REPLY ]]; then REPLY=$many; fi
    fi
    if [[ -z $REPLY ]]; then
      __iam_options ''
      word=$REPLY
      if [[ -n $command ]]; then __iam_options "$command"; else REPLY=; fi
      REPLY="$REPLY $word"
    fi
  fi

  local place=$REPLY
  case $place in
    @workspaces | @users) place=$("$iam" get "\${place#@}" -o name "\${store[@]}" 2> /dev/null) ;;
    @names) place=$("$iam" get "$kind" -o name "\${store[@]}" 2> /dev/null) ;;
  esac
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(
    case $place in
      @files) compgen -f -- "$cur" ;;
      @folders) compgen -d -- "$cur" ;;
      @*) ;;
      *) compgen -W "$place" -- "$cur" ;;
    esac
  )
  case $place in
    @files | @folders) compopt -o filenames 2> /dev/null ;;
  esac
}

complete -F _iam iam
`;
}
