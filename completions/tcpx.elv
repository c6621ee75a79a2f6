
use builtin;
use str;

set edit:completion:arg-completer[tcpx] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'tcpx'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'tcpx'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand connect 'Connect to a peer: stdin goes to it, what it sends goes to stdout'
            cand listen 'Listen for one peer; for many with -k, for a scripted server with --script'
            cand run 'Run a script from top to bottom: its fn main()'
            cand report 'Merge results of load runs: text, JSON, one HTML page, thresholds'
            cand test 'Run the tests in scripts: every fn test_*()'
            cand scan 'Find the ports of a host that accept'
            cand wait 'Wait until servers accept, or answer: for scripts and CI'
            cand nc 'Take the options of OpenBSD''s nc, with its words and exit codes'
            cand ncat 'Take the options of Ncat, with its words and exit codes'
            cand script 'List and show the built-in scripts, begin and check your own'
            cand encodings 'List every encoding with its aliases'
            cand completions 'Write completions for a shell to stdout'
            cand man 'Write a manual page to stdout'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tcpx;connect'= {
            cand -E 'Encoding of the connection, in both directions; stdin and stdout are UTF-8'
            cand --encoding 'Encoding of the connection, in both directions; stdin and stdout are UTF-8'
            cand --recv-encoding 'Encoding of what is received, if it differs'
            cand --send-encoding 'Encoding of what is sent, if it differs'
            cand --malformed 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114'
            cand --unencodable 'A character the encoding cannot hold: end with 114 (the default), or send ?'
            cand --send 'Send this text first, before stdin; knows \r \n \t \0 \xHH \u{...}'
            cand --send-hex 'Send these bytes first, as in "0d0a" or "0d 0a"'
            cand --send-file 'Send this file first'
            cand -s 'Let the handlers of this Rhai script decide; @NAME is a built-in one'
            cand --script 'Let the handlers of this Rhai script decide; @NAME is a built-in one'
            cand --on-data 'Body of on_data(conn, data), as in ''conn.send(data)'''
            cand --on-line 'Body of on_line(conn, line), as in ''conn.send_line(line)'''
            cand --session 'Body of session(conn), as in ''for l in conn.lines() { conn.send_line(l) }'''
            cand --script-errors 'After an error in a handler: close its connection (the default), end the run, or go on'
            cand --set 'Set app.NAME to this string before the script runs; repeat for more'
            cand --script-timeout 'Stop a call into the script after this time [default: 2s]'
            cand --seed 'Seed of chance: the same number gives the same rand(), choose() and uuid() again'
            cand --max-connects 'Connections that the script may have made at a time [default: by the limit of descriptors]'
            cand --allow-read 'Let the script read files in this folder too; repeat for more'
            cand --allow-write 'Let the script write files in this folder; repeat for more'
            cand --exec 'Let this program talk to the peer: PROG and its arguments, without a shell'
            cand --sh 'The same for a command of the shell, as in ''sort | uniq -c'''
            cand --expect 'End with 0 once what is received matches, with 1 if it never does'
            cand --fail-on 'End with 1 once what is received matches'
            cand --until 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)'
            cand --eof-wait 'After stdin has ended, wait at most this long for the peer'
            cand -w 'Give up when there is no connection after this time'
            cand --connect-timeout 'Give up when there is no connection after this time'
            cand --retry 'Try this many times more when there is no connection (7), or not in time (28)'
            cand --retry-delay 'Time between two tries [default: 1s; with --reconnect 100ms, twice as long each time, up to 30s]'
            cand -i 'End when nothing moved in either direction for this time; counts for each connection'
            cand --idle-timeout 'End when nothing moved in either direction for this time; counts for each connection'
            cand --timeout 'End after this time, whatever happens'
            cand --line-delay 'Pause this long after each line that is sent'
            cand -o 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection'
            cand --output 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection'
            cand --events 'Write what happens to this file as JSON, one object a line; - is stdout'
            cand --progress 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always'
            cand --echo 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not'
            cand --output-dir 'Write what each connection receives to a file of its own in this directory'
            cand --source 'Connect from this local address: ADDR, ADDR:PORT, [ADDR]:PORT or :PORT'
            cand --run 'Start this command of the shell once there is a connection, and end with its status when it ends'
            cand --proxy-protocol 'Tell the server our address first, in a header of the PROXY protocol'
            cand --keepalive 'Ask a silent peer whether it is there after this time [default: the system''s]; 0: never'
            cand --memory 'Bytes that all connections together may hold [default: a quarter of the memory]'
            cand --recv-buffer 'Size of the receive buffer of each socket (SO_RCVBUF)'
            cand --send-buffer 'Size of the send buffer of each socket (SO_SNDBUF), likewise'
            cand --tos 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay'
            cand --ttl 'Hop limit of what is sent (IP_TTL), from 1 to 255'
            cand --user-timeout 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)'
            cand --bind-device 'Use this network interface only (SO_BINDTODEVICE)'
            cand --join 'With -u: receive what is sent to this multicast group'
            cand --multicast-ttl 'With -u: how many networks a datagram to a group crosses, from 0 to 255'
            cand --proxy 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT'
            cand --proxy-auth-file 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH'
            cand --tls-ca 'Trust these certificates (PEM) in place of the system''s'
            cand --tls-pin 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer'
            cand --tls-name 'The name to ask for (SNI) and to verify, in place of the host''s'
            cand --tls-alpn 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1'
            cand --tls-cert 'Our certificate (PEM), and those that lead from it to its root'
            cand --tls-key 'Its private key (PEM), if it is not in the same file'
            cand --tls-client-ca 'As server: require a certificate that one of these (PEM) has signed'
            cand --handshake-timeout 'Give up a TLS handshake that is not done after this time [default: 10s]'
            cand -C 'Send every lone LF as CR LF'
            cand --crlf 'Send every lone LF as CR LF'
            cand --watch 'Load the script again when it changes, keeping every connection'
            cand --pty 'Give the program a terminal of its own, as for a shell or an editor'
            cand --exec-status 'End with the exit status of the program; 128+n if signal n has ended it'
            cand -z 'Leave as soon as the connection stands: 0 if it does, 7 or 28 if not'
            cand --half-open 'Go on after the peer''s end, until stdin ends too'
            cand --no-shutdown 'Do not tell the peer when stdin ends (no FIN)'
            cand --send-only 'Discard what is received; end after stdin, when the peer does'
            cand --recv-only 'Never read stdin'
            cand --no-stdin 'Never read stdin, under its other name'
            cand --reconnect 'Connect again after any end, until a signal or exit() of a script'
            cand -v 'Say more on stderr; repeat for still more'
            cand -q 'Say nothing on stderr but errors'
            cand --quiet 'Say nothing on stderr but errors'
            cand -x 'Show both directions as a hex dump on stderr'
            cand --hex 'Show both directions as a hex dump on stderr'
            cand --raw-terminal 'Let the peer''s control characters reach the terminal'
            cand --no-history 'Do not keep the lines that are typed on a terminal for later runs'
            cand --raw 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
            cand --timestamps 'Begin each line of output with the time of day'
            cand --label 'Begin each line of output with the connection it comes from'
            cand -u 'Use UDP; with unix:PATH, a Unix datagram socket'
            cand --udp 'Use UDP; with unix:PATH, a Unix datagram socket'
            cand -4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand --nodelay 'Send small pieces at once (TCP_NODELAY); this is the default'
            cand --no-nodelay 'Let the system gather small pieces'
            cand -n 'Resolve no names; only addresses work'
            cand --no-dns 'Resolve no names; only addresses work'
            cand --broadcast 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255'
            cand --tls 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
            cand --tls-insecure 'Trust everybody: what is sent may be read and changed on its way'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;listen'= {
            cand --accept 'Accept this many connections and end when the last has closed'
            cand -m 'Have at most this many open at once; further clients wait their turn'
            cand --max-conns 'Have at most this many open at once; further clients wait their turn'
            cand --backlog 'Length of the system''s queue of clients that are not accepted yet'
            cand --allow 'Take only clients from this address or network; @FILE is a list of them'
            cand --deny 'Take no clients from this address or network, even if they are allowed; @FILE is a list'
            cand --workers 'Run the script in this many threads, each with an app of its own'
            cand --ready-file 'Write HOST:PORT (or unix:PATH) to this file when clients can connect'
            cand --ready-fd 'Write HOST:PORT (or unix:PATH) to this open descriptor when clients can connect'
            cand --run 'Start this command of the shell when clients can connect, and end with its status when it ends'
            cand --accept-timeout 'Give up when no client has come after this time'
            cand -E 'Encoding of the connection, in both directions; stdin and stdout are UTF-8'
            cand --encoding 'Encoding of the connection, in both directions; stdin and stdout are UTF-8'
            cand --recv-encoding 'Encoding of what is received, if it differs'
            cand --send-encoding 'Encoding of what is sent, if it differs'
            cand --malformed 'Received bytes that are not text: put U+FFFD in their place (the default), or end with 114'
            cand --unencodable 'A character the encoding cannot hold: end with 114 (the default), or send ?'
            cand --send 'Send this text first, before stdin; knows \r \n \t \0 \xHH \u{...}'
            cand --send-hex 'Send these bytes first, as in "0d0a" or "0d 0a"'
            cand --send-file 'Send this file first'
            cand -s 'Let the handlers of this Rhai script decide; @NAME is a built-in one'
            cand --script 'Let the handlers of this Rhai script decide; @NAME is a built-in one'
            cand --on-data 'Body of on_data(conn, data), as in ''conn.send(data)'''
            cand --on-line 'Body of on_line(conn, line), as in ''conn.send_line(line)'''
            cand --session 'Body of session(conn), as in ''for l in conn.lines() { conn.send_line(l) }'''
            cand --script-errors 'After an error in a handler: close its connection (the default), end the run, or go on'
            cand --set 'Set app.NAME to this string before the script runs; repeat for more'
            cand --script-timeout 'Stop a call into the script after this time [default: 2s]'
            cand --seed 'Seed of chance: the same number gives the same rand(), choose() and uuid() again'
            cand --max-connects 'Connections that the script may have made at a time [default: by the limit of descriptors]'
            cand --allow-read 'Let the script read files in this folder too; repeat for more'
            cand --allow-write 'Let the script write files in this folder; repeat for more'
            cand --exec 'Let this program talk to the peer: PROG and its arguments, without a shell'
            cand --sh 'The same for a command of the shell, as in ''sort | uniq -c'''
            cand --expect 'End with 0 once what is received matches, with 1 if it never does'
            cand --fail-on 'End with 1 once what is received matches'
            cand --until 'End stdout exactly with this match, or after N bytes (Nb) or lines (Nl)'
            cand --eof-wait 'After stdin has ended, wait at most this long for the peer'
            cand -i 'End when nothing moved in either direction for this time; counts for each connection'
            cand --idle-timeout 'End when nothing moved in either direction for this time; counts for each connection'
            cand --timeout 'End after this time, whatever happens'
            cand --line-delay 'Pause this long after each line that is sent'
            cand -o 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection'
            cand --output 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection'
            cand --events 'Write what happens to this file as JSON, one object a line; - is stdout'
            cand --progress 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always'
            cand --echo 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not'
            cand --output-dir 'Write what each connection receives to a file of its own in this directory'
            cand --keepalive 'Ask a silent peer whether it is there after this time [default: the system''s]; 0: never'
            cand --memory 'Bytes that all connections together may hold [default: a quarter of the memory]'
            cand --recv-buffer 'Size of the receive buffer of each socket (SO_RCVBUF)'
            cand --send-buffer 'Size of the send buffer of each socket (SO_SNDBUF), likewise'
            cand --tos 'Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay'
            cand --ttl 'Hop limit of what is sent (IP_TTL), from 1 to 255'
            cand --user-timeout 'Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)'
            cand --bind-device 'Use this network interface only (SO_BINDTODEVICE)'
            cand --join 'With -u: receive what is sent to this multicast group'
            cand --multicast-ttl 'With -u: how many networks a datagram to a group crosses, from 0 to 255'
            cand --proxy 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT'
            cand --proxy-auth-file 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH'
            cand --tls-ca 'Trust these certificates (PEM) in place of the system''s'
            cand --tls-pin 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer'
            cand --tls-name 'The name to ask for (SNI) and to verify, in place of the host''s'
            cand --tls-alpn 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1'
            cand --tls-cert 'Our certificate (PEM), and those that lead from it to its root'
            cand --tls-key 'Its private key (PEM), if it is not in the same file'
            cand --tls-client-ca 'As server: require a certificate that one of these (PEM) has signed'
            cand --handshake-timeout 'Give up a TLS handshake that is not done after this time [default: 10s]'
            cand -k 'Serve many clients at the same time; stdin goes to all of them'
            cand --keep-open 'Serve many clients at the same time; stdin goes to all of them'
            cand --once 'Accept one connection and end when it has closed; the same as --accept 1'
            cand --reuse-port 'Let other processes of this user listen at the same port, too (SO_REUSEPORT)'
            cand --accept-proxy 'Take each client''s address from the header of the PROXY protocol that comes first'
            cand -C 'Send every lone LF as CR LF'
            cand --crlf 'Send every lone LF as CR LF'
            cand --watch 'Load the script again when it changes, keeping every connection'
            cand --pty 'Give the program a terminal of its own, as for a shell or an editor'
            cand --exec-status 'End with the exit status of the program; 128+n if signal n has ended it'
            cand --half-open 'Go on after the peer''s end, until stdin ends too'
            cand --no-shutdown 'Do not tell the peer when stdin ends (no FIN)'
            cand --send-only 'Discard what is received; end after stdin, when the peer does'
            cand --recv-only 'Never read stdin'
            cand --no-stdin 'Never read stdin, under its other name'
            cand -v 'Say more on stderr; repeat for still more'
            cand -q 'Say nothing on stderr but errors'
            cand --quiet 'Say nothing on stderr but errors'
            cand -x 'Show both directions as a hex dump on stderr'
            cand --hex 'Show both directions as a hex dump on stderr'
            cand --raw-terminal 'Let the peer''s control characters reach the terminal'
            cand --no-history 'Do not keep the lines that are typed on a terminal for later runs'
            cand --raw 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
            cand --timestamps 'Begin each line of output with the time of day'
            cand --label 'Begin each line of output with the connection it comes from'
            cand -u 'Use UDP; with unix:PATH, a Unix datagram socket'
            cand --udp 'Use UDP; with unix:PATH, a Unix datagram socket'
            cand -4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand --nodelay 'Send small pieces at once (TCP_NODELAY); this is the default'
            cand --no-nodelay 'Let the system gather small pieces'
            cand -n 'Resolve no names; only addresses work'
            cand --no-dns 'Resolve no names; only addresses work'
            cand --broadcast 'With -u: allow datagrams to all hosts of a network, as in 192.0.2.255'
            cand --tls 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
            cand --tls-insecure 'Trust everybody: what is sent may be read and changed on its way'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;run'= {
            cand --set 'Set app.NAME to this string before the script runs; repeat for more'
            cand --script-timeout 'Stop a call into the script after this time [default: 2s]'
            cand --seed 'Seed of chance: the same number gives the same rand(), choose() and uuid() again'
            cand --max-connects 'Connections that the script may have made at a time [default: by the limit of descriptors]'
            cand --allow-read 'Let the script read files in this folder too; repeat for more'
            cand --allow-write 'Let the script write files in this folder; repeat for more'
            cand --clients 'Run main in this many tasks, and say how long the runs took'
            cand --workers 'Share the clients among this many threads, each with an app of its own'
            cand --duration 'Begin runs for this time; those that run then have one second more'
            cand --rate 'Begin so many runs in a second, or N/m, N/h, of all clients together'
            cand --ramp 'Reach the rate, or the number of clients, evenly within this time'
            cand --fail-if 'End with 1 if this holds, as in ''p99 > 50ms'', ''login.p95 > 1s'', ''failures > 1%'''
            cand --json 'Write the result to this file, for tcpx report; - is stdout'
            cand --shard 'Be shard I of N: a share of the clients and of the rate [default: TCPX_SHARD]'
            cand --start-at 'Begin at this time (2026-11-26T15:00:00Z), or after this (+10s)'
            cand --timeout 'End after this time, whatever happens'
            cand -o 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection'
            cand --output 'Write to this file instead of stdout; with %n, %a or %t, to one for each connection'
            cand --events 'Write what happens to this file as JSON, one object a line; - is stdout'
            cand --progress 'Show on stderr how much has moved, how fast, and how long a file will take; on a terminal, or with =always'
            cand --echo 'Show what is typed on a terminal; lines are shown otherwise, with --raw keys are not'
            cand -E 'Encoding of the connections, until they choose another'
            cand --encoding 'Encoding of the connections, until they choose another'
            cand --proxy 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT'
            cand --proxy-auth-file 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH'
            cand -v 'Say more on stderr; repeat for still more'
            cand -q 'Say nothing on stderr but errors'
            cand --quiet 'Say nothing on stderr but errors'
            cand -x 'Show both directions as a hex dump on stderr'
            cand --hex 'Show both directions as a hex dump on stderr'
            cand --raw-terminal 'Let the peer''s control characters reach the terminal'
            cand --no-history 'Do not keep the lines that are typed on a terminal for later runs'
            cand --raw 'Send each key of a terminal as it is typed, for devices that edit and echo themselves; ~. leaves'
            cand --timestamps 'Begin each line of output with the time of day'
            cand -4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand -n 'Resolve no names; only addresses work'
            cand --no-dns 'Resolve no names; only addresses work'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;report'= {
            cand --json 'Write the merged result to this file as JSON; - is stdout, without the text'
            cand --html 'Write one HTML page with the latencies and the rate over time to this file; - is stdout'
            cand --fail-if 'End with 1 if this holds for the merged result, as in ''p99 > 50ms''; repeat for more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;test'= {
            cand --filter 'Run only tests whose name matches this regular expression'
            cand -j 'Run so many tests at the same time [default: 8]'
            cand --jobs 'Run so many tests at the same time [default: 8]'
            cand --repeat 'Run each test so many times'
            cand --junit 'Write a report in JUnit''s XML to this file too'
            cand --json 'Write a report in JSON to this file too; - is stdout'
            cand --test-timeout 'Stop a test after this time [default: 30s]'
            cand --timeout 'End after this time, whatever happens'
            cand --set 'Set app.NAME to this string before the script runs; repeat for more'
            cand --script-timeout 'Stop a call into the script after this time [default: 2s]'
            cand --seed 'Seed of chance: the same number gives the same rand(), choose() and uuid() again'
            cand --max-connects 'Connections that the script may have made at a time [default: by the limit of descriptors]'
            cand --allow-read 'Let the script read files in this folder too; repeat for more'
            cand --allow-write 'Let the script write files in this folder; repeat for more'
            cand -E 'Encoding of the connections, until they choose another'
            cand --encoding 'Encoding of the connections, until they choose another'
            cand --proxy 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT'
            cand --proxy-auth-file 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH'
            cand --fail-fast 'Begin no test any more after the first failure'
            cand --list 'Only say which tests there are'
            cand --tap 'Report in TAP on stdout'
            cand -v 'Say on stderr what the connections do; repeat for more'
            cand --verbose 'Say on stderr what the connections do; repeat for more'
            cand -4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand -n 'Resolve no names; only addresses work'
            cand --no-dns 'Resolve no names; only addresses work'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;scan'= {
            cand -p 'The ports: numbers, service names and ranges, as in 22,http,8000-8100'
            cand --ports 'The ports: numbers, service names and ranges, as in 22,http,8000-8100'
            cand -w 'How long one port may take without an answer [default: 2s]'
            cand --connect-timeout 'How long one port may take without an answer [default: 2s]'
            cand --timeout 'End after this time, whatever is not known yet (exit 28)'
            cand --proxy 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT'
            cand --proxy-auth-file 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH'
            cand --json 'Write one array of JSON: [{"port":22,"state":"open"}]'
            cand -v 'Write closed and filtered ports, too'
            cand -4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand -n 'Resolve no names; only addresses work'
            cand --no-dns 'Resolve no names; only addresses work'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;wait'= {
            cand --expect 'Wait until what a new connection receives matches'
            cand --send 'Send this text on each connection before the answer is awaited; knows \r \n \t \0 \xHH \u{...}'
            cand -w 'Give up a try after this time without a connection, or without an answer [default: 5s]'
            cand --connect-timeout 'Give up a try after this time without a connection, or without an answer [default: 5s]'
            cand --timeout 'Give up after this time (exit 28) [default: never]'
            cand --proxy 'Connect through this proxy: socks5://, socks4://, socks4a:// or http://[USER:PASSWORD@]HOST:PORT'
            cand --proxy-auth-file 'Read USER:PASSWORD for the proxy from this file, instead of TCPX_PROXY_AUTH'
            cand --tls-ca 'Trust these certificates (PEM) in place of the system''s'
            cand --tls-pin 'Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer'
            cand --tls-name 'The name to ask for (SNI) and to verify, in place of the host''s'
            cand --tls-alpn 'Protocols to speak inside (ALPN), the best first, as in h2,http/1.1'
            cand --tls-cert 'Our certificate (PEM), and those that lead from it to its root'
            cand --tls-key 'Its private key (PEM), if it is not in the same file'
            cand --tls-client-ca 'As server: require a certificate that one of these (PEM) has signed'
            cand --handshake-timeout 'Give up a TLS handshake that is not done after this time [default: 10s]'
            cand -v 'Say each try on stderr'
            cand -q 'Say nothing on stderr but the error that ends it'
            cand --quiet 'Say nothing on stderr but the error that ends it'
            cand -u 'Use UDP; only an answer that --expect waits for proves that somebody is there'
            cand --udp 'Use UDP; only an answer that --expect waits for proves that somebody is there'
            cand -4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand -n 'Resolve no names; only addresses work'
            cand --no-dns 'Resolve no names; only addresses work'
            cand --tls 'Speak TLS (1.2 or 1.3); the same as tls:// before the host'
            cand --tls-insecure 'Trust everybody: what is sent may be read and changed on its way'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;nc'= {
        }
        &'tcpx;ncat'= {
        }
        &'tcpx;script'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand list 'List the built-in scripts'
            cand show 'Write a built-in script to stdout'
            cand check 'Say everything that is wrong with scripts; silent if nothing is'
            cand new 'Write a new script to stdout: a working one, with every event in comments'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tcpx;script;list'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tcpx;script;show'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tcpx;script;check'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;script;new'= {
            cand --session 'A script that reads from top to bottom, with fn session(conn), instead'
            cand --test 'A script of tests for tcpx test instead'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tcpx;script;help'= {
            cand list 'List the built-in scripts'
            cand show 'Write a built-in script to stdout'
            cand check 'Say everything that is wrong with scripts; silent if nothing is'
            cand new 'Write a new script to stdout: a working one, with every event in comments'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tcpx;script;help;list'= {
        }
        &'tcpx;script;help;show'= {
        }
        &'tcpx;script;help;check'= {
        }
        &'tcpx;script;help;new'= {
        }
        &'tcpx;script;help;help'= {
        }
        &'tcpx;encodings'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tcpx;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'tcpx;man'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'tcpx;help'= {
            cand connect 'Connect to a peer: stdin goes to it, what it sends goes to stdout'
            cand listen 'Listen for one peer; for many with -k, for a scripted server with --script'
            cand run 'Run a script from top to bottom: its fn main()'
            cand report 'Merge results of load runs: text, JSON, one HTML page, thresholds'
            cand test 'Run the tests in scripts: every fn test_*()'
            cand scan 'Find the ports of a host that accept'
            cand wait 'Wait until servers accept, or answer: for scripts and CI'
            cand nc 'Take the options of OpenBSD''s nc, with its words and exit codes'
            cand ncat 'Take the options of Ncat, with its words and exit codes'
            cand script 'List and show the built-in scripts, begin and check your own'
            cand encodings 'List every encoding with its aliases'
            cand completions 'Write completions for a shell to stdout'
            cand man 'Write a manual page to stdout'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'tcpx;help;connect'= {
        }
        &'tcpx;help;listen'= {
        }
        &'tcpx;help;run'= {
        }
        &'tcpx;help;report'= {
        }
        &'tcpx;help;test'= {
        }
        &'tcpx;help;scan'= {
        }
        &'tcpx;help;wait'= {
        }
        &'tcpx;help;nc'= {
        }
        &'tcpx;help;ncat'= {
        }
        &'tcpx;help;script'= {
            cand list 'List the built-in scripts'
            cand show 'Write a built-in script to stdout'
            cand check 'Say everything that is wrong with scripts; silent if nothing is'
            cand new 'Write a new script to stdout: a working one, with every event in comments'
        }
        &'tcpx;help;script;list'= {
        }
        &'tcpx;help;script;show'= {
        }
        &'tcpx;help;script;check'= {
        }
        &'tcpx;help;script;new'= {
        }
        &'tcpx;help;encodings'= {
        }
        &'tcpx;help;completions'= {
        }
        &'tcpx;help;man'= {
        }
        &'tcpx;help;help'= {
        }
    ]
    $completions[$command]
}
