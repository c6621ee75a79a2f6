//! `Flow`: a call of a function that is left at calls that wait, and goes on there without having kept a stack.
//!
//! Runs the steps of `form`. What stays while it waits is where it stands, its variables, the blocks and the `for` loops around
//! that place. What it means is what Rhai means: each statement is evaluated by Rhai or by the nodes; here is only the order.

use std::mem;
use std::rc::Rc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Expr, FnPtr, INT};

use super::form::{Each, Names, Step, Steps};
use super::frame::Frame;
use super::function::Function;
use super::measuring::{Begun, Inside, Measure};
use super::nodes::{self, Got, Node};
use super::variables::{Direct, Variables};
use super::{Arg, Bodies, Kind, Way};
use crate::script::api::conn::Conn;
use crate::script::api::reading::Units;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::tasks::{Parking, Patience};

/// The function of a task.
pub(in crate::script) enum Root {
    Named(&'static str),
    Value(FnPtr),
}

/// A call of a function, somewhere in its steps.
pub(in crate::script) struct Flow {
    root: Root,
    function: Rc<Function>,
    frame: Box<Frame>,
    place: Place,
    /// The closures that it is in, each within the one before.
    inner: Vec<Inner>,
    has_begun: bool,
}

/// A closure that it is in.
struct Inner {
    call: Rc<Measure>,
    inside: Box<Inside>,
}

/// A closure that has ended, with what it has captured. The next call captures the same if none of the variables around it has
/// gone.
struct Ended {
    inner: Inner,
    /// Number of those variables.
    depth: usize,
}

/// Where it stands in a function.
pub(super) struct Place {
    steps: Rc<Steps>,
    /// The next step.
    at: usize,
    /// The value of the last statement.
    value: Got,
    /// The blocks that it is in.
    blocks: Vec<Block>,
    /// The `for` loops that it is in.
    rounds: Vec<Round>,
    /// The step was left and is made again: on this connection and with this value, if it is a call, and so far it has come.
    is_again: bool,
    call: Option<(Conn, Dynamic)>,
    patience: Patience,
    /// The closure that has ended last, if the next one may go on with it.
    ended: Option<Ended>,
}

/// What the end of a block puts back.
struct Block {
    variables: usize,
    always_search_scope: bool,
}

/// A `for` loop.
struct Round {
    units: Units,
    count: INT,
}

/// Why it does not go on.
pub(in crate::script) enum Turn {
    /// It waits, and needs no stack until it goes on.
    Left(Box<Flow>),
    Ended(Result<Dynamic, Fault>),
}

/// Why steps are not gone on with.
enum Stop {
    /// The task is left.
    Left,
    /// The steps of a closure come first.
    Enter(Inner),
    Ended(Got),
}

impl Root {
    fn kind<'a>(&'a self, lib: &'a AST) -> Kind<'a> {
        match self {
            Self::Named(name) => Kind::Named(name),
            Self::Value(value) => Kind::Value(value.fn_name(), lib),
        }
    }
}

impl Bodies {
    /// A call of a function that can be left; it has not begun. Takes the arguments. `None`: it cannot, or Rhai has to make it.
    pub(in crate::script) fn flow(
        &self,
        engine: &Engine,
        host: &Host,
        root: Root,
        lib: &AST,
        args: &mut Vec<Dynamic>,
    ) -> Option<Box<Flow>> {
        let captured = match &root {
            Root::Named(_) => &[][..],
            // Rhai refuses a captured variable that is in use.
            Root::Value(value) if value.iter_curry().any(Dynamic::is_locked) => return None,
            Root::Value(value) => value.curry(),
        };
        if self.way <= Way::Kept {
            return None;
        }
        let kind = root.kind(lib);
        let call = self.begin(engine, host, kind, captured.len() + args.len())?;
        let Some(steps) = call.function.steps() else {
            self.keep(kind, &call.function, call.frame);
            return None;
        };
        let mut frame = call.frame;
        let args = args.drain(..);
        frame.begin(captured.iter().cloned().chain(args).map(Arg::Value));
        let function = call.function;
        Some(Box::new(Flow { root, function, frame, place: Place::of(steps), inner: Vec::new(), has_begun: false }))
    }
}

impl Flow {
    /// Whether any of it has run.
    pub(in crate::script) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Runs it until it waits where it can be left, or ends.
    pub(in crate::script) fn go_on(
        mut self: Box<Self>,
        engine: &Engine,
        host: &Host,
        bodies: &Bodies,
        lib: &AST,
    ) -> Turn {
        self.has_begun = true;
        let Some(result) = self.run(engine, host, &bodies.app).transpose() else { return Turn::Left(self) };
        let Self { root, function, mut frame, .. } = *self;
        let result = function.outcome(result);
        frame.end(&function, bodies);
        if result.is_ok() {
            bodies.keep(root.kind(lib), &function, frame);
        }
        Turn::Ended(result)
    }

