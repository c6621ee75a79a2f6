//! Command lines of other netcats, recognised to suggest the tcpx command.
//!
//! Owns the hints for `tcpx HOST PORT`, `tcpx -l PORT` and some options of nc. Makes none of them work.

use std::ffi::{OsStr, OsString};

use super::options_elsewhere::NO_UDP;
use super::usage::shown;
use crate::endpoint::{self, Endpoint};
use crate::error::Error;

/// The usage error for the command line of another netcat, with the tcpx command as the hint. `resembles_command`: the
/// first word is `connect` or `listen` with a typing error.
pub(super) fn recognise(argv: &[OsString], resembles_command: impl Fn() -> bool) -> Option<Error> {
    let words = &argv[1..];
    let first = words.first()?.to_str()?;
    if COMMANDS.contains(&first) {
        return None;
    }
    if first.contains("://") && first.parse::<Endpoint>().is_err() {
        return first.parse::<Endpoint>().err();
    }
    let old = OldLine::read(words);
    if let Some(error) = old.plain.iter().find_map(|word| endpoint::port_range(word)) {
        return Some(error);
    }
    if let Some(word) = old.udp {
        return Some(Error::usage_hint(format!("unknown option {}", shown(OsStr::new(word))), NO_UDP));
    }
    if old.listens {
        let message = format!("unknown option {}", shown(OsStr::new(old.listen_word)));
        return Some(Error::usage_hint(message, old.as_listen()));
    }
    if first.starts_with('-') {
        return options_before_everything(words, &old);
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
    let port = if has_port || first.contains(':') { "" } else { " PORT" };
    Some(Error::usage_hint(unknown(), format!("tcpx connect {}{port}", joined(words))))
}

/// Options before the command, or without a command.
fn options_before_everything(words: &[OsString], old: &OldLine<'_>) -> Option<Error> {
    if let Some(at) = words.iter().position(|word| word == "connect" || word == "listen") {
        let mut sorted = words.to_vec();
        let command = sorted.remove(at);
        sorted.insert(0, command);
        let message = "options come after the command";
        return Some(Error::usage_hint(message, format!("tcpx {}", joined(&sorted))));
    }
    let short = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with('-') && !word.starts_with("--"));
    if old.plain.is_empty() || !words.iter().any(short) {
        return None;
    }
    Some(Error::usage_hint("the command is missing", format!("tcpx connect {}", joined(words))))
}

/// A command line parsed as nc does.
struct OldLine<'a> {
    listens: bool,
    /// The option that says so.
    listen_word: &'a str,
    /// The option that asks for UDP.
    udp: Option<&'a str>,
    port: Option<&'a str>,
    /// Options with the same meaning in tcpx that restrict who can connect.
    kept: String,
    plain: Vec<&'a str>,
}

impl<'a> OldLine<'a> {
    fn read(words: &'a [OsString]) -> Self {
        let mut old =
            Self { listens: false, listen_word: "", udp: None, port: None, kept: String::new(), plain: Vec::new() };
        let mut words = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--").peekable();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some("-udp") => old.udp = Some(word),
                Some("-listen") => (old.listens, old.listen_word) = (true, word),
                Some(long) if long.starts_with('-') || long.is_empty() => {}
                Some(cluster) => {
                    for (at, letter) in cluster.char_indices() {
                        match letter {
                            'l' => (old.listens, old.listen_word) = (true, word),
                            'u' => old.udp = Some(word),
                            'k' | '4' | '6' if !old.kept.contains(letter) => {
                                old.kept.push_str(" -");
                                old.kept.push(letter);
                            }
                            _ => {}
                        }
                        if WITH_VALUE.contains(letter) {
                            let rest = &cluster[at + letter.len_utf8()..];
                            let value =
                                if rest.is_empty() { words.next_if(|next| !next.starts_with('-')) } else { Some(rest) };
                            if letter == 'p' {
                                old.port = value;
                            }
                            break;
                        }
                    }
                }
                None => old.plain.push(word),
            }
        }
        old
    }

    fn as_listen(&self) -> String {
        let mut line = format!("tcpx listen{}", self.kept);
        for word in self.plain.iter().chain(&self.port) {
            line.push(' ');
            line.push_str(&quoted(OsStr::new(word)));
        }
        if self.plain.is_empty() && self.port.is_none() {
            line.push_str(" PORT");
        }
        line
    }
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

/// The commands, valid as the first word.
const COMMANDS: &[&str] =
    &["connect", "listen", "script", "encodings", "completions", "man", "help", "-h", "--help", "-V", "--version"];

/// Short options of nc, ncat and nc.traditional that take a value.
const WITH_VALUE: &str = "wiqspecIOTPV";

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::cli::tests::{refused, refused_words};

    fn hint(line: &str) -> String {
        let said = refused(line);
        said.split_once(" | ").unwrap_or_else(|| panic!("no hint in {said}")).1.to_owned()
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
        assert_eq!(hint("-w 2 h 80"), "tcpx connect -w 2 h 80");
        assert_eq!(refused("-v listen 80"), "options come after the command | tcpx listen -v 80");
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
        assert_eq!(hint("-4lw 3 8080"), "tcpx listen -4 8080");
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
    fn udp_is_reported_as_missing() {
        for line in
            ["-u h 80", "h 80 -u", "-uv h 80", "-ul 80", "-lu 80", "--udp h 80", "connect -u h 80", "listen --udp 80"]
        {
            assert_eq!(hint(line), "UDP is not there yet: tcpx speaks TCP only, so far", "{line}");
        }
        assert_eq!(hint("-w u h 80"), "tcpx connect -w u h 80");
    }

    #[test]
    fn hints_are_quoted_for_a_shell() {
        let said = refused_words(&["a.b", "80", "--send", "hello world"].map(OsString::from));
        assert_eq!(said, "unknown command \"a.b\" | tcpx connect a.b 80 --send 'hello world'");
        let said = refused_words(&["a.b", "80", "\x1b[31m"].map(OsString::from));
        assert_eq!(said, "unknown command \"a.b\" | tcpx connect a.b 80 \"\\u{1b}[31m\"");
    }
}
