//! Comments without an end: Rhai reads them to the end of the text and says nothing.

use rhai::Position;

use super::backticks;

/// Where a comment begins that has no end.
pub(super) fn unterminated(text: &str) -> Option<Position> {
    backticks::open_comment(text).map(|at| backticks::place(text, at))
}
