//! Lines of Ncat.
//!
//! Owns its options, and what they are here. What it refuses before it looks at places is in `checks`.

mod checks;

use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use super::getopt::{self, Item, Known, letter, long};
use super::{Errand, FAILED, Line, Stop, Tool, family, lists, unsigned, usage};
use crate::cli::old_line;
use crate::cli::values::is_number;
use crate::config::{Copying, Family, Program, Role, Silence};
use crate::exit::Exit;
use crate::net::dial;
use crate::proxy::{Login, ProxyKind};
use crate::sys::unix::take_variable;

/// Its options.
static OPTIONS: &[Known] = &[
    letter('4', false),
    letter('6', false),
    long(Some('U'), "unixsock", false),
    long(None, "vsock", false),
    long(Some('C'), "crlf", false),
    long(Some('c'), "sh-exec", true),
    long(Some('e'), "exec", true),
    long(None, "lua-exec", true),
    letter('g', true),
    letter('G', true),
    long(Some('m'), "max-conns", true),
    long(Some('h'), "help", false),
    long(Some('d'), "delay", true),
    long(Some('o'), "output", true),
    long(Some('x'), "hex-dump", true),
    long(None, "append-output", false),
    long(Some('i'), "idle-timeout", true),
    long(Some('p'), "source-port", true),
    long(Some('s'), "source", true),
    long(Some('l'), "listen", false),
    long(Some('k'), "keep-open", false),
    long(Some('n'), "nodns", false),
    long(Some('t'), "telnet", false),
    long(Some('u'), "udp", false),
    long(None, "sctp", false),
    long(Some('v'), "verbose", false),
    long(Some('w'), "wait", true),
    letter('z', false),
    letter('q', true),
    long(None, "send-only", false),
    long(None, "recv-only", false),
    long(None, "no-shutdown", false),
    long(None, "allow", true),
    long(None, "allowfile", true),
    long(None, "deny", true),
    long(None, "denyfile", true),
    long(None, "broker", false),
    long(None, "chat", false),
    long(None, "proxy", true),
    long(None, "proxy-type", true),
    long(None, "proxy-auth", true),
    long(None, "proxy-dns", true),
    long(None, "ssl", false),
    long(None, "ssl-cert", true),
    long(None, "ssl-key", true),
    long(None, "ssl-verify", false),
    long(None, "ssl-trustfile", true),
    long(None, "ssl-ciphers", true),
    long(None, "ssl-servername", true),
    long(None, "ssl-alpn", true),
    long(None, "nsock-engine", true),
    long(None, "test", false),
    long(None, "talk", false),
    long(None, "version", false),
];

static CHAT: Known = long(None, "chat", false);

/// The port of both sides, unless one is given.
const PORT: u16 = 31337;
/// What it says first with `-v`, in the form of Ncat's line, and all it says with `--version`.
const VERSION: &str =
    concat!("Ncat: Version ", env!("CARGO_PKG_VERSION"), " ( tcpx, with the options of Ncat 7.93 )\n");
/// How long connecting may take, unless said.
const CONNECT_TIMEOUT: &str = "10s";

/// How long a refusal of a datagram is awaited, unless said, in milliseconds.
const PROBE_WAIT: u64 = 2000;

/// A line as it was read; an option by its long name, or by its letter if it has none.
#[derive(Default)]
struct Given<'a> {
    options: Vec<(&'static Known, Option<&'a str>)>,
    operands: Vec<&'a str>,
}

