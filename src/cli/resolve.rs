//! Parsed arguments → `Action`: what to do, checked and complete.
//!
//! Owns the conversion of options to a [`Config`]. Rules between options are in `rules`, the parsing of single values
//! is in `values`. Opens no file, no socket and no script.

use std::path::Path;
use std::time::Duration;

mod exec;
mod output;
mod retry;
mod run;
mod scan;
mod terminal;
mod test;
mod tls;
mod wait;

pub use run::Load;

use clap::ArgMatches;
use clap_complete::Shell;
use encoding_rs::Encoding;

use super::args::{
    Cli, ConnectArgs, EndingArgs, HeaderWord, HelpArgs, Late, ListenArgs, MalformedWord, ProxyArgs, ScriptArgs,
    ScriptErrorsWord, ScriptWord, TextArgs, TimeArgs, ToolArgs, TransportArgs, UnencodableWord, Word,
};
use super::generate::Page;
use super::personality::Errand;
use super::report::{self, Report};
use super::{access, inherited, locale, proxies, rules, sockets, topics, values};
use crate::codec::escape::{self, show_line};
use crate::config::{
    Charset, Config, Connect, Family, Input, Keepalive, Limits, Listen, Malformed, PreambleItem, Refusal, Role, Script,
    ScriptErrors, ScriptSource, Silence, SocketOptions, Target, Tests, Text, Unencodable, VerdictPatterns,
};
use crate::endpoint::{Endpoint, without_tls};
use crate::error::{Error, Result};
use crate::proxy::{HeaderVersion, Proxy, check_route};

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Connect or listen.
    Run(Box<Config>),
    /// Do what another tool does.
    Errand(Box<Errand>),
    /// Run a script's `main` many times, and say how long that took.
    Load(Box<Config>, Box<Load>),
    /// `tcpx connect` without a target on a terminal: prompt for it, then run.
    AskTarget(AskTarget),
    /// Merge results of load runs.
    Report(Report),
    /// Wait for one target after the other.
    Wait(Vec<Config>),
    /// List the built-in scripts.
    ScriptList,
    /// Show the built-in script of this name, without the `@`.
    ScriptShow(String),
    /// List the tests of scripts.
    TestList(Box<(Tests, Script)>),
    /// Check scripts strictly and report the findings.
    ScriptCheck(Vec<ScriptSource>),
    /// Write a new script from the template.
    ScriptNew(Starter),
    /// Print a text.
    Text(String),
    /// List the encodings.
    Encodings,
    /// Print the completions of a shell.
    Completions(Shell),
    /// Print a manual page.
    Man(Page),
}

/// A template of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// Handlers of events.
    Handlers,
    /// A flow from top to bottom.
    Session,
    /// Tests.
    Test,
}

/// A complete `tcpx connect` except for its target.
#[derive(Debug)]
pub struct AskTarget {
    args: Box<ConnectArgs>,
    preamble: Vec<PreambleItem>,
}

impl AskTarget {
    /// The run with the target the user has entered; after an error the caller may prompt again.
    ///
    /// The host may be the whole endpoint (`host:port`) if the port is empty.
    pub fn answer(&self, host: &str, port: &str) -> Result<Config> {
        let (host, port) = (host.trim(), port.trim());
        let one_word = port.is_empty() && host.contains(':');
        let (host, is_tls) = without_tls(host);
        let is_tls = is_tls || self.args.tls.tls;
        connect_to(&self.args, values::target(host, (!one_word).then_some(port))?, is_tls, self.preamble.clone())
    }
}

/// Positions on the command line of the options that are sent in its order.
pub(super) struct Places {
    send: Vec<usize>,
    send_hex: Vec<usize>,
    send_file: Vec<usize>,
}

impl Places {
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let of_word = matches.subcommand().map_or(matches, |(_, of_word)| of_word);
        let places = |id| match of_word.try_contains_id(id) {
            Ok(true) => of_word.indices_of(id).into_iter().flatten().collect(),
            _ => Vec::new(),
        };
        Self { send: places("send"), send_hex: places("send_hex"), send_file: places("send_file") }
    }
}

