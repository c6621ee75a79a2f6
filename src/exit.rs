//! The exit codes: their numbers, names and descriptions.
//!
//! Owns the numbers (curl's wherever the meaning is curl's, tcpx's own from 110). Does not decide when one
//! applies: an [`crate::error::Error`] knows its own code, the driver keeps the first.

/// The exit status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Success,
    /// The answer was no.
    Verdict,
    /// Wrong command line.
    Usage,
    /// The name does not resolve.
    Resolve,
    /// No connection: refused or unreachable on every address.
    NoConnection,
    /// The peer ended before what was to come had come.
    CutShort,
    /// Cannot write stdout or a file.
    Write,
    /// Cannot read stdin or a file.
    Read,
    /// A time limit passed.
    Timeout,
    /// The two sides could not agree on TLS.
    Handshake,
    /// The connection broke.
    Broken,
    /// Our own certificate or key cannot be used.
    Certificate,
    /// The peer's certificate is no reason to trust it.
    Untrusted,
    /// There are no certificates to trust.
    NoRoots,
    /// A proxy refused or failed.
    Proxy,
    /// Cannot bind or listen.
    Bind,
    /// The script does not load.
    ScriptLoad,
    /// The script failed while running.
    ScriptRun,
    /// Out of descriptors, memory or threads at the start.
    Shortage,
    /// Malformed text, or a character the encoding cannot hold.
    Text,
    /// A bug in tcpx.
    Bug,
    /// The program of `--exec` cannot be executed.
    NotExecutable,
    /// There is no such program.
    NotFound,
    /// A script called `exit(n)`, or the status of a program.
    Script(u8),
    /// Ended by a signal: the default action is restored and the signal raised again.
    Signal(i32),
}

impl Exit {
    /// The number a shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Verdict => 1,
            Self::Usage => 2,
            Self::Resolve => 6,
            Self::NoConnection => 7,
            Self::CutShort => 18,
            Self::Write => 23,
            Self::Read => 26,
            Self::Timeout => 28,
            Self::Handshake => 35,
            Self::Broken => 56,
            Self::Certificate => 58,
            Self::Untrusted => 60,
            Self::NoRoots => 77,
            Self::Proxy => 97,
            Self::Bind => 110,
            Self::ScriptLoad => 111,
            Self::ScriptRun => 112,
            Self::Shortage => 113,
            Self::Text => 114,
            Self::Bug => 119,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Script(code) => code,
            Self::Signal(signal) => 128u8.saturating_add(signal as u8),
        }
    }
}

/// Every exit code with its meaning, in the order of the numbers: the table of `--help` and of the man page.
pub const TABLE: &[(&str, &str)] = &[
    ("0", "done, as asked"),
    ("1", "the answer was no: --expect not seen, --fail-on seen, --fail-if met, a test or a run failed"),
    ("2", "wrong command line"),
    ("6", "the name does not resolve"),
    ("7", "no connection: refused or unreachable, on every address"),
    ("18", "cut short: the peer ended before what --until or a script waits for, or TLS without its end"),
    ("23", "cannot write stdout or a file"),
    ("26", "cannot read stdin or a file"),
    ("28", "time ran out; the message says which"),
    ("35", "the TLS handshake failed"),
    ("56", "the connection broke (reset, aborted, link gone)"),
    ("58", "the own certificate or key cannot be used"),
    ("60", "the certificate of the peer is not trusted"),
    ("77", "the certificates to trust cannot be read"),
    ("97", "the proxy refused or failed"),
    ("110", "cannot bind or listen"),
    ("111", "the script does not load"),
    ("112", "the script failed while running"),
    ("113", "out of descriptors, memory or threads at the start"),
    ("114", "text: malformed, or a character the encoding cannot hold"),
    ("119", "a bug in tcpx"),
    ("126", "the program of --exec cannot be executed"),
    ("127", "there is no program of that name for --exec"),
    ("128+n", "ended by signal n; 141: the reader of stdout went away"),
    ("any", "a script called exit(n); with --exec-status, that of the program"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixed_code_is_in_the_table() {
        let fixed = [
            Exit::Success,
            Exit::Verdict,
            Exit::Usage,
            Exit::Resolve,
            Exit::NoConnection,
            Exit::CutShort,
            Exit::Write,
            Exit::Read,
            Exit::Timeout,
            Exit::Handshake,
            Exit::Broken,
            Exit::Certificate,
            Exit::Untrusted,
            Exit::NoRoots,
            Exit::Proxy,
            Exit::Bind,
            Exit::ScriptLoad,
            Exit::ScriptRun,
            Exit::Shortage,
            Exit::Text,
            Exit::Bug,
            Exit::NotExecutable,
            Exit::NotFound,
        ];
        for exit in fixed {
            let code = exit.code().to_string();
            assert!(TABLE.iter().any(|(number, _)| *number == code), "{exit:?} ({code}) is not in the table");
        }
        assert_eq!(Exit::Signal(2).code(), 130);
        assert_eq!(Exit::Script(7).code(), 7);
    }
}
