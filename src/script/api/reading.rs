//! Reading in a task: the calls that wait for received bytes.
//!
//! Owns the calls that take what is received in some form; the inbox of the connection cuts and decodes. A call that fails takes
//! nothing: what had arrived stays for the next one.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::{Duration, Instant};

use encoding_rs::UTF_8;
use rhai::{Array, Blob, Dynamic, Engine, INT, Map, NativeCallContext};

use super::conn::Conn;
use super::waits::{self, UntilEnd};
use super::{Outcome, failure, framing};
use crate::codec::escape::{show_bytes, show_line};
use crate::codec::framing::{Framing, MAX_FRAME};
use crate::script::engine::Fault;
use crate::script::expecting::AnySearch;
use crate::script::host::Host;
use crate::script::pulling::{self, Pull};
use crate::script::tasks::{TaskId, Woken};
use crate::script::trouble::{self, Kind, Trouble, about};
use crate::session::inbox::{Inbox, LINES, StreamEnd, Wanted};
use crate::session::{ChosenForm, ConnError, ConnView, Event};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_bytes(engine, host);
    register_text(engine, host);
    register_expect(engine, host);
    register_iterators(engine, host);
}

// ---- the calls --------------------------------------------------------------------------------------------

fn register_bytes(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("read", move |conn: Conn| read(&of, &conn));
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

fn register_expect(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("expect", move |context: NativeCallContext<'_>, conn: Conn, what: Dynamic| {
        expect(&context, &of, &conn, &what, None)
    });
    let of = Rc::clone(host);
    engine.register_fn("expect", move |context: NativeCallContext<'_>, conn: Conn, what: Dynamic, ms: INT| {
        expect(&context, &of, &conn, &what, Some(ms))
    });
    waits::register(engine, host, "expect_eof", expect_eof);
    waits::register(engine, host, "expect_reset", expect_reset);
    let of = Rc::clone(host);
    engine.register_fn("expect_silence", move |conn: Conn, ms: INT| {
        expect_silence(&of, &conn, ms).map_err(|fault| about(fault, "expect_silence", &conn))
    });
}

/// A call without arguments.
pub(in crate::script) type Call = fn(&Host, &Conn) -> Outcome<Dynamic>;

/// The calls without arguments that scripts make most.
pub(in crate::script) const WAITING: [(&str, Call); 5] = [
    ("read", |host, conn| read(host, conn).map(Dynamic::from_blob)),
    ("read_line", |host, conn| read_line(host, conn, None)),
    ("read_text", |host, conn| read_text(host, conn, None)),
    ("read_frame", |host, conn| read_frame(host, conn, None)),
    ("read_all", |host, conn| read_all(host, conn, None).map(Dynamic::from_blob)),
];

fn read(host: &Host, conn: &Conn) -> Outcome<Blob> {
    Reading::new(host, conn, "read", "data", None)?.run(|inbox, view, _| Ok(inbox.take_chunk(view)))
}

fn exactly(host: &Host, conn: &Conn, n: INT, ms: Option<INT>) -> Outcome<Blob> {
    let n = size("read", conn, n)?;
    let plural = if n == 1 { "" } else { "s" };
    Reading::new(host, conn, "read", format!("{n} byte{plural}"), ms)?
        .needing(n)
        .run(|inbox, view, _| Ok(inbox.take(view, n)))
}

