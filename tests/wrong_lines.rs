//! Wrong command lines, run in Chinese: no line of what they say is English, apart from what is quoted and what is to be typed.

use crate::examples::words;
use crate::messages::pairs_of_words;
use crate::support::{Folder, Tcpx};

/// Command lines that end at once. `SCRIPT` is a file with an error, `TEXT` one that is no script and no certificate.
const LINES: &str = r#"
bogus
conect 127.0.0.1 1
connect
connect 127.0.0.1
connect 127.0.0.1 x
connect 127.0.0.1 99999
connect 127.0.0.1 0
connect 127.0.0.1 1-9
connect [::1 80
connect ::1
connect 127.0.0.1:1 2
connect 127.0.0.1 1 2
connect 127.0.0.1 1 --bogus
connect 127.0.0.1 1 --tiemout 1
connect 127.0.0.1 1 -E klingon
connect 127.0.0.1 1 -E utf-7
connect 127.0.0.1 1 --send-encoding auto
connect 127.0.0.1 1 --malformed fail
connect 127.0.0.1 1 --unencodable fail
connect 127.0.0.1 1 -E gbk --malformed maybe
connect 127.0.0.1 1 --send-hex xyz
connect 127.0.0.1 1 --send-hex 0
connect 127.0.0.1 1 --send '\xZ'
connect 127.0.0.1 1 --send 'a\'
connect 127.0.0.1 1 --send '\q'
connect 127.0.0.1 1 --send '\u'
connect 127.0.0.1 1 --send '\u{110000}'
connect 127.0.0.1 1 --send-file /nonexistent/x
connect 127.0.0.1 1 --send-file -
connect 127.0.0.1 1 --expect '('
connect 127.0.0.1 1 --expect '[z-a]'
connect 127.0.0.1 1 --expect 'a{'
connect 127.0.0.1 1 --expect '*'
connect 127.0.0.1 1 --expect ''
connect 127.0.0.1 1 --expect '(?=a)'
connect 127.0.0.1 1 --fail-on '(?P<>a)'
connect 127.0.0.1 1 --until 0b
connect 127.0.0.1 1 --until 99999999999999999999b
connect 127.0.0.1 1 -4 -6
connect 127.0.0.1 1 -6
connect ::1 1 -4
connect 127.0.0.1 1 --source ::1
connect 127.0.0.1 1 --send-only --recv-only
connect 127.0.0.1 1 --send-only --expect x
connect 127.0.0.1 1 --send-only --on-data 1
connect 127.0.0.1 1 --send-only -o x
connect 127.0.0.1 1 -q -v
connect 127.0.0.1 1 -z --expect x
connect 127.0.0.1 1 -z --idle-timeout 1s
connect 127.0.0.1 1 -o /nonexistent/x
connect 127.0.0.1 1 -o %q
connect 127.0.0.1 1 --output-dir /nonexistent/x
connect 127.0.0.1 1 --output-dir . -o x
connect 127.0.0.1 1 --events /nonexistent/x
connect 127.0.0.1 1 --events x -o x
connect 127.0.0.1 1 -s nofile.rhai
connect 127.0.0.1 1 -s @ecoh
connect 127.0.0.1 1 -s @
connect 127.0.0.1 1 -s
connect 127.0.0.1 1 -s a.rhai -s b.rhai
connect 127.0.0.1 1 -s 127.0.0.1
connect 127.0.0.1 1 --on-data 'conn.sned(data'
connect 127.0.0.1 1 --on-data 'foo('
connect 127.0.0.1 1 --on-data 'let = 3'
connect 127.0.0.1 1 --on-data 'x ++ y'
connect 127.0.0.1 1 --on-data '"abc'
connect 127.0.0.1 1 --on-data x --on-line y
connect 127.0.0.1 1 --session x --on-line y
connect 127.0.0.1 1 --exec /nonexistent/x
connect 127.0.0.1 1 --exec
connect 127.0.0.1 1 --exec '"a'
connect 127.0.0.1 1 --exec ''
connect 127.0.0.1 1 --run ''
connect 127.0.0.1 1 --session ''
connect 127.0.0.1 1 --sh ''
connect 127.0.0.1 1 --exec true --on-data x
connect 127.0.0.1 1 --exec true --expect x
connect 127.0.0.1 1 --exec true -E gbk
connect 127.0.0.1 1 --exec true --send x
connect 127.0.0.1 1 --exec true --sh true
connect 127.0.0.1 1 --exec-status
connect 127.0.0.1 1 --pty
connect 127.0.0.1 1 --tls-ca /nonexistent/x
connect 127.0.0.1 1 --tls --tls-ca /nonexistent/x
connect 127.0.0.1 1 --tls --tls-ca TEXT
connect 127.0.0.1 1 --tls --tls-cert /nonexistent/x
connect 127.0.0.1 1 --tls --tls-cert TEXT
connect 127.0.0.1 1 --tls --tls-key TEXT
connect 127.0.0.1 1 --tls --tls-pin abc
connect 127.0.0.1 1 --tls --tls-name 'a b'
connect 127.0.0.1 1 --tls --tls-alpn ,
connect 127.0.0.1 1 --tls --tls-insecure --tls-pin 0000000000000000000000000000000000000000000000000000000000000000
connect 127.0.0.1 1 --tls -u
connect unix:/nonexistent/x --tls
connect tls://127.0.0.1:1
connect 127.0.0.1 1 --proxy 127.0.0.1:1
connect 127.0.0.1 1 --proxy socks5://
connect 127.0.0.1 1 --proxy https://127.0.0.1:1
connect 127.0.0.1 1 --proxy bogus://127.0.0.1:1
connect 127.0.0.1 1 --proxy socks5://a%zz@127.0.0.1:1
connect 127.0.0.1 1 --proxy socks4://a:b@127.0.0.1:1
connect ::1 1 --proxy socks4://127.0.0.1:1
connect unix:/x --proxy socks5://127.0.0.1:1
connect 127.0.0.1 1 --proxy-auth-file x
connect 127.0.0.1 1 --proxy socks5://127.0.0.1:1 -u
connect 127.0.0.1 1 --source x
connect 127.0.0.1 1 --source 192.0.2.1
connect 127.0.0.1 1 --bind-device a/b
connect 127.0.0.1 1 --ttl 0
connect 127.0.0.1 1 --ttl x
connect 127.0.0.1 1 --tos bogus
connect 127.0.0.1 1 --memory 1
connect 127.0.0.1 1 --memory x
connect 127.0.0.1 1 --keepalive -1
connect 127.0.0.1 1 --keepalive 10h
connect 127.0.0.1 1 --user-timeout 2000h
connect 127.0.0.1 1 --timeout x
connect 127.0.0.1 1 --timeout 0.1ms
connect 127.0.0.1 1 --timeout 9000h
connect 127.0.0.1 1 --timeout
connect 127.0.0.1 1 --progress=x
connect 127.0.0.1 1 --set x
connect 127.0.0.1 1 --set =x --on-data 1
connect 127.0.0.1 1 --seed x --on-data 1
connect 127.0.0.1 1 --seed 1
connect 127.0.0.1 1 --broadcast
connect 127.0.0.1 1 --join 224.0.0.1
connect 127.0.0.1 1 -u --join 10.0.0.1
connect 127.0.0.1 1 -u --join x
connect 224.0.0.1 1 -u --multicast-ttl 300
connect 127.0.0.1 1 --retry-delay 1s
connect 127.0.0.1 1 --reconnect --retry-delay 0
connect 127.0.0.1 1 --watch
connect 127.0.0.1 1 --watch -s @echo
connect 127.0.0.1 1 -e x
connect 127.0.0.1 1 -p 5
connect 127.0.0.1 1 --ssl
connect 127.0.0.1 1 --lua-exec x
connect 127.0.0.1 1 -- x
connect 127.0.0.1 1 --hex=1
connect unix:
connect unix:/nonexistent/x
connect unix:/nonexistent/x -4
connect unix:/nonexistent/x --nodelay
connect unix:/nonexistent/x 80
connect fd:99
connect fd:0
connect http://127.0.0.1:80/
connect redis://127.0.0.1:80/
connect ftp:127.0.0.1
listen
listen x
listen 99999
listen 127.0.0.1 0 0
listen 0 --accept 2
listen 0 --accept 0
listen 0 --once --accept 1 -k
listen 0 --max-conns 3
listen 0 --workers 2
listen 0 --workers 9999 --on-data 1
listen 0 -k --expect x
listen 0 -k --eof-wait 1s
listen 0 --on-data 1 --eof-wait 1s
listen 0 --allow x/y
listen 0 --allow 10.0.0.0/99
listen 0 --allow 10.0.0.1/8
listen 0 --allow @/nonexistent/x
listen unix:/nonexistent/x
listen unix:/nonexistent/x --allow 10.0.0.0/8
listen 0 --ready-fd 99
listen 0 --ready-fd x
listen 0 --ready-file x -o x
listen 0 --proxy socks5://127.0.0.1:1
listen 0 --exec true -k --exec-status
listen 0 -l
listen 0 --keep-opne
listen 192.0.2.1 0
listen 0 --tls --tls-cert TEXT
scan
scan 127.0.0.1
scan 127.0.0.1 9-1
scan 127.0.0.1 x-y
scan 127.0.0.1 1,,2
wait
wait 127.0.0.1
wait 127.0.0.1 1 --send x
run
run nofile.rhai
run SCRIPT
run SCRIPT --rate 5
run SCRIPT --clients 2 --rate x
run SCRIPT --clients 2 --workers 3
run SCRIPT --clients 2 --fail-if 'x'
run SCRIPT --clients 2 --shard 5/4
run SCRIPT --clients 2 --start-at x
test
test nofile.rhai
test SCRIPT
test SCRIPT --filter '('
test SCRIPT --tap --json -
script
script bogus
script check
script check SCRIPT
script check nofile.rhai
script show @ecoh
script show
config
config bogus
help bogus
report
report nofile.json
report TEXT
report - -
completions
completions bogus
encodings x
"#;

/// Commands of two words, which messages name.
const COMMANDS: [&str; 2] = ["script check", "script show"];

/// What is wrong with this is reported by `script check`, with hints.
const SCRIPT: &str = "fn on_data(conn, data) {\n    conn.sned(data);\n    let x = lenght(data);\n    x.to_upper();\n    \
                      if x = 3 { }\n}\nfn on_conect(conn) { }\nfn main(a, b) { }\n";

#[test]
fn wrong_lines_are_answered_in_chinese() {
    let folder = Folder::new();
    let script = folder.file("wrong.rhai", SCRIPT.as_bytes());
    let text = folder.file("text", "no script\n".as_bytes());
    let (mut faults, mut said) = (Vec::new(), 0);
    for line in LINES.lines().filter(|line| !line.is_empty()) {
        let words = words(line);
        let words: Vec<_> = words
            .iter()
            .map(|word| match word.as_str() {
                "SCRIPT" => script.to_str().expect("UTF-8"),
                "TEXT" => text.to_str().expect("UTF-8"),
                other => other,
            })
            .collect();
        let done = Tcpx::new(&words).under(&["timeout", "20", "env", "TCPX_LANG=zh"]).run();
        let stderr = &done.stderr;
        if done.status_code() == Some(0) || stderr.is_empty() {
            faults.push(format!("{line}: exit {:?}, and it says {stderr:?}", done.status_code()));
        }
        // Lines of a script are shown as they are.
        for message in stderr.lines().filter(|message| !message.trim_start_matches([' ', '|', '^']).is_empty()) {
            said += 1;
            let is_source = message.split_once(" | ").is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok());
            if !is_source && is_english(message) {
                faults.push(format!("{line}\n    {message}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} lines are not Chinese:\n{}", faults.len(), faults.join("\n"));
    assert!(said > 300, "only {said} lines were said");
}

/// Whether words in small letters stand side by side outside of quotes, in a message that is not just a command to type.
fn is_english(message: &str) -> bool {
    let message = message.split_once(": ").filter(|(begin, _)| *begin == "tcpx").map_or(message, |(_, rest)| rest);
    let mut plain = String::new();
    let mut quote = None;
    for letter in message.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if "\"'`".contains(letter) => quote = Some(letter),
            None => plain.push(letter),
            Some(_) => {}
        }
    }
    let is_command = |begin: &str| plain.trim_start_matches("提示：").starts_with(begin);
    !["tcpx ", "cat ", "fn "].iter().any(|begin| is_command(begin))
        && (pairs_of_words(&plain).iter().any(|pair| !COMMANDS.contains(&pair.as_str())) || plain.is_ascii())
}
