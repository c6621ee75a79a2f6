//! Command lines of other netcats, recognised to suggest the tcpx command.
//!
//! Owns the hints for a line without a command: `tcpx HOST PORT`, `tcpx -l PORT`, addresses of socat. Makes none of
//! them work. What is suggested works: it is parsed first.

use std::ffi::{OsStr, OsString};

use clap::Command;

use super::old_line::{OldLine, Translated};
use super::options_elsewhere::TLS;
use super::socat::{self, Counterpart};
use super::usage::shown;
use crate::endpoint::{self, Endpoint};
use crate::error::Error;

/// The usage error for the command line of another netcat, with the tcpx command as the hint. `resembles_command`: the
/// first word is `connect` or `listen` with a typing error.
pub(super) fn recognise(argv: &[OsString], tcpx: &Command, resembles_command: impl Fn() -> bool) -> Option<Error> {
    let words = &argv[1..];
    let first = words.first()?.to_str()?;
    if tcpx.find_subcommand(first).is_some() {
        return None;
    }
    if first.contains("://") && first.parse::<Endpoint>().is_err() {
        return first.parse::<Endpoint>().err();
    }
    let texts: Vec<_> = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--").collect();
    let tail = &words[words.iter().position(|word| word == "--").unwrap_or(words.len())..];
    if let Some(counterpart) = socat::counterpart(&texts) {
        return Some(as_socat(first, counterpart));
    }
    let old = OldLine::read(&texts, tcpx);
    let option = |word: &str| format!("unknown option {}", shown(OsStr::new(word)));
    if let Some(error) = old.port_range() {
        return Some(error);
    }
    if let Some(word) = old.tls {
        return Some(Error::usage_hint(option(word), TLS));
    }
    if let Some(word) = old.listen_word {
        return Some(Error::usage_hint(option(word), suggested(&old, true, tail)));
    }
    if first.starts_with('-') && first != "-" {
        return options_before_everything(words, &old, tail, tcpx);
    }
    let unknown = || format!("unknown command {}", shown(OsStr::new(first)));
    if first.bytes().all(|b| b.is_ascii_digit()) && old.plain.len() == 1 {
        let hint = format!("tcpx listen {first}, or tcpx connect HOST {first}");
        return Some(Error::usage_hint(unknown(), hint));
    }
    let is_host = first.contains(['.', ':']) || first == "localhost";
    let has_port = old.plain.get(1).is_some_and(|word| endpoint::parse_port(word).is_ok());
    if !is_host && (!has_port || resembles_command()) {
        return None;
    }
    Some(Error::usage_hint(unknown(), suggested(&old, false, tail)))
}

/// Options before the command, or without a command.
fn options_before_everything(
    words: &[OsString],
    old: &OldLine<'_>,
    tail: &[OsString],
    tcpx: &Command,
) -> Option<Error> {
    let first = words.iter().position(|word| !word.as_encoded_bytes().starts_with(b"-")).unwrap_or_default();
    let other = words.get(first).and_then(|word| tcpx.find_subcommand(word));
    if let Some(command) = other.filter(|command| !["connect", "listen"].contains(&command.get_name())) {
        // Those of a command of a command stand behind both.
        let (options, rest) = words.split_at(first);
        let deep = 1 + usize::from(command.has_subcommands() && rest.len() > 1);
        let sorted = [&rest[..deep], options, &rest[deep..]].concat();
        let line = sorted.iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        let is_valid = line.is_some_and(|line| works(&line));
        let name = command.get_name();
        let hint = if is_valid { joined(&sorted) } else { format!("{name} --help shows the options") };
        return Some(Error::usage_hint("options come after the command", format!("tcpx {hint}")));
    }
    if let Some(at) = words.iter().position(|word| word == "connect" || word == "listen") {
        let mut sorted = words.to_vec();
        let command = sorted.remove(at);
        sorted.insert(0, command);
        let line = sorted.iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        let command = sorted[0].to_string_lossy().into_owned();
        let is_valid = line.is_some_and(|line| works(&line));
        let hint = if is_valid { joined(&sorted) } else { format!("{command} [OPTIONS] {}", place_of(&command)) };
        return Some(Error::usage_hint("options come after the command", format!("tcpx {hint}")));
    }
    if old.plain.is_empty() {
        return None;
    }
    if old.unknown.is_some() {
        return None;
    }
    Some(Error::usage_hint("the command is missing", suggested(old, false, tail)))
}

