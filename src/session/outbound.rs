//! `Outbound`: what one connection has to send, in order: bytes, and gaps that somebody fills piece by piece.
//!
//! A gap is something too large to be held, such as a file. What is queued after it waits behind it. What waits outside,
//! in a kernel pipe, goes before everything here, and is only counted. Does not know what fills a gap, and does not
//! bound itself. A queue of datagrams keeps their borders, and has no gaps.

use std::collections::VecDeque;

use crate::buffer::ByteQueue;
use crate::endpoint::MAX_DATAGRAM;

/// Bytes and gaps, the first to be sent at the front.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// How many bytes wait outside.
    spliced: usize,
    /// How many bytes have left the queue and wait in layers.
    held_below: usize,
    /// What can be sent now: everything before the first gap, and what that has been filled with.
    front: ByteQueue,
    /// What stands behind gaps, if there are any: few connections ever have one.
    behind: Option<Box<Behind>>,
    /// The lengths of the datagrams in `front`; `None`: it is a stream.
    #[expect(clippy::box_collection, reason = "8 bytes for a stream, not 32")]
    borders: Option<Box<VecDeque<usize>>>,
}

#[derive(Debug, Default)]
struct Behind {
    /// For each gap, what comes after it and before the next.
    queues: VecDeque<ByteQueue>,
    /// How many bytes that is.
    bytes: usize,
}

impl Outbound {
    /// Nothing to send.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The same for datagrams: what is added at once is sent at once.
    pub(super) fn of_datagrams() -> Self {
        Self { borders: Some(Box::default()), ..Self::default() }
    }

    /// Bytes that wait, those outside and in layers included, without what gaps still lack.
    pub(super) fn len(&self) -> usize {
        self.spliced + self.held_below + self.front.len() + self.behind.as_ref().map_or(0, |behind| behind.bytes)
    }

    /// Whether everything was sent, gaps and what waits outside or in layers included.
    pub(super) fn is_empty(&self) -> bool {
        self.spliced == 0 && self.held_below == 0 && self.is_queue_empty()
    }

    /// Whether nothing waits but what has left the queue.
    pub(super) fn is_queue_empty(&self) -> bool {
        self.front.is_empty() && self.behind.is_none() && !self.has_next_datagram()
    }

    fn has_next_datagram(&self) -> bool {
        self.borders.as_ref().is_some_and(|borders| !borders.is_empty())
    }

    /// How many bytes wait outside.
    pub(super) fn spliced(&self) -> usize {
        self.spliced
    }

    /// Layers hold so many bytes now that have left the queue.
    pub(super) fn set_held_below(&mut self, n: usize) {
        self.held_below = n;
    }

    /// So many more wait outside; nothing may wait here.
    pub(super) fn add_spliced(&mut self, n: usize) {
        debug_assert!(self.is_queue_empty(), "what is outside goes first");
        self.spliced += n;
    }

    /// So many of those outside were sent.
    pub(super) fn consume_spliced(&mut self, n: usize) {
        self.spliced -= n;
    }

    /// What was outside comes in, all of it, and goes before everything else.
    pub(super) fn absorb(&mut self, mut bytes: Vec<u8>) {
        self.spliced = 0;
        bytes.extend(self.front.as_slice());
        self.front.clear();
        self.front.push(bytes);
    }

