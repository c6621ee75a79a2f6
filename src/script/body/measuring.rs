//! `Measure` and `Count`: `measure(NAME, || …)` whose closure is written in the call, and `count(NAME)`.
//!
//! Rhai makes a function value with what the closure captures, and calls it in an environment of its own. Here the body of the
//! closure is evaluated in variables that stay from call to call, in the environment of the caller. It means the same: what is
//! captured is shared with the caller, and errors name the closure.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use rhai::{
    Dynamic, EvalAltResult, Expr, FnCallExpr, FnPtr, GlobalRuntimeState, INT, ImmutableString, Position, ScriptFuncDef,
    Shared, Stmt,
};

use super::Arg;
use super::form::Steps;
use super::frame::{Place, Room};
use super::function::{Body, Known};
use super::nodes::{Node, placed};
use super::steps::Place as Stand;
use super::variables::Variables;
use crate::script::api::tasks;
use crate::script::engine::Fault;
use crate::script::error;
use crate::script::host::Host;

/// The node for a call, if it is one of these.
pub(super) fn node_of(call: &FnCallExpr, at: Position, known: &Known<'_>) -> Option<Node> {
    if call.is_qualified() || (known.is_own)(&call.name, call.args.len()) {
        return None;
    }
    match (call.name.as_str(), &*call.args) {
        ("measure", [name, closure]) => {
            let closure = Closure::of(closure, known)?;
            let (name, original) = (name.clone(), Expr::FnCall(Box::new(call.clone()), at));
            Some(Node::Measure(Rc::new(Measure { name, closure, at, original })))
        }
        ("count", [Expr::StringConstant(name, _)]) => Some(Node::Count(Count { name: name.clone(), more: 1, at })),
        ("count", [Expr::StringConstant(name, _), Expr::IntegerConstant(more, _)]) => {
            Some(Node::Count(Count { name: name.clone(), more: *more, at }))
        }
        _ => None,
    }
}

/// `count(NAME)` or `count(NAME, N)`
pub(super) struct Count {
    name: ImmutableString,
    more: INT,
    at: Position,
}

impl Count {
    pub(super) fn evaluate(&self, host: &Host) -> Result<Dynamic, Fault> {
        tasks::count(host, &self.name, self.more).map(Dynamic::from).map_err(|fault| placed(fault, self.at))
    }
}

/// `measure(NAME, || …)`
pub(super) struct Measure {
    name: Expr,
    closure: Closure,
    at: Position,
    original: Expr,
}

/// A call whose closure is being evaluated; between two calls its variables.
pub(super) struct Inside {
    name: ImmutableString,
    began: Option<Instant>,
    /// The variables of the closure.
    pub(super) room: Room,
    /// What it has captured, until that goes into the variables.
    values: Vec<Arg>,
    /// Where it stands, if it has steps.
    pub(super) place: Option<Stand>,
    /// What the end of the closure puts back.
    always_search_scope: bool,
}

/// How a call begins.
pub(super) enum Begun {
    /// Its closure is to be evaluated.
    Inside(Box<Inside>),
    /// Rhai has made the call, which has given this.
    Made(Dynamic),
}

impl Measure {
    /// Not within the evaluation of any node, whose frame stays on the stack of a task that waits.
    #[inline(never)]
    pub(super) fn evaluate(
        &self,
        variables: &mut impl Variables,
        host: &Host,
        app: &Dynamic,
    ) -> Result<Dynamic, Fault> {
        let mut inside = match self.begin(variables, host)? {
            Begun::Inside(inside) => inside,
            Begun::Made(value) => return Ok(value),
        };
        let (engine, global) = variables.environment();
        let place = Place { engine, global: &mut *global, host, app };
        let Inside { room, values, .. } = &mut *inside;
        let result = room.evaluate(&self.closure.body, self.names(), place, &[], values);
        let value = self.end(&inside, result, global, host);
        self.keep(inside);
        value
    }

    /// The steps of its closure, if that can be left where it waits.
    pub(super) fn steps(&self) -> Option<&Rc<Steps>> {
        self.closure.steps.get_or_init(|| Steps::of(&self.closure.body).map(Rc::new)).as_ref()
    }

    /// The names of what its closure captures.
    pub(super) fn names(&self) -> &[ImmutableString] {
        &self.closure.definition.params
    }

    /// Begins the call. Between this and [`Measure::end`] the closure is evaluated.
    pub(super) fn begin(&self, variables: &mut impl Variables, host: &Host) -> Result<Begun, Fault> {
        let name = match &self.name {
            Expr::StringConstant(name, _) => name.clone(),
            other => match variables.evaluate(other)?.flatten() {
                value if value.is_string() => value.into_immutable_string().unwrap_or_default(),
                value => return variables.evaluate(&self.with_name(value)).map(Begun::Made),
            },
        };
        let Some(mut inside) = self.closure.captured(variables)? else {
            return variables.evaluate(&self.with_name(name.into())).map(Begun::Made);
        };
        inside.name = name;
        self.set_out(&mut inside, variables, host)?;
        Ok(Begun::Inside(inside))
    }

