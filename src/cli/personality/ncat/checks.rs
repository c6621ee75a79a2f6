//! What Ncat refuses, in its words, and what has no counterpart here.
//!
//! Owns these checks alone; they are made before a line is read as one of tcpx.

use super::{Given, Known, has_tls, milliseconds, port_number, port_of, refused};
use crate::cli::Stop;
use crate::cli::personality::lists;
use crate::exit::Exit;

/// What Ncat refuses where it reads an option, before it looks at those that follow. `before`: the options before it.
pub(super) fn check_option(before: &Given<'_>, known: &Known, value: &str) -> Result<(), Stop> {
    let why = match known.long {
        "delay" => return time(value, "-d delay"),
        "idle-timeout" => return time(value, "-i timeout"),
        "wait" => return time(value, "-w timeout"),
        _ if known.letter == Some('q') => return time(value, "-q timeout"),
        "source-port" if port_number(value).is_none() => return port_of(value, "source port number").map(drop),
        "proxy" | "proxy-type" | "proxy-auth" if before.has(known.long) => {
            format!("You can't specify more than one --{}", known.long)
        }
        "ssl-trustfile" if before.has("ssl-trustfile") => {
            "The --ssl-trustfile option may be given only once".to_owned()
        }
        "exec" | "sh-exec" | "lua-exec" if before.first_of(&["exec", "sh-exec", "lua-exec"]).is_some() => {
            "Only one of --exec, --sh-exec, and --lua-exec is allowed".to_owned()
        }
        "nsock-engine" if !["select", "poll", "epoll"].contains(&value) => {
            format!("Unknown or non-available engine: {}", value.escape_debug())
        }
        "allowfile" | "denyfile" => match lists::of_file(value) {
            Ok(_) => return Ok(()),
            Err(why) => why,
        },
        "proxy-dns" if !["none", "local", "remote", "both"].contains(&value) => "Invalid proxy DNS type".to_owned(),
        _ => return Ok(()),
    };
    Err(refused(&why))
}

/// What Ncat refuses once it has read all options, and what has no counterpart.
pub(super) fn check(given: &Given<'_>) -> Result<(), Stop> {
    for (name, why) in MISSING {
        if given.has(name) {
            let dashes = if name.len() == 1 { "-" } else { "--" };
            return Err(refused(&format!("{dashes}{name}: {why}")));
        }
    }
    if given.is_unix() {
        unix(given)?;
    }
    if given.has("ssl-key") != given.has("ssl-cert") {
        return Err(refused("The --ssl-key and --ssl-cert options must be used together"));
    }
    if given.has("telnet") && given.has("z") {
        return Err(refused("Invalid option combination: -z and -t"));
    }
    if given.listens() && given.has("proxy-auth") && given.value("proxy-type") == Some("socks4") {
        return Err(refused("--proxy-auth with a proxy of SOCKS 4: it has no passwords"));
    }
    check_proxy(given)?;
    if given.listens() {
        if given.has("source") {
            return Err(refused(
                "-l and -s are incompatible.  Specify the address and port to bind to like you would a host to connect to",
            ));
        }
        let is_broker = given.first_of(&["broker", "chat"]).is_some();
        if is_broker && given.has("udp") {
            return Err(refused(
                "UDP mode does not support connection brokering; tcpx listen -u --script @broker does it",
            ));
        }
        if is_broker && given.first_of(&["exec", "sh-exec"]).is_some() {
            return Err(refused("Invalid option combination: --broker and -e"));
        }
        if given.has("z") {
            return Err(Stop::Told(
                "Ncat: Services designed for LISTENING can't be used with -z QUITTING.\n".to_owned(),
                Exit::Script(2),
            ));
        }
        if given.has("telnet") && given.has("proxy-type") {
            return Err(refused("Invalid option combination: --telnet has no effect with --proxy-type"));
        }
        return Ok(());
    }
    if given.has("z") && given.first_of(&["exec", "sh-exec"]).is_some() {
        return Err(refused("Command execution can't be done along with option -z"));
    }
    if given.has("max-conns") && given.max_conns().is_some() {
        return Err(refused("Invalid option combination: `--max-conns' with connect"));
    }
    let only_there = [("keep-open", "`--keep-open'"), ("chat", "`--chat'")];
    // Whom it would not let in does not matter.
    let lists = ["allow", "allowfile"].map(|name| (name, "allow/deny"));
    match only_there.into_iter().chain(lists).find(|(name, _)| given.has(name)) {
        Some((_, shown)) => Err(refused(&format!("Invalid option combination: {shown} with connect"))),
        None => Ok(()),
    }
}

