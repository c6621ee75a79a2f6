//! `Frame`: the variables and the environment of one function between its calls.

use std::rc::Rc;

use rhai::{Blob, Caches, Dynamic, Engine, EvalContext, GlobalRuntimeState, Scope};

use super::function::{Body, Function};
use super::variables::Direct;
use super::{Arg, Bodies, nodes};
use crate::script::api::conn::Conn;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::session::ConnView;

/// Maximum calls with one cache of Rhai's.
const CALLS_PER_CACHE: u32 = 1 << 16;

/// What calls of one function need, one after the other.
pub(super) struct Frame {
    /// The parameters, and nothing else between calls.
    scope: Scope<'static>,
    global: GlobalRuntimeState,
    /// Rhai's cache of the functions it has looked for.
    caches: Caches,
    /// Number of calls that have used it.
    calls: u32,
    /// The arguments of a body of nodes, while it runs.
    args: Vec<Arg>,
}

impl Frame {
    pub(super) fn new(function: &Function) -> Self {
        let mut scope = Scope::with_capacity(function.parameters());
        for name in function.names() {
            scope.push_dynamic(name.as_str(), Dynamic::UNIT);
        }
        Self { scope, global: function.environment.clone(), caches: Caches::new(), calls: 0, args: Vec::new() }
    }

    /// Calls the function.
    pub(super) fn call(
        &mut self,
        engine: &Engine,
        function: &Function,
        bodies: &Bodies,
        host: &Host,
        captured: &[Dynamic],
        args: impl Iterator<Item = Arg>,
    ) -> Result<Dynamic, Fault> {
        self.calls += 1;
        self.global.num_operations = 0;
        self.global.num_modules_loaded = 0;
        let (result, is_in_scope) = match &function.body {
            Body::Nodes(nodes) => {
                self.args.extend(captured.iter().cloned().map(Arg::Value).chain(args).map(Arg::known));
                let mut variables = Direct {
                    engine,
                    names: function.names(),
                    args: &mut self.args,
                    scope: &mut self.scope,
                    global: &mut self.global,
                    caches: &mut self.caches,
                    is_in_scope: false,
                };
                let result = nodes::run(nodes, &mut variables, host, &bodies.app);
                let is_in_scope = variables.is_in_scope;
                self.args.clear();
                (result, is_in_scope)
            }
            Body::Tree(expression) => {
                let mut names = function.names().iter();
                // In this order: a name must not be taken in vain.
                for (value, name) in captured.iter().zip(names.by_ref()) {
                    if let Some(place) = self.scope.get_mut(name) {
                        *place = value.clone();
                    }
                }
                for (name, arg) in names.zip(args) {
                    if let Some(place) = self.scope.get_mut(name) {
                        put(place, arg);
                    }
                }
                let mut context = EvalContext::new(engine, &mut self.global, &mut self.caches, &mut self.scope, None);
                (context.eval_expression_tree(&expression.into()), true)
            }
        };
        let result = function.outcome(result.map(Dynamic::flatten));
        if is_in_scope {
            self.scope.rewind(function.parameters());
            for name in function.names() {
                if let Some(place) = self.scope.get_mut(name) {
                    clear(place, &bodies.nobody);
                }
            }
        }
        result
    }

    /// Whether it may serve another call. Bounded, because generated names would fill the cache.
    pub(super) fn can_be_kept(&self) -> bool {
        self.calls < CALLS_PER_CACHE
    }
}

/// Puts an argument into its variable, if possible without a new value.
pub(super) fn put(place: &mut Dynamic, arg: Arg) {
    // A closure has captured it, and keeps it.
    if place.is_shared() {
        *place = arg.into_value();
        return;
    }
    place.set_tag(0);
    match arg {
        Arg::Conn(view) => {
            if let Some(mut conn) = place.write_lock::<Conn>() {
                *conn = Conn::new(&view);
                return;
            }
            *place = Arg::Conn(view).into_value();
        }
        Arg::Bytes(bytes) => {
            if let Some(mut blob) = place.write_lock::<Blob>() {
                *blob = bytes;
                return;
            }
            *place = Dynamic::from_blob(bytes);
        }
        Arg::Value(value) => *place = value,
    }
}

/// Takes out of a variable what must not live until the next call.
fn clear(place: &mut Dynamic, nobody: &Rc<ConnView>) {
    if !place.is_shared() {
        if let Some(mut blob) = place.write_lock::<Blob>() {
            *blob = Blob::new();
            return;
        }
        if let Some(mut conn) = place.write_lock::<Conn>() {
            *conn = Conn::new(nobody);
            return;
        }
    }
    *place = Dynamic::UNIT;
}
