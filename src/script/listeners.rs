//! Listeners that a script opened, and the handlers each of them has for its own connections.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use rhai::FnPtr;

use crate::endpoint::Address;
use crate::script::check::Hook;
use crate::session::ListenerId;

/// Handlers of listeners: what a script assigned to `listener.on_data` and the like.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    handlers: HashMap<(ListenerId, Hook), FnPtr>,
    /// Where those will be that are not bound yet; shared with the values the script has.
    pending: HashMap<ListenerId, Rc<OnceCell<Address>>>,
}

impl Listeners {
    /// A listener was opened; its address, which is empty until it is bound.
    pub(super) fn open(&mut self, listener: ListenerId, address: Option<Address>) -> Rc<OnceCell<Address>> {
        let place = Rc::new(OnceCell::new());
        match address {
            Some(address) => drop(place.set(address)),
            None => drop(self.pending.insert(listener, Rc::clone(&place))),
        }
        place
    }

    /// A listener that was opened is bound now.
    pub(super) fn bound(&mut self, listener: ListenerId, address: Address) -> Rc<OnceCell<Address>> {
        let place = self.pending.remove(&listener).unwrap_or_default();
        let _ = place.set(address);
        place
    }

    /// A listener is not to be bound any more.
    pub(super) fn give_up(&mut self, listener: ListenerId) {
        self.pending.remove(&listener);
    }

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
