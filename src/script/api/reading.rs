//! Reading in a task: the calls that wait for received bytes.
//!
//! Owns the calls that take what is received in some form; the inbox of the connection cuts and decodes. A call that fails takes
//! nothing: what had arrived stays for the next one.

mod calls;
mod expecting;
mod units;

pub(in crate::script) use calls::{AGAIN, ASKING, Asking, Call, WAITING};
pub(in crate::script) use units::{KINDS, Units};

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use encoding_rs::UTF_8;
use rhai::{Blob, Dynamic, Engine, EvalAltResult, INT, NativeCallContext, Position};

use super::conn::Conn;
use super::waits;
use super::{Outcome, failure, framing};
use crate::codec::escape::{show_bytes, show_line};
use crate::codec::framing::{Framing, MAX_FRAME};
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::pulling::{self, Pull, attachment};
use crate::script::tasks::{Parking, Patience, TaskId, Woken};
use crate::script::trouble::{self, Kind, Trouble, about};
use crate::session::inbox::{Inbox, LINES, StreamEnd, Wanted};
use crate::session::{ChosenForm, ConnError, ConnView, Event};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_bytes(engine, host);
    register_text(engine, host);
    expecting::register(engine, host);
    units::register(engine, host);
}

// ---- the calls --------------------------------------------------------------------------------------------

fn register_bytes(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("read", move |conn: Conn| read(&of, &conn).map(Option::unwrap_or_default));
    let of = Rc::clone(host);
    engine.register_fn("read", move |conn: Conn, n: INT| exactly(&of, &conn, n, None));
    let of = Rc::clone(host);
    engine.register_fn("read", move |conn: Conn, n: INT, ms: INT| exactly(&of, &conn, n, Some(ms)));
    let of = Rc::clone(host);
    engine.register_fn("peek", move |conn: Conn, n: INT| peek(&of, &conn, n, None));
    let of = Rc::clone(host);
    engine.register_fn("peek", move |conn: Conn, n: INT, ms: INT| peek(&of, &conn, n, Some(ms)));
    waits::register(engine, host, "read_all", read_all);
    let of = Rc::clone(host);
    engine.register_fn("clean", move |conn: Conn| -> Outcome<Blob> {
        let view = conn.view();
        let pull = pull_of(&conn, "clean")?;
        Ok(pull.with_inbox(&of, view, |inbox| inbox.clean(view)).unwrap_or_default())
    });
}

fn register_text(engine: &mut Engine, host: &Rc<Host>) {
    waits::register(engine, host, "read_line", read_line);
    waits::register(engine, host, "read_text", read_text);
    waits::register(engine, host, "read_frame", read_frame);
    let of = Rc::clone(host);
    engine.register_fn("read_until", move |context: NativeCallContext<'_>, conn: Conn, end: Dynamic| {
        read_until(&context, &of, &conn, &end, None)
    });
    let of = Rc::clone(host);
    engine.register_fn("read_until", move |context: NativeCallContext<'_>, conn: Conn, end: Dynamic, ms: INT| {
        read_until(&context, &of, &conn, &end, Some(ms))
    });
}

/// The usual case with little on the stack while it waits. `None`: it was left.
fn read(host: &Host, conn: &Conn) -> Outcome<Option<Blob>> {
    let mut parking = host.parking().take();
    match at_once(host, conn, &mut parking, 0, Inbox::take_chunk)? {
        AtOnce::Chunk(chunk) => Ok(Some(chunk)),
        AtOnce::Left => Ok(None),
        AtOnce::Else(begun) => {
            host.parking().set(parking);
            patiently(host, conn, begun).map(Some)
        }
    }
}

/// The same of `n` bytes.
fn read_exactly(host: &Host, conn: &Conn, n: INT) -> Outcome<Option<Blob>> {
    let n = size("read", conn, n)?;
    let mut parking = host.parking().take();
    match at_once(host, conn, &mut parking, n, |inbox, view| inbox.take(view, n))? {
        AtOnce::Chunk(chunk) => Ok(Some(chunk)),
        AtOnce::Left => Ok(None),
        AtOnce::Else(begun) => {
            host.parking().set(parking);
            exactly_patiently(host, conn, n, None, begun).map(Some)
        }
    }
}

