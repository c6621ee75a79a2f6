//! `Observers`: the observers of one loop, and the form in which each gets bytes that move.
//!
//! Owns the list and the wall clock of a round. Notices come from the parts of the driver, through `Io`.

use std::cell::Cell;
use std::io::Write;
use std::time::{Instant, SystemTime};

use crate::error::Error;
use crate::exit::Exit;
use crate::output::events::Lines;
use crate::output::{Moment, Notice, Observer, Taps};
use crate::session::{ConnView, Direction, Side};
use crate::sys::unix::take_fd;

/// The observers of one loop.
pub(super) struct Observers {
    list: Vec<Box<dyn Observer>>,
    /// Lines of an observer that go to stdout.
    stdout: Option<Lines>,
    /// [`Notice::Exit`] was sent.
    ended: bool,
    reads_bytes: bool,
    counts_bytes: bool,
    holds_back: bool,
    /// The last one was added by [`Observers::switch`].
    has_switched: bool,
    /// The round that `wall` belongs to.
    round: Option<Instant>,
    wall: Cell<Option<SystemTime>>,
}

impl Observers {
    pub(super) fn new(list: Vec<Box<dyn Observer>>) -> Self {
        let wants = |is_wanted: fn(Taps) -> bool| list.iter().any(|observer| is_wanted(observer.wants()));
        Self {
            reads_bytes: wants(|taps| matches!(taps, Taps::Read(_))),
            counts_bytes: wants(|taps| taps == Taps::Counts),
            holds_back: list.iter().any(|observer| observer.holds_back()),
            list,
            stdout: None,
            has_switched: false,
            ended: false,
            round: None,
            wall: Cell::new(None),
        }
    }

    /// Adds an observer while the run goes on, or removes it. Returns whether it is there now.
    pub(super) fn switch(&mut self, make: impl FnOnce() -> Box<dyn Observer>) -> bool {
        let mut list = std::mem::take(&mut self.list);
        if self.has_switched {
            list.pop();
        } else {
            list.push(make());
        }
        let new = Self::new(list);
        (self.reads_bytes, self.counts_bytes, self.holds_back) = (new.reads_bytes, new.counts_bytes, new.holds_back);
        self.list = new.list;
        self.has_switched = !self.has_switched;
        self.has_switched
    }

    /// Sets the lines of an observer that go to stdout.
    pub(super) fn set_stdout(&mut self, lines: Lines) {
        self.stdout = Some(lines);
    }

    /// The lines that go to stdout, if an observer writes there.
    pub(super) fn stdout(&self) -> Option<Lines> {
        self.stdout.clone()
    }

    /// Whether an observer reads bytes, so that they have to pass through the process.
    pub(super) fn reads_bytes(&self) -> bool {
        self.reads_bytes
    }

    /// Whether an observer hears of bytes that move.
    pub(super) fn watch_bytes(&self) -> bool {
        self.reads_bytes || self.counts_bytes
    }

    /// The wall clock of a round.
    pub(super) fn wall(&mut self, now: Instant) -> SystemTime {
        moment(&mut self.round, &self.wall, now).wall()
    }

    /// Sends a notice to all observers. `now` is the time of the round.
    pub(super) fn notify(&mut self, now: Instant, notice: &Notice<'_>) {
        if notice.is_about_pipes() {
            return;
        }
        let at = moment(&mut self.round, &self.wall, now);
        for observer in &mut self.list {
            observer.notice(at, notice);
        }
    }

    /// Reports bytes that passed through the process, to each observer in the form it wants. Of a connection that
    /// speaks TLS these are the bytes within; so every tap gets the same. If nobody watches bytes, it need not be called.
    pub(super) fn bytes(&mut self, now: Instant, conn: &ConnView, direction: Direction, bytes: &[u8]) {
        if conn.info.side() == Side::Program {
            return;
        }
        let at = moment(&mut self.round, &self.wall, now);
        for observer in &mut self.list {
            match observer.wants() {
                Taps::None => {}
                Taps::Counts => observer.notice(at, &Notice::Moved { conn, direction, n: bytes.len() }),
                Taps::Read(tap) => observer.notice(at, &Notice::Bytes { conn, direction, tap, bytes }),
            }
        }
    }

    /// Reports that the kernel moved `n` bytes, to observers that count.
    pub(super) fn moved(&mut self, now: Instant, conn: &ConnView, direction: Direction, n: usize) {
        if !self.counts_bytes || conn.info.side() == Side::Program {
            return;
        }
        let at = moment(&mut self.round, &self.wall, now);
        for observer in self.list.iter_mut().filter(|observer| observer.wants() == Taps::Counts) {
            observer.notice(at, &Notice::Moved { conn, direction, n });
        }
    }

    /// Reports an error that ends the run before there is a loop. Returns the exit code.
    pub(super) fn end_with(&mut self, now: Instant, error: &Error) -> Exit {
        let exit = error.exit();
        self.notify(now, &Notice::Error { conn: None, error, handled: false });
        self.notify_exit(now, exit);
        // Faults of observers are dropped: this error decides the exit code.
        self.flush();
        if let Some(lines) = &self.stdout {
            let _ = take_fd(1).and_then(|mut stdout| stdout.write_all(&lines.take()));
        }
        exit
    }

