//! Rules between options: one small function each, with a message that says what to type.
//!
//! Owns which options contradict each other, and which have an effect only with another one. Does not parse values
//! (`values`) and builds no configuration (`resolve`).

pub(super) mod retry;
pub(super) mod tls;

mod exec;
mod files;
pub(super) mod received;

pub(super) use files::{is_same_file, place};

use std::fmt::Display;

use super::args::{
    ConnectArgs, EndingArgs, ExecArgs, ListenArgs, OutputArgs, ScriptArgs, ServerArgs, TextArgs, TransportArgs,
};
use super::values;
use crate::codec::labels;
use crate::config::Charset;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

/// Maximum number of workers; each has a stack, an engine and descriptors of its own.
const MAX_WORKERS: u64 = 256;

/// Why workers do not go together with what they would have in common.
pub(super) const SHARE_NOTHING: &str = "workers share nothing: they cannot count or write together";

const ADD_A_SCRIPT: &str = "add --script FILE, --on-data CODE, --on-line CODE or --session CODE";

/// Checks every rule of `tcpx connect`.
pub(super) fn check_connect(args: &ConnectArgs) -> Result<()> {
    one_family(&args.transport)?;
    quiet_or_verbose(&args.output)?;
    one_script(&args.script)?;
    script_options_need_a_script(&args.script)?;
    watch_needs_a_file(&args.script)?;
    if args.probe {
        probe_moves_nothing(args)?;
    }
    retry::another_try_makes_sense(args)?;
    send_only_reads_stdin(&args.ending)?;
    send_only_ends_with_a_fin(&args.ending)?;
    send_only_receives_nothing(&args.ending, &args.script, &args.output)?;
    one_verdict(&args.ending, &args.script)?;
    the_end_of_stdin_needs_stdin(&args.ending)?;
    exec::the_program_answers_alone(&args.exec, &args.script, &args.text, &args.ending, &args.output, false)?;
    let (received, output) = (&args.received, &args.output);
    received::something_is_received(received, &args.script, &args.exec, &args.ending, output, args.probe)?;
    text_options_need_an_encoding(&args.text, has_script(&args.script))?;
    files::stdin_is_not_a_file_to_send(&args.text)?;
    files::output_is_not_a_file_to_send(&args.text, &args.output)?;
    files::events_have_a_file_of_their_own(&args.text, &args.output)
}

/// Checks every rule of `tcpx listen`.
pub(super) fn check_listen(args: &ListenArgs) -> Result<()> {
    let scripted = has_script(&args.script);
    one_family(&args.transport)?;
    quiet_or_verbose(&args.output)?;
    one_script(&args.script)?;
    script_options_need_a_script(&args.script)?;
    watch_needs_a_file(&args.script)?;
    proxies_are_for_connections_of_a_script(args)?;
    once_or_accept(args)?;
    workers_share_nothing(args)?;
    if !scripted && !args.server.keep_open {
        many_need_keep_open(args)?;
    }
    if scripted {
        scripted_listen_reads_no_stdin(&args.ending)?;
    } else if args.server.keep_open {
        keep_open_outlives_stdin(&args.ending)?;
    }
    send_only_reads_stdin(&args.ending)?;
    send_only_ends_with_a_fin(&args.ending)?;
    send_only_receives_nothing(&args.ending, &args.script, &args.output)?;
    one_verdict(&args.ending, &args.script)?;
    the_end_of_stdin_needs_stdin(&args.ending)?;
    let many = args.server.keep_open;
    exec::the_program_answers_alone(&args.exec, &args.script, &args.text, &args.ending, &args.output, many)?;
    received::something_is_received(&args.received, &args.script, &args.exec, &args.ending, &args.output, false)?;
    text_options_need_an_encoding(&args.text, scripted)?;
    files::stdin_is_not_a_file_to_send(&args.text)?;
    files::output_is_not_a_file_to_send(&args.text, &args.output)?;
    files::events_have_a_file_of_their_own(&args.text, &args.output)?;
    files::the_ready_file_is_no_other_file(args)
}

/// A numeric address must be of the requested family.
pub(super) fn family_agrees(is_v4: bool, is_v6: bool, place: &Endpoint, shown: &dyn Display) -> Result<()> {
    match self::is_v6(place) {
        Some(true) if is_v4 => {
            Err(Error::usage_hint(format!("{shown} is an IPv6 address, and -4 is given"), "leave -4 out"))
        }
        Some(false) if is_v6 => {
            Err(Error::usage_hint(format!("{shown} is an IPv4 address, and -6 is given"), "leave -6 out"))
        }
        _ => Ok(()),
    }
}

