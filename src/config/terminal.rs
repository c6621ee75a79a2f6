//! `Terminal`: how lines are typed where stdin and stdout are a terminal.

use std::path::PathBuf;

/// Settings of the line editor, and of a terminal without it. Without a terminal they have no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// tcpx edits lines; else the terminal does.
    pub edits: bool,
    /// The file of lines that were typed in earlier runs.
    pub history: Option<PathBuf>,
    /// `--raw`: each key is sent as it is typed.
    pub raw: bool,
    /// `--echo`: what is typed is shown; `None`: lines are, single keys are not.
    pub echo: Option<bool>,
    /// What is typed has a colour.
    pub colours: bool,
}

impl Terminal {
    /// Whether lines are not shown where the terminal edits them, either.
    pub fn hides_typed(&self) -> bool {
        self.echo == Some(false)
    }

    /// Whether what is typed is shown.
    pub fn shows_typed(&self) -> bool {
        self.echo.unwrap_or(!self.raw)
    }
}
