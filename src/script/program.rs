//! `Program`: one version of a script, compiled and loaded: the engine, and calls of its functions.
//!
//! Shared with the tasks that run in it, so that they finish with the version they began with. Knows nothing of limits and
//! commands (`host`), and does not say what a failed call means.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use rhai::{AST, Caches, Dynamic, Engine, EvalContext, FnPtr, FuncArgs, Scope};

use crate::script::body::{Arg, Bodies, Flow, Root, Turn, Way};
use crate::script::check::Hook;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::outline;
use crate::script::source::Sources;

/// One loaded version of a script.
pub(super) struct Program {
    pub(super) engine: Engine,
    pub(super) sources: Rc<Sources>,
    /// Numbers of parameters of each function, closures included, as a bit set: bit `n` for `n` parameters.
    pub(super) parameters: HashMap<String, u64>,
    no_ast: AST,
    /// Where `session` stands, as `FILE:LINE`.
    session_place: OnceCell<String>,
    host: Rc<Host>,
    bodies: Bodies,
}

impl Program {
    /// `app`: the map of that name.
    pub(super) fn new(
        engine: Engine,
        sources: Rc<Sources>,
        parameters: HashMap<String, u64>,
        host: Rc<Host>,
        app: &Dynamic,
        way: Way,
    ) -> Rc<Self> {
        let bodies = Bodies::new(way, host.now(), app);
        Rc::new(Self {
            engine,
            sources,
            parameters,
            no_ast: AST::empty(),
            session_place: OnceCell::new(),
            host,
            bodies,
        })
    }

    /// Calls a handler with the first `count` arguments, because it may leave out trailing parameters. They are taken.
    pub(super) fn call_handler(&self, hook: Hook, args: &mut [Arg], count: usize) -> Result<Dynamic, Fault> {
        let args = first(args, count);
        match self.bodies.handler(&self.engine, &self.host, hook, args.len()) {
            Some(call) => call.run(&self.engine, &self.host, &[], args),
            None => self.call_by_rhai(hook.name(), values(args)),
        }
    }

    /// Calls a function by its name.
    pub(super) fn call_by_name(&self, name: &str, args: Vec<Dynamic>) -> Result<Dynamic, Fault> {
        match self.bodies.named(&self.engine, &self.host, name, args.len()) {
            Some(call) => {
                let mut args: Vec<_> = args.into_iter().map(Arg::Value).collect();
                call.run(&self.engine, &self.host, &[], &mut args)
            }
            None => self.call_by_rhai(name, args),
        }
    }

    fn call_by_rhai(&self, name: &str, mut args: Vec<Dynamic>) -> Result<Dynamic, Fault> {
        let mut args: Vec<_> = args.iter_mut().collect();
        let (mut global, mut caches, mut scope) = (self.engine.new_global_runtime_state(), Caches::new(), Scope::new());
        let mut context = EvalContext::new(&self.engine, &mut global, &mut caches, &mut scope, None);
        context.call_fn_raw(name, false, false, &mut args)
    }

    /// Calls a function value with the first `count` arguments. They are taken.
    pub(super) fn call(&self, function: &FnPtr, args: &mut [Arg], count: usize) -> Result<Dynamic, Fault> {
        let args = first(args, count);
        // With the script's own AST the call would not find functions that the script imports.
        match self.bodies.value(&self.engine, &self.host, function, args.len(), &self.no_ast) {
            Some(call) => call.run(&self.engine, &self.host, function.curry(), args),
            None => function.call::<Dynamic>(&self.engine, &self.no_ast, All(values(args))),
        }
    }

    /// The same with all of these arguments.
    pub(super) fn call_with(&self, function: &FnPtr, args: Vec<Dynamic>) -> Result<Dynamic, Fault> {
        let mut args: Vec<_> = args.into_iter().map(Arg::Value).collect();
        let count = args.len();
        self.call(function, &mut args, count)
    }

    /// A call of a function that can be left where it waits; it has not begun. Takes the arguments. `None`: it cannot be left.
    pub(super) fn flow(&self, root: Root, args: &mut Vec<Dynamic>) -> Option<Box<Flow>> {
        self.bodies.flow(&self.engine, &self.host, root, &self.no_ast, args)
    }

    /// Runs such a call until it is left or ends.
    pub(super) fn go_on(&self, flow: Box<Flow>) -> Turn {
        flow.go_on(&self.engine, &self.host, &self.bodies, &self.no_ast)
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

/// The first of these, or all if there are fewer.
fn first(args: &mut [Arg], count: usize) -> &mut [Arg] {
    let count = count.min(args.len());
    &mut args[..count]
}

/// Takes arguments as values of the script.
fn values(args: &mut [Arg]) -> Vec<Dynamic> {
    args.iter_mut().map(|arg| std::mem::take(arg).into_value()).collect()
}

/// Any number of arguments.
struct All(Vec<Dynamic>);

impl FuncArgs for All {
    fn parse<ARGS: Extend<Dynamic>>(self, args: &mut ARGS) {
        args.extend(self.0);
    }
}
