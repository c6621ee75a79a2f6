//! `tcpx run`, its load runs, and the options that bound a script.

use std::path::PathBuf;
use std::time::Duration;

use super::output::output;
use super::{
    Action, Config, Input, Limits, Role, Script, ScriptSource, Target, Text, family, limit, locale, sent_as, target,
    values,
};
use crate::cli::args::{ConnsArgs, LoadArgs, RunArgs, ScriptLimitArgs};
use crate::cli::load;
use crate::cli::report::threshold;
use crate::cli::rules;
use crate::config::{Entry, SCRIPT_TIMEOUT};
use crate::error::{Error, Result};
use crate::load::schedule::{Rate, StartAt};
use crate::load::{Shard, Threshold};

/// A script from top to bottom.
pub(super) fn resolve(args: &RunArgs) -> Result<Action> {
    let source = values::script_source(&args.script)?;
    let script = Script { args: args.args.clone(), entry: Entry::Main, ..limited(source, &args.limits)? };
    let clients = clients(&args.load)?;
    let is_one_file = |name: &PathBuf| !rules::received::is_template(name);
    let written = [
        (args.output.events.is_some(), "--events"),
        (args.output.output.as_ref().is_some_and(is_one_file), "--output"),
    ];
    if let Some((_, option)) = written.iter().find(|(given, _)| *given)
        && clients.as_ref().is_some_and(|load| load.workers > 1)
    {
        rules::contradiction("--workers", option, rules::SHARE_NOTHING)?;
    }
    let name = format!("run {}", args.script.display());
    let config = config(script, &args.conns, args.timeout.as_deref())?;
    let config = Box::new(Config { output: output(&args.output, None, &name)?, ..config });
    Ok(match clients {
        Some(load) => Action::Load(config, Box::new(load)),
        None => Action::Run(config),
    })
}

/// A run that has neither a connection nor a listener of its own: the script's are all there are.
pub(super) fn config(script: Script, conns: &ConnsArgs, timeout: Option<&str>) -> Result<Config> {
    let route = &conns.route;
    if route.ipv4 && route.ipv6 {
        return Err(Error::usage_hint("-4 and -6 do not go together", "leave one of them out"));
    }
    let charset = conns.encoding.as_deref().map(|label| values::charset("--encoding", label)).transpose()?;
    Ok(Config {
        family: family(route.ipv4, route.ipv6),
        no_dns: route.no_dns,
        proxies: super::proxies(&route.proxy)?,
        text: Text {
            recv: charset,
            region: locale::region(|name| std::env::var(name).ok()),
            send: charset.and_then(sent_as),
            ..Text::default()
        },
        input: Input { read: true, ..Input::default() },
        limits: Limits { run: limit("--timeout", timeout)?, ..Limits::default() },
        script: Some(script),
        ..Config::of(Role::Run)
    })
}

/// The clients of a load run; `None`: one run.
fn clients(args: &LoadArgs) -> Result<Option<Load>> {
    let needs_clients = [
        (args.workers.is_some(), "--workers"),
        (args.duration.is_some(), "--duration"),
        (args.rate.is_some(), "--rate"),
        (args.ramp.is_some(), "--ramp"),
        (!args.fail_if.is_empty(), "--fail-if"),
        (args.json.is_some(), "--json"),
        (args.shard.is_some(), "--shard"),
        (args.start_at.is_some(), "--start-at"),
    ];
    let Some(clients) = &args.clients else {
        return match needs_clients.iter().find(|(given, _)| *given) {
            Some((_, option)) => Err(Error::usage_hint(
                format!("{option} is for many runs, and there is one"),
                format!("tcpx run --clients N {option} ... SCRIPT"),
            )),
            None => Ok(None),
        };
    };
    let clients = values::count("--clients", clients)?;
    let workers: usize = args.workers.as_deref().map_or(Ok(1), |n| values::count("--workers", n))?;
    if workers as u64 > clients {
        let hint = format!("--workers {clients} is the most that have something to do");
        return Err(Error::usage_hint(format!("--workers {workers} is more than --clients {clients}"), hint));
    }
    rules::check_workers(workers as u64)?;
    let variable = |name: &str| std::env::var(name).ok();
    Ok(Some(Load {
        clients,
        workers,
        duration: limit("--duration", args.duration.as_deref())?,
        rate: args.rate.as_deref().map(|text| load::rate("--rate", text)).transpose()?,
        ramp: limit("--ramp", args.ramp.as_deref())?.unwrap_or_default(),
        fail_if: args.fail_if.iter().map(|text| threshold("--fail-if", text)).collect::<Result<_>>()?,
        json: args.json.as_deref().map(|path| values::report_file("--json", path).map(target)).transpose()?,
        shard: load::shard("--shard", args.shard.as_deref(), &variable)?,
        start_at: args.start_at.as_deref().map(|text| load::start_at("--start-at", text)).transpose()?,
    }))
}

/// A load run: many runs of a script's `main`.
#[derive(Debug)]
pub struct Load {
    /// Clients of all shards together.
    pub clients: u64,
    /// Number of loops.
    pub workers: usize,
    /// How long runs begin; `None`: each client runs once.
    pub duration: Option<Duration>,
    /// Runs of all shards together that begin in a time.
    pub rate: Option<Rate>,
    /// Within which time the rate or the number of clients is reached.
    pub ramp: Duration,
    /// What must not hold of the result.
    pub fail_if: Vec<Threshold>,
    /// Where the result goes as JSON.
    pub json: Option<Target>,
    /// Which part of the load this process is.
    pub shard: Shard,
    /// When the runs begin.
    pub start_at: Option<StartAt>,
}

/// A script with its limits.
pub(super) fn limited(source: ScriptSource, args: &ScriptLimitArgs) -> Result<Script> {
    Ok(Script {
        set: args.set.iter().map(|text| values::setting(text)).collect::<Result<_>>()?,
        timeout: limit("--script-timeout", args.script_timeout.as_deref())?.unwrap_or(SCRIPT_TIMEOUT),
        seed: args.seed.as_deref().map(|text| values::seed("--seed", text)).transpose()?,
        max_connects: args.max_connects.as_deref().map(|n| values::count("--max-connects", n)).transpose()?,
        allow_read: args.allow_read.clone(),
        allow_write: args.allow_write.clone(),
        ..Script::new(source)
    })
}
