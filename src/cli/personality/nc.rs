//! Lines of OpenBSD's nc, with `-e` and `-c` of nc.traditional.
//!
//! Owns its options, the checks it makes in its own words, and what they are here.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::getopt::{self, Item, Known, letter};
use super::{Errand, FAILED, Line, Stop, Tool, family, unsigned, usage};
use crate::cli::values::is_number;
use crate::cli::{old_line, sockets};
use crate::config::{Config, Family, Refusal, Role, Silence};
use crate::exit::Exit;
use crate::sys::services;

/// Its options.
static OPTIONS: &[Known] = &[
    letter('4', false),
    letter('6', false),
    letter('b', false),
    letter('C', false),
    letter('D', false),
    letter('d', false),
    letter('F', false),
    letter('h', false),
    letter('k', false),
    letter('l', false),
    letter('N', false),
    letter('n', false),
    letter('r', false),
    letter('S', false),
    letter('t', false),
    letter('U', false),
    letter('u', false),
    letter('v', false),
    letter('Z', false),
    letter('z', false),
    letter('c', true),
    letter('e', true),
    letter('I', true),
    letter('i', true),
    letter('M', true),
    letter('m', true),
    letter('O', true),
    letter('P', true),
    letter('p', true),
    letter('q', true),
    letter('s', true),
    letter('T', true),
    letter('V', true),
    letter('W', true),
    letter('w', true),
    letter('X', true),
    letter('x', true),
];

/// A line as it was read.
#[derive(Default)]
struct Given<'a> {
    flags: String,
    values: Vec<(char, &'a str)>,
    operands: Vec<&'a str>,
}

impl<'a> Given<'a> {
    fn has(&self, letter: char) -> bool {
        self.flags.contains(letter)
    }

    /// The last of `-4` and `-6`, which counts.
    fn family(&self) -> Family {
        family(self.flags.chars().rev().find(|letter| matches!(letter, '4' | '6')))
    }

    /// What getaddrinfo(3) says of a host that cannot be one.
    fn unresolvable(&self, host: &str) -> Option<&'static str> {
        super::unresolvable(host, self.has('n'), self.family())
    }

    /// The last value of an option.
    fn value(&self, letter: char) -> Option<&'a str> {
        self.values.iter().rev().find(|(option, _)| *option == letter).map(|(_, value)| *value)
    }

    /// The protocol whose ports have names.
    fn protocol(&self) -> &'static str {
        if self.has('u') { "udp" } else { "tcp" }
    }

    /// A port of ours.
    fn local_port(&self, word: &str) -> Result<String, Stop> {
        match local_port(word, self.protocol()) {
            Ok(port) => Ok(port.to_string()),
            Err(TOO_LARGE) => Err(refused(&format!("{TOO_LARGE}: {}", word.escape_debug()))),
            Err(why) => Err(refused(&format!("getaddrinfo: {why}"))),
        }
    }

    /// The value of an option that is a number, as strtonum(3) reads it.
    fn number(&self, letter: char) -> Result<Option<u32>, Stop> {
        self.value(letter).map_or(Ok(None), |text| number(letter, text))
    }
}

/// The number of an option, as strtonum(3) reads it; `None` for one below 0.
fn number(letter: char, text: &str) -> Result<Option<u32>, Stop> {
    let text = text.trim_start();
    let (name, least, most) = bounds(letter);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number = text.parse::<i64>().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX });
    let why = match () {
        () if !is_number(digits) => "invalid",
        () if number < least => "too small",
        () if number > most => "too large",
        () => return Ok(u32::try_from(number).ok()),
    };
    Err(refused(&if matches!(letter, 'M' | 'm') {
        format!("{name} is {why}")
    } else {
        format!("{name} {why}: {}", text.escape_debug())
    }))
}

