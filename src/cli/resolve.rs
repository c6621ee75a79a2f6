//! Parsed arguments → `Action`: what to do, checked and complete.
//!
//! Owns the conversion of options to a [`Config`]. Rules between options are in `rules`, the parsing of single values
//! is in `values`. Opens no file, no socket and no script.

use std::path::Path;
use std::time::Duration;

mod exec;
mod run;
mod test;
mod tls;

pub use run::Load;

use clap::ArgMatches;
use clap_complete::Shell;
use encoding_rs::Encoding;

use super::args::{
    Cli, ConnectArgs, EndingArgs, Late, ListenArgs, MalformedWord, OutputArgs, ProgressWord, ScriptArgs,
    ScriptErrorsWord, ScriptWord, TextArgs, TimeArgs, TransportArgs, UnencodableWord, Word,
};
use super::generate::Page;
use super::report::{self, Report};
use super::{inherited, locale, rules, values};
use crate::codec::escape::{self, show_line};
use crate::config::{
    Charset, Config, Connect, Family, Input, Keepalive, Limits, Listen, Malformed, Output, PreambleItem, Progress,
    Role, Script, ScriptErrors, ScriptSource, Target, Tests, Text, Unencodable, VerdictPatterns,
};
use crate::endpoint::{Endpoint, without_tls};
use crate::error::{Error, Result};

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Connect or listen.
    Run(Box<Config>),
    /// Run a script's `main` many times, and say how long that took.
    Load(Box<Config>, Box<Load>),
    /// `tcpx connect` without a target on a terminal: prompt for it, then run.
    AskTarget(AskTarget),
    /// Merge results of load runs.
    Report(Report),
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
        Word::Script { word: ScriptWord::List } => Ok(Action::ScriptList),
        Word::Script { word: ScriptWord::Show { name } } => {
            Ok(Action::ScriptShow(name.strip_prefix('@').unwrap_or(&name).to_owned()))
        }
        Word::Script { word: ScriptWord::Check { files } } => {
            // stdin is read when it is checked.
            let source = |file: &std::path::PathBuf| match file.as_os_str().as_encoded_bytes() {
                b"-" => Ok(ScriptSource::Stdin(Vec::new())),
                _ => values::script_source(file),
            };
            files.iter().map(source).collect::<Result<_>>().map(Action::ScriptCheck)
        }
        Word::Script { word: ScriptWord::New { session, test } } => Ok(Action::ScriptNew(match (session, test) {
            (true, _) => Starter::Session,
            (_, true) => Starter::Test,
            (false, false) => Starter::Handlers,
        })),
        Word::Encodings => Ok(Action::Encodings),
        Word::Completions { shell } => Ok(Action::Completions(shell)),
        Word::Man { page } => Ok(Action::Man(page)),
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
    let source = args.source.as_deref().map(values::source).transpose()?;
    rules::tls::over_a_stream(&target, is_tls)?;
    rules::datagrams_have_no_end(&target, &args.ending, &args.transport, &[])?;
    rules::unix_has_no_ip_options(&args.transport, &target, &[(source.is_some(), "--source")])?;
    rules::families_agree(&args.transport, &target, source.as_ref())?;
    let connect_limit = limit("--connect-timeout", args.connect_timeout.as_deref())?;
    Ok(Config {
        role: Role::Connect(Connect { target, source, probe: args.probe }),
        family: family(args.transport.ipv4, args.transport.ipv6),
        no_dns: args.transport.no_dns,
        nodelay: !args.transport.no_nodelay,
        keepalive: keepalive(&args.transport)?,
        memory: memory(&args.transport)?,
        text: text(&args.text)?,
        preamble,
        input: input(&args.ending, !args.probe && !rules::has_program(&args.exec))?,
        limits: limits(&args.time, connect_limit)?,
        output: output(&args.output),
        script: script(&args.script)?,
        tls: tls::resolve(&args.tls, is_tls)?,
        verdict: verdict(&args.ending, &args.text)?,
        exec: exec::exec(&args.exec)?,
        tests: None,
    })
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
            .ok_or_else(|| Error::usage_hint("listen needs a port", "tcpx listen PORT; port 0 takes any free one"))?,
    };
    let address = rules::of_datagrams(&args.transport, address)?;
    rules::tls::over_a_stream(&address, is_tls)?;
    let stream_only = [(args.server.backlog.is_some(), "--backlog")];
    rules::datagrams_have_no_end(&address, &args.ending, &args.transport, &stream_only)?;
    rules::unix_has_no_ip_options(&args.transport, &address, &[(args.server.workers.is_some(), "--workers")])?;
    rules::families_agree(&args.transport, &address, None)?;
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
            max_conns: server.max_conns.as_deref().map(|n| values::count("--max-conns", n)).transpose()?,
            backlog: server.backlog.as_deref().map(|n| values::count("--backlog", n)).transpose()?,
            workers: server.workers.as_deref().map_or(Ok(1), |n| values::count("--workers", n))?,
            ready_file: server.ready_file.clone(),
            ready_fd: server.ready_fd.as_deref().map(|n| values::descriptor("--ready-fd", n)).transpose()?,
            run: server.run.clone(),
            accept_limit: limit("--accept-timeout", server.accept_timeout.as_deref())?,
        }),
        family: family(args.transport.ipv4, args.transport.ipv6),
        no_dns: args.transport.no_dns,
        nodelay: !args.transport.no_nodelay,
        keepalive: keepalive(&args.transport)?,
        memory: memory(&args.transport)?,
        text: text(&args.text)?,
        preamble: preamble(&args.text, places)?,
        input: input(&args.ending, !rules::has_program(&args.exec))?,
        limits: limits(&args.time, None)?,
        output: output(&args.output),
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
        let pieces = escape::parse(text)
            .map_err(|error| Error::usage_hint(format!("--send \"{}\": {error}", show_line(text)), ESCAPES))?;
        parts.push((*place, PreambleItem::Text(pieces)));
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

