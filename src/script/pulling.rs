//! Connections whose bytes a task asks for: what a script keeps with each connection, and how its events reach tasks.
//!
//! Owns the attachment of a connection's view: the map of the script, and for a connection of a task its inbox and who waits
//! at it. The calls that ask stand in `api::reading`.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::{Dynamic, Map};

use crate::config::Malformed;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::tasks::{TaskId, TaskState, Woken};
use crate::session::inbox::{Inbox, StreamEnd};
use crate::session::{ChosenForm, CloseReason, Command, ConnError, ConnView, ErrorKind, Operation};

/// What a script keeps with a connection.
#[derive(Debug, Default)]
pub(super) struct Attachment {
    state: OnceCell<Dynamic>,
    pull: OnceCell<Box<Pull>>,
    /// The time limit of a call that waits and says none.
    timeout: Cell<Option<Duration>>,
}

/// A connection that tasks wait for, and whose bytes may wait until one of them asks.
#[derive(Debug)]
pub(super) struct Pull {
    /// `None`: its bytes go to handlers.
    inbox: Option<RefCell<Inbox>>,
    /// The task that waits for bytes.
    reader: Cell<Option<TaskId>>,
    /// All tasks that wait for anything to happen to it, the reader included.
    waiters: RefCell<Vec<TaskId>>,
    /// Tasks that end with it.
    bound: RefCell<Vec<TaskId>>,
    /// Reading was stopped because too much is held.
    is_full: Cell<bool>,
    /// Bytes that the reader waits for, if they may be more than [`MARK`].
    needed: Cell<usize>,
    /// The task that has read last.
    last_reader: Cell<Option<TaskId>>,
    /// The script has stopped reading.
    is_paused: Cell<bool>,
    /// It was established.
    is_opened: Cell<bool>,
    /// Why it is over.
    closed: Cell<Option<CloseReason>>,
    trouble: RefCell<Option<ConnError>>,
    /// How frames are cut, as the script has chosen.
    framing: RefCell<Option<ChosenForm>>,
}

/// Held bytes above which nothing more is read.
const MARK: usize = 1 << 20;

/// The attachment of a connection, made at its first use.
pub(super) fn attachment(view: &ConnView) -> &Attachment {
    let kept = view.attachment_or(|| Box::<Attachment>::default());
    kept.downcast_ref().expect("the script alone attaches something")
}

/// What tasks know of a connection; `None` if none has asked.
pub(super) fn pull(view: &ConnView) -> Option<&Pull> {
    known(view)?.pull.get().map(|pull| &**pull)
}

/// The attachment of a connection, if it has one.
fn known(view: &ConnView) -> Option<&Attachment> {
    view.attachment()?.downcast_ref()
}

/// Clears the state of a closed connection: connections that hold each other there would never be freed.
pub(super) fn release(view: &ConnView) {
    let state = known(view).and_then(|kept| kept.state.get()).cloned();
    if let Some(mut state) = state
        && let Some(mut map) = state.write_lock::<Map>()
    {
        map.clear();
    }
}

/// Whether the bytes of a connection wait for tasks.
pub(super) fn takes_bytes(view: &ConnView) -> bool {
    pull(view).is_some_and(Pull::takes_bytes)
}

/// Whether a task waits for something of a connection.
pub(super) fn is_awaited(view: &ConnView) -> bool {
    pull(view).is_some_and(|pull| !pull.waiters.borrow().is_empty())
}

impl Attachment {
    /// The script's own map of this connection, made at its first use.
    pub(super) fn state(&self) -> Dynamic {
        self.state.get_or_init(|| Dynamic::from_map(Map::new()).into_shared()).clone()
    }

    /// Makes it a connection whose bytes wait for tasks.
    pub(super) fn make_pull(&self, malformed: Malformed, is_datagram: bool) -> &Pull {
        let inbox = || if is_datagram { Inbox::of_datagrams(malformed) } else { Inbox::new(malformed) };
        self.pull.get_or_init(|| Box::new(Pull::new(Some(RefCell::new(inbox())))))
    }

    /// A connection whose bytes go to handlers, for a task that waits for something else of it.
    pub(super) fn watch(&self) -> &Pull {
        self.pull.get_or_init(|| Box::new(Pull::new(None)))
    }

    /// The time limit of a call that waits and says none; `None`: it may wait for ever.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout.get()
    }

    /// Sets the time limit of calls that wait.
    pub(super) fn set_timeout(&self, limit: Option<Duration>) {
        self.timeout.set(limit);
    }
}