/// Returns the action. `on_terminal`: the user can be prompted.
pub(super) fn resolve(cli: Cli, places: &Places, on_terminal: bool) -> Result<Action> {
    match cli.word {
        Word::Connect(Late(args)) => connect(args, places, on_terminal),
        Word::Listen(Late(args)) => listen(&args, places),
        Word::Run(Late(args)) => run::resolve(&args),
        Word::Report(Late(args)) => report::resolve(*args).map(Action::Report),
        Word::Test(Late(args)) => test::resolve(&args),
        Word::Scan(Late(args)) => scan::resolve(&args),
        Word::Wait(Late(args)) => wait::resolve(&args).map(Action::Wait),
        // Its words are read elsewhere, if it is the first word.
        Word::Nc(ToolArgs { .. }) | Word::Ncat(ToolArgs { .. }) => Err(Error::usage("nc and ncat come first")),
        Word::Script { word: ScriptWord::List } => Ok(Action::ScriptList),
        Word::Script { word: ScriptWord::Show { name } } => {
            Ok(Action::ScriptShow(name.strip_prefix('@').unwrap_or(&name).to_owned()))
        }
        Word::Script { word: ScriptWord::Check { files } } => {
            files.iter().map(|file| values::script_source(file)).collect::<Result<_>>().map(Action::ScriptCheck)
        }
        Word::Script { word: ScriptWord::New { session, test } } => Ok(Action::ScriptNew(match (session, test) {
            (true, _) => Starter::Session,
            (_, true) => Starter::Test,
            (false, false) => Starter::Handlers,
        })),
        Word::Encodings => Ok(Action::Encodings),
        Word::Completions { shell } => Ok(Action::Completions(shell)),
        Word::Man { page } => Ok(Action::Man(page)),
        // It has been answered.
        Word::Config { .. } => Err(Error::usage_hint("config needs a command", "tcpx config show")),
        Word::Help(HelpArgs { words }) => topics::page(&words).map(Action::Text),
    }
}

fn connect(args: Box<ConnectArgs>, places: &Places, on_terminal: bool) -> Result<Action> {
    rules::check_connect(&args)?;
    let preamble = preamble(&args.text, places)?;
    let is_tls = args.tls.tls || args.first.as_deref().is_some_and(|first| without_tls(first).1);
    rules::tls::check(&args.tls, rules::tls::Side::Client, is_tls, rules::has_script(&args.script))?;
    let target = match (&args.first, &args.second) {
        (None, _) if on_terminal => {
            // Other errors are reported before the prompt.
            let anywhere = Endpoint::any(1);
            connect_to(&args, anywhere, is_tls, Vec::new())?;
            return Ok(Action::AskTarget(AskTarget { args, preamble }));
        }
        (None, _) => {
            return Err(Error::usage_hint("connect needs a host and a port", "tcpx connect HOST PORT"));
        }
        (Some(first), second) => values::target(without_tls(first).0, second.as_deref())?,
    };
    Ok(Action::Run(Box::new(connect_to(&args, target, is_tls, preamble)?)))
}