impl<'a> Given<'a> {
    fn find(&self, name: &str) -> impl Iterator<Item = Option<&'a str>> {
        self.options
            .iter()
            .filter(move |(known, _)| match known.long {
                "" => known.letter.is_some_and(|letter| name.starts_with(letter) && name.len() == 1),
                long => long == name,
            })
            .map(|(_, value)| *value)
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).next().is_some()
    }

    /// The last value of an option.
    fn value(&self, name: &str) -> Option<&'a str> {
        self.find(name).flatten().last()
    }

    /// The first of these options that is given.
    fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().find(|name| self.has(name)).copied()
    }

    fn listens(&self) -> bool {
        self.has("listen") || self.has("broker")
    }

    /// What `@broker` is told: whose words it passes on, and to whom.
    fn words_of_broker(&self) -> Vec<String> {
        let words = [("chat", "names"), ("send-only", "send-only"), ("recv-only", "recv-only")];
        words.into_iter().filter(|(option, _)| self.has(option)).map(|(_, word)| word.to_owned()).collect()
    }

    /// The number of `--max-conns`, as atoi(3) reads it; -1 is none.
    fn max_conns(&self) -> Option<usize> {
        let text = self.value("max-conns")?.trim_start();
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let number = digits[..end].parse().unwrap_or(if end == 0 { 0 } else { usize::MAX });
        match (text.starts_with('-'), number) {
            (true, 1) => None,
            (true, _) => Some(0),
            (false, _) => Some(number),
        }
    }

    /// The value of an option that is a time, as one of tcpx. Whether it is one was checked.
    fn time(&self, name: &str) -> Option<String> {
        Some(format!("{}ms", milliseconds(self.value(name)?)?))
    }

    /// What counts: the last of `-4`, `-6` and `-U`.
    fn kind(&self) -> Option<char> {
        let letter = |known: &Known| known.letter.filter(|letter| matches!(letter, '4' | '6' | 'U'));
        self.options.iter().rev().find_map(|(known, _)| letter(known))
    }

    fn family(&self) -> Family {
        family(self.kind())
    }

    fn is_unix(&self) -> bool {
        self.kind() == Some('U')
    }

    /// What getaddrinfo(3) says of a host that cannot be one.
    fn unresolvable(&self, host: &str) -> Option<String> {
        let why = super::unresolvable(host, self.has("nodns"), self.family())?;
        Some(format!("Could not resolve hostname \"{}\": {why}", host.escape_debug()))
    }
}

/// Reads a line.
pub(super) fn parse(words: &[&str]) -> Result<Errand, Stop> {
    let (items, error) = getopt::read(words, OPTIONS);
    let mut given = Given::default();
    for item in items {
        match item {
            Item::Option(Known { long: "help", .. }, _) => return Err(Stop::HelpOfTool(usage::ncat())),
            Item::Option(Known { long: "version", .. }, _) => {
                return Err(Stop::Told(VERSION.to_owned(), Exit::Success));
            }
            // Its older name.
            Item::Option(Known { long: "talk", .. }, _) => given.options.push((&CHAT, None)),
            Item::Option(known, value) => {
                checks::check_option(&given, known, value.unwrap_or_default())?;
                given.options.push((known, value));
            }
            Item::Operand(word) => given.operands.push(word),
        }
    }
    if let Some(error) = error {
        let hint = "Try `--help' or man(1) ncat for more information, usage options and help";
        return Err(Stop::Told(format!("ncat: {error}\nNcat: {hint}. QUITTING.\n"), Exit::Script(2)));
    }
    let version = if given.has("verbose") { VERSION } else { "" };
    let errand = checks::check(&given).and_then(|()| if given.listens() { listen(&given) } else { connect(&given) });
    let warning = if checks::ignores_max_conns(&given) { checks::MAX_CONNS_IGNORED } else { "" };
    match errand {
        Ok(errand) => Ok(Errand { first_words: format!("{version}{warning}"), ..errand }),
        Err(Stop::Told(text, exit)) => Err(Stop::Told(format!("{version}{text}"), exit)),
        Err(stop) => Err(stop),
    }
}

