# Completion of mlcli. In ~/.bashrc: eval "$(mlcli completion bash)"
_mlcli() {
    local replies reply answer
    COMPREPLY=()
    replies=$(_MLCLI_COMPLETE=bash _MLCLI_LINE="${COMP_LINE:0:COMP_POINT}" _MLCLI_BREAKS="$COMP_WORDBREAKS" \
        "${COMP_WORDS[0]/#\~/$HOME}" 2>/dev/null)
    answer=$?
    while IFS= read -r reply; do
        [ -n "$reply" ] && COMPREPLY+=("$reply")
    done <<<"$replies"
    # compopt is missing from bash 3: there no space is added, and files are offered where nothing else fits.
    [ $answer -eq 0 ] && compopt +o default 2>/dev/null
    if [ ${#COMPREPLY[@]} -eq 1 ]; then
        case ${COMPREPLY[0]} in
            *[=./,]) ;;
            *) compopt +o nospace 2>/dev/null ;;
        esac
    fi
    return 0
}
complete -o nospace -o default -F _mlcli mlcli