impl Pull {
    fn new(inbox: Option<RefCell<Inbox>>) -> Self {
        Self {
            inbox,
            reader: Cell::new(None),
            waiters: RefCell::default(),
            bound: RefCell::default(),
            is_full: Cell::new(false),
            needed: Cell::new(0),
            last_reader: Cell::new(None),
            is_paused: Cell::new(false),
            is_opened: Cell::new(false),
            closed: Cell::new(None),
            trouble: RefCell::default(),
            framing: RefCell::default(),
        }
    }

    /// Whether its bytes wait for tasks.
    pub(super) fn takes_bytes(&self) -> bool {
        self.inbox.is_some()
    }

    /// Works with the bytes that are there; `None` if they go to handlers. Goes on reading if that has made room.
    pub(super) fn with_inbox<R>(&self, host: &Host, view: &ConnView, work: impl FnOnce(&mut Inbox) -> R) -> Option<R> {
        let mut inbox = self.inbox.as_ref()?.borrow_mut();
        let result = work(&mut inbox);
        let held = inbox.held();
        view.info.set_kept(held);
        if self.is_full.get() && held <= MARK / 2 {
            self.is_full.set(false);
            self.go_on(host, view);
        }
        Some(result)
    }

    /// Asks for something that changes nothing of what is held.
    pub(super) fn ask_inbox<R>(&self, ask: impl FnOnce(&mut Inbox) -> R) -> Option<R> {
        self.inbox.as_ref().map(|inbox| ask(&mut inbox.borrow_mut()))
    }

    /// Takes a chunk that has arrived. Stops reading if too much is held.
    pub(super) fn arrived(&self, view: &ConnView, bytes: Vec<u8>, out: &mut Vec<Command>) {
        let Some(inbox) = &self.inbox else { return };
        let mut inbox = inbox.borrow_mut();
        inbox.push(bytes);
        let held = inbox.held();
        view.info.set_kept(held);
        if held > MARK.max(self.needed.get()) && !self.is_full.replace(true) {
            out.push(Command::Pause(view.id));
        }
    }

    /// The reader waits for so many bytes, which may be more than is held otherwise: goes on reading.
    pub(super) fn need(&self, host: &Host, view: &ConnView, bytes: usize) {
        self.needed.set(bytes);
        if bytes > 0 && self.is_full.replace(false) {
            self.go_on(host, view);
        }
    }

    /// The script stops reading.
    pub(super) fn pause(&self, host: &Host, view: &ConnView) {
        self.is_paused.set(true);
        host.push(Command::Pause(view.id));
    }

    /// The script goes on reading, unless too much is held.
    pub(super) fn resume(&self, host: &Host, view: &ConnView) {
        self.is_paused.set(false);
        self.go_on(host, view);
    }

    fn go_on(&self, host: &Host, view: &ConnView) {
        if !self.is_paused.get() && !self.is_full.get() {
            host.push(Command::Resume(view.id));
        }
    }

    /// Notes that the connection stands.
    pub(super) fn opened(&self) {
        self.is_opened.set(true);
    }

    /// Whether the connection stood at some time.
    pub(super) fn is_opened(&self) -> bool {
        self.is_opened.get()
    }

    /// The peer has ended its stream.
    pub(super) fn heard_end(&self) {
        self.finish(StreamEnd::Eof);
    }

    /// The connection has failed.
    pub(super) fn failed(&self, trouble: &ConnError) {
        self.finish(StreamEnd::Broken(trouble.clone()));
    }

    /// The connection is over.
    pub(super) fn closed(&self, view: &ConnView, reason: CloseReason) {
        self.closed.set(Some(reason));
        let Some(inbox) = &self.inbox else { return };
        // The first reason counts: what has broken was told before.
        inbox.borrow_mut().finish(match reason {
            _ if view.info.is_end_asked() => StreamEnd::Closed,
            // Toxics end a connection as the network would.
            CloseReason::Closed | CloseReason::Eof => StreamEnd::Eof,
            CloseReason::Reset => StreamEnd::Broken(ConnError {
                kind: ErrorKind::Reset,
                op: Operation::Read,
                message: "the connection was reset".to_owned(),
            }),
            CloseReason::Timeout | CloseReason::Error | CloseReason::Stop => StreamEnd::Closed,
        });
    }