/// Whether `--max-conns` has no effect.
pub(super) fn ignores_max_conns(given: &Given<'_>) -> bool {
    let serves_many = given.first_of(&["keep-open", "broker", "chat"]).is_some();
    given.listens() && !serves_many && given.max_conns().is_some()
}

/// What is said then.
pub(super) const MAX_CONNS_IGNORED: &str =
    "Ncat: Warning: Maximum connections ignored, since it does not take effect without -k or --broker.\n";

/// The options about proxies.
fn check_proxy(given: &Given<'_>) -> Result<(), Stop> {
    match (given.value("proxy-type"), given.has("proxy")) {
        (_, true) if given.listens() => Err(refused("Invalid option combination: --proxy and -l")),
        (Some(_), false) if !given.listens() => {
            Err(refused("Proxy type (--proxy-type) specified without proxy address (--proxy)"))
        }
        (Some(kind), false) if !["http", "socks4", "socks5"].contains(&kind) => {
            let kind = kind.escape_debug();
            Err(refused(&format!("Invalid proxy type \"{kind}\"; Ncat proxy server only supports \"http\"")))
        }
        (Some(kind), _) if !["http", "socks4", "socks5", "4", "5"].contains(&kind) => {
            Err(refused(&format!("Invalid proxy type \"{}\"", kind.escape_debug())))
        }
        _ => Ok(()),
    }
}

/// What does not go with Unix sockets.
fn unix(given: &Given<'_>) -> Result<(), Stop> {
    let why = match () {
        () if given.has("proxy") || given.has("proxy-type") => {
            "Proxy option not supported when using Unix domain sockets"
        }
        () if has_tls(given) => "SSL option not supported when using Unix domain sockets",
        () if given.first_of(&["broker", "chat"]).is_some() => {
            "Connection brokering not supported when using Unix domain sockets"
        }
        () if given.has("source-port") => "Specifying source port when using Unix domain sockets doesn't make sense",
        () => return Ok(()),
    };
    Err(refused(why))
}

/// A time, which `word` names.
fn time(text: &str, word: &str) -> Result<(), Stop> {
    let shown = text.escape_debug();
    let Some(time) = milliseconds(text) else {
        return Err(refused(&format!("Invalid {word} \"{shown}\" (must be greater than 0 and less than 2147483s)")));
    };
    let has_unit = text.ends_with(|letter: char| letter.is_ascii_alphabetic());
    if time < 100_000 || has_unit {
        return Ok(());
    }
    let minutes = time as f64 / 60_000.0;
    Err(refused(&format!(
        "Since April 2010, the default unit for {word} is seconds, so your time of \"{shown}\" is {minutes:.1} minutes. \
         Use \"{shown}ms\" for {shown} milliseconds"
    )))
}

/// Options that have no counterpart, and why.
const MISSING: &[(&str, &str)] = &[
    ("lua-exec", "scripts are written in Rhai here: tcpx connect --script FILE"),
    ("g", "tcpx has no source routing, and no network lets it pass"),
    ("G", "tcpx has no source routing, and no network lets it pass"),
    ("sctp", "tcpx has no SCTP, and will not have it"),
    ("vsock", "tcpx has no vsock"),
    ("ssl-ciphers", "tcpx has TLS 1.2 and 1.3 with good ciphers only, and no list of them"),
];
