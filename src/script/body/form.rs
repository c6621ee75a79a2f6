//! Which functions can be left at a call that waits without a stack, and their steps.
//!
//! A function is a list of steps: statements that are evaluated whole, and calls that wait apart from the expression that uses
//! their values. Such a call is the first thing that its statement evaluates, and the statement is in nothing but blocks,
//! `if`, `while`, `loop` and `for`. A call of `measure` whose closure has such a list is one of them. Calls that wait elsewhere are
//! part of a step: there the task waits on a stack. Looks at the syntax tree alone; `steps` runs the list.

use std::rc::Rc;

use rhai::{Expr, FlowControl, FnCallExpr, Ident, Position, Stmt, StmtBlock};

use super::function::Body;
use super::measuring::Measure;
use super::nodes::{Node, Send, What, argument_mut};
use crate::script::api::reading;
use crate::script::tree::Chain;

/// One step of a function.
pub(super) enum Step {
    /// Statements as a block. What they declare stays.
    Whole(Expr),
    Node(Rc<Node>),
    /// A call that waits. Its value is for the next step.
    Wait(Rc<Node>),
    /// A call of `measure` whose closure has these steps. Its value is for the next step.
    Enter(Rc<Measure>, Rc<Steps>),
    /// The beginning of a block, and its end.
    Open,
    Close,
    /// Goes on behind it if this holds, which may be a node, or else at that step.
    Test(Expr, Option<Rc<Node>>, usize),
    Jump(usize),
    /// The beginning of `for`.
    Each(Box<Each>),
    /// The next round of `for`, or its end at that step.
    Next(Names, usize),
}

/// The variables of `for`, and where errors of what it goes over are placed.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) variable: Ident,
    pub(super) counter: Option<Ident>,
    pub(super) at: Position,
}

/// `for` over what a connection receives.
pub(super) struct Each {
    pub(super) iterated: Expr,
    pub(super) names: Names,
    /// The whole statement, over another value, and where it goes on after it.
    pub(super) otherwise: Expr,
    pub(super) end: usize,
}

/// A loop in the list.
pub(super) struct Loop {
    /// The first step of its body, and the first one behind it.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// Where `continue` goes on.
    pub(super) again: usize,
    /// Number of blocks that it is in.
    pub(super) depth: usize,
    pub(super) is_each: bool,
}

/// The steps of a function.
pub(super) struct Steps {
    pub(super) list: Vec<Step>,
    /// The inner ones before the outer ones.
    pub(super) loops: Vec<Loop>,
}

impl Steps {
    /// The steps of a body; `None`: there is no call at which it can be left, or imports make one of its blocks special.
    pub(super) fn of(body: &Body) -> Option<Self> {
        let mut maker = Maker { steps: Self { list: Vec::new(), loops: Vec::new() }, depth: 0, waits: 0, joint: 0 };
        match body {
            Body::Nodes(nodes) => nodes.iter().for_each(|node| maker.node(node)),
            Body::Tree(Expr::Stmt(block)) if has_import(block) => return None,
            Body::Tree(Expr::Stmt(block)) => maker.statements(block),
            Body::Tree(only) => maker.statement(&Stmt::Expr(only.clone().into())),
        }
        (maker.waits > 0).then_some(maker.steps)
    }

    /// The innermost loop around a step.
    pub(super) fn around(&self, at: usize) -> Option<&Loop> {
        self.loops.iter().find(|around| (around.begin..around.end).contains(&at))
    }
}

fn has_import(block: &StmtBlock) -> bool {
    block.iter().any(|statement| match statement {
        Stmt::Import(..) | Stmt::Export(..) => true,
        Stmt::Block(block) => has_import(block),
        Stmt::If(flow, _) | Stmt::While(flow, _) => has_import(&flow.body) || has_import(&flow.branch),
        Stmt::For(each, _) => has_import(&each.2.body),
        _ => false,
    })
}

struct Maker {
    steps: Steps,
    depth: usize,
    /// Number of steps at which the function can be left.
    waits: usize,
    /// The last step to which others go.
    joint: usize,
}

impl Maker {
    fn push(&mut self, step: Step) {
        self.steps.list.push(step);
    }

    fn here(&self) -> usize {
        self.steps.list.len()
    }

    /// A step to which others go: nothing that follows becomes part of the one before.
    fn begin_here(&mut self) -> usize {
        self.joint = self.here();
        self.joint
    }

    /// A statement that is evaluated whole, together with those before it.
    fn whole(&mut self, statement: Stmt) {
        if self.here() > self.joint
            && let Some(Step::Whole(Expr::Stmt(block))) = self.steps.list.last_mut()
        {
            return block.statements_mut().push(statement);
        }
        self.push(Step::Whole(block_of(statement)));
    }