/// What the usual [`read`] comes to.
enum AtOnce {
    Chunk(Blob),
    Left,
    /// One has to look more closely, with what is left of its time if it has waited.
    Else(Option<Patience>),
}

/// `take` takes what there is, if it is enough; `needed` bytes may have to be held for it.
#[inline]
fn at_once(
    host: &Host,
    conn: &Conn,
    parking: &mut Parking,
    needed: usize,
    take: impl Fn(&mut Inbox, &ConnView) -> Option<Blob>,
) -> Outcome<AtOnce> {
    let view = conn.view();
    let (Some(task), Some(pull)) = (host.current_task(), pulling::pull(view)) else { return Ok(AtOnce::Else(None)) };
    let is_again = *parking == Parking::Again;
    let mut begun = None;
    if is_again {
        *parking = Parking::First;
        begun = Some(host.patience().take());
        pull.leave_reader(task);
        pull.woken(host, task)?;
    } else if pull.reader().is_some() {
        return Ok(AtOnce::Else(None));
    }
    pull.note_reader(task);
    let chunk = pull.with_inbox(host, view, |inbox| take(inbox, view)).flatten();
    if let Some(chunk) = chunk {
        if !is_again {
            host.pass_turn(task)?;
        }
        return Ok(AtOnce::Chunk(chunk));
    }
    let may_come = pull.ask_inbox(|inbox| inbox.end().is_none() && inbox.silence().is_none()) == Some(true);
    if is_again || !may_come {
        return Ok(AtOnce::Else(begun));
    }
    let limit = attachment(view).timeout();
    let patience = Patience { limit, until: host.deadline_in(limit), quiet: None };
    if *parking == Parking::First {
        pull.begin_wait(host, task, patience.until)?;
        pull.set_reader(task);
        pull.need(host, view, needed);
        host.leave(patience);
        return Ok(AtOnce::Left);
    }
    pull.set_reader(task);
    pull.need(host, view, needed);
    let woken = pull.wait(host, task, patience.until);
    pull.leave_reader(task);
    woken?;
    let chunk = pull.with_inbox(host, view, |inbox| take(inbox, view)).flatten();
    Ok(chunk.map_or(AtOnce::Else(Some(patience)), AtOnce::Chunk))
}

/// Any [`read`]. `begun`: how far one has come that has waited.
#[inline(never)]
fn patiently(host: &Host, conn: &Conn, begun: Option<Patience>) -> Outcome<Blob> {
    let reading = Reading::new(host, conn, "read", "data", None)?;
    Reading { begun, ..reading }.run(|inbox, view, _| Ok(inbox.take_chunk(view)))
}

fn exactly(host: &Host, conn: &Conn, n: INT, ms: Option<INT>) -> Outcome<Blob> {
    exactly_patiently(host, conn, size("read", conn, n)?, ms, None)
}

/// Any [`read_exactly`].
#[inline(never)]
fn exactly_patiently(host: &Host, conn: &Conn, n: usize, ms: Option<INT>, begun: Option<Patience>) -> Outcome<Blob> {
    let reading = Reading::new(host, conn, "read", What::Bytes(n), ms)?.needing(n);
    Reading { begun, ..reading }.run(|inbox, view, _| Ok(inbox.take(view, n)))
}

fn peek(host: &Host, conn: &Conn, n: INT, ms: Option<INT>) -> Outcome<Blob> {
    let n = size("peek", conn, n)?;
    Reading::new(host, conn, "peek", What::Bytes(n), ms)?
        .needing(n)
        .run(|inbox, view, _| Ok(inbox.peek(view, n).get(..n).map(<[u8]>::to_vec)))
}