/// Numeric addresses must be of the requested family, and both ends of the same family.
pub(super) fn families_agree(transport: &TransportArgs, place: &Endpoint, source: Option<&Endpoint>) -> Result<()> {
    for endpoint in [Some(place), source].into_iter().flatten() {
        family_agrees(transport.ipv4, transport.ipv6, endpoint, endpoint)?;
    }
    if let Some(source) = source
        && let (Some(one), Some(other)) = (is_v6(place), is_v6(source))
        && one != other
    {
        return Err(Error::usage_hint(
            format!("{place} cannot be reached from {source}: one is IPv4, the other IPv6"),
            "give --source an address of the same family",
        ));
    }
    Ok(())
}

/// A Unix socket has no IP address and no port; `others` are the options of one command that need them.
pub(super) fn unix_has_no_ip_options(
    transport: &TransportArgs,
    place: &Endpoint,
    others: &[(bool, &str)],
) -> Result<()> {
    if !place.is_unix() && !place.is_descriptor() {
        return Ok(());
    }
    let what = if place.is_unix() { "a Unix socket" } else { "an open socket" };
    // An open socket may be one of TCP.
    let asks = transport.keepalive.is_some() && place.is_unix();
    let streams = [(transport.ipv4, "-4"), (transport.ipv6, "-6"), (asks, "--keepalive")];
    match streams.iter().chain(others).find(|(given, _)| *given) {
        Some((_, option)) => {
            Err(Error::usage_hint(format!("{option} is for TCP, and {place} is {what}"), format!("leave {option} out")))
        }
        None => Ok(()),
    }
}

/// A list of addresses cannot tell clients of a Unix socket apart.
pub(super) fn unix_clients_have_no_address(server: &ServerArgs, place: &Endpoint) -> Result<()> {
    let option = match (server.allow.is_empty(), server.deny.is_empty()) {
        (false, _) => "--allow",
        (_, false) => "--deny",
        _ => return Ok(()),
    };
    if place.is_unix() {
        return Err(Error::usage_hint(
            format!("{option} is about IP addresses, and clients of {place} have none"),
            format!("leave {option} out; who may connect to a Unix socket is decided by the mode of its file"),
        ));
    }
    Ok(())
}

/// Whether a program answers.
pub(super) fn has_program(args: &ExecArgs) -> bool {
    exec::option(args).is_some()
}

/// The place that is meant, with `--udp` that for datagrams.
pub(super) fn of_datagrams(transport: &TransportArgs, place: Endpoint) -> Result<Endpoint> {
    let place = if transport.udp { place.into_datagram() } else { place };
    if transport.udp && !place.is_datagram() {
        return Err(Error::usage_hint(format!("{place} is no datagram socket"), "leave --udp out"));
    }
    Ok(place)
}

/// Datagrams have no connection in the network, and so no end; `others` are the options of one command that need one.
pub(super) fn datagrams_have_no_end(
    place: &Endpoint,
    ending: &EndingArgs,
    transport: &TransportArgs,
    others: &[(bool, &str)],
) -> Result<()> {
    if !place.is_datagram() {
        return Ok(());
    }
    let streams = [
        (ending.half_open, "--half-open"),
        (transport.keepalive.is_some(), "--keepalive"),
        (transport.sockets.user_timeout.is_some(), "--user-timeout"),
        (transport.nodelay, "--nodelay"),
        (transport.no_nodelay, "--no-nodelay"),
    ];
    match streams.iter().chain(others).find(|(given, _)| *given) {
        Some((_, option)) => Err(Error::usage_hint(
            format!("{option} is for streams, and datagrams have no connection"),
            format!("leave {option} out"),
        )),
        None => Ok(()),
    }
}

/// Whether there is a script.
pub(super) fn has_script(script: &ScriptArgs) -> bool {
    given_scripts(script).next().is_some()
}

/// The options that give a script, of those that are given.
fn given_scripts(script: &ScriptArgs) -> impl Iterator<Item = &'static str> {
    let options = [
        (script.script.is_some(), "--script"),
        (script.on_data.is_some(), "--on-data"),
        (script.on_line.is_some(), "--on-line"),
        (script.session.is_some(), "--session"),
    ];
    options.into_iter().filter_map(|(given, option)| given.then_some(option))
}

