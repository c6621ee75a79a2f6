//! The script API: one file for each group of functions, all registered here.
//!
//! Functions push commands and do no I/O; only `files` reads and writes small files. Every name is documented in
//! [`crate::script::reference`]; a test compares the two.

mod blob_items;
pub(super) mod bytes;
mod checks;
pub(super) mod conn;
mod digests;
pub(super) mod expect;
mod files;
pub(super) mod framing;
pub(super) mod globals;
mod half;
mod interactive;
mod json;
pub(super) mod misfits;
pub(super) mod network;
pub(super) mod numbers;
mod pack;
pub(super) mod pattern;
mod random;
pub(super) mod reading;
mod room;
pub(super) mod sized;
mod sorting;
mod stdin;
pub(super) mod tasks;
pub(super) mod text;
pub(super) mod timers;
mod tls;
mod toxics;
mod waits;

use std::rc::Rc;

use rhai::{Blob, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

use crate::script::host::Host;
use crate::script::paths::FileAccess;
use crate::script::trouble;

/// The result of a function that can fail. The engine adds the position.
type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// Registers every function.
pub(super) fn register(engine: &mut Engine, host: &Rc<Host>, access: Rc<FileAccess>) {
    conn::register(engine, host);
    timers::register(engine, host);
    framing::register(engine, host);
    expect::register(engine, host);
    toxics::register(engine, host);
    network::register(engine, host, &access);
    tls::register(engine, host, &access);
    reading::register(engine, host);
    room::register(engine, host);
    stdin::register(engine, host);
    interactive::register(engine, host);
    tasks::register(engine, host);
    globals::register(engine, host);
    checks::register(engine, host);
    blob_items::register(engine);
    bytes::register(engine, host);
    numbers::register(engine);
    pack::register(engine, host);
    digests::register(engine);
    text::register(engine);
    json::register(engine, host);
    sized::register(engine, host);
    sorting::register(engine, host);
    pattern::register(engine, host);
    random::register(engine, host);
    files::register(engine, host, access);
}

/// An error that a script can catch: `catch (e)` gets its text, in a task the map of all errors there.
fn failure(text: impl Into<String>) -> Box<EvalAltResult> {
    trouble::refusal(text.into())
}

/// A value as `print` writes it.
fn display(context: &NativeCallContext<'_>, value: Dynamic) -> Outcome<ImmutableString> {
    if value.is_string() {
        return Ok(value.into_immutable_string().unwrap_or_default());
    }
    let shown: Dynamic = context.call_native_fn("to_string", (value,))?;
    shown.into_immutable_string().map_err(failure)
}

/// The bytes of a blob, or of a string in UTF-8.
fn octets(value: &Dynamic) -> Option<Vec<u8>> {
    if let Some(blob) = value.read_lock::<Blob>() {
        return Some(blob.clone());
    }
    value.read_lock::<ImmutableString>().map(|text| text.as_bytes().to_vec())
}

/// The name of a value's type in messages.
fn type_name(context: &NativeCallContext<'_>, value: &Dynamic) -> String {
    crate::script::error::friendly(context.engine().map_type_name(value.type_name()))
}
