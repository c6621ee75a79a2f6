//! `Handover`: stdin for connections that follow each other: what the one before was given and has not sent, and what is left
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
    /// The settings of its filter, for a file that starts again.
    pub(super) text: Text,
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
    pub(super) fn new(text: Text) -> Self {
        Self { text, ..Self::default() }
    }

    /// Takes back what a stream was given and did not send; it had sent so many bytes.
    pub(super) fn take_back(&mut self, sent: u64) {
        let rest = self.unsent.take_rest(sent);
        self.put_first(rest);
    }

    /// Takes back all datagrams, or forgets them.
    pub(super) fn take_back_datagrams(&mut self, is_refused: bool) {
        let datagrams = self.unsent.take_datagrams();
        if is_refused {
            self.put_first(datagrams);
        }
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
    pieces: VecDeque<Vec<u8>>,
    /// Bytes in `pieces`.
    len: usize,
    /// Bytes the connection had been given in all, when it got the last piece.
    given: u64,
    is_overflowing: bool,
}

impl Unsent {
    /// Notes a piece of a stream. `sent`: bytes that were sent so far; `queued`: bytes that wait, this piece included.
    pub(super) fn note(&mut self, piece: &[u8], sent: u64, queued: usize) {
        self.given = sent + queued as u64;
        self.push(piece);
        // Whole pieces only: what of the first was sent is counted when they are taken.
        while let Some(first) = self.pieces.front().map(Vec::len).filter(|first| self.len - first >= queued) {
            self.len -= first;
            self.pieces.pop_front();
        }
    }

    /// Notes a datagram, which may be refused after it was sent.
    pub(super) fn note_datagram(&mut self, piece: &[u8]) {
        if self.len + piece.len() > MOST {
            self.clear();
            self.is_overflowing = true;
        }
        if !self.is_overflowing {
            self.push(piece);
        }
    }

    /// Takes what a stream was given and not sent. `sent`: bytes that were sent in all.
    pub(super) fn take_rest(&mut self, sent: u64) -> Vec<Vec<u8>> {
        let unsent = usize::try_from(self.given.saturating_sub(sent)).unwrap_or(usize::MAX);
        let mut skip = self.len.saturating_sub(unsent);
        let mut rest = Vec::new();
        for mut piece in std::mem::take(self).pieces {
            let gone = skip.min(piece.len());
            skip -= gone;
            piece.drain(..gone);
            if !piece.is_empty() {
                rest.push(piece);
            }
        }
        rest
    }

    /// Takes all datagrams.
    pub(super) fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(self).pieces.into()
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, piece: &[u8]) {
        self.len += piece.len();
        self.pieces.push_back(piece.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_stream_is_what_was_given_and_not_sent() {
        let mut unsent = Unsent::default();
        unsent.note(b"abc", 10, 3);
        unsent.note(b"defg", 11, 6);
        assert_eq!(unsent.take_rest(12), [b"c".to_vec(), b"defg".to_vec()], "ab was sent");
        assert!(unsent.take_rest(0).is_empty(), "it is taken once");
        unsent.note(b"abc", 0, 0);
        assert!(unsent.take_rest(3).is_empty());
        unsent.note(b"abc", 0, 3);
        unsent.note(b"de", 3, 2);
        assert_eq!(unsent.pieces, [b"de".to_vec()], "what was sent is not kept");
        assert!(unsent.take_rest(99).is_empty(), "what passed by other ways counts");
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
