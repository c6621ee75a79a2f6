//! `ByteQueue`: a first-in first-out queue of bytes, read as one slice from the front.
//!
//! Owns appending, looking and consuming. Has no limit of its own: the caller compares [`ByteQueue::len`] with its high
//! and low water marks, which differ (a socket's queue, stdout, a line being collected).

/// A first-in first-out queue of bytes, contiguous from the front. An empty queue holds no memory, because each idle
/// connection has two.
#[derive(Debug, Default)]
pub struct ByteQueue {
    bytes: Vec<u8>,
    head: usize,
}

impl ByteQueue {
    /// An empty queue; it allocates nothing.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), head: 0 }
    }

    /// The number of bytes waiting.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.head
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All waiting bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// Adds bytes at the end.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds bytes at the end; an empty queue takes over the allocation instead of copying.
    pub fn push(&mut self, bytes: Vec<u8>) {
        if self.is_empty() {
            self.bytes = bytes;
            self.head = 0;
        } else {
            self.extend(&bytes);
        }
    }

    /// Adds bytes at the front, where bytes were removed before.
    pub fn put_back(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.head {
            self.head -= bytes.len();
            self.bytes[self.head..self.head + bytes.len()].copy_from_slice(bytes);
        } else {
            self.bytes.splice(..self.head, bytes.iter().copied());
            self.head = 0;
        }
    }

    /// Removes `n` bytes from the front.
    ///
    /// # Panics
    /// If fewer than `n` bytes wait.
    pub fn consume(&mut self, n: usize) {
        drop(self.consume_freeing(n));
    }

    /// The same, and gives out the memory if nothing is left in it: an empty vector with room.
    ///
    /// # Panics
    /// If fewer than `n` bytes wait.
    pub fn consume_freeing(&mut self, n: usize) -> Vec<u8> {
        assert!(n <= self.len(), "consume more than there is");
        self.head += n;
        if !self.is_empty() {
            return Vec::new();
        }
        self.head = 0;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes
    }

    /// Removes and returns the first `n` bytes.
    ///
    /// # Panics
    /// If fewer than `n` bytes wait.
    pub fn take(&mut self, n: usize) -> Vec<u8> {
        if self.head == 0 && n == self.bytes.len() {
            return std::mem::take(&mut self.bytes);
        }
        let front = self.as_slice()[..n].to_vec();
        self.consume(n);
        front
    }

    /// Discards all waiting bytes.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Moves the waiting bytes to the front of the allocation if enough is free there: each byte is moved a bounded number
    /// of times.
    fn make_room(&mut self, more: usize) {
        let is_full = self.bytes.capacity() - self.bytes.len() < more;
        if self.head > 0 && (self.head >= self.len() || is_full && self.head >= self.len() / 4) {
            self.bytes.drain(..self.head);
            self.head = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut queue = ByteQueue::new();
        queue.extend(b"abc");
        queue.push(b"defg".to_vec());
        queue.consume(2);
        assert_eq!(queue.as_slice(), b"cdefg");
        assert_eq!(queue.take(3), b"cde");
        queue.extend(b"h");
        assert_eq!(queue.take(3), b"fgh");
        assert!(queue.is_empty());
    }

    #[test]
    fn an_emptied_queue_frees_its_memory() {
        let mut queue = ByteQueue::new();
        queue.push(vec![0; 1 << 20]);
        queue.consume(1 << 20);
        assert_eq!(queue.bytes.capacity(), 0);
        queue.extend(b"xy");
        queue.consume(2);
        assert_eq!(queue.bytes.capacity(), 0);
    }

    #[test]
    fn memory_is_given_out_when_nothing_is_left_in_it() {
        let mut queue = ByteQueue::new();
        queue.push(b"abcdef".to_vec());
        assert_eq!(queue.consume_freeing(4).capacity(), 0, "two bytes are left");
        let free = queue.consume_freeing(2);
        assert!(free.is_empty() && free.capacity() >= 6 && queue.bytes.capacity() == 0);
        queue.push(b"gh".to_vec());
        assert_eq!(queue.as_slice(), b"gh");
        assert_eq!(ByteQueue::new().consume_freeing(0).capacity(), 0);
    }

    #[test]
    fn consumed_space_at_the_front_is_reused() {
        let mut queue = ByteQueue::new();
        queue.extend(&[1; 1000]);
        for _ in 0..10_000 {
            queue.consume(500);
            queue.extend(&[2; 500]);
        }
        assert_eq!(queue.len(), 1000);
        assert!(queue.bytes.capacity() < 8192, "grew to {}", queue.bytes.capacity());
    }
}
