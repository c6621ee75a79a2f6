//! `Hexdump`: the rows of `-x` on stderr, both directions of every connection as they move.
//!
//! Owns the layout and the running offsets, one `Dump` for each connection.

use std::collections::HashMap;
use std::fmt::Write;

use crate::codec::escape::show_line;
use crate::output::Observer;
use crate::output::console::write_stderr;
use crate::session::{CloseReason, ConnId, ConnView};

/// Which way bytes move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the peer, marked `>`.
    Sent,
    /// From the peer, marked `<`.
    Received,
}

/// The dump of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dump {
    sent: u64,
    received: u64,
}

impl Dump {
    /// A dump in which nothing has moved yet.
    pub const fn new() -> Self {
        Self { sent: 0, received: 0 }
    }

    /// The rows for one chunk, each with its line end. Offsets go on from the chunk before in the same
    /// direction; a label, where there are several connections, stands before each row.
    pub fn rows(&mut self, direction: Direction, label: Option<&str>, bytes: &[u8]) -> String {
        let (mark, offset) = match direction {
            Direction::Sent => ('>', &mut self.sent),
            Direction::Received => ('<', &mut self.received),
        };
        let label = label.map(show_line);
        let mut rows = String::with_capacity(bytes.len().div_ceil(ROW) * ROW_LENGTH);
        for row in bytes.chunks(ROW) {
            if let Some(label) = &label {
                rows.push_str(label);
                rows.push(' ');
            }
            // Writing to a String cannot fail.
            let _ = write!(rows, "{mark} {offset:08x} ");
            push_row(&mut rows, row);
            *offset += row.len() as u64;
        }
        rows
    }
}

/// Dumps every connection to stderr.
#[derive(Debug)]
pub struct Hexdump {
    dumps: HashMap<ConnId, Dump>,
    labels: bool,
}

impl Hexdump {
    /// With `labels`, each row begins with the connection's name.
    pub fn new(labels: bool) -> Self {
        Self { dumps: HashMap::new(), labels }
    }

    fn show(&mut self, conn: &ConnView, direction: Direction, bytes: &[u8]) {
        let label = self.labels.then(|| conn.name());
        let dump = self.dumps.entry(conn.id).or_default();
        write_stderr(&dump.rows(direction, label.as_deref(), bytes));
    }
}

impl Observer for Hexdump {
    fn opened(&mut self, _conn: &ConnView) {}

    fn received(&mut self, conn: &ConnView, bytes: &[u8]) {
        self.show(conn, Direction::Received, bytes);
    }

    fn sent(&mut self, conn: &ConnView, bytes: &[u8]) {
        self.show(conn, Direction::Sent, bytes);
    }

    fn closed(&mut self, conn: &ConnView, _why: CloseReason) {
        self.dumps.remove(&conn.id);
    }
}

fn push_row(rows: &mut String, row: &[u8]) {
    for column in 0..ROW {
        if column % (ROW / 2) == 0 {
            rows.push(' ');
        }
        match row.get(column) {
            Some(byte) => {
                rows.push(char::from(DIGITS[usize::from(byte >> 4)]));
                rows.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
            None => rows.push_str("  "),
        }
        rows.push(' ');
    }
    rows.push_str(" |");
    rows.extend(row.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' }));
    rows.push_str("|\n");
}

/// Bytes in one row.
const ROW: usize = 16;
/// Characters of a whole row without a label.
const ROW_LENGTH: usize = 81;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_looks_as_hexdump_does() {
        let rows = Dump::new().rows(Direction::Sent, None, b"GET / HTTP/1.0\r\n");
        assert_eq!(rows, "> 00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 30 0d 0a  |GET / HTTP/1.0..|\n");
        assert_eq!(rows.len(), ROW_LENGTH);
    }

    #[test]
    fn a_short_row_keeps_its_columns() {
        assert_eq!(
            Dump::new().rows(Direction::Received, None, b"\x00\x7f\xff~ "),
            "< 00000000  00 7f ff 7e 20                                    |...~ |\n"
        );
        assert_eq!(
            Dump::new().rows(Direction::Received, None, b"123456789"),
            "< 00000000  31 32 33 34 35 36 37 38  39                       |123456789|\n"
        );
        assert_eq!(Dump::new().rows(Direction::Sent, None, b""), "");
    }

    #[test]
    fn each_direction_counts_for_itself() {
        let mut dump = Dump::new();
        let rows = dump.rows(Direction::Sent, None, &[b'a'; 20]);
        let offsets: Vec<_> = rows.lines().map(|row| &row[..10]).collect();
        assert_eq!(offsets, ["> 00000000", "> 00000010"]);
        assert!(dump.rows(Direction::Received, None, b"b").starts_with("< 00000000 "));
        assert!(dump.rows(Direction::Sent, None, b"c").starts_with("> 00000014 "));
        dump.received = 0x1_2345_6789;
        assert!(dump.rows(Direction::Received, None, b"d").starts_with("< 123456789  64 "));
    }

    #[test]
    fn a_label_stands_before_each_row_and_is_safe() {
        let rows = Dump::new().rows(Direction::Sent, Some("web\n\x1b[2J"), &[0; 17]);
        assert_eq!(rows.lines().count(), 2);
        assert!(rows.lines().all(|row| row.starts_with("web\\n\\x1b[2J > 000000")), "{rows}");
    }
}
