//! `after`, `every` and `cancel`, and the list of open connections: `conns`, `broadcast`, `broadcast_line`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::{Array, Blob, Dynamic, Engine, FnPtr, INT, NativeCallContext};

use super::conn::Conn;
use super::{Outcome, failure, type_name};
use crate::script::host::Host;
use crate::script::timers::{Timer, TimerId};

/// What `after` and `every` give, for `cancel`.
#[derive(Clone, Copy, Debug)]
struct Handle(TimerId);

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
    engine.register_fn("cancel", move |timer: Handle| of.timers().cancel(timer.0));
    // A timer that was never started, kept in a map: nothing to cancel.
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
    if conn.as_ref().is_some_and(|conn| !conn.is_open.get()) {
        // It would die at once: its number is one that never comes.
        return Ok(Handle(0));
    }
    let every = repeats.then_some(wait);
    Ok(Handle(host.start(Instant::now() + wait, Timer { conn, call, every, expects: false })))
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

/// Sends to everybody who can be sent to, each in their own encoding. One who cannot take it (a character their
/// encoding does not have) does not keep it from the others: the first such error is thrown at the end.
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
    if !what.is_string() && what.read_lock::<Blob>().is_none() && what.read_lock::<Array>().is_none() {
        let function = if method == "send" { "broadcast" } else { "broadcast_line" };
        return Err(failure(format!("{function} takes a string or a blob, not {}", type_name(context, what))));
    }
    let mut failed = None;
    for conn in host.conns() {
        if !excepted(conn.id)? {
            let sent: Outcome<Dynamic> = context.call_native_fn(method, (Conn::new(&conn), what.clone()));
            failed = failed.or(sent.err());
        }
    }
    failed.map_or(Ok(()), Err)
}

/// A year.
const LONGEST: u64 = 365 * 24 * 60 * 60 * 1000;