fn peek(host: &Host, conn: &Conn, n: INT, ms: Option<INT>) -> Outcome<Blob> {
    let n = size("peek", conn, n)?;
    let plural = if n == 1 { "" } else { "s" };
    Reading::new(host, conn, "peek", format!("{n} byte{plural}"), ms)?
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

fn expect(context: &NativeCallContext<'_>, host: &Host, conn: &Conn, what: &Dynamic, ms: Option<INT>) -> Outcome<Map> {
    let several = what.read_lock::<Array>().map(|patterns| patterns.clone());
    let patterns = several.unwrap_or_else(|| vec![what.clone()]);
    if patterns.is_empty() {
        return Err(about(failure("expect([]): there is nothing to wait for"), "expect", conn));
    }
    let words: Vec<_> = patterns.iter().map(|pattern| shown(context, pattern)).collect();
    let patterns: Outcome<Vec<_>> = patterns.iter().map(|what| super::expect::pattern(context, what)).collect();
    let search = AnySearch::new(patterns.map_err(|fault| about(fault, "expect", conn))?);
    let wanted = Wanted::Unit(ChosenForm::Searched(Rc::clone(&search) as Rc<_>));
    let reading = Reading::new(host, conn, "expect", words.join(" or "), ms)?;
    let reading = if search.is_text() { reading.of_text() } else { reading };
    reading.run(|inbox, view, is_silent| {
        let event = if is_silent { inbox.decide(view)? } else { inbox.next(view, &wanted)? };
        let Some((index, found)) = event.and_then(|_| search.take_found()) else { return Ok(None) };
        inbox.skip(view, found.end);
        let mut map = Map::new();
        map.insert("index".into(), Dynamic::from_int(index as INT));
        super::expect::put_match(&mut map, found);
        Ok(Some(map))
    })
}

/// A pattern in messages.
fn shown(context: &NativeCallContext<'_>, pattern: &Dynamic) -> String {
    if let Some(bytes) = pattern.read_lock::<Blob>() {
        return show_bytes(&bytes);
    }
    if pattern.is_string() {
        return format!("{:?}", show_line(&pattern.clone().into_string().unwrap_or_default()));
    }
    let text = super::display(context, pattern.clone()).unwrap_or_default();
    show_line(&text).into_owned()
}

fn expect_eof(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<()> {
    let reading = Reading::new(host, conn, "expect_eof", "the end", ms)?;
    reading.run(|inbox, _, _| match inbox.end() {
        _ if inbox.held() > 0 => Err(Failing::Else("data came instead of the end".into())),
        None => Ok(None),
        Some(StreamEnd::Eof) => Ok(Some(())),
        Some(end) => Err(Failing::Else(format!("{} instead of the end", trouble::of_end(end).1))),
    })
}

fn expect_reset(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<()> {
    let reading = Reading::new(host, conn, "expect_reset", "a reset", ms)?;
    reading.run(|inbox, _, _| match inbox.end() {
        Some(end) if trouble::of_end(end).0 == Kind::Reset => Ok(Some(())),
        _ if inbox.held() > 0 => Err(Failing::Else("data came instead of a reset".into())),
        None => Ok(None),
        Some(end) => Err(Failing::Else(format!("{} instead of a reset", trouble::of_end(end).1))),
    })
}

fn expect_silence(host: &Host, conn: &Conn, ms: INT) -> Outcome<()> {
    let reading = Reading::new(host, conn, "expect_silence", "silence", Some(ms))?;
    let result = reading.run(|inbox, _, _| match inbox.end() {
        _ if inbox.held() > 0 => Err(Failing::Else("data came into the silence".into())),
        None => Ok(None),
        Some(end) => Err(Failing::Else(format!("{} instead of silence", trouble::of_end(end).1))),
    });
    result.or_else(|fault| if trouble::kind_of(&fault) == Some(Kind::Timeout) { Ok(()) } else { Err(fault) })
}

// ---- iterators --------------------------------------------------------------------------------------------

/// What `for` goes over: the units of a connection until its end.
#[derive(Clone)]
struct Units {
    host: Rc<Host>,
    conn: Conn,
    wanted: Wanted,
    op: &'static str,
    what: &'static str,
}

impl IntoIterator for Units {
    type Item = Outcome<Dynamic>;
    type IntoIter = UntilEnd<Box<dyn FnMut() -> Outcome<Option<Dynamic>>>>;

    fn into_iter(self) -> Self::IntoIter {
        UntilEnd::new(Box::new(move || self.next()))
    }
}

impl Units {
    fn next(&self) -> Outcome<Option<Dynamic>> {
        Reading::new(&self.host, &self.conn, self.op, self.what, None)?.piece_to_end(&self.wanted)
    }
}

fn register_iterators(engine: &mut Engine, host: &Rc<Host>) {
    engine.register_type_with_name::<Units>("Units");
    engine.register_iterator_result::<Units, Dynamic>();
    let kinds = [
        ("lines", "a line", Some(LINES)),
        ("texts", "text", Some(Wanted::Text)),
        ("chunks", "data", Some(Wanted::Bytes)),
        ("frames", "a frame", None),
    ];
    for (op, what, wanted) in kinds {
        let of = Rc::clone(host);
        engine.register_fn(op, move |conn: Conn| -> Outcome<Units> {
            of.task_for(op)?;
            let wanted = match &wanted {
                Some(wanted) => wanted.clone(),
                None => framing_of(&of, &conn, op)?,
            };
            Ok(Units { host: Rc::clone(&of), conn, wanted, op, what })
        });
    }
}

// ---- how a call waits -------------------------------------------------------------------------------------

/// One call that waits for received bytes.
pub(super) struct Reading<'a> {
    host: &'a Host,
    conn: &'a Conn,
    pull: &'a Pull,
    task: TaskId,
    op: &'static str,
    what: Cow<'static, str>,
    limit: Option<Duration>,
    /// Bytes that may have to be held for it.
    needed: usize,
    is_text: bool,
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
        what: impl Into<Cow<'static, str>>,
        ms: Option<INT>,
    ) -> Outcome<Self> {
        let task = host.task_for(op)?;
        let pull = pull_of(conn, op)?;
        if let Some(other) = pull.reader().filter(|other| *other != task && host.tasks().is_alive(*other)) {
            let place = host.tasks().state(other).map(|state| state.place().to_owned()).unwrap_or_default();
            let name = conn.view().name();
            let message = format!("{name} is already being read by the task started at {place}");
            return Err(Trouble::new(Kind::Io, op, message).on(conn).thrown());
        }
        pull.note_reader(task);
        let limit = waits::limit_on(conn, op, ms).map_err(|fault| about(fault, op, conn))?;
        let what = what.into();
        Ok(Self { host, conn, pull, task, op, what, limit, needed: 0, is_text: false })
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

    fn run_with<T>(self, look: &mut Look<'_, T>) -> Outcome<T> {
        let (host, view) = (self.host, self.conn.view());
        let mut until = None;
        let mut is_silent = false;
        let mut is_late = false;
        let mut has_waited = false;
        loop {
            let looked = self.pull.with_inbox(host, view, |inbox| match look(inbox, view, is_silent) {
                Ok(None) => match inbox.take_unmeasured() {
                    Some(bytes) => Ok((None, Some(bytes), None, None)),
                    None => Ok((None, None, inbox.end().cloned(), inbox.silence())),
                },
                Ok(found) => Ok((found, None, None, None)),
                Err(failing) => Err(failing),
            });
            let (end, silence) = match looked.ok_or_else(|| self.foreign())?.map_err(|failing| self.failed(failing))? {
                (Some(found), ..) => {
                    if !has_waited {
                        host.pass_turn(self.task)?;
                    }
                    return Ok(found);
                }
                (None, Some(bytes), ..) => {
                    let length = host.measure(self.conn, bytes)?;
                    self.pull.with_inbox(host, view, |inbox| inbox.set_length(length));
                    continue;
                }
                (None, None, end, silence) => (end, silence),
            };
            if let Some(end) = end {
                let (kind, words) = trouble::of_end(&end);
                return Err(self.thrown(kind, &format!("{words} while waiting for {}", self.what)));
            }
            if is_late {
                return Err(self.with_got(Trouble::late(self.op, self.limit, &self.what)));
            }
            if !std::mem::replace(&mut has_waited, true) {
                until = host.deadline_in(self.limit);
            }
            // The time at which what is held has to do without more, because nothing comes.
            let quiet = silence.map(|silence| view.info.last_received() + silence).filter(|_| !is_silent);
            let woken = self.wait(quiet.into_iter().chain(until).min())?;
            let now = if woken == Woken::TimedOut { Some(host.now()) } else { None };
            is_late = now.is_some_and(|now| until.is_some_and(|until| until <= now));
            is_silent = now.is_some_and(|now| quiet.is_some_and(|quiet| quiet <= now));
        }
    }

    fn wait(&self, until: Option<Instant>) -> Outcome<Woken> {
        self.pull.set_reader(Some(self.task));
        self.pull.need(self.host, self.conn.view(), self.needed);
        let woken = self.pull.wait(self.host, self.task, until);
        self.pull.need(self.host, self.conn.view(), 0);
        self.pull.set_reader(None);
        woken
    }

    fn foreign(&self) -> Fault {
        not_of_tasks(self.conn, self.op)
    }

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