fn input(args: &EndingArgs, wanted: bool) -> Result<Input> {
    Ok(Input {
        read: wanted && !args.recv_only && !args.no_stdin,
        discard_received: args.send_only,
        half_open: args.half_open,
        no_shutdown: args.no_shutdown,
        eof_wait: args.eof_wait.as_deref().map(|text| values::duration_or_zero("--eof-wait", text)).transpose()?,
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
        run: limit("--timeout", args.timeout.as_deref())?,
    })
}

fn keepalive(args: &TransportArgs) -> Result<Keepalive> {
    args.keepalive.as_deref().map_or(Ok(Keepalive::System), values::keepalive)
}

fn limit(option: &str, text: Option<&str>) -> Result<Option<Duration>> {
    text.map(|text| values::duration(option, text)).transpose()
}

fn output(args: &OutputArgs) -> Output {
    Output {
        file: args.output.clone().filter(|path| !is_stdout(path)),
        raw_terminal: args.raw_terminal,
        hex: args.hex,
        events: args.events.as_deref().map(target),
        progress: match args.progress {
            Some(ProgressWord::Auto) => Progress::OnTerminal,
            Some(ProgressWord::Always) => Progress::Always,
            Some(ProgressWord::Never) | None => Progress::Never,
        },
        verbose: args.verbose,
        quiet: args.quiet,
    }
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
        (_, Some(code), ..) => ScriptSource::OnData(code.clone()),
        (_, _, Some(code), _) => ScriptSource::OnLine(code.clone()),
        (.., Some(code)) => ScriptSource::Session(code.clone()),
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
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::tests::{action, config, refused};
    use crate::config::Piece;

    fn server(line: &str) -> Listen {
        match config(line).role {
            Role::Listen(listen) => listen,
            _ => panic!("{line} does not listen"),
        }
    }

    #[test]
    fn plain_connect_has_the_defaults() {
        let config = config("connect example.org 80");
        let Role::Connect(connect) = &config.role else { panic!("{config:?}") };
        assert_eq!(connect.target.to_string(), "example.org:80");
        assert!(connect.source.is_none() && !connect.probe);
        assert!(config.family == Family::Any && !config.no_dns && config.nodelay);
        assert!(config.text.recv.is_none() && config.text.send.is_none() && !config.text.crlf);
        assert!(config.input.read && !config.input.half_open && config.input.eof_wait.is_none());
        assert!(config.limits.connect.is_none() && config.limits.idle.is_none() && config.limits.run.is_none());
        assert!(config.output.file.is_none() && config.output.verbose == 0 && !config.output.quiet);
        assert!(config.script.is_none() && config.preamble.is_empty());
    }

    #[test]
    fn every_option_of_connect_is_in_the_config() {
        let config = config(
            "connect -zvv -4n -w 2 --timeout 1m --source 127.0.0.1 -C --no-nodelay --raw-terminal --no-stdin :http",
        );
        let Role::Connect(connect) = &config.role else { panic!("{config:?}") };
        assert!(connect.probe);
        assert_eq!(connect.target.to_string(), ":80");
        assert_eq!(connect.source.as_ref().unwrap().to_string(), "127.0.0.1:0");
        assert!(config.family == Family::V4 && config.no_dns && !config.nodelay);
        assert!(config.text.crlf && config.output.raw_terminal && config.output.verbose == 2);
        assert_eq!(config.limits.connect, Some(Duration::from_secs(2)));
        assert_eq!(config.limits.run, Some(Duration::from_secs(60)));
        assert!(!config.input.read);
    }

    #[test]
    fn accept_keep_open_and_a_script_set_the_number_of_connections() {
        let plain = server("listen 0");
        assert!(plain.single_peer && plain.accept == Some(1));
        let once = server("listen --once 0");
        assert!(once.single_peer && once.accept == Some(1));
        let many = server("listen -k 0 -m 8 --backlog 5");
        assert!(!many.single_peer && many.accept.is_none() && many.max_conns == Some(8) && many.backlog == Some(5));
        let three = server("listen -k --accept 3 0");
        assert!(!three.single_peer && three.accept == Some(3));
        let one = server("listen -k --once 0");
        assert!(!one.single_peer && one.accept == Some(1));
        let scripted = server("listen --on-data c 0");
        assert!(!scripted.single_peer && scripted.accept.is_none());
        let scripted_once = server("listen --on-data c --once 0");
        assert!(!scripted_once.single_peer && scripted_once.accept == Some(1));
        let ready = server("listen 0 --ready-file f --ready-fd 2");
        assert!(ready.ready_file == Some(PathBuf::from("f")) && ready.ready_fd == Some(2));
    }

    #[test]
    fn stdin_is_read_without_a_script_that_answers() {
        assert!(config("listen 0").input.read);
        assert!(config("listen -k 0").input.read);
        assert!(config("connect h 80 --on-data c").input.read);
        assert!(config("listen 0 --on-data c").input.read, "for on_stdin");
        assert!(!config("connect h 80 --recv-only").input.read);
        assert!(!config("connect -z h 80").input.read);
        let input = config("connect h 80 --half-open --no-shutdown --eof-wait 2").input;
        assert!(input.half_open && input.no_shutdown && input.eof_wait == Some(Duration::from_secs(2)));
        assert!(config("connect h 80 --send-only").input.discard_received);
    }

    #[test]
    fn encodings_are_set_for_each_direction() {
        let text = |options: &str| config(&format!("connect h 80 {options}")).text;
        let gbk = encoding_rs::GBK;
        let big5 = encoding_rs::BIG5;
        assert!(text("-E gbk").recv == Some(Charset::Named(gbk)) && text("-E gbk").send == Some(gbk));
        let auto = text("-E auto");
        assert!(auto.recv == Some(Charset::Auto(None)) && auto.send.is_none());
        let both = text("-E gbk --send-encoding big5 --malformed fail --unencodable replace");
        assert!(both.recv == Some(Charset::Named(gbk)) && both.send == Some(big5));
        assert!(both.malformed == Malformed::Fail && both.unencodable == Unencodable::Replace);
        let one = text("--recv-encoding auto --send-encoding gbk");
        assert!(one.recv == Some(Charset::Auto(None)) && one.send == Some(gbk));
        assert_eq!(
            refused("connect h 80 -E gbkk"),
            "unknown encoding \"gbkk\" | did you mean --encoding gbk? tcpx encodings lists them all"
        );
    }

    #[test]
    fn the_preamble_keeps_the_order_of_the_command_line() {
        let config = config("connect --send a h --send-hex 0d0a --send-file f 80 --send -b --send-hex 00 --send=c");
        let text = |text: &str| PreambleItem::Text(vec![Piece::Text(text.to_owned())]);
        assert_eq!(
            config.preamble,
            [
                text("a"),
                PreambleItem::Bytes(vec![13, 10]),
                PreambleItem::File("f".into()),
                text("-b"),
                PreambleItem::Bytes(vec![0]),
                text("c"),
            ]
        );
    }

    #[test]
    fn escapes_are_parsed_and_their_errors_reported() {
        let bytes = PreambleItem::Text(vec![Piece::Text("a\r\n".into()), Piece::Bytes(vec![0xff])]);
        assert_eq!(config(r"connect h 80 --send a\r\n\xff").preamble, [bytes]);
        assert_eq!(
            refused(r"connect h 80 --send a\q"),
            r#"--send "a\q": unknown escape \q at character 2 | "#.to_owned() + ESCAPES
        );
        assert_eq!(
            refused("connect h 80 --send-hex 0d0"),
            r#"--send-hex "0d0": odd number of hex digits in "0d0" at character 1 | "#.to_owned() + HEX
        );
    }

    #[test]
    fn script_options_are_in_the_config() {
        let script = config("listen 0 -s @goodbye --script-errors ignore --script-timeout 500ms -- -x y").script;
        let script = script.expect("a script");
        assert_eq!(script.source, ScriptSource::Builtin("goodbye".into()));
        assert_eq!(script.args, ["-x", "y"]);
        assert_eq!(script.on_error, ScriptErrors::Ignore);
        assert_eq!(script.timeout, Duration::from_millis(500));
        assert!(!script.watch && config("connect h 80 -s f --watch").script.is_some_and(|script| script.watch));
        let line = config("connect h 80 --on-line conn.close()").script.expect("a script");
        assert_eq!(line.source, ScriptSource::OnLine("conn.close()".into()));
        let session = config("listen 0 --session conn.close()").script.expect("a script");
        assert_eq!(session.source, ScriptSource::Session("conn.close()".into()));
        assert_eq!((line.on_error, line.timeout), (ScriptErrors::Close, Duration::from_secs(2)));
        assert!(line.seed.is_none() && line.allow_read.is_empty() && line.allow_write.is_empty());
        let more = config("listen 0 -s @echo --seed 7 --allow-read a --allow-write b --allow-read c").script;
        let more = more.expect("a script");
        assert_eq!(more.seed, Some(7));
        assert_eq!(more.max_connects, None);
        assert_eq!(config("connect h 1 -s @echo --max-connects 5").script.unwrap().max_connects, Some(5));
        assert_eq!(more.allow_read, ["a", "c"].map(PathBuf::from));
        assert_eq!(more.allow_write, [PathBuf::from("b")]);
    }

    #[test]
    fn the_last_of_two_contrary_options_wins() {
        assert!(config("connect h 80 --no-nodelay --nodelay").nodelay);
        assert!(!config("connect h 80 --nodelay --no-nodelay").nodelay);
        assert_eq!(config("connect h 80 -w 1 -w 2").limits.connect, Some(Duration::from_secs(2)));
    }

    #[test]
    fn output_to_dash_is_stdout() {
        assert_eq!(config("connect h 80 -o f").output.file, Some(PathBuf::from("f")));
        assert!(config("connect h 80 -o -").output.file.is_none());
        let events = |line| config(line).output.events;
        assert_eq!(events("connect h 80"), None);
        assert_eq!(events("connect h 80 --events -"), Some(Target::Stdout));
        assert_eq!(events("listen 80 --events e"), Some(Target::File("e".into())));
    }

    #[test]
    fn the_target_is_prompted_for_only_on_a_terminal() {
        assert_eq!(refused("connect"), "connect needs a host and a port | tcpx connect HOST PORT");
        assert_eq!(refused("listen"), "listen needs a port | tcpx listen PORT; port 0 takes any free one");
        let Action::AskTarget(ask) = action("connect -E gbk --send x", true).unwrap() else { panic!("no question") };
        assert!(ask.answer("", "80").is_err());
        assert!(ask.answer("h", "65536").is_err());
        let config = ask.answer(" example.org ", "80\n").unwrap();
        assert_eq!(config.text.send, Some(encoding_rs::GBK));
        assert_eq!(config.preamble.len(), 1);
        let Role::Connect(connect) = ask.answer("[::1]:80", "").unwrap().role else { panic!("listens") };
        assert_eq!(connect.target.to_string(), "[::1]:80");
        assert!(action("connect -w nonsense", true).is_err());
    }

    #[test]
    fn commands_that_only_print_have_their_actions() {
        let is = |line: &str, shown: &str| assert_eq!(format!("{:?}", action(line, false).unwrap()), shown);
        is("script list", "ScriptList");
        is("script show @echo", "ScriptShow(\"echo\")");
        is("script show echo", "ScriptShow(\"echo\")");
        is("script check a.rhai", "ScriptCheck([File(\"a.rhai\")])");
        is("script check @echo - b", "ScriptCheck([Builtin(\"echo\"), Stdin([]), File(\"b\")])");
        is("script new", "ScriptNew(Handlers)");
        is("script new --session", "ScriptNew(Session)");
        is("script new --test", "ScriptNew(Test)");
        is("encodings", "Encodings");
        is("completions zsh", "Completions(Zsh)");
        is("man", "Man(Tcpx)");
        is("man tcpx", "Man(Tcpx)");
    }
}