    /// Sends [`Notice::Exit`], the last notice, once. Returns false if it was sent before.
    pub(super) fn notify_exit(&mut self, now: Instant, exit: Exit) -> bool {
        let is_first = !std::mem::replace(&mut self.ended, true);
        if is_first {
            self.notify(now, &Notice::Exit { code: exit.code() });
        }
        is_first
    }

    /// Whether [`Notice::Exit`] was sent.
    pub(super) fn know_exit(&self) -> bool {
        self.ended
    }

    /// Whether somebody holds back what it writes: [`Observers::flush`] is due once a round.
    pub(super) fn hold_back(&self) -> bool {
        self.holds_back
    }

    /// Flushes all observers. Returns the first fault.
    pub(super) fn flush(&mut self) -> Option<Error> {
        let mut fault = None;
        for observer in &mut self.list {
            observer.flush();
            fault = fault.or(observer.fault());
        }
        fault
    }
}

impl Default for Observers {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// The moment of a notice; the wall clock is read anew in each round.
fn moment<'a>(round: &mut Option<Instant>, wall: &'a Cell<Option<SystemTime>>, now: Instant) -> Moment<'a> {
    if round.replace(now) != Some(now) {
        wall.set(None);
    }
    Moment::new(now, wall)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;
    use crate::config::Text;
    use crate::output::Tap;
    use crate::session::Side;

    /// Records what it is notified of.
    struct Recorder {
        taps: Taps,
        heard: Rc<RefCell<Vec<String>>>,
        fault: Option<Error>,
    }

    impl Observer for Recorder {
        fn wants(&self) -> Taps {
            self.taps
        }

        fn notice(&mut self, at: Moment<'_>, notice: &Notice<'_>) {
            let mut heard = self.heard.borrow_mut();
            match notice {
                Notice::Bytes { tap, bytes, .. } => heard.push(format!("{tap:?} {}", bytes.len())),
                Notice::Moved { n, .. } => heard.push(format!("moved {n}")),
                Notice::Exit { code } => heard.push(format!("exit {code} {:?}", at.wall())),
                other => panic!("{other:?}"),
            }
        }

        fn holds_back(&self) -> bool {
            true
        }

        fn fault(&mut self) -> Option<Error> {
            self.fault.take()
        }
    }

    fn observers(all: &[Taps]) -> (Observers, Vec<Rc<RefCell<Vec<String>>>>) {
        let heard: Vec<Rc<RefCell<Vec<String>>>> = all.iter().map(|_| Rc::default()).collect();
        let list = all.iter().zip(&heard).enumerate().map(|(number, (&taps, heard))| {
            let fault = Some(Error::usage(number.to_string()));
            Box::new(Recorder { taps, heard: Rc::clone(heard), fault }) as Box<dyn Observer>
        });
        (Observers::new(list.collect()), heard)
    }

    #[test]
    fn each_observer_gets_bytes_in_the_form_it_wants() {
        let now = Instant::now();
        let address: std::net::SocketAddr = "127.0.0.1:1".parse().unwrap();
        let conn = ConnView::new(1, address, address, Side::Client, &Text::default(), now);
        let all = [Taps::None, Taps::Counts, Taps::Read(Tap::Wire), Taps::Read(Tap::Plain)];
        let (mut observers, heard) = observers(&all);
        observers.bytes(now, &conn, Direction::In, b"abc");
        observers.moved(now, &conn, Direction::In, 5);
        let heard: Vec<_> = heard.iter().map(|heard| heard.borrow().join(", ")).collect();
        assert_eq!(heard, ["", "moved 3, moved 5", "Wire 3", "Plain 3"]);
    }

    #[test]
    fn only_an_observer_that_reads_bytes_turns_kernel_moves_off() {
        for (taps, reads) in [(Taps::None, false), (Taps::Counts, false), (Taps::Read(Tap::Plain), true)] {
            assert_eq!(observers(&[Taps::None, taps]).0.reads_bytes(), reads, "{taps:?}");
        }
    }

    #[test]
    fn a_round_has_one_wall_clock_for_all() {
        let (mut observers, heard) = observers(&[Taps::None, Taps::None]);
        let now = Instant::now();
        observers.notify(now, &Notice::Exit { code: 0 });
        observers.notify(now, &Notice::Exit { code: 0 });
        let first = heard[0].borrow().clone();
        assert_eq!(first[0], first[1]);
        assert_eq!(*heard[1].borrow(), first);
        let wall = observers.wall.get();
        observers.notify(now + Duration::from_secs(1), &Notice::Exit { code: 0 });
        assert!(wall.is_some() && observers.wall.get() != wall, "read again in the next round");
    }

    #[test]
    fn the_first_fault_counts() {
        let (mut observers, _) = observers(&[Taps::None, Taps::None]);
        assert_eq!(observers.flush(), Some(Error::usage("0")));
        assert_eq!(observers.flush(), None);
    }
}
