//! Panics of tcpx itself: one line on stderr that asks for a bug report, instead of a backtrace.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::codec::escape::show_line;
use crate::driver;
use crate::exit::Exit;
use crate::sys::stack;

/// The last panic, on whatever thread.
static LAST: Mutex<String> = Mutex::new(String::new());

/// The panic hook: stores the message for [`report`]. A panic that is caught and reported elsewhere (in a native
/// function of a script) is never printed here; one on another thread, which nobody catches, ends the process.
pub fn remember(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let what = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    *last() = format!("{what} ({place})");
    if !stack::is_watched() {
        report();
        std::process::exit(i32::from(Exit::Bug.code()));
    }
}

/// Prints the last panic.
pub fn report() {
    let version = env!("CARGO_PKG_VERSION");
    let what = std::mem::take(&mut *last());
    driver::say_last(&format!(
        "tcpx: a bug in tcpx {version}, please report it as {} says: {}\n",
        where_to_report(),
        show_line(&what)
    ));
}

/// What says where a report goes: the file of the sources, and where they are, if Cargo.toml says so.
fn where_to_report() -> &'static str {
    const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
    if REPOSITORY.is_empty() { "CONTRIBUTING.md" } else { concat!("CONTRIBUTING.md of ", env!("CARGO_PKG_REPOSITORY")) }
}

fn last() -> MutexGuard<'static, String> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}
