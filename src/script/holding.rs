//! What a script still has to do with a connection, and the expectations that nothing has met: at their time limit, or at the
//! end of the stream.
//!
//! Owns which of its handlers, expectations and timers hold a connection; what follows from that is `session::holds`.

use std::rc::Rc;

use crate::script::ScriptHandler;
use crate::script::api;
use crate::script::check::Hooks;
use crate::script::expecting::Expectation;
use crate::script::timers::TimerId;
use crate::session::{Command, ConnView, HandlerError, Holds};

impl ScriptHandler {
    /// What the script holds of a connection.
    pub(super) fn held(&self, conn: &ConnView) -> Holds {
        let (later, repeats) = self.host.timers().of(conn.id);
        let receives = Hooks::receiver(self.having(conn)).is_some();
        Holds { receives, expects: self.host.is_expecting(conn), later, repeats }
    }

    /// Calls the expectation whose time limit has passed.
    pub(super) fn expectation_overdue(
        &self,
        conn: &Rc<ConnView>,
        limit: TimerId,
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        let Some(late) = self.host.take_overdue(conn, limit) else { return Ok(()) };
        let result = if conn.info.is_heard_out() {
            self.tell_unmet(conn, &late, out)
        } else {
            let value = api::expect::match_value(None);
            self.call_back("expect", &late.call, &mut [conn.into(), value.into()], out)
        };
        self.host.apply_form(conn, out);
        result
    }

    /// Calls all expectations of a connection as unmet, at the end of the stream.
    pub(super) fn expire_expected(&self, conn: &Rc<ConnView>, out: &mut Vec<Command>) -> Result<(), HandlerError> {
        for expectation in self.host.take_expected(conn) {
            self.tell_unmet(conn, &expectation, out)?;
        }
        Ok(())
    }

    /// Calls one expectation that the end of the stream has left unmet.
    fn tell_unmet(
        &self,
        conn: &Rc<ConnView>,
        expectation: &Expectation,
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        let value = api::expect::unmet_value(expectation.search.take_rest());
        self.host.set_telling_end(Some(conn.id));
        let result = self.call_back("expect", &expectation.call, &mut [conn.into(), value.into()], out);
        self.host.set_telling_end(None);
        result
    }
}
