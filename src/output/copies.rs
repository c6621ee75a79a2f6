//! `Copies`: the observer that writes both directions to a file, as Ncat's `-o` and `-x` do.
//!
//! Owns the file and Ncat's form of a hex dump. Which bytes go where is for others.

use std::fs::{File, OpenOptions};
use std::io::Write;

use crate::config::Copying;
use crate::error::{Error, Result, cause};
use crate::output::{Moment, Notice, Observer, Tap, Taps};

/// Writes what goes in both directions to a file.
#[derive(Debug)]
pub struct Copies {
    /// `None` after a fault.
    file: Option<File>,
    name: String,
    is_hex: bool,
    buffer: Vec<u8>,
    fault: Option<Error>,
}

impl Copies {
    /// Opens the file.
    ///
    /// # Errors
    /// It cannot be opened for writing.
    pub fn create(copying: &Copying) -> Result<Self> {
        let name = copying.path.display().to_string();
        let mut options = OpenOptions::new();
        options.create(true).append(copying.appends).write(true).truncate(!copying.appends);
        let file = options.open(&copying.path).map_err(|error| {
            Error::shortage(&error).unwrap_or_else(|| Error::Write { target: name.clone(), cause: cause(&error) })
        })?;
        Ok(Self { file: Some(file), name, is_hex: copying.is_hex, buffer: Vec::new(), fault: None })
    }
}

impl Observer for Copies {
    fn wants(&self) -> Taps {
        Taps::Read(Tap::Plain)
    }

    fn notice(&mut self, _at: Moment<'_>, notice: &Notice<'_>) {
        let Notice::Bytes { bytes, .. } = notice else { return };
        if self.is_hex {
            self.buffer.extend_from_slice(hex(bytes).as_bytes());
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn holds_back(&self) -> bool {
        true
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let Some(file) = &mut self.file else { return self.buffer.clear() };
        if let Err(error) = file.write_all(&self.buffer) {
            self.fault = Some(Error::Write { target: self.name.clone(), cause: cause(&error) });
            self.file = None;
        }
        self.buffer.clear();
    }

    fn fault(&mut self) -> Option<Error> {
        self.fault.take()
    }
}

/// A hex dump as Ncat writes it: offsets begin anew with each piece.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut rows = String::new();
    for (number, row) in bytes.chunks(16).enumerate() {
        let mut digits = String::new();
        for (at, byte) in row.iter().enumerate() {
            let gap = if at == 8 { " " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(digits, "{gap}{byte:02x} ");
        }
        let text: String = row
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
            .collect();
        let _ = writeln!(rows, "{:04x}   {digits:<50}{text:<16}", number * 16);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_ncat() {
        assert_eq!(
            hex(b"abcdefghijklmnopqrst"),
            "0000   61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  abcdefghijklmnop\n\
             0010   71 72 73 74                                       qrst            \n"
        );
        assert_eq!(hex(b"hello\n"), "0000   68 65 6c 6c 6f 0a                                 hello.          \n");
        assert_eq!(hex(b""), "");
    }
}
