# Completions of tcpx for fish. Written by tcpx completions fish.

set -g __tcpx_commands '' 'connect' 'listen' 'run' 'report' 'test' 'scan' 'wait' 'nc' 'ncat' 'script' 'script list' 'script show' 'script check' 'script new' 'encodings' 'completions' 'man' 'config' 'config show' 'help'
set -g __tcpx_builtins "@binary @broker @chargen @chat @connect @daytime @discard @dns @echo @faults @goodbye @http @iso8583 @lines @login @memcached @mllp @modbus @proxy @redis @rules @scpi @smtp @socks @syslog @telnet @time @upper"

# Whether an option of a command takes the next word for its value.
function __tcpx_takes_value -a command option
    switch $command
        case 'connect'
            contains -- $option -E --encoding --recv-encoding --send-encoding --malformed --unencodable --send --send-hex --send-file -s --script --on-data --on-line --session --script-errors --set --script-timeout --seed --max-connects --allow-read --allow-write --exec --sh --expect --fail-on --until --eof-wait -w --connect-timeout --retry --retry-delay -i --idle-timeout --timeout --line-delay -o --output --events --echo --output-dir --source --run --proxy-protocol --keepalive --memory --recv-buffer --send-buffer --tos --ttl --user-timeout --bind-device --join --multicast-ttl --proxy --proxy-auth-file --tls-ca --tls-pin --tls-name --tls-alpn --tls-cert --tls-key --tls-client-ca --handshake-timeout
        case 'listen'
            contains -- $option --accept -m --max-conns --backlog --allow --deny --workers --ready-file --ready-fd --run --accept-timeout -E --encoding --recv-encoding --send-encoding --malformed --unencodable --send --send-hex --send-file -s --script --on-data --on-line --session --script-errors --set --script-timeout --seed --max-connects --allow-read --allow-write --exec --sh --expect --fail-on --until --eof-wait -i --idle-timeout --timeout --line-delay -o --output --events --echo --output-dir --keepalive --memory --recv-buffer --send-buffer --tos --ttl --user-timeout --bind-device --join --multicast-ttl --proxy --proxy-auth-file --tls-ca --tls-pin --tls-name --tls-alpn --tls-cert --tls-key --tls-client-ca --handshake-timeout
        case 'run'
            contains -- $option --set --script-timeout --seed --max-connects --allow-read --allow-write --clients --workers --duration --rate --ramp --fail-if --json --shard --start-at --timeout -o --output --events --echo -E --encoding --proxy --proxy-auth-file
        case 'report'
            contains -- $option --json --html --fail-if
        case 'test'
            contains -- $option --filter -j --jobs --repeat --junit --json --test-timeout --timeout --set --script-timeout --seed --max-connects --allow-read --allow-write -E --encoding --proxy --proxy-auth-file
        case 'scan'
            contains -- $option -p --ports -w --connect-timeout --timeout --proxy --proxy-auth-file
        case 'wait'
            contains -- $option --expect --send -w --connect-timeout --timeout --proxy --proxy-auth-file --tls-ca --tls-pin --tls-name --tls-alpn --tls-cert --tls-key --tls-client-ca --handshake-timeout
        case '*'
            return 1
    end
end

# Whether the cursor is at a word of this command; with a number, at its word of that number; with 2+, at that or a later one.
function __tcpx_at -a wanted place
    set -l tokens (commandline -opc)
    set -l command ''
    set -l number 1
    set -l is_value no
    for token in $tokens[2..]
        if test $is_value = yes
            set is_value no
        else if test "$token" = --
            return 1
        else if string match -q -- '--*=*' $token
        else if string match -q -- '-?*' $token
            if __tcpx_takes_value "$command" $token
                set is_value yes
            end
        else
            set -l longer (string trim -- "$command $token")
            if test $number = 1; and contains -- $longer $__tcpx_commands
                set command $longer
            else
                set number (math $number + 1)
            end
        end
    end
    test "$command" = "$wanted"; or return 1
    test -n "$place"; or return 0
    test $is_value = no; or return 1
    switch $place
        case '*+'
            test $number -ge (string trim -r -c + -- $place)
        case '*'
            test $number = $place
    end