fn connect(given: &Given<'_>) -> Result<Errand, Stop> {
    let mut line = Line::new(Tool::Ncat, false);
    let has_program = common(given, &mut line);
    let (place, port) = match &given.operands[..] {
        [] if given.is_unix() => return Err(refused("You have to specify path to a socket to connect to")),
        [""] if given.is_unix() => return Err(Stop::Told("Ncat: Invalid argument.\n".to_owned(), FAILED)),
        [path, ports @ ..] if given.is_unix() => (unix_without(path, ports)?, None),
        [] | ["", ..] => return Err(refused("You must specify a host to connect to")),
        [host] => ((*host).to_owned(), Some(PORT)),
        [host, port] => ((*host).to_owned(), Some(port_of(port, "port number")?)),
        [host, ports @ ..] => return Err(too_many_operands(given, host, ports)),
    };
    if port.is_some()
        && (!given.has("proxy") || place.starts_with('-'))
        && let Some(why) = given.unresolvable(&place)
    {
        return Err(refused(&why));
    }
    let (place, told) = match port {
        Some(_) if given.has("proxy") => host_behind_proxy(given, &place)?,
        _ => (place, None),
    };
    // One that neither sends nor receives leaves at once, too.
    let moves_nothing = given.has("send-only") && given.has("recv-only");
    line.add_if((given.has("z") || moves_nothing) && !has_program, &["-z"]);
    let limit = given.time("wait");
    line.add_valued("--connect-timeout", Some(limit.as_deref().unwrap_or(CONNECT_TIMEOUT)));
    let own_port = given.value("source-port").map(source_port).transpose()?.map(|port| port.to_string());
    if given.is_unix() {
        // Other Unix sockets have no name of ours.
        let own = given.value("source").filter(|_| given.has("udp")).map(unix);
        line.add_valued("--source", own.as_deref());
    } else {
        let other = given.operands.first().copied().filter(|_| !given.has("proxy")).unwrap_or_default();
        let address = given.value("source").map(|word| {
            super::source_address(word, given.has("nodns"), other)
                .map_err(|why| refused(&format!("Could not resolve source address \"{}\": {why}", word.escape_debug())))
        });
        let address = address.transpose()?;
        line.add_valued("--source", old_line::source(address.as_deref(), own_port.as_deref()).as_deref());
    }
    proxy(given, &mut line)?;
    if has_tls(given) {
        line.add(&["--tls"]);
        line.add_if(!given.has("ssl-verify") && !given.has("ssl-trustfile"), &["--tls-insecure"]);
    }
    let shown = port.map(|port| port.max(1).to_string());
    let places: Vec<&str> = std::iter::once(place.as_str()).chain(shown.as_deref()).collect();
    let mut config = line.config(&places)?;
    if let (Role::Connect(connect), Some(0)) = (&mut config.role, port) {
        // Nobody is there, which it tries like any other.
        connect.target = connect.target.moved_to(connect.target.host().map(str::to_owned), 0);
    }
    for proxy in &mut config.proxies {
        proxy.tells_bare_login = true;
        proxy.login = login(given);
    }
    config.output.target_is_told = told;
    // Both sides have to end.
    config.input.half_open = config.input.read;
    Ok(Errand { tool: Tool::Ncat, config: ending(given, config), ports: Vec::new(), first_words: String::new() })
}

fn listen(given: &Given<'_>) -> Result<Errand, Stop> {
    let mut line = Line::new(Tool::Ncat, true);
    common(given, &mut line);
    let of_option = given.value("source-port").map(source_port).transpose()?;
    let (host, place) = match &given.operands[..] {
        [] if given.is_unix() => return Err(refused("You have to specify path to a socket to listen on")),
        [path, ports @ ..] if given.is_unix() => (None, unix_without(path, ports)?),
        [] | [""] => (None, of_option.unwrap_or(PORT).to_string()),
        [word] if of_option.is_none() && is_number(word) => (None, port_of(word, "port number")?.to_string()),
        [first, others @ ..] if is_number(first) || (of_option.is_some() && !others.is_empty()) => {
            let of_option = of_option.map(|port| port.to_string());
            let ports: Vec<&str> = of_option.as_deref().into_iter().chain(others.iter().copied()).collect();
            return Err(match (&of_option, is_number(first)) {
                (Some(port), true) => too_many_ports(&[&[port.as_str()], &given.operands[..]].concat()),
                (None, true) => too_many_ports(&given.operands),
                (_, false) => too_many_operands(given, first, &ports),
            });
        }
        [host] => (Some(*host), of_option.unwrap_or(PORT).to_string()),
        [host, port] => (Some(*host), port_of(port, "port number")?.to_string()),
        [host, ports @ ..] => return Err(too_many_operands(given, host, ports)),
    };
    if let Some(why) = host.and_then(|host| given.unresolvable(host)) {
        return Err(refused(&why));
    }
    let is_many = given.has("keep-open");
    let is_broker = given.first_of(&["broker", "chat"]).is_some();
    let script = if is_broker { Some("@broker") } else { proxy_server(given) };
    if let Some(script) = script {
        line.add(&["--script", script]);
    } else {
        line.add_if(is_many, &["-k"]);
    }
    for (name, option, is_file) in [
        ("allow", "--allow", false),
        ("allowfile", "--allow", true),
        ("deny", "--deny", false),
        ("denyfile", "--deny", true),
    ] {
        for value in given.find(name).flatten() {
            let found = if is_file { lists::of_file(value) } else { lists::of_words(value) };
            let list = found.map_err(|why| refused(&why))?.join(",");
            line.add_valued(option, Some(&*list).filter(|list| !list.is_empty()));
        }
    }
    line.add_if(has_tls(given), &["--tls"]);
    let places: Vec<&str> = host.into_iter().chain([place.as_str()]).collect();
    let mut config = line.config(&places)?;
    if let Role::Listen(listen) = &mut config.role {
        listen.max_conns = given.max_conns();
        listen.refuses_beyond = true;
        if given.first_of(&["allow", "allowfile"]).is_some() {
            // A list that names nobody lets nobody in.
            listen.access.allow.get_or_insert_default();
        }
    }
    if let Some(script) = config.script.as_mut().filter(|_| is_broker) {
        script.args = given.words_of_broker();
    }
    if let Some(script) = config.script.as_mut().filter(|_| given.has("proxy-type") && !is_broker) {
        config.output.tells_listeners_alone = true;
        script.args = words_of_proxy(given, host, &place);
    }
    Ok(Errand { tool: Tool::Ncat, config: ending(given, config), ports: Vec::new(), first_words: String::new() })
}