    /// Begins the call again with what it had captured, if that may be used.
    pub(super) fn begin_again(
        &self,
        inside: &mut Inside,
        variables: &mut impl Variables,
        host: &Host,
    ) -> Result<bool, Fault> {
        let may_be_used = inside.room.is_free();
        if may_be_used {
            self.set_out(inside, variables, host)?;
        }
        Ok(may_be_used)
    }

    /// Whether the next call of the same task has the same name, and captures the same if its variables are the same.
    pub(super) fn is_always_same(&self, inside: &Inside) -> bool {
        matches!(self.name, Expr::StringConstant(..)) && self.closure.is_of_variables && inside.room.is_beside_scope()
    }

    fn set_out(&self, inside: &mut Inside, variables: &mut impl Variables, host: &Host) -> Result<(), Fault> {
        inside.began = Some(host.now());
        let (engine, global) = variables.environment();
        if global.level >= engine.max_call_levels() {
            return Err(EvalAltResult::ErrorStackOverflow(self.at).into());
        }
        global.level += 1;
        inside.always_search_scope = std::mem::take(&mut global.always_search_scope);
        Ok(())
    }

    /// Ends the call. `result`: what the body of its closure has given.
    pub(super) fn end<T: From<Dynamic>>(
        &self,
        inside: &Inside,
        result: Result<T, Fault>,
        global: &mut GlobalRuntimeState,
        host: &Host,
    ) -> Result<T, Fault> {
        global.level -= 1;
        global.always_search_scope = inside.always_search_scope;
        let value = match result {
            Ok(value) => value,
            Err(fault) => self.closure.outcome(fault, global, self.at)?.into(),
        };
        let recorded = inside.began.map_or(Ok(()), |began| tasks::record(host, &inside.name, began));
        recorded.map(|()| value).map_err(|fault| placed(fault, self.at))
    }

    /// Keeps the variables of a call that has ended for another one.
    pub(super) fn keep(&self, inside: Box<Inside>) {
        self.closure.keep(inside);
    }

    /// The call with a value in place of the name.
    fn with_name(&self, value: Dynamic) -> Expr {
        let mut changed = self.original.clone();
        if let Expr::FnCall(call, _) = &mut changed
            && let Some(name) = call.args.first_mut()
        {
            *name = Expr::DynamicConstant(Box::new(value), name.position());
        }
        changed
    }
}

/// A closure without parameters that is called where it is written.
struct Closure {
    definition: Shared<ScriptFuncDef>,
    /// What it captures, in the order of its parameters.
    captures: Vec<Capture>,
    /// They are local variables.
    is_of_variables: bool,
    body: Body,
    /// The steps of the body, if it can be left where it waits.
    steps: OnceCell<Option<Rc<Steps>>>,
    /// Variables of calls that are over; others may be running in other tasks.
    #[allow(clippy::vec_box, reason = "they are taken out and put back as they are")]
    rooms: RefCell<Vec<Box<Inside>>>,
}

/// Maximum variables that are kept for calls at the same time.
const MAX_ROOMS: usize = 4096;

/// What a parameter of a closure gets.
enum Capture {
    /// A local variable, which is shared.
    Variable(ImmutableString),
    /// What Rhai finds under this name.
    Name(ImmutableString, Expr),
    Value(Dynamic),
}

impl Inside {
    /// Puts what was captured into the variables, for steps.
    pub(super) fn take_captured(&mut self) {
        self.room.begin(self.values.drain(..));
    }
}

impl Closure {
    /// The closure that an expression makes, as the parser writes it: a function value, and what it captures.
    fn of(expression: &Expr, known: &Known<'_>) -> Option<Self> {
        let (value, captured) = match expression {
            Expr::Stmt(block) => match block.statements() {
                [Stmt::Share(_), made] | [made] => made_of_statement(made)?,
                _ => return None,
            },
            other => made_of(other)?,
        };
        let function = value.read_lock::<FnPtr>()?;
        let before = function.iter_curry().cloned().map(|value| Some(Capture::Value(value)));
        let captures: Vec<_> = before.chain(captured.iter().map(Capture::of)).collect::<Option<_>>()?;
        let definition = (known.closure)(function.fn_name(), captures.len())?;
        let body = Body::of(&definition, known);
        let (steps, rooms) = (OnceCell::new(), RefCell::default());
        let is_of_variables = captures.iter().all(|capture| matches!(capture, Capture::Variable(_)));
        error::is_closure(function.fn_name()).then(|| Self {
            definition,
            captures,
            is_of_variables,
            body,
            steps,
            rooms,
        })
    }