end

function __tcpx_encodings
    set -l typed (commandline -ct)
    string split ' ' -- "utf-8 utf-16le utf-16be gbk gb18030 big5 shift_jis euc-jp iso-2022-jp euc-kr koi8-r koi8-u windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 windows-874 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-8-i iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 ibm866 macintosh x-mac-cyrillic x-user-defined auto auto-cn auto-tw auto-jp auto-kr auto-ru"
    if test -n "$typed"
        string split ' ' -- "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8 cp65001 65001 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16-le ucs-2le cp1200 unicodefffe utf-16-be ucs-2be cp1201 chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk cp936 936 ms936 windows-936 x-cp936 euc-cn gb18030-2000 gb18030-2005 gb18030-2022 cp54936 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 950 ms950 windows-950 x-windows-950 csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis cp932 932 windows-932 cswindows31j cseucpkdfmtjapanese x-euc-jp ujis cp51932 csiso2022jp jis cp50220 cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 cp949 949 ms949 uhc cp51949 cskoi8r koi koi8 koi8_r cp20866 koi8-ru cp21866 cp1250 x-cp1250 win1250 cp1251 x-cp1251 win1251 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252 cp28591 win1252 cp1253 x-cp1253 win1253 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 x-cp1254 win1254 cp1255 x-cp1255 win1255 cp1256 x-cp1256 win1256 cp1257 x-cp1257 win1257 cp1258 x-cp1258 win1258 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 cp874 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 cp28592 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3 cp28593 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4 cp28594 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988 cp28595 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 cp28596 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek cp28597 csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i logical csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6 iso8859-13 iso885913 latin7 iso8859-14 iso885914 latin8 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9 latin9 cp28605 latin10 866 cp866 csibm866 dos-866 csmacintosh mac x-mac-roman macroman mac-roman cp10000 x-mac-ukrainian mac-cyrillic cp10007"
    end
end

# The built-in scripts where files are meant first.
function __tcpx_own_builtins
    if string match -q -- '@*' (commandline -ct)
        string split ' ' -- $__tcpx_builtins
    end
end

# The hosts that ssh knows by name.
function __tcpx_hosts
    for file in ~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts
        test -r $file; or continue
        while read -l line
            set -l fields (string split -n ' ' -- $line)
            string match -q -- '@*' "$fields[1]"; and set -e fields[1]
            string match -q -r -- '^([#|]|$)' "$fields[1]"; and continue
            string split , -- $fields[1] | string replace -r '^\[' '' | string replace -r '\].*' '' | string match -r '^[A-Za-z0-9._:-]+$'
        end <$file
    end
end

function __tcpx_ports
    set -l typed (commandline -ct)
    test -n "$typed"; and test -r /etc/services; and string match -r '^[a-z][^\s#]*' </etc/services
end