    /// The connection will not stand.
    pub(super) fn given_up(&self) {
        self.closed.set(Some(CloseReason::Closed));
        self.finish(StreamEnd::Closed);
    }

    fn finish(&self, end: StreamEnd) {
        if let StreamEnd::Broken(trouble) = &end {
            self.trouble.replace(Some(trouble.clone()));
        }
        if let Some(inbox) = &self.inbox {
            inbox.borrow_mut().finish(end);
        }
    }

    /// The first error of the connection.
    pub(super) fn trouble(&self) -> Option<ConnError> {
        self.trouble.borrow().clone()
    }

    /// Why the connection is over.
    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.closed.get()
    }

    /// Whether the connection has failed: what was sent may not have arrived.
    pub(super) fn has_broken(&self) -> bool {
        self.trouble.borrow().is_some() || self.closed.get().is_some_and(CloseReason::is_fault)
    }

    /// The task that waits for bytes.
    pub(super) fn reader(&self) -> Option<TaskId> {
        self.reader.get()
    }

    /// Another task than this one that waits for bytes.
    pub(super) fn other_reader(&self, host: &Host, task: TaskId) -> Option<Rc<TaskState>> {
        let other = self.reader.get().filter(|other| *other != task)?;
        host.tasks().going_on(other).cloned()
    }

    /// Sets the task that waits for bytes.
    pub(super) fn set_reader(&self, task: TaskId) {
        self.reader.set(Some(task));
    }

    /// A task waits for bytes no more. One that was cancelled may have a successor already.
    pub(super) fn leave_reader(&self, task: TaskId) {
        if self.reader.get() == Some(task) {
            self.reader.set(None);
            self.needed.set(0);
        }
    }

    /// Notes that a task reads.
    pub(super) fn note_reader(&self, task: TaskId) {
        self.last_reader.set(Some(task));
    }

    /// A task waits for the end alone: what nobody reads must not hide it. What another task reads stays.
    pub(super) fn look_for_end(&self, host: &Host, view: &ConnView, task: TaskId) {
        let reader = self.last_reader.get().filter(|reader| *reader != task);
        let is_read = reader.is_some_and(|reader| host.tasks().going_on(reader).is_some());
        if self.is_full.get() && !is_read {
            self.with_inbox(host, view, |inbox| inbox.clean(view));
        }
    }

    /// Leaves the running task until anything happens to the connection, at most until this time.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(super) fn wait(&self, host: &Host, task: TaskId, until: Option<Instant>) -> Result<Woken, Fault> {
        self.waiters.borrow_mut().push(task);
        let woken = host.wait(task, until);
        self.remove_waiter(task);
        woken
    }

    /// The beginning of such a wait, for a call that is left and made again; [`Pull::woken`] is its end.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(super) fn begin_wait(&self, host: &Host, task: TaskId, until: Option<Instant>) -> Result<(), Fault> {
        host.begin_wait(task, until)?;
        self.waiters.borrow_mut().push(task);
        Ok(())
    }

    /// The end of a wait.
    ///
    /// # Errors
    /// As [`Host::wait`].
    pub(super) fn woken(&self, host: &Host, task: TaskId) -> Result<Woken, Fault> {
        self.remove_waiter(task);
        host.woken(task)
    }

    fn remove_waiter(&self, task: TaskId) {
        let mut waiters = self.waiters.borrow_mut();
        if let Some(at) = waiters.iter().position(|known| *known == task) {
            waiters.swap_remove(at);
        }
    }

    /// Wakes those that wait. Returns the first one, for its turn at once.
    pub(super) fn wake(&self, host: &Host) -> Option<TaskId> {
        let waiters = self.waiters.borrow();
        let (first, others) = waiters.split_first()?;
        for other in others {
            host.tasks().wake(*other);
        }
        Some(*first)
    }

    /// Sets how frames are cut.
    pub(super) fn set_framing(&self, framing: Option<ChosenForm>) {
        self.framing.replace(framing);
    }

    /// How frames are cut.
    pub(super) fn framing(&self) -> Option<ChosenForm> {
        self.framing.borrow().clone()
    }

    /// Adds a task that ends with the connection.
    pub(super) fn bind(&self, task: TaskId) {
        self.bound.borrow_mut().push(task);
    }

    /// The tasks that end with the connection.
    pub(super) fn take_bound(&self) -> Vec<TaskId> {
        self.bound.take()
    }
}