fn one_family(transport: &TransportArgs) -> Result<()> {
    if transport.ipv4 && transport.ipv6 {
        return contradiction("-4", "-6", "leave both out to use IPv4 and IPv6");
    }
    Ok(())
}

fn quiet_or_verbose(output: &OutputArgs) -> Result<()> {
    if output.quiet && output.verbose > 0 {
        return contradiction("-q", "-v", "leave one of them out");
    }
    Ok(())
}

fn one_script(script: &ScriptArgs) -> Result<()> {
    let mut given = given_scripts(script);
    let (Some(one), Some(other)) = (given.next(), given.next()) else { return Ok(()) };
    if one == "--script" {
        let function = match other {
            "--on-data" => "fn on_data(conn, data)",
            "--on-line" => "fn on_line(conn, line)",
            _ => "fn session(conn)",
        };
        return contradiction(one, other, &format!("write {function} {{ ... }} into the script instead"));
    }
    if other == "--session" {
        let hint = "choose one: --session reads what arrives itself, as in 'for l in conn.lines() { ... }'";
        return contradiction(one, other, hint);
    }
    let hint = "choose one: --on-line gets whole lines, --on-data what arrived, however it was cut";
    contradiction(one, other, hint)
}

fn watch_needs_a_file(script: &ScriptArgs) -> Result<()> {
    if !script.watch {
        return Ok(());
    }
    match &script.script {
        Some(file) if values::is_stdin(file) => {
            Err(Error::usage_hint("--watch looks at a file, and stdin is read once", "save the script in a file"))
        }
        Some(file) if !file.as_os_str().as_encoded_bytes().starts_with(b"@") => Ok(()),
        Some(_) => Err(Error::usage_hint(
            "--watch looks at a file, and a built-in script never changes",
            "tcpx script show NAME > FILE makes a file of it",
        )),
        None => Err(Error::usage_hint("--watch needs a script in a file", "add --script FILE")),
    }
}

fn script_options_need_a_script(script: &ScriptArgs) -> Result<()> {
    if has_script(script) {
        return Ok(());
    }
    let hint = ADD_A_SCRIPT;
    for (given, option) in [
        (script.script_errors.is_some(), "--script-errors"),
        (script.limits.script_timeout.is_some(), "--script-timeout"),
        (!script.limits.set.is_empty(), "--set"),
        (script.limits.seed.is_some(), "--seed"),
        (script.limits.max_connects.is_some(), "--max-connects"),
        (!script.limits.allow_read.is_empty(), "--allow-read"),
        (!script.limits.allow_write.is_empty(), "--allow-write"),
    ] {
        if given {
            return Err(Error::usage_hint(format!("{option} needs a script"), hint));
        }
    }
    match script.args.first() {
        Some(word) => Err(Error::usage_hint(format!("{word:?} after -- is for a script, and there is none"), hint)),
        None => Ok(()),
    }
}

fn probe_moves_nothing(args: &ConnectArgs) -> Result<()> {
    let moving = [
        (!args.text.send.is_empty(), "--send"),
        (!args.text.send_hex.is_empty(), "--send-hex"),
        (!args.text.send_file.is_empty(), "--send-file"),
        (!args.ending.expect.is_empty(), "--expect"),
        (!args.ending.fail_on.is_empty(), "--fail-on"),
        (!args.ending.until.is_empty(), "--until"),
        (args.ending.half_open, "--half-open"),
        (args.ending.no_shutdown, "--no-shutdown"),
        (args.ending.eof_wait.is_some(), "--eof-wait"),
        (args.ending.send_only, "--send-only"),
        (args.ending.recv_only, "--recv-only"),
        (args.time.line_delay.is_some(), "--line-delay"),
        (args.output.hex, "--hex"),
        (args.output.output.is_some(), "--output"),
        (args.run.is_some(), "--run"),
    ];
    let moving = moving.iter().filter_map(|(given, option)| given.then_some(*option));
    if let Some(option) = given_scripts(&args.script).chain(exec::option(&args.exec)).chain(moving).next() {
        let message = format!("-z leaves as soon as the connection stands, so {option} has no effect");
        return Err(Error::usage_hint(message, format!("leave out -z or {option}")));
    }
    if args.time.idle_timeout.is_some() {
        return Err(Error::usage_hint(
            "-z leaves as soon as the connection stands, so --idle-timeout has no effect",
            "limit the time for connecting with -w DUR",
        ));
    }
    Ok(())
}

