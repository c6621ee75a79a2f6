//! `tcpx run`, and the options that bound a script.

use super::{
    Action, Config, Family, Input, Keepalive, Limits, Role, Script, ScriptSource, Text, limit, locale, output, values,
};
use crate::cli::args::{RunArgs, ScriptLimitArgs};
use crate::config::{Charset, Entry, SCRIPT_TIMEOUT, VerdictPatterns};
use crate::error::{Error, Result};

/// A script from top to bottom.
pub(super) fn resolve(args: &RunArgs) -> Result<Action> {
    let script = Script {
        args: args.args.clone(),
        entry: Entry::Main,
        ..limited(values::script_source(&args.script)?, &args.limits)?
    };
    if args.ipv4 && args.ipv6 {
        return Err(Error::usage_hint("-4 and -6 do not go together", "leave one of them out"));
    }
    let charset = args.encoding.as_deref().map(|label| values::charset("--encoding", label)).transpose()?;
    let send = match charset {
        Some(Charset::Named(encoding)) => Some(encoding),
        Some(Charset::Auto(_)) | None => None,
    };
    Ok(Action::Run(Box::new(Config {
        role: Role::Run,
        family: match (args.ipv4, args.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        },
        no_dns: args.no_dns,
        nodelay: true,
        keepalive: Keepalive::System,
        memory: None,
        text: Text { recv: charset, region: locale::region(|name| std::env::var(name).ok()), send, ..Text::default() },
        preamble: Vec::new(),
        input: Input { read: true, discard_received: false, half_open: false, no_shutdown: false, eof_wait: None },
        limits: Limits { run: limit("--timeout", args.timeout.as_deref())?, ..Limits::default() },
        output: output(&args.output),
        script: Some(script),
        verdict: VerdictPatterns::default(),
    })))
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