/// What nc refuses where it reads an option, before it looks at those that follow.
fn check_option(letter: char, value: &str) -> Result<(), Stop> {
    match letter {
        'w' | 'i' | 'q' | 'I' | 'O' | 'M' | 'm' | 'W' => number(letter, value).map(drop),
        'T' => tos(value).map(drop),
        'V' => Err(refused("no alternate routing table support available")),
        'X' if !["4", "5"].contains(&value) && !value.eq_ignore_ascii_case("connect") => {
            Err(refused("unsupported proxy protocol"))
        }
        _ => Ok(()),
    }
}

/// What nc calls the number of an option, and its bounds.
fn bounds(letter: char) -> (&'static str, i64, i64) {
    let int = i64::from(i32::MAX);
    match letter {
        // Milliseconds are an int there.
        'w' => ("timeout", 0, int / 1000),
        'm' => ("minttl", 0, 255),
        'W' => ("receive limit", 1, int),
        'i' => ("interval", 0, i64::from(u32::MAX)),
        'q' => ("quit timer", -int - 1, int),
        'I' => ("TCP receive window", 1, 1 << 30),
        'O' => ("TCP send window", 1, 1 << 30),
        _ => ("ttl", 0, 255),
    }
}

/// Reads a line.
pub(super) fn parse(words: &[&str]) -> Result<Errand, Stop> {
    let (items, error) = getopt::read(words, OPTIONS);
    let mut given = Given::default();
    for item in items {
        match item {
            Item::Option(Known { letter: Some('h'), .. }, _) => return Err(Stop::Told(usage::nc(), Exit::Success)),
            Item::Option(Known { letter: Some(letter), .. }, Some(value)) => {
                check_option(*letter, value)?;
                given.values.push((*letter, value));
            }
            Item::Option(known, _) => given.flags.extend(known.letter),
            Item::Operand(word) => given.operands.push(word),
        }
    }
    if let Some(error) = error {
        return Err(Stop::Told(format!("nc: {error}\n{}", usage::NC_SHORT), FAILED));
    }
    check(&given)?;
    if given.has('l') { listen(&given) } else { connect(&given) }
}

/// What nc refuses once it has read all options, and what has no counterpart.
fn check(given: &Given<'_>) -> Result<(), Stop> {
    for (letter, why) in MISSING {
        if given.has(*letter) || given.value(*letter).is_some() {
            return Err(refused(why));
        }
    }
    let listens = given.has('l');
    let contradictions = [
        (listens && given.has('z'), "cannot use -z and -l"),
        (!listens && given.has('k'), "must use -l with -k"),
        (given.value('c').is_some() && given.value('e').is_some(), "cannot use -c and -e"),
        (listens && given.value('x').is_some(), "no proxy support for listen"),
        (given.has('U') && given.value('x').is_some(), "no proxy support for unix sockets"),
        (given.has('u') && given.value('x').is_some(), "no proxy support for UDP mode"),
        (given.value('s').is_some() && given.value('x').is_some(), "no proxy support for local source address"),
    ];
    match contradictions.iter().find(|(is_so, _)| *is_so) {
        Some((_, why)) => Err(refused(why)),
        None => Ok(()),
    }
}

