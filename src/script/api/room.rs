//! Sending in a task: waiting for room in the queue, `flush`, and `closed`.

use std::rc::Rc;

use rhai::{Engine, INT, ImmutableString};

use super::conn::Conn;
use super::{Outcome, waits};
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::pulling::{self, attachment};
use crate::script::tasks::{TaskId, Woken};
use crate::script::trouble::{Kind, Trouble};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    waits::register(engine, host, "flush", flush);
    waits::register(engine, host, "closed", closed);
}

/// Queued bytes above which a task that sends waits, and at which it goes on.
const HIGH_MARK: usize = 1 << 20;
const LOW_MARK: usize = 256 << 10;

/// After something was queued: waits while too much is.
pub(super) fn wait_for_room(host: &Host, conn: &Conn, task: TaskId) -> Outcome<()> {
    if conn.view().info.queued() <= HIGH_MARK {
        return host.pass_turn(task);
    }
    wait_for_queue(host, conn, task, "send", LOW_MARK, None)
}

/// Waits until the kernel has everything.
fn flush(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<()> {
    let task = host.task_for("flush")?;
    wait_for_queue(host, conn, task, "flush", 0, ms)
}

/// Waits until at most `mark` bytes are queued.
fn wait_for_queue(
    host: &Host,
    conn: &Conn,
    task: TaskId,
    op: &'static str,
    mark: usize,
    ms: Option<INT>,
) -> Outcome<()> {
    let view = conn.view();
    let limit = waits::limit_on(conn, op, ms)?;
    let until = host.deadline_in(limit);
    let pull = attachment(view).watch();
    let mut is_late = false;
    while view.info.queued() > mark && view.info.is_open() {
        if is_late {
            let what = format!("room in the queue; {} bytes wait", view.info.queued());
            return Err(Trouble::late(op, limit, &what).on(conn).thrown());
        }
        view.info.await_room(Some(mark));
        is_late = pull.wait(host, task, until)? == Woken::TimedOut;
    }
    if view.info.is_open() || !pull.has_broken() { Ok(()) } else { Err(unsendable(conn, op)) }
}

/// The error of a call that sends to nobody.
pub(super) fn unsendable(conn: &Conn, op: &'static str) -> Fault {
    let pull = pulling::pull(conn.view());
    let (kind, message) = match pull.and_then(pulling::Pull::trouble) {
        Some(trouble) => (trouble.kind.into(), trouble.message),
        None if pull.is_some_and(pulling::Pull::has_broken) => (Kind::Reset, "the connection is broken".to_owned()),
        None => (Kind::Closed, "the connection is closed for sending".to_owned()),
    };
    Trouble::new(kind, op, message).on(conn).thrown()
}

/// Waits until a connection is over. Returns why.
fn closed(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<ImmutableString> {
    let task = host.task_for("closed")?;
    let view = conn.view();
    let limit = waits::limit_on(conn, "closed", ms)?;
    let until = host.deadline_in(limit);
    let pull = attachment(view).watch();
    let mut is_late = false;
    loop {
        if let Some(reason) = pull.close_reason() {
            return Ok(reason.name().into());
        }
        if is_late {
            return Err(Trouble::late("closed", limit, "the end of the connection").on(conn).thrown());
        }
        pull.look_for_end(host, view, task);
        is_late = pull.wait(host, task, until)? == Woken::TimedOut;
    }
}
