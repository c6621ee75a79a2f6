//! `Program`: one version of a script, compiled and loaded: the engine, and calls of its functions.
//!
//! Shared with the tasks that run in it, so that they finish with the version they began with. Knows nothing of limits and
//! commands (`host`), and does not say what a failed call means.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::rc::Rc;

use rhai::{AST, Caches, Dynamic, Engine, EvalContext, FnPtr, FuncArgs, Scope};

use crate::script::check::Hook;
use crate::script::engine::Fault;
use crate::script::outline;
use crate::script::source::Sources;

/// Maximum calls with one [`CallCache`].
const CALLS_PER_CACHE: u32 = 1 << 16;

/// One loaded version of a script.
pub(super) struct Program {
    pub(super) engine: Engine,
    pub(super) sources: Rc<Sources>,
    /// Numbers of parameters of each function, closures included, as a bit set: bit `n` for `n` parameters.
    pub(super) parameters: HashMap<String, u64>,
    no_ast: AST,
    /// Where `session` stands, as `FILE:LINE`.
    session_place: OnceCell<String>,
    /// Cache of the last call of a handler, for the next one.
    cache: Cell<Option<Box<CallCache>>>,
}

/// State of Rhai that would be made anew for each call.
#[derive(Default)]
struct CallCache {
    /// Rhai's cache of resolved functions.
    caches: Caches,
    /// Empty between calls; keeps the allocation for variables.
    scope: Scope<'static>,
    /// Number of calls that have used it.
    calls: u32,
}

impl Program {
    pub(super) fn new(engine: Engine, sources: Rc<Sources>, parameters: HashMap<String, u64>) -> Rc<Self> {
        Rc::new(Self {
            engine,
            sources,
            parameters,
            no_ast: AST::empty(),
            session_place: OnceCell::new(),
            cache: Cell::default(),
        })
    }

    /// Calls a function by its name. Unlike `Engine::eval_fn_call` it keeps Rhai's cache from call to call: looking up every
    /// function anew is a fifth of the time of a one-line handler. Passes only the first `count` arguments, because a handler
    /// may leave out trailing parameters.
    pub(super) fn call_by_name<const N: usize>(
        &self,
        name: &str,
        mut args: [Dynamic; N],
        count: usize,
    ) -> Result<Dynamic, Fault> {
        let mut cache = self.cache.take().unwrap_or_default();
        let result = self.call_with(&mut cache, name, &mut args.each_mut()[..count.min(N)]);
        // Bounded, because generated names would fill the caches. Dropped after an error, when they may belong to a deeper
        // level.
        if result.is_ok() && cache.calls < CALLS_PER_CACHE {
            cache.calls += 1;
            cache.scope.clear();
            self.cache.set(Some(cache));
        }
        result
    }

    /// The same for a call that may be left in the middle: with caches of its own.
    pub(super) fn call_in_task(&self, name: &str, args: &mut [Dynamic]) -> Result<Dynamic, Fault> {
        let mut args: Vec<_> = args.iter_mut().collect();
        self.call_with(&mut CallCache::default(), name, &mut args)
    }

    fn call_with(&self, cache: &mut CallCache, name: &str, args: &mut [&mut Dynamic]) -> Result<Dynamic, Fault> {
        let mut global = self.engine.new_global_runtime_state();
        let mut context = EvalContext::new(&self.engine, &mut global, &mut cache.caches, &mut cache.scope, None);
        context.call_fn_raw(name, false, false, args)
    }

    /// Calls a function value.
    pub(super) fn call(&self, function: &FnPtr, args: impl FuncArgs) -> Result<Dynamic, Fault> {
        // With the script's own AST the call would not find functions that the script imports.
        function.call::<Dynamic>(&self.engine, &self.no_ast, args)
    }

    /// Where `session` stands: `FILE:LINE`.
    pub(super) fn session_place(&self) -> &str {
        self.session_place.get_or_init(|| {
            let main = self.sources.main();
            let is_session = |word: &outline::Word<'_>| word.keyword == "fn" && word.name == Hook::Session.name();
            let line = outline::words(&main.text).find(is_session).map_or(1, |word| word.line);
            format!("{}:{}", main.name, main.line_number(line))
        })
    }

    /// How many of `given` arguments a function value is called with, because trailing parameters may be left out; captured
    /// values of a closure come before them. `Err`: the least number of parameters that it has.
    pub(super) fn arity(&self, function: &FnPtr, given: usize) -> Result<usize, usize> {
        let captured = function.curry().len();
        match self.parameters.get(function.fn_name()) {
            None => Ok(given),
            Some(&bits) => {
                let takes = |count: &usize| bits >> (count + captured).min(63) & 1 == 1;
                let least = || (bits.trailing_zeros() as usize).saturating_sub(captured);
                (0..=given).rev().find(takes).ok_or_else(least)
            }
        }
    }
}

/// The first `count` arguments of a call, because a handler may leave out trailing parameters.
pub(super) struct First<const N: usize> {
    pub(super) args: [Dynamic; N],
    pub(super) count: usize,
}

impl<const N: usize> FuncArgs for First<N> {
    fn parse<ARGS: Extend<Dynamic>>(self, args: &mut ARGS) {
        args.extend(self.args.into_iter().take(self.count));
    }
}

/// Any number of arguments.
pub(super) struct All(pub(super) Vec<Dynamic>);

impl FuncArgs for All {
    fn parse<ARGS: Extend<Dynamic>>(self, args: &mut ARGS) {
        args.extend(self.0);
    }
}
