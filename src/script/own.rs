//! `Handlers`: the handlers of one listener or of one connection, which go before those of the script.
//!
//! Owns which of the two is called. Handlers of received data belong together: an owner that has one of them gets none of
//! the script's. All others are replaced one by one.

use std::collections::HashMap;

use rhai::FnPtr;

use crate::script::check::{Hook, Hooks};

/// Handlers of one owner.
#[derive(Clone, Debug, Default)]
pub(super) struct Handlers(Vec<(Hook, FnPtr)>);

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
        self.0.retain(|(known, _)| *known != hook);
        self.0.push((hook, call));
    }

    /// The handler of that name.
    pub(super) fn get(&self, hook: Hook) -> Option<&FnPtr> {
        self.0.iter().find(|(known, _)| *known == hook).map(|(_, call)| call)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who handles an event.
    pub(super) fn handling(&self, hook: Hook) -> Handling {
        match self.get(hook) {
            Some(call) => Handling::Own(call.clone()),
            None if hook.takes_data() && self.0.iter().any(|(own, _)| own.takes_data()) => Handling::Nobody,
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
