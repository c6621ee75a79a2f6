
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'tcpx' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'tcpx'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'tcpx' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Connect to a peer: stdin goes to it, what it sends goes to stdout')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Listen for one peer; for many with -k, for a scripted server with --script')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a script from top to bottom: its fn main()')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Merge results of load runs: text, JSON, one HTML page, thresholds')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run the tests in scripts: every fn test_*()')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Find the ports of a host that accept')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until servers accept, or answer: for scripts and CI')
            [CompletionResult]::new('nc', 'nc', [CompletionResultType]::ParameterValue, 'Take the options of OpenBSD''s nc, with its words and exit codes')
            [CompletionResult]::new('ncat', 'ncat', [CompletionResultType]::ParameterValue, 'Take the options of Ncat, with its words and exit codes')
            [CompletionResult]::new('script', 'script', [CompletionResultType]::ParameterValue, 'List and show the built-in scripts, begin and check your own')
            [CompletionResult]::new('encodings', 'encodings', [CompletionResultType]::ParameterValue, 'List every encoding with its aliases')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write completions for a shell to stdout')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write a manual page to stdout')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'tcpx;connect' {
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Encoding of the connection, in both directions; stdin and stdout are UTF-8')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of the connection, in both directions; stdin and stdout are UTF-8')
            [CompletionResult]::new('--recv-encoding', '--recv-encoding', [CompletionResultType]::ParameterName, 'Encoding of what is received, if it differs')
            [CompletionResult]::new('--send-encoding', '--send-encoding', [CompletionResultType]::ParameterName, 'Encoding of what is sent, if it differs')
            [CompletionResult]::new('--malformed', '--malformed', [CompletionResultType]::ParameterName, 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114')
            [CompletionResult]::new('--unencodable', '--unencodable', [CompletionResultType]::ParameterName, 'A character the encoding cannot hold: end with 114 (the default), or send ?')
            [CompletionResult]::new('--send', '--send', [CompletionResultType]::ParameterName, 'Send this text first, before stdin; knows \r \n \t \0 \xHH \u{...}')
            [CompletionResult]::new('--send-hex', '--send-hex', [CompletionResultType]::ParameterName, 'Send these bytes first, as in "0d0a" or "0d 0a"')
            [CompletionResult]::new('--send-file', '--send-file', [CompletionResultType]::ParameterName, 'Send this file first')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Let the handlers of this Rhai script decide; @NAME is a built-in one')
            [CompletionResult]::new('--script', '--script', [CompletionResultType]::ParameterName, 'Let the handlers of this Rhai script decide; @NAME is a built-in one')
            [CompletionResult]::new('--on-data', '--on-data', [CompletionResultType]::ParameterName, 'Body of on_data(conn, data), as in ''conn.send(data)''')
            [CompletionResult]::new('--on-line', '--on-line', [CompletionResultType]::ParameterName, 'Body of on_line(conn, line), as in ''conn.send_line(line)''')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Body of session(conn), as in ''for l in conn.lines() { conn.send_line(l) }''')
            [CompletionResult]::new('--script-errors', '--script-errors', [CompletionResultType]::ParameterName, 'After an error in a handler: close its connection (the default), end the run, or go on')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set app.NAME to this string before the script runs; repeat for more')
            [CompletionResult]::new('--script-timeout', '--script-timeout', [CompletionResultType]::ParameterName, 'Stop a call into the script after this time [default: 2s]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed of chance: the same number gives the same rand(), choose() and uuid() again')
            [CompletionResult]::new('--max-connects', '--max-connects', [CompletionResultType]::ParameterName, 'Connections that the script may have made at a time [default: by the limit of descriptors]')
            [CompletionResult]::new('--allow-read', '--allow-read', [CompletionResultType]::ParameterName, 'Let the script read files in this folder too; repeat for more')
            [CompletionResult]::new('--allow-write', '--allow-write', [CompletionResultType]::ParameterName, 'Let the script write files in this folder; repeat for more')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Let this program talk to the peer: PROG and its arguments, without a shell')
            [CompletionResult]::new('--sh', '--sh', [CompletionResultType]::ParameterName, 'The same for a command of the shell, as in ''sort | uniq -c''')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'End with 0 once what is received matches, with 1 if it never does')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End with 1 once what is received matches')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)')
            [CompletionResult]::new('--eof-wait', '--eof-wait', [CompletionResultType]::ParameterName, 'After stdin has ended, wait at most this long for the peer')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Give up when there is no connection after this time')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up when there is no connection after this time')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Try this many times more when there is no connection (7), or not in time (28)')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Time between two tries [default: 1s; with --reconnect 100ms, twice as long each time, up to 30s]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'End when nothing moved in either direction for this time; counts for each connection')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'End when nothing moved in either direction for this time; counts for each connection')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, whatever happens')
            [CompletionResult]::new('--line-delay', '--line-delay', [CompletionResultType]::ParameterName, 'Pause this long after each line that is sent')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Write what happens to this file as JSON, one object a line; - is stdout')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not')
            [CompletionResult]::new('--output-dir', '--output-dir', [CompletionResultType]::ParameterName, 'Write what each connection receives to a file of its own in this directory')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Connect from this local address: ADDR, ADDR:PORT, [ADDR]:PORT or :PORT')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Start this command of the shell once there is a connection, and end with its status when it ends')
            [CompletionResult]::new('--proxy-protocol', '--proxy-protocol', [CompletionResultType]::ParameterName, 'Tell the server our address first, in a header of the PROXY protocol')
            [CompletionResult]::new('--keepalive', '--keepalive', [CompletionResultType]::ParameterName, 'Ask a silent peer whether it is there after this time [default: the system''s]; 0: never')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Bytes that all connections together may hold [default: a quarter of the memory]')
            [CompletionResult]::new('--recv-buffer', '--recv-buffer', [CompletionResultType]::ParameterName, 'Size of the receive buffer of each socket (SO_RCVBUF)')
            [CompletionResult]::new('--send-buffer', '--send-buffer', [CompletionResultType]::ParameterName, 'Size of the send buffer of each socket (SO_SNDBUF), likewise')
            [CompletionResult]::new('--tos', '--tos', [CompletionResultType]::ParameterName, 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Hop limit of what is sent (IP_TTL), from 1 to 255')
            [CompletionResult]::new('--user-timeout', '--user-timeout', [CompletionResultType]::ParameterName, 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)')
            [CompletionResult]::new('--bind-device', '--bind-device', [CompletionResultType]::ParameterName, 'Use this network interface only (SO_BINDTODEVICE)')
            [CompletionResult]::new('--join', '--join', [CompletionResultType]::ParameterName, 'With -u: receive what is sent to this multicast group')
            [CompletionResult]::new('--multicast-ttl', '--multicast-ttl', [CompletionResultType]::ParameterName, 'With -u: how many networks a datagram to a group crosses, from 0 to 255')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT')
            [CompletionResult]::new('--proxy-auth-file', '--proxy-auth-file', [CompletionResultType]::ParameterName, 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH')
            [CompletionResult]::new('--tls-ca', '--tls-ca', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--tls-pin', '--tls-pin', [CompletionResultType]::ParameterName, 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer')
            [CompletionResult]::new('--tls-name', '--tls-name', [CompletionResultType]::ParameterName, 'The name to ask for (SNI) and to verify, in place of the host''s')
            [CompletionResult]::new('--tls-alpn', '--tls-alpn', [CompletionResultType]::ParameterName, 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Our certificate (PEM), and those that lead from it to its root')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'As server: require a certificate that one of these (PEM) has signed')
            [CompletionResult]::new('--handshake-timeout', '--handshake-timeout', [CompletionResultType]::ParameterName, 'Give up a TLS handshake that is not done after this time [default: 10s]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Send every lone LF as CR LF')
            [CompletionResult]::new('--crlf', '--crlf', [CompletionResultType]::ParameterName, 'Send every lone LF as CR LF')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Load the script again when it changes, keeping every connection')
            [CompletionResult]::new('--pty', '--pty', [CompletionResultType]::ParameterName, 'Give the program a terminal of its own, as for a shell or an editor')
            [CompletionResult]::new('--exec-status', '--exec-status', [CompletionResultType]::ParameterName, 'End with the exit status of the program; 128+n if signal n has ended it')
            [CompletionResult]::new('-z', '-z', [CompletionResultType]::ParameterName, 'Leave as soon as the connection stands: 0 if it does, 7 or 28 if not')
            [CompletionResult]::new('--half-open', '--half-open', [CompletionResultType]::ParameterName, 'Go on after the peer''s end, until stdin ends too')
            [CompletionResult]::new('--no-shutdown', '--no-shutdown', [CompletionResultType]::ParameterName, 'Do not tell the peer when stdin ends (no FIN)')
            [CompletionResult]::new('--send-only', '--send-only', [CompletionResultType]::ParameterName, 'Discard what is received; end after stdin, when the peer does')
            [CompletionResult]::new('--recv-only', '--recv-only', [CompletionResultType]::ParameterName, 'Never read stdin')
            [CompletionResult]::new('--no-stdin', '--no-stdin', [CompletionResultType]::ParameterName, 'Never read stdin, under its other name')
            [CompletionResult]::new('--reconnect', '--reconnect', [CompletionResultType]::ParameterName, 'Connect again after any end, until a signal or exit() of a script')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on stderr but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on stderr but errors')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Show both directions as a hex dump on stderr')
            [CompletionResult]::new('--hex', '--hex', [CompletionResultType]::ParameterName, 'Show both directions as a hex dump on stderr')
            [CompletionResult]::new('--raw-terminal', '--raw-terminal', [CompletionResultType]::ParameterName, 'Let the peer''s control characters reach the terminal')
            [CompletionResult]::new('--no-history', '--no-history', [CompletionResultType]::ParameterName, 'Do not keep the lines that are typed on a terminal for later runs')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Begin each line of output with the time of day')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Begin each line of output with the connection it comes from')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Use UDP; with unix:PATH, a Unix datagram socket')
            [CompletionResult]::new('--udp', '--udp', [CompletionResultType]::ParameterName, 'Use UDP; with unix:PATH, a Unix datagram socket')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('--nodelay', '--nodelay', [CompletionResultType]::ParameterName, 'Send small pieces at once (TCP_NODELAY); this is the default')
            [CompletionResult]::new('--no-nodelay', '--no-nodelay', [CompletionResultType]::ParameterName, 'Let the system gather small pieces')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--broadcast', '--broadcast', [CompletionResultType]::ParameterName, 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Speak TLS (1.2 or 1.3); the same as tls:// before the host')
            [CompletionResult]::new('--tls-insecure', '--tls-insecure', [CompletionResultType]::ParameterName, 'Trust everybody: what is sent may be read and changed on its way')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;listen' {
            [CompletionResult]::new('--accept', '--accept', [CompletionResultType]::ParameterName, 'Accept this many connections and end when the last has closed')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Have at most this many open at once; further clients wait their turn')
            [CompletionResult]::new('--max-conns', '--max-conns', [CompletionResultType]::ParameterName, 'Have at most this many open at once; further clients wait their turn')
            [CompletionResult]::new('--backlog', '--backlog', [CompletionResultType]::ParameterName, 'Length of the system''s queue of clients that are not accepted yet')
            [CompletionResult]::new('--allow', '--allow', [CompletionResultType]::ParameterName, 'Take only clients from this address or network; @FILE is a list of them')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Take no clients from this address or network, even if they are allowed; @FILE is a list')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Run the script in this many threads, each with an app of its own')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Write HOST:PORT (or unix:PATH) to this file when clients can connect')
            [CompletionResult]::new('--ready-fd', '--ready-fd', [CompletionResultType]::ParameterName, 'Write HOST:PORT (or unix:PATH) to this open descriptor when clients can connect')
            [CompletionResult]::new('--run', '--run', [CompletionResultType]::ParameterName, 'Start this command of the shell when clients can connect, and end with its status when it ends')
            [CompletionResult]::new('--accept-timeout', '--accept-timeout', [CompletionResultType]::ParameterName, 'Give up when no client has come after this time')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Encoding of the connection, in both directions; stdin and stdout are UTF-8')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of the connection, in both directions; stdin and stdout are UTF-8')
            [CompletionResult]::new('--recv-encoding', '--recv-encoding', [CompletionResultType]::ParameterName, 'Encoding of what is received, if it differs')
            [CompletionResult]::new('--send-encoding', '--send-encoding', [CompletionResultType]::ParameterName, 'Encoding of what is sent, if it differs')
            [CompletionResult]::new('--malformed', '--malformed', [CompletionResultType]::ParameterName, 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114')
            [CompletionResult]::new('--unencodable', '--unencodable', [CompletionResultType]::ParameterName, 'A character the encoding cannot hold: end with 114 (the default), or send ?')
            [CompletionResult]::new('--send', '--send', [CompletionResultType]::ParameterName, 'Send this text first, before stdin; knows \r \n \t \0 \xHH \u{...}')
            [CompletionResult]::new('--send-hex', '--send-hex', [CompletionResultType]::ParameterName, 'Send these bytes first, as in "0d0a" or "0d 0a"')
            [CompletionResult]::new('--send-file', '--send-file', [CompletionResultType]::ParameterName, 'Send this file first')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Let the handlers of this Rhai script decide; @NAME is a built-in one')
            [CompletionResult]::new('--script', '--script', [CompletionResultType]::ParameterName, 'Let the handlers of this Rhai script decide; @NAME is a built-in one')
            [CompletionResult]::new('--on-data', '--on-data', [CompletionResultType]::ParameterName, 'Body of on_data(conn, data), as in ''conn.send(data)''')
            [CompletionResult]::new('--on-line', '--on-line', [CompletionResultType]::ParameterName, 'Body of on_line(conn, line), as in ''conn.send_line(line)''')
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'Body of session(conn), as in ''for l in conn.lines() { conn.send_line(l) }''')
            [CompletionResult]::new('--script-errors', '--script-errors', [CompletionResultType]::ParameterName, 'After an error in a handler: close its connection (the default), end the run, or go on')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set app.NAME to this string before the script runs; repeat for more')
            [CompletionResult]::new('--script-timeout', '--script-timeout', [CompletionResultType]::ParameterName, 'Stop a call into the script after this time [default: 2s]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed of chance: the same number gives the same rand(), choose() and uuid() again')
            [CompletionResult]::new('--max-connects', '--max-connects', [CompletionResultType]::ParameterName, 'Connections that the script may have made at a time [default: by the limit of descriptors]')
            [CompletionResult]::new('--allow-read', '--allow-read', [CompletionResultType]::ParameterName, 'Let the script read files in this folder too; repeat for more')
            [CompletionResult]::new('--allow-write', '--allow-write', [CompletionResultType]::ParameterName, 'Let the script write files in this folder; repeat for more')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Let this program talk to the peer: PROG and its arguments, without a shell')
            [CompletionResult]::new('--sh', '--sh', [CompletionResultType]::ParameterName, 'The same for a command of the shell, as in ''sort | uniq -c''')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'End with 0 once what is received matches, with 1 if it never does')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End with 1 once what is received matches')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)')
            [CompletionResult]::new('--eof-wait', '--eof-wait', [CompletionResultType]::ParameterName, 'After stdin has ended, wait at most this long for the peer')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'End when nothing moved in either direction for this time; counts for each connection')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'End when nothing moved in either direction for this time; counts for each connection')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, whatever happens')
            [CompletionResult]::new('--line-delay', '--line-delay', [CompletionResultType]::ParameterName, 'Pause this long after each line that is sent')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Write what happens to this file as JSON, one object a line; - is stdout')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not')
            [CompletionResult]::new('--output-dir', '--output-dir', [CompletionResultType]::ParameterName, 'Write what each connection receives to a file of its own in this directory')
            [CompletionResult]::new('--keepalive', '--keepalive', [CompletionResultType]::ParameterName, 'Ask a silent peer whether it is there after this time [default: the system''s]; 0: never')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Bytes that all connections together may hold [default: a quarter of the memory]')
            [CompletionResult]::new('--recv-buffer', '--recv-buffer', [CompletionResultType]::ParameterName, 'Size of the receive buffer of each socket (SO_RCVBUF)')
            [CompletionResult]::new('--send-buffer', '--send-buffer', [CompletionResultType]::ParameterName, 'Size of the send buffer of each socket (SO_SNDBUF), likewise')
            [CompletionResult]::new('--tos', '--tos', [CompletionResultType]::ParameterName, 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Hop limit of what is sent (IP_TTL), from 1 to 255')
            [CompletionResult]::new('--user-timeout', '--user-timeout', [CompletionResultType]::ParameterName, 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)')
            [CompletionResult]::new('--bind-device', '--bind-device', [CompletionResultType]::ParameterName, 'Use this network interface only (SO_BINDTODEVICE)')
            [CompletionResult]::new('--join', '--join', [CompletionResultType]::ParameterName, 'With -u: receive what is sent to this multicast group')
            [CompletionResult]::new('--multicast-ttl', '--multicast-ttl', [CompletionResultType]::ParameterName, 'With -u: how many networks a datagram to a group crosses, from 0 to 255')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT')
            [CompletionResult]::new('--proxy-auth-file', '--proxy-auth-file', [CompletionResultType]::ParameterName, 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH')
            [CompletionResult]::new('--tls-ca', '--tls-ca', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--tls-pin', '--tls-pin', [CompletionResultType]::ParameterName, 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer')
            [CompletionResult]::new('--tls-name', '--tls-name', [CompletionResultType]::ParameterName, 'The name to ask for (SNI) and to verify, in place of the host''s')
            [CompletionResult]::new('--tls-alpn', '--tls-alpn', [CompletionResultType]::ParameterName, 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Our certificate (PEM), and those that lead from it to its root')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'As server: require a certificate that one of these (PEM) has signed')
            [CompletionResult]::new('--handshake-timeout', '--handshake-timeout', [CompletionResultType]::ParameterName, 'Give up a TLS handshake that is not done after this time [default: 10s]')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Serve many clients at the same time; stdin goes to all of them')
            [CompletionResult]::new('--keep-open', '--keep-open', [CompletionResultType]::ParameterName, 'Serve many clients at the same time; stdin goes to all of them')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Accept one connection and end when it has closed; the same as --accept 1')
            [CompletionResult]::new('--reuse-port', '--reuse-port', [CompletionResultType]::ParameterName, 'Let other processes of this user listen at the same port, too (SO_REUSEPORT)')
            [CompletionResult]::new('--accept-proxy', '--accept-proxy', [CompletionResultType]::ParameterName, 'Take each client''s address from the header of the PROXY protocol that comes first')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Send every lone LF as CR LF')
            [CompletionResult]::new('--crlf', '--crlf', [CompletionResultType]::ParameterName, 'Send every lone LF as CR LF')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Load the script again when it changes, keeping every connection')
            [CompletionResult]::new('--pty', '--pty', [CompletionResultType]::ParameterName, 'Give the program a terminal of its own, as for a shell or an editor')
            [CompletionResult]::new('--exec-status', '--exec-status', [CompletionResultType]::ParameterName, 'End with the exit status of the program; 128+n if signal n has ended it')
            [CompletionResult]::new('--half-open', '--half-open', [CompletionResultType]::ParameterName, 'Go on after the peer''s end, until stdin ends too')
            [CompletionResult]::new('--no-shutdown', '--no-shutdown', [CompletionResultType]::ParameterName, 'Do not tell the peer when stdin ends (no FIN)')
            [CompletionResult]::new('--send-only', '--send-only', [CompletionResultType]::ParameterName, 'Discard what is received; end after stdin, when the peer does')
            [CompletionResult]::new('--recv-only', '--recv-only', [CompletionResultType]::ParameterName, 'Never read stdin')
            [CompletionResult]::new('--no-stdin', '--no-stdin', [CompletionResultType]::ParameterName, 'Never read stdin, under its other name')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on stderr but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on stderr but errors')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Show both directions as a hex dump on stderr')
            [CompletionResult]::new('--hex', '--hex', [CompletionResultType]::ParameterName, 'Show both directions as a hex dump on stderr')
            [CompletionResult]::new('--raw-terminal', '--raw-terminal', [CompletionResultType]::ParameterName, 'Let the peer''s control characters reach the terminal')
            [CompletionResult]::new('--no-history', '--no-history', [CompletionResultType]::ParameterName, 'Do not keep the lines that are typed on a terminal for later runs')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Begin each line of output with the time of day')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Begin each line of output with the connection it comes from')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Use UDP; with unix:PATH, a Unix datagram socket')
            [CompletionResult]::new('--udp', '--udp', [CompletionResultType]::ParameterName, 'Use UDP; with unix:PATH, a Unix datagram socket')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('--nodelay', '--nodelay', [CompletionResultType]::ParameterName, 'Send small pieces at once (TCP_NODELAY); this is the default')
            [CompletionResult]::new('--no-nodelay', '--no-nodelay', [CompletionResultType]::ParameterName, 'Let the system gather small pieces')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--broadcast', '--broadcast', [CompletionResultType]::ParameterName, 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Speak TLS (1.2 or 1.3); the same as tls:// before the host')
            [CompletionResult]::new('--tls-insecure', '--tls-insecure', [CompletionResultType]::ParameterName, 'Trust everybody: what is sent may be read and changed on its way')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;run' {
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set app.NAME to this string before the script runs; repeat for more')
            [CompletionResult]::new('--script-timeout', '--script-timeout', [CompletionResultType]::ParameterName, 'Stop a call into the script after this time [default: 2s]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed of chance: the same number gives the same rand(), choose() and uuid() again')
            [CompletionResult]::new('--max-connects', '--max-connects', [CompletionResultType]::ParameterName, 'Connections that the script may have made at a time [default: by the limit of descriptors]')
            [CompletionResult]::new('--allow-read', '--allow-read', [CompletionResultType]::ParameterName, 'Let the script read files in this folder too; repeat for more')
            [CompletionResult]::new('--allow-write', '--allow-write', [CompletionResultType]::ParameterName, 'Let the script write files in this folder; repeat for more')
            [CompletionResult]::new('--clients', '--clients', [CompletionResultType]::ParameterName, 'Run main in this many tasks, and say how long the runs took')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Share the clients among this many threads, each with an app of its own')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Begin runs for this time; those that run then have one second more')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Begin so many runs in a second, or N/m, N/h, of all clients together')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Reach the rate, or the number of clients, evenly within this time')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'End with 1 if this holds, as in ''p99 > 50ms'', ''login.p95 > 1s'', ''failures > 1%''')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write the result to this file, for tcpx report; - is stdout')
            [CompletionResult]::new('--shard', '--shard', [CompletionResultType]::ParameterName, 'Be shard I of N: a share of the clients and of the rate [default: TCPX_SHARD]')
            [CompletionResult]::new('--start-at', '--start-at', [CompletionResultType]::ParameterName, 'Begin at this time (2026-11-26T15:00:00Z), or after this (+10s)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, whatever happens')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Write what happens to this file as JSON, one object a line; - is stdout')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Encoding of the connections, until they choose another')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of the connections, until they choose another')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT')
            [CompletionResult]::new('--proxy-auth-file', '--proxy-auth-file', [CompletionResultType]::ParameterName, 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more on stderr; repeat for still more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on stderr but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on stderr but errors')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Show both directions as a hex dump on stderr')
            [CompletionResult]::new('--hex', '--hex', [CompletionResultType]::ParameterName, 'Show both directions as a hex dump on stderr')
            [CompletionResult]::new('--raw-terminal', '--raw-terminal', [CompletionResultType]::ParameterName, 'Let the peer''s control characters reach the terminal')
            [CompletionResult]::new('--no-history', '--no-history', [CompletionResultType]::ParameterName, 'Do not keep the lines that are typed on a terminal for later runs')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves')
            [CompletionResult]::new('--timestamps', '--timestamps', [CompletionResultType]::ParameterName, 'Begin each line of output with the time of day')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;report' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write the merged result to this file as JSON; - is stdout, without the text')
            [CompletionResult]::new('--html', '--html', [CompletionResultType]::ParameterName, 'Write one HTML page with the latencies and the rate over time to this file; - is stdout')
            [CompletionResult]::new('--fail-if', '--fail-if', [CompletionResultType]::ParameterName, 'End with 1 if this holds for the merged result, as in ''p99 > 50ms''; repeat for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;test' {
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Run only tests whose name matches this regular expression')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Run so many tests at the same time [default: 8]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Run so many tests at the same time [default: 8]')
            [CompletionResult]::new('--repeat', '--repeat', [CompletionResultType]::ParameterName, 'Run each test so many times')
            [CompletionResult]::new('--junit', '--junit', [CompletionResultType]::ParameterName, 'Write a report in JUnit''s XML to this file too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write a report in JSON to this file too; - is stdout')
            [CompletionResult]::new('--test-timeout', '--test-timeout', [CompletionResultType]::ParameterName, 'Stop a test after this time [default: 30s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, whatever happens')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set app.NAME to this string before the script runs; repeat for more')
            [CompletionResult]::new('--script-timeout', '--script-timeout', [CompletionResultType]::ParameterName, 'Stop a call into the script after this time [default: 2s]')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed of chance: the same number gives the same rand(), choose() and uuid() again')
            [CompletionResult]::new('--max-connects', '--max-connects', [CompletionResultType]::ParameterName, 'Connections that the script may have made at a time [default: by the limit of descriptors]')
            [CompletionResult]::new('--allow-read', '--allow-read', [CompletionResultType]::ParameterName, 'Let the script read files in this folder too; repeat for more')
            [CompletionResult]::new('--allow-write', '--allow-write', [CompletionResultType]::ParameterName, 'Let the script write files in this folder; repeat for more')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Encoding of the connections, until they choose another')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'Encoding of the connections, until they choose another')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT')
            [CompletionResult]::new('--proxy-auth-file', '--proxy-auth-file', [CompletionResultType]::ParameterName, 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH')
            [CompletionResult]::new('--fail-fast', '--fail-fast', [CompletionResultType]::ParameterName, 'Begin no test any more after the first failure')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Only say which tests there are')
            [CompletionResult]::new('--tap', '--tap', [CompletionResultType]::ParameterName, 'Report in TAP on stdout')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what the connections do; repeat for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what the connections do; repeat for more')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;scan' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The ports: numbers, service names and ranges, as in 22,http,8000-8100')
            [CompletionResult]::new('--ports', '--ports', [CompletionResultType]::ParameterName, 'The ports: numbers, service names and ranges, as in 22,http,8000-8100')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'How long one port may take without an answer [default: 2s]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long one port may take without an answer [default: 2s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, whatever is not known yet (exit 28)')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT')
            [CompletionResult]::new('--proxy-auth-file', '--proxy-auth-file', [CompletionResultType]::ParameterName, 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write one array of JSON: [{"port":22,"state":"open"}]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Write closed and filtered ports, too')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;wait' {
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Wait until what a new connection receives matches')
            [CompletionResult]::new('--send', '--send', [CompletionResultType]::ParameterName, 'Send this text on each connection before the answer is awaited; knows \r \n \t \0 \xHH \u{...}')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Give up a try after this time without a connection, or without an answer [default: 5s]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up a try after this time without a connection, or without an answer [default: 5s]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up after this time (exit 28) [default: never]')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT')
            [CompletionResult]::new('--proxy-auth-file', '--proxy-auth-file', [CompletionResultType]::ParameterName, 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH')
            [CompletionResult]::new('--tls-ca', '--tls-ca', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--tls-pin', '--tls-pin', [CompletionResultType]::ParameterName, 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer')
            [CompletionResult]::new('--tls-name', '--tls-name', [CompletionResultType]::ParameterName, 'The name to ask for (SNI) and to verify, in place of the host''s')
            [CompletionResult]::new('--tls-alpn', '--tls-alpn', [CompletionResultType]::ParameterName, 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Our certificate (PEM), and those that lead from it to its root')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'As server: require a certificate that one of these (PEM) has signed')
            [CompletionResult]::new('--handshake-timeout', '--handshake-timeout', [CompletionResultType]::ParameterName, 'Give up a TLS handshake that is not done after this time [default: 10s]')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say each try on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on stderr but the error that ends it')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on stderr but the error that ends it')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Use UDP; only an answer that --expect waits for proves that somebody is there')
            [CompletionResult]::new('--udp', '--udp', [CompletionResultType]::ParameterName, 'Use UDP; only an answer that --expect waits for proves that somebody is there')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--no-dns', '--no-dns', [CompletionResultType]::ParameterName, 'Resolve no names; only addresses work')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Speak TLS (1.2 or 1.3); the same as tls:// before the host')
            [CompletionResult]::new('--tls-insecure', '--tls-insecure', [CompletionResultType]::ParameterName, 'Trust everybody: what is sent may be read and changed on its way')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;nc' {
            break
        }
        'tcpx;ncat' {
            break
        }
        'tcpx;script' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the built-in scripts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Write a built-in script to stdout')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Say everything that is wrong with scripts; silent if nothing is')
            [CompletionResult]::new('new', 'new', [CompletionResultType]::ParameterValue, 'Write a new script to stdout: a working one, with every event in comments')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'tcpx;script;list' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tcpx;script;show' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tcpx;script;check' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;script;new' {
            [CompletionResult]::new('--session', '--session', [CompletionResultType]::ParameterName, 'A script that reads from top to bottom, with fn session(conn), instead')
            [CompletionResult]::new('--test', '--test', [CompletionResultType]::ParameterName, 'A script of tests for tcpx test instead')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tcpx;script;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the built-in scripts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Write a built-in script to stdout')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Say everything that is wrong with scripts; silent if nothing is')
            [CompletionResult]::new('new', 'new', [CompletionResultType]::ParameterValue, 'Write a new script to stdout: a working one, with every event in comments')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'tcpx;script;help;list' {
            break
        }
        'tcpx;script;help;show' {
            break
        }
        'tcpx;script;help;check' {
            break
        }
        'tcpx;script;help;new' {
            break
        }
        'tcpx;script;help;help' {
            break
        }
        'tcpx;encodings' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tcpx;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'tcpx;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'tcpx;help' {
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Connect to a peer: stdin goes to it, what it sends goes to stdout')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Listen for one peer; for many with -k, for a scripted server with --script')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a script from top to bottom: its fn main()')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Merge results of load runs: text, JSON, one HTML page, thresholds')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run the tests in scripts: every fn test_*()')
            [CompletionResult]::new('scan', 'scan', [CompletionResultType]::ParameterValue, 'Find the ports of a host that accept')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until servers accept, or answer: for scripts and CI')
            [CompletionResult]::new('nc', 'nc', [CompletionResultType]::ParameterValue, 'Take the options of OpenBSD''s nc, with its words and exit codes')
            [CompletionResult]::new('ncat', 'ncat', [CompletionResultType]::ParameterValue, 'Take the options of Ncat, with its words and exit codes')
            [CompletionResult]::new('script', 'script', [CompletionResultType]::ParameterValue, 'List and show the built-in scripts, begin and check your own')
            [CompletionResult]::new('encodings', 'encodings', [CompletionResultType]::ParameterValue, 'List every encoding with its aliases')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write completions for a shell to stdout')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write a manual page to stdout')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'tcpx;help;connect' {
            break
        }
        'tcpx;help;listen' {
            break
        }
        'tcpx;help;run' {
            break
        }
        'tcpx;help;report' {
            break
        }
        'tcpx;help;test' {
            break
        }
        'tcpx;help;scan' {
            break
        }
        'tcpx;help;wait' {
            break
        }
        'tcpx;help;nc' {
            break
        }
        'tcpx;help;ncat' {
            break
        }
        'tcpx;help;script' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the built-in scripts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Write a built-in script to stdout')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Say everything that is wrong with scripts; silent if nothing is')
            [CompletionResult]::new('new', 'new', [CompletionResultType]::ParameterValue, 'Write a new script to stdout: a working one, with every event in comments')
            break
        }
        'tcpx;help;script;list' {
            break
        }
        'tcpx;help;script;show' {
            break
        }
        'tcpx;help;script;check' {
            break
        }
        'tcpx;help;script;new' {
            break
        }
        'tcpx;help;encodings' {
            break
        }
        'tcpx;help;completions' {
            break
        }
        'tcpx;help;man' {
            break
        }
        'tcpx;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
