# Completion of mlcli. In ~/.config/fish/config.fish: mlcli completion fish | source
function _mlcli
    set -l words (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l replies (_MLCLI_COMPLETE=fish _MLCLI_LINE=(commandline -cp | string collect) $program 2>/dev/null)
    if test $status -eq 3
        set -l token (commandline -ct)
        set -l key (string match -r -- '^.*=' $token)
        for path in (__fish_complete_path (string replace -r -- '^.*=' '' $token))
            echo "$key$path"
        end
    else
        printf '%s\n' $replies
    end
end
complete -c mlcli -f -k -a '(_mlcli)'
