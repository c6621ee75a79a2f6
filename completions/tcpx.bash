# Completions of tcpx for bash. Written by tcpx completions bash.

# The options of a command, what its words are, and what the words behind those are. Fails if it is none.
_tcpx_command() {
    case "$1" in
        "")
            options="-h --help -V --version"
            places=("one connect listen run report test scan wait nc ncat script encodings completions man config help")
            more="any"
            ;;
        "connect")
            options="-E --encoding --recv-encoding --send-encoding --malformed --unencodable -C --crlf --send --send-hex --send-file -s --script --on-data --on-line --session --watch --script-errors --set --script-timeout --seed --max-connects --allow-read --allow-write --exec --sh --pty --exec-status -z --expect --fail-on --until --half-open --no-shutdown --eof-wait --send-only --recv-only --no-stdin -w --connect-timeout --retry --retry-delay --reconnect -i --idle-timeout --timeout --line-delay -v -q --quiet -x --hex -o --output --events --raw-terminal --progress --no-history --raw --timestamps --echo --output-dir --label --source --run --proxy-protocol -u --udp -4 -6 --nodelay --keepalive --no-nodelay --memory -n --no-dns --recv-buffer --send-buffer --tos --ttl --user-timeout --bind-device --broadcast --join --multicast-ttl --proxy --proxy-auth-file --tls --tls-ca --tls-insecure --tls-pin --tls-name --tls-alpn --tls-cert --tls-key --tls-client-ca --handshake-timeout --no-config -h --help"
            places=("host" "port")
            more="any"
            ;;
        "listen")
            options="-k --keep-open --once --accept -m --max-conns --backlog --reuse-port --allow --deny --workers --ready-file --ready-fd --run --accept-timeout --accept-proxy -E --encoding --recv-encoding --send-encoding --malformed --unencodable -C --crlf --send --send-hex --send-file -s --script --on-data --on-line --session --watch --script-errors --set --script-timeout --seed --max-connects --allow-read --allow-write --exec --sh --pty --exec-status --expect --fail-on --until --half-open --no-shutdown --eof-wait --send-only --recv-only --no-stdin -i --idle-timeout --timeout --line-delay -v -q --quiet -x --hex -o --output --events --raw-terminal --progress --no-history --raw --timestamps --echo --output-dir --label -u --udp -4 -6 --nodelay --keepalive --no-nodelay --memory -n --no-dns --recv-buffer --send-buffer --tos --ttl --user-timeout --bind-device --broadcast --join --multicast-ttl --proxy --proxy-auth-file --tls --tls-ca --tls-insecure --tls-pin --tls-name --tls-alpn --tls-cert --tls-key --tls-client-ca --handshake-timeout --no-config -h --help"
            places=("own_host" "port")
            more="any"
            ;;
        "run")
            options="--set --script-timeout --seed --max-connects --allow-read --allow-write --clients --workers --duration --rate --ramp --fail-if --json --shard --start-at --timeout -v -q --quiet -x --hex -o --output --events --raw-terminal --progress --no-history --raw --timestamps --echo -E --encoding -4 -6 -n --no-dns --proxy --proxy-auth-file --no-config -h --help"
            places=("own_script")
            more="any"
            ;;
        "report")
            options="--json --html --fail-if -h --help"
            places=()
            more="file"
            ;;
        "test")
            options="--filter -j --jobs --repeat --fail-fast --list --tap --junit --json -v --verbose --test-timeout --timeout --set --script-timeout --seed --max-connects --allow-read --allow-write -E --encoding -4 -6 -n --no-dns --proxy --proxy-auth-file --no-config -h --help"
            places=()
            more="own_script"
            ;;
        "scan")
            options="-p --ports --json -v -w --connect-timeout --timeout -4 -6 -n --no-dns --proxy --proxy-auth-file --no-config -h --help"
            places=()
            more="host"
            ;;
        "wait")
            options="--expect --send -w --connect-timeout --timeout -v -q --quiet -u --udp -4 -6 -n --no-dns --proxy --proxy-auth-file --tls --tls-ca --tls-insecure --tls-pin --tls-name --tls-alpn --tls-cert --tls-key --tls-client-ca --handshake-timeout --no-config -h --help"
            places=()
            more="host"
            ;;
        "nc")
            options=""
            places=()
            more="any"
            ;;
        "ncat")
            options=""
            places=()
            more="any"
            ;;
        "script")
            options="-h --help"
            places=("one list show check new")
            more="any"
            ;;
        "script list")
            options="-h --help"
            places=()
            more="any"
            ;;
        "script show")
            options="-h --help"
            places=("builtin")
            more="any"
            ;;
        "script check")
            options="-h --help"
            places=()
            more="own_script"
            ;;
        "script new")
            options="--session --test -h --help"
            places=()
            more="any"
            ;;
        "encodings")
            options="-h --help"
            places=()
            more="any"
            ;;
        "completions")
            options="-h --help"
            places=("one bash elvish fish powershell zsh")
            more="any"
            ;;
        "man")
            options="-h --help"
            places=("one tcpx tcpx-script")
            more="any"
            ;;
        "config")
            options="-h --help"
            places=("one show")
            more="any"
            ;;
        "config show")
            options="--no-config -h --help"
            places=()
            more="any"
            ;;
        "help")
            options="-h --help"
            places=()
            more="one connect listen run report test scan wait nc ncat script encodings completions man config help endings encodings scripts exit-codes recipes"
            ;;
        *) return 1 ;;
    esac
}

