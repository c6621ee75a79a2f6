//! Rules of `--output-dir` and `--label`: they need something that is received and shown.

use std::path::Path;

use super::{contradiction, exec, has_script};
use crate::cli::args::{EndingArgs, ExecArgs, ListenArgs, OutputArgs, ReceivedArgs, ScriptArgs};
use crate::cli::resolve::is_stdout;
use crate::config::naming::NameTemplate;
use crate::error::{Error, Result};

/// Checks the rules for both commands. `probes`: it leaves as soon as the connection stands.
pub(super) fn something_is_received(
    args: &ReceivedArgs,
    script: &ScriptArgs,
    program: &ExecArgs,
    ending: &EndingArgs,
    output: &OutputArgs,
    probes: bool,
) -> Result<()> {
    let given = [(args.output_dir.is_some(), "--output-dir"), (args.label, "--label")];
    let Some((_, option)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
    if probes {
        let message = format!("-z leaves as soon as the connection stands, so {option} has no effect");
        return Err(Error::usage_hint(message, format!("leave out -z or {option}")));
    }
    if let Some(program) = exec::option(program) {
        return contradiction(program, option, "the program takes what is received");
    }
    if ending.send_only && !has_script(script) {
        let message = format!("--send-only discards what is received, so {option} has no effect");
        return Err(Error::usage_hint(message, format!("leave out --send-only or {option}")));
    }
    let has_file = args.output_dir.is_some() || output.output.as_ref().is_some_and(|path| !is_stdout(path));
    if args.label && output.events.as_deref().is_some_and(is_stdout) && !has_file {
        return contradiction("--label", "--events -", "name a file for one of them: --events FILE, or -o FILE");
    }
    Ok(())
}

/// Whether each connection has a file of its own.
pub(super) fn has_files(args: &ListenArgs) -> bool {
    args.received.output_dir.is_some() || args.output.output.as_ref().is_some_and(|name| is_template(name))
}

/// Whether a name stands for a file of each connection.
pub(in crate::cli) fn is_template(name: &Path) -> bool {
    NameTemplate::parse(name).is_ok_and(|name| name.constant().is_none())
}
