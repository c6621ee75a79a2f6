//! Rules of `--exec` and `--sh`: the program alone decides what is sent, and takes what is received.

use super::{contradiction, given_scripts, verdict_option};
use crate::cli::args::{EndingArgs, ExecArgs, OutputArgs, ScriptArgs, TextArgs};
use crate::error::{Error, Result};

/// Checks the rules for both commands. `serves_many`: there may be several programs.
pub(super) fn the_program_answers_alone(
    args: &ExecArgs,
    script: &ScriptArgs,
    text: &TextArgs,
    ending: &EndingArgs,
    output: &OutputArgs,
    serves_many: bool,
) -> Result<()> {
    let Some(exec) = option(args) else {
        let needing = [(args.exec_status, "--exec-status"), (args.pty, "--pty")];
        return match needing.iter().find(|(given, _)| *given) {
            Some((_, option)) => {
                Err(Error::usage_hint(format!("{option} needs a program"), "add --exec 'PROG ARGS' or --sh COMMAND"))
            }
            None => Ok(()),
        };
    };
    if let Some(option) = given_scripts(script).next() {
        return contradiction(exec, option, "one of them answers: the program or the script");
    }
    if let Some(option) = verdict_option(ending) {
        return contradiction(exec, option, "what is received goes to the program");
    }
    let converts = [
        (text.encoding.is_some(), "--encoding"),
        (text.recv_encoding.is_some(), "--recv-encoding"),
        (text.send_encoding.is_some(), "--send-encoding"),
        (text.malformed.is_some(), "--malformed"),
        (text.unencodable.is_some(), "--unencodable"),
    ];
    if let Some((_, option)) = converts.iter().find(|(given, _)| *given) {
        return contradiction(
            exec,
            option,
            "bytes pass untouched; the program can convert them, as in --sh 'iconv -f gbk | ...'",
        );
    }
    let moves = [
        (!text.send.is_empty(), "--send"),
        (!text.send_hex.is_empty(), "--send-hex"),
        (!text.send_file.is_empty(), "--send-file"),
        (ending.half_open, "--half-open"),
        (ending.no_shutdown, "--no-shutdown"),
        (ending.eof_wait.is_some(), "--eof-wait"),
        (ending.send_only, "--send-only"),
        (ending.recv_only, "--recv-only"),
        (output.output.is_some(), "--output"),
    ];
    if let Some((_, option)) = moves.iter().find(|(given, _)| *given) {
        return contradiction(exec, option, "the program is the source of what is sent, and takes what is received");
    }
    if args.exec_status && serves_many {
        return Err(Error::usage_hint(
            "--exec-status and -k contradict each other: there is a program for each client",
            "leave one of them out",
        ));
    }
    Ok(())
}

/// The option that names a program, if one is given.
pub(super) fn option(args: &ExecArgs) -> Option<&'static str> {
    match (&args.exec, &args.sh) {
        (Some(_), _) => Some("--exec"),
        (None, Some(_)) => Some("--sh"),
        (None, None) => None,
    }
}