    /// Goes on in the innermost closure, and from there outwards. `None`: it was left.
    fn run(&mut self, engine: &Engine, host: &Host, app: &Dynamic) -> Result<Option<Dynamic>, Fault> {
        // What the closure of the call has given at which the steps stand.
        let mut given = None;
        loop {
            let result = match self.inner.last_mut() {
                None => self.place.run(given.take(), self.frame.variables(engine, self.function.names()), host, app),
                Some(Inner { call, inside }) => {
                    let Inside { room, place, .. } = &mut **inside;
                    let Some(place) = place else { return Ok(None) };
                    place.run(given.take(), room.variables(engine, call.names(), self.frame.global_mut()), host, app)
                }
            };
            let result = match result {
                Ok(Stop::Left) => return Ok(None),
                Ok(Stop::Enter(inner)) => {
                    self.inner.push(inner);
                    continue;
                }
                Ok(Stop::Ended(value)) => Ok(value),
                Err(fault) => Err(fault),
            };
            let result = result.map(Got::flatten);
            let Some(inner) = self.inner.pop() else {
                self.place.forget();
                return result.map(|got| Some(got.into_value()));
            };
            let is_whole = result.is_ok();
            given = Some(inner.call.end(&inner.inside, result, self.frame.global_mut(), host));
            self.keep(inner, is_whole);
        }
    }

    /// Keeps a closure that has ended, for the next call of it by this task or any other. `is_whole`: all its steps were made.
    fn keep(&mut self, inner: Inner, is_whole: bool) {
        let around = match self.inner.last_mut().map(|Inner { inside, .. }| &mut **inside) {
            Some(Inside { room, place, .. }) => place.as_mut().map(|place| (place, room.depth())),
            None => Some((&mut self.place, self.frame.depth())),
        };
        match around {
            Some((place, depth)) if is_whole && inner.call.is_always_same(&inner.inside) => {
                place.ended = Some(Ended { inner, depth });
            }
            _ => inner.call.keep(inner.inside),
        }
    }
}

impl Place {
    /// The beginning of these steps.
    fn of(steps: Rc<Steps>) -> Self {
        Self {
            steps,
            at: 0,
            value: Got::Nothing,
            blocks: Vec::new(),
            rounds: Vec::new(),
            is_again: false,
            call: None,
            patience: Patience::default(),
            ended: None,
        }
    }

    /// Gives up what the next call of a closure might have used.
    fn forget(&mut self) {
        if let Some(Ended { inner: Inner { call, inside }, .. }) = self.ended.take() {
            call.keep(inside);
        }
    }

    /// Leaves the steps, wherever it stands: nothing of the call stays.
    pub(super) fn leave(&mut self) {
        self.value = Got::Nothing;
        self.blocks.clear();
        self.rounds.clear();
        self.is_again = false;
        self.call = None;
        self.forget();
    }

    /// Goes to the beginning of these steps, after their end or after [`Place::leave`].
    fn begin_anew(&mut self, steps: &Rc<Steps>) {
        if !Rc::ptr_eq(&self.steps, steps) {
            self.steps = Rc::clone(steps);
        }
        self.at = 0;
    }

    /// Makes steps until it is left, enters a closure, or ends. `given`: what the closure has given that it has entered.
    fn run(
        &mut self,
        given: Option<Result<Got, Fault>>,
        mut variables: Direct<'_>,
        host: &Host,
        app: &Dynamic,
    ) -> Result<Stop, Fault> {
        let steps = Rc::clone(&self.steps);
        match given {
            None => {}
            Some(Ok(got)) => {
                host.got().replace(got);
                self.at += 1;
            }
            Some(Err(fault)) => self.leave_loop(&mut variables, fault)?,
        }
        while let Some(step) = steps.list.get(self.at) {
            match self.make(step, &mut variables, host, app) {
                Ok(None) => {}
                Ok(Some(stop)) => return Ok(stop),
                Err(fault) => self.leave_loop(&mut variables, fault)?,
            }
        }
        Ok(Stop::Ended(mem::take(&mut self.value)))
    }