fn connect(given: &Given<'_>) -> Result<Errand, Stop> {
    let mut line = Line::new(Tool::Nc, false);
    let has_program = common(given, &mut line)?;
    let (places, ports) = match &given.operands[..] {
        [] => return Err(Stop::Told(usage::NC_SHORT.to_owned(), FAILED)),
        [_] if given.has('U') && (given.value('p').is_some() || (given.value('s').is_some() && !given.has('u'))) => {
            return Err(Stop::Told(usage::NC_SHORT.to_owned(), FAILED));
        }
        [""] if given.has('U') => return Err(refused(": Invalid argument")),
        [path] if given.has('U') => (vec![format!("unix:{}", file(path))], Vec::new()),
        [_, ..] if given.has('U') => return Err(refused("cannot use port with -U")),
        [_] => return Err(refused("missing port number")),
        [host, ports @ ..] => {
            let mut found = ports_of(ports, given.protocol())?;
            if given.has('r') {
                fastrand::shuffle(&mut found);
            }
            let first = found.first().copied().unwrap_or_default().to_string();
            let why =
                if given.value('x').is_some() { super::unresolvable_there(host) } else { given.unresolvable(host) };
            if let Some(why) = why {
                let host = host.escape_debug();
                return Err(refused(&format!("getaddrinfo for host \"{host}\" port {first}: {why}")));
            }
            if given.value('x').is_some() && given.value('X') == Some("4") && host.parse::<Ipv6Addr>().is_ok() {
                return Err(refused(&format!("getaddrinfo(\"{host}\", \"{first}\"): {}", super::OTHER_FAMILY)));
            }
            (vec![(*host).to_owned(), first], found)
        }
    };
    let probes = given.has('z') && !has_program;
    line.add_if(probes, &["-z"]);
    line.add_valued("--connect-timeout", time(given.number('w')?).as_deref());
    let source = if given.has('U') {
        given.value('s').filter(|_| given.has('u')).map(|path| format!("unix:{}", file(path)))
    } else {
        let other = given.operands.first().copied().unwrap_or_default();
        let address = given.value('s').map(|word| super::source_address(word, given.has('n'), other)).transpose();
        let address = address.map_err(|why| refused(&format!("getaddrinfo: {why}")))?;
        let port = given.value('p').map(|word| given.local_port(word)).transpose()?;
        old_line::source(address.as_deref(), port.as_deref())
    };
    line.add_valued("--source", source.as_deref());
    proxy(given, &mut line)?;
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let mut config = line.config(&places)?;
    if let Role::Connect(connect) = &mut config.role {
        // Only with -v it waits for a refusal.
        connect.probe_datagram = given.has('v').then_some(b"X");
    }
    // Both sides have to end.
    config.input.half_open = config.input.read;
    Ok(Errand { tool: Tool::Nc, config: ending(given, config), ports, first_words: String::new() })
}

fn listen(given: &Given<'_>) -> Result<Errand, Stop> {
    let mut line = Line::new(Tool::Nc, true);
    common(given, &mut line)?;
    let has_source = given.value('s').is_some() || given.value('p').is_some();
    let (host, port) = match (&given.operands[..], given.value('p')) {
        ([], None) if given.has('U') && !has_source => return Err(refused("missing socket pathname")),
        ([_, _], None) if given.has('U') => return Err(refused("cannot use port with -U")),
        ([""], None) if given.has('U') && !has_source => return Err(refused("Invalid argument")),
        ([path], None) if given.has('U') && !has_source => (None, format!("unix:{}", file(path))),
        ([], Some(port)) => (given.value('s'), port.to_owned()),
        ([], None) => return Err(refused("missing port number")),
        ([port], None) if given.value('s').is_none() => (None, (*port).to_owned()),
        ([host, port], None) if given.value('s').is_none() => (Some(*host), (*port).to_owned()),
        _ => return Err(Stop::Told(usage::NC_SHORT.to_owned(), FAILED)),
    };
    let port = if given.has('U') { port } else { given.local_port(&port)? };
    if let Some(why) = host.filter(|_| !given.has('U')).and_then(|host| given.unresolvable(host)) {
        return Err(refused(&format!("getaddrinfo: {why}")));
    }
    // One address family at a time, as there.
    let host = host.or(match given.family() {
        _ if given.has('U') => None,
        Family::V6 => Some("::"),
        Family::V4 | Family::Any => Some("0.0.0.0"),
    });
    line.add_if(given.has('k'), &["-k"]);
    // One client after the other, whose datagrams are not told apart.
    line.add_if(given.has('k') && !given.has('u'), &["-m", "1"]);
    let places: Vec<&str> = host.into_iter().chain([port.as_str()]).collect();
    let config = line.config(&places)?;
    Ok(Errand { tool: Tool::Nc, config: ending(given, config), ports: Vec::new(), first_words: String::new() })
}