fn connect_to(args: &ConnectArgs, target: Endpoint, is_tls: bool, preamble: Vec<PreambleItem>) -> Result<Config> {
    let target = rules::of_datagrams(&args.transport, target)?;
    let (source, own_name) = match args.source.as_deref() {
        Some(text) if text.starts_with("unix:") => (None, Some(values::own_name(text, &target)?)),
        text => (text.map(values::source).transpose()?, None),
    };
    rules::retry::an_open_socket_is_used_once(&args.retry, &target)?;
    rules::tls::over_a_stream(&target, is_tls)?;
    let proxies = proxies(&args.transport.proxy)?;
    let streams = [(!proxies.is_empty(), "--proxy"), (args.proxy_protocol.is_some(), "--proxy-protocol")];
    rules::datagrams_have_no_end(&target, &args.ending, &args.transport, &streams)?;
    let others = [(source.is_some(), "--source"), (!proxies.is_empty(), "--proxy")];
    rules::unix_has_no_ip_options(&args.transport, &target, &others)?;
    let sockets = sockets::of_connect(&args.transport, &target, rules::has_script(&args.script))?;
    let sockets = SocketOptions { own_name, ..sockets };
    check_route(&proxies, &target)?;
    let place = proxies.first().map_or(&target, |proxy| &proxy.place);
    rules::families_agree(&args.transport, place, source.as_ref())?;
    let header = args.proxy_protocol.map(|word| match word {
        HeaderWord::V1 => HeaderVersion::V1,
        HeaderWord::V2 => HeaderVersion::V2,
    });
    let name = target.to_string();
    let retry = retry::retry(&args.retry)?;
    let connect_limit = limit("--connect-timeout", args.connect_timeout.as_deref())?;
    Ok(Config {
        role: Role::Connect(Connect {
            target,
            source,
            probe: args.probe,
            probe_datagram: Some(&[]),
            header,
            run: run_of(args.run.as_deref())?,
            retry,
        }),
        family: family(args.transport.ipv4, args.transport.ipv6),
        no_dns: args.transport.no_dns,
        nodelay: !args.transport.no_nodelay,
        keepalive: keepalive(&args.transport)?,
        sockets,
        proxies,
        memory: memory(&args.transport)?,
        text: text(&args.text)?,
        preamble,
        input: input(&args.ending, &args.time, !args.probe && !rules::has_program(&args.exec))?,
        limits: limits(&args.time, connect_limit)?,
        output: output::output(&args.output, Some(&args.received), &name)?,
        script: script(&args.script)?,
        tls: tls::resolve(&args.tls, is_tls)?,
        verdict: verdict(&args.ending, &args.text)?,
        exec: exec::exec(&args.exec)?,
        tests: None,
    })
}

fn proxies(args: &ProxyArgs) -> Result<Vec<Proxy>> {
    proxies::resolve(args, proxies::from_environment())
}

fn memory(args: &TransportArgs) -> Result<Option<usize>> {
    args.memory.as_deref().map(|size| values::size("--memory", size)).transpose()
}

fn listen(args: &ListenArgs, places: &Places) -> Result<Action> {
    rules::check_listen(args)?;
    let first = args.first.as_deref().map(without_tls);
    let is_tls = args.tls.tls || first.is_some_and(|(_, is_tls)| is_tls);
    rules::tls::check(&args.tls, rules::tls::Side::Server, is_tls, rules::has_script(&args.script))?;
    let address = match first {
        Some((first, _)) => values::address(first, args.second.as_deref())?,
        None => inherited::activated(|name| std::env::var(name).ok(), std::process::id())?
            .inspect(|_| inherited::forget())
            .ok_or_else(|| Error::usage_hint("listen needs a port", "tcpx listen PORT; port 0 takes any free one"))?,
    };
    let address = rules::of_datagrams(&args.transport, address)?;
    rules::tls::over_a_stream(&address, is_tls)?;
    let stream_only = [(args.server.backlog.is_some(), "--backlog"), (args.server.accept_proxy, "--accept-proxy")];
    rules::datagrams_have_no_end(&address, &args.ending, &args.transport, &stream_only)?;
    let ip_only = [(args.server.workers.is_some(), "--workers"), (args.server.reuse_port, "--reuse-port")];
    rules::unix_has_no_ip_options(&args.transport, &address, &ip_only)?;
    let sockets = sockets::of_listen(&args.transport, &address, rules::has_script(&args.script))?;
    rules::unix_clients_have_no_address(&args.server, &address)?;
    rules::families_agree(&args.transport, &address, None)?;
    let name = format!("listen {address}");
    let server = &args.server;
    let single_peer = !server.keep_open && !rules::has_script(&args.script);
    let accept = match &server.accept {
        Some(number) => Some(values::count("--accept", number)?),
        None if server.once || single_peer => Some(1),
        None => None,
    };
    Ok(Action::Run(Box::new(Config {
        role: Role::Listen(Listen {
            address,
            accept,
            single_peer,
            access: access::resolve(server, args.transport.no_dns)?,
            max_conns: server.max_conns.as_deref().map(|n| values::count("--max-conns", n)).transpose()?,
            refuses_beyond: false,
            backlog: server.backlog.as_deref().map(|n| values::count("--backlog", n)).transpose()?,
            workers: server.workers.as_deref().map_or(Ok(1), |n| values::count("--workers", n))?,
            ready_file: server.ready_file.clone(),
            accept_proxy: server.accept_proxy,
            reuse_port: server.reuse_port,
            ready_fd: server.ready_fd.as_deref().map(|n| values::descriptor("--ready-fd", n)).transpose()?,
            run: run_of(server.run.as_deref())?,
            accept_limit: limit("--accept-timeout", server.accept_timeout.as_deref())?,
        }),
        // Groups of IPv4 alone need no socket of both.
        family: match family(args.transport.ipv4, args.transport.ipv6) {
            Family::Any if !sockets.groups.is_empty() && sockets.groups.iter().all(|group| group.address.is_ipv4()) => {
                Family::V4
            }
            family => family,
        },
        no_dns: args.transport.no_dns,
        nodelay: !args.transport.no_nodelay,
        keepalive: keepalive(&args.transport)?,
        sockets,
        proxies: proxies(&args.transport.proxy)?,
        memory: memory(&args.transport)?,
        text: text(&args.text)?,
        preamble: preamble(&args.text, places)?,
        input: input(&args.ending, &args.time, !rules::has_program(&args.exec))?,
        limits: limits(&args.time, None)?,
        output: output::output(&args.output, Some(&args.received), &name)?,
        script: script(&args.script)?,
        tls: tls::resolve(&args.tls, is_tls)?,
        verdict: verdict(&args.ending, &args.text)?,
        exec: exec::exec(&args.exec)?,
        tests: None,
    })))
}