    /// Makes one step. `None`: the next one follows.
    fn make(
        &mut self,
        step: &Step,
        variables: &mut Direct<'_>,
        host: &Host,
        app: &Dynamic,
    ) -> Result<Option<Stop>, Fault> {
        match step {
            Step::Node(node) => {
                self.value = if matches!(**node, Node::Got) {
                    nodes::count(host)?;
                    host.got().take()
                } else {
                    Got::Value(node.counted(variables, host, app)?.flatten())
                };
                self.at += 1;
            }
            Step::Enter(call, steps) => return self.enter(call, steps, variables, host),
            Step::Wait(call) if !self.make_call(call, variables, host)? => return Ok(Some(Stop::Left)),
            Step::Wait(_) => self.at += 1,
            Step::Whole(expression) => {
                self.value = Got::Value(variables.evaluate_here(expression)?.flatten());
                self.at += 1;
            }
            Step::Open => {
                self.open(variables);
                self.at += 1;
            }
            Step::Close => {
                self.close_to(self.blocks.len().saturating_sub(1), variables);
                self.at += 1;
            }
            Step::Test(condition, node, otherwise) => {
                let holds = match node {
                    Some(node) => node.counted(variables, host, app)?,
                    None => variables.evaluate(condition)?,
                };
                let holds = holds.as_bool().map_err(|given| not_bool(variables.engine, given, condition))?;
                self.value = Got::Nothing;
                self.at = if holds { self.at + 1 } else { *otherwise };
            }
            // There is a call in each loop, and that is counted.
            Step::Jump(to) => self.at = *to,
            Step::Each(each) => self.begin_rounds(each, variables, host)?,
            Step::Next(names, end) if !self.next_round(names, *end, variables, host)? => return Ok(Some(Stop::Left)),
            Step::Next(..) => {}
        }
        Ok(None)
    }

    /// Begins a call of `measure` whose closure has steps.
    fn enter(
        &mut self,
        call: &Rc<Measure>,
        steps: &Rc<Steps>,
        variables: &mut Direct<'_>,
        host: &Host,
    ) -> Result<Option<Stop>, Fault> {
        nodes::count(host)?;
        if let Some(Ended { mut inner, depth }) = self.ended.take() {
            let is_same = Rc::ptr_eq(&inner.call, call) && depth == variables.scope.len();
            if is_same && call.begin_again(&mut inner.inside, variables, host)? {
                if let Some(place) = &mut inner.inside.place {
                    place.begin_anew(steps);
                }
                return Ok(Some(Stop::Enter(inner)));
            }
            inner.call.keep(inner.inside);
        }
        let mut inside = match call.begin(variables, host)? {
            Begun::Inside(inside) => inside,
            Begun::Made(value) => {
                host.got().replace(Got::Value(value));
                self.at += 1;
                return Ok(None);
            }
        };
        inside.take_captured();
        match &mut inside.place {
            Some(place) => place.begin_anew(steps),
            none => *none = Some(Place::of(Rc::clone(steps))),
        }
        Ok(Some(Stop::Enter(Inner { call: Rc::clone(call), inside })))
    }

    /// Makes a call that waits, for the next step. Returns false if it was left.
    fn make_call(&mut self, call: &Node, variables: &mut Direct<'_>, host: &Host) -> Result<bool, Fault> {
        let Some((name, original)) = call.waits_for() else { return Ok(true) };
        let known = match self.call.take() {
            None => {
                nodes::count(host)?;
                match variables.conn(name) {
                    Some(conn) => Some((conn, call.argument(variables)?)),
                    None => None,
                }
            }
            known => known,
        };
        let got = match known {
            Some((conn, argument)) => {
                self.permit(host);
                let got = call.made_on(&conn, &argument, variables, host);
                if self.was_left(host) {
                    self.call = Some((conn, argument));
                    return Ok(false);
                }
                got?
            }
            None => Got::Value(variables.evaluate(original)?),
        };
        host.got().replace(got);
        Ok(true)
    }

    /// Permits the next call to be left.
    fn permit(&mut self, host: &Host) {
        let parking = if mem::take(&mut self.is_again) { Parking::Again } else { Parking::First };
        if parking == Parking::Again {
            host.patience().set(self.patience);
        }
        host.parking().set(parking);
    }

    /// Whether that call was left.
    fn was_left(&mut self, host: &Host) -> bool {
        self.is_again = host.parking().take() == Parking::Left;
        if self.is_again {
            self.patience = host.patience().take();
        }
        self.is_again
    }

