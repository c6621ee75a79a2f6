//! Nodes of our own for what scripts do all the time with a plain variable: `conn.send(data)`, `conn.id`, `conn.read()`.
//!
//! A node looks at the values itself. If they are not what it is for, or if anything is wrong with them, Rhai evaluates the
//! original expression. A node works on a copy of the connection, so that it holds no lock while it waits.

use std::rc::Rc;

use rhai::{Blob, Dynamic, Engine, EvalAltResult, Expr, ImmutableString, Position, Stmt};

use super::asking::Ask;
use super::comparing::Compare;
use super::measuring::{Count, Measure};
use super::parts::Part;
use super::variables::{Taken, Variables};
use crate::script::api::conn::{self, Conn};
use crate::script::api::reading::Call;
use crate::script::engine::Fault;
use crate::script::host::Host;

/// The word of the nodes. A script that uses it as a name gets an error.
const KEY: &str = "__tcpx_node__";

/// What a node does.
pub(super) enum Node {
    Send(Send),
    /// A property of a connection.
    Get {
        conn: ImmutableString,
        get: fn(&Conn) -> Dynamic,
        original: Expr,
    },
    /// A call without arguments that may wait.
    Read {
        conn: ImmutableString,
        read: Call,
        at: Position,
        original: Expr,
    },
    /// A call that may wait, with one argument.
    Ask(Box<Ask>),
    /// Another call that may wait, with arguments that can be evaluated again.
    Call {
        conn: ImmutableString,
        original: Expr,
    },
    /// What the call before has given.
    Got,
    /// `data.len()`
    Len {
        name: ImmutableString,
        original: Expr,
    },
    /// Something with a part of `app` or of `conn.state`.
    Part(Part),
    /// `loop { … }` of nothing but nodes.
    Loop(Vec<Rc<Node>>),
    /// `measure(NAME, || …)`
    Measure(Rc<Measure>),
    /// `count(NAME)`, `count(NAME, N)`
    Count(Count),
    /// `now_ms() < stop`
    Compare(Box<Compare>),
}

/// What a call has given that was made apart from the expression it is in.
#[derive(Debug, Default)]
pub(in crate::script) enum Got {
    #[default]
    Nothing,
    Bytes(Blob),
    Value(Dynamic),
}

impl Got {
    /// What it gives without a closure sharing it.
    pub(super) fn flatten(self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.flatten()),
            bytes => bytes,
        }
    }

    pub(super) fn into_value(self) -> Dynamic {
        match self {
            Self::Nothing => Dynamic::UNIT,
            Self::Bytes(bytes) => Dynamic::from_blob(bytes),
            Self::Value(value) => value,
        }
    }
}

/// `None`: the call was left.
impl From<Option<Blob>> for Got {
    fn from(bytes: Option<Blob>) -> Self {
        bytes.map_or(Self::Nothing, Self::Bytes)
    }
}

impl From<Dynamic> for Got {
    fn from(value: Dynamic) -> Self {
        Self::Value(value)
    }
}

/// `conn.send(…)` or `conn.send_line(…)`.
#[derive(Clone)]
pub(super) struct Send {
    pub(super) conn: ImmutableString,
    pub(super) what: What,
    pub(super) is_line: bool,
    pub(super) at: Position,
    pub(super) call: Expr,
    /// The same call without a lock, if it could hold one while it waits.
    pub(super) detached: Option<Expr>,
}

/// What is sent.
#[derive(Clone)]
pub(super) enum What {
    /// A variable; the flag: nobody looks at it again.
    Variable(ImmutableString, bool),
    Literal(ImmutableString),
    /// What another node gives.
    Node(Rc<Node>),
    Else,
}

/// The state of an expression that is a node.
#[derive(Clone)]
struct State(Rc<Node>);

/// Registers the evaluation of the nodes. `app`: the map of that name.
pub(in crate::script) fn register(engine: &mut Engine, host: &Rc<Host>, app: &Dynamic) {
    let (host, app) = (Rc::clone(host), app.clone());
    // Fails only in builds of Rhai without a parser.
    let _ =
        engine.register_custom_syntax_handler(KEY, false, move |context, _, state| match state.read_lock::<State>() {
            Some(state) => state.0.evaluate(context, &host, &app),
            None => Err(EvalAltResult::ErrorVariableNotFound(KEY.to_owned(), Position::NONE).into()),
        });
}

/// Evaluates nodes that are a whole body, one after the other. The value is that of the last one.
pub(super) fn run(
    nodes: &[Rc<Node>],
    variables: &mut impl Variables,
    host: &Host,
    app: &Dynamic,
) -> Result<Dynamic, Fault> {
    nodes.iter().try_fold(Dynamic::UNIT, |_, node| node.counted(variables, host, app))
}

/// The same again and again, until an argument leaves the loop or fails.
fn run_again(nodes: &[Rc<Node>], variables: &mut impl Variables, host: &Host, app: &Dynamic) -> Result<Dynamic, Fault> {
    loop {
        if let Err(fault) = run(nodes, variables, host, app) {
            match *fault {
                EvalAltResult::LoopBreak(false, ..) => {}
                EvalAltResult::LoopBreak(true, value, _) => return Ok(value),
                _ => return Err(fault),
            }
        }
    }
}