/// What the script of a proxy is told: how it answers, the login it asks for, and where it listens besides `host`: its listener on a
/// loopback address takes clients of both families, as one of Ncat does.
fn words_of_proxy(given: &Given<'_>, host: Option<&str>, port: &str) -> Vec<String> {
    let of_environment = || login_of_environment().and_then(|login| String::from_utf8(login).ok());
    let login = given.value("proxy-auth").map(str::to_owned).or_else(of_environment);
    if given.value("proxy-type") != Some("http") {
        let parts = |login: String| {
            let (user, password) = login.split_once(':').unwrap_or((&login, ""));
            vec![user.to_owned(), password.to_owned()]
        };
        return login.map_or_else(Vec::new, parts);
    }
    let other = match host {
        _ if given.family() != Family::Any || port == "0" || has_tls(given) => None,
        Some("127.0.0.1" | "localhost") => Some("[::1]"),
        Some("::1") => Some("127.0.0.1"),
        _ => None,
    };
    let also = other.map(|other| format!("also={other}:{port}"));
    let login = login.map(|login| format!("login={login}"));
    // Without either of them it has to be told, too.
    let none = login.is_none().then(|| "open".to_owned());
    ["as".to_owned(), "ncat".to_owned()].into_iter().chain(none).chain(login).chain(also).collect()
}

/// Adds what connecting and listening have in common, and says whether a program answers.
fn common(given: &Given<'_>, line: &mut Line) -> bool {
    line.add_family(given.family());
    for (name, option) in [("nodns", "-n"), ("udp", "-u")] {
        line.add_if(given.has(name), &[option]);
    }
    for _ in given.find("verbose") {
        line.add(&["-v"]);
    }
    let program = [("exec", "--exec"), ("sh-exec", "--sh")].into_iter().find(|(name, _)| given.has(name));
    let is_served = given.first_of(&["broker", "chat"]).is_some();
    line.add_if(given.has("crlf"), &["-C"]);
    if let Some((name, option)) = program {
        // The shell takes a command that does nothing; tcpx asks for one.
        let is_nothing = given.value(name).is_some_and(|command| command.trim().is_empty());
        line.add_valued(option, if is_nothing { Some(":") } else { given.value(name) });
    } else {
        let sends = !given.has("recv-only") || given.has("z") || is_served;
        line.add_if(!sends && (given.listens() || !given.has("send-only")), &["--recv-only"]);
    }
    // A program alone is never idle, nor is a proxy.
    let is_never_idle = given.has("proxy-type") && given.listens() || program.is_some() && !given.has("keep-open");
    if !given.has("z") && !is_never_idle {
        line.add_valued("--idle-timeout", given.time("idle-timeout").as_deref());
    }
    if let Some(time) = given.time("delay").filter(|_| !given.has("z")) {
        line.add_valued("--line-delay", Some(&time));
    }
    let tls = [
        ("ssl-cert", "--tls-cert"),
        ("ssl-key", "--tls-key"),
        ("ssl-trustfile", "--tls-ca"),
        ("ssl-servername", "--tls-name"),
        ("ssl-alpn", "--tls-alpn"),
    ];
    for (name, option) in tls {
        // A server has no other name to ask for.
        line.add_valued(option, given.value(name).filter(|_| name != "ssl-servername" || !given.listens()));
    }
    program.is_some()
}