    fn open(&mut self, variables: &Direct<'_>) {
        let always_search_scope = variables.global.always_search_scope;
        self.blocks.push(Block { variables: variables.scope.len(), always_search_scope });
    }

    /// Ends blocks until it is in so many.
    fn close_to(&mut self, depth: usize, variables: &mut Direct<'_>) {
        if let Some(block) = self.blocks.get(depth) {
            let count = block.variables;
            variables.scope.rewind(count);
            variables.global.always_search_scope = block.always_search_scope;
            self.blocks.truncate(depth);
            if self.ended.as_ref().is_some_and(|ended| ended.depth > count) {
                self.forget();
            }
        }
    }

    /// `continue` and `break` of the innermost loop.
    ///
    /// # Errors
    /// It is another error, or there is no loop.
    fn leave_loop(&mut self, variables: &mut Direct<'_>, fault: Fault) -> Result<(), Fault> {
        let steps = Rc::clone(&self.steps);
        let Some(around) = steps.around(self.at) else { return Err(fault) };
        match *fault {
            EvalAltResult::LoopBreak(false, ..) => {
                self.close_to(around.depth + usize::from(around.is_each), variables);
                self.at = around.again;
            }
            EvalAltResult::LoopBreak(true, value, _) => {
                self.close_to(around.depth, variables);
                if around.is_each {
                    self.rounds.pop();
                }
                self.value = Got::Value(value);
                self.at = around.end;
            }
            _ => return Err(fault),
        }
        Ok(())
    }

    fn begin_rounds(&mut self, each: &Each, variables: &mut Direct<'_>, host: &Host) -> Result<(), Fault> {
        let Names { variable, counter, .. } = &each.names;
        let most = variables.engine.max_variables().saturating_sub(usize::from(counter.is_some()));
        if variables.scope.len() >= most {
            return Err(EvalAltResult::ErrorTooManyVariables(variable.pos).into());
        }
        match variables.evaluate(&each.iterated)?.flatten().try_cast_result::<Units>() {
            Ok(units) => {
                self.open(variables);
                if let Some(counter) = counter {
                    variables.scope.push_dynamic(counter.name.as_str(), Dynamic::ZERO);
                }
                variables.scope.push_dynamic(variable.name.as_str(), Dynamic::UNIT);
                self.rounds.push(Round { units, count: 0 });
                self.at += 1;
            }
            // It is no connection that it goes over.
            Err(other) => {
                host.got().replace(Got::Value(other));
                self.value = Got::Value(variables.evaluate_here(&each.otherwise)?.flatten());
                self.at = each.end;
            }
        }
        Ok(())
    }

    /// Begins the next round of the innermost `for`, or ends it. Returns whether it goes on.
    fn next_round(
        &mut self,
        names: &Names,
        end: usize,
        variables: &mut Direct<'_>,
        host: &Host,
    ) -> Result<bool, Fault> {
        if !self.is_again {
            nodes::count(host)?;
        }
        self.permit(host);
        let Some(round) = self.rounds.last_mut() else { return Ok(true) };
        let next = round.units.next();
        if self.was_left(host) {
            return Ok(false);
        }
        let Some(value) = next.transpose() else {
            self.rounds.pop();
            self.close_to(self.blocks.len().saturating_sub(1), variables);
            self.value = Got::Nothing;
            self.at = end;
            return Ok(true);
        };
        if let Some(round) = self.rounds.last_mut() {
            if let Some(counter) = &names.counter {
                set(variables, &counter.name, Dynamic::from_int(round.count));
            }
            round.count += 1;
        }
        set(variables, &names.variable.name, value.map_err(|fault| nodes::placed(fault, names.at))?.flatten());
        self.at += 1;
        Ok(true)
    }
}

/// Sets a variable of `for`, which a closure may share.
fn set(variables: &mut Direct<'_>, name: &str, value: Dynamic) {
    if let Some(mut place) = variables.scope.get_mut(name).and_then(Dynamic::write_lock::<Dynamic>) {
        *place = value;
    }
}

/// The error of a condition that is none, as Rhai tells it.
#[cold]
fn not_bool(engine: &Engine, given: &str, condition: &Expr) -> Fault {
    let wanted = engine.map_type_name(std::any::type_name::<bool>()).into();
    EvalAltResult::ErrorMismatchDataType(wanted, given.into(), condition.position()).into()
}
