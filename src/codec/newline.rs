//! `Crlf`: converts a lone LF to CR LF, independent of how the stream is split.

use memchr::memchr_iter;

/// The state between two chunks of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crlf {
    after_cr: bool,
}

impl Crlf {
    /// Appends `bytes` with every lone LF written as CR LF. Works on any text in which CR and LF are single
    /// bytes.
    pub fn convert(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut from = 0;
        for at in memchr_iter(b'\n', bytes) {
            let after_cr = if at == 0 { self.after_cr } else { bytes[at - 1] == b'\r' };
            out.extend_from_slice(&bytes[from..at]);
            if !after_cr {
                out.push(b'\r');
            }
            from = at;
        }
        out.extend_from_slice(&bytes[from..]);
        self.pass(bytes);
    }

    /// Records the last byte of bytes that pass unchanged.
    pub fn pass(&mut self, bytes: &[u8]) {
        if let Some(&last) = bytes.last() {
            self.after_cr = last == b'\r';
        }
    }

    /// The same as [`Self::convert`] for text.
    pub fn convert_text(&mut self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len() + 8);
        self.convert(text.as_bytes(), &mut out);
        String::from_utf8(out).expect("CR before LF cuts no character")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_the_same_for_every_split() {
        let input = b"a\nb\r\n\n\r\r\nc\r";
        let expected = b"a\r\nb\r\n\r\n\r\r\nc\r";
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let mut crlf = Crlf::default();
                let mut out = Vec::new();
                for piece in [&input[..first], &input[first..second], &input[second..]] {
                    crlf.convert(piece, &mut out);
                }
                assert_eq!(out, expected, "cut at {first} and {second}");
            }
        }
        let text = Crlf::default().convert_text(std::str::from_utf8(input).unwrap());
        assert_eq!(text.as_bytes(), expected);
    }
}
