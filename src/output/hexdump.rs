//! `Hexdump`: the observer of `-x`, which dumps both directions of every connection to stderr.
//!
//! Owns the layout and the running offsets, one `Dump` for each connection.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write;

use crate::codec::escape::show_line;
use crate::output::{Moment, Notice, Observer, Tap, Taps};
use crate::session::{ConnId, Direction};

/// The offsets of one connection's dump.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dump {
    sent: u64,
    received: u64,
}

impl Dump {
    /// A dump with both offsets at 0.
    pub fn rows(&mut self, direction: Direction, label: Option<&str>, bytes: &[u8]) -> String {
        let (mark, offset) = match direction {
            Direction::Out => ('>', &mut self.sent),
            Direction::In => ('<', &mut self.received),
        };
        let label = label.map(show_line);
        let mut rows = String::with_capacity(bytes.len().div_ceil(ROW) * ROW_LENGTH);
        // An empty datagram is an empty row.
        let empty = bytes.is_empty().then_some(bytes);
        for row in bytes.chunks(ROW).chain(empty) {
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
pub struct Hexdump {
    dumps: HashMap<ConnId, Dump>,
    labels: bool,
    write: Box<dyn FnMut(&str)>,
}

impl Hexdump {
    /// With `labels`, each row begins with the connection's name. `write` takes the rows.
    pub fn new(labels: bool, write: Box<dyn FnMut(&str)>) -> Self {
        Self { dumps: HashMap::new(), labels, write }
    }

    /// The rows for a notice; empty if it is not about bytes.
    fn rows(&mut self, notice: &Notice<'_>) -> String {
        match *notice {
            Notice::Bytes { conn, direction, tap: Tap::Wire, bytes } => {
                let label = self.labels.then(|| conn.name());
                self.dumps.entry(conn.id).or_default().rows(direction, label.as_deref(), bytes)
            }
            Notice::Closed { conn, .. } => {
                self.dumps.remove(&conn.id);
                String::new()
            }
            _ => String::new(),
        }
    }
}

impl Observer for Hexdump {
    fn wants(&self) -> Taps {
        Taps::Read(Tap::Wire)
    }

    fn notice(&mut self, _at: Moment<'_>, notice: &Notice<'_>) {
        let rows = self.rows(notice);
        if !rows.is_empty() {
            (self.write)(&rows);
        }
    }
}

impl fmt::Debug for Hexdump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hexdump").field("dumps", &self.dumps).finish_non_exhaustive()
    }
}

/// Appends at most [`ROW`] bytes: a space, the digits of two groups, the characters, a line end.
pub fn push_row(rows: &mut String, row: &[u8]) {
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
pub const ROW: usize = 16;
/// Bytes of a full row without a label, line end included.
const ROW_LENGTH: usize = 81;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_looks_as_hexdump_does() {
        let rows = Dump::default().rows(Direction::Out, None, b"GET / HTTP/1.0\r\n");
        assert_eq!(rows, "> 00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 30 0d 0a  |GET / HTTP/1.0..|\n");
        assert_eq!(rows.len(), ROW_LENGTH);
    }

    #[test]
    fn a_short_row_keeps_its_columns() {
        assert_eq!(
            Dump::default().rows(Direction::In, None, b"\x00\x7f\xff~ "),
            "< 00000000  00 7f ff 7e 20                                    |...~ |\n"
        );
        assert_eq!(
            Dump::default().rows(Direction::In, None, b"123456789"),
            "< 00000000  31 32 33 34 35 36 37 38  39                       |123456789|\n"
        );
        let blank = " ".repeat(52);
        assert_eq!(Dump::default().rows(Direction::Out, None, b""), format!("> 00000000{blank}||\n"), "a datagram");
    }

    #[test]
    fn each_direction_counts_for_itself() {
        let mut dump = Dump::default();
        let rows = dump.rows(Direction::Out, None, &[b'a'; 20]);
        let offsets: Vec<_> = rows.lines().map(|row| &row[..10]).collect();
        assert_eq!(offsets, ["> 00000000", "> 00000010"]);
        assert!(dump.rows(Direction::In, None, b"b").starts_with("< 00000000 "));
        assert!(dump.rows(Direction::Out, None, b"c").starts_with("> 00000014 "));
        dump.received = 0x1_2345_6789;
        assert!(dump.rows(Direction::In, None, b"d").starts_with("< 123456789  64 "));
    }

    #[test]
    fn a_label_stands_before_each_row_and_is_safe() {
        let rows = Dump::default().rows(Direction::Out, Some("web\n\x1b[2J"), &[0; 17]);
        assert_eq!(rows.lines().count(), 2);
        assert!(rows.lines().all(|row| row.starts_with("web\\n\\x1b[2J > 000000")), "{rows}");
    }
    #[test]
    fn bytes_of_the_wire_become_rows_until_the_connection_closes() {
        use crate::session::CloseReason;
        use crate::session::{ConnView, Side};

        let address: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
        let text = crate::config::Text::default();
        let conn = ConnView::new(1, address, address, Side::Client, &text, std::time::Instant::now());
        let mut hexdump = Hexdump::new(true, Box::new(|_| {}));
        let bytes = |tap| Notice::Bytes { conn: &conn, direction: Direction::In, tap, bytes: b"ab" };
        assert!(hexdump.rows(&bytes(Tap::Wire)).starts_with("127.0.0.1:80 < 00000000  61 62 "));
        assert_eq!(hexdump.rows(&bytes(Tap::Plain)), "", "what is on the wire is shown once");
        assert!(hexdump.rows(&bytes(Tap::Wire)).contains("< 00000002  61 62 "));
        hexdump.rows(&Notice::Closed { conn: &conn, reason: CloseReason::Eof });
        assert!(hexdump.dumps.is_empty());
    }
}
