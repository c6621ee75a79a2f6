//! Calls of a task that wait for something in particular: a pattern, the end, a reset, silence.

use std::rc::Rc;

use rhai::{Array, Blob, Dynamic, Engine, INT, Map, NativeCallContext};

use super::{Failing, Reading};
use crate::codec::escape::{show_bytes, show_line};
use crate::script::api::conn::Conn;
use crate::script::api::{Outcome, display, failure, waits};
use crate::script::expecting::AnySearch;
use crate::script::host::Host;
use crate::script::trouble::{self, Kind, about};
use crate::session::ChosenForm;
use crate::session::inbox::{StreamEnd, Wanted};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
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

pub(super) fn expect(
    context: &NativeCallContext<'_>,
    host: &Host,
    conn: &Conn,
    what: &Dynamic,
    ms: Option<INT>,
) -> Outcome<Map> {
    let several = what.read_lock::<Array>().map(|patterns| patterns.clone());
    let patterns = several.unwrap_or_else(|| vec![what.clone()]);
    if patterns.is_empty() {
        return Err(about(failure("expect([]): there is nothing to wait for"), "expect", conn));
    }
    let words: Vec<_> = patterns.iter().map(|pattern| shown(context, pattern)).collect();
    let patterns: Outcome<Vec<_>> =
        patterns.iter().map(|what| crate::script::api::expect::pattern(context, what)).collect();
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
        crate::script::api::expect::put_match(&mut map, found);
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
    let text = display(context, pattern.clone()).unwrap_or_default();
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