/// One operation more: an error if the call has reached a limit.
pub(super) fn count(host: &Host) -> Result<(), Fault> {
    match host.progress() {
        Some(token) => Err(EvalAltResult::ErrorTerminated(token, Position::NONE).into()),
        None => Ok(()),
    }
}

impl Node {
    /// The nodes that statements are, if they are nothing else.
    pub(super) fn of_all(statements: &[Stmt]) -> Option<Vec<Rc<Self>>> {
        let node = |statement: &Stmt| match statement {
            Stmt::Expr(expression) => Self::of(expression),
            _ => None,
        };
        statements.iter().map(node).collect::<Option<Vec<_>>>().filter(|nodes| !nodes.is_empty())
    }

    /// The node that an expression is.
    pub(super) fn of(expression: &Expr) -> Option<Rc<Self>> {
        let Expr::Custom(custom, _) = expression else { return None };
        custom.state.read_lock::<State>().map(|state| Rc::clone(&state.0))
    }

    /// Evaluates it as one operation, which Rhai does not count.
    pub(super) fn counted(&self, variables: &mut impl Variables, host: &Host, app: &Dynamic) -> Result<Dynamic, Fault> {
        count(host)?;
        self.evaluate(variables, host, app)
    }

    /// Whether it is a call that waits at which a task can be left.
    pub(super) fn can_be_left(&self) -> bool {
        match self {
            Self::Read { .. } | Self::Call { .. } => true,
            Self::Ask(ask) => ask.can_be_left,
            Self::Measure(measure) => measure.steps().is_some(),
            _ => false,
        }
    }

    /// The call of `measure` that it is.
    pub(super) fn measured(&self) -> Option<&Rc<Measure>> {
        if let Self::Measure(measure) = self { Some(measure) } else { None }
    }

    /// The variable of a call that waits, and the call as it was written.
    pub(super) fn waits_for(&self) -> Option<(&ImmutableString, &Expr)> {
        match self {
            Self::Read { conn, original, .. } | Self::Call { conn, original } => Some((conn, original)),
            Self::Ask(ask) => Some((&ask.conn, &ask.original)),
            _ => None,
        }
    }

    /// The value that a call that waits has to keep, because it may be another one when the call is made again.
    pub(super) fn argument(&self, variables: &mut impl Variables) -> Result<Dynamic, Fault> {
        match self {
            Self::Ask(ask) => ask.argument(variables),
            _ => Ok(Dynamic::UNIT),
        }
    }

    /// Makes a call that waits on its connection, with what [`Node::argument`] has given. It may be left.
    pub(super) fn made_on(
        &self,
        conn: &Conn,
        argument: &Dynamic,
        variables: &mut impl Variables,
        host: &Host,
    ) -> Result<Got, Fault> {
        match self {
            Self::Read { read: Call::Bytes(read), at, .. } => {
                read(host, conn).map(Got::from).map_err(|fault| placed(fault, *at))
            }
            Self::Read { read: Call::Value(read), at, .. } => {
                read(host, conn).map(Got::Value).map_err(|fault| placed(fault, *at))
            }
            Self::Call { original, .. } => variables.evaluate(original).map(Got::Value),
            Self::Ask(ask) => ask.made_on(conn, argument, variables, host),
            _ => Ok(Got::Nothing),
        }
    }

    /// The bytes that it gives, if it reads such, without a value around them.
    fn bytes(&self, variables: &impl Variables, host: &Host) -> Result<Option<Blob>, Fault> {
        let Self::Read { conn, read: Call::Bytes(read), at, .. } = self else {
            return Ok(if matches!(self, Self::Got) { taken_bytes(host) } else { None });
        };
        let Some(conn) = variables.conn(conn) else { return Ok(None) };
        count(host)?;
        read(host, &conn).map_err(|fault| placed(fault, *at))
    }

    fn evaluate(&self, variables: &mut impl Variables, host: &Host, app: &Dynamic) -> Result<Dynamic, Fault> {
        match self {
            Self::Send(send) => send.evaluate(variables, host, app),
            Self::Get { conn, get, original } => match variables.conn(conn) {
                Some(conn) => Ok(get(&conn)),
                None => variables.evaluate(original),
            },
            Self::Read { conn, read, at, original } => match variables.conn(conn) {
                Some(conn) => read.value(host, &conn).map_err(|fault| placed(fault, *at)),
                None => variables.evaluate(original),
            },
            Self::Call { original, .. } => variables.evaluate(original),
            Self::Ask(ask) => ask.evaluate(variables, host),
            Self::Got => Ok(host.got().take().into_value()),
            Self::Len { name, original } => match variables.length(name) {
                Some(length) => Ok(Dynamic::from_int(length)),
                None => variables.evaluate(original),
            },
            Self::Part(part) => part.evaluate(variables, app),
            Self::Loop(nodes) => run_again(nodes, variables, host, app),
            Self::Measure(measure) => measure.evaluate(variables, host, app),
            Self::Count(count) => count.evaluate(host),
            Self::Compare(compare) => compare.evaluate(variables),
        }
    }

