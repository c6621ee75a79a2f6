//! tcpx as nc and as Ncat: their command lines, read as they read them, and their exit codes.
//!
//! Owns which tool a line is for, and how such a line becomes a `Config`: it is written as a line of `connect` or `listen` and
//! parsed as one, so that an option means the same everywhere; then what only that tool does is set. Their sentences are in
//! `output`.

mod getopt;
mod lists;
mod nc;
mod ncat;
mod usage;

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::Path;

use signal_hook::consts::SIGPIPE;

use super::resolve::Action;
use super::{Stop, parse_words};
use crate::config::{Config, Family, Role, Voice};
use crate::error::Error;
use crate::exit::Exit;
use crate::net::dial;
use crate::output::{nc as nc_voice, ncat as ncat_voice};

/// A tool whose habits tcpx takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// OpenBSD's nc, with `-e` and `-c` of nc.traditional.
    Nc,
    /// Ncat.
    Ncat,
}

impl Tool {
    /// What it prints when it is asked for help.
    pub(super) fn usage(self) -> String {
        match self {
            Self::Nc => usage::nc(),
            Self::Ncat => usage::ncat(),
        }
    }
}

/// What a line of such a tool asks for.
#[derive(Debug)]
pub struct Errand {
    tool: Tool,
    config: Config,
    /// The ports to connect to, one after the other; empty for a run that listens or has a Unix socket.
    ports: Vec<u16>,
    /// What the tool says on stderr before anything else.
    pub first_words: String,
}

impl Tool {
    /// The tool of a command line, and the number of words before its own: by the name of the program or by the command.
    pub(super) fn of(argv: &[OsString]) -> Option<(Self, usize)> {
        let name = Path::new(argv.first()?).file_name()?;
        Self::named(name).map(|tool| (tool, 1)).or_else(|| Some((Self::named(argv.get(1)?)?, 2)))
    }

    fn named(name: &OsStr) -> Option<Self> {
        match name.to_str()? {
            "nc" | "netcat" => Some(Self::Nc),
            "ncat" => Some(Self::Ncat),
            _ => None,
        }
    }

    /// An error of the command line in the form of the tool.
    fn told(self, error: &Error) -> Stop {
        let hint = error.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
        let options = match self {
            Self::Nc => nc_voice::OPTIONS,
            Self::Ncat => ncat_voice::OPTIONS,
        };
        self.refused(&nc_voice::with_options(&format!("{error}{hint}"), options))
    }

    /// The end for a line that cannot be carried out.
    fn refused(self, why: &str) -> Stop {
        match self {
            Self::Nc => Stop::Told(format!("nc: {why}\n"), FAILED),
            Self::Ncat => Stop::Told(format!("Ncat: {why}. QUITTING.\n"), Exit::Script(2)),
        }
    }
}

impl Errand {
    /// The runs, one after the other; the target of each is another port.
    pub fn runs(&self) -> impl Iterator<Item = Config> {
        let of_ports = self.ports.iter().map(|port| {
            let mut config = self.config.clone();
            if let Role::Connect(connect) = &mut config.role {
                connect.target = connect.target.moved_to(connect.target.host().map(str::to_owned), *port);
            }
            config
        });
        of_ports.chain(self.ports.is_empty().then(|| self.config.clone()))
    }

    /// What the tool says last on stderr after a run that ended so.
    pub fn last_words(&self, exit: Exit) -> Option<&'static str> {
        (self.tool == Tool::Ncat && exit == Exit::Signal(SIGPIPE)).then_some("write: Broken pipe\n")
    }

    /// The exit status of a run as the tool has it.
    pub fn exit(&self, exit: Exit) -> Exit {
        match (self.tool, exit) {
            // nc does not ask how a connection ended that was there, nor for stdout's reader, and both take any end of the peer's
            // stream for the end.
            (Tool::Nc, Exit::Broken | Exit::Signal(SIGPIPE)) | (_, Exit::CutShort) => Exit::Success,
            (Tool::Ncat, Exit::Signal(SIGPIPE)) => Exit::Script(2),
            (Tool::Ncat, Exit::Proxy) if ncat_voice::ends_like_a_wrong_line(&self.config) => Exit::Script(2),
            (Tool::Ncat, Exit::Timeout) if matches!(self.config.role, Role::Listen(_)) => Exit::Script(2),
            (_, Exit::Success | Exit::Signal(_) | Exit::Bug) => exit,
            (Tool::Nc, _)
            | (
                Tool::Ncat,
                Exit::NoConnection
                | Exit::Timeout
                | Exit::Broken
                | Exit::Read
                | Exit::Proxy
                | Exit::Handshake
                | Exit::Untrusted,
            ) => FAILED,
            (Tool::Ncat, _) => Exit::Script(2),
        }
    }

    /// Whether the last of its runs decides, and not that one of them has done it.
    pub fn ends_as_last(&self) -> bool {
        self.tool == Tool::Nc && self.config.is_datagram()
    }
}