/// Any of its options about TLS asks for it.
fn has_tls(given: &Given<'_>) -> bool {
    let options = ["ssl", "ssl-verify", "ssl-trustfile", "ssl-servername", "ssl-alpn", "ssl-cert", "ssl-key"];
    given.first_of(&options).is_some()
}

fn proxy(given: &Given<'_>, line: &mut Line) -> Result<(), Stop> {
    let Some(place) = given.value("proxy") else { return Ok(()) };
    if place.starts_with('[') && !place.contains(']') {
        return Err(refused(&format!("Invalid proxy IPv6 address \"{}\"", place.escape_debug())));
    }
    let behind = place.rsplit_once(']').map_or(place, |(_, behind)| behind);
    let word = behind.split_once(':').map(|(_, port)| port).filter(|port| !port.contains(':'));
    let given_port = word.map(|word| port_of(word, "proxy port number")).transpose()?;
    let host = word.and_then(|word| place.strip_suffix(word)?.strip_suffix(':')).unwrap_or(place);
    if host.is_empty() {
        let why = format!("Ncat: Could not resolve proxy \"\": {}.\n", super::UNKNOWN);
        return Err(Stop::Told(why, FAILED));
    }
    let is_bare_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
    let host = &if is_bare_v6 { format!("[{host}]") } else { host.to_owned() };
    let (scheme, port) = match kind_of_proxy(given) {
        ProxyKind::Socks5 => ("socks5", 1080),
        ProxyKind::Http => ("http", 3128),
        _ => ("socks4a", 1080),
    };
    line.add_proxy(scheme, "", host, given_port.unwrap_or(port));
    Ok(())
}

fn kind_of_proxy(given: &Given<'_>) -> ProxyKind {
    match given.value("proxy-type") {
        Some("socks4" | "4") => ProxyKind::Socks4a,
        Some("socks5" | "5") => ProxyKind::Socks5,
        _ => ProxyKind::Http,
    }
}

/// The host that a proxy is asked for: its name, or its address where `--proxy-dns` wants it resolved here; and what is said of that.
fn host_behind_proxy(given: &Given<'_>, host: &str) -> Result<(String, Option<String>), Stop> {
    let failed = |why: String| Stop::Told(format!("Ncat: Error: {why}.\n"), FAILED);
    let is_socks4 = kind_of_proxy(given) == ProxyKind::Socks4a;
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_ipv6() && is_socks4 => {
            return Err(failed("IPv6 addresses are not supported with Socks4".to_owned()));
        }
        Ok(_) => return Ok((host.to_owned(), None)),
        Err(_) => {}
    }
    let (is_local, is_remote) = match given.value("proxy-dns") {
        Some("none") => (false, false),
        Some("local") => (true, false),
        Some("both") => (true, true),
        _ => (false, true),
    };
    let family = if is_socks4 { Family::V4 } else { given.family() };
    let found = if is_local && !given.has("nodns") { dial::resolve(host, 0, family).ok() } else { None };
    match found.and_then(|found| found.first().copied()) {
        Some(address) => {
            let said = format!("Host {host} locally resolved to {}.", address.ip());
            Ok((address.ip().to_string(), Some(said)))
        }
        None if is_remote => Ok((host.to_owned(), None)),
        None => Err(failed(format!("Failed to resolve host {host} locally"))),
    }
}

/// The login of a proxy. The one of SOCKS 4 is one word.
fn login(given: &Given<'_>) -> Option<Login> {
    let auth = given.value("proxy-auth").map(|auth| auth.as_bytes().to_vec()).or_else(login_of_environment)?;
    let colon = auth.iter().position(|byte| *byte == b':').filter(|_| kind_of_proxy(given) != ProxyKind::Socks4a);
    Some(match colon {
        Some(at) => Login { user: auth[..at].to_vec(), password: Some(auth[at + 1..].to_vec()) },
        None => Login { user: auth, password: None },
    })
}

/// What Ncat's variable has, without which programs that are started see it.
fn login_of_environment() -> Option<Vec<u8>> {
    take_variable("NCAT_PROXY_AUTH").map(OsString::into_vec)
}