# What the value of an option of a command is. Fails if it takes none.
_tcpx_value() {
    case "$1:$2" in
        "connect:--send" | "connect:--send-hex" | "connect:--on-data" | "connect:--on-line" | "connect:--session" | "connect:--set" | "connect:--script-timeout" | "connect:--seed" | "connect:--max-connects" | "connect:--exec" | "connect:--sh" | "connect:--expect" | "connect:--fail-on" | "connect:--until" | "connect:--eof-wait" | "connect:-w" | "connect:--connect-timeout" | "connect:--retry" | "connect:--retry-delay" | "connect:-i" | "connect:--idle-timeout" | "connect:--timeout" | "connect:--line-delay" | "connect:--source" | "connect:--run" | "connect:--keepalive" | "connect:--memory" | "connect:--recv-buffer" | "connect:--send-buffer" | "connect:--tos" | "connect:--ttl" | "connect:--user-timeout" | "connect:--bind-device" | "connect:--join" | "connect:--multicast-ttl" | "connect:--proxy" | "connect:--tls-pin" | "connect:--tls-name" | "connect:--tls-alpn" | "connect:--handshake-timeout" | "listen:--accept" | "listen:-m" | "listen:--max-conns" | "listen:--backlog" | "listen:--allow" | "listen:--deny" | "listen:--workers" | "listen:--ready-fd" | "listen:--run" | "listen:--accept-timeout" | "listen:--send" | "listen:--send-hex" | "listen:--on-data" | "listen:--on-line" | "listen:--session" | "listen:--set" | "listen:--script-timeout" | "listen:--seed" | "listen:--max-connects" | "listen:--exec" | "listen:--sh" | "listen:--expect" | "listen:--fail-on" | "listen:--until" | "listen:--eof-wait" | "listen:-i" | "listen:--idle-timeout" | "listen:--timeout" | "listen:--line-delay" | "listen:--keepalive" | "listen:--memory" | "listen:--recv-buffer" | "listen:--send-buffer" | "listen:--tos" | "listen:--ttl" | "listen:--user-timeout" | "listen:--bind-device" | "listen:--join" | "listen:--multicast-ttl" | "listen:--proxy" | "listen:--tls-pin" | "listen:--tls-name" | "listen:--tls-alpn" | "listen:--handshake-timeout" | "run:--set" | "run:--script-timeout" | "run:--seed" | "run:--max-connects" | "run:--clients" | "run:--workers" | "run:--duration" | "run:--rate" | "run:--ramp" | "run:--fail-if" | "run:--shard" | "run:--start-at" | "run:--timeout" | "run:--proxy" | "report:--fail-if" | "test:--filter" | "test:-j" | "test:--jobs" | "test:--repeat" | "test:--test-timeout" | "test:--timeout" | "test:--set" | "test:--script-timeout" | "test:--seed" | "test:--max-connects" | "test:--proxy" | "scan:-p" | "scan:--ports" | "scan:-w" | "scan:--connect-timeout" | "scan:--timeout" | "scan:--proxy" | "wait:--expect" | "wait:--send" | "wait:-w" | "wait:--connect-timeout" | "wait:--timeout" | "wait:--proxy" | "wait:--tls-pin" | "wait:--tls-name" | "wait:--tls-alpn" | "wait:--handshake-timeout")
            value="any" ;;
        "connect:-E" | "connect:--encoding" | "connect:--recv-encoding" | "connect:--send-encoding" | "listen:-E" | "listen:--encoding" | "listen:--recv-encoding" | "listen:--send-encoding" | "run:-E" | "run:--encoding" | "test:-E" | "test:--encoding")
            value="encoding" ;;
        "connect:--send-file" | "connect:-o" | "connect:--output" | "connect:--events" | "connect:--proxy-auth-file" | "connect:--tls-ca" | "connect:--tls-cert" | "connect:--tls-key" | "connect:--tls-client-ca" | "listen:--ready-file" | "listen:--send-file" | "listen:-o" | "listen:--output" | "listen:--events" | "listen:--proxy-auth-file" | "listen:--tls-ca" | "listen:--tls-cert" | "listen:--tls-key" | "listen:--tls-client-ca" | "run:--json" | "run:-o" | "run:--output" | "run:--events" | "run:--proxy-auth-file" | "report:--json" | "report:--html" | "test:--junit" | "test:--json" | "test:--proxy-auth-file" | "scan:--proxy-auth-file" | "wait:--proxy-auth-file" | "wait:--tls-ca" | "wait:--tls-cert" | "wait:--tls-key" | "wait:--tls-client-ca")
            value="file" ;;
        "connect:--allow-read" | "connect:--allow-write" | "connect:--output-dir" | "listen:--allow-read" | "listen:--allow-write" | "listen:--output-dir" | "run:--allow-read" | "run:--allow-write" | "test:--allow-read" | "test:--allow-write")
            value="folder" ;;
        "connect:--script-errors" | "listen:--script-errors")
            value="one close fatal ignore" ;;
        "connect:--unencodable" | "listen:--unencodable")
            value="one fail replace" ;;
        "connect:--echo" | "listen:--echo" | "run:--echo")
            value="one on off" ;;
        "connect:--malformed" | "listen:--malformed")
            value="one replace fail" ;;
        "connect:--proxy-protocol")
            value="one v1 v2" ;;
        "connect:-s" | "connect:--script" | "listen:-s" | "listen:--script")
            value="script" ;;
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
            list="utf-8 utf-16le utf-16be gbk gb18030 big5 shift_jis euc-jp iso-2022-jp euc-kr koi8-r koi8-u windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 windows-874 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-8-i iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 ibm866 macintosh x-mac-cyrillic x-user-defined auto auto-cn auto-tw auto-jp auto-kr auto-ru"
            [[ -n $cur ]] && list+=" unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8 cp65001 65001 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16-le ucs-2le cp1200 unicodefffe utf-16-be ucs-2be cp1201 chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk cp936 936 ms936 windows-936 x-cp936 euc-cn gb18030-2000 gb18030-2005 gb18030-2022 cp54936 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 950 ms950 windows-950 x-windows-950 csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis cp932 932 windows-932 cswindows31j cseucpkdfmtjapanese x-euc-jp ujis cp51932 csiso2022jp jis cp50220 cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 cp949 949 ms949 uhc cp51949 cskoi8r koi koi8 koi8_r cp20866 koi8-ru cp21866 cp1250 x-cp1250 win1250 cp1251 x-cp1251 win1251 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252 cp28591 win1252 cp1253 x-cp1253 win1253 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 x-cp1254 win1254 cp1255 x-cp1255 win1255 cp1256 x-cp1256 win1256 cp1257 x-cp1257 win1257 cp1258 x-cp1258 win1258 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 cp874 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 cp28592 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3 cp28593 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4 cp28594 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988 cp28595 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 cp28596 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek cp28597 csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i logical csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6 iso8859-13 iso885913 latin7 iso8859-14 iso885914 latin8 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9 latin9 cp28605 latin10 866 cp866 csibm866 dos-866 csmacintosh mac x-mac-roman macroman mac-roman cp10000 x-mac-ukrainian mac-cyrillic cp10007"
            ;;
        builtin) list="@binary @broker @chargen @chat @connect @daytime @discard @dns @echo @faults @goodbye @http @iso8583 @lines @login @memcached @mllp @modbus @proxy @redis @rules @scpi @smtp @socks @syslog @telnet @time @upper" ;;
        script) list="@binary @broker @chargen @chat @connect @daytime @discard @dns @echo @faults @goodbye @http @iso8583 @lines @login @memcached @mllp @modbus @proxy @redis @rules @scpi @smtp @socks @syslog @telnet @time @upper" files=-f ;;
        own_script)
            files=-f
            [[ $cur == @* ]] && list="@binary @broker @chargen @chat @connect @daytime @discard @dns @echo @faults @goodbye @http @iso8583 @lines @login @memcached @mllp @modbus @proxy @redis @rules @scpi @smtp @socks @syslog @telnet @time @upper"
            ;;
        file) files=-f ;;
        folder) files=-d ;;
        host) list=$(_tcpx_hosts) ;;
        own_host) list="localhost 127.0.0.1 0.0.0.0 ::1 ::" ;;
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
