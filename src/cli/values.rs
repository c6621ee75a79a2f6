//! Single values: counts, descriptors, encodings, scripts, addresses.
//!
//! Owns the parsing of one value and its error messages. Does not know rules between options.

mod durations;

use std::net::Ipv6Addr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use encoding_rs::Encoding;

pub(super) use self::durations::{duration, duration_or_zero};
use super::inherited;
use super::usage::shown;
use crate::codec::escape::show_line;
use crate::codec::labels::{self, lookup};
use crate::codec::scan::Pattern;
use crate::config::{Charset, Keepalive, ScriptSource, Until};
use crate::endpoint::{Endpoint, UnixName};
use crate::error::{Error, Result};
use crate::sys::unix::is_open_fd;

/// Parses the time of `--keepalive`: 0 turns it off.
pub(super) fn keepalive(text: &str) -> Result<Keepalive> {
    let idle = duration_or_zero("--keepalive", text)?;
    if idle > LONGEST_KEEPALIVE {
        let hint = "write a time up to 9h, as in --keepalive 1m";
        return Err(Error::usage_hint(format!("--keepalive {text:?} is longer than the system allows"), hint));
    }
    Ok(if idle.is_zero() { Keepalive::Off } else { Keepalive::After(idle) })
}

/// Parses a number that must be at least 1.
pub(super) fn count<N: FromStr + PartialOrd + From<u8>>(option: &str, text: &str) -> Result<N> {
    let example = || format!("write a number, as in {option} 8");
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::usage_hint(format!("{option} {text:?} is not a number"), example()));
    }
    let number: N =
        text.parse().map_err(|_| Error::usage_hint(format!("{option} {text:?} is too large"), example()))?;
    if number < N::from(1) {
        return Err(Error::usage_hint(format!("{option} 0 makes no sense: 1 is the smallest"), example()));
    }
    Ok(number)
}

/// Parses an amount of memory in bytes, at least [`SMALLEST_SIZE`]: `64M`, `1.5G`, `65536K`; a bare number is in bytes.
pub(super) fn size(option: &str, text: &str) -> Result<usize> {
    size_within(option, text, "256M", (SMALLEST_SIZE, "4M"), LARGEST_SIZE)
}

/// Parses the size of a buffer of a socket, which is less than that.
pub(super) fn buffer_size(option: &str, text: &str) -> Result<usize> {
    size_within(option, text, "256K", (1, "1"), LARGEST_BUFFER)
}

fn size_within(option: &str, text: &str, usual: &str, smallest: (usize, &str), largest: usize) -> Result<usize> {
    let example = || format!("write a number with K, M or G (powers of 1024), as in {option} {usual}");
    let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let unit = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B')).unwrap_or(unit);
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        "t" | "T" => 40,
        _ => return Err(Error::usage_hint(format!("{option} {text:?} is not a size"), example())),
    };
    let Ok(number) = number.parse::<f64>() else {
        return Err(Error::usage_hint(format!("{option} {text:?} is not a size"), example()));
    };
    let bytes = number * (1u64 << shift) as f64;
    if bytes < smallest.0 as f64 {
        let smallest = smallest.1;
        return Err(Error::usage_hint(
            format!("{option} {text:?} is too small: {smallest} is the smallest"),
            example(),
        ));
    }
    if bytes > largest as f64 {
        return Err(Error::usage_hint(format!("{option} {text:?} is too large"), example()));
    }
    Ok(bytes as usize)
}

