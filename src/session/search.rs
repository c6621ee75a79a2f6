//! `Search`: what a handler waits for in received bytes, which stay with the connection while it looks.
//!
//! Owns the contract alone. The session shows everything that has arrived, again when there is more; the search keeps how
//! far it is, and what it has found until the handler asks.

use std::fmt;

use encoding_rs::Encoding;

use crate::codec::decoded::DecodedText;
use crate::codec::seam::Seam;

/// A search for one thing.
pub trait Search: fmt::Debug {
    /// Maximum bytes to search, without a match.
    fn max(&self) -> usize;

    /// Whether it needs [`Received::text`].
    fn reads_text(&self) -> bool;

    /// Looks at what has arrived. True: it has found, and nothing is shown to it any more.
    fn look(&self, received: &Received<'_>) -> bool;

    /// The stream has ended without it.
    fn give_up(&self, received: &Received<'_>);
}

/// Bytes that have arrived and were not delivered.
#[derive(Debug)]
pub struct Received<'a> {
    /// The bytes, with those shown before in front.
    pub bytes: &'a [u8],
    /// Where in the stream they begin.
    pub seam: Seam,
    /// Their encoding.
    pub encoding: &'static Encoding,
    /// Their text; `None` if they are UTF-8, or if it is not needed.
    pub text: Option<&'a DecodedText>,
    /// Nothing was shown to this search before, or it was in another encoding.
    pub is_new: bool,
}

impl Received<'_> {
    /// How many bytes at the start are a byte order mark and no text. `None`: more bytes are needed to know.
    pub fn mark(&self) -> Option<usize> {
        let mark = "\u{feff}".as_bytes();
        match self.bytes {
            _ if !self.seam.is_start() || self.encoding != encoding_rs::UTF_8 => Some(0),
            bytes if bytes.starts_with(mark) => Some(mark.len()),
            bytes if mark.starts_with(bytes) => None,
            _ => Some(0),
        }
    }
}
