//! `Terminal`: how lines are typed where stdin and stdout are a terminal.

use std::path::PathBuf;

/// Settings of the line editor. Without a terminal they have no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// tcpx edits lines; else the terminal does.
    pub edits: bool,
    /// The file of lines that were typed in earlier runs.
    pub history: Option<PathBuf>,
}