    fn statements(&mut self, block: &StmtBlock) {
        for statement in block.iter() {
            self.statement(statement);
        }
    }

    /// The steps of a statement; one step if it cannot be left in it.
    fn statement(&mut self, statement: &Stmt) {
        let (steps, loops, waits) = (self.here(), self.steps.loops.len(), self.waits);
        match statement {
            Stmt::Noop(_) => return,
            Stmt::Block(block) => self.block(block),
            Stmt::If(flow, _) => self.test(flow),
            Stmt::While(flow, _) => self.again(flow),
            Stmt::For(each, at) => self.each(&each.0, each.1.as_ref(), &each.2, *at),
            Stmt::Expr(expression) => match Node::of(expression) {
                Some(node) => return self.node(&node),
                None => self.with_call(statement),
            },
            _ => self.with_call(statement),
        }
        if self.waits == waits {
            self.steps.list.truncate(steps);
            self.steps.loops.truncate(loops);
            self.whole(statement.clone());
        }
    }

    /// A statement of which the first thing is a call that waits.
    fn with_call(&mut self, statement: &Stmt) {
        let mut changed = statement.clone();
        let first = match &mut changed {
            Stmt::Expr(expression) => Some(&mut **expression),
            Stmt::Var(variable, ..) => Some(&mut variable.1),
            Stmt::Assignment(assignment) => Some(&mut assignment.1.rhs),
            Stmt::Return(Some(value), ..) | Stmt::BreakLoop(Some(value), ..) => Some(&mut **value),
            Stmt::Switch(switch, _) => Some(&mut switch.0),
            Stmt::FnCall(call, _) => first_argument(call),
            _ => None,
        };
        if let Some(call) = first.and_then(take_call) {
            self.wait(call);
            self.whole(changed);
        }
    }

    fn wait(&mut self, call: Rc<Node>) {
        self.waits += 1;
        let closure = call.measured().and_then(|measure| Some((measure, measure.steps()?)));
        self.push(match closure {
            Some((measure, steps)) => Step::Enter(Rc::clone(measure), Rc::clone(steps)),
            None => Step::Wait(call),
        });
    }

    fn node(&mut self, node: &Rc<Node>) {
        let mut changed = None;
        match &**node {
            Node::Loop(nodes) => {
                let (begin, waits) = (self.begin_here(), self.waits);
                for node in nodes {
                    self.node(node);
                }
                if self.waits > waits {
                    self.push(Step::Jump(begin));
                    return self.end_of_loop(begin, begin, false);
                }
                self.steps.list.truncate(begin);
            }
            call if call.can_be_left() => {
                self.wait(Rc::clone(node));
                changed = Some(Node::Got);
            }
            Node::Send(send) => {
                if let Some((call, send)) = apart(send) {
                    self.wait(call);
                    changed = Some(Node::Send(send));
                }
            }
            _ => {}
        }
        self.push(Step::Node(changed.map_or_else(|| Rc::clone(node), Rc::new)));
    }

    fn block(&mut self, block: &StmtBlock) {
        self.depth += 1;
        self.push(Step::Open);
        self.statements(block);
        self.push(Step::Close);
        self.depth -= 1;
    }

    /// The test of a condition. Returns the step that has to learn where to go on if it does not hold.
    fn condition(&mut self, condition: &Expr) -> usize {
        let mut condition = condition.clone();
        if let Some(call) = take_call(&mut condition) {
            self.wait(call);
        }
        let node = Node::of(&condition).filter(|node| matches!(**node, Node::Got | Node::Compare(_)));
        self.push(Step::Test(condition, node, 0));
        self.here() - 1
    }

    fn goes_on_here(&mut self, step: usize) {
        let here = self.begin_here();
        match &mut self.steps.list[step] {
            Step::Test(_, _, to) | Step::Jump(to) | Step::Next(_, to) => *to = here,
            Step::Each(each) => each.end = here,
            _ => {}
        }
    }

    fn test(&mut self, flow: &FlowControl) {
        let test = self.condition(&flow.expr);
        self.block(&flow.body);
        if flow.branch.is_empty() {
            return self.goes_on_here(test);
        }
        self.push(Step::Jump(0));
        let jump = self.here() - 1;
        self.goes_on_here(test);
        self.block(&flow.branch);
        self.goes_on_here(jump);
    }

    fn again(&mut self, flow: &FlowControl) {
        let begin = self.begin_here();
        let is_endless = matches!(flow.expr, Expr::Unit(_) | Expr::BoolConstant(true, _));
        let test = (!is_endless).then(|| self.condition(&flow.expr));
        self.block(&flow.body);
        self.push(Step::Jump(begin));
        if let Some(test) = test {
            self.goes_on_here(test);
        }
        // What its condition breaks out of is the loop around it.
        self.end_of_loop(test.map_or(begin, |test| test + 1), begin, false);
    }

