//! `Reactor`: the poll, the readiness of every source, the list of those with work, and the mailbox other
//! threads write to. All knowledge of edge-triggered events lives here.
//!
//! mio reports edges, not states, and reports each once. So an event is only noted: it sets bits and puts the
//! slot on the ready list. A bit is cleared when an operation would block, and by nothing else, except that a
//! read shorter than its buffer has emptied a stream socket: the next bytes raise a new edge (epoll(7), Q9).
//! Whoever stops before that point asks for another turn with [`Reactor::wake`].

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};
#[cfg(target_os = "linux")]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use slab::Slab;

/// The number of a registered source. Slots of removed sources are reused; a stale slot on the ready list only
/// costs its new owner an empty turn.
pub type Slot = usize;

/// Events taken from the kernel in one wait: at first, and at most. There is room for more when it has been filled.
const EVENTS: (usize, usize) = (32, 1024);
const WAKER: Token = Token(usize::MAX);
/// The unit of time of `epoll_wait(2)`.
const UNIT: Duration = Duration::from_millis(1);

/// What one attempt to read or write gave.
#[derive(Debug)]
pub enum Io {
    /// This many bytes moved.
    Moved(usize),
    /// Nothing now; an event will tell.
    Blocked,
    /// The stream has ended (reading only).
    Ended,
    /// The operation failed.
    Failed(io::Error),
}

/// What is known about a source without asking it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readiness {
    /// Reading may give something.
    pub readable: bool,
    /// Writing may be taken.
    pub writable: bool,
    /// The far side said that no more will come, or everything is over: a short read proves nothing then.
    pub read_closed: bool,
    /// An error or hang-up was reported for the write side; ask the resource before believing it.
    pub write_closed: bool,
    /// Its bytes may come after those who connect in the same round, see [`Reactor::happened`].
    pub gives_way: bool,
    queued: bool,
    accepts: bool,
}

impl Readiness {
    /// Tries to read and keeps the readable bit true to the answer.
    pub fn read(&mut self, buffer: &mut [u8], mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Io {
        loop {
            return match read(buffer) {
                Ok(0) => Io::Ended,
                Ok(n) => {
                    if n < buffer.len() && !self.read_closed {
                        self.readable = false;
                    }
                    Io::Moved(n)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    Io::Blocked
                }
                Err(error) => Io::Failed(error),
            };
        }
    }

    /// Tries to receive one datagram, which may be empty, and keeps the readable bit true to the answer.
    pub fn receive(&mut self, buffer: &mut [u8], mut receive: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Io {
        loop {
            return match receive(buffer) {
                Ok(n) => Io::Moved(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    Io::Blocked
                }
                Err(error) => Io::Failed(error),
            };
        }
    }

    /// Tries to write and keeps the writable bit true to the answer.
    pub fn write(&mut self, bytes: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> Io {
        loop {
            return match write(bytes) {
                Ok(n) => Io::Moved(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    Io::Blocked
                }
                Err(error) => Io::Failed(error),
            };
        }
    }
}

/// The way into the loop for other threads: post, and the loop wakes.
pub struct Mailbox<M> {
    sender: Sender<M>,
    waker: Arc<Waker>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), waker: Arc::clone(&self.waker) }
    }
}

