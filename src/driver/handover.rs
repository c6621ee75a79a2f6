//! `Handover`: stdin for connections that follow each other: what the one before was given and has not arrived, and what is left
//! once stdin has ended.
//!
//! Owns copies of the last pieces, as far as they may be needed. Reads nothing and knows no connection: `stdin` does.

use std::collections::VecDeque;

use crate::config::Text;
use crate::driver::world::InputStream;

/// Maximum bytes of datagrams that are kept until the first answer. Above that none are: the peer is not silent for lack of
/// time.
const MOST: usize = 1 << 20;

/// State of a stdin that several connections receive, one after the other.
#[derive(Default)]
pub(super) struct Handover {
    /// The settings of its filter, for what starts again.
    pub(super) text: Text,
    /// A connection follows one that stood, and not only one that failed: what has not arrived is kept for it.
    pub(super) follows_end: bool,
    /// A connection has begun with it.
    pub(super) has_begun: bool,
    /// It has ended; the next connection gets its end, too, or a file from its start.
    pub(super) ended: Option<Box<dyn InputStream>>,
    /// Reading gives nothing but the end.
    pub(super) is_over: bool,
    /// What was given to the last connection and may not have arrived.
    pub(super) unsent: Unsent,
    /// What is given to the next one first.
    first: VecDeque<Vec<u8>>,
}

impl Handover {
    /// The state before the first connection.
    pub(super) fn new(text: Text, follows_end: bool) -> Self {
        Self { text, follows_end, ..Self::default() }
    }

    /// Takes back what a stream was given and has not arrived; so many bytes have. Returns whether there is any.
    pub(super) fn take_back(&mut self, arrived: u64) -> bool {
        let rest = self.unsent.take_rest(arrived);
        let is_any = !rest.is_empty();
        self.put_first(rest);
        is_any
    }

    /// Takes back all datagrams, or forgets them. Returns whether there are any.
    pub(super) fn take_back_datagrams(&mut self, is_refused: bool) -> bool {
        let datagrams = self.unsent.take_datagrams();
        let is_any = is_refused && !datagrams.is_empty();
        if is_refused {
            self.put_first(datagrams);
        }
        is_any
    }

    /// Whether something was taken back.
    pub(super) fn has_first(&self) -> bool {
        !self.first.is_empty()
    }

    /// Gives a piece out that was taken back, as far as there is room. Returns the number of bytes; `None`: there is none.
    pub(super) fn give_first(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let mut piece = self.first.pop_front()?;
        let n = piece.len().min(buffer.len());
        buffer[..n].copy_from_slice(&piece[..n]);
        if n < piece.len() {
            piece.drain(..n);
            self.first.push_front(piece);
        }
        Some(n)
    }

    /// Forgets what was taken back: a file starts again.
    pub(super) fn forget(&mut self) {
        self.first.clear();
        self.unsent.clear();
    }

    /// Puts pieces before all others.
    fn put_first(&mut self, pieces: Vec<Vec<u8>>) {
        for piece in pieces.into_iter().rev() {
            self.first.push_front(piece);
        }
    }
}

/// The last pieces that were given to the connection.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pieces: VecDeque<Piece>,
    /// Bytes in `pieces`.
    len: usize,
    is_overflowing: bool,
}

/// A piece, and how much the connection had been given in all with it, as it sends that.
#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    end: u64,
    /// It is sent as it is; else it is text that another encoding makes longer or shorter.
    is_raw: bool,
}

impl Unsent {
    /// Notes a piece of a stream that ends at `end`. `is_raw`: it is sent as it is.
    pub(super) fn note(&mut self, bytes: &[u8], end: u64, is_raw: bool) {
        self.push(bytes, end, is_raw);
    }

    /// Forgets pieces of a stream that have arrived; so many bytes have in all.
    pub(super) fn forget_arrived(&mut self, arrived: u64) {
        while let Some(piece) = self.pieces.front().filter(|piece| piece.end <= arrived) {
            self.len -= piece.bytes.len();
            self.pieces.pop_front();
        }
    }

    /// Notes a datagram, which may be refused after it was sent.
    pub(super) fn note_datagram(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() > MOST {
            self.clear();
            self.is_overflowing = true;
        }
        if !self.is_overflowing {
            self.push(bytes, 0, false);
        }
    }

    /// Takes what a stream was given and has not arrived; so many bytes have in all. Text is taken as whole pieces.
    pub(super) fn take_rest(&mut self, arrived: u64) -> Vec<Vec<u8>> {
        self.forget_arrived(arrived);
        let mut rest: Vec<Piece> = std::mem::take(self).pieces.into();
        if let Some(first) = rest.first_mut().filter(|first| first.is_raw) {
            let left = usize::try_from(first.end - arrived).unwrap_or(usize::MAX);
            first.bytes.drain(..first.bytes.len().saturating_sub(left));
        }
        rest.into_iter().map(|piece| piece.bytes).collect()
    }

    /// Takes all datagrams.
    pub(super) fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(self).pieces.into_iter().map(|piece| piece.bytes).collect()
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, bytes: &[u8], end: u64, is_raw: bool) {
        self.len += bytes.len();
        self.pieces.push_back(Piece { bytes: bytes.to_vec(), end, is_raw });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_stream_is_what_was_given_and_has_not_arrived() {
        let mut unsent = Unsent::default();
        unsent.note(b"abc", 13, true);
        unsent.note(b"defg", 17, true);
        unsent.forget_arrived(12);
        assert_eq!(unsent.take_rest(12), [b"c".to_vec(), b"defg".to_vec()], "ab has arrived");
        assert!(unsent.take_rest(0).is_empty(), "it is taken once");
        unsent.note(b"abc", 3, true);
        assert!(unsent.take_rest(3).is_empty());
        unsent.note(b"abc", 3, true);
        unsent.note(b"de", 5, true);
        unsent.forget_arrived(3);
        assert_eq!((unsent.pieces.len(), unsent.len), (1, 2), "what has arrived is not kept");
        assert!(unsent.take_rest(99).is_empty(), "what passed by other ways counts");
    }

    #[test]
    fn text_is_taken_back_as_whole_pieces() {
        let mut unsent = Unsent::default();
        unsent.note("\u{e9}\n".as_bytes(), 2, false);
        unsent.note("\u{e8}x\n".as_bytes(), 5, false);
        assert_eq!(unsent.take_rest(3), ["\u{e8}x\n".as_bytes().to_vec()], "a part of it has arrived");
    }

    #[test]
    fn datagrams_are_kept_whole_up_to_a_bound() {
        let mut unsent = Unsent::default();
        unsent.note_datagram(b"a");
        unsent.note_datagram(b"");
        assert_eq!(unsent.take_datagrams(), [b"a".to_vec(), Vec::new()]);
        for _ in 0..3 {
            unsent.note_datagram(&vec![0; 600_000]);
        }
        assert!(unsent.take_datagrams().is_empty());
    }
}
