//! `Duties`: what a connection has to do with the run, apart from its own bytes.
//!
//! Plain data, decided where the connection is asked for.

/// What a connection is to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duties {
    /// stdin is sent to it.
    pub(super) stdin: bool,
    /// The preamble (`--send`, `--send-file`) is sent to it first.
    pub(super) preamble: bool,
    /// It counts for `--max-conns`.
    pub(super) counted: bool,
    /// Its trouble is the run's: it sets the exit code.
    pub(super) decides_exit: bool,
}

impl Duties {
    /// The run's own connection, or one of its clients. `single_peer`: it is the whole run.
    pub(super) fn of_run(single_peer: bool) -> Self {
        Self { stdin: true, preamble: true, counted: true, decides_exit: single_peer }
    }

    /// A connection that a script made or accepted.
    pub(super) const SCRIPT: Self = Self { stdin: false, preamble: false, counted: false, decides_exit: false };
}
