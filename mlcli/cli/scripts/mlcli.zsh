#compdef mlcli
# Completion of mlcli. In ~/.zshrc: eval "$(mlcli completion zsh)"
_mlcli() {
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX" output reply word text
    local -a open open_shown closed closed_shown
    output=$(_MLCLI_COMPLETE=zsh _MLCLI_LINE=$line ${(Q)~words[1]} 2>/dev/null)
    if (( $? == 3 )); then
        compset -P '*='
        _files
        return
    fi
    for reply in ${(f)output}; do
        word=${reply%%$'\t'*}
        text=${reply#*$'\t'}
        text="$word${text:+  -- $text}"
        if [[ $word == *[=./,] ]]; then
            open+=($word) open_shown+=($text)
        else
            closed+=($word) closed_shown+=($text)
        fi
    done
    local -a suffix=(-r ',' -S ' ')
    [[ -n $compstate[quote] ]] && suffix=()  # zsh then closes the quote
    (( $#open )) && compadd -V mlcli-open -S '' -l -d open_shown -a open
    (( $#closed )) && compadd -V mlcli $suffix -l -d closed_shown -a closed
    (( $#open + $#closed ))
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _mlcli mlcli