/// Parses `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String)> {
    let example = || "write NAME=VALUE, as in --set host=localhost; the script reads app.host".to_owned();
    let Some((name, value)) = text.split_once('=') else {
        return Err(Error::usage_hint(format!("--set {:?} has no =", show_line(text)), example()));
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err(Error::usage_hint(
            format!("--set {:?}: {:?} is not a name", show_line(text), show_line(name)),
            example(),
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Parses a seed: any number of 64 bits.
pub(super) fn seed(option: &str, text: &str) -> Result<u64> {
    let example = || format!("write a number from 0 to {}, as in {option} 42", u64::MAX);
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::usage_hint(format!("{option} {text:?} is not a number"), example()));
    }
    text.parse().map_err(|_| Error::usage_hint(format!("{option} {text:?} is too large"), example()))
}

/// Parses the number of an open descriptor.
pub(super) fn descriptor(option: &str, text: &str) -> Result<i32> {
    let example = || format!("open it in the shell, as in: tcpx listen 0 {option} 3 3>port");
    let number = match text.parse::<i32>() {
        Ok(number) if text.bytes().all(|b| b.is_ascii_digit()) => number,
        _ => return Err(Error::usage_hint(format!("{option} {text:?} is not a descriptor"), example())),
    };
    if !is_open_fd(number) {
        return Err(Error::usage_hint(format!("{option} {number}: that descriptor is not open"), example()));
    }
    Ok(number)
}

/// Parses an encoding's label, `auto` included.
pub(super) fn charset(option: &str, label: &str) -> Result<Charset> {
    lookup(label).map_err(|error| {
        let hint = match error.suggestion() {
            Some(nearest) => format!("did you mean {option} {nearest}? tcpx encodings lists them all"),
            None => "tcpx encodings lists them all".to_owned(),
        };
        Error::usage_hint(error.to_string(), hint)
    })
}

/// Checks a regular expression that is searched for in received text or bytes.
pub(super) fn pattern(option: &str, text: &str, is_text: bool) -> Result<String> {
    match Pattern::new(text, is_text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let message = format!("{option} \"{}\": {error}", show_line(text));
            Err(Error::usage_hint(
                message,
                "the syntax is that of Rust's regex crate; \\ before a character takes it as it is",
            ))
        }
    }
}

/// Parses `--until`: a number of bytes or lines, or else a regular expression.
pub(super) fn until(text: &str, is_text: bool) -> Result<Until> {
    let Some((number, unit)) = text.split_at_checked(text.len().saturating_sub(1)).filter(|(number, unit)| {
        matches!(*unit, "b" | "l") && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }) else {
        return pattern("--until", text, is_text).map(Until::Pattern);
    };
    let what = if unit == "b" { "bytes" } else { "lines" };
    match number.parse() {
        Ok(0) => Err(Error::usage_hint(
            format!("--until {text}: nothing comes before the first {}", &what[..4]),
            format!("at least 1{unit}; as a regular expression, write [{}]{}", &number[..1], &text[1..]),
        )),
        Ok(n) if unit == "b" => Ok(Until::Bytes(n)),
        Ok(n) => Ok(Until::Lines(n)),
        Err(_) => Err(Error::usage_hint(
            format!("--until {text}: that many {what} cannot be counted"),
            format!("at most {}{unit}; as a regular expression, write [{}]{}", u64::MAX, &number[..1], &text[1..]),
        )),
    }
}

/// Parses the label of an encoding for sent text.
pub(super) fn sending_charset(option: &str, label: &str) -> Result<&'static Encoding> {
    match charset(option, label)? {
        Charset::Named(encoding) => Ok(encoding),
        Charset::Auto(region) => Err(Error::usage_hint(
            format!("{option} cannot be {}: only what is received can be detected", labels::auto_label(region)),
            format!("name the encoding, as in {option} gbk"),
        )),
    }
}

/// `-` is stdin, as everywhere.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Parses `FILE`, `@NAME`, or `-`, whose text is read when the script is loaded.
pub(super) fn script_source(path: &Path) -> Result<ScriptSource> {
    if is_stdin(path) {
        return Ok(ScriptSource::Stdin(Vec::new()));
    }
    let is_address = || path.to_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok());
    if is_address() && !path.exists() {
        return Err(Error::usage_hint(
            format!("{} is an address, and no file", shown(path.as_os_str())),
            format!("--source {} chooses the local address; -s is a script", path.display()),
        ));
    }
    let Some(name) = path.as_os_str().as_encoded_bytes().strip_prefix(b"@") else {
        return Ok(ScriptSource::File(path.to_owned()));
    };
    match str::from_utf8(name) {
        Ok(name) if !name.is_empty() => Ok(ScriptSource::Builtin(name.to_owned())),
        _ => Err(Error::usage_hint(
            format!("{} does not name a built-in script", shown(path.as_os_str())),
            "tcpx script list lists them; a file whose name begins with @ is ./@name",
        )),
    }
}