complete -c tcpx -f
complete -c tcpx -n "__tcpx_at ''" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at ''" -s V -l version -d 'Print version'
complete -c tcpx -n "__tcpx_at '' 1" -f -a 'connect listen run report test scan wait nc ncat script encodings completions man config help'
complete -c tcpx -n "__tcpx_at 'connect'" -s E -l encoding -d 'Encoding of the connection, in both directions; stdin and stdout are UTF-8' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'connect'" -l recv-encoding -d 'Encoding of what is received, if it differs' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'connect'" -l send-encoding -d 'Encoding of what is sent, if it differs' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'connect'" -l malformed -d 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114' -r -f -a 'replace fail'
complete -c tcpx -n "__tcpx_at 'connect'" -l unencodable -d 'A character the encoding cannot hold: end with 114 (the default), or send ?' -r -f -a 'fail replace'
complete -c tcpx -n "__tcpx_at 'connect'" -s C -l crlf -d 'Send every lone LF as CR LF'
complete -c tcpx -n "__tcpx_at 'connect'" -l send -d 'Send this text first, before stdin; knows \\r \\n \\t \\0 \\xHH \\u{...}' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l send-hex -d 'Send these bytes first, as in "0d0a" or "0d 0a"' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l send-file -d 'Send this file first' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -s s -l script -d 'Let the handlers of this Rhai script decide; @NAME is a built-in one' -r -F -a "$__tcpx_builtins"
complete -c tcpx -n "__tcpx_at 'connect'" -l on-data -d 'Body of on_data(conn, data), as in \'conn.send(data)\'' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l on-line -d 'Body of on_line(conn, line), as in \'conn.send_line(line)\'' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l session -d 'Body of session(conn), as in \'for l in conn.lines() { conn.send_line(l) }\'' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l watch -d 'Load the script again when it changes, keeping every connection'
complete -c tcpx -n "__tcpx_at 'connect'" -l script-errors -d 'After an error in a handler: close its connection (the default), end the run, or go on' -r -f -a 'close fatal ignore'
complete -c tcpx -n "__tcpx_at 'connect'" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'connect'" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'connect'" -l exec -d 'Let this program talk to the peer: PROG and its arguments, without a shell' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l sh -d 'The same for a command of the shell, as in \'sort | uniq -c\'' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l pty -d 'Give the program a terminal of its own, as for a shell or an editor'
complete -c tcpx -n "__tcpx_at 'connect'" -l exec-status -d 'End with the exit status of the program; 128+n if signal n has ended it'
complete -c tcpx -n "__tcpx_at 'connect'" -s z -d 'Leave as soon as the connection stands: 0 if it does, 7 or 28 if not'
complete -c tcpx -n "__tcpx_at 'connect'" -l expect -d 'End with 0 once what is received matches, with 1 if it never does' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l fail-on -d 'End with 1 once what is received matches' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l until -d 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l half-open -d 'Go on after the peer\'s end, until stdin ends too'
complete -c tcpx -n "__tcpx_at 'connect'" -l no-shutdown -d 'Do not tell the peer when stdin ends (no FIN)'
complete -c tcpx -n "__tcpx_at 'connect'" -l eof-wait -d 'After stdin has ended, wait at most this long for the peer' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l send-only -d 'Discard what is received; end after stdin, when the peer does'
complete -c tcpx -n "__tcpx_at 'connect'" -l recv-only -d 'Never read stdin'
complete -c tcpx -n "__tcpx_at 'connect'" -l no-stdin -d 'Never read stdin, under its other name'
complete -c tcpx -n "__tcpx_at 'connect'" -s w -l connect-timeout -d 'Give up when there is no connection after this time' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l retry -d 'Try this many times more when there is no connection (7), or not in time (28)' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l retry-delay -d 'Time between two tries [default: 1s; with --reconnect 100ms, twice as long each time, up to 30s]' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l reconnect -d 'Connect again after any end, until a signal or exit() of a script'
complete -c tcpx -n "__tcpx_at 'connect'" -s i -l idle-timeout -d 'End when nothing moved in either direction for this time; counts for each connection' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l timeout -d 'End after this time, whatever happens' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l line-delay -d 'Pause this long after each line that is sent' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -s v -d 'Say more on stderr; repeat for still more'
complete -c tcpx -n "__tcpx_at 'connect'" -s q -l quiet -d 'Say nothing on stderr but errors and what scripts log'
complete -c tcpx -n "__tcpx_at 'connect'" -s x -l hex -d 'Show both directions as a hex dump on stderr'
complete -c tcpx -n "__tcpx_at 'connect'" -s o -l output -d 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l events -d 'Write what happens to this file as JSON, one object a line; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l raw-terminal -d 'Let the peer\'s control characters reach the terminal'
complete -c tcpx -n "__tcpx_at 'connect'" -l progress -d 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always'
complete -c tcpx -n "__tcpx_at 'connect'" -l no-history -d 'Do not keep the lines that are typed on a terminal for later runs'
complete -c tcpx -n "__tcpx_at 'connect'" -l raw -d 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
complete -c tcpx -n "__tcpx_at 'connect'" -l timestamps -d 'Begin each line of output with the time of day'
complete -c tcpx -n "__tcpx_at 'connect'" -l echo -d 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not' -r -f -a 'on off'
complete -c tcpx -n "__tcpx_at 'connect'" -l output-dir -d 'Write what each connection receives to a file of its own in this directory' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'connect'" -l label -d 'Begin each line of output with the connection it comes from'
complete -c tcpx -n "__tcpx_at 'connect'" -l source -d 'Connect from this local address: ADDR, ADDR:PORT, [ADDR]:PORT, :PORT; with -u unix:PATH' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l run -d 'Start this command of the shell once there is a connection, and end with its status when it ends' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l proxy-protocol -d 'Tell the server our address first, in a header of the PROXY protocol' -r -f -a 'v1 v2'
complete -c tcpx -n "__tcpx_at 'connect'" -s u -l udp -d 'Use UDP; with unix:PATH, a Unix datagram socket'
complete -c tcpx -n "__tcpx_at 'connect'" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__tcpx_at 'connect'" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__tcpx_at 'connect'" -l nodelay -d 'Send small pieces at once (TCP_NODELAY); this is the default'
complete -c tcpx -n "__tcpx_at 'connect'" -l keepalive -d 'Ask a silent peer whether it is there after this time [default: the system\'s]; 0: never' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l no-nodelay -d 'Let the system gather small pieces'
complete -c tcpx -n "__tcpx_at 'connect'" -l memory -d 'Bytes that all connections together may hold [default: a quarter of the memory]' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__tcpx_at 'connect'" -l recv-buffer -d 'Size of the receive buffer of each socket (SO_RCVBUF)' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l send-buffer -d 'Size of the send buffer of each socket (SO_SNDBUF), likewise' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l tos -d 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l ttl -d 'Hop limit of what is sent (IP_TTL), from 1 to 255' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l user-timeout -d 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l bind-device -d 'Use this network interface only (SO_BINDTODEVICE)' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l broadcast -d 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255'
complete -c tcpx -n "__tcpx_at 'connect'" -l join -d 'With -u: receive what is sent to this multicast group' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l multicast-ttl -d 'With -u: how many networks a datagram to a group crosses, from 0 to 255' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l tls -d 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-ca -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-insecure -d 'Trust everybody: what is sent may be read and changed on its way'
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-pin -d 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-name -d 'The name to ask for (SNI) and to verify, in place of the host\'s' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-alpn -d 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-cert -d 'Our certificate (PEM), and those that lead from it to its root' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l tls-client-ca -d 'As server: require a certificate that one of these (PEM) has signed' -r -F
complete -c tcpx -n "__tcpx_at 'connect'" -l handshake-timeout -d 'Give up a TLS handshake that is not done after this time [default: 10s]' -r -f
complete -c tcpx -n "__tcpx_at 'connect'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'connect'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'connect' 1" -f -a "(__tcpx_hosts)"
complete -c tcpx -n "__tcpx_at 'connect' 2" -f -a "(__tcpx_ports)"
complete -c tcpx -n "__tcpx_at 'listen'" -s k -l keep-open -d 'Serve many clients at the same time; stdin goes to all of them'
complete -c tcpx -n "__tcpx_at 'listen'" -l once -d 'Accept one connection and end when it has closed; the same as --accept 1'
complete -c tcpx -n "__tcpx_at 'listen'" -l accept -d 'Accept this many connections and end when the last has closed' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -s m -l max-conns -d 'Have at most this many open at once; further clients wait their turn' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l backlog -d 'Length of the system\'s queue of clients that are not accepted yet' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l reuse-port -d 'Let other processes of this user listen at the same port, too (SO_REUSEPORT)'
complete -c tcpx -n "__tcpx_at 'listen'" -l allow -d 'Take only clients from this address, network or host; @FILE is a list of them' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l deny -d 'Take no clients from this address, network or host, even if they are allowed; @FILE is a list' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l workers -d 'Run the script in this many threads, each with an app of its own' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l ready-file -d 'Write HOST:PORT (or unix:PATH) to this file when clients can connect' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l ready-fd -d 'Write HOST:PORT (or unix:PATH) to this open descriptor when clients can connect' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l run -d 'Start this command of the shell when clients can connect, and end with its status when it ends' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l accept-timeout -d 'Give up when no client has come after this time' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l accept-proxy -d 'Take each client\'s address from the header of the PROXY protocol that comes first'
complete -c tcpx -n "__tcpx_at 'listen'" -s E -l encoding -d 'Encoding of the connection, in both directions; stdin and stdout are UTF-8' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'listen'" -l recv-encoding -d 'Encoding of what is received, if it differs' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'listen'" -l send-encoding -d 'Encoding of what is sent, if it differs' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'listen'" -l malformed -d 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114' -r -f -a 'replace fail'
complete -c tcpx -n "__tcpx_at 'listen'" -l unencodable -d 'A character the encoding cannot hold: end with 114 (the default), or send ?' -r -f -a 'fail replace'
complete -c tcpx -n "__tcpx_at 'listen'" -s C -l crlf -d 'Send every lone LF as CR LF'
complete -c tcpx -n "__tcpx_at 'listen'" -l send -d 'Send this text first, before stdin; knows \\r \\n \\t \\0 \\xHH \\u{...}' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l send-hex -d 'Send these bytes first, as in "0d0a" or "0d 0a"' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l send-file -d 'Send this file first' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -s s -l script -d 'Let the handlers of this Rhai script decide; @NAME is a built-in one' -r -F -a "$__tcpx_builtins"
complete -c tcpx -n "__tcpx_at 'listen'" -l on-data -d 'Body of on_data(conn, data), as in \'conn.send(data)\'' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l on-line -d 'Body of on_line(conn, line), as in \'conn.send_line(line)\'' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l session -d 'Body of session(conn), as in \'for l in conn.lines() { conn.send_line(l) }\'' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l watch -d 'Load the script again when it changes, keeping every connection'
complete -c tcpx -n "__tcpx_at 'listen'" -l script-errors -d 'After an error in a handler: close its connection (the default), end the run, or go on' -r -f -a 'close fatal ignore'
complete -c tcpx -n "__tcpx_at 'listen'" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'listen'" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'listen'" -l exec -d 'Let this program talk to the peer: PROG and its arguments, without a shell' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l sh -d 'The same for a command of the shell, as in \'sort | uniq -c\'' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l pty -d 'Give the program a terminal of its own, as for a shell or an editor'
complete -c tcpx -n "__tcpx_at 'listen'" -l exec-status -d 'End with the exit status of the program; 128+n if signal n has ended it'
complete -c tcpx -n "__tcpx_at 'listen'" -l expect -d 'End with 0 once what is received matches, with 1 if it never does' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l fail-on -d 'End with 1 once what is received matches' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l until -d 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l half-open -d 'Go on after the peer\'s end, until stdin ends too'
complete -c tcpx -n "__tcpx_at 'listen'" -l no-shutdown -d 'Do not tell the peer when stdin ends (no FIN)'
complete -c tcpx -n "__tcpx_at 'listen'" -l eof-wait -d 'After stdin has ended, wait at most this long for the peer' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l send-only -d 'Discard what is received; end after stdin, when the peer does'
complete -c tcpx -n "__tcpx_at 'listen'" -l recv-only -d 'Never read stdin'
complete -c tcpx -n "__tcpx_at 'listen'" -l no-stdin -d 'Never read stdin, under its other name'
complete -c tcpx -n "__tcpx_at 'listen'" -s i -l idle-timeout -d 'End when nothing moved in either direction for this time; counts for each connection' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l timeout -d 'End after this time, whatever happens' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l line-delay -d 'Pause this long after each line that is sent' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -s v -d 'Say more on stderr; repeat for still more'
complete -c tcpx -n "__tcpx_at 'listen'" -s q -l quiet -d 'Say nothing on stderr but errors and what scripts log'
complete -c tcpx -n "__tcpx_at 'listen'" -s x -l hex -d 'Show both directions as a hex dump on stderr'
complete -c tcpx -n "__tcpx_at 'listen'" -s o -l output -d 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l events -d 'Write what happens to this file as JSON, one object a line; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l raw-terminal -d 'Let the peer\'s control characters reach the terminal'
complete -c tcpx -n "__tcpx_at 'listen'" -l progress -d 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always'
complete -c tcpx -n "__tcpx_at 'listen'" -l no-history -d 'Do not keep the lines that are typed on a terminal for later runs'
complete -c tcpx -n "__tcpx_at 'listen'" -l raw -d 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
complete -c tcpx -n "__tcpx_at 'listen'" -l timestamps -d 'Begin each line of output with the time of day'
complete -c tcpx -n "__tcpx_at 'listen'" -l echo -d 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not' -r -f -a 'on off'
complete -c tcpx -n "__tcpx_at 'listen'" -l output-dir -d 'Write what each connection receives to a file of its own in this directory' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'listen'" -l label -d 'Begin each line of output with the connection it comes from'
complete -c tcpx -n "__tcpx_at 'listen'" -s u -l udp -d 'Use UDP; with unix:PATH, a Unix datagram socket'
complete -c tcpx -n "__tcpx_at 'listen'" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__tcpx_at 'listen'" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__tcpx_at 'listen'" -l nodelay -d 'Send small pieces at once (TCP_NODELAY); this is the default'
complete -c tcpx -n "__tcpx_at 'listen'" -l keepalive -d 'Ask a silent peer whether it is there after this time [default: the system\'s]; 0: never' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l no-nodelay -d 'Let the system gather small pieces'
complete -c tcpx -n "__tcpx_at 'listen'" -l memory -d 'Bytes that all connections together may hold [default: a quarter of the memory]' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__tcpx_at 'listen'" -l recv-buffer -d 'Size of the receive buffer of each socket (SO_RCVBUF)' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l send-buffer -d 'Size of the send buffer of each socket (SO_SNDBUF), likewise' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l tos -d 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l ttl -d 'Hop limit of what is sent (IP_TTL), from 1 to 255' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l user-timeout -d 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l bind-device -d 'Use this network interface only (SO_BINDTODEVICE)' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l broadcast -d 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255'
complete -c tcpx -n "__tcpx_at 'listen'" -l join -d 'With -u: receive what is sent to this multicast group' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l multicast-ttl -d 'With -u: how many networks a datagram to a group crosses, from 0 to 255' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l tls -d 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-ca -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-insecure -d 'Trust everybody: what is sent may be read and changed on its way'
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-pin -d 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-name -d 'The name to ask for (SNI) and to verify, in place of the host\'s' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-alpn -d 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-cert -d 'Our certificate (PEM), and those that lead from it to its root' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l tls-client-ca -d 'As server: require a certificate that one of these (PEM) has signed' -r -F
complete -c tcpx -n "__tcpx_at 'listen'" -l handshake-timeout -d 'Give up a TLS handshake that is not done after this time [default: 10s]' -r -f
complete -c tcpx -n "__tcpx_at 'listen'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'listen'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'listen' 1" -f -a 'localhost 127.0.0.1 0.0.0.0 ::1 ::'
complete -c tcpx -n "__tcpx_at 'listen' 2" -f -a "(__tcpx_ports)"
complete -c tcpx -n "__tcpx_at 'run'" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'run'" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'run'" -l clients -d 'Run main in this many tasks, and say how long the runs took' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l workers -d 'Share the clients among this many threads, each with an app of its own' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l duration -d 'Begin runs for this time; those that run then have one second more' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l rate -d 'Begin so many runs in a second, or N/m, N/h, of all clients together' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l ramp -d 'Reach the rate, or the number of clients, evenly within this time' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l fail-if -d 'End with 1 if this holds, as in \'p99 > 50ms\', \'login.p95 > 1s\', \'failures > 1%\'' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l json -d 'Write the result to this file, for tcpx report; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'run'" -l shard -d 'Be shard I of N: a share of the clients and of the rate [default: TCPX_SHARD]' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l start-at -d 'Begin at this time (2026-11-26T15:00:00Z), or after this (+10s)' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l timeout -d 'End after this time, whatever happens' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -s v -d 'Say more on stderr; repeat for still more'
complete -c tcpx -n "__tcpx_at 'run'" -s q -l quiet -d 'Say nothing on stderr but errors and what scripts log'
complete -c tcpx -n "__tcpx_at 'run'" -s x -l hex -d 'Show both directions as a hex dump on stderr'
complete -c tcpx -n "__tcpx_at 'run'" -s o -l output -d 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection' -r -F
complete -c tcpx -n "__tcpx_at 'run'" -l events -d 'Write what happens to this file as JSON, one object a line; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'run'" -l raw-terminal -d 'Let the peer\'s control characters reach the terminal'
complete -c tcpx -n "__tcpx_at 'run'" -l progress -d 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always'
complete -c tcpx -n "__tcpx_at 'run'" -l no-history -d 'Do not keep the lines that are typed on a terminal for later runs'
complete -c tcpx -n "__tcpx_at 'run'" -l raw -d 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
complete -c tcpx -n "__tcpx_at 'run'" -l timestamps -d 'Begin each line of output with the time of day'
complete -c tcpx -n "__tcpx_at 'run'" -l echo -d 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not' -r -f -a 'on off'
complete -c tcpx -n "__tcpx_at 'run'" -s E -l encoding -d 'Encoding of the connections, until they choose another' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'run'" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__tcpx_at 'run'" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__tcpx_at 'run'" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__tcpx_at 'run'" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r -f
complete -c tcpx -n "__tcpx_at 'run'" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__tcpx_at 'run'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'run'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'run' 1" -F -a "(__tcpx_own_builtins)"
complete -c tcpx -n "__tcpx_at 'report'" -l json -d 'Write the merged result to this file as JSON; - is stdout, without the text' -r -F
complete -c tcpx -n "__tcpx_at 'report'" -l html -d 'Write one HTML page with the latencies and the rate over time to this file; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'report'" -l fail-if -d 'End with 1 if this holds for the merged result, as in \'p99 > 50ms\'; repeat for more' -r -f
complete -c tcpx -n "__tcpx_at 'report'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'report' 1+" -F
complete -c tcpx -n "__tcpx_at 'test'" -l filter -d 'Run only tests whose name matches this regular expression' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -s j -l jobs -d 'Run so many tests at the same time [default: 8]' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l repeat -d 'Run each test so many times' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l fail-fast -d 'Begin no test any more after the first failure'
complete -c tcpx -n "__tcpx_at 'test'" -l list -d 'Only say which tests there are'
complete -c tcpx -n "__tcpx_at 'test'" -l tap -d 'Report in TAP on stdout'
complete -c tcpx -n "__tcpx_at 'test'" -l junit -d 'Write a report in JUnit\'s XML to this file too; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'test'" -l json -d 'Write a report in JSON to this file too; - is stdout' -r -F
complete -c tcpx -n "__tcpx_at 'test'" -s v -l verbose -d 'Say on stderr what the connections do; repeat for more'
complete -c tcpx -n "__tcpx_at 'test'" -l test-timeout -d 'Stop a test after this time [default: 30s]' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l timeout -d 'End after this time, whatever happens' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'test'" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__tcpx_at 'test'" -s E -l encoding -d 'Encoding of the connections, until they choose another' -r -f -a "(__tcpx_encodings)"
complete -c tcpx -n "__tcpx_at 'test'" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__tcpx_at 'test'" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__tcpx_at 'test'" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__tcpx_at 'test'" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r -f
complete -c tcpx -n "__tcpx_at 'test'" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__tcpx_at 'test'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'test'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'test' 1+" -F -a "(__tcpx_own_builtins)"
complete -c tcpx -n "__tcpx_at 'scan'" -s p -l ports -d 'The ports: numbers, service names and ranges, as in 22,http,8000-8100' -r -f
complete -c tcpx -n "__tcpx_at 'scan'" -l json -d 'Write one array of JSON: [{"port":22,"state":"open"}]'
complete -c tcpx -n "__tcpx_at 'scan'" -s v -d 'Write closed and filtered ports, too'
complete -c tcpx -n "__tcpx_at 'scan'" -s w -l connect-timeout -d 'How long one port may take without an answer [default: 2s]' -r -f
complete -c tcpx -n "__tcpx_at 'scan'" -l timeout -d 'End after this time, whatever is not known yet (exit 28)' -r -f
complete -c tcpx -n "__tcpx_at 'scan'" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__tcpx_at 'scan'" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__tcpx_at 'scan'" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__tcpx_at 'scan'" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r -f
complete -c tcpx -n "__tcpx_at 'scan'" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__tcpx_at 'scan'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'scan'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'scan' 1+" -f -a "(__tcpx_hosts)"
complete -c tcpx -n "__tcpx_at 'wait'" -l expect -d 'Wait until what a new connection receives matches' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l send -d 'Send this text on each connection before the answer is awaited; knows \\r \\n \\t \\0 \\xHH \\u{...}' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -s w -l connect-timeout -d 'Give up a try after this time without a connection, or without an answer [default: 5s]' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l timeout -d 'Give up after this time (exit 28) [default: never]' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -s v -d 'Say each try on stderr'
complete -c tcpx -n "__tcpx_at 'wait'" -s q -l quiet -d 'Say nothing on stderr but the error that ends it'
complete -c tcpx -n "__tcpx_at 'wait'" -s u -l udp -d 'Use UDP; only an answer that --expect waits for proves that somebody is there'
complete -c tcpx -n "__tcpx_at 'wait'" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__tcpx_at 'wait'" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__tcpx_at 'wait'" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__tcpx_at 'wait'" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__tcpx_at 'wait'" -l tls -d 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-ca -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-insecure -d 'Trust everybody: what is sent may be read and changed on its way'
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-pin -d 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-name -d 'The name to ask for (SNI) and to verify, in place of the host\'s' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-alpn -d 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-cert -d 'Our certificate (PEM), and those that lead from it to its root' -r -F
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c tcpx -n "__tcpx_at 'wait'" -l tls-client-ca -d 'As server: require a certificate that one of these (PEM) has signed' -r -F
complete -c tcpx -n "__tcpx_at 'wait'" -l handshake-timeout -d 'Give up a TLS handshake that is not done after this time [default: 10s]' -r -f
complete -c tcpx -n "__tcpx_at 'wait'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'wait'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'wait' 1+" -f -a "(__tcpx_hosts)"
complete -c tcpx -n "__tcpx_at 'script'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'script' 1" -f -a 'list show check new'
complete -c tcpx -n "__tcpx_at 'script list'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'script show'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'script show' 1" -f -a "$__tcpx_builtins"
complete -c tcpx -n "__tcpx_at 'script check'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'script check' 1+" -F -a "(__tcpx_own_builtins)"
complete -c tcpx -n "__tcpx_at 'script new'" -l session -d 'A script that reads from top to bottom, with fn session(conn), instead'
complete -c tcpx -n "__tcpx_at 'script new'" -l test -d 'A script of tests for tcpx test instead'
complete -c tcpx -n "__tcpx_at 'script new'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'encodings'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'completions'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'completions' 1" -f -a 'bash elvish fish powershell zsh'
complete -c tcpx -n "__tcpx_at 'man'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'man' 1" -f -a 'tcpx tcpx-script'
complete -c tcpx -n "__tcpx_at 'config'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'config' 1" -f -a 'show'
complete -c tcpx -n "__tcpx_at 'config show'" -l no-config -d 'Read neither config.toml nor TCPX_OPTIONS'
complete -c tcpx -n "__tcpx_at 'config show'" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__tcpx_at 'help'" -s h -l help -d 'Print help'
complete -c tcpx -n "__tcpx_at 'help' 1+" -f -a 'connect listen run report test scan wait nc ncat script encodings completions man config help endings encodings scripts exit-codes recipes'
