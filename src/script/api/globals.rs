//! Global functions: logging, writing to stdout, time, exit.
//!
//! `app` and `args` are variables of the engine; `print` and `debug` belong to the language and are connected there.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, ZonedDateTime};
use rhai::{Blob, Dynamic, Engine, INT, NativeCallContext};

use super::{Outcome, display, failure};
use crate::script::host::{Host, Stopped};
use crate::session::Command;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let to = Rc::clone(host);
    let log = move |context: NativeCallContext<'_>, what: Dynamic| -> Outcome<()> {
        let text = display(&context, what)?;
        to.push(Command::Log(None, text.into()));
        Ok(())
    };
    engine.register_fn("log", log.clone());
    // For floats too, because Rhai's own log(float), a logarithm, would be found first.
    engine.register_fn("log", move |context: NativeCallContext<'_>, what: f64| log(context, what.into()));

    let to = Rc::clone(host);
    engine.register_fn("write", move |context: NativeCallContext<'_>, what: Dynamic| -> Outcome<()> {
        let bytes = match what.read_lock::<Blob>() {
            Some(blob) => blob.clone(),
            None => display(&context, what.clone())?.as_bytes().to_vec(),
        };
        to.push(Command::Write(bytes));
        Ok(())
    });
    engine
        .register_fn("now_ms", now_ms)
        .register_fn("time", || time(Timestamp::now()))
        .register_fn("time", format_time);

    let to = Rc::clone(host);
    engine.register_fn("exit", move || exit(&to, 0));
    let to = Rc::clone(host);
    engine.register_fn("exit", move |code: Dynamic| match code.as_int() {
        Ok(code) => exit(&to, code),
        Err(_) => Err(failure("exit takes a number from 0 to 255")),
    });
}

fn exit(host: &Host, code: INT) -> Outcome<()> {
    let code = u8::try_from(code).map_err(|_| failure(format!("exit takes a number from 0 to 255, not {code}")))?;
    if host.is_loading() {
        return Err(failure("exit() while the script is loading: call it in on_start"));
    }
    host.stop(Stopped::Exit(code));
    // Rhai keeps the place and the chain of calls of this error alone. A script that catches it is refused its next operation.
    Err(rhai::EvalAltResult::ErrorRuntime("the script ends".into(), rhai::Position::NONE).into())
}

/// Milliseconds since 1970.
pub(in crate::script) fn now_ms() -> INT {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as INT)
}

/// A time in UTC with milliseconds: `2026-11-22T18:00:00.123Z`.
fn time(now: Timestamp) -> String {
    format!("{now:.3}")
}

/// The local time, formatted by strftime.
fn format_time(format: &str) -> Outcome<String> {
    jiff::fmt::strtime::format(format, &ZonedDateTime::now())
        .map_err(|fault| failure(format!("time(\"{format}\"): {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_utc_with_milliseconds() {
        assert_eq!(time(Timestamp::from_millisecond(1_795_370_400_123).unwrap()), "2026-11-22T18:00:00.123Z");
        assert_eq!(time(Timestamp::from_second(0).unwrap()), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_format_that_strftime_does_not_know_is_an_error() {
        assert_eq!(format_time("%Y").unwrap().len(), 4);
        assert!(format_time("%!").unwrap_err().to_string().contains("time(\"%!\"): "));
    }
}
