//! Received bytes that a script is shown before they are cut: expectations (`conn.expect`) and `frame_size`.
//!
//! Owns the calls for them and what their answers mean. The search is in `expecting`; the session holds the bytes.

use std::rc::Rc;

use rhai::Dynamic;

use crate::script::api::conn::Conn;
use crate::script::check::Hook;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::{ScriptHandler, api};
use crate::session::{Command, ConnView, HandlerError};

impl ScriptHandler {
    /// Calls the first expectation of a connection, which has found its match.
    pub(super) fn match_expected(&self, conn: &Rc<ConnView>, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        let Some((expectation, found)) = self.host.take_found(conn) else { return Ok(()) };
        out.push(Command::Skip(conn.id, found.end));
        let value = api::expect::match_value(Some(found));
        let result = self.call_back("expect", &expectation.call, &mut [conn.into(), value.into()], out);
        self.host.apply_form(conn, out);
        result
    }

    /// Calls `frame_size` for the length of the next frame.
    pub(super) fn measure(
        &self,
        conn: &Rc<ConnView>,
        bytes: Vec<u8>,
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        let answer = self.ask_hook(Hook::FrameSize, &mut [conn.into(), bytes.into()], out)?;
        let length = length(&answer).map_err(|fault| self.wrong_answer(Hook::FrameSize, &fault))?;
        out.push(Command::Cut(conn.id, length));
        Ok(())
    }
}

impl Host {
    /// Calls `frame_size` for the length of the next frame, in the middle of a task. It must not wait, as elsewhere.
    pub(super) fn measure(&self, conn: &Conn, bytes: Vec<u8>) -> Result<usize, Fault> {
        let (Some(program), Some(count)) = (self.program(), self.hooks().arity(Hook::FrameSize)) else { return Ok(0) };
        let task = self.running_task().take();
        let answer = program.call_handler(Hook::FrameSize, &mut [conn.view().into(), bytes.into()], count);
        self.running_task().set(task);
        length(&answer?).map_err(Into::into)
    }
}

/// The length that `frame_size` has given.
fn length(answer: &Dynamic) -> Result<usize, String> {
    let length = answer.as_int().ok().and_then(|length| usize::try_from(length).ok());
    length.ok_or_else(|| format!("frame_size gave {answer:?}: it has to give a length in bytes, or 0 for more"))
}