fn read_all(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<Blob> {
    let reading = Reading::new(host, conn, "read_all", "the end", ms)?.needing(LARGEST);
    reading.run(|inbox, view, _| match inbox.end() {
        Some(StreamEnd::Eof) => Ok(Some(inbox.clean(view))),
        _ if inbox.held() > LARGEST => Err(Failing::Frame(format!("more than {} MiB came", LARGEST >> 20))),
        _ => Ok(None),
    })
}

fn read_line(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<Dynamic> {
    Reading::new(host, conn, "read_line", "a line", ms)?.of_text().unit(&LINES)
}

fn read_text(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<Dynamic> {
    Reading::new(host, conn, "read_text", "text", ms)?.of_text().unit_or_rest(&Wanted::Text)
}

fn read_frame(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<Dynamic> {
    let wanted = framing_of(host, conn, "read_frame")?;
    Reading::new(host, conn, "read_frame", "a frame", ms)?.unit(&wanted)
}

fn read_until(
    context: &NativeCallContext<'_>,
    host: &Host,
    conn: &Conn,
    end: &Dynamic,
    ms: Option<INT>,
) -> Outcome<Dynamic> {
    let framing = framing::delimiter_of(context, host, "read_until", conn, end, MAX_FRAME);
    let framing = framing.map_err(|fault| about(fault, "read_until", conn))?;
    if let Framing::Text { text, .. } = &framing {
        let (text, what) = (text.clone(), format!("{:?}", show_line(text)));
        let wanted = Wanted::Unit(ChosenForm::DelimitedText(framing));
        let got = Reading::new(host, conn, "read_until", what, ms)?.of_text().unit(&wanted)?;
        return Ok(format!("{got}{text}").into());
    }
    let bytes: Blob = end.clone().into_blob().unwrap_or_default();
    let wanted = Wanted::Unit(ChosenForm::Frames(framing));
    let frame = Reading::new(host, conn, "read_until", show_bytes(&bytes), ms)?.unit(&wanted)?;
    Ok(Dynamic::from_blob([frame.into_blob().unwrap_or_default(), bytes].concat()))
}

// ---- how a call waits -------------------------------------------------------------------------------------

/// One call that waits for received bytes.
pub(super) struct Reading<'a> {
    host: &'a Host,
    conn: &'a Conn,
    pull: &'a Pull,
    task: TaskId,
    op: &'static str,
    what: What,
    limit: Option<Duration>,
    /// Bytes that may have to be held for it.
    needed: usize,
    is_text: bool,
    parking: Parking,
    /// It has waited before.
    begun: Option<Patience>,
}

/// What a call waits for, in messages.
pub(super) enum What {
    Words(Cow<'static, str>),
    /// So many bytes.
    Bytes(usize),
}

impl From<&'static str> for What {
    fn from(words: &'static str) -> Self {
        Self::Words(words.into())
    }
}

impl From<String> for What {
    fn from(words: String) -> Self {
        Self::Words(words.into())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Bytes(1) => f.write_str("1 byte"),
            Self::Bytes(n) => write!(f, "{n} bytes"),
        }
    }
}

/// What a call lacks that has found nothing.
enum Lacking {
    /// The length of a frame that begins with these bytes.
    Length(Vec<u8>),
    /// Nothing more will come.
    Everything,
    /// More bytes; so long nothing may come until what is there has to do.
    More(Option<Duration>),
}

/// Why a call cannot go on.
enum Failing {
    /// The session says so; the stream makes no sense from here on.
    Trouble(ConnError),
    /// A unit over its limit.
    Frame(String),
    /// Something else came than what was expected.
    Else(String),
}

impl From<ConnError> for Failing {
    fn from(trouble: ConnError) -> Self {
        Self::Trouble(trouble)
    }
}

/// What looks at the inbox. The flag: nothing has come for a while, what is there has to do.
type Look<'a, T> = dyn FnMut(&mut Inbox, &ConnView, bool) -> Result<Option<T>, Failing> + 'a;

impl<'a> Reading<'a> {
    pub(super) fn new(
        host: &'a Host,
        conn: &'a Conn,
        op: &'static str,
        what: impl Into<What>,
        ms: Option<INT>,
    ) -> Outcome<Self> {
        let parking = host.parking().take();
        let task = host.task_for(op)?;
        let pull = pull_of(conn, op)?;
        if let Some(other) = pull.other_reader(host, task) {
            if parking == Parking::Again {
                // It was left, and is to end: only then can it have a successor.
                pull.woken(host, task)?;
            }
            let message =
                format!("{} is already being read by the task started at {}", conn.view().name(), other.place());
            return Err(Trouble::new(Kind::Io, op, message).on(conn).thrown());
        }
        pull.note_reader(task);
        let limit = waits::limit_on(conn, op, ms).map_err(|fault| about(fault, op, conn))?;
        let what = what.into();
        Ok(Self { host, conn, pull, task, op, what, limit, needed: 0, is_text: false, parking, begun: None })
    }

    /// So many bytes may have to be held for it.
    fn needing(self, needed: usize) -> Self {
        Self { needed, ..self }
    }

    /// What had arrived is shown as text.
    fn of_text(self) -> Self {
        Self { is_text: true, ..self }
    }

    /// The next whole unit.
    fn unit(self, wanted: &Wanted) -> Outcome<Dynamic> {
        self.run(|inbox, view, is_silent| next(inbox, view, wanted, is_silent))
    }

    /// The same; at the end of the stream what is left of it.
    fn unit_or_rest(self, wanted: &Wanted) -> Outcome<Dynamic> {
        self.run(|inbox, view, is_silent| match next(inbox, view, wanted, is_silent)? {
            None if inbox.end().is_some() => Ok(inbox.last(view, wanted)?.and_then(value)),
            found => Ok(found),
        })
    }

    /// It may wait for ever.
    pub(super) fn without_limit(self) -> Self {
        Self { limit: None, ..self }
    }

    /// The next chunk, text or whole unit; `None` once the stream has ended in order.
    pub(super) fn piece_to_end(self, wanted: &Wanted) -> Outcome<Option<Dynamic>> {
        if *wanted == Wanted::Bytes {
            return self.run_to_end(|inbox, view, _| Ok(inbox.take_chunk(view).map(Dynamic::from_blob)));
        }
        let is_text = match wanted {
            Wanted::Bytes | Wanted::Measured => false,
            Wanted::Text => true,
            Wanted::Unit(form) => matches!(form, ChosenForm::Lines { .. } | ChosenForm::DelimitedText(_)),
        };
        Self { is_text, ..self }.unit_to_end(wanted)
    }

    /// The same; `None` once the stream has ended in order.
    fn unit_to_end(self, wanted: &Wanted) -> Outcome<Option<Dynamic>> {
        self.run_to_end(|inbox, view, is_silent| match next(inbox, view, wanted, is_silent)? {
            None if inbox.end() == Some(&StreamEnd::Eof) => Ok(inbox.last(view, wanted)?.and_then(value)),
            found => Ok(found),
        })
    }

    /// Looks again and again until something is there; `None` once the stream has ended in order.
    fn run_to_end<T>(
        self,
        mut look: impl FnMut(&mut Inbox, &ConnView, bool) -> Result<Option<T>, Failing>,
    ) -> Outcome<Option<T>> {
        self.run(|inbox, view, is_silent| match look(inbox, view, is_silent)? {
            None if matches!(inbox.end(), Some(StreamEnd::Eof | StreamEnd::Closed)) => Ok(Some(None)),
            None => Ok(None),
            found => Ok(Some(found)),
        })
    }

    /// Looks again and again until something is there.
    fn run<T>(self, mut look: impl FnMut(&mut Inbox, &ConnView, bool) -> Result<Option<T>, Failing>) -> Outcome<T> {
        self.run_with(&mut look)
    }

    fn run_with<T>(mut self, look: &mut Look<'_, T>) -> Outcome<T> {
        let (host, view) = (self.host, self.conn.view());
        let mut until = None;
        let mut is_silent = false;
        let mut is_late = false;
        let mut has_waited = self.parking == Parking::Again;
        if has_waited {
            let patience = host.patience().take();
            (self.limit, until) = (patience.limit, patience.until);
            self.end_wait();
            let woken = self.pull.woken(host, self.task)?;
            (is_late, is_silent) = passed(host, woken, until, patience.quiet);
        } else if let Some(begun) = self.begun {
            (self.limit, until, has_waited) = (begun.limit, begun.until, true);
            (is_late, is_silent) = passed(host, Woken::TimedOut, until, begun.quiet);
        }
        loop {
            match self.pull.with_inbox(host, view, |inbox| look(inbox, view, is_silent)) {
                Some(Ok(Some(found))) => {
                    if !has_waited {
                        host.pass_turn(self.task)?;
                    }
                    return Ok(found);
                }
                Some(Ok(None)) => {}
                Some(Err(failing)) => return Err(self.failed(failing)),
                None => return Err(self.foreign()),
            }
            let lacking = self.pull.ask_inbox(|inbox| match inbox.take_unmeasured() {
                Some(bytes) => Lacking::Length(bytes),
                None if inbox.end().is_some() => Lacking::Everything,
                None => Lacking::More(inbox.silence()),
            });
            let silence = match lacking {
                Some(Lacking::More(silence)) if !is_late => silence,
                Some(Lacking::Length(bytes)) => {
                    self.measure(bytes)?;
                    continue;
                }
                lacking => return Err(self.in_vain(matches!(lacking, Some(Lacking::Everything)))),
            };
            if !std::mem::replace(&mut has_waited, true) {
                until = host.deadline_in(self.limit);
            }
            // The time at which what is held has to do without more, because nothing comes.
            let quiet = silence.map(|silence| view.info.last_received() + silence).filter(|_| !is_silent);
            let first = quiet.into_iter().chain(until).min();
            if self.parking != Parking::Never {
                self.pull.begin_wait(host, self.task, first)?;
                self.begin_wait();
                host.leave(Patience { limit: self.limit, until, quiet });
                return Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into());
            }
            self.begin_wait();
            let woken = self.pull.wait(host, self.task, first);
            self.end_wait();
            (is_late, is_silent) = passed(host, woken?, until, quiet);
        }
    }

    fn begin_wait(&self) {
        self.pull.set_reader(self.task);
        self.pull.need(self.host, self.conn.view(), self.needed);
    }

    fn end_wait(&self) {
        self.pull.leave_reader(self.task);
    }

    /// Has a frame measured that begins with these bytes.
    fn measure(&self, bytes: Vec<u8>) -> Outcome<()> {
        let length = self.host.measure(self.conn, bytes)?;
        self.pull.with_inbox(self.host, self.conn.view(), |inbox| inbox.set_length(length));
        Ok(())
    }

    /// Nothing is there, and nothing more will come, or not in time.
    #[cold]
    fn in_vain(&self, has_ended: bool) -> Fault {
        let end = self.pull.with_inbox(self.host, self.conn.view(), |inbox| inbox.end().cloned()).flatten();
        if let Some(end) = end.filter(|_| has_ended) {
            let (kind, words) = trouble::of_end(&end);
            return self.thrown(kind, &format!("{words} while waiting for {}", self.what));
        }
        self.with_got(Trouble::late(self.op, self.limit, &self.what.to_string()))
    }

    #[cold]
    fn foreign(&self) -> Fault {
        not_of_tasks(self.conn, self.op)
    }

    #[cold]
    fn failed(&self, failing: Failing) -> Fault {
        let (kind, message) = match failing {
            Failing::Else(message) => return self.thrown(Kind::Expect, &message),
            Failing::Trouble(trouble) => (trouble.kind.into(), trouble.message),
            Failing::Frame(message) => (Kind::Frame, message),
        };
        let fault = self.thrown(kind, &message);
        self.host.extend(self.conn.view().request_reset());
        fault
    }

    fn thrown(&self, kind: Kind, words: &str) -> Fault {
        self.with_got(Trouble::new(kind, self.op, words))
    }

    /// The error, with a copy of what had arrived.
    fn with_got(&self, trouble: Trouble) -> Fault {
        let view = self.conn.view();
        let got = self.pull.with_inbox(self.host, view, |inbox| inbox.peek(view, 0).to_vec()).unwrap_or_default();
        let shown = match got.len() {
            0 => "got nothing".to_owned(),
            1 => format!("got 1 byte: {}", excerpt(view, &got)),
            n => format!("got {n} bytes: {}", excerpt(view, &got)),
        };
        let got = if self.is_text { decoded(view, &got).into() } else { Dynamic::from_blob(got) };
        let message = format!("{}; {shown}", trouble.message);
        Trouble { message, got, ..trouble }.on(self.conn).thrown()
    }
}

/// Which of two times has passed.
fn passed(host: &Host, woken: Woken, until: Option<Instant>, quiet: Option<Instant>) -> (bool, bool) {
    if woken != Woken::TimedOut {
        return (false, false);
    }
    let now = host.now();
    let has_passed = |time: Option<Instant>| time.is_some_and(|time| time <= now);
    (has_passed(until), has_passed(quiet))
}

/// The next unit as a value.
fn next(inbox: &mut Inbox, view: &ConnView, wanted: &Wanted, is_silent: bool) -> Result<Option<Dynamic>, Failing> {
    let event = if is_silent { inbox.decide(view)? } else { inbox.next(view, wanted)? };
    Ok(event.and_then(value))
}

fn value(event: Event) -> Option<Dynamic> {
    match event {
        Event::Text(text) | Event::Line(text) => Some(text.into()),
        Event::Data(bytes) | Event::Frame(bytes) => Some(Dynamic::from_blob(bytes)),
        _ => None,
    }
}

/// The last bytes that arrived, for a message.
fn excerpt(view: &ConnView, bytes: &[u8]) -> String {
    let cut = bytes.len().saturating_sub(SHOWN);
    let head = if cut > 0 { "…" } else { "" };
    let text = decoded(view, &bytes[cut..]);
    if text.contains('\u{fffd}') { format!("{head}{}", show_bytes(&bytes[cut..])) } else { format!("{head}{text:?}") }
}

/// Maximum received bytes in a message.
const SHOWN: usize = 80;

fn decoded(view: &ConnView, bytes: &[u8]) -> String {
    view.text.recv_encoding().unwrap_or(UTF_8).decode_without_bom_handling(bytes).0.into_owned()
}

/// The framing that the script has chosen for a connection.
fn framing_of(host: &Host, conn: &Conn, call: &str) -> Outcome<Wanted> {
    match pull_of(conn, call)?.framing() {
        Some(form) if form != ChosenForm::Data => Ok(Wanted::Unit(form)),
        _ if host.measures() => Ok(Wanted::Measured),
        _ => {
            let message = format!(
                "{call}: no framing is chosen; call conn.frame_lines(), frame_delim, frame_fixed or frame_length before"
            );
            Err(about(failure(message), call, conn))
        }
    }
}

fn pull_of<'a>(conn: &'a Conn, call: &str) -> Outcome<&'a Pull> {
    pulling::pull(conn.view()).filter(|pull| pull.takes_bytes()).ok_or_else(|| not_of_tasks(conn, call))
}

fn not_of_tasks(conn: &Conn, call: &str) -> Fault {
    let message = format!("{call}: what {} receives goes to its handlers, not to a task", conn.view().name());
    about(failure(message), call, conn)
}

fn size(call: &str, conn: &Conn, n: INT) -> Outcome<usize> {
    let fits = usize::try_from(n).ok().filter(|n| *n <= LARGEST);
    fits.ok_or_else(|| about(failure(format!("{call} takes 0 to {LARGEST} bytes, not {n}")), call, conn))
}

/// Maximum bytes of one result: the maximum length of a blob.
const LARGEST: usize = 4 << 20;
