//! `Handlers`: the handlers of one listener or of one connection, which go before those of the script.
//!
//! Owns which of the two is called. Handlers of received data belong together: an owner that has one of them gets none of
//! the script's. All others are replaced one by one.

use std::collections::HashMap;

use rhai::FnPtr;

use crate::script::ScriptHandler;
use crate::script::body::Arg;
use crate::script::check::{Hook, Hooks};
use crate::session::{Command, ConnView, HandlerError};

/// Handlers of one owner.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers {
    own: Vec<(Hook, FnPtr)>,
    /// Those of the script are not called for what it has not.
    alone: bool,
}

/// Who handles an event of a connection.
#[derive(Debug)]
pub(super) enum Handling {
    /// A function of the connection's owner.
    Own(FnPtr),
    /// The script's handler, if it has one.
    Script,
    /// Nobody: the owner takes received data in another form.
    Nobody,
}

impl Handlers {
    /// Sets a handler, in place of one that was there.
    pub(super) fn set(&mut self, hook: Hook, call: FnPtr) {
        self.own.retain(|(known, _)| *known != hook);
        self.own.push((hook, call));
    }

    /// The handler of that name.
    pub(super) fn get(&self, hook: Hook) -> Option<&FnPtr> {
        self.own.iter().find(|(known, _)| *known == hook).map(|(_, call)| call)
    }

    /// Keeps the script's handlers away, also from what it has no handler for.
    pub(super) fn stand_alone(&mut self) {
        self.alone = true;
    }

    /// Whether one takes received data, a session included.
    pub(super) fn takes_data(&self) -> bool {
        self.own.iter().any(|(own, _)| own.takes_data())
    }

    /// Whether a session takes the connection.
    pub(super) fn is_session(&self) -> bool {
        self.get(Hook::Session).is_some()
    }

    /// A handler of received data that stands beside a session, which takes all of that.
    pub(super) fn beside_session(&self) -> Option<Hook> {
        let mut streams = Hook::OF_STREAMS.into_iter();
        streams.find(|hook| self.is_session() && self.get(*hook).is_some())
    }

    /// Whether there is one.
    pub(super) fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// Whether there is nothing to know of them.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && !self.alone
    }

    /// Who handles an event.
    pub(super) fn handling(&self, hook: Hook) -> Handling {
        match self.get(hook) {
            Some(call) => Handling::Own(call.clone()),
            None if self.alone => Handling::Nobody,
            None if hook.takes_data() && self.takes_data() => Handling::Nobody,
            None => Handling::Script,
        }
    }

    /// Whether an event has a handler, here or in the script.
    pub(super) fn has(&self, hook: Hook, script: &Hooks) -> bool {
        match self.handling(hook) {
            Handling::Own(_) => true,
            Handling::Script => script.has(hook),
            Handling::Nobody => false,
        }
    }
}

impl ScriptHandler {
    /// Whether a connection has this handler: its own, or the script's.
    pub(super) fn has(&self, conn: &ConnView, hook: Hook) -> bool {
        self.having(conn)(hook)
    }

    /// The same for several handlers of one connection.
    pub(super) fn having(&self, conn: &ConnView) -> impl Fn(Hook) -> bool {
        let own = self.host.own(conn);
        move |hook| own.as_ref().map_or_else(|| self.hooks.has(hook), |own| own.has(hook, &self.hooks))
    }

    /// Calls the handler of a connection: its own, or else that of the script.
    pub(super) fn call_hook(
        &self,
        conn: &ConnView,
        hook: Hook,
        args: &mut [Arg],
        out: &mut Vec<Command>,
    ) -> Result<(), HandlerError> {
        match self.host.own(conn).map_or(Handling::Script, |own| own.handling(hook)) {
            Handling::Own(own) => self.call_back(hook.name(), &own, args, out),
            Handling::Script => self.call(hook, args, out),
            Handling::Nobody => Ok(()),
        }
    }
}

/// Refuses a function that cannot be called with what a handler gets. `parameters` has the numbers of parameters of each
/// function of the script, as a bit set.
pub(super) fn check_parameters(hook: Hook, call: &FnPtr, parameters: &HashMap<String, u64>) -> Result<(), String> {
    let Some(&bits) = parameters.get(call.fn_name()) else { return Ok(()) };
    let captured = call.curry().len();
    let given = super::check::parameters(hook.name()).unwrap_or_default();
    if (0..=given.len()).any(|count| bits >> (count + captured).min(63) & 1 == 1) {
        return Ok(());
    }
    let has = (bits.trailing_zeros() as usize).saturating_sub(captured);
    let plural = if has == 1 { "" } else { "s" };
    Err(format!("{} is called with ({}), and the function has {has} parameter{plural}", hook.name(), given.join(", ")))
}
