//! Listeners that a script opened, and the handlers each of them has for its own connections.

use std::collections::HashMap;

use rhai::FnPtr;

use crate::script::check::Hook;
use crate::session::ListenerId;

/// Handlers of listeners: what a script assigned to `listener.on_data` and the like.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    handlers: HashMap<(ListenerId, Hook), FnPtr>,
}

impl Listeners {
    /// Sets a listener's own handler.
    pub(super) fn set(&mut self, listener: ListenerId, hook: Hook, call: FnPtr) {
        self.handlers.insert((listener, hook), call);
    }

    /// A listener's own handler.
    pub(super) fn get(&self, listener: ListenerId, hook: Hook) -> Option<FnPtr> {
        self.handlers.get(&(listener, hook)).cloned()
    }

    /// Whether a listener has its own handler.
    pub(super) fn has(&self, listener: ListenerId, hook: Hook) -> bool {
        self.handlers.contains_key(&(listener, hook))
    }
}
