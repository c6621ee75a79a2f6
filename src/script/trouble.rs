//! `Trouble`: what a call in a task throws when it fails: a map that says what kind of failure it is.
//!
//! Owns the kinds, the map and what an uncaught one means for the exit code.

use std::borrow::Cow;
use std::time::Duration;

use rhai::{Dynamic, EvalAltResult, ImmutableString, Map, Position};

use crate::exit::Exit;
use crate::script::api::conn::Conn;
use crate::script::engine::Fault;
use crate::script::error;
use crate::script::host::Host;
use crate::script::reference;
use crate::script::tasks::Role;
use crate::session::inbox::StreamEnd;
use crate::session::{ConnError, ErrorKind};
use crate::sys::coroutine;

/// The kind of a failure, the `kind` of its map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A time limit passed.
    Timeout,
    /// The peer has ended its stream.
    Eof,
    /// The connection broke.
    Reset,
    /// We have closed it.
    Closed,
    /// It was never made.
    Refused,
    /// The name of its host has no address.
    Resolve,
    /// A proxy on the way refused or failed.
    Proxy,
    /// A unit over its limit, or one that makes no sense.
    Frame,
    /// Malformed text, or a character the encoding cannot hold.
    Text,
    /// The task was ended by another one.
    Cancelled,
    /// Something else came than what was expected.
    Expect,
    /// An assertion does not hold.
    Assert,
    /// The two sides could not agree on TLS.
    Tls,
    /// The peer's certificate is no reason to trust it.
    Certificate,
    /// There are no certificates to trust.
    Roots,
    /// The peer ended without saying so in TLS.
    Truncated,
    /// Anything else that the system or tcpx reports.
    Io,
    /// An error of the language.
    Script,
}

const KINDS: [(Kind, &str); 18] = [
    (Kind::Timeout, "timeout"),
    (Kind::Eof, "eof"),
    (Kind::Reset, "reset"),
    (Kind::Closed, "closed"),
    (Kind::Refused, "refused"),
    (Kind::Resolve, "resolve"),
    (Kind::Proxy, "proxy"),
    (Kind::Frame, "frame"),
    (Kind::Text, "text"),
    (Kind::Cancelled, "cancelled"),
    (Kind::Expect, "expect"),
    (Kind::Assert, "assert"),
    (Kind::Tls, "tls"),
    (Kind::Certificate, "certificate"),
    (Kind::Roots, "roots"),
    (Kind::Truncated, "truncated"),
    (Kind::Io, "io"),
    (Kind::Script, "script"),
];

impl Kind {
    /// The word scripts see.
    pub(super) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("io", |(_, name)| name)
    }
}

impl Kind {
    /// Whether it says what the peer did, or did not do.
    pub(super) fn is_of_peer(self) -> bool {
        let is_ours = matches!(self, Self::Closed | Self::Cancelled | Self::Assert | Self::Script);
        !is_ours && !matches!(self, Self::Resolve | Self::Roots | Self::Io)
    }

    /// Whether it is about bytes, and not about the connection.
    pub(super) fn is_of_content(self) -> bool {
        matches!(self, Self::Frame | Self::Text)
    }
}

impl From<ErrorKind> for Kind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Reset => Self::Reset,
            ErrorKind::Refused => Self::Refused,
            ErrorKind::Resolve => Self::Resolve,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Proxy => Self::Proxy,
            ErrorKind::Frame => Self::Frame,
            ErrorKind::Text => Self::Text,
            ErrorKind::Tls => Self::Tls,
            ErrorKind::Untrusted => Self::Certificate,
            ErrorKind::NoRoots => Self::Roots,
            ErrorKind::Truncated => Self::Truncated,
            ErrorKind::Script | ErrorKind::Memory | ErrorKind::Io => Self::Io,
        }
    }
}

