//! Parts of `app` and of `conn.state`: reading, setting and extending them in place.
//!
//! Rhai counts all that is in the map after each change of a part, so a counter in a large `app` would cost as much as all of
//! it. Here what is put in is counted, and what has one item more has to be short enough itself.

use rhai::{Array, Dynamic, Expr, INT, Identifier, ImmutableString, Map, Stmt, StmtBlock};

use super::variables::{Variables, length};
use crate::script::api::sized::{MAX_ENTRIES, MAX_ITEMS, MAX_TEXT};
use crate::script::engine::Fault;
use crate::script::tree::Chain;

/// A part, and what is done with it.
pub(super) struct Part {
    pub(super) root: Root,
    /// The properties on the way to it, at least one.
    pub(super) names: Vec<Identifier>,
    /// The index behind them.
    pub(super) key: Option<Key>,
    pub(super) action: Action,
}

/// Where the way begins.
pub(super) enum Root {
    App,
    /// `state` of the connection in this variable.
    State(ImmutableString),
}

/// An index that can be evaluated twice.
pub(super) enum Key {
    Value(Dynamic),
    Variable(ImmutableString),
}

/// What is done.
pub(super) enum Action {
    Read(Expr),
    Len(Expr),
    /// `.push(…)`: the whole call and its argument.
    Push(Expr, Expr),
    /// `= …`, `+= …` and `-= …`: the whole statement and the value.
    Set(Sign, Stmt, Expr),
}

/// The operator of an assignment.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Set,
    Add,
    Subtract,
}

impl Part {
    /// Not within the evaluation of any node, whose frame stays on the stack of a task that waits.
    #[inline(never)]
    pub(super) fn evaluate(&self, variables: &mut impl Variables, app: &Dynamic) -> Result<Dynamic, Fault> {
        match &self.action {
            Action::Read(original) => {
                match self.found(variables, app, |part| Some(part.cloned().unwrap_or_default())) {
                    Some(value) => Ok(value),
                    None => variables.evaluate(original),
                }
            }
            Action::Len(original) => match self.found(variables, app, |part| length(part?)) {
                Some(length) => Ok(Dynamic::from_int(length)),
                None => variables.evaluate(original),
            },
            Action::Push(call, argument) => {
                let value = variables.evaluate(argument)?.flatten();
                match self.push(variables, app, value) {
                    None => Ok(Dynamic::UNIT),
                    Some(value) => variables.evaluate(&with_last_argument(call, value)),
                }
            }
            Action::Set(sign, statement, value) => {
                let value = variables.evaluate(value)?.flatten();
                match self.set(variables, app, *sign, value) {
                    None => Ok(Dynamic::UNIT),
                    Some(value) => variables.evaluate(&with_value(statement, value)),
                }
            }
        }
    }

    /// Looks at the part; `None` in the closure: there is none. `None`: Rhai has to look.
    fn found<R>(
        &self,
        variables: &impl Variables,
        app: &Dynamic,
        look: impl FnOnce(Option<&Dynamic>) -> Option<R>,
    ) -> Option<R> {
        self.at_owner(variables, app, self.names.len(), |map, last| match &self.key {
            None => look(map.get(last)),
            Some(key) => {
                let key = key.value(variables)?;
                let owner = map.get(last)?;
                if let Some(map) = owner.read_lock::<Map>() {
                    let key = key.read_lock::<ImmutableString>()?;
                    return look(map.get(key.as_str()));
                }
                let array = owner.read_lock::<Array>()?;
                let index = usize::try_from(key.as_int().ok()?).ok()?;
                look(Some(array.get(index)?))
            }
        })
    }

    /// Appends a value; gives it back if Rhai has to.
    fn push(&self, variables: &impl Variables, app: &Dynamic, value: Dynamic) -> Option<Dynamic> {
        if !fits(variables, &value) {
            return Some(value);
        }
        let mut value = Some(value);
        self.changed(variables, app, false, |part| {
            let mut array = part.write_lock::<Array>().filter(|array| array.len() < MAX_ITEMS)?;
            array.push(value.take()?);
            Some(())
        });
        value
    }

    /// Sets the part; gives the value back if Rhai has to.
    fn set(&self, variables: &impl Variables, app: &Dynamic, sign: Sign, value: Dynamic) -> Option<Dynamic> {
        if !fits(variables, &value) {
            return Some(value);
        }
        let mut value = Some(value);
        self.changed(variables, app, matches!(sign, Sign::Set), |part| {
            match sign {
                Sign::Set => *part = value.take()?,
                Sign::Add | Sign::Subtract => {
                    let sum = added(part, value.as_ref()?, sign)?;
                    *part = sum;
                    value = None;
                }
            }
            Some(())
        });
        value
    }

