//! `Variables`: where nodes find the variables that they are about.
//!
//! Inside of a body that Rhai walks through they are in its scope. A body of nodes alone has its arguments beside it
//! ([`Direct`]), as they came: they go into the scope when Rhai has to evaluate something, and stay there.

use rhai::{
    Array, Blob, Caches, Dynamic, Engine, EvalContext, Expr, GlobalRuntimeState, INT, ImmutableString, Map, Scope,
};

use super::Arg;
use super::frame::put;
use crate::script::api::conn::Conn;
use crate::script::engine::Fault;

pub(super) type Context<'a, 's, 'ps, 'g, 'c, 't> = EvalContext<'a, 's, 'ps, 'g, 'c, 't>;

/// The variables of a running body. What is `None` has to be evaluated by Rhai.
pub(super) trait Variables {
    /// A copy of the connection in a variable.
    fn conn(&self, name: &ImmutableString) -> Option<Conn>;

    /// The length of what is in a variable.
    fn length(&self, name: &ImmutableString) -> Option<INT>;

    /// The whole number in a variable.
    fn number(&self, name: &ImmutableString) -> Option<INT>;

    /// A copy of a value that no closure shares.
    fn copy(&self, name: &ImmutableString) -> Option<Dynamic>;

    /// What can be sent of a variable. `is_last`: nobody looks at it again.
    fn taken(&mut self, name: &ImmutableString, is_last: bool, is_line: bool) -> Option<Taken>;

    /// The value of a variable as a closure captures it: shared from now on. `None`: it is none that can be shared.
    fn share(&mut self, name: &ImmutableString) -> Option<Dynamic>;

    /// Lets Rhai evaluate an expression.
    fn evaluate(&mut self, expression: &Expr) -> Result<Dynamic, Fault>;

    /// The engine.
    fn engine(&self) -> &Engine;

    /// The engine, and the environment that the body runs in.
    fn environment(&mut self) -> (&Engine, &mut GlobalRuntimeState);
}

/// What can be sent of a variable.
pub(super) enum Taken {
    Bytes(Blob),
    Text(ImmutableString),
}

impl Variables for Context<'_, '_, '_, '_, '_, '_> {
    fn conn(&self, name: &ImmutableString) -> Option<Conn> {
        conn_of(self.scope().get(name)?)
    }

    fn length(&self, name: &ImmutableString) -> Option<INT> {
        plain(self.scope().get(name)?).and_then(length)
    }

    fn number(&self, name: &ImmutableString) -> Option<INT> {
        number(self.scope().get(name)?)
    }

    fn copy(&self, name: &ImmutableString) -> Option<Dynamic> {
        self.scope().get(name).filter(|value| !value.is_shared()).cloned()
    }

    fn taken(&mut self, name: &ImmutableString, is_last: bool, is_line: bool) -> Option<Taken> {
        taken(self.scope_mut().get_mut(name)?, is_last, is_line)
    }

    fn share(&mut self, name: &ImmutableString) -> Option<Dynamic> {
        shared(self.scope_mut().get_mut(name)?)
    }

    fn evaluate(&mut self, expression: &Expr) -> Result<Dynamic, Fault> {
        self.eval_expression_tree(&expression.into())
    }

    fn engine(&self) -> &Engine {
        EvalContext::engine(self)
    }

    fn environment(&mut self) -> (&Engine, &mut GlobalRuntimeState) {
        (EvalContext::engine(self), self.global_runtime_state_mut())
    }
}

/// The variables of a body of nodes alone: its parameters.
pub(super) struct Direct<'a> {
    pub(super) engine: &'a Engine,
    pub(super) names: &'a [ImmutableString],
    /// Their values, in the same order, until they go into the scope.
    pub(super) args: &'a mut [Arg],
    pub(super) scope: &'a mut Scope<'static>,
    pub(super) global: &'a mut GlobalRuntimeState,
    pub(super) caches: &'a mut Caches,
    /// They are in the scope.
    pub(super) is_in_scope: &'a mut bool,
}

impl Direct<'_> {
    #[inline]
    fn position(&self, name: &ImmutableString) -> Option<usize> {
        let is_same = |own: &ImmutableString| own.ptr_eq(name);
        self.names.iter().position(is_same).or_else(|| self.names.iter().position(|own| own == name))
    }

    fn arg(&self, name: &ImmutableString) -> Option<&Arg> {
        self.args.get(self.position(name)?)
    }

    /// Lets Rhai evaluate a statement in a block. What it declares stays.
    pub(super) fn evaluate_here(&mut self, block: &Expr) -> Result<Dynamic, Fault> {
        self.put_in_scope();
        let mut context = EvalContext::new(self.engine, self.global, self.caches, self.scope, None);
        // Documented as "not deprecated, but volatile"; there is no other way to keep what is declared.
        #[allow(deprecated)]
        context.eval_expression_tree_raw(&block.into(), false)
    }

    #[cold]
    fn put_in_scope(&mut self) {
        if !*self.is_in_scope {
            *self.is_in_scope = true;
            for (name, arg) in self.names.iter().zip(self.args.iter_mut().map(std::mem::take)) {
                if let Some(place) = self.scope.get_mut(name) {
                    put(place, arg);
                }
            }
        }
    }
}

