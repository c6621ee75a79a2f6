# Completions of tcpx for bash. Written by tcpx completions bash.

# The options of a command, what its words are, and what the words behind those are. Fails if it is none.
_tcpx_command() {
    case "$1" in
@COMMANDS@
        *) return 1 ;;
    esac
}

# What the value of an option of a command is. Fails if it takes none.
_tcpx_value() {
    case "$1:$2" in
@VALUES@
        *) return 1 ;;
    esac
}

# The hosts that ssh knows by name.
_tcpx_hosts() {
    local file names rest name
    for file in ~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts; do
        [[ -r $file ]] || continue
        while read -r names rest; do
            [[ $names == @* ]] && names=${rest%% *}
            [[ $names == [\#\|]* ]] && continue
            for name in ${names//,/ }; do
                name=${name#[}
                name=${name%%]*}
                [[ $name == *[!A-Za-z0-9._:-]* ]] || printf '%s\n' "$name"
            done
        done <"$file"
    done | sort -u
}

# The words of the line up to the cursor, as tcpx gets them: bash cuts them at =, : and @, too.
_tcpx_words() {
    words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
    [[ -n ${COMP_LINE-} ]] || return 0
    local rest=${COMP_LINE:0:COMP_POINT} text number
    words=()
    for ((number = 0; number <= COMP_CWORD; number++)); do
        text=${rest#"${rest%%[![:space:]]*}"}
        if [[ $number -eq $COMP_CWORD ]]; then
            rest=$text word=$text
        else
            word=${COMP_WORDS[number]}
        fi
        if [[ ${#words[@]} -gt 0 && $text == "$before" ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${text#"$word"}
        before=$rest
    done
}

# Sets kind to what can stand at the cursor, cur to what is there, and prefix to the option before a =.
_tcpx_place() {
    local command="" place=0 expects="" ended="" word letters
    _tcpx_command ""
    for word in "${words[@]:1:${#words[@]}-2}"; do
        if [[ -n $expects ]]; then
            expects=""
        elif [[ -n $ended || $word == -- ]]; then
            ended=yes
        elif [[ $word == --* ]]; then
            [[ $word != *=* ]] && _tcpx_value "$command" "$word" && expects=$value
        elif [[ $word == -?* ]]; then
            for ((letters = 1; letters < ${#word}; letters++)); do
                _tcpx_value "$command" "-${word:letters:1}" || continue
                [[ $((letters + 1)) -eq ${#word} ]] && expects=$value
                break
            done
        elif [[ $place -eq 0 ]] && _tcpx_command "${command:+$command }$word"; then
            command="${command:+$command }$word"
        else
            place=$((place + 1))
        fi
    done
    cur=${words[${#words[@]} - 1]}
    prefix=""
    kind=any
    if [[ -n $expects ]]; then
        kind=$expects
    elif [[ -n $ended ]]; then
        kind=any
    elif [[ $cur == --*=* ]]; then
        prefix="${cur%%=*}="
        cur=${cur#*=}
        _tcpx_value "$command" "${prefix%=}" && kind=$value
    elif [[ $cur == -* ]]; then
        kind="one $options"
    else
        kind=${places[place]:-$more}
    fi
}

_tcpx() {
    local words=() word before cur prefix kind value options places more list="" files="" typed drop
    COMPREPLY=()
    _tcpx_words
    _tcpx_place
    case "$kind" in
        one\ *) list=${kind#one } ;;
        encoding)
            list="@ENCODINGS@"
            [[ -n $cur ]] && list+=" @LABELS@"
            ;;
        builtin) list="@BUILTINS@" ;;
        script) list="@BUILTINS@" files=-f ;;
        own_script)
            files=-f
            [[ $cur == @* ]] && list="@BUILTINS@"
            ;;
        file) files=-f ;;
        folder) files=-d ;;
        host) list=$(_tcpx_hosts) ;;
        own_host) list="@OWN@" ;;
        port) [[ -n $cur ]] && list=$(compgen -A service) ;;
    esac
    local IFS=$'\n'
    if [[ -n $list ]]; then
        COMPREPLY=($(compgen -W "${list// /$'\n'}" -- "$cur"))
    fi
    if [[ -n $files ]]; then
        [[ $cur == @* ]] || compopt -o filenames 2>/dev/null
        COMPREPLY+=($(compgen "$files" -- "$cur"))
    fi
    # What bash takes for the word may begin later than the word does.
    typed=${2-$prefix$cur}
    drop=$prefix$cur
    drop=${drop%"$typed"}
    for ((word = 0; word < ${#COMPREPLY[@]}; word++)); do
        COMPREPLY[word]=$prefix${COMPREPLY[word]}
        COMPREPLY[word]=${COMPREPLY[word]#"$drop"}
    done
}

complete -F _tcpx tcpx