fn family(ipv4: bool, ipv6: bool) -> Family {
    match (ipv4, ipv6) {
        (true, _) => Family::V4,
        (_, true) => Family::V6,
        _ => Family::Any,
    }
}

fn text(args: &TextArgs) -> Result<Text> {
    let both = args.encoding.as_deref().map(|label| values::charset("--encoding", label)).transpose()?;
    let recv = args.recv_encoding.as_deref().map(|label| values::charset("--recv-encoding", label)).transpose()?;
    let send = args.send_encoding.as_deref().map(|label| values::sending_charset("--send-encoding", label));
    Ok(Text {
        recv: recv.or(both),
        region: locale::region(|name| std::env::var(name).ok()),
        send: send.transpose()?.or(both.and_then(sent_as)),
        malformed: match args.malformed {
            Some(MalformedWord::Fail) => Malformed::Fail,
            Some(MalformedWord::Replace) | None => Malformed::Replace,
        },
        unencodable: match args.unencodable {
            Some(UnencodableWord::Replace) => Unencodable::Replace,
            Some(UnencodableWord::Fail) | None => Unencodable::Fail,
        },
        crlf: args.crlf,
    })
}

/// The encoding of what is sent where both directions have one: detection leaves it alone.
fn sent_as(charset: Charset) -> Option<&'static Encoding> {
    match charset {
        Charset::Named(encoding) => Some(encoding),
        Charset::Auto(_) => None,
    }
}

/// The preamble, in the order of the three options on the command line.
fn preamble(args: &TextArgs, places: &Places) -> Result<Vec<PreambleItem>> {
    let mut parts = Vec::new();
    for (place, text) in places.send.iter().zip(&args.send) {
        parts.push((*place, text_to_send(text)?));
    }
    for (place, text) in places.send_hex.iter().zip(&args.send_hex) {
        let bytes = escape::parse_hex(text)
            .map_err(|error| Error::usage_hint(format!("--send-hex \"{}\": {error}", show_line(text)), HEX))?;
        parts.push((*place, PreambleItem::Bytes(bytes)));
    }
    for (place, path) in places.send_file.iter().zip(&args.send_file) {
        parts.push((*place, PreambleItem::File(path.clone())));
    }
    parts.sort_by_key(|(place, _)| *place);
    Ok(parts.into_iter().map(|(_, part)| part).collect())
}

