//! Rules of `--retry`, `--retry-delay` and `--reconnect`.

use super::super::args::{ConnectArgs, RetryArgs};
use super::contradiction;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

/// What is tried again, and what is not.
pub(super) fn another_try_makes_sense(args: &ConnectArgs) -> Result<()> {
    if args.retry.retry_delay.is_some() && option(&args.retry).is_none() {
        return Err(Error::usage_hint("--retry-delay needs further tries", "add --retry N or --reconnect"));
    }
    if !args.retry.reconnect {
        return Ok(());
    }
    if args.probe {
        return contradiction("-z", "--reconnect", "-z --retry N tries until there is a connection");
    }
    if args.exec.exec_status {
        return contradiction(
            "--exec-status",
            "--reconnect",
            "each connection has a program of its own: leave one out",
        );
    }
    Ok(())
}

/// A socket that was open when the process started can be used once.
pub(in crate::cli) fn an_open_socket_is_used_once(args: &RetryArgs, target: &Endpoint) -> Result<()> {
    match option(args).filter(|_| target.is_descriptor()) {
        Some(option) => Err(Error::usage_hint(
            format!("{option} makes a connection again, and {target} is one that was open before"),
            format!("leave {option} out"),
        )),
        None => Ok(()),
    }
}

/// The option that asks for further tries.
fn option(args: &RetryArgs) -> Option<&'static str> {
    let given = [(args.reconnect, "--reconnect"), (args.retry.is_some(), "--retry")];
    given.into_iter().find_map(|(given, option)| given.then_some(option))
}

#[cfg(test)]
mod tests {
    use crate::cli::tests::{accepted, config, refused};

    #[test]
    fn what_makes_no_sense_beside_further_tries_is_refused() {
        for (line, said) in [
            ("--retry-delay 1s", "--retry-delay needs further tries | add --retry N or --reconnect"),
            (
                "--reconnect -z",
                "-z and --reconnect contradict each other | -z --retry N tries until there is a connection",
            ),
            (
                "--reconnect --exec cat --exec-status",
                "--exec-status and --reconnect contradict each other | each connection has a program of its own: leave one out",
            ),
            (
                "--reconnect --retry-delay 0",
                "--reconnect without a pause would never rest | \
                 write a time, as in --retry-delay 100ms, or leave --retry-delay out",
            ),
            ("--retry -1", "--retry \"-1\" is not a number | write a number, as in --retry 8"),
            ("--retry 1.5", "--retry \"1.5\" is not a number | write a number, as in --retry 8"),
            (
                "--retry 18446744073709551616",
                "--retry \"18446744073709551616\" is too large | write a number, as in --retry 8",
            ),
        ] {
            assert_eq!(refused(&format!("connect h 80 {line}")), said);
        }
        assert_eq!(refused("listen 80 --retry 1"), "unknown option \"--retry\" | --retry is an option of tcpx connect");
    }

    #[test]
    fn further_tries_go_with_every_kind_of_connection() {
        for line in [
            "--retry 0",
            "--retry 18446744073709551615 --retry-delay 0",
            "--retry 3 -z -u",
            "--reconnect --retry 3 --retry-delay 1h",
            "--reconnect --tls --proxy socks5://p:1080",
            "--reconnect --exec cat",
        ] {
            accepted(&format!("connect h 80 {line}"));
        }
        assert!(config("connect h 80 --reconnect").reconnects());
        assert!(!config("connect unix:/x --retry 3").reconnects());
    }
}
