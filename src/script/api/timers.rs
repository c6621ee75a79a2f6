//! `after`, `every` and `cancel`; `conns`, `broadcast` and `broadcast_line` for all open connections.

use std::rc::Rc;
use std::time::Duration;

use rhai::{Array, Blob, Dynamic, Engine, FnPtr, INT, NativeCallContext};

use super::conn::Conn;
use super::{Outcome, failure, type_name};
use crate::script::host::Host;
use crate::script::timers::{Timer, TimerId};

/// The result of `after` and `every`, for `cancel`.
#[derive(Clone, Copy, Debug)]
pub(in crate::script) struct Handle(TimerId);

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    engine.register_type_with_name::<Handle>("Timer");
    engine.register_fn("to_string", |timer: &mut Handle| format!("Timer({})", timer.0));
    engine.register_fn("to_debug", |timer: &mut Handle| format!("Timer({})", timer.0));
    let of = Rc::clone(host);
    engine.register_fn("after", move |ms: INT, call: FnPtr| start(&of, None, ms, call, false));
    let of = Rc::clone(host);
    engine.register_fn("after", move |conn: &mut Conn, ms: INT, call: FnPtr| start(&of, Some(conn), ms, call, false));
    let of = Rc::clone(host);
    engine.register_fn("every", move |ms: INT, call: FnPtr| start(&of, None, ms, call, true));
    let of = Rc::clone(host);
    engine.register_fn("every", move |conn: &mut Conn, ms: INT, call: FnPtr| start(&of, Some(conn), ms, call, true));
    let of = Rc::clone(host);
    engine.register_fn("cancel", move |timer: Handle| of.cancel_asked(timer.0));
    // The handle of a timer that was never started: nothing to cancel.
    engine.register_fn("cancel", |(): ()| false);
    register_everybody(engine, host);
}

fn start(host: &Host, conn: Option<&Conn>, ms: INT, call: FnPtr, repeats: bool) -> Outcome<Handle> {
    let (name, least) = if repeats { ("every", 1) } else { ("after", 0) };
    let wait = u64::try_from(ms).ok().filter(|ms| *ms >= least && *ms <= LONGEST);
    let Some(wait) = wait.map(Duration::from_millis) else {
        return Err(failure(format!("{name} takes {least} to {LONGEST} milliseconds, not {ms}")));
    };
    let conn = conn.map(|conn| Rc::clone(conn.view()));
    if conn.as_ref().is_some_and(|conn| !conn.info.is_open()) {
        // The connection is closed, so the timer is not started; its number is never used.
        return Ok(Handle(0));
    }
    let every = repeats.then_some(wait);
    Ok(Handle(host.start(host.now() + wait, Timer { conn, call, every, expects: false })))
}

fn register_everybody(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("conns", move || -> Array { of.conns().map(|conn| Dynamic::from(Conn::new(&conn))).collect() });
    let of = Rc::clone(host);
    engine.register_fn("broadcast", move |context: NativeCallContext<'_>, what: Dynamic| {
        broadcast(&context, &of, "send", &what, &Dynamic::UNIT)
    });
    let of = Rc::clone(host);
    engine.register_fn("broadcast", move |context: NativeCallContext<'_>, what: Dynamic, except: Dynamic| {
        broadcast(&context, &of, "send", &what, &except)
    });
    let of = Rc::clone(host);
    engine.register_fn("broadcast_line", move |context: NativeCallContext<'_>, what: Dynamic| {
        broadcast(&context, &of, "send_line", &what, &Dynamic::UNIT)
    });
    let of = Rc::clone(host);
    engine.register_fn("broadcast_line", move |context: NativeCallContext<'_>, what: Dynamic, except: Dynamic| {
        broadcast(&context, &of, "send_line", &what, &except)
    });
}

/// Sends to every connection open for sending, each in its own encoding. An error for one (a character its encoding
/// does not have) does not stop the others; the first error is thrown at the end.
fn broadcast(
    context: &NativeCallContext<'_>,
    host: &Host,
    method: &str,
    what: &Dynamic,
    except: &Dynamic,
) -> Outcome<()> {
    let excepted = |id: u64| -> Outcome<bool> {
        if except.is_unit() {
            return Ok(false);
        }
        if let Some(conn) = except.read_lock::<Conn>() {
            return Ok(conn.view().id == id);
        }
        if let Some(conns) = except.read_lock::<Array>() {
            let is_it = |conn: &Dynamic| conn.read_lock::<Conn>().is_some_and(|conn| conn.view().id == id);
            return Ok(conns.iter().any(is_it));
        }
        Err(failure(format!("the one to leave out is a Conn or an array of them, not {}", type_name(context, except))))
    };
    excepted(0)?;
    if !what.is_string() && !what.is_char() && what.read_lock::<Blob>().is_none() && what.read_lock::<Array>().is_none()
    {
        let function = if method == "send" { "broadcast" } else { "broadcast_line" };
        return Err(failure(format!("{function} takes a string or a blob, not {}", type_name(context, what))));
    }
    let mut failed = None;
    for conn in host.conns() {
        if conn.info.can_send() && !excepted(conn.id)? {
            let sent: Outcome<Dynamic> = context.call_native_fn(method, (Conn::new(&conn), what.clone()));
            failed = failed.or(sent.err());
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Maximum time of a timer, in milliseconds: a year.
const LONGEST: u64 = 365 * 24 * 60 * 60 * 1000;
