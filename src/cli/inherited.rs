//! Sockets that are open when the process starts: `fd:N`, and the one that systemd passes.
//!
//! Owns what of that is a mistake of the caller. Takes no descriptor over: `net` does.

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::sys::unix::{is_datagram_socket, is_open_fd, take_variable};

/// Reads `fd:N`, an open socket.
pub(super) fn named(word: &str, second: Option<&str>) -> Result<Option<Endpoint>> {
    let Some(number) = word.strip_prefix("fd:").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    else {
        return Ok(None);
    };
    if second.is_some() {
        return Err(Error::usage(format!("{word} is an open socket, which has no port")));
    }
    open_socket(word, number.parse().unwrap_or(i32::MAX)).map(Some)
}

fn open_socket(word: &str, number: i32) -> Result<Endpoint> {
    if number <= 2 {
        return Err(Error::usage(format!("{word}: 0, 1 and 2 are stdin, stdout and stderr")));
    }
    if !is_open_fd(number) {
        return Err(Error::usage(format!("{word} is not open")));
    }
    let is_datagram =
        is_datagram_socket(number).ok_or_else(|| Error::usage(format!("{word} is open, but it is no socket")))?;
    Ok(Endpoint::Descriptor { number, is_datagram })
}

/// The socket that systemd has opened for this process, if it has (`sd_listen_fds(3)`): what is meant for another process
/// does not count.
pub(super) fn activated(variable: impl Fn(&str) -> Option<String>, process: u32) -> Result<Option<Endpoint>> {
    let is_ours = variable("LISTEN_PID").and_then(|pid| pid.parse::<u32>().ok()) == Some(process);
    let Some(count) = variable("LISTEN_FDS").filter(|_| is_ours) else { return Ok(None) };
    match count.parse::<u32>() {
        Ok(1) => open_socket("LISTEN_FDS: fd:3", FIRST_ACTIVATED).map(Some),
        Ok(0) => Ok(None),
        Ok(several) => Err(Error::usage_hint(
            format!("LISTEN_FDS is {several}: tcpx listens on one socket"),
            "choose one of them: tcpx listen fd:3, or fd:4 and so on",
        )),
        Err(_) => Err(Error::usage(format!("LISTEN_FDS {count:?} is not a number"))),
    }
}

/// Programs that this process starts are not told of sockets that are ours, as `sd_listen_fds(3)` has it.
pub(super) fn forget() {
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
        take_variable(name);
    }
}

/// The first descriptor that systemd passes.
const FIRST_ACTIVATED: i32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.expect_err("an error");
        assert_eq!(error.exit().code(), 2);
        error.to_string()
    }

    #[test]
    fn a_socket_of_systemd_is_taken_by_the_process_it_is_meant_for() {
        let variables = |pid: &'static str, count: &'static str| {
            move |name: &str| Some(if name == "LISTEN_PID" { pid } else { count }.to_owned())
        };
        for (pid, count) in [("8", "1"), ("", "1"), ("x", "1"), ("7", "0")] {
            assert_eq!(activated(variables(pid, count), 7).unwrap(), None, "{pid} {count}");
        }
        assert_eq!(activated(|_| None, 7).unwrap(), None);
        for (count, wanted) in [
            ("x", "LISTEN_FDS \"x\" is not a number"),
            ("-1", "LISTEN_FDS \"-1\" is not a number"),
            ("2", "LISTEN_FDS is 2: "),
        ] {
            assert!(said(activated(variables("7", count), 7)).starts_with(wanted), "{count}");
        }
    }

    #[test]
    fn only_open_sockets_are_taken_by_their_number() {
        let (ours, _theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&ours);
        let word = format!("fd:{number}");
        assert_eq!(named(&word, None).unwrap(), Some(Endpoint::Descriptor { number, is_datagram: true }));
        assert_eq!(named("fd:x", None).unwrap(), None);
        assert_eq!(named("localhost", Some("80")).unwrap(), None);
        assert!(said(named(&word, Some("80"))).contains("which has no port"));
        for (word, wanted) in [
            ("fd:1", "fd:1: 0, 1 and 2 are stdin, stdout and stderr"),
            ("fd:100000", "fd:100000 is not open"),
            ("fd:99999999999", "fd:99999999999 is not open"),
        ] {
            assert_eq!(said(named(word, None)), wanted);
        }
        let file = std::fs::File::open("/dev/null").unwrap();
        let word = format!("fd:{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        assert!(said(named(&word, None)).ends_with("is open, but it is no socket"));
    }
}
