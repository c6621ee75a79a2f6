//! The options about output: where received bytes and messages go.

use std::path::{Path, PathBuf};

use super::{is_stdout, target, terminal};
use crate::cli::args::{OutputArgs, ProgressWord, ReceivedArgs};
use crate::cli::usage::shown;
use crate::config::naming::NameTemplate;
use crate::config::{Output, Progress, Voice};
use crate::error::{Error, Result};

/// The settings; `received` are the options of a command that has connections of its own, `name` is what lines are typed for.
pub(super) fn output(args: &OutputArgs, received: Option<&ReceivedArgs>, name: &str) -> Result<Output> {
    let folder = received.and_then(|received| received.output_dir.as_deref());
    let (file, files) = files(args.output.as_deref(), folder)?;
    Ok(Output {
        file,
        files,
        label: received.is_some_and(|received| received.label),
        raw_terminal: args.raw_terminal,
        terminal: terminal::terminal(&args.terminal, name, |name| std::env::var_os(name)),
        timestamps: args.terminal.timestamps,
        hex: args.hex,
        events: args.events.as_deref().map(target),
        progress: match args.progress {
            Some(ProgressWord::Auto) => Progress::OnTerminal,
            Some(ProgressWord::Always) => Progress::Always,
            Some(ProgressWord::Never) | None => Progress::Never,
        },
        verbose: args.verbose,
        quiet: args.quiet,
        voice: Voice::Own,
        marks_listening: false,
        tells_listeners_alone: false,
        target_is_told: None,
        copies: Vec::new(),
    })
}

/// The one file of `-o`, or the names of those of all connections.
fn files(output: Option<&Path>, folder: Option<&Path>) -> Result<(Option<PathBuf>, Option<NameTemplate>)> {
    let template = output.filter(|path| !is_stdout(path)).map(template).transpose()?;
    let Some(folder) = folder else {
        return Ok(match template.as_ref().map(NameTemplate::constant) {
            Some(Some(path)) => (Some(path), None),
            Some(None) => (None, template),
            None => (None, None),
        });
    };
    let template = match template {
        Some(template) => Some(template).filter(|template| template.constant().is_none()),
        None => output.is_none().then(NameTemplate::plain),
    };
    let one_for_all = || {
        let hint = "write -o %n, or leave -o out: then the files are named %n-%a";
        Error::usage_hint("--output-dir needs a name for each connection, and --output is the same for all", hint)
    };
    Ok((None, Some(template.ok_or_else(one_for_all)?.within(folder))))
}

fn template(path: &Path) -> Result<NameTemplate> {
    NameTemplate::parse(path).map_err(|found| {
        let path = shown(path.as_os_str());
        let hint = "%n is the number of the connection, %a its peer, %t the time, and %% a percent sign";
        Error::usage_hint(format!("--output {path}: {found} stands for nothing"), hint)
    })
}