/// A text of `--send`.
fn text_to_send(text: &str) -> Result<PreambleItem> {
    let pieces = escape::parse(text)
        .map_err(|error| Error::usage_hint(format!("--send \"{}\": {error}", show_line(text)), ESCAPES))?;
    Ok(PreambleItem::Text(pieces))
}

fn input(args: &EndingArgs, time: &TimeArgs, wanted: bool) -> Result<Input> {
    let or_zero = |option, text: Option<&String>| text.map(|text| values::duration_or_zero(option, text)).transpose();
    Ok(Input {
        read: wanted && !args.recv_only && !args.no_stdin,
        discard_received: args.send_only,
        half_open: args.half_open,
        no_shutdown: args.no_shutdown,
        eof_wait: or_zero("--eof-wait", args.eof_wait.as_ref())?,
        waits_out_eof: false,
        line_delay: or_zero("--line-delay", time.line_delay.as_ref())?.filter(|delay| !delay.is_zero()),
        delays_end: false,
        refuses_telnet: false,
        refusal: Refusal::default(),
    })
}

fn verdict(args: &EndingArgs, text: &TextArgs) -> Result<VerdictPatterns> {
    let is_text = text.encoding.is_some() || text.recv_encoding.is_some();
    let pattern =
        |option, given: &[String]| given.first().map(|text| values::pattern(option, text, is_text)).transpose();
    Ok(VerdictPatterns {
        expect: pattern("--expect", &args.expect)?,
        fail_on: pattern("--fail-on", &args.fail_on)?,
        until: args.until.first().map(|text| values::until(text, is_text)).transpose()?,
    })
}

fn limits(args: &TimeArgs, connect: Option<Duration>) -> Result<Limits> {
    Ok(Limits {
        connect,
        idle: limit("--idle-timeout", args.idle_timeout.as_deref())?,
        silence: Silence::default(),
        ends_in_order: false,
        run: limit("--timeout", args.timeout.as_deref())?,
        spent: Duration::ZERO,
    })
}

fn keepalive(args: &TransportArgs) -> Result<Keepalive> {
    args.keepalive.as_deref().map_or(Ok(Keepalive::System), values::keepalive)
}

/// The command of `--run`.
fn run_of(text: Option<&str>) -> Result<Option<String>> {
    text.map(|text| values::command("--run", text, "./check \"$TCPX_ADDR\"")).transpose()
}

fn limit(option: &str, text: Option<&str>) -> Result<Option<Duration>> {
    text.map(|text| values::duration(option, text)).transpose()
}

/// Where something is to be written.
pub(super) fn target(path: &Path) -> Target {
    if is_stdout(path) { Target::Stdout } else { Target::File(path.to_owned()) }
}

/// `-` is stdout, as everywhere.
pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn script(args: &ScriptArgs) -> Result<Option<Script>> {
    let source = match (&args.script, &args.on_data, &args.on_line, &args.session) {
        (Some(path), ..) => values::script_source(path)?,
        (_, Some(code), ..) => ScriptSource::OnData(values::code("--on-data", code, "conn.send(data)")?),
        (_, _, Some(code), _) => ScriptSource::OnLine(values::code("--on-line", code, "conn.send_line(line)")?),
        (.., Some(code)) => {
            let example = "for l in conn.lines() { conn.send_line(l) }";
            ScriptSource::Session(values::code("--session", code, example)?)
        }
        (None, None, None, None) => return Ok(None),
    };
    Ok(Some(Script {
        args: args.args.clone(),
        on_error: match args.script_errors {
            Some(ScriptErrorsWord::Fatal) => ScriptErrors::Fatal,
            Some(ScriptErrorsWord::Ignore) => ScriptErrors::Ignore,
            Some(ScriptErrorsWord::Close) | None => ScriptErrors::Close,
        },
        watch: args.watch,
        ..run::limited(source, &args.limits)?
    }))
}

const ESCAPES: &str = "a text may hold \\r \\n \\t \\0 \\\\ \\xHH \\u{...}; --send-file sends a file as it is";
const HEX: &str = "bytes are pairs of hex digits, as in 0d0a or \"0d 0a\"";

#[cfg(test)]
mod tests;
