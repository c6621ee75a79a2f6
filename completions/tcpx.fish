# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tcpx_global_optspecs
    string join \n h/help V/version
end

function __fish_tcpx_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tcpx_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tcpx_using_subcommand
    set -l cmd (__fish_tcpx_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tcpx -n "__fish_tcpx_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_needs_command" -s V -l version -d 'Print version'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "connect" -d 'Connect to a peer: stdin goes to it, what it sends goes to stdout'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "listen" -d 'Listen for one peer; for many with -k, for a scripted server with --script'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "run" -d 'Run a script from top to bottom: its fn main()'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "report" -d 'Merge results of load runs: text, JSON, one HTML page, thresholds'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "test" -d 'Run the tests in scripts: every fn test_*()'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "scan" -d 'Find the ports of a host that accept'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "wait" -d 'Wait until servers accept, or answer: for scripts and CI'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "nc" -d 'Take the options of OpenBSD\'s nc, with its words and exit codes'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "ncat" -d 'Take the options of Ncat, with its words and exit codes'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "script" -d 'List and show the built-in scripts, begin and check your own'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "encodings" -d 'List every encoding with its aliases'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "completions" -d 'Write completions for a shell to stdout'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "man" -d 'Write a manual page to stdout'
complete -c tcpx -n "__fish_tcpx_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s E -l encoding -d 'Encoding of the connection, in both directions; stdin and stdout are UTF-8' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l recv-encoding -d 'Encoding of what is received, if it differs' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l send-encoding -d 'Encoding of what is sent, if it differs' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l malformed -d 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114' -r -f -a "replace\t''
fail\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l unencodable -d 'A character the encoding cannot hold: end with 114 (the default), or send ?' -r -f -a "fail\t''
replace\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l send -d 'Send this text first, before stdin; knows \\r \\n \\t \\0 \\xHH \\u{...}' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l send-hex -d 'Send these bytes first, as in "0d0a" or "0d 0a"' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l send-file -d 'Send this file first' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s s -l script -d 'Let the handlers of this Rhai script decide; @NAME is a built-in one' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l on-data -d 'Body of on_data(conn, data), as in \'conn.send(data)\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l on-line -d 'Body of on_line(conn, line), as in \'conn.send_line(line)\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l session -d 'Body of session(conn), as in \'for l in conn.lines() { conn.send_line(l) }\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l script-errors -d 'After an error in a handler: close its connection (the default), end the run, or go on' -r -f -a "close\t''
fatal\t''
ignore\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l exec -d 'Let this program talk to the peer: PROG and its arguments, without a shell' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l sh -d 'The same for a command of the shell, as in \'sort | uniq -c\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l expect -d 'End with 0 once what is received matches, with 1 if it never does' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l fail-on -d 'End with 1 once what is received matches' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l until -d 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l eof-wait -d 'After stdin has ended, wait at most this long for the peer' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s w -l connect-timeout -d 'Give up when there is no connection after this time' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l retry -d 'Try this many times more when there is no connection (7), or not in time (28)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l retry-delay -d 'Time between two tries [default: 1s; with --reconnect 100ms, twice as long each time, up to 30s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s i -l idle-timeout -d 'End when nothing moved in either direction for this time; counts for each connection' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l timeout -d 'End after this time, whatever happens' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l line-delay -d 'Pause this long after each line that is sent' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s o -l output -d 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l events -d 'Write what happens to this file as JSON, one object a line; - is stdout' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l progress -d 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always' -r -f -a "auto\t'If stderr is a terminal'
always\t'Elsewhere, too: a line each second'
never\t'Not at all'"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l echo -d 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not' -r -f -a "on\t'Show it'
off\t'Do not show it, nor keep it for later runs'"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l output-dir -d 'Write what each connection receives to a file of its own in this directory' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l source -d 'Connect from this local address: ADDR, ADDR:PORT, [ADDR]:PORT or :PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l run -d 'Start this command of the shell once there is a connection, and end with its status when it ends' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l proxy-protocol -d 'Tell the server our address first, in a header of the PROXY protocol' -r -f -a "v1\t''
v2\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l keepalive -d 'Ask a silent peer whether it is there after this time [default: the system\'s]; 0: never' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l memory -d 'Bytes that all connections together may hold [default: a quarter of the memory]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l recv-buffer -d 'Size of the receive buffer of each socket (SO_RCVBUF)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l send-buffer -d 'Size of the send buffer of each socket (SO_SNDBUF), likewise' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tos -d 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l ttl -d 'Hop limit of what is sent (IP_TTL), from 1 to 255' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l user-timeout -d 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l bind-device -d 'Use this network interface only (SO_BINDTODEVICE)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l join -d 'With -u: receive what is sent to this multicast group' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l multicast-ttl -d 'With -u: how many networks a datagram to a group crosses, from 0 to 255' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-ca -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-pin -d 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-name -d 'The name to ask for (SNI) and to verify, in place of the host\'s' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-alpn -d 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-cert -d 'Our certificate (PEM), and those that lead from it to its root' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-client-ca -d 'As server: require a certificate that one of these (PEM) has signed' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l handshake-timeout -d 'Give up a TLS handshake that is not done after this time [default: 10s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s C -l crlf -d 'Send every lone LF as CR LF'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l watch -d 'Load the script again when it changes, keeping every connection'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l pty -d 'Give the program a terminal of its own, as for a shell or an editor'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l exec-status -d 'End with the exit status of the program; 128+n if signal n has ended it'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s z -d 'Leave as soon as the connection stands: 0 if it does, 7 or 28 if not'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l half-open -d 'Go on after the peer\'s end, until stdin ends too'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l no-shutdown -d 'Do not tell the peer when stdin ends (no FIN)'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l send-only -d 'Discard what is received; end after stdin, when the peer does'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l recv-only -d 'Never read stdin'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l no-stdin -d 'Never read stdin, under its other name'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l reconnect -d 'Connect again after any end, until a signal or exit() of a script'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s v -d 'Say more on stderr; repeat for still more'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s q -l quiet -d 'Say nothing on stderr but errors'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s x -l hex -d 'Show both directions as a hex dump on stderr'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l raw-terminal -d 'Let the peer\'s control characters reach the terminal'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l no-history -d 'Do not keep the lines that are typed on a terminal for later runs'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l raw -d 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l timestamps -d 'Begin each line of output with the time of day'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l label -d 'Begin each line of output with the connection it comes from'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s u -l udp -d 'Use UDP; with unix:PATH, a Unix datagram socket'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l nodelay -d 'Send small pieces at once (TCP_NODELAY); this is the default'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l no-nodelay -d 'Let the system gather small pieces'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l broadcast -d 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls -d 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -l tls-insecure -d 'Trust everybody: what is sent may be read and changed on its way'
complete -c tcpx -n "__fish_tcpx_using_subcommand connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l accept -d 'Accept this many connections and end when the last has closed' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s m -l max-conns -d 'Have at most this many open at once; further clients wait their turn' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l backlog -d 'Length of the system\'s queue of clients that are not accepted yet' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l allow -d 'Take only clients from this address or network; @FILE is a list of them' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l deny -d 'Take no clients from this address or network, even if they are allowed; @FILE is a list' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l workers -d 'Run the script in this many threads, each with an app of its own' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l ready-file -d 'Write HOST:PORT (or unix:PATH) to this file when clients can connect' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l ready-fd -d 'Write HOST:PORT (or unix:PATH) to this open descriptor when clients can connect' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l run -d 'Start this command of the shell when clients can connect, and end with its status when it ends' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l accept-timeout -d 'Give up when no client has come after this time' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s E -l encoding -d 'Encoding of the connection, in both directions; stdin and stdout are UTF-8' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l recv-encoding -d 'Encoding of what is received, if it differs' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l send-encoding -d 'Encoding of what is sent, if it differs' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l malformed -d 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114' -r -f -a "replace\t''
fail\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l unencodable -d 'A character the encoding cannot hold: end with 114 (the default), or send ?' -r -f -a "fail\t''
replace\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l send -d 'Send this text first, before stdin; knows \\r \\n \\t \\0 \\xHH \\u{...}' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l send-hex -d 'Send these bytes first, as in "0d0a" or "0d 0a"' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l send-file -d 'Send this file first' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s s -l script -d 'Let the handlers of this Rhai script decide; @NAME is a built-in one' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l on-data -d 'Body of on_data(conn, data), as in \'conn.send(data)\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l on-line -d 'Body of on_line(conn, line), as in \'conn.send_line(line)\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l session -d 'Body of session(conn), as in \'for l in conn.lines() { conn.send_line(l) }\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l script-errors -d 'After an error in a handler: close its connection (the default), end the run, or go on' -r -f -a "close\t''
fatal\t''
ignore\t''"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l exec -d 'Let this program talk to the peer: PROG and its arguments, without a shell' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l sh -d 'The same for a command of the shell, as in \'sort | uniq -c\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l expect -d 'End with 0 once what is received matches, with 1 if it never does' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l fail-on -d 'End with 1 once what is received matches' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l until -d 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l eof-wait -d 'After stdin has ended, wait at most this long for the peer' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s i -l idle-timeout -d 'End when nothing moved in either direction for this time; counts for each connection' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l timeout -d 'End after this time, whatever happens' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l line-delay -d 'Pause this long after each line that is sent' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s o -l output -d 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l events -d 'Write what happens to this file as JSON, one object a line; - is stdout' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l progress -d 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always' -r -f -a "auto\t'If stderr is a terminal'
always\t'Elsewhere, too: a line each second'
never\t'Not at all'"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l echo -d 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not' -r -f -a "on\t'Show it'
off\t'Do not show it, nor keep it for later runs'"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l output-dir -d 'Write what each connection receives to a file of its own in this directory' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l keepalive -d 'Ask a silent peer whether it is there after this time [default: the system\'s]; 0: never' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l memory -d 'Bytes that all connections together may hold [default: a quarter of the memory]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l recv-buffer -d 'Size of the receive buffer of each socket (SO_RCVBUF)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l send-buffer -d 'Size of the send buffer of each socket (SO_SNDBUF), likewise' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tos -d 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l ttl -d 'Hop limit of what is sent (IP_TTL), from 1 to 255' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l user-timeout -d 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l bind-device -d 'Use this network interface only (SO_BINDTODEVICE)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l join -d 'With -u: receive what is sent to this multicast group' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l multicast-ttl -d 'With -u: how many networks a datagram to a group crosses, from 0 to 255' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-ca -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-pin -d 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-name -d 'The name to ask for (SNI) and to verify, in place of the host\'s' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-alpn -d 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-cert -d 'Our certificate (PEM), and those that lead from it to its root' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-client-ca -d 'As server: require a certificate that one of these (PEM) has signed' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l handshake-timeout -d 'Give up a TLS handshake that is not done after this time [default: 10s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s k -l keep-open -d 'Serve many clients at the same time; stdin goes to all of them'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l once -d 'Accept one connection and end when it has closed; the same as --accept 1'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l reuse-port -d 'Let other processes of this user listen at the same port, too (SO_REUSEPORT)'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l accept-proxy -d 'Take each client\'s address from the header of the PROXY protocol that comes first'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s C -l crlf -d 'Send every lone LF as CR LF'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l watch -d 'Load the script again when it changes, keeping every connection'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l pty -d 'Give the program a terminal of its own, as for a shell or an editor'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l exec-status -d 'End with the exit status of the program; 128+n if signal n has ended it'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l half-open -d 'Go on after the peer\'s end, until stdin ends too'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l no-shutdown -d 'Do not tell the peer when stdin ends (no FIN)'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l send-only -d 'Discard what is received; end after stdin, when the peer does'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l recv-only -d 'Never read stdin'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l no-stdin -d 'Never read stdin, under its other name'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s v -d 'Say more on stderr; repeat for still more'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s q -l quiet -d 'Say nothing on stderr but errors'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s x -l hex -d 'Show both directions as a hex dump on stderr'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l raw-terminal -d 'Let the peer\'s control characters reach the terminal'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l no-history -d 'Do not keep the lines that are typed on a terminal for later runs'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l raw -d 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l timestamps -d 'Begin each line of output with the time of day'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l label -d 'Begin each line of output with the connection it comes from'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s u -l udp -d 'Use UDP; with unix:PATH, a Unix datagram socket'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l nodelay -d 'Send small pieces at once (TCP_NODELAY); this is the default'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l no-nodelay -d 'Let the system gather small pieces'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l broadcast -d 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls -d 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -l tls-insecure -d 'Trust everybody: what is sent may be read and changed on its way'
complete -c tcpx -n "__fish_tcpx_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l clients -d 'Run main in this many tasks, and say how long the runs took' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l workers -d 'Share the clients among this many threads, each with an app of its own' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l duration -d 'Begin runs for this time; those that run then have one second more' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l rate -d 'Begin so many runs in a second, or N/m, N/h, of all clients together' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l ramp -d 'Reach the rate, or the number of clients, evenly within this time' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l fail-if -d 'End with 1 if this holds, as in \'p99 > 50ms\', \'login.p95 > 1s\', \'failures > 1%\'' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l json -d 'Write the result to this file, for tcpx report; - is stdout' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l shard -d 'Be shard I of N: a share of the clients and of the rate [default: TCPX_SHARD]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l start-at -d 'Begin at this time (2026-11-26T15:00:00Z), or after this (+10s)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l timeout -d 'End after this time, whatever happens' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s o -l output -d 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l events -d 'Write what happens to this file as JSON, one object a line; - is stdout' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l progress -d 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always' -r -f -a "auto\t'If stderr is a terminal'
always\t'Elsewhere, too: a line each second'
never\t'Not at all'"
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l echo -d 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not' -r -f -a "on\t'Show it'
off\t'Do not show it, nor keep it for later runs'"
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s E -l encoding -d 'Encoding of the connections, until they choose another' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s v -d 'Say more on stderr; repeat for still more'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s q -l quiet -d 'Say nothing on stderr but errors'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s x -l hex -d 'Show both directions as a hex dump on stderr'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l raw-terminal -d 'Let the peer\'s control characters reach the terminal'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l no-history -d 'Do not keep the lines that are typed on a terminal for later runs'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l raw -d 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -l timestamps -d 'Begin each line of output with the time of day'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__fish_tcpx_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand report" -l json -d 'Write the merged result to this file as JSON; - is stdout, without the text' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand report" -l html -d 'Write one HTML page with the latencies and the rate over time to this file; - is stdout' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand report" -l fail-if -d 'End with 1 if this holds for the merged result, as in \'p99 > 50ms\'; repeat for more' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l filter -d 'Run only tests whose name matches this regular expression' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s j -l jobs -d 'Run so many tests at the same time [default: 8]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l repeat -d 'Run each test so many times' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l junit -d 'Write a report in JUnit\'s XML to this file too' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l json -d 'Write a report in JSON to this file too; - is stdout' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l test-timeout -d 'Stop a test after this time [default: 30s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l timeout -d 'End after this time, whatever happens' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l set -d 'Set app.NAME to this string before the script runs; repeat for more' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l script-timeout -d 'Stop a call into the script after this time [default: 2s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l seed -d 'Seed of chance: the same number gives the same rand(), choose() and uuid() again' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l max-connects -d 'Connections that the script may have made at a time [default: by the limit of descriptors]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l allow-read -d 'Let the script read files in this folder too; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l allow-write -d 'Let the script write files in this folder; repeat for more' -r -f -a "(__fish_complete_directories)"
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s E -l encoding -d 'Encoding of the connections, until they choose another' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l fail-fast -d 'Begin no test any more after the first failure'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l list -d 'Only say which tests there are'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -l tap -d 'Report in TAP on stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s v -l verbose -d 'Say on stderr what the connections do; repeat for more'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__fish_tcpx_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s p -l ports -d 'The ports: numbers, service names and ranges, as in 22,http,8000-8100' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s w -l connect-timeout -d 'How long one port may take without an answer [default: 2s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -l timeout -d 'End after this time, whatever is not known yet (exit 28)' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -l json -d 'Write one array of JSON: [{"port":22,"state":"open"}]'
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s v -d 'Write closed and filtered ports, too'
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__fish_tcpx_using_subcommand scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l expect -d 'Wait until what a new connection receives matches' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l send -d 'Send this text on each connection before the answer is awaited; knows \\r \\n \\t \\0 \\xHH \\u{...}' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s w -l connect-timeout -d 'Give up a try after this time without a connection, or without an answer [default: 5s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l timeout -d 'Give up after this time (exit 28) [default: never]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l proxy -d 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l proxy-auth-file -d 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-ca -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-pin -d 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-name -d 'The name to ask for (SNI) and to verify, in place of the host\'s' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-alpn -d 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-cert -d 'Our certificate (PEM), and those that lead from it to its root' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-client-ca -d 'As server: require a certificate that one of these (PEM) has signed' -r -F
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l handshake-timeout -d 'Give up a TLS handshake that is not done after this time [default: 10s]' -r
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s v -d 'Say each try on stderr'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s q -l quiet -d 'Say nothing on stderr but the error that ends it'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s u -l udp -d 'Use UDP; only an answer that --expect waits for proves that somebody is there'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s 4 -d 'Use IPv4 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s 6 -d 'Use IPv6 only'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s n -l no-dns -d 'Resolve no names; only addresses work'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls -d 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -l tls-insecure -d 'Trust everybody: what is sent may be read and changed on its way'
complete -c tcpx -n "__fish_tcpx_using_subcommand wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and not __fish_seen_subcommand_from list show check new help" -s h -l help -d 'Print help'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and not __fish_seen_subcommand_from list show check new help" -f -a "list" -d 'List the built-in scripts'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and not __fish_seen_subcommand_from list show check new help" -f -a "show" -d 'Write a built-in script to stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and not __fish_seen_subcommand_from list show check new help" -f -a "check" -d 'Say everything that is wrong with scripts; silent if nothing is'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and not __fish_seen_subcommand_from list show check new help" -f -a "new" -d 'Write a new script to stdout: a working one, with every event in comments'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and not __fish_seen_subcommand_from list show check new help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from new" -l session -d 'A script that reads from top to bottom, with fn session(conn), instead'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from new" -l test -d 'A script of tests for tcpx test instead'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the built-in scripts'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from help" -f -a "show" -d 'Write a built-in script to stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from help" -f -a "check" -d 'Say everything that is wrong with scripts; silent if nothing is'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from help" -f -a "new" -d 'Write a new script to stdout: a working one, with every event in comments'
complete -c tcpx -n "__fish_tcpx_using_subcommand script; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tcpx -n "__fish_tcpx_using_subcommand encodings" -s h -l help -d 'Print help'
complete -c tcpx -n "__fish_tcpx_using_subcommand completions" -s h -l help -d 'Print help'
complete -c tcpx -n "__fish_tcpx_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "connect" -d 'Connect to a peer: stdin goes to it, what it sends goes to stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "listen" -d 'Listen for one peer; for many with -k, for a scripted server with --script'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "run" -d 'Run a script from top to bottom: its fn main()'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "report" -d 'Merge results of load runs: text, JSON, one HTML page, thresholds'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "test" -d 'Run the tests in scripts: every fn test_*()'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "scan" -d 'Find the ports of a host that accept'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "wait" -d 'Wait until servers accept, or answer: for scripts and CI'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "nc" -d 'Take the options of OpenBSD\'s nc, with its words and exit codes'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "ncat" -d 'Take the options of Ncat, with its words and exit codes'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "script" -d 'List and show the built-in scripts, begin and check your own'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "encodings" -d 'List every encoding with its aliases'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "completions" -d 'Write completions for a shell to stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "man" -d 'Write a manual page to stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and not __fish_seen_subcommand_from connect listen run report test scan wait nc ncat script encodings completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and __fish_seen_subcommand_from script" -f -a "list" -d 'List the built-in scripts'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and __fish_seen_subcommand_from script" -f -a "show" -d 'Write a built-in script to stdout'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and __fish_seen_subcommand_from script" -f -a "check" -d 'Say everything that is wrong with scripts; silent if nothing is'
complete -c tcpx -n "__fish_tcpx_using_subcommand help; and __fish_seen_subcommand_from script" -f -a "new" -d 'Write a new script to stdout: a working one, with every event in comments'