fn as_socat(first: &str, counterpart: Counterpart) -> Error {
    let hint = match counterpart {
        Counterpart::Missing(what) => what.to_owned(),
        Counterpart::Command(line, note) => {
            let line = if works(&line) { line } else { vec![line[0].clone(), place_of(&line[0]).to_owned()] };
            with_note(note, &line)
        }
    };
    Error::usage_hint(format!("unknown command {}", shown(OsStr::new(first))), hint)
}

/// The command of tcpx that does what the line did, as much of it as works.
fn suggested(old: &OldLine<'_>, listens: bool, tail: &[OsString]) -> String {
    let command = if listens { "listen" } else { "connect" };
    let Translated { words, note } = old.translate(listens);
    let mut whole = vec![command.to_owned()];
    whole.extend(words);
    let tail = tail.iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let places = old.plain.iter().copied().take(2);
    let plain: Vec<_> = [command].into_iter().chain(places).map(str::to_owned).collect();
    let bare = [command, place_of(command)].map(str::to_owned).to_vec();
    let with = |line: &[String], word: &[String]| [line, word].concat();
    let port = ["PORT".to_owned()];
    let mut lines = vec![with(&whole, &tail.unwrap_or_default()), with(&whole, &port), whole];
    lines.extend([plain.clone(), with(&plain, &port)]);
    let line = lines.into_iter().find(|line| works(line)).unwrap_or(bare);
    with_note(note, &line)
}

fn with_note(note: Option<&str>, line: &[String]) -> String {
    let words: Vec<_> = line.iter().map(OsString::from).collect();
    let line = match line {
        [command, place] if place == place_of(command) => format!("{command} {place}"),
        _ => joined(&words),
    };
    match note {
        Some(note) => format!("{note}: tcpx {line}"),
        None => format!("tcpx {line}"),
    }
}

/// Whether tcpx accepts a line, where PORT stands for a port.
fn works(line: &[String]) -> bool {
    let words = line.iter().map(|word| if word == "PORT" { "80" } else { word });
    let argv: Vec<_> = ["tcpx"].into_iter().chain(words).map(OsString::from).collect();
    super::parse_words(&argv, &super::Surroundings::alone(false)).is_ok()
}

fn place_of(command: &str) -> &'static str {
    if command == "listen" { "PORT" } else { "HOST PORT" }
}

