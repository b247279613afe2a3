import {binary} from '../../units/command.js'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The hidden first word by which the scripts call the program. */
const ask = '__complete'

/** What the shell runs: it asks the program for every word that may come next. */
export const completionScripts: Record<Shell, string> = {
  bash: `# Written by \`${binary} completion bash\`.
_qicore_db_complete() {
  local line word
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
    else
      printf -v word '%q' "\${line%%$'\\t'*}"
      COMPREPLY+=("$word")
    fi
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" ${ask} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _qicore_db_complete ${binary}
`,
  zsh: `#compdef ${binary}
# Written by \`${binary} completion zsh\`; to be read after compinit.
_qicore_db_complete() {
  local line
  local -a found
  local files=0
  for line in "\${(@f)$("\${(Q)words[1]}" ${ask} "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      files=1
    elif [[ -n $line ]]; then
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  local failed=1
  (( files )) && _files && failed=0
  (( $#found )) && _describe -V '${binary}' found && failed=0
  return failed
}
if [[ \${funcstack[1]} == _${binary} ]]; then
  _qicore_db_complete
else
  compdef _qicore_db_complete ${binary}
fi
`,
  fish: `# Written by \`${binary} completion fish\`.
function __qicore_db_complete
  set -l words (commandline -opc)
  set -l program $words[1]
  set -e words[1]
  set -l current (commandline -ct)
  for line in ($program ${ask} $words "$current" 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path "$current"
    else
      printf '%s\\n' $line
    end
  end
end
complete -c ${binary} -f -a '(__qicore_db_complete)'
`,
}
