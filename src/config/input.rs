//! `Input`: how stdin is used, and what the ends of both sides mean.
//!
//! Owns these settings alone; the rules that follow from them are in `session::eof_policy`.

use std::time::Duration;

/// How stdin is used and what its end means.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input {
    /// stdin may be read; the script of a server reads it only with `on_stdin`.
    pub read: bool,
    /// Received data is discarded (`--send-only`).
    pub discard_received: bool,
    /// `--half-open`: the end of stdin ends the run, not the peer's FIN.
    pub half_open: bool,
    /// `--no-shutdown`: send no FIN when stdin ends.
    pub no_shutdown: bool,
    /// `--eof-wait`: how long to wait for the peer after stdin has ended.
    pub eof_wait: Option<Duration>,
    /// The run lasts so long also when the peer has ended.
    pub waits_out_eof: bool,
    /// `--line-delay`: the pause after each line that is sent.
    pub line_delay: Option<Duration>,
    /// The end of what is sent waits for the pause after the last line.
    pub delays_end: bool,
    /// Options of telnet that streams ask for are refused, as nc does.
    pub refuses_telnet: bool,
    /// What it means that the other end refuses datagrams.
    pub refusal: Refusal,
}

/// What it means to a connection of datagrams that the other end refuses them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusal {
    /// It has failed.
    #[default]
    Fault,
    /// The other end has ended.
    End,
}
