//! `conn.interactive()`: a task gives its connection to the user.
//!
//! Owns the way from the connection to stdout, and when the call is over. The way from stdin to the connection, and what the
//! ends of both mean, is the driver's business; the task asks for it and is told when nothing more will come.

use std::rc::Rc;

use encoding_rs::UTF_8;
use rhai::{Blob, Engine, ImmutableString};

use super::conn::Conn;
use super::reading::Reading;
use super::{Outcome, stdin};
use crate::config::Charset;
use crate::script::asking::StdinUse;
use crate::script::host::Host;
use crate::script::pulling;
use crate::script::tasks::TaskId;
use crate::script::trouble::{self, Kind, Trouble};
use crate::session::Command;
use crate::session::inbox::{StreamEnd, Wanted};

const NAME: &str = "interactive";

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("interactive", move |conn: Conn| {
        interactive(&of, &conn).map_err(|fault| trouble::about(fault, NAME, &conn))
    });
}

/// Joins stdin and stdout with a connection until its end.
fn interactive(host: &Host, conn: &Conn) -> Outcome<()> {
    let refused = |text: &str| trouble::failure(host, Kind::Io, NAME, Some(conn), text.to_owned());
    if host.test().is_some() {
        return Err(refused("interactive: tests have no stdin and stdout; call it in session() or main()"));
    }
    if host.current_task().is_none() {
        return Err(refused("interactive waits, so it may only be used in session(), main() or start()"));
    }
    let task = stdin::reader(host, NAME)?;
    // Whether somebody else reads the connection.
    Reading::new(host, conn, NAME, "data", None)?;
    let is_read = host.stdin_use() != StdinUse::Unread;
    if is_read {
        begin(host, conn, task)?;
    }
    let result = show_all(host, conn).and_then(|()| if is_read { send_rest(host, conn, task) } else { Ok(()) });
    if is_read {
        // A task that was cancelled may have a successor.
        if host.asking().joined().is_some_and(|(joiner, _)| joiner == task) {
            host.asking().set_joined(None);
            host.push(Command::LeaveStdin);
        }
    }
    result
}

/// Asks for stdin, after a line of it that was read for a task that has gone.
fn begin(host: &Host, conn: &Conn, task: TaskId) -> Outcome<()> {
    let view = conn.view();
    if let Some(line) = host.asking().take_line() {
        let end = if view.text.crlf() { "\r\n" } else { "\n" };
        let encoded = view.text.encode(&format!("{line}{end}"));
        let bytes = encoded.map_err(|fault| Trouble::new(Kind::Text, NAME, fault.to_string()).on(conn).thrown())?;
        host.push(Command::Send(view.id, bytes));
    }
    host.asking().set_joined(Some((task, view.name())));
    host.push(Command::JoinStdin(view.id));
    Ok(())
}

/// Writes to stdout what the connection receives, until its end.
fn show_all(host: &Host, conn: &Conn) -> Outcome<()> {
    let is_utf8 = conn.view().text.recv() == Charset::Named(UTF_8);
    let wanted = if is_utf8 && host.text().recv.is_none() { Wanted::Bytes } else { Wanted::Text };
    loop {
        let reading = Reading::new(host, conn, NAME, "data", None)?.without_limit();
        let Some(piece) = reading.piece_to_end(&wanted)? else { return Ok(()) };
        let bytes = match piece.try_cast_result::<Blob>() {
            Ok(bytes) => bytes,
            Err(text) => text.try_cast::<ImmutableString>().unwrap_or_default().as_bytes().to_vec(),
        };
        host.push(Command::Output(conn.view().id, bytes));
    }
}

/// After the peer's end: waits for what stdin still gives, by the rules of that end.
fn send_rest(host: &Host, conn: &Conn, task: TaskId) -> Outcome<()> {
    let Some(pull) = pulling::pull(conn.view()) else { return Ok(()) };
    if pull.close_reason().is_none() {
        host.push(Command::FinishStdin);
    }
    while pull.close_reason().is_none() && !host.asking().has_left() {
        pull.wait(host, task, None)?;
    }
    match pull.trouble() {
        Some(broken) => {
            let (kind, message) = trouble::of_end(&StreamEnd::Broken(broken));
            Err(Trouble::new(kind, NAME, message).on(conn).thrown())
        }
        None => Ok(()),
    }
}