impl<M> Mailbox<M> {
    /// Sends a message to the loop. A loop that has ended does not mind.
    pub fn post(&self, message: M) {
        // First the message, then the wake: a wake carries no data and several become one event.
        if self.sender.send(message).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

/// Readiness of all sources, and the one place that waits.
pub struct Reactor<M> {
    poll: Poll,
    events: Events,
    slots: Slab<Readiness>,
    nothing: Readiness,
    ready: VecDeque<Slot>,
    mailbox: Mailbox<M>,
    mail: Receiver<M>,
}

impl<M> Reactor<M> {
    /// A reactor without sources.
    ///
    /// # Errors
    /// The system refuses an epoll descriptor.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, mail) = channel();
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS.0),
            slots: Slab::new(),
            nothing: Readiness::default(),
            ready: VecDeque::new(),
            mailbox: Mailbox { sender, waker },
            mail,
        })
    }

    /// Starts watching a source, both ways.
    ///
    /// # Errors
    /// `EPERM` for files and devices that epoll cannot watch (`epoll_ctl(2)`).
    pub fn register<S: Source + ?Sized>(&mut self, source: &mut S, interest: Interest) -> io::Result<Slot> {
        let entry = self.slots.vacant_entry();
        let slot = entry.key();
        self.poll.registry().register(source, Token(slot), interest)?;
        entry.insert(Readiness::default());
        Ok(slot)
    }

    /// Watches another source in place of one, both ways; the old one is closed after that.
    ///
    /// # Errors
    /// As for [`Reactor::register`].
    pub fn replace<S: Source + ?Sized, T: Source + ?Sized>(
        &mut self,
        slot: Slot,
        old: &mut S,
        new: &mut T,
        interest: Interest,
    ) -> io::Result<()> {
        let _ = self.poll.registry().deregister(old);
        self.poll.registry().register(new, Token(slot), interest)?;
        // A new socket accepts bytes before its first event.
        let readiness = self.readiness(slot);
        let Readiness { queued, accepts, gives_way, .. } = *readiness;
        *readiness = Readiness { writable: true, queued, accepts, gives_way, ..Readiness::default() };
        Ok(())
    }

    /// A slot for a source that needs no watching because it is always ready.
    pub fn register_always_ready(&mut self) -> Slot {
        self.slots.insert(Readiness { readable: true, writable: true, ..Readiness::default() })
    }

    /// Gives back a slot of [`Reactor::register_always_ready`], or of a source whose only descriptor is closed at
    /// once: the system stops watching it then (epoll(7), Q6).
    pub fn forget(&mut self, slot: Slot) {
        self.slots.try_remove(slot);
    }

    /// Stops watching a source that was registered with [`Reactor::register`] and goes on, or is not alone.
    pub fn deregister<S: Source + ?Sized>(&mut self, slot: Slot, source: &mut S) {
        let _ = self.poll.registry().deregister(source);
        self.slots.try_remove(slot);
    }

    /// What is known about a source. One that has been forgotten is ready for nothing.
    pub fn readiness(&mut self, slot: Slot) -> &mut Readiness {
        if let Some(readiness) = self.slots.get_mut(slot) {
            readiness
        } else {
            self.nothing = Readiness::default();
            &mut self.nothing
        }
    }

    /// Puts a slot on the ready list: it has work although no event will come for it.
    pub fn wake(&mut self, slot: Slot) {
        if let Some(readiness) = self.slots.get_mut(slot)
            && !readiness.queued
        {
            readiness.queued = true;
            self.ready.push_back(slot);
        }
    }

    /// The source at this slot accepts connections: an event of it goes ahead of what others have, see [`Reactor::happened`].
    pub fn set_accepts(&mut self, slot: Slot) {
        self.readiness(slot).accepts = true;
    }

    /// Puts a slot on the ready list because of an event. A source that accepts goes ahead of connections whose bytes wait, some of
    /// which may have come after its clients, but not ahead of streams that have ended, nor of anything else: who connects after an
    /// end, or after a line of stdin, finds it done.
    pub fn happened(&mut self, slot: Slot) {
        queue(&mut self.slots, &mut self.ready, slot);
    }

    /// Whether some source still has work.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many slots have work now: one round's worth.
    pub fn ready_len(&self) -> usize {
        self.ready.len()
    }

    /// The slot of a turn that follows: 0 is the next one.
    pub fn upcoming(&self, turn: usize) -> Option<Slot> {
        self.ready.get(turn).copied()
    }

    /// The next slot with work.
    pub fn next_ready(&mut self) -> Option<Slot> {
        let slot = self.ready.pop_front()?;
        if let Some(readiness) = self.slots.get_mut(slot) {
            readiness.queued = false;
        }
        Some(slot)
    }

    /// Waits until something happens or `deadline` has come, and notes what happened. Does not wait while
    /// slots are on the ready list.
    ///
    /// # Errors
    /// What `epoll_wait(2)` and `ppoll(2)` report, except `EINTR`.
    pub fn wait(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        loop {
            let left = if self.has_ready() {
                Some(Duration::ZERO)
            } else {
                deadline.map(|at| at.saturating_duration_since(Instant::now()))
            };
            match self.wait_for(left) {
                // Not there yet: what is left is shorter than the unit of the wait.
                Ok(()) if self.events.is_empty() && left.is_some_and(|left| left >= UNIT) => {}
                Ok(()) => break,
                // Once more, also when time is up meanwhile: no timer may run before what has happened is noted.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut count = 0;
        for event in &self.events {
            count += 1;
            let slot = event.token().0;
            let Some(readiness) = self.slots.get_mut(slot) else { continue };
            readiness.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
            readiness.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
            readiness.read_closed |= event.is_read_closed() || event.is_error();
            readiness.write_closed |= event.is_write_closed() || event.is_error();
            queue(&mut self.slots, &mut self.ready, slot);
        }
        if count == self.events.capacity() && count < EVENTS.1 {
            self.events = Events::with_capacity(EVENTS.1.min(count * 4));
        }
        Ok(())
    }

    /// Waits for an event at most so long: `epoll_wait(2)` in whole milliseconds, of which none is too many, and the rest by
    /// `ppoll(2)`, so that a timer is neither early nor up to a millisecond late.
    #[cfg(target_os = "linux")]
    fn wait_for(&mut self, left: Option<Duration>) -> io::Result<()> {
        let whole = left.map(|left| Duration::from_millis(left.as_millis() as u64));
        if let Some(rest) = left.filter(|left| !left.is_zero() && *left < UNIT) {
            let mut fds = [PollFd::new(self.poll.registry(), PollFlags::IN)];
            let rest = Timespec { tv_sec: 0, tv_nsec: rest.subsec_nanos().into() };
            if poll(&mut fds, Some(&rest))? == 0 {
                self.events.clear();
                return Ok(());
            }
        }
        self.poll.poll(&mut self.events, whole)
    }

    /// Waits for an event at most so long.
    #[cfg(not(target_os = "linux"))]
    fn wait_for(&mut self, left: Option<Duration>) -> io::Result<()> {
        self.poll.poll(&mut self.events, left)
    }

    /// A way in for other threads.
    pub fn mailbox(&self) -> Mailbox<M> {
        self.mailbox.clone()
    }

    /// The next message from another thread.
    pub fn next_mail(&mut self) -> Option<M> {
        self.mail.try_recv().ok()
    }
}

/// See [`Reactor::happened`].
fn queue(slots: &mut Slab<Readiness>, ready: &mut VecDeque<Slot>, slot: Slot) {
    let Some(readiness) = slots.get_mut(slot).filter(|readiness| !readiness.queued) else { return };
    readiness.queued = true;
    if !readiness.accepts {
        return ready.push_back(slot);
    }
    let stays = |slot: &Slot| slots.get(*slot).is_some_and(|known| known.read_closed || !known.gives_way);
    let place = ready.iter().rposition(stays).map_or(0, |last| last + 1);
    ready.insert(place, slot);
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    fn pair() -> (mio::net::UnixStream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (mio::net::UnixStream::from_std(ours), theirs)
    }

    #[test]
    fn a_short_budget_keeps_the_readable_bit() {
        use std::io::Read;
        let (mut ours, mut theirs) = pair();
        let mut reactor = Reactor::<()>::new().unwrap();
        let slot = reactor.register(&mut ours, Interest::READABLE).unwrap();
        theirs.write_all(&[7; 100]).unwrap();
        reactor.wait(None).unwrap();
        assert_eq!(reactor.next_ready(), Some(slot));
        let mut buffer = [0; 60];
        assert!(matches!(reactor.readiness(slot).read(&mut buffer, |b| ours.read(b)), Io::Moved(60)));
        assert!(reactor.readiness(slot).readable, "40 bytes are left and no event will tell");
        assert!(matches!(reactor.readiness(slot).read(&mut buffer, |b| ours.read(b)), Io::Moved(40)));
        assert!(!reactor.readiness(slot).readable);
    }

    #[test]
    fn an_end_that_came_with_the_data_is_not_missed() {
        use std::io::Read;
        let (mut ours, mut theirs) = pair();
        let mut reactor = Reactor::<()>::new().unwrap();
        let slot = reactor.register(&mut ours, Interest::READABLE).unwrap();
        theirs.write_all(b"last words").unwrap();
        drop(theirs);
        reactor.wait(None).unwrap();
        let mut buffer = [0; 64];
        assert!(matches!(reactor.readiness(slot).read(&mut buffer, |b| ours.read(b)), Io::Moved(10)));
        assert!(reactor.readiness(slot).readable, "the end came in the same event: read on");
        assert!(matches!(reactor.readiness(slot).read(&mut buffer, |b| ours.read(b)), Io::Ended));
    }

    #[test]
    fn a_slot_is_on_the_ready_list_once() {
        let (mut ours, _theirs) = pair();
        let mut reactor = Reactor::<()>::new().unwrap();
        let slot = reactor.register(&mut ours, Interest::READABLE).unwrap();
        reactor.wake(slot);
        reactor.wake(slot);
        assert_eq!(reactor.ready_len(), 1);
        reactor.deregister(slot, &mut ours);
        assert_eq!(reactor.next_ready(), Some(slot), "stale, and harmless");
        reactor.wake(slot);
        assert!(!reactor.has_ready());
    }

    #[test]
    fn who_connects_is_accepted_before_bytes_are_read_and_after_streams_that_have_ended() {
        let mut reactor = Reactor::<()>::new().unwrap();
        let [ended, talks, accepts, other, stdin] = [(); 5].map(|()| reactor.register_always_ready());
        reactor.set_accepts(accepts);
        for slot in [ended, talks, other] {
            reactor.readiness(slot).gives_way = true;
        }
        reactor.readiness(ended).read_closed = true;
        let mut order = |slots: &[Slot]| {
            for slot in slots {
                reactor.happened(*slot);
            }
            std::iter::from_fn(|| reactor.next_ready()).collect::<Vec<_>>()
        };
        assert_eq!(order(&[talks, other, accepts]), [accepts, talks, other]);
        assert_eq!(order(&[talks, ended, other, accepts, accepts]), [talks, ended, accepts, other]);
        assert_eq!(order(&[talks, stdin, other, accepts]), [talks, stdin, accepts, other]);
        assert_eq!(order(&[accepts, talks]), [accepts, talks]);
    }

    #[test]
    fn a_wait_ends_at_its_time_and_not_before() {
        let (mut ours, mut theirs) = pair();
        let mut reactor = Reactor::<()>::new().unwrap();
        let slot = reactor.register(&mut ours, Interest::READABLE).unwrap();
        for micros in [0, 1, 50, 700, 999, 1000, 1001, 2400] {
            let deadline = Instant::now() + Duration::from_micros(micros);
            reactor.wait(Some(deadline)).unwrap();
            assert!(Instant::now() >= deadline, "{micros}");
            assert!(!reactor.has_ready(), "{micros}");
        }
        for micros in [0, 900, 60_000_000] {
            theirs.write_all(b"x").unwrap();
            reactor.wait(Some(Instant::now() + Duration::from_micros(micros))).unwrap();
            assert_eq!(reactor.next_ready(), Some(slot), "{micros}");
        }
    }

    #[test]
    fn mail_wakes_the_loop() {
        let mut reactor = Reactor::new().unwrap();
        let mailbox = reactor.mailbox();
        let thread = thread::spawn(move || mailbox.post("hello"));
        let deadline = Instant::now() + Duration::from_secs(10);
        let mail = loop {
            reactor.wait(Some(deadline)).unwrap();
            if let Some(mail) = reactor.next_mail() {
                break mail;
            }
            assert!(Instant::now() < deadline, "no mail");
        };
        assert_eq!(mail, "hello");
        thread.join().unwrap();
    }
}
