//! `Listeners`: the listeners that a script opened, and their handlers for the connections they accept from then on.
//!
//! Owns the addresses of listeners whose name is being resolved. Binds nothing: the driver does.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use rhai::FnPtr;

use crate::endpoint::Address;
use crate::script::check::Hook;
use crate::script::own::Handlers;
use crate::session::ListenerId;

/// Listeners with the handlers assigned to `listener.on_data` and the like.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    handlers: HashMap<ListenerId, Rc<Handlers>>,
    /// Addresses of listeners that are not bound yet, shared with the script's values.
    pending: HashMap<ListenerId, Rc<OnceCell<Address>>>,
}

impl Listeners {
    /// Adds a listener. Returns its shared address, which is empty until it is bound.
    pub(super) fn open(&mut self, listener: ListenerId, address: Option<Address>) -> Rc<OnceCell<Address>> {
        let place = Rc::new(OnceCell::new());
        match address {
            Some(address) => drop(place.set(address)),
            None => drop(self.pending.insert(listener, Rc::clone(&place))),
        }
        place
    }

    /// Sets the address of a listener that is bound now.
    pub(super) fn bound(&mut self, listener: ListenerId, address: Address) -> Rc<OnceCell<Address>> {
        let place = self.pending.remove(&listener).unwrap_or_default();
        let _ = place.set(address);
        place
    }

    /// Removes a listener that will not be bound.
    pub(super) fn give_up(&mut self, listener: ListenerId) {
        self.pending.remove(&listener);
    }

    /// Sets a handler of a listener, for the connections it accepts from now on.
    pub(super) fn set(&mut self, listener: ListenerId, hook: Hook, call: FnPtr) {
        Rc::make_mut(self.handlers.entry(listener).or_default()).set(hook, call);
    }

    /// The handlers of a listener, if it has any.
    pub(super) fn handlers(&self, listener: ListenerId) -> Option<Rc<Handlers>> {
        self.handlers.get(&listener).cloned()
    }
}