/// Adds what connecting and listening have in common, and says whether a program answers.
fn common(given: &Given<'_>, line: &mut Line) -> Result<bool, Stop> {
    if !given.has('U') {
        line.add_family(given.family());
    }
    for (letter, option) in [('n', "-n"), ('u', "-u")] {
        line.add_if(given.has(letter), &[option]);
    }
    for _ in given.flags.matches('v') {
        line.add(&["-v"]);
    }
    let program = [('e', "--exec"), ('c', "--sh")].into_iter().find(|(letter, _)| given.value(*letter).is_some());
    line.add_if(given.has('C'), &["-C"]);
    if let Some((letter, option)) = program {
        line.add_valued(option, given.value(letter));
    } else {
        line.add_if(given.has('d') && !given.has('z'), &["--no-stdin"]);
    }
    if !given.has('z') {
        line.add_valued("--idle-timeout", time(given.number('w')?).as_deref());
    }
    for (letter, option) in [('I', "--recv-buffer"), ('O', "--send-buffer"), ('M', "--ttl")] {
        // Not an option of IP for a Unix socket, as there.
        if let Some(number) = given.number(letter)?.filter(|_| letter != 'M' || !given.has('U')) {
            // Only the bounds of the hop limit begin at 0.
            if number == 0 {
                return Err(refused("set IP TTL: Invalid argument"));
            }
            line.add_valued(option, Some(&number.to_string()));
        }
    }
    if let Some(word) = given.value('T').filter(|_| !given.has('U')) {
        line.add_valued("--tos", Some(&tos(word)?));
    }
    line.add_if(given.has('b') && given.has('u'), &["--broadcast"]);
    if !given.has('z') {
        line.add_valued("--line-delay", time(given.number('i')?).as_deref());
    }
    Ok(program.is_some())
}

fn proxy(given: &Given<'_>, line: &mut Line) -> Result<(), Stop> {
    let Some(place) = given.value('x') else { return Ok(()) };
    let (scheme, port) = match given.value('X') {
        Some("4") => ("socks4", 1080),
        Some("5") | None => ("socks5", 1080),
        Some(_) => ("http", 3128),
    };
    let (host, word) = match place.strip_prefix('[').map(|inner| inner.split_once(']')) {
        Some(None) => return Err(refused("missing closing bracket in proxy")),
        Some(Some((_, ""))) => (place, port.to_string()),
        Some(Some((inner, behind))) => match behind.strip_prefix(':') {
            Some(word) => (&place[..inner.len() + 2], word.to_owned()),
            None => return Err(refused("garbage proxy port delimiter")),
        },
        None => {
            place.rsplit_once(':').map_or_else(|| (place, port.to_string()), |(host, word)| (host, word.to_owned()))
        }
    };
    let found = local_port(&word, "tcp");
    let is_none = host.is_empty() || (!host.starts_with('[') && host.contains(':'));
    let port = found.and_then(|port| if is_none { Err(super::UNKNOWN) } else { Ok(port) });
    let port = port.map_err(|why| {
        refused(&format!("getaddrinfo for host \"{}\" port {}: {why}", host.escape_debug(), word.escape_debug()))
    })?;
    // Only a proxy of HTTP is told.
    let user = given
        .value('P')
        .filter(|_| scheme == "http")
        .map_or_else(String::new, |user| format!("{}@", usage::encoded(user)));
    line.add_proxy(scheme, &user, host, port);
    Ok(())
}

