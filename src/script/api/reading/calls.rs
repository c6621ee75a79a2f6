//! Calls that wait, as nodes make them: without Rhai's look-up of a function by its arguments.
//!
//! Owns which calls these are. What they do is in `reading` and `expecting`.

use std::ops::RangeInclusive;

use rhai::{Blob, Dynamic, INT, NativeCallContext};

use super::{expecting, read, read_all, read_exactly, read_frame, read_line, read_text, read_until};
use crate::script::api::Outcome;
use crate::script::api::conn::Conn;
use crate::script::host::Host;
use crate::script::trouble::about;

/// A call without arguments.
#[derive(Clone, Copy)]
pub(in crate::script) enum Call {
    /// `None`: it was left.
    Bytes(fn(&Host, &Conn) -> Outcome<Option<Blob>>),
    Value(fn(&Host, &Conn) -> Outcome<Dynamic>),
}

impl Call {
    /// What it gives, as a value.
    pub(in crate::script) fn value(self, host: &Host, conn: &Conn) -> Outcome<Dynamic> {
        match self {
            Self::Bytes(call) => call(host, conn).map(Option::unwrap_or_default).map(Dynamic::from_blob),
            Self::Value(call) => call(host, conn),
        }
    }
}

/// The calls without arguments that scripts make most.
pub(in crate::script) const WAITING: [(&str, Call); 5] = [
    ("read", Call::Bytes(read)),
    ("read_line", Call::Value(|host, conn| read_line(host, conn, None))),
    ("read_text", Call::Value(|host, conn| read_text(host, conn, None))),
    ("read_frame", Call::Value(|host, conn| read_frame(host, conn, None))),
    ("read_all", Call::Bytes(|host, conn| read_all(host, conn, None).map(Some))),
];

/// A call with one argument. The number of one that is none is the business of Rhai.
#[derive(Clone, Copy)]
pub(in crate::script) enum Asking {
    /// With a number. `None`: it was left.
    Bytes(fn(&Host, &Conn, INT) -> Outcome<Option<Blob>>),
    Value(fn(&Host, &Conn, INT) -> Outcome<Dynamic>),
    /// With anything.
    Any(fn(&NativeCallContext<'_>, &Host, &Conn, &Dynamic) -> Outcome<Dynamic>),
}

/// The calls with one argument that scripts make most.
pub(in crate::script) const ASKING: [(&str, Asking); 7] = [
    ("read", Asking::Bytes(read_exactly)),
    ("read_line", Asking::Value(|host, conn, ms| about_it("read_line", conn, read_line(host, conn, Some(ms))))),
    ("read_text", Asking::Value(|host, conn, ms| about_it("read_text", conn, read_text(host, conn, Some(ms))))),
    ("read_frame", Asking::Value(|host, conn, ms| about_it("read_frame", conn, read_frame(host, conn, Some(ms))))),
    ("read_all", Asking::Bytes(|host, conn, ms| about_it("read_all", conn, read_all(host, conn, Some(ms)).map(Some)))),
    ("read_until", Asking::Any(|context, host, conn, end| read_until(context, host, conn, end, None))),
    (
        "expect",
        Asking::Any(|context, host, conn, what| {
            expecting::expect(context, host, conn, what, None).map(Dynamic::from_map)
        }),
    ),
];

fn about_it<T>(op: &str, conn: &Conn, result: Outcome<T>) -> Outcome<T> {
    result.map_err(|fault| about(fault, op, conn))
}

/// Other calls that may be left and made again ([`Parking`]), with their numbers of arguments.
pub(in crate::script) const AGAIN: [(&str, RangeInclusive<usize>); 10] = [
    ("read", 1..=2),
    ("read_until", 1..=2),
    ("read_line", 1..=1),
    ("read_text", 1..=1),
    ("read_frame", 1..=1),
    ("read_all", 1..=1),
    ("peek", 1..=2),
    ("expect_eof", 0..=1),
    ("expect_reset", 0..=1),
    ("expect_silence", 1..=1),
];