fn joined(words: &[OsString]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word quoted for a shell, on one line.
fn quoted(word: &OsStr) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,[]".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.len() <= 200 && text.chars().all(plain) => text.to_owned(),
        Some(text) if text.len() <= 200 && text.escape_debug().eq(text.chars()) => format!("'{text}'"),
        _ => shown(word),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::cli::tests::{refused, refused_words};

    fn hint(line: &str) -> String {
        let said = refused(line);
        said.split_once(" | ").unwrap_or_else(|| panic!("no hint in {said}")).1.to_owned()
    }

    #[test]
    fn a_command_is_no_host_whatever_is_wrong_behind_it() {
        for command in ["connect", "listen", "run", "test", "scan", "wait", "report", "script", "man", "encodings"] {
            let said = refused(&format!("{command} --frobnicate 4 5"));
            assert!(said.starts_with("unknown option \"--frobnicate\" | "), "{command}: {said}");
        }
    }

    #[test]
    fn host_and_port_suggest_connect() {
        assert_eq!(refused("example.org 80"), "unknown command \"example.org\" | tcpx connect example.org 80");
        for line in ["127.0.0.1 80", "localhost 80", "localhost:80", "db http", "[::1]:80", "h 80 -v", ":80"] {
            assert_eq!(hint(line), format!("tcpx connect {line}"));
        }
        assert_eq!(hint("example.org"), "tcpx connect example.org PORT");
        assert_eq!(hint("8080"), "tcpx listen 8080, or tcpx connect HOST 8080");
        assert_eq!(refused("-zv example.org 80"), "the command is missing | tcpx connect -zv example.org 80");
        assert_eq!(hint("-w 2 h 80"), "tcpx connect -w 2 -i 2 h 80");
        assert_eq!(refused("-v listen 80"), "options come after the command | tcpx listen -v 80");
        let behind = |line: &str| format!("options come after the command | tcpx {line}");
        assert_eq!(refused("--no-config config show"), behind("config show --no-config"));
        assert_eq!(refused("-v wait h 80"), behind("wait -v h 80"));
        assert_eq!(refused("-Q wait h 80"), behind("wait --help shows the options"));
    }

    #[test]
    fn minus_l_suggests_listen() {
        assert_eq!(refused("-l 8080"), "unknown option \"-l\" | tcpx listen 8080");
        let port = "tcpx listen 8080";
        for line in ["-l 8080", "-lp 8080", "-l -p 8080", "-lvnp 8080", "-lp8080", "-nvlp 8080", "--listen 8080"] {
            assert_eq!(hint(line), port, "{line}");
        }
        assert_eq!(hint("8080 -l"), port);
        assert_eq!(hint("-v -l 8080"), port);
        assert_eq!(hint("-lk 127.0.0.1 8080"), "tcpx listen -k 127.0.0.1 8080");
        assert_eq!(hint("-4lw 3 8080"), "tcpx listen -4 -i 3 8080");
        assert_eq!(hint("-l"), "tcpx listen PORT");
    }

    #[test]
    fn options_of_nc_have_a_hint() {
        assert_eq!(hint("connect -l 80"), "tcpx listen PORT listens");
        assert_eq!(hint("listen -lp 80"), "leave it out: tcpx listen PORT");
        assert_eq!(hint("listen -p 80"), "the port is a word of its own: tcpx listen PORT");
        assert!(hint("connect -p 80 h 80").starts_with("--source :PORT chooses the local port"));
        assert_eq!(
            hint("connect -N h 80"),
            "leave it out: the end of stdin is passed on unless --no-shutdown is given"
        );
    }

    #[test]
    fn udp_is_an_option_here_too() {
        for (line, translated) in [
            ("-u h 80", "tcpx connect -u h 80"),
            ("h 80 -u", "tcpx connect h 80 -u"),
            ("-uv h 80", "tcpx connect -uv h 80"),
            ("-ul 80", "tcpx listen -u 80"),
            ("-lku 80", "tcpx listen -ku 80"),
            ("--udp h 80", "tcpx connect --udp h 80"),
            ("-uU /tmp/x", "tcpx connect -u unix:/tmp/x"),
        ] {
            assert_eq!(hint(line), translated, "{line}");
        }
        assert_eq!(hint("-w u h 80"), "tcpx connect h 80");
    }

    #[test]
    fn options_of_nc_are_translated() {
        for (line, translated) in [
            ("-w 3 h 80", "tcpx connect -w 3 -i 3 h 80"),
            ("-zw3 h 80", "tcpx connect -z -w 3 h 80"),
            ("h 80 -w 3", "tcpx connect -w 3 -i 3 h 80"),
            ("--wait 5 h 80", "tcpx connect -w 5 -i 5 h 80"),
            ("--wait=5 h 80", "tcpx connect -w 5 -i 5 h 80"),
            ("-q 1 h 80", "tcpx connect --eof-wait 1 h 80"),
            ("-q2 h 80", "tcpx connect --eof-wait 2 h 80"),
            ("-q -1 h 80", "tcpx connect h 80"),
            ("-q h 80", "tcpx connect -q h 80"),
            ("-d h 80", "tcpx connect --no-stdin h 80"),
            ("-s 192.0.2.7 h 80", "tcpx connect --source 192.0.2.7 h 80"),
            ("-s 192.0.2.7 -p 4000 h 80", "tcpx connect --source 192.0.2.7:4000 h 80"),
            ("-s ::1 -p 4000 h 80", "tcpx connect --source [::1]:4000 h 80"),
            ("-p 4000 h 80", "tcpx connect --source :4000 h 80"),
            ("--source-port 4000 h 80", "tcpx connect --source :4000 h 80"),
            ("-s @echo h 80", "tcpx connect -s @echo h 80"),
            ("-G 5 h 80", "tcpx connect -w 5 h 80"),
            ("-G 5 -w 9 h 80", "tcpx connect -w 5 -i 9 h 80"),
            ("-t h 23", "tcpx connect --script @telnet h 23"),
            ("-U /tmp/x", "tcpx connect unix:/tmp/x"),
            ("-lU /tmp/x", "tcpx listen unix:/tmp/x"),
            ("-N h 80", "tcpx connect h 80"),
            ("-x h:80", "tcpx connect -x h:80"),
            ("-x h 80", "tcpx connect -x h 80"),
            ("--hex-dump f h 80", "tcpx connect -x h 80"),
            ("--timeout 5 h 80", "tcpx connect --timeout 5 h 80"),
            ("--send-only h 80", "tcpx connect --send-only h 80"),
            ("--max-time 5 h 80", "tcpx connect --timeout 5 h 80"),
            ("-l -p 9000 -s 127.0.0.1", "tcpx listen 127.0.0.1 9000"),
            ("-l -w 3 9000", "tcpx listen -i 3 9000"),
            ("-lk -m 10 9000", "tcpx listen -k -m 10 9000"),
            ("-l --max-conns 10 -k 9000", "tcpx listen --max-conns 10 -k 9000"),
            ("-l --broker 9000", "tcpx listen --script @broker 9000"),
            ("-l --chat 9000", "tcpx listen --script @chat 9000"),
            ("-lk -e /bin/cat 9000", "tcpx listen -k --script @echo 9000"),
            ("-l --exec cat 9000", "tcpx listen --script @echo 9000"),
            ("-e /bin/sh h 80", "tcpx connect --exec /bin/sh h 80"),
            ("--sh-exec /bin/sh h 80", "tcpx connect --sh /bin/sh h 80"),
            ("-l -k -z -e /bin/sh 9000", "tcpx listen -k --exec /bin/sh 9000"),
            ("-zv h 20-30", "tcpx scan h 20-30 tries all of them"),
            ("-zv h 30-4", "tcpx scan h 4-30 tries all of them"),
            ("-v -q 1 connect h 80", "tcpx connect [OPTIONS] HOST PORT"),
        ] {
            assert_eq!(hint(line), translated, "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for (line, part, command) in [
            ("--ssl h 443", "--tls speaks TLS", ""),
            ("-l --ssl --ssl-cert c 443", "--tls speaks TLS", ""),
            ("https://h", "tcpx speaks TLS", "tcpx connect --tls h 443"),
            ("OPENSSL:h:443 -", "--tls speaks TLS", ""),
            ("-x p:1 h 80", "", "tcpx connect --proxy socks5://p:1 h 80"),
            ("-X 5 -x p:1 h 80", "", "tcpx connect --proxy socks5://p:1 h 80"),
            ("-x p:1 -P u h 80", "", "tcpx connect --proxy socks5://u@p:1 h 80"),
            ("--proxy p:1 --proxy-type socks4 h 80", "", "tcpx connect --proxy socks4a://p:1 h 80"),
            ("--proxy p --proxy-auth u:secret h 80", "", "tcpx connect --proxy http://u@p:3128 h 80"),
            ("--proxy socks5://u:secret@p h 80", "", "tcpx connect --proxy 'socks5://***@p' h 80"),
            ("-l --lua-exec x.lua 9000", "written in Rhai", "tcpx listen 9000"),
            ("-l --allow 10.0.0.0/8 --deny ::1 9000", "", "tcpx listen --allow 10.0.0.0/8 --deny ::1 9000"),
            ("-l --denyfile /dev/null 9000", "", "tcpx listen --deny @/dev/null 9000"),
        ] {
            let hint = hint(line);
            assert!(hint.contains(part) && hint.ends_with(command), "{line}: {hint}");
        }
    }

    #[test]
    fn lines_of_socat_are_translated() {
        for (line, translated) in [
            ("TCP-LISTEN:9000 -", "tcpx listen 9000"),
            ("- TCP-LISTEN:9000,reuseaddr,fork", "tcpx listen -k 9000"),
            ("tcp4-listen:9000,bind=127.0.0.1 STDIO", "tcpx listen -4 127.0.0.1 9000"),
            ("TCP-LISTEN:9000,fork PIPE", "tcpx listen 9000 --script @echo"),
            ("TCP-LISTEN:9000,fork TCP:h:80", "tcpx listen 9000 --script @proxy -- h:80"),
            ("- TCP:h:80", "tcpx connect h 80"),
            ("STDIO TCP6:[::1]:80", "tcpx connect [::1] 80"),
            ("-d - TCP:h:80", "tcpx connect h 80"),
            ("- UNIX-CONNECT:/tmp/x", "tcpx connect unix:/tmp/x"),
            ("- TCP:h:80,retry=3,interval=2", "tcpx connect --retry 3 --retry-delay 2 h 80"),
            ("- TCP:h:80,forever", "tcpx connect --reconnect h 80"),
            ("UNIX-LISTEN:/tmp/x,fork -", "tcpx listen -k unix:/tmp/x"),
            ("TCP-LISTEN: -", "tcpx listen PORT"),
            ("TCP-LISTEN:9000,fork EXEC:/bin/sh", "tcpx listen -k 9000 --exec /bin/sh"),
            ("TCP:h:80 EXEC:/bin/sh,pty", "tcpx connect h 80 --pty --exec /bin/sh"),
            ("- UDP:h:53", "tcpx connect -u h 53"),
            ("- udp4-sendto:h:53", "tcpx connect -u h 53"),
            ("UDP-LISTEN:9000,fork -", "tcpx listen -ku 9000"),
            ("UDP-RECV:9000 -", "tcpx listen -u 9000"),
            ("UDP6-RECVFROM:9000,fork PIPE", "tcpx listen -u -6 9000 --script @echo"),
            ("- UNIX-SENDTO:/dev/log", "tcpx connect -u unix:/dev/log"),
            ("UNIX-RECV:/tmp/x -", "tcpx listen -u unix:/tmp/x"),
        ] {
            assert_eq!(hint(line), translated, "{line}");
        }
    }

    /// What a hint says to type is accepted, whatever letters and values it is made of.
    #[test]
    fn every_suggested_line_is_accepted() {
        let flags = "46CDNUdknrtvzbSF".chars().map(|letter| format!("-{letter}"));
        let valued = "IOTPXMeGgicmopqswxE"
            .chars()
            .flat_map(|letter| ["1", "x", "192.0.2.7", "p:1", "-1"].map(|value| format!("-{letter} {value}")));
        let long = ["--wait 3", "--wait", "--exec cat", "--allow h", "--broker", "--chat", "--proxy p:1", "--nodns"];
        let long = long.into_iter().chain(["--telnet", "--unixsock", "--max-time 3", "--keep-open", "--expect ("]);
        let options: Vec<_> = flags.chain(valued).chain(long.map(str::to_owned)).collect();
        let mut seen = 0;
        for one in &options {
            for two in ["", "-w 3", "-z", "-U", "-e cat"] {
                for line in [format!("{one} {two} h 80"), format!("h 80 {one} {two}"), format!("-l {one} {two} 9000")] {
                    seen += usize::from(accepts_what_it_suggests(&line));
                }
            }
        }
        assert!(seen > 1000, "only {seen} lines");
    }

    /// Checks every command in the hint for a line, if it has one.
    fn accepts_what_it_suggests(line: &str) -> bool {
        let said = refused(line);
        let Some((_, hint)) = said.split_once(" | ") else { return false };
        let mut commands =
            hint.split("tcpx ").skip(1).filter(|rest| rest.starts_with("connect ") || rest.starts_with("listen "));
        let Some(command) = commands.next() else { return false };
        let command = command.replace("PORT", "80").replace('\'', "");
        let argv = ["tcpx"].into_iter().chain(command.split_whitespace()).map(OsString::from).collect::<Vec<_>>();
        let parsed = crate::cli::parse_words(&argv, &crate::cli::Surroundings::alone(false));
        assert!(parsed.is_ok(), "{line}: {hint}: {parsed:?}");
        true
    }

    #[test]
    fn hints_are_quoted_for_a_shell() {
        let said = refused_words(&["a.b", "80", "--send", "hello world"].map(OsString::from));
        assert_eq!(said, "unknown command \"a.b\" | tcpx connect a.b 80 --send 'hello world'");
        let said = refused_words(&["a.b", "80", "\x1b[31m"].map(OsString::from));
        assert_eq!(said, "unknown command \"a.b\" | tcpx connect a.b 80");
    }
}
