//! Sending in a task: waiting for room in the queue, `flush`, and `closed`.

use std::rc::Rc;

use rhai::{Engine, INT, ImmutableString};

use super::Outcome;
use super::conn::Conn;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::pulling::{self, attachment};
use crate::script::tasks::{TaskId, Woken};
use crate::script::trouble::{Kind, Trouble};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("flush", move |conn: Conn| flush(&of, &conn, None));
    let of = Rc::clone(host);
    engine.register_fn("flush", move |conn: Conn, ms: INT| flush(&of, &conn, Some(ms)));
    let of = Rc::clone(host);
    engine.register_fn("closed", move |conn: Conn| closed(&of, &conn, None));
    let of = Rc::clone(host);
    engine.register_fn("closed", move |conn: Conn, ms: INT| closed(&of, &conn, Some(ms)));
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
    let limit = match ms {
        Some(ms) => Some(super::tasks::limit(op, ms)?),
        None => attachment(view).timeout(),
    };
    let until = host.deadline_in(limit);
    let pull = attachment(view).watch();
    let mut is_late = false;
    while view.info.queued() > mark && view.info.is_open() {
        if is_late {
            let ms = limit.unwrap_or_default().as_millis();
            let message =
                format!("timed out after {ms} ms waiting for room in the queue; {} bytes wait", view.info.queued());
            return Err(trouble(conn, Kind::Timeout, op, message));
        }
        view.info.await_room(Some(mark));
        pull.add_waiter(task);
        let woken = host.wait(task, until);
        pull.remove_waiter(task);
        is_late = woken? == Woken::TimedOut;
    }
    if view.info.is_open() || !pull.has_broken() { Ok(()) } else { Err(unsendable(conn)) }
}

/// The error of a call that sends to nobody.
pub(super) fn unsendable(conn: &Conn) -> Fault {
    let pull = pulling::pull(conn.view());
    let (kind, message) = match pull.and_then(pulling::Pull::trouble) {
        Some(trouble) => (trouble.kind.into(), trouble.message),
        None if pull.is_some_and(pulling::Pull::has_broken) => (Kind::Reset, "the connection is broken".to_owned()),
        None => (Kind::Closed, "the connection is closed for sending".to_owned()),
    };
    trouble(conn, kind, "send", message)
}

/// Waits until a connection is over. Returns why.
fn closed(host: &Host, conn: &Conn, ms: Option<INT>) -> Outcome<ImmutableString> {
    let task = host.task_for("closed")?;
    let view = conn.view();
    let limit = match ms {
        Some(ms) => Some(super::tasks::limit("closed", ms)?),
        None => attachment(view).timeout(),
    };
    let until = host.deadline_in(limit);
    let pull = attachment(view).watch();
    let mut is_late = false;
    loop {
        if let Some(reason) = pull.close_reason() {
            return Ok(reason.name().into());
        }
        if is_late {
            let ms = limit.unwrap_or_default().as_millis();
            let message = format!("timed out after {ms} ms waiting for the end of the connection");
            return Err(trouble(conn, Kind::Timeout, "closed", message));
        }
        pull.look_for_end(host, view, task);
        pull.add_waiter(task);
        let woken = host.wait(task, until);
        pull.remove_waiter(task);
        is_late = woken? == Woken::TimedOut;
    }
}

fn trouble(conn: &Conn, kind: Kind, op: &'static str, message: String) -> Fault {
    Trouble { conn: Some(conn.clone()), ..Trouble::new(kind, op, message) }.thrown()
}