/// Reads a line of a tool; `words` are those behind its name.
pub(super) fn parse(tool: Tool, words: &[OsString]) -> Result<Action, Stop> {
    let words = words
        .iter()
        .map(|word| word.to_str().ok_or_else(|| tool.refused(&format!("{} is not UTF-8", super::usage::shown(word)))));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let errand = match tool {
        Tool::Nc => nc::parse(&words),
        Tool::Ncat => ncat::parse(&words),
    };
    errand.map(|errand| Action::Errand(Box::new(errand)))
}

/// A line of `connect` or `listen` in the making.
struct Line {
    tool: Tool,
    words: Vec<OsString>,
    /// Its proxy has the port 0, where nobody is, which those tools try like any other.
    has_proxy_without_port: bool,
}

impl Line {
    fn new(tool: Tool, listens: bool) -> Self {
        let command = if listens { "listen" } else { "connect" };
        Self { tool, words: ["tcpx", command].map(OsString::from).to_vec(), has_proxy_without_port: false }
    }

    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(OsString::from));
    }

    /// Adds the words if it is so.
    fn add_if(&mut self, is_so: bool, words: &[&str]) {
        if is_so {
            self.add(words);
        }
    }

    fn add_family(&mut self, family: Family) {
        match family {
            Family::Any => {}
            Family::V4 => self.add(&["-4"]),
            Family::V6 => self.add(&["-6"]),
        }
    }

    /// Adds an option whose value may look like an option.
    fn add_valued(&mut self, option: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.words.push(format!("{option}={value}").into());
        }
    }

    /// Adds a proxy. `user` is empty or ends with `@`.
    fn add_proxy(&mut self, scheme: &str, user: &str, host: &str, port: u16) {
        self.has_proxy_without_port = port == 0;
        self.add_valued("--proxy", Some(&format!("{scheme}://{user}{host}:{}", port.max(1))));
    }

    /// The configuration, with the voice of the tool.
    fn config(mut self, places: &[&str]) -> Result<Config, Stop> {
        self.add(places);
        match parse_words(&self.words, &super::Surroundings::alone(false)) {
            Ok(Action::Run(config)) => {
                let mut config = *config;
                config.limits.ends_in_order = true;
                for proxy in &mut config.proxies {
                    proxy.waits_to_be_asked = true;
                }
                config.output.voice = match self.tool {
                    Tool::Nc => Voice::Nc,
                    Tool::Ncat => Voice::Ncat,
                };
                if self.has_proxy_without_port {
                    for proxy in &mut config.proxies {
                        proxy.place = proxy.place.moved_to(proxy.place.host().map(str::to_owned), 0);
                    }
                }
                Ok(config)
            }
            Ok(_) => Err(self.tool.refused("there is nothing to do")),
            Err(Stop::Error(error)) => Err(self.tool.told(&error)),
            Err(stop) => Err(stop),
        }
    }
}

/// The address family that the letter of an option stands for.
fn family(letter: Option<char>) -> Family {
    match letter {
        Some('4') => Family::V4,
        Some('6') => Family::V6,
        _ => Family::Any,
    }
}

/// A number without the blanks and the plus sign that strtoul(3) and getaddrinfo(3) take before it.
fn unsigned(word: &str) -> &str {
    let text = word.trim_start();
    text.strip_prefix('+').unwrap_or(text)
}

/// What getaddrinfo(3) says of a host that cannot be one: a name where names are not resolved, an address of the other family.
fn unresolvable(host: &str, is_numeric: bool, family: Family) -> Option<&'static str> {
    // Some would be options of tcpx.
    if host.is_empty() || host.starts_with('-') || host.contains(char::is_whitespace) {
        return Some(UNKNOWN);
    }
    let bare = host.split('%').next().unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Err(_) => (is_numeric || bare.contains(['/', ':'])).then_some(UNKNOWN),
        Ok(ip) => (!family.has(ip)).then_some(OTHER_FAMILY),
    }
}

/// The same for a host that a proxy resolves.
fn unresolvable_there(host: &str) -> Option<&'static str> {
    (host.is_empty() || host.starts_with('-') || host.contains(char::is_whitespace)).then_some(UNKNOWN)
}

/// The address of a local host, which may be a name there. `other`: an address of the other end, if it was one.
fn source_address(word: &str, is_numeric: bool, other: &str) -> Result<String, &'static str> {
    let family = other.parse().map_or(Family::Any, Family::of);
    if let Some(why) = unresolvable(word, is_numeric || word.is_empty(), family) {
        return Err(why);
    }
    if word.parse::<IpAddr>().is_ok() {
        return Ok(word.to_owned());
    }
    let found = dial::resolve(word, 0, family).map_err(|_| UNKNOWN)?;
    found.first().map(|address| address.ip().to_string()).ok_or(UNKNOWN)
}

const UNKNOWN: &str = "Name or service not known";
const OTHER_FAMILY: &str = "Address family for hostname not supported";

/// The exit status of a tool that could not do it.
const FAILED: Exit = Exit::Script(1);
