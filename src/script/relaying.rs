//! `on_relay`: what a script passes on of the bytes between piped connections, and of what it held back once they end.
//!
//! Owns what its answers mean, and whether an error at the end is one. The driver says when it is called.

use std::rc::Rc;

use rhai::{Dynamic, EvalAltResult};

use crate::script::ScriptHandler;
use crate::script::api::conn::Conn;
use crate::script::api::network::relayed;
use crate::script::body::Arg;
use crate::script::check::Hook;
use crate::script::engine::Fault;
use crate::session::{Command, ConnView, HandlerError};

impl ScriptHandler {
    /// What is passed on of a received chunk or, without one, before the end. A handler that takes every `data` for bytes has
    /// nothing to say of the end.
    pub(super) fn pass_on(
        &self,
        from: &Rc<ConnView>,
        to: &Rc<ConnView>,
        chunk: Option<Vec<u8>>,
        out: &mut Vec<Command>,
    ) -> Result<Vec<u8>, HandlerError> {
        let is_end = chunk.is_none();
        let Some(count) = self.hooks.arity(Hook::Relay).filter(|count| !is_end || *count == WITH_DATA) else {
            return Ok(chunk.unwrap_or_default());
        };
        let data = chunk.clone().map_or(Arg::Value(Dynamic::UNIT), Arg::Bytes);
        let args = &mut [from.into(), to.into(), data];
        let to = Conn::new(to);
        let answer =
            self.run(Hook::Relay.name(), out, || match self.program.call_handler(Hook::Relay, args, count) {
                Err(fault) if is_end && is_about_unit(&fault) => Ok(Dynamic::UNIT),
                answer => answer,
            })?;
        let chunk = chunk.unwrap_or_default();
        relayed(&answer, chunk, &to).map_err(|fault| self.wrong_answer(Hook::Relay, &fault))
    }
}

/// Whether the innermost error is that `()` is no value of the type that was wanted.
fn is_about_unit(fault: &Fault) -> bool {
    match &**fault {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => is_about_unit(inner),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            signature.contains("(()") || signature.contains(" ()") || signature.contains("for type '()'")
        }
        EvalAltResult::ErrorMismatchDataType(_, actual, _) => actual == "()",
        EvalAltResult::ErrorIndexingType(what, _) => what.starts_with("()"),
        EvalAltResult::ErrorFor(_) => true,
        EvalAltResult::ErrorDotExpr(what, _) => what.contains("type '()'"),
        _ => false,
    }
}

/// Parameters of an `on_relay` that takes the data.
const WITH_DATA: usize = 3;