/// The script of `--listen --proxy-type`.
fn proxy_server(given: &Given<'_>) -> Option<&'static str> {
    given.value("proxy-type").map(|kind| if kind == "http" { "@connect" } else { "@socks" })
}

/// Sets how a connection ends, and where what goes in both directions is written.
fn ending(given: &Given<'_>, mut config: crate::config::Config) -> crate::config::Config {
    if given.has("send-only") && config.exec.is_none() && config.script.is_none() {
        config.input.discard_received = true;
        config.input.half_open = false;
        config.input.eof_wait = Some(Duration::ZERO);
    }
    if given.has("recv-only") && given.has("send-only") {
        config.input.read = false;
    }
    if let Some(exec) = &mut config.exec {
        exec.is_ncats = true;
        if given.value("exec").is_some_and(|command| command.trim().is_empty()) {
            // There is no such program.
            exec.program = Program::Words(vec![String::new()]);
        }
    }
    // With datagrams the end of stdin is the end.
    config.limits.silence = if given.listens() { Silence::FaultOfAll } else { Silence::EndAfterInput };
    if let Role::Connect(connect) = &mut config.role {
        connect.probe_datagram = given.has("z").then_some(b"\0");
        // Words about a port that is not open are left to the exit status.
        config.output.quiet = given.has("z");
    }
    config.output.marks_listening = given.has("test");
    config.tls.common_name = true;
    config.input.no_shutdown = given.has("no-shutdown");
    config.input.refuses_telnet = given.has("telnet") && config.exec.is_none() && config.script.is_none();
    if let Some(time) = given.value("q").and_then(milliseconds) {
        config.input.eof_wait = Some(Duration::from_millis(time));
    }
    if given.has("z") && given.has("udp") {
        // So long it waits for a refusal.
        let limit = given.value("idle-timeout").and_then(milliseconds).unwrap_or(PROBE_WAIT);
        config.input.eof_wait = Some(Duration::from_millis(limit));
    }
    let appends = given.has("append-output");
    let copy = |name, is_hex| given.value(name).map(|path| Copying { path: PathBuf::from(path), is_hex, appends });
    config.output.copies = [copy("output", false), copy("hex-dump", true)].into_iter().flatten().collect();
    config
}

/// A time in seconds, or with a unit, in milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let units = [("ms", 1.0), ("s", 1000.0), ("m", 60_000.0), ("h", 3_600_000.0), ("", 1000.0)];
    let (number, factor) = units.iter().find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, factor)))?;
    let time = number.trim_start().parse::<f64>().ok()? * factor;
    (time >= 1.0 && time <= f64::from(i32::MAX)).then_some(time as u64)
}

/// A port as strtoul(3) reads it, which takes no digits for 0.
fn port_number(word: &str) -> Option<u64> {
    let digits = unsigned(word);
    if word.is_empty() {
        return Some(0);
    }
    is_number(digits).then(|| digits.parse().unwrap_or(u64::MAX))
}

fn port_of(word: &str, what: &str) -> Result<u16, Stop> {
    let port = port_number(word).and_then(|port| u16::try_from(port).ok());
    port.ok_or_else(|| refused(&format!("Invalid {what} \"{}\"", word.escape_debug())))
}

fn source_port(word: &str) -> Result<u16, Stop> {
    match port_number(word) {
        Some(port) if port > u64::from(u16::MAX) => Err(refused(&format!("Invalid source port {port}"))),
        _ => port_of(word, "source port number"),
    }
}

/// A Unix socket behind which a port stands, without a meaning.
fn unix_without(path: &str, ports: &[&str]) -> Result<String, Stop> {
    match ports {
        [] => {}
        [port] => drop(port_of(port, "port number")?),
        ports => return Err(too_many_ports(ports)),
    }
    Ok(unix(path))
}

/// The same behind a host, which is looked up first.
fn too_many_operands(given: &Given<'_>, host: &str, ports: &[&str]) -> Stop {
    let is_known = given.has("proxy") || dial::resolve(host, 0, given.family()).is_ok_and(|found| !found.is_empty());
    match given.unresolvable(host) {
        Some(why) if !given.has("proxy") => refused(&why),
        None if !is_known => {
            refused(&format!("Could not resolve hostname \"{}\": {}", host.escape_debug(), super::UNKNOWN))
        }
        _ => too_many_ports(ports),
    }
}

fn too_many_ports(ports: &[&str]) -> Stop {
    refused(&format!("Got more than one port specification: {}", ports.join(" ").escape_debug()))
}

fn unix(path: &str) -> String {
    if path.starts_with('@') { format!("unix:./{path}") } else { format!("unix:{path}") }
}

fn refused(why: &str) -> Stop {
    Tool::Ncat.refused(why)
}