/// A failure of a call.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What kind of failure.
    pub(super) kind: Kind,
    /// The whole message.
    pub(super) message: String,
    /// The call that failed, such as `read_line`.
    pub(super) op: Cow<'static, str>,
    /// What had arrived, which stays where it is.
    pub(super) got: Dynamic,
    /// The connection.
    pub(super) conn: Option<Conn>,
    /// What a comparison wants.
    pub(super) expected: Option<Dynamic>,
}

impl Trouble {
    /// A failure of a call that is about no connection.
    pub(super) fn new(kind: Kind, op: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), op: op.into(), got: Dynamic::UNIT, conn: None, expected: None }
    }

    /// The time limit of a call has passed.
    pub(super) fn late(op: &'static str, limit: Option<Duration>, what: &str) -> Self {
        let ms = limit.unwrap_or_default().as_millis();
        Self::new(Kind::Timeout, op, format!("timed out after {ms} ms waiting for {what}"))
    }

    /// The same about a connection.
    pub(super) fn on(self, conn: &Conn) -> Self {
        Self { conn: Some(conn.clone()), ..self }
    }

    /// The error that a script can catch: `catch (e)` gets the map.
    pub(super) fn thrown(self) -> Fault {
        EvalAltResult::ErrorRuntime(Dynamic::from_map(self.map()), Position::NONE).into()
    }

    fn map(self) -> Map {
        let mut map = Map::new();
        map.insert("kind".into(), self.kind.name().into());
        map.insert("message".into(), self.message.into());
        map.insert("got".into(), self.got);
        map.insert("op".into(), self.op.into_owned().into());
        map.insert("conn".into(), self.conn.map_or(Dynamic::UNIT, Dynamic::from));
        map.extend(self.expected.map(|expected| ("expected".into(), expected)));
        map
    }
}

/// The error of a call that does not wait: in a task a map, in a handler its text.
pub(super) fn failure(host: &Host, kind: Kind, op: &'static str, conn: Option<&Conn>, message: String) -> Fault {
    match host.current_task() {
        Some(_) => Trouble { conn: conn.cloned(), ..Trouble::new(kind, op, message) }.thrown(),
        None => message.into(),
    }
}

/// The error of a call that is wrong in itself: in a task a map, elsewhere its text. The message begins with the name of the
/// call, or else `op` is empty.
pub(super) fn refusal(message: String) -> Fault {
    if !coroutine::is_running() {
        return message.into();
    }
    let end = message.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(message.len());
    let follows = |ends: &[char]| message[end..].starts_with(ends);
    let op =
        if follows(&[':', '(']) || (follows(&[' ']) && reference::has(&message[..end])) { &message[..end] } else { "" };
    let op = Cow::Owned(op.to_owned());
    Trouble { op, ..Trouble::new(Kind::Io, "", message) }.thrown()
}

/// The same error, of a call on this connection.
pub(super) fn about(fault: Fault, op: &str, conn: &Conn) -> Fault {
    if let EvalAltResult::ErrorRuntime(thrown, _) = &*fault
        && let Some(mut map) = thrown.clone().try_cast::<Map>().filter(|map| message_of(map).is_some())
    {
        for (key, value) in [("op", Dynamic::from(op.to_owned())), ("conn", Dynamic::from(conn.clone()))] {
            let is_empty = map.get(key).is_none_or(|known| known.is_unit() || is_blank(known));
            if is_empty {
                map.insert(key.into(), value);
            }
        }
        return EvalAltResult::ErrorRuntime(Dynamic::from_map(map), Position::NONE).into();
    }
    fault
}

fn is_blank(value: &Dynamic) -> bool {
    value.read_lock::<ImmutableString>().is_some_and(|text| text.is_empty())
}

/// The kind and the words of a stream that has ended.
pub(super) fn of_end(end: &StreamEnd) -> (Kind, String) {
    match end {
        StreamEnd::Eof => (Kind::Eof, "the peer has ended".to_owned()),
        StreamEnd::Closed => (Kind::Closed, "the connection is closed".to_owned()),
        StreamEnd::Broken(ConnError { kind, message, .. }) => ((*kind).into(), message.clone()),
    }
}

