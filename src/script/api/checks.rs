//! Checks and assertions: `check`, `assert`, `assert_eq`, `assert_ne`, `assert_match`, `fail`, `skip`.
//!
//! A check that does not hold is noted, and the script goes on; an assertion throws. What that means for a test, `suite` says.

use std::rc::Rc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext, Position};

use super::{Outcome, display, failure, octets, type_name};
use crate::script::api::pattern::Pattern;
use crate::script::engine::Fault;
use crate::script::error;
use crate::script::host::{Host, Stopped};
use crate::script::trouble::{Kind, Trouble};
use crate::session::Command;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    register_check(engine, host);
    register_compared(engine, host);
    let of = Rc::clone(host);
    engine.register_fn("assert", move |held: bool| assert(&of, held, "the assertion does not hold"));
    let of = Rc::clone(host);
    engine.register_fn("assert", move |held: bool, message: &str| assert(&of, held, message));
    let of = Rc::clone(host);
    engine.register_fn("fail", move || fail(&of, "fail() was called"));
    let of = Rc::clone(host);
    engine.register_fn("fail", move |context: NativeCallContext<'_>, message: Dynamic| {
        let message = display(&context, message)?;
        fail(&of, &message)
    });
    let of = Rc::clone(host);
    engine.register_fn("skip", move || skip(&of, ""));
    let of = Rc::clone(host);
    engine.register_fn("skip", move |reason: &str| skip(&of, reason));
}

fn register_check(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("check", move |context: NativeCallContext<'_>, held: bool| {
        check(&context, &of, held, "the check does not hold")
    });
    let of = Rc::clone(host);
    engine.register_fn("check", move |context: NativeCallContext<'_>, held: bool, name: &str| {
        check(&context, &of, held, name)
    });
}

fn register_compared(engine: &mut Engine, host: &Rc<Host>) {
    for (name, wanted) in [("assert_eq", true), ("assert_ne", false)] {
        let of = Rc::clone(host);
        engine.register_fn(name, move |context: NativeCallContext<'_>, received: Dynamic, expected: Dynamic| {
            compare(&context, &of, (name, wanted), received, expected, None)
        });
        let of = Rc::clone(host);
        engine.register_fn(
            name,
            move |context: NativeCallContext<'_>, received: Dynamic, expected: Dynamic, message: &str| {
                compare(&context, &of, (name, wanted), received, expected, Some(message))
            },
        );
    }
    let of = Rc::clone(host);
    engine.register_fn("assert_match", move |context: NativeCallContext<'_>, received: Dynamic, pattern: Dynamic| {
        assert_match(&context, &of, received, &pattern, None)
    });
    let of = Rc::clone(host);
    engine.register_fn(
        "assert_match",
        move |context: NativeCallContext<'_>, received: Dynamic, pattern: Dynamic, message: &str| {
            assert_match(&context, &of, received, &pattern, Some(message))
        },
    );
}

/// Notes a check that does not hold, and goes on. Outside of tests and tasks nobody would hear of it: there it throws.
fn check(context: &NativeCallContext<'_>, host: &Host, held: bool, name: &str) -> Outcome<bool> {
    count(host);
    if held {
        return Ok(true);
    }
    let Some(program) = host.program() else { return Err(thrown("check", name.to_owned())) };
    let source = program.sources.get(context.call_source().unwrap_or_default());
    let report = error::finding(&source, context.call_position(), name.to_owned(), None, None);
    match (host.test(), host.current_task()) {
        (Some(test), _) => test.check_failed(report.failure()),
        (None, Some(task)) => {
            // One line of the log for each line of the excerpt.
            for line in format!("check failed: {}", report.message()).lines() {
                host.push(Command::Log(None, line.to_owned()));
            }
            host.tasks().note_failed_check(task);
        }
        (None, None) => return Err(thrown("check", name.to_owned())),
    }
    Ok(false)
}

fn assert(host: &Host, held: bool, message: &str) -> Outcome<()> {
    count(host);
    if held { Ok(()) } else { Err(thrown("assert", message.to_owned())) }
}

fn fail(host: &Host, message: &str) -> Outcome<()> {
    count(host);
    Err(thrown("fail", message.to_owned()))
}

/// Ends the test as one that was skipped.
fn skip(host: &Host, reason: &str) -> Outcome<()> {
    let Some(test) = host.test() else { return Err(failure("skip() is for tests: functions test_*() of tcpx test")) };
    if !test.skip(reason) {
        return Err(failure("skip() in teardown(): the test has been done; skip() is for setup() and for the test"));
    }
    host.stop(Stopped::Skipped);
    Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
}

/// `assert_eq` and `assert_ne`. A blob and a string are equal if the string has these bytes in UTF-8.
fn compare(
    context: &NativeCallContext<'_>,
    host: &Host,
    (op, wanted): (&'static str, bool),
    received: Dynamic,
    expected: Dynamic,
    message: Option<&str>,
) -> Outcome<()> {
    count(host);
    if are_equal(context, &received, &expected)? == wanted {
        return Ok(());
    }
    let usual = if wanted { "the values are not equal" } else { "the values are equal" };
    let message = message.unwrap_or(usual).to_owned();
    let trouble = Trouble::new(Kind::Assert, op, message);
    // Of equal values one says everything.
    let expected = wanted.then(|| expected.flatten());
    Err(Trouble { got: received.flatten(), expected, ..trouble }.thrown())
}

fn are_equal(context: &NativeCallContext<'_>, a: &Dynamic, b: &Dynamic) -> Outcome<bool> {
    let is_text = |value: &Dynamic| value.is_string();
    if (a.is_blob() && (b.is_blob() || is_text(b))) || (is_text(a) && b.is_blob()) {
        return Ok(octets(a) == octets(b));
    }
    match context.call_native_fn::<bool>("==", (a.clone(), b.clone())) {
        Err(fault) if matches!(*fault, EvalAltResult::ErrorFunctionNotFound(..)) => Ok(false),
        result => result,
    }
}

fn assert_match(
    context: &NativeCallContext<'_>,
    host: &Host,
    received: Dynamic,
    pattern: &Dynamic,
    message: Option<&str>,
) -> Outcome<()> {
    count(host);
    let is_text = received.is_string() || received.is_blob();
    if !is_text {
        let given = type_name(context, &received);
        return Err(failure(format!("assert_match takes a string or a blob, and a pattern; not {given}")));
    }
    let known = pattern.read_lock::<Pattern>().map(|pattern| pattern.clone());
    let text = pattern.read_lock::<ImmutableString>().map(|text| text.clone());
    let pattern = match (known, text) {
        (Some(pattern), _) => pattern,
        (None, Some(text)) => context.call_native_fn::<Pattern>("re", (text,))?,
        (None, None) => {
            let given = type_name(context, pattern);
            return Err(failure(format!("assert_match takes a pattern: a string or re(..), not {given}")));
        }
    };
    if pattern.is_match(context, "assert_match", &received)? {
        return Ok(());
    }
    let message = message.unwrap_or("the text does not match").to_owned();
    let trouble = Trouble::new(Kind::Assert, "assert_match", message);
    Err(Trouble { got: received.flatten(), expected: Some(pattern.regex().as_str().into()), ..trouble }.thrown())
}

fn count(host: &Host) {
    if let Some(test) = host.test() {
        test.count_check();
    }
}

fn thrown(op: &'static str, message: String) -> Fault {
    Trouble::new(Kind::Assert, op, message).thrown()
}