    /// Variables for a call, and what it captures. `None`: Rhai has to call it.
    fn captured(&self, variables: &mut impl Variables) -> Result<Option<Box<Inside>>, Fault> {
        let kept = self.rooms.borrow_mut().pop();
        let mut inside = kept.unwrap_or_else(|| {
            let (room, values) = (Room::new(&self.definition.params), Vec::with_capacity(self.captures.len()));
            let name = ImmutableString::new();
            Box::new(Inside { name, began: None, room, values, place: None, always_search_scope: false })
        });
        for capture in &self.captures {
            let value = match capture {
                Capture::Variable(name) => variables.share(name),
                Capture::Name(name, expression) => match variables.share(name) {
                    None => Some(variables.evaluate(expression)?),
                    shared => shared,
                },
                Capture::Value(value) => Some(value.clone()),
            };
            match value.filter(|value| !value.is_locked()) {
                Some(value) => inside.values.push(Arg::Value(value)),
                None => return Ok(None),
            }
        }
        Ok(Some(inside))
    }

    /// What an error in its body means: a value, or the error of the call.
    fn outcome(&self, fault: Fault, global: &GlobalRuntimeState, at: Position) -> Result<Dynamic, Fault> {
        match *fault {
            EvalAltResult::Return(value, _) => Ok(value),
            EvalAltResult::Exit(..) => Err(placed(fault, at)),
            _ if fault.is_system_exception() => Err(placed(fault, at)),
            _ => {
                let (name, source) = (self.definition.name.to_string(), global.source().unwrap_or_default().to_owned());
                Err(EvalAltResult::ErrorInFunctionCall(name, source, fault, at).into())
            }
        }
    }

    fn keep(&self, mut inside: Box<Inside>) {
        inside.values.clear();
        if let Some(place) = &mut inside.place {
            place.leave();
        }
        inside.room.end();
        inside.room.clear(&self.definition.params, |place| *place = Dynamic::UNIT);
        let mut rooms = self.rooms.borrow_mut();
        if inside.room.can_be_kept() && rooms.len() < MAX_ROOMS {
            rooms.push(inside);
        }
    }
}

/// A function value, and what is added to it.
type Made<'a> = (&'a Dynamic, &'a [Expr]);

/// The function value that an expression makes.
fn made_of(expression: &Expr) -> Option<Made<'_>> {
    match expression {
        Expr::DynamicConstant(value, _) => Some((value, &[])),
        Expr::FnCall(call, _) => made_of_call(call),
        _ => None,
    }
}

/// The same for a statement, as which the optimizer writes a call.
fn made_of_statement(statement: &Stmt) -> Option<Made<'_>> {
    match statement {
        Stmt::Expr(expression) => made_of(expression),
        Stmt::FnCall(call, _) => made_of_call(call),
        _ => None,
    }
}

fn made_of_call(call: &FnCallExpr) -> Option<Made<'_>> {
    match &*call.args {
        [Expr::DynamicConstant(value, _), captured @ ..] if call.name == "curry" && !call.is_qualified() => {
            Some((value, captured))
        }
        _ => None,
    }
}

impl Capture {
    fn of(expression: &Expr) -> Option<Self> {
        let Expr::Variable(variable, short, _) = expression else {
            return expression.get_literal_value(None).map(Self::Value);
        };
        let name = variable.1.clone();
        // Found before any variable of that name.
        if ["app", "args"].contains(&name.as_str()) {
            return Some(Self::Name("".into(), expression.clone()));
        }
        let is_local = short.is_some() || variable.0.is_some();
        Some(if is_local { Self::Variable(name) } else { Self::Name(name, expression.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use rhai::Engine;

    use super::*;

    /// How the body of `f` is evaluated.
    fn body(text: &str) -> Body {
        let ast = Engine::new().compile(text).unwrap();
        let closure = |name: &str, count: usize| ast.shared_lib().get_script_fn(name, count).cloned();
        let known = Known { is_own: &|name, count| closure(name, count).is_some(), closure: &closure };
        Body::of(&closure("f", 1).unwrap(), &known)
    }

    #[test]
    fn closures_in_the_call_become_nodes() {
        for call in [
            "measure(\"a\", || conn.send(\"x\"))",
            "measure(`${conn}`, || { conn.send(\"x\"); conn.send(conn.read()) });",
            "measure(\"a\", || measure(\"b\", || conn.read()))",
            "loop { measure(\"a\", || conn.read()); count(\"n\"); count(\"n\", 5) }",
        ] {
            match body(&format!("fn f(conn) {{ {call} }}")) {
                Body::Nodes(nodes) => match &*nodes[0] {
                    Node::Measure(measure) => assert!(matches!(measure.closure.body, Body::Nodes(_)), "{call}"),
                    other => assert!(matches!(other, Node::Loop(_)), "{call}"),
                },
                Body::Tree(tree) => panic!("{call}: {tree:?}"),
            }
        }
        for call in ["measure(\"a\", conn)", "measure(\"a\", |x| x)", "count(conn)", "x::measure(\"a\", || 1)"] {
            assert!(matches!(body(&format!("fn f(conn) {{ {call} }}")), Body::Tree(_)), "{call}");
        }
        assert!(matches!(body("fn f(c) { measure(1, || c) } fn measure(a, b) {}"), Body::Tree(_)));
    }
}
