//! Received bytes that a script is shown before they are cut: expectations (`conn.expect`) and `frame_size`.
//!
//! Owns the calls for them and what their answers mean. The search is in `expecting`; the session holds the bytes.

use std::rc::Rc;

use rhai::Dynamic;

use crate::script::api::conn::Conn;
use crate::script::check::Hook;
use crate::script::{ScriptHandler, api};
use crate::session::{Command, ConnView, HandlerError};

impl ScriptHandler {
    /// Calls the first expectation of a connection, which has found its match.
    pub(super) fn match_expected(&self, conn: &Rc<ConnView>, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        let Some((expectation, found)) = self.host.take_found(conn) else { return Ok(()) };
        out.push(Command::Skip(conn.id, found.end));
        let value = api::expect::match_value(Some(found));
        let result = self.call_back("expect", &expectation.call, [Dynamic::from(Conn::new(conn)), value], out);
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
        let answer =
            self.ask_hook(Hook::FrameSize, [Dynamic::from(Conn::new(conn)), Dynamic::from_blob(bytes)], out)?;
        let length = answer.as_int().ok().and_then(|length| usize::try_from(length).ok());
        if let Some(length) = length {
            out.push(Command::Cut(conn.id, length));
            Ok(())
        } else {
            let fault = format!("frame_size gave {answer:?}: it has to give a length in bytes, or 0 for more");
            Err(self.wrong_answer(Hook::FrameSize, &fault))
        }
    }
}