fn proxies_are_for_connections_of_a_script(args: &ListenArgs) -> Result<()> {
    if args.transport.proxy.proxy.is_empty() || has_script(&args.script) {
        return Ok(());
    }
    let message = "--proxy is for connections that are made, and without a script listen makes none";
    Err(Error::usage_hint(message, ADD_A_SCRIPT))
}

fn once_or_accept(args: &ListenArgs) -> Result<()> {
    if args.server.once && args.server.accept.is_some() {
        return contradiction("--once", "--accept", "--once is the same as --accept 1: leave one of them out");
    }
    Ok(())
}

/// Refuses more loops than any machine has a use for.
pub(super) fn check_workers(number: u64) -> Result<()> {
    if number <= MAX_WORKERS {
        return Ok(());
    }
    let message = format!("--workers {number} is too many: {MAX_WORKERS} is the most");
    Err(Error::usage_hint(message, "one for each processor is enough"))
}

fn workers_share_nothing(args: &ListenArgs) -> Result<()> {
    let Some(number) = &args.server.workers else { return Ok(()) };
    check_workers(values::count("--workers", number)?)?;
    if let Some(option) = verdict_option(&args.ending) {
        return contradiction("--workers", option, "-k serves many clients in one loop, and the first answer counts");
    }
    if !has_script(&args.script) {
        return Err(Error::usage_hint("--workers needs a script", ADD_A_SCRIPT));
    }
    let counted = [
        (args.server.once, "--once"),
        (args.server.accept.is_some(), "--accept"),
        (args.server.max_conns.is_some(), "--max-conns"),
        (args.output.output.is_some() && !received::has_files(args), "--output"),
        (args.output.events.is_some(), "--events"),
    ];
    match counted.iter().find(|(given, _)| *given) {
        Some((_, option)) => contradiction("--workers", option, SHARE_NOTHING),
        None => Ok(()),
    }
}

fn many_need_keep_open(args: &ListenArgs) -> Result<()> {
    let hint = "add -k to serve many clients, or --script FILE";
    if let Some(number) = &args.server.accept
        && values::count::<u64>("--accept", number)? > 1
    {
        return Err(Error::usage_hint("--accept with more than one client needs -k or a script", hint));
    }
    if args.server.max_conns.is_some() {
        return Err(Error::usage_hint("--max-conns needs -k or a script: without them there is one client", hint));
    }
    Ok(())
}

fn scripted_listen_reads_no_stdin(ending: &EndingArgs) -> Result<()> {
    match about_stdin(ending) {
        Some(option) => Err(Error::usage_hint(
            format!("{option} is about stdin, which listen does not read when a script answers"),
            format!("leave {option} out; the script decides with conn.send, conn.shutdown and conn.close"),
        )),
        None => Ok(()),
    }
}

fn keep_open_outlives_stdin(ending: &EndingArgs) -> Result<()> {
    let without_effect = [(ending.no_shutdown, "--no-shutdown"), (ending.eof_wait.is_some(), "--eof-wait")];
    match without_effect.iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(Error::usage_hint(
            format!("{option} has no effect with -k: the end of stdin closes nobody there"),
            format!("leave {option} out; --timeout DUR and --accept N end a server"),
        )),
        None => Ok(()),
    }
}

fn send_only_reads_stdin(ending: &EndingArgs) -> Result<()> {
    if ending.send_only && ending.recv_only {
        return contradiction("--send-only", "--recv-only", "leave both out to send and to receive");
    }
    if ending.send_only && ending.no_stdin {
        return contradiction(
            "--send-only",
            "--no-stdin",
            "to send only what --send gives, use --send-only </dev/null",
        );
    }
    Ok(())
}

fn send_only_ends_with_a_fin(ending: &EndingArgs) -> Result<()> {
    if ending.send_only && ending.no_shutdown {
        return contradiction(
            "--send-only",
            "--no-shutdown",
            "--send-only ends with a FIN, or the peer would not know",
        );
    }
    Ok(())
}