    fn end_of_loop(&mut self, begin: usize, again: usize, is_each: bool) {
        let (end, depth) = (self.here(), self.depth);
        self.steps.loops.push(Loop { begin, end, again, depth, is_each });
    }

    fn each(&mut self, variable: &Ident, counter: Option<&Ident>, flow: &FlowControl, at: Position) {
        // Rhai does not look at the values of an empty loop, and not at errors among them.
        if !gives_units(&flow.expr) || flow.body.is_empty() || counter.is_some_and(|own| own.name == variable.name) {
            return;
        }
        let mut over_value = flow.clone();
        over_value.expr = Node::Got.into_expr(flow.expr.start_position());
        let same = Stmt::For((variable.clone(), counter.cloned(), over_value).into(), at);
        self.waits += 1;
        let names = Names { variable: variable.clone(), counter: counter.cloned(), at: flow.expr.position() };
        let each = Each { iterated: flow.expr.clone(), names: names.clone(), otherwise: block_of(same), end: 0 };
        self.push(Step::Each(each.into()));
        let head = self.here() - 1;
        self.push(Step::Next(names, 0));
        let next = self.here() - 1;
        self.depth += 1;
        self.block(&flow.body);
        self.depth -= 1;
        self.push(Step::Jump(next));
        self.goes_on_here(head);
        self.goes_on_here(next);
        self.end_of_loop(next, next, true);
    }
}

fn block_of(statement: Stmt) -> Expr {
    let at = statement.position();
    Expr::Stmt(Box::new(StmtBlock::new([statement], at, at)))
}

/// Whether an expression is `conn.lines()` or the like.
fn gives_units(expression: &Expr) -> bool {
    let Expr::Dot(pair, ..) = expression else { return false };
    let (Expr::Variable(..), Expr::MethodCall(call, _)) = (&pair.lhs, &pair.rhs) else { return false };
    call.args.is_empty() && reading::KINDS.iter().any(|(name, ..)| call.name == *name)
}

/// Takes the call out of an expression that waits and is the first thing evaluated in it.
fn take_call(expression: &mut Expr) -> Option<Rc<Node>> {
    match expression {
        Expr::Custom(_, at) => {
            let (at, node) = (*at, Node::of(expression)?);
            let (call, rest) = match &*node {
                call if call.can_be_left() => (Rc::clone(&node), Node::Got),
                Node::Send(send) => {
                    let (call, send) = apart(send)?;
                    (call, Node::Send(send))
                }
                _ => return None,
            };
            *expression = rest.into_expr(at);
            Some(call)
        }
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) if matches!(pair.lhs, Expr::Custom(..)) => {
            // Arguments and indexes are evaluated before the beginning of the chain.
            let is_same = |member: &Expr| match member {
                Expr::MethodCall(call, _) => call.args.iter().all(Expr::is_constant),
                Expr::Property(..) => true,
                index => index.is_constant(),
            };
            let is_first = Chain::of(expression.clone()).links.iter().all(|link| is_same(&link.member));
            let (Expr::Dot(pair, ..) | Expr::Index(pair, ..)) = expression else { return None };
            if is_first { take_call(&mut pair.lhs) } else { None }
        }
        Expr::FnCall(call, _) => first_argument(call).and_then(take_call),
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => parts.first_mut().and_then(take_call),
        Expr::InterpolatedString(parts, _) => parts.iter_mut().find(|part| !part.is_constant()).and_then(take_call),
        _ => None,
    }
}

/// The first argument of a call that has to be evaluated.
fn first_argument(call: &mut FnCallExpr) -> Option<&mut Expr> {
    // Words of the language, which look at their arguments in their own ways.
    let is_word = ["call", "curry", "Fn", "is_shared", "is_def_fn", "is_def_var"].contains(&call.name.as_str());
    if is_word || call.is_qualified() || call.capture_parent_scope {
        return None;
    }
    call.args.iter_mut().find(|argument| !argument.is_constant())
}

/// `conn.send(conn.read())` as two: what waits, and the rest.
fn apart(send: &Send) -> Option<(Rc<Node>, Send)> {
    // It sends on a copy that is made before its argument is evaluated.
    if send.detached.is_some() {
        return None;
    }
    let mut rest = send.clone();
    match &send.what {
        What::Node(node) if node.can_be_left() => {
            rest.what = What::Node(Rc::new(Node::Got));
            Some((Rc::clone(node), rest))
        }
        What::Else => {
            let call = take_call(argument_mut(&mut rest.call)?)?;
            Some((call, rest))
        }
        _ => None,
    }
}