/// The file of a report. A script would be overwritten: its option was meant to have no value, or another one.
pub(super) fn report_file<'a>(option: &str, path: &'a Path) -> Result<&'a Path> {
    if is_script(path) {
        return Err(Error::usage_hint(
            format!("{option} takes the file of the report, and {} is a script", shown(path.as_os_str())),
            format!("write {option} FILE, and the script after it"),
        ));
    }
    Ok(path)
}

/// Whether the name of a file is that of a script.
pub(super) fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rhai")
        || path.as_os_str().as_encoded_bytes().starts_with(b"@")
}

/// Whether a word consists of digits.
pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The code of an option such as `--on-data`.
pub(super) fn code(option: &str, text: &str, example: &str) -> Result<String> {
    not_blank(option, text, example, || format!("{option} has no code"))
}

/// A command of the shell, such as that of `--run`.
pub(super) fn command(option: &str, text: &str, example: &str) -> Result<String> {
    not_blank(option, text, example, || format!("{option} has no command"))
}

fn not_blank(option: &str, text: &str, example: &str, missing: impl FnOnce() -> String) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::usage_hint(missing(), format!("as in {option} '{example}'")));
    }
    Ok(text.to_owned())
}

/// Parses the target of `connect`: `HOST PORT`, or one word.
pub(super) fn target(first: &str, second: Option<&str>) -> Result<Endpoint> {
    if let Some(open) = inherited::named(first, second)? {
        return Ok(open);
    }
    let target = match second {
        Some(_) if is_unix(first) => return Err(unix_has_no_port("connect", first)),
        Some(port) => host_and_port("connect", first, port)?,
        None => first.parse()?,
    };
    if target.port() == Some(0) {
        return Err(Error::usage_hint("port 0 cannot be connected to", "a port to connect to is from 1 to 65535"));
    }
    Ok(target)
}

/// Parses `HOST PORT` in two words.
fn host_and_port(command: &str, host: &str, port: &str) -> Result<Endpoint> {
    Endpoint::from_words(host, port).map_err(|error| match host.parse::<Endpoint>() {
        Ok(whole) if Endpoint::from_words("localhost", port).is_ok() => Error::usage_hint(
            format!("{host} has a port, and {port} is another one"),
            format!("tcpx {command} {whole}"),
        ),
        _ => error,
    })
}

fn unix_has_no_port(command: &str, name: &str) -> Error {
    Error::usage_hint(format!("{name} is a Unix socket, which has no port"), format!("tcpx {command} {name}"))
}

/// Whether a word is the name of a Unix socket.
fn is_unix(word: &str) -> bool {
    word.starts_with("unix:") || word.starts_with("unixgram:")
}

/// Parses the address of `listen`: `PORT`, `HOST PORT`, or `HOST:PORT` in one word.
pub(super) fn address(first: &str, second: Option<&str>) -> Result<Endpoint> {
    if let Some(open) = inherited::named(first, second)? {
        return Ok(open);
    }
    match second {
        Some(_) if is_unix(first) => Err(unix_has_no_port("listen", first)),
        Some(port) => host_and_port("listen", first, port),
        None if first.contains(':') => first.parse(),
        None => crate::endpoint::parse_port(first).map(Endpoint::any),
    }
}

/// Parses `--source`: `ADDR`, `ADDR:PORT`, `[ADDR]:PORT` or `:PORT`.
pub(super) fn source(text: &str) -> Result<Endpoint> {
    let hint = "write an address of this machine: 192.0.2.7, 192.0.2.7:4000, [2001:db8::7]:4000 or :4000";
    let bare_v6 = text.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    let in_brackets = text.starts_with('[') && text.ends_with(']');
    let source = if bare_v6 || in_brackets || !text.contains(':') {
        Endpoint::from_words(text, "0")
    } else {
        text.parse::<Endpoint>()
    };
    match source {
        Ok(source) if !source.is_unix() && source.name_to_resolve().is_none() => Ok(source),
        _ => Err(Error::usage_hint(format!("--source {text:?} is not a local address"), hint)),
    }
}