    /// Changes the part in place. `adds`: it is made if it is missing.
    fn changed(
        &self,
        variables: &impl Variables,
        app: &Dynamic,
        adds: bool,
        change: impl FnOnce(&mut Dynamic) -> Option<()>,
    ) -> Option<()> {
        self.at_owner(variables, app, self.names.len(), |map, last| match &self.key {
            None => change(entry(map, last, adds)?),
            Some(key) => {
                let key = key.value(variables)?;
                let owner = map.get_mut(last)?;
                if owner.is_map() {
                    let key = key.into_immutable_string().ok()?;
                    return change(entry(&mut *owner.write_lock::<Map>()?, &key, adds)?);
                }
                let mut array = owner.write_lock::<Array>()?;
                let index = usize::try_from(key.as_int().ok()?).ok()?;
                change(array.get_mut(index).filter(|part| is_plain(part))?)
            }
        })
    }

    /// Works with the map that has the last of the first `count` names, and that name.
    fn at_owner<R>(
        &self,
        variables: &impl Variables,
        app: &Dynamic,
        count: usize,
        work: impl FnOnce(&mut Map, &str) -> Option<R>,
    ) -> Option<R> {
        let mut root = match &self.root {
            Root::App => app.clone(),
            Root::State(name) => variables.conn(name)?.state(),
        };
        let (last, way) = self.names[..count].split_last()?;
        descend(&mut root, way, |map| work(map, last))
    }
}

impl Key {
    fn value(&self, variables: &impl Variables) -> Option<Dynamic> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Variable(name) => variables.copy(name),
        }
    }
}

/// Follows names from map to map.
fn descend<R>(place: &mut Dynamic, way: &[Identifier], work: impl FnOnce(&mut Map) -> Option<R>) -> Option<R> {
    let mut map = place.write_lock::<Map>()?;
    match way.split_first() {
        None => work(&mut map),
        Some((first, rest)) => descend(map.get_mut(first.as_str())?, rest, work),
    }
}

/// The value of a name in a map, made if it is missing.
fn entry<'a>(map: &'a mut Map, name: &str, adds: bool) -> Option<&'a mut Dynamic> {
    if adds && !map.contains_key(name) {
        if map.len() >= MAX_ENTRIES {
            return None;
        }
        map.insert(name.into(), Dynamic::UNIT);
    }
    map.get_mut(name).filter(|part| is_plain(part))
}

fn is_plain(part: &Dynamic) -> bool {
    !part.is_read_only() && !part.is_shared()
}

/// Whether a value is one that a part may be.
fn fits(variables: &impl Variables, value: &Dynamic) -> bool {
    !value.is_read_only() && variables.engine().ensure_data_size_within_limits(value).is_ok()
}

/// The sum or the difference of two values of the same kind.
fn added(one: &Dynamic, other: &Dynamic, sign: Sign) -> Option<Dynamic> {
    if let (Ok(one), Ok(other)) = (one.as_int(), other.as_int()) {
        let sum = match sign {
            Sign::Subtract => INT::checked_sub(one, other),
            _ => INT::checked_add(one, other),
        };
        return sum.map(Dynamic::from_int);
    }
    let (one, other) = (one.read_lock::<ImmutableString>()?, other.read_lock::<ImmutableString>()?);
    if matches!(sign, Sign::Subtract) || one.len() + other.len() > MAX_TEXT {
        return None;
    }
    Some(Dynamic::from(&*one + &*other))
}

/// The call with a value in place of the argument of its last method.
fn with_last_argument(call: &Expr, value: Dynamic) -> Expr {
    let mut chain = Chain::of(call.clone());
    if let Some(link) = chain.links.last_mut()
        && let Expr::MethodCall(call, _) = &mut link.member
        && let Some(argument) = call.args.first_mut()
    {
        *argument = Expr::DynamicConstant(Box::new(value), argument.position());
    }
    chain.into_expr()
}

/// The assignment of a value, as an expression.
fn with_value(statement: &Stmt, value: Dynamic) -> Expr {
    let mut changed = statement.clone();
    if let Stmt::Assignment(assignment) = &mut changed {
        let rhs = &mut assignment.1.rhs;
        *rhs = Expr::DynamicConstant(Box::new(value), rhs.position());
    }
    let at = changed.position();
    Expr::Stmt(Box::new(StmtBlock::new([changed], at, at)))
}