/// Sets how a connection ends.
fn ending(given: &Given<'_>, mut config: Config) -> Config {
    // A negative number is none.
    let quit = given.number('q').ok().flatten();
    config.limits.silence = Silence::End;
    // With -v it asks before whether somebody is there.
    config.input.refusal = if given.has('v') { Refusal::Fault } else { Refusal::End };
    // Datagrams have no end to pass on.
    let passes_end = given.has('N') && !config.is_datagram() || quit.is_some();
    config.input.no_shutdown = !passes_end && config.exec.is_none();
    // With 0 it waits for the end of the peer, which one of datagrams does not have.
    let quit = quit.filter(|seconds| *seconds > 0 || config.is_datagram());
    config.input.eof_wait = quit.map(|seconds| Duration::from_secs(seconds.into()));
    // Those who serve on have others to wait for.
    config.input.waits_out_eof = !given.has('k');
    config.input.delays_end = true;
    config.input.refuses_telnet = given.has('t') && config.exec.is_none();
    config
}

/// The ports of words such as `22`, `ssh` and `20-25`, each range ascending.
fn ports_of(words: &[&str], protocol: &str) -> Result<Vec<u16>, Stop> {
    let mut ports = Vec::new();
    for word in words {
        let by_name = services::port_of(word, protocol);
        match word.split_once('-') {
            Some((first, last)) if by_name.is_none() && word.starts_with(|letter: char| letter.is_ascii_digit()) => {
                let (first, last) = (port_number(first)?, port_number(last)?);
                ports.extend(first.min(last)..=first.max(last));
            }
            _ => ports.push(by_name.map_or_else(|| port_number(word), Ok)?),
        }
    }
    Ok(ports)
}

/// The number of a port to connect to, as strtonum(3) reads it.
fn port_number(word: &str) -> Result<u16, Stop> {
    let text = word.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let why = match digits.parse::<u16>() {
        _ if !is_number(digits) => "invalid",
        _ if text.starts_with('-') => "too small",
        Ok(0) => "too small",
        Ok(port) => return Ok(port),
        Err(_) => "too large",
    };
    Err(refused(&format!("port number {why}: {}", word.escape_debug())))
}

/// A port of ours, or of a proxy, as getaddrinfo(3) reads it: any, if there is no word.
fn local_port(word: &str, protocol: &str) -> Result<u16, &'static str> {
    let digits = unsigned(word);
    match digits.parse() {
        _ if word.is_empty() => Ok(0),
        _ if !is_number(digits) => services::port_of(word, protocol).ok_or(NO_SERVICE),
        Ok(port) => Ok(port),
        Err(_) => Err(TOO_LARGE),
    }
}

const NO_SERVICE: &str = "Servname not supported for ai_socktype";
const TOO_LARGE: &str = "port number too large";

/// The number of a type of service.
fn tos(word: &str) -> Result<String, Stop> {
    let number = sockets::type_of_service(word);
    number
        .map(|number| number.to_string())
        .ok_or_else(|| refused(&format!("illegal tos value {}", word.escape_debug())))
}

/// Seconds as a time of tcpx; none is as short as can be.
fn time(seconds: Option<u32>) -> Option<String> {
    const YEAR: u32 = 365 * 24 * 3600;
    seconds.map(|seconds| if seconds == 0 { "1ms".to_owned() } else { format!("{}s", seconds.min(YEAR)) })
}

/// A path that is no abstract name.
fn file(path: &str) -> String {
    if path.starts_with('@') { format!("./{path}") } else { path.to_owned() }
}

fn refused(why: &str) -> Stop {
    Tool::Nc.refused(why)
}

/// Options that have no counterpart, and why.
const MISSING: &[(char, &str)] = &[
    ('F', "-F: tcpx does not pass its socket to another program; socat or OpenBSD's nc does"),
    ('m', "-m: tcpx has no least hop limit of received packets"),
    ('S', "-S: tcpx has no TCP MD5 signatures"),
    ('W', "-W: tcpx does not count received packets; --until of tcpx connect ends after bytes or lines"),
    ('Z', "-Z: tcpx has no DCCP"),
];