/// The message of a thrown map of ours; `None` for any other map.
pub(super) fn message_of(map: &Map) -> Option<&Dynamic> {
    let known = |keys: &[&str]| keys.iter().filter(|key| map.contains_key(**key)).count();
    let always = known(&["kind", "got", "op", "conn"]);
    let is_ours = always == 4 && map.len() == 1 + always + known(&["expected", "line", "position", "source"]);
    map.get("message").filter(|_| is_ours)
}

/// The message of the map that Rhai makes of an error of the language which is caught.
pub(super) fn language_message(map: &Map) -> Option<ImmutableString> {
    let text = |key: &str| map.get(key)?.read_lock::<ImmutableString>().map(|text| text.clone());
    let is_one = !map.contains_key("kind") && text("error")?.starts_with("Error");
    text("message").filter(|_| is_one)
}

/// An error of the language that was caught, in the map of all errors of a task; `None`: it is none.
pub(super) fn of_language(caught: &Dynamic) -> Option<Dynamic> {
    let caught = caught.read_lock::<Map>()?;
    let (message, op) = error::caught_words(&language_message(&caught)?);
    let trouble = Trouble { op: op.into(), ..Trouble::new(Kind::Script, "", message) };
    let mut map = trouble.map();
    for key in ["line", "position", "source"] {
        map.extend(caught.get(key).map(|value| (key.into(), value.clone())));
    }
    Some(Dynamic::from_map(map))
}

/// The kind of an error that was thrown; `None` if it is not one of ours.
pub(super) fn kind_of(fault: &Fault) -> Option<Kind> {
    kind_in(&*thrown_by(fault)?.read_lock::<Map>()?)
}

/// What was thrown, at any depth.
fn thrown_by(fault: &Fault) -> Option<&Dynamic> {
    let mut innermost = fault;
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) =
        &**innermost
    {
        innermost = inner;
    }
    match &**innermost {
        EvalAltResult::ErrorRuntime(thrown, _) => Some(thrown),
        _ => None,
    }
}

/// The call that has thrown an error of ours.
pub(super) fn op_of(fault: &Fault) -> Option<String> {
    thrown_by(fault)?.read_lock::<Map>()?.get("op")?.clone().into_string().ok()
}

/// The words of an error of ours.
pub(super) fn words_of(fault: &Fault) -> Option<String> {
    message_of(&*thrown_by(fault)?.read_lock::<Map>()?)?.clone().into_string().ok()
}

/// The kind in a thrown map; `None` if it is not one of ours.
pub(super) fn kind_in(map: &Map) -> Option<Kind> {
    let name = map.get("kind")?.clone().into_immutable_string().ok()?;
    message_of(map)?;
    KINDS.iter().find(|(_, known)| *known == name.as_str()).map(|(kind, _)| *kind)
}

/// The exit code that an uncaught error means, if the task is the whole run.
pub(super) fn exit_of(kind: Option<Kind>, role: Role) -> Exit {
    match (kind, role) {
        (_, Role::Started) => Exit::ScriptRun,
        (Some(Kind::Expect | Kind::Assert), _) => Exit::Verdict,
        (Some(Kind::Timeout), _) => Exit::Timeout,
        (Some(Kind::Reset), _) => Exit::Broken,
        (Some(Kind::Eof | Kind::Truncated), _) => Exit::CutShort,
        (Some(Kind::Tls), _) => Exit::Handshake,
        (Some(Kind::Certificate), _) => Exit::Untrusted,
        (Some(Kind::Roots), _) => Exit::NoRoots,
        _ => Exit::ScriptRun,
    }
}

/// The `err` argument of `on_error`.
pub(super) fn error_value(trouble: ConnError) -> Dynamic {
    let mut map = Map::new();
    map.insert("kind".into(), trouble.kind.name().into());
    map.insert("op".into(), trouble.op.name().into());
    map.insert("message".into(), trouble.message.into());
    Dynamic::from_map(map)
}