fn send_only_receives_nothing(ending: &EndingArgs, script: &ScriptArgs, output: &OutputArgs) -> Result<()> {
    if !ending.send_only {
        return Ok(());
    }
    let handlers = [(script.on_data.is_some(), "--on-data"), (script.on_line.is_some(), "--on-line")];
    if let Some((_, option)) = handlers.iter().find(|(given, _)| *given) {
        let message = format!("--send-only discards what is received, so {option} would never run");
        return Err(Error::usage_hint(message, format!("leave out --send-only or {option}")));
    }
    if let Some(option) = verdict_option(ending) {
        return Err(Error::usage_hint(
            format!("--send-only discards what is received, so {option} would never be seen"),
            format!("leave out --send-only or {option}"),
        ));
    }
    if output.output.is_some() && !has_script(script) {
        return Err(Error::usage_hint(
            "--send-only discards what is received, so --output would stay empty",
            "leave out --send-only or --output",
        ));
    }
    Ok(())
}

fn one_verdict(ending: &EndingArgs, script: &ScriptArgs) -> Result<()> {
    for (given, option) in verdict_options(ending) {
        if given.len() > 1 {
            let hint = match option {
                "--until" => "leave one of them out".to_owned(),
                _ => format!("one expression holds alternatives: {option} 'this|that'"),
            };
            return Err(Error::usage_hint(format!("{option} is given {} times", given.len()), hint));
        }
    }
    match (verdict_option(ending), given_scripts(script).next()) {
        (Some(option), Some(also)) => {
            contradiction(option, also, "what is received goes to the script, which decides with exit(0) or exit(1)")
        }
        _ => Ok(()),
    }
}

/// The first option given that looks for something in what is received.
fn verdict_option(ending: &EndingArgs) -> Option<&'static str> {
    verdict_options(ending).into_iter().find_map(|(given, option)| (!given.is_empty()).then_some(option))
}

fn verdict_options(ending: &EndingArgs) -> [(&[String], &'static str); 3] {
    [(&ending.expect, "--expect"), (&ending.fail_on, "--fail-on"), (&ending.until, "--until")]
}

fn the_end_of_stdin_needs_stdin(ending: &EndingArgs) -> Result<()> {
    let deaf = match (ending.recv_only, ending.no_stdin) {
        (true, _) => "--recv-only",
        (_, true) => "--no-stdin",
        _ => return Ok(()),
    };
    match about_stdin(ending) {
        Some(option) => contradiction(
            option,
            deaf,
            &format!("{option} is about stdin, which is not read; -i DUR and --timeout DUR limit the time"),
        ),
        None => Ok(()),
    }
}

fn text_options_need_an_encoding(text: &TextArgs, scripted: bool) -> Result<()> {
    if scripted {
        return Ok(());
    }
    if text.malformed.is_some() && text.encoding.is_none() && text.recv_encoding.is_none() {
        return Err(Error::usage_hint(
            "--malformed needs an encoding: without one, received bytes pass untouched",
            "add --encoding LABEL or --recv-encoding LABEL",
        ));
    }
    let sends_text = text.send_encoding.is_some()
        || text.encoding.as_deref().is_some_and(|label| !matches!(labels::lookup(label), Ok(Charset::Auto(_))));
    if text.unencodable.is_some() && !sends_text {
        return Err(Error::usage_hint(
            "--unencodable needs an encoding to send in: without one, bytes pass untouched",
            "add --encoding LABEL or --send-encoding LABEL",
        ));
    }
    Ok(())
}

/// The first given option that is about stdin or its end.
fn about_stdin(ending: &EndingArgs) -> Option<&'static str> {
    [
        (ending.half_open, "--half-open"),
        (ending.no_shutdown, "--no-shutdown"),
        (ending.eof_wait.is_some(), "--eof-wait"),
        (ending.send_only, "--send-only"),
    ]
    .into_iter()
    .find_map(|(given, option)| given.then_some(option))
}

/// Whether an endpoint's address is IPv6; `None` for a name or for no host.
fn is_v6(endpoint: &Endpoint) -> Option<bool> {
    let host = endpoint.host()?;
    endpoint.name_to_resolve().is_none().then(|| host.contains(':'))
}

pub(super) fn contradiction(one: &str, other: &str, hint: &str) -> Result<()> {
    Err(Error::usage_hint(format!("{one} and {other} contradict each other"), hint))
}

#[cfg(test)]
mod tests;
