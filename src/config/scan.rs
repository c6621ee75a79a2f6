//! `Scan`: which ports of which hosts are to be tried, and what is written of them.

use std::time::Duration;

/// Settings of `tcpx scan` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Names or addresses, as given.
    pub hosts: Vec<String>,
    /// In ascending order, each once.
    pub ports: Vec<u16>,
    /// How long one port may take.
    pub limit: Duration,
    /// As one array of JSON.
    pub json: bool,
    /// Those that are not open, too.
    pub all: bool,
}

/// What a port does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortState {
    /// It accepts.
    Open,
    /// It refuses.
    Closed,
    /// It does not answer, or the way to it is closed.
    Filtered,
    /// A proxy could not connect to it, and did not say why.
    Unknown,
}