impl Variables for Direct<'_> {
    #[inline]
    fn conn(&self, name: &ImmutableString) -> Option<Conn> {
        if *self.is_in_scope {
            return conn_of(self.scope.get(name)?);
        }
        match self.arg(name)? {
            Arg::Conn(view) => Some(Conn::new(view)),
            Arg::Bytes(_) => None,
            Arg::Value(value) => conn_of(value),
        }
    }

    fn length(&self, name: &ImmutableString) -> Option<INT> {
        if *self.is_in_scope {
            return plain(self.scope.get(name)?).and_then(length);
        }
        match self.arg(name)? {
            Arg::Conn(_) => None,
            Arg::Bytes(bytes) => Some(bytes.len() as INT),
            Arg::Value(value) => plain(value).and_then(length),
        }
    }

    fn number(&self, name: &ImmutableString) -> Option<INT> {
        if *self.is_in_scope {
            return number(self.scope.get(name)?);
        }
        match self.arg(name)? {
            Arg::Conn(_) | Arg::Bytes(_) => None,
            Arg::Value(value) => number(value),
        }
    }

    fn copy(&self, name: &ImmutableString) -> Option<Dynamic> {
        if *self.is_in_scope {
            return self.scope.get(name).filter(|value| !value.is_shared()).cloned();
        }
        match self.arg(name)? {
            Arg::Conn(view) => Some(Arg::from(view).into_value()),
            Arg::Bytes(bytes) => Some(Dynamic::from_blob(bytes.clone())),
            Arg::Value(value) => Some(value).filter(|value| !value.is_shared()).cloned(),
        }
    }

    fn taken(&mut self, name: &ImmutableString, is_last: bool, is_line: bool) -> Option<Taken> {
        if *self.is_in_scope {
            return taken(self.scope.get_mut(name)?, is_last, is_line);
        }
        let position = self.position(name)?;
        match self.args.get_mut(position)? {
            Arg::Conn(_) => None,
            Arg::Bytes(bytes) => bytes_of(bytes, is_last, is_line),
            Arg::Value(value) => taken(Some(value).filter(|value| !value.is_read_only())?, is_last, is_line),
        }
    }

    fn share(&mut self, name: &ImmutableString) -> Option<Dynamic> {
        if *self.is_in_scope {
            return shared(self.scope.get_mut(name)?);
        }
        let position = self.position(name)?;
        let arg = self.args.get_mut(position)?;
        let mut value = std::mem::take(arg).into_value();
        let taken = if value.is_read_only() { None } else { shared(&mut value) };
        *arg = Arg::Value(value);
        taken
    }

    fn evaluate(&mut self, expression: &Expr) -> Result<Dynamic, Fault> {
        self.put_in_scope();
        let mut context = EvalContext::new(self.engine, self.global, self.caches, self.scope, None);
        context.eval_expression_tree(&expression.into())
    }

    fn engine(&self) -> &Engine {
        self.engine
    }

    fn environment(&mut self) -> (&Engine, &mut GlobalRuntimeState) {
        (self.engine, self.global)
    }
}

/// Shares a variable, as Rhai does for a closure. `None`: it is in use, which Rhai tells.
fn shared(place: &mut Dynamic) -> Option<Dynamic> {
    if place.is_locked() {
        return None;
    }
    if !place.is_shared() {
        *place = std::mem::take(place).into_shared();
    }
    Some(place.clone())
}

fn taken(place: &mut Dynamic, is_last: bool, is_line: bool) -> Option<Taken> {
    // What a closure has captured stays as it is.
    let is_last = is_last && !place.is_shared();
    if let Some(text) = place.read_lock::<ImmutableString>() {
        return Some(Taken::Text(text.clone()));
    }
    bytes_of(&mut *place.write_lock::<Blob>()?, is_last, is_line)
}

fn bytes_of(bytes: &mut Blob, is_last: bool, is_line: bool) -> Option<Taken> {
    // A line of bytes is an error, which Rhai tells.
    (!is_line).then(|| Taken::Bytes(if is_last { std::mem::take(bytes) } else { bytes.clone() }))
}

/// A variable that Rhai would pass on as it is.
fn plain(value: &Dynamic) -> Option<&Dynamic> {
    Some(value).filter(|value| !value.is_read_only() && !value.is_locked())
}

/// A copy of the connection that a value is.
fn conn_of(value: &Dynamic) -> Option<Conn> {
    fn within(value: &Dynamic) -> Option<Conn> {
        if value.is_read_only() { None } else { value.read_lock::<Conn>().map(|conn| conn.clone()) }
    }
    // What is shared is looked at once. That fails while somebody changes it.
    if value.is_shared() { within(&*value.read_lock::<Dynamic>()?) } else { within(value) }
}

/// The whole number that a value is, constant or not.
fn number(value: &Dynamic) -> Option<INT> {
    value.read_lock::<INT>().map(|number| *number)
}

/// The length of a value that has one.
pub(super) fn length(value: &Dynamic) -> Option<INT> {
    let length = if let Some(blob) = value.read_lock::<Blob>() {
        blob.len()
    } else if let Some(text) = value.read_lock::<ImmutableString>() {
        text.chars().count()
    } else if let Some(array) = value.read_lock::<Array>() {
        array.len()
    } else {
        value.read_lock::<Map>()?.len()
    };
    Some(length as INT)
}