    /// What can be sent once nothing is outside.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.front.as_slice()
    }

    /// What is to be sent next, once nothing is outside: as much of a stream as there is, or one datagram.
    pub(super) fn next(&self) -> Option<&[u8]> {
        match &self.borders {
            None => Some(self.as_slice()).filter(|front| !front.is_empty()),
            Some(borders) => borders.front().map(|length| &self.as_slice()[..*length]),
        }
    }

    /// Adds bytes at the end.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.note_border(bytes.len());
        match &mut self.behind {
            None => self.front.extend(bytes),
            Some(behind) => behind.extend(bytes),
        }
    }

    /// Adds bytes at the end, taking their allocation over where that is possible.
    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        self.note_border(bytes.len());
        match &mut self.behind {
            None => self.front.push(bytes),
            Some(behind) => behind.extend(&bytes),
        }
    }

    /// Notes that so many bytes are one datagram, or several if they do not fit into one.
    fn note_border(&mut self, length: usize) {
        let Some(borders) = &mut self.borders else { return };
        let mut left = length;
        while left > MAX_DATAGRAM {
            borders.push_back(MAX_DATAGRAM);
            left -= MAX_DATAGRAM;
        }
        borders.push_back(left);
    }

    /// Removes bytes that were sent: of datagrams, the next one. Gives out the memory if nothing is left in it.
    pub(super) fn consume(&mut self, n: usize) -> Vec<u8> {
        let length = self.borders.as_mut().and_then(|borders| borders.pop_front());
        self.front.consume_freeing(length.unwrap_or(n))
    }

    /// Adds a gap at the end.
    pub(super) fn open_placeholder(&mut self) {
        self.behind.get_or_insert_default().queues.push_back(ByteQueue::new());
    }

    /// How many gaps there are.
    pub(super) fn placeholders(&self) -> usize {
        self.behind.as_ref().map_or(0, |behind| behind.queues.len())
    }

    /// Bytes for the first gap.
    pub(super) fn fill(&mut self, bytes: Vec<u8>) {
        self.front.push(bytes);
    }

    /// The first gap has everything: what waited behind it follows.
    pub(super) fn close_placeholder(&mut self) {
        let Some(behind) = &mut self.behind else { return };
        let mut after = behind.queues.pop_front().unwrap_or_default();
        behind.bytes -= after.len();
        if behind.queues.is_empty() {
            self.behind = None;
        }
        self.front.push(after.take(after.len()));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = if self.borders.is_some() { Self::of_datagrams() } else { Self::new() };
    }
}

impl Behind {
    /// Adds bytes behind the last gap.
    fn extend(&mut self, bytes: &[u8]) {
        if let Some(last) = self.queues.back_mut() {
            self.bytes += bytes.len();
            last.extend(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_gap_waits_for_it() {
        let mut queue = Outbound::new();
        queue.push(b"head ".to_vec());
        queue.open_placeholder();
        queue.extend(b" middle ");
        queue.open_placeholder();
        queue.push(b" tail".to_vec());
        assert_eq!((queue.as_slice(), queue.len(), queue.placeholders()), (&b"head "[..], 18, 2));
        queue.fill(b"one".to_vec());
        queue.fill(b" two".to_vec());
        assert_eq!(queue.as_slice(), b"head one two");
        queue.consume(12);
        assert!(queue.as_slice().is_empty() && !queue.is_empty());
        queue.close_placeholder();
        assert_eq!((queue.as_slice(), queue.len(), queue.placeholders()), (&b" middle "[..], 13, 1));
        queue.close_placeholder();
        assert_eq!((queue.as_slice(), queue.len(), queue.placeholders()), (&b" middle  tail"[..], 13, 0));
        queue.extend(b"!");
        queue.consume(14);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_is_outside_counts_and_goes_first() {
        let mut queue = Outbound::new();
        queue.add_spliced(4);
        queue.push(b" later".to_vec());
        queue.open_placeholder();
        assert_eq!((queue.spliced(), queue.len(), queue.is_queue_empty()), (4, 10, false));
        queue.consume_spliced(1);
        queue.absorb(b"ead".to_vec());
        assert_eq!((queue.spliced(), queue.as_slice(), queue.len()), (0, &b"ead later"[..], 9));
        queue.consume(9);
        queue.close_placeholder();
        queue.add_spliced(1);
        assert!(queue.is_queue_empty() && !queue.is_empty());
        queue.clear();
        assert!(queue.is_empty());
    }

    #[test]
    fn datagrams_keep_their_borders_and_may_be_empty() {
        let mut queue = Outbound::of_datagrams();
        assert!(queue.is_empty() && queue.next().is_none());
        queue.push(b"one".to_vec());
        queue.extend(b"");
        queue.extend(b"three");
        assert_eq!((queue.next(), queue.len()), (Some(&b"one"[..]), 8));
        queue.consume(3);
        assert_eq!(queue.next(), Some(&b""[..]));
        queue.consume(0);
        assert!(queue.next() == Some(b"three") && !queue.is_empty());
        queue.consume(5);
        assert!(queue.is_empty() && queue.next().is_none());
        queue.push(vec![7; MAX_DATAGRAM + 1]);
        queue.consume(MAX_DATAGRAM);
        assert_eq!(queue.next(), Some(&[7][..]));
        queue.clear();
        queue.extend(b"");
        assert_eq!(queue.next(), Some(&b""[..]));
    }

    #[test]
    fn nothing_is_left_of_a_queue_that_was_dropped() {
        let mut queue = Outbound::new();
        queue.open_placeholder();
        queue.extend(b"x");
        queue.clear();
        queue.extend(b"y");
        assert_eq!((queue.as_slice(), queue.len(), queue.placeholders()), (&b"y"[..], 1, 0));
    }
}