    /// The node as an expression, in the place of another one.
    pub(super) fn into_expr(self, at: Position) -> Expr {
        let custom = rhai::CustomExpr {
            inputs: std::iter::empty().collect(),
            tokens: std::iter::once(KEY.into()).collect(),
            state: Dynamic::from(State(Rc::new(self))),
            scope_may_be_changed: false,
            self_terminated: false,
        };
        Expr::Custom(Box::new(custom), at)
    }
}

/// The bytes that the call before has given.
fn taken_bytes(host: &Host) -> Option<Blob> {
    let mut got = host.got().borrow_mut();
    match std::mem::take(&mut *got) {
        Got::Bytes(bytes) => Some(bytes),
        other => {
            *got = other;
            None
        }
    }
}

impl Send {
    /// Not within [`Node::evaluate`]: a task that waits has several of these on its stack.
    #[inline(never)]
    fn evaluate(&self, variables: &mut impl Variables, host: &Host, app: &Dynamic) -> Result<Dynamic, Fault> {
        match &self.what {
            What::Literal(text) => {
                return match variables.conn(&self.conn) {
                    Some(conn) => self.send_text(host, &conn, text),
                    None => variables.evaluate(self.original()),
                };
            }
            What::Variable(name, is_last) => {
                let Some(conn) = variables.conn(&self.conn) else { return variables.evaluate(self.original()) };
                return match variables.taken(name, *is_last, self.is_line) {
                    Some(Taken::Bytes(bytes)) => self.placed(conn::send_bytes(host, &conn, bytes)),
                    Some(Taken::Text(text)) => self.send_text(host, &conn, &text),
                    None => variables.evaluate(self.original()),
                };
            }
            What::Node(_) | What::Else => {}
        }
        // A copy is made before the argument is evaluated; otherwise that may change the variable.
        let copy = match self.detached {
            Some(_) => match variables.conn(&self.conn) {
                None => return variables.evaluate(self.original()),
                copy => copy,
            },
            None => None,
        };
        let value = match &self.what {
            What::Node(node) => match node.bytes(variables, host)? {
                None => node.counted(variables, host, app)?.flatten(),
                Some(bytes) => match copy.clone().or_else(|| variables.conn(&self.conn)) {
                    Some(conn) if !self.is_line => return self.placed(conn::send_bytes(host, &conn, bytes)),
                    _ => Dynamic::from_blob(bytes),
                },
            },
            _ => match argument(&self.call) {
                Some(argument) => variables.evaluate(argument)?.flatten(),
                None => return variables.evaluate(self.original()),
            },
        };
        match copy.clone().or_else(|| variables.conn(&self.conn)) {
            Some(conn) if value.is_string() => {
                let text = value.into_immutable_string().unwrap_or_default();
                self.send_text(host, &conn, &text)
            }
            Some(conn) if value.is_blob() && !self.is_line => {
                self.placed(conn::send_bytes(host, &conn, value.into_blob().unwrap_or_default()))
            }
            _ => variables.evaluate(&with(&self.call, copy, value)),
        }
    }

    /// What Rhai evaluates.
    fn original(&self) -> &Expr {
        self.detached.as_ref().unwrap_or(&self.call)
    }

    fn send_text(&self, host: &Host, conn: &Conn, text: &str) -> Result<Dynamic, Fault> {
        let send = if self.is_line { conn::send_line } else { conn::send_text };
        self.placed(send(host, conn, text))
    }

    fn placed(&self, result: Result<bool, Fault>) -> Result<Dynamic, Fault> {
        result.map(Dynamic::from_bool).map_err(|fault| placed(fault, self.at))
    }
}

/// An error of a native function, with the place of its call.
pub(super) fn placed(mut fault: Fault, at: Position) -> Fault {
    if fault.position().is_none() {
        fault.set_position(at);
    }
    fault
}

/// The argument of a method call on a variable.
pub(super) fn argument(call: &Expr) -> Option<&Expr> {
    let Expr::Dot(pair, ..) = call else { return None };
    let Expr::MethodCall(call, _) = &pair.rhs else { return None };
    call.args.first()
}

/// The same, to be changed.
pub(super) fn argument_mut(call: &mut Expr) -> Option<&mut Expr> {
    let Expr::Dot(pair, ..) = call else { return None };
    let Expr::MethodCall(call, _) = &mut pair.rhs else { return None };
    call.args.first_mut()
}

/// The call with a value in place of its argument, and a copy of the connection in place of the variable.
fn with(call: &Expr, copy: Option<Conn>, value: Dynamic) -> Expr {
    let mut changed = call.clone();
    if let (Expr::Dot(pair, ..), Some(conn)) = (&mut changed, copy) {
        pair.lhs = Expr::DynamicConstant(Box::new(Dynamic::from(conn)), pair.lhs.position());
    }
    if let Some(argument) = argument_mut(&mut changed) {
        *argument = Expr::DynamicConstant(Box::new(value), argument.position());
    }
    changed
}
