//! What calls that wait have in common: their time limit, the form without and with one, and going on until an end.

use std::rc::Rc;
use std::time::Duration;

use rhai::{Engine, INT, Variant};

use super::conn::Conn;
use super::{Outcome, failure};
use crate::script::host::Host;
use crate::script::pulling::attachment;
use crate::script::trouble::about;

/// Maximum time of a wait, in milliseconds: a year.
const LONGEST: u64 = 365 * 24 * 60 * 60 * 1000;

/// Registers a call on a connection, without and with a time limit in milliseconds.
pub(super) fn register<T: Variant + Clone>(
    engine: &mut Engine,
    host: &Rc<Host>,
    name: &'static str,
    call: fn(&Host, &Conn, Option<INT>) -> Outcome<T>,
) {
    let of = Rc::clone(host);
    engine.register_fn(name, move |conn: Conn| call(&of, &conn, None).map_err(|fault| about(fault, name, &conn)));
    let of = Rc::clone(host);
    engine.register_fn(name, move |conn: Conn, ms: INT| {
        call(&of, &conn, Some(ms)).map_err(|fault| about(fault, name, &conn))
    });
}

/// A time of so many milliseconds.
pub(super) fn limit(call: &str, ms: INT) -> Outcome<Duration> {
    let most = u64::try_from(ms).ok().filter(|ms| *ms <= LONGEST);
    most.map(Duration::from_millis)
        .ok_or_else(|| failure(format!("{call} takes 0 to {LONGEST} milliseconds, not {ms}")))
}

/// The time limit of a call on a connection: its own, or else `conn.timeout`.
pub(super) fn limit_on(conn: &Conn, call: &str, ms: Option<INT>) -> Outcome<Option<Duration>> {
    match ms {
        Some(ms) => limit(call, ms).map(Some),
        None => Ok(attachment(conn.view()).timeout()),
    }
}

/// What `for` goes over: what a call gives until there is nothing more, or until it fails.
pub(in crate::script) struct UntilEnd<F> {
    call: F,
    is_over: bool,
}

impl<F> UntilEnd<F> {
    pub(super) fn new(call: F) -> Self {
        Self { call, is_over: false }
    }
}

impl<T, F: FnMut() -> Outcome<Option<T>>> Iterator for UntilEnd<F> {
    type Item = Outcome<T>;

    fn next(&mut self) -> Option<Outcome<T>> {
        if self.is_over {
            return None;
        }
        let next = (self.call)();
        self.is_over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}
