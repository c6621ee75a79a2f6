//! `Room` and `Frame`: the variables of one function between its calls, and those with its environment.

use std::rc::Rc;

use rhai::{Blob, Caches, Dynamic, Engine, EvalContext, GlobalRuntimeState, ImmutableString, Scope};

use super::function::{Body, Function};
use super::variables::Direct;
use super::{Arg, Bodies, nodes};
use crate::script::api::conn::Conn;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::session::ConnView;

/// Maximum calls with one cache of Rhai's.
const CALLS_PER_CACHE: u32 = 1 << 16;

/// The variables of one function between its calls.
pub(super) struct Room {
    /// The parameters, and nothing else between calls.
    scope: Scope<'static>,
    /// Rhai's cache of the functions it has looked for.
    caches: Caches,
    /// Number of calls that have used it.
    calls: u32,
    /// The arguments of a body of steps while it runs, until they go into the scope; those of a body of nodes stay with who calls
    /// it, unless something is captured.
    args: Vec<Arg>,
    /// They have gone into the scope.
    is_in_scope: bool,
}

/// Where a body is evaluated.
pub(super) struct Place<'a> {
    pub(super) engine: &'a Engine,
    pub(super) global: &'a mut GlobalRuntimeState,
    pub(super) host: &'a Host,
    /// The map of that name.
    pub(super) app: &'a Dynamic,
}

impl Room {
    pub(super) fn new(names: &[ImmutableString]) -> Self {
        let mut scope = Scope::with_capacity(names.len());
        for name in names {
            scope.push_dynamic(name.as_str(), Dynamic::UNIT);
        }
        Self { scope, caches: Caches::new(), calls: 0, args: Vec::new(), is_in_scope: false }
    }

    fn count(&mut self) {
        self.calls += 1;
        self.is_in_scope = false;
    }

    /// Begins a call with arguments that stay beside the scope.
    pub(super) fn begin(&mut self, args: impl Iterator<Item = Arg>) {
        self.count();
        self.args.extend(args);
        self.args.iter_mut().for_each(Arg::know);
    }

    /// Ends such a call.
    pub(super) fn end(&mut self) {
        self.args.clear();
    }

    /// Whether the arguments of the call are still beside the scope.
    pub(super) fn is_beside_scope(&self) -> bool {
        !self.is_in_scope
    }

    /// Whether nobody is changing what the arguments share with others.
    pub(super) fn is_free(&self) -> bool {
        !self.args.iter().any(|arg| matches!(arg, Arg::Value(value) if value.is_locked()))
    }

    /// Number of variables.
    pub(super) fn depth(&self) -> usize {
        self.scope.len()
    }

    /// What nodes and steps work on.
    pub(super) fn variables<'a>(
        &'a mut self,
        engine: &'a Engine,
        names: &'a [ImmutableString],
        global: &'a mut GlobalRuntimeState,
    ) -> Direct<'a> {
        let Self { scope, caches, args, is_in_scope, .. } = self;
        Direct { engine, names, args, scope, global, caches, is_in_scope }
    }

    /// Evaluates a body whose parameters have these names, with as many arguments, which are taken.
    pub(super) fn evaluate(
        &mut self,
        body: &Body,
        names: &[ImmutableString],
        place: Place<'_>,
        captured: &[Dynamic],
        args: &mut [Arg],
    ) -> Result<Dynamic, Fault> {
        self.count();
        let captured = captured.iter().cloned().map(Arg::Value);
        let Place { engine, global, host, app } = place;
        let result = match body {
            Body::Nodes(nodes) => {
                let Self { scope, caches, args: room, is_in_scope, .. } = self;
                let mut args = args;
                if captured.len() > 0 {
                    room.extend(captured.chain(args.iter_mut().map(std::mem::take)));
                    args = room;
                }
                args.iter_mut().for_each(Arg::know);
                let mut variables = Direct { engine, names, args, scope, global, caches, is_in_scope };
                let result = nodes::run(nodes, &mut variables, host, app);
                room.clear();
                result
            }
            Body::Tree(expression) => {
                for (name, arg) in names.iter().zip(captured.chain(args.iter_mut().map(std::mem::take))) {
                    if let Some(place) = self.scope.get_mut(name) {
                        put(place, arg);
                    }
                }
                self.is_in_scope = true;
                let mut context = EvalContext::new(engine, global, &mut self.caches, &mut self.scope, None);
                context.eval_expression_tree(&expression.into())
            }
        };
        result.map(Dynamic::flatten)
    }

    /// Takes out of the variables what must not live until the next call.
    pub(super) fn clear(&mut self, names: &[ImmutableString], mut clear: impl FnMut(&mut Dynamic)) {
        if std::mem::take(&mut self.is_in_scope) {
            self.scope.rewind(names.len());
            for name in names {
                if let Some(place) = self.scope.get_mut(name) {
                    clear(place);
                }
            }
        }
    }

    /// Whether it may serve another call. Bounded, because generated names would fill the cache.
    pub(super) fn can_be_kept(&self) -> bool {
        self.calls < CALLS_PER_CACHE
    }
}

/// What calls of one function need, one after the other.
pub(super) struct Frame {
    room: Room,
    global: GlobalRuntimeState,
}

impl Frame {
    pub(super) fn new(function: &Function) -> Self {
        Self { room: Room::new(function.names()), global: function.environment.clone() }
    }

    /// Calls the function.
    pub(super) fn call(
        &mut self,
        engine: &Engine,
        function: &Function,
        bodies: &Bodies,
        host: &Host,
        captured: &[Dynamic],
        args: &mut [Arg],
    ) -> Result<Dynamic, Fault> {
        self.count_anew();
        let place = Place { engine, global: &mut self.global, host, app: &bodies.app };
        let result = function.outcome(self.room.evaluate(&function.body, function.names(), place, captured, args));
        self.room.clear(function.names(), |place| clear(place, &bodies.nobody));
        result
    }

    /// The limits of a call begin with it.
    fn count_anew(&mut self) {
        self.global.num_operations = 0;
        self.global.num_modules_loaded = 0;
    }

    /// Begins a call with arguments that stay beside the scope.
    pub(super) fn begin(&mut self, args: impl Iterator<Item = Arg>) {
        self.count_anew();
        self.room.begin(args);
    }

    /// The variables of the call that has begun.
    pub(super) fn variables<'a>(&'a mut self, engine: &'a Engine, names: &'a [ImmutableString]) -> Direct<'a> {
        self.room.variables(engine, names, &mut self.global)
    }

    /// Number of variables of the call.
    pub(super) fn depth(&self) -> usize {
        self.room.depth()
    }

    /// The environment of the call, also of closures in it.
    pub(super) fn global_mut(&mut self) -> &mut GlobalRuntimeState {
        &mut self.global
    }

    /// Ends that call: nothing of it stays.
    pub(super) fn end(&mut self, function: &Function, bodies: &Bodies) {
        self.room.end();
        self.room.clear(function.names(), |place| clear(place, &bodies.nobody));
    }

    /// Whether it may serve another call.
    pub(super) fn can_be_kept(&self) -> bool {
        self.room.can_be_kept()
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