/// Parses `--source unix:PATH`: the name of our end, where datagrams go to a Unix socket.
pub(super) fn own_name(text: &str, target: &Endpoint) -> Result<UnixName> {
    match (text.parse()?, target) {
        (Endpoint::Unix(name), Endpoint::Unixgram(_)) => Ok(name),
        _ => Err(Error::usage_hint(
            format!("--source {text} is for datagrams to a Unix socket, and {target} is none"),
            "leave it out, or write -u and a target like unix:PATH",
        )),
    }
}

/// Maximum idle time before the first keepalive probe (tcp(7) allows 32767 seconds).
const LONGEST_KEEPALIVE: Duration = Duration::from_secs(9 * 3600);

/// Minimum size: one connection alone may hold more than 1 MiB in each direction.
const SMALLEST_SIZE: usize = 4 << 20;
/// Maximum size of a buffer of a socket: the system counts it in 32 bits, and may double it.
const LARGEST_BUFFER: usize = 1 << 30;
/// Maximum size: more memory than any machine has, and sums of it stay in range.
const LARGEST_SIZE: usize = 1 << 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Region;

    fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.expect_err("an error");
        assert_eq!(error.exit().code(), 2);
        match error.hint() {
            Some(hint) => format!("{error} | {hint}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn zero_turns_keepalive_off() {
        assert_eq!(keepalive("0").unwrap(), Keepalive::Off);
        assert_eq!(keepalive("90s").unwrap(), Keepalive::After(Duration::from_secs(90)));
        assert!(keepalive("10h").is_err() && keepalive("often").is_err());
    }

    #[test]
    fn counts_start_at_one() {
        assert_eq!(count::<u64>("--accept", "3").unwrap(), 3);
        let hint = "write a number, as in -m 8";
        assert_eq!(said(count::<u64>("-m", "0")), format!("-m 0 makes no sense: 1 is the smallest | {hint}"));
        for text in ["", "-1", "+1", "1.5", "x", " 1"] {
            assert_eq!(said(count::<u64>("-m", text)), format!("-m {text:?} is not a number | {hint}"));
        }
        assert_eq!(said(count::<i32>("-m", "2147483648")), format!("-m \"2147483648\" is too large | {hint}"));
    }

    #[test]
    fn sizes_have_binary_units() {
        let cases = [
            ("4M", 4 << 20),
            ("4194304", 4 << 20),
            ("8192k", 8 << 20),
            ("1.5GiB", 3 << 29),
            ("1T", 1 << 40),
            ("256MB", 256 << 20),
        ];
        for (text, bytes) in cases {
            assert_eq!(size("--memory", text).unwrap(), bytes, "{text}");
        }
        let hint = "write a number with K, M or G (powers of 1024), as in --memory 256M";
        for text in ["", "-1", "+5M", "M", "1P", "5 M", "1e9", "nan", "5Mx", "0x10", "."] {
            assert_eq!(said(size("--memory", text)), format!("--memory {text:?} is not a size | {hint}"));
        }
        for text in ["0", "3M", "4194303"] {
            assert_eq!(
                said(size("--memory", text)),
                format!("--memory {text:?} is too small: 4M is the smallest | {hint}")
            );
        }
        for text in ["1025T", &"9".repeat(400)] {
            assert_eq!(said(size("--memory", text)), format!("--memory {text:?} is too large | {hint}"));
        }
    }

    #[test]
    fn until_is_a_number_with_a_unit_or_a_pattern() {
        let place = |text| until(text, true).unwrap();
        assert_eq!(place("5b"), Until::Bytes(5));
        assert_eq!(place("007l"), Until::Lines(7));
        assert_eq!(place("18446744073709551615b"), Until::Bytes(u64::MAX));
        for text in ["b", "l", "10kb", "5B", "5", "[5]b", "-5b", "5 b", "\u{0665}b", "\u{597d}"] {
            assert_eq!(place(text), Until::Pattern(text.to_owned()), "{text}");
        }
        assert_eq!(
            said(until("0l", true)),
            "--until 0l: nothing comes before the first line | at least 1l; as a regular expression, write [0]l"
        );
        assert_eq!(
            said(until("18446744073709551616b", true)),
            "--until 18446744073709551616b: that many bytes cannot be counted | at most 18446744073709551615b; as a \
             regular expression, write [1]8446744073709551616b"
        );
        for text in ["", "a*", "+5b", "("] {
            assert!(said(until(text, true)).starts_with(&format!("--until \"{text}\": ")), "{text}");
        }
    }

    #[test]
    fn a_seed_is_any_number_of_64_bits() {
        assert_eq!(seed("--seed", "0").unwrap(), 0);
        assert_eq!(seed("--seed", "18446744073709551615").unwrap(), u64::MAX);
        let hint = "write a number from 0 to 18446744073709551615, as in --seed 42";
        for text in ["", "-1", "0x10", "1.5"] {
            assert_eq!(said(seed("--seed", text)), format!("--seed {text:?} is not a number | {hint}"));
        }
        let large = "18446744073709551616";
        assert_eq!(said(seed("--seed", large)), format!("--seed {large:?} is too large | {hint}"));
    }

    #[test]
    fn a_ready_descriptor_must_be_open() {
        assert_eq!(descriptor("--ready-fd", "2").unwrap(), 2);
        let hint = "open it in the shell, as in: tcpx listen 0 --ready-fd 3 3>port";
        let closed = "--ready-fd 100000: that descriptor is not open";
        assert_eq!(said(descriptor("--ready-fd", "100000")), format!("{closed} | {hint}"));
        for text in ["", "-1", "+3", "x", "99999999999"] {
            let message = format!("--ready-fd {text:?} is not a descriptor | {hint}");
            assert_eq!(said(descriptor("--ready-fd", text)), message);
        }
    }

    #[test]
    fn encodings_are_looked_up_and_auto_is_refused_for_sending() {
        assert_eq!(charset("-E", "gbk").unwrap(), Charset::Named(encoding_rs::GBK));
        assert_eq!(charset("-E", "auto").unwrap(), Charset::Auto(None));
        assert_eq!(charset("-E", "auto-cn").unwrap(), Charset::Auto(Some(Region::China)));
        assert_eq!(
            said(charset("-E", "gbkk")),
            "unknown encoding \"gbkk\" | did you mean -E gbk? tcpx encodings lists them all"
        );
        assert_eq!(
            said(sending_charset("--send-encoding", "auto-CN")),
            "--send-encoding cannot be auto-cn: only what is received can be detected | \
             name the encoding, as in --send-encoding gbk"
        );
    }

    #[test]
    fn a_script_is_a_file_or_a_built_in_name() {
        assert_eq!(script_source(Path::new("a.rhai")).unwrap(), ScriptSource::File("a.rhai".into()));
        assert_eq!(script_source(Path::new("./@a")).unwrap(), ScriptSource::File("./@a".into()));
        assert_eq!(script_source(Path::new("-")).unwrap(), ScriptSource::Stdin(Vec::new()));
        assert_eq!(script_source(Path::new("./-")).unwrap(), ScriptSource::File("./-".into()));
        assert_eq!(script_source(Path::new("@echo")).unwrap(), ScriptSource::Builtin("echo".into()));
        assert_eq!(
            said(script_source(Path::new("@"))),
            "\"@\" does not name a built-in script | \
             tcpx script list lists them; a file whose name begins with @ is ./@name"
        );
    }

    #[test]
    fn a_target_is_two_words_or_one() {
        let cases: [(&str, Option<&str>, &str); 9] = [
            ("example.org", Some("80"), "example.org:80"),
            ("::1", Some("80"), "[::1]:80"),
            ("[::1]", Some("80"), "[::1]:80"),
            ("fe80::1%eth0", Some("22"), "[fe80::1%eth0]:22"),
            ("example.org:80", None, "example.org:80"),
            ("[::1]:80", None, "[::1]:80"),
            (":80", None, ":80"),
            ("tcp://127.0.0.1:80", None, "127.0.0.1:80"),
            ("unix:/run/x", None, "unix:/run/x"),
        ];
        for (first, second, shown) in cases {
            assert_eq!(target(first, second).unwrap().to_string(), shown);
        }
        for port in ["-1", "", " 80", "0x50", "80x", "65536", "0"] {
            assert!(!said(target("localhost", Some(port))).is_empty());
        }
        assert_eq!(
            said(target("h", Some("0"))),
            "port 0 cannot be connected to | a port to connect to is from 1 to 65535"
        );
        assert_eq!(said(target("localhost", None)), "no port in \"localhost\" | write HOST:PORT, or HOST PORT");
        for text in ["[::1]", "::1"] {
            assert_eq!(said(target(text, None)), format!("no port in {text:?} | write [::1]:PORT, or ::1 PORT"));
        }
        for host in ["h:1", "tcp://h:1", "[::1]:1"] {
            let whole = host.trim_start_matches("tcp://");
            let wanted = |command| format!("{host} has a port, and 80 is another one | tcpx {command} {whole}");
            assert_eq!(said(target(host, Some("80"))), wanted("connect"));
            assert_eq!(said(address(host, Some("80"))), wanted("listen"));
        }
        assert_eq!(said(target("h:x", Some("80"))), "\"h:x\" is not a host name or address");
        let both = "\"::1:80\" is ambiguous | an IPv6 address with a port goes in brackets: [::1]:80";
        assert_eq!(said(target("::1:80", None)), both);
        assert_eq!(said(target("tcp:h:80", None)), "\"tcp:h:80\" has a scheme without // | write tcp://h:80");
        assert_eq!(
            said(target("udp:[::1]:80", None)),
            "\"udp:[::1]:80\" has a scheme without // | write udp://[::1]:80"
        );
    }

    #[test]
    fn an_address_to_listen_on_may_be_a_port_alone() {
        let cases: [(&str, Option<&str>, &str); 8] = [
            ("8080", None, ":8080"),
            ("0", None, ":0"),
            (":8080", None, ":8080"),
            ("127.0.0.1", Some("0"), "127.0.0.1:0"),
            ("[::1]", Some("80"), "[::1]:80"),
            ("localhost:0", None, "localhost:0"),
            ("[::1]:80", None, "[::1]:80"),
            ("unix:@x", None, "unix:@x"),
        ];
        for (first, second, shown) in cases {
            assert_eq!(address(first, second).unwrap().to_string(), shown);
        }
        for word in ["-1", "", " 80", "0x50", "80x", "65536", "::1", "host"] {
            assert!(!said(address(word, None)).is_empty());
        }
        let message = "unix:/x is a Unix socket, which has no port";
        assert_eq!(said(address("unix:/x", Some("80"))), format!("{message} | tcpx listen unix:/x"));
        assert_eq!(said(target("unix:/x", Some("80"))), format!("{message} | tcpx connect unix:/x"));
    }

    #[test]
    fn a_source_is_an_address_with_or_without_a_port() {
        let cases = [
            ("127.0.0.1", "127.0.0.1:0"),
            ("127.0.0.1:4000", "127.0.0.1:4000"),
            ("::1", "[::1]:0"),
            ("[::1]", "[::1]:0"),
            ("[::1]:4000", "[::1]:4000"),
            ("fe80::1%eth0", "[fe80::1%eth0]:0"),
            (":4000", ":4000"),
        ];
        for (text, shown) in cases {
            assert_eq!(source(text).unwrap().to_string(), shown);
        }
        for text in ["", "localhost", "localhost:80", "127.0.0.1:x", "[::1", "1.2.3.4.5", "unix:/x"] {
            assert_eq!(
                said(source(text)),
                format!(
                    "--source {text:?} is not a local address | \
                     write an address of this machine: 192.0.2.7, 192.0.2.7:4000, [2001:db8::7]:4000 or :4000"
                )
            );
        }
    }
}
