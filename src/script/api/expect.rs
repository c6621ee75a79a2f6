//! `conn.expect`: calls a callback when a pattern arrives on a connection.

use std::rc::Rc;
use std::time::Duration;

use rhai::{Blob, Dynamic, Engine, FnPtr, INT, Map, NativeCallContext};

use super::conn::Conn;
use super::pattern::Pattern as Regex;
use super::{Outcome, failure, type_name};
use crate::script::expecting::{Found, Pattern};
use crate::script::host::Host;
use crate::script::pulling::takes_bytes;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("expect", move |context: NativeCallContext<'_>, conn: &mut Conn, what: Dynamic, call: FnPtr| {
        expect(&context, &of, conn, &what, None, call)
    });
    let of = Rc::clone(host);
    engine.register_fn(
        "expect",
        move |context: NativeCallContext<'_>, conn: &mut Conn, what: Dynamic, ms: INT, call: FnPtr| {
            expect(&context, &of, conn, &what, Some(ms), call)
        },
    );
}

fn expect(
    context: &NativeCallContext<'_>,
    host: &Host,
    conn: &Conn,
    what: &Dynamic,
    ms: Option<INT>,
    call: FnPtr,
) -> Outcome<()> {
    let pattern = pattern(context, what)?;
    let limit = ms.map(|ms| u64::try_from(ms).map_err(|_| failure(format!("expect waits for 0 ms or more, not {ms}"))));
    let limit = limit.transpose()?.map(Duration::from_millis);
    let view = conn.view();
    if takes_bytes(view) {
        return Err(failure(
            "expect with a callback is for handlers; what this connection receives waits for a task: \
             let m = conn.expect(pattern), or conn.start(|c| { let m = c.expect(pattern); … })",
        ));
    }
    if !view.info.is_open() {
        return Ok(());
    }
    host.expect(view, pattern, call, limit);
    Ok(())
}

pub(super) fn pattern(context: &NativeCallContext<'_>, what: &Dynamic) -> Outcome<Pattern> {
    let (pattern, is_empty) = if let Some(bytes) = what.read_lock::<Blob>() {
        (Pattern::Bytes(bytes.clone()), bytes.is_empty())
    } else if let Some(regex) = what.read_lock::<Regex>() {
        (Pattern::Regex(regex.clone()), regex.is_empty())
    } else if what.is_string() {
        let text = what.clone().into_string().unwrap_or_default();
        let is_empty = text.is_empty();
        (Pattern::Text(text), is_empty)
    } else {
        return Err(failure(format!("expect takes a string, a blob or a regex, not {}", type_name(context, what))));
    };
    if is_empty {
        return Err(failure("expect: this pattern matches nothing at all, so it would not wait for anything"));
    }
    Ok(pattern)
}

/// The callback's map after the end of the stream without a match: the bytes received.
pub(in crate::script) fn unmet_value(rest: Dynamic) -> Dynamic {
    let mut map = Map::new();
    map.insert("timeout".into(), false.into());
    map.insert("eof".into(), true.into());
    map.insert("before".into(), rest);
    Dynamic::from_map(map)
}

/// The callback's map: the match, or the timeout.
pub(in crate::script) fn match_value(found: Option<Found>) -> Dynamic {
    let mut map = Map::new();
    map.insert("timeout".into(), found.is_none().into());
    map.insert("eof".into(), false.into());
    if let Some(found) = found {
        map.insert("start".into(), Dynamic::from_int(found.start as INT));
        map.insert("end".into(), Dynamic::from_int(found.end as INT));
        put_match(&mut map, found);
    }
    Dynamic::from_map(map)
}

/// What every map of a match has.
pub(super) fn put_match(map: &mut Map, found: Found) {
    map.insert("before".into(), found.before);
    map.insert("matched".into(), found.groups.first().cloned().unwrap_or_default());
    map.insert("groups".into(), Dynamic::from_array(found.groups));
    map.insert("names".into(), Dynamic::from_map(found.names));
}
