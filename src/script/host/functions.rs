//! What is known of the functions of a script: their parameters, and how they are looked for without being run.

use std::collections::HashMap;

use rhai::FnPtr;

use super::{Host, Stopped};
use crate::script::check::Hook;
use crate::script::own;

impl Host {
    /// Adds the parameters of functions.
    pub(in crate::script) fn learn(&self, parameters: &HashMap<String, u64>) {
        self.parameters.borrow_mut().extend(parameters.iter().map(|(name, bits)| (name.clone(), *bits)));
    }

    /// Whether the script has a function of that name with so many parameters.
    pub(in crate::script) fn defines(&self, name: &str, count: usize) -> bool {
        self.parameters.borrow().get(name).is_some_and(|bits| bits >> count.min(63) & 1 == 1)
    }

    /// Refuses a function that cannot be called as this handler.
    pub(in crate::script) fn check_parameters(&self, hook: Hook, call: &FnPtr) -> Result<(), String> {
        own::check_parameters(hook, call, &self.parameters.borrow())
    }

    /// Does something during which the engine refuses every operation.
    pub(in crate::script) fn refusing<R>(&self, work: impl FnOnce() -> R) -> R {
        let (ceiling, stopped) = (self.ceiling.get(), self.stopped.get());
        self.stop(Stopped::Cancelled);
        let result = work();
        self.ceiling.set(ceiling);
        self.stopped.set(stopped);
        result
    }
}
