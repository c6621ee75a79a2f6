//! Puts a node of ours in the place of each waiting call that could hold a lock, and at the beginning of each `catch (e)`.
//!
//! A variable holds a lock if a closure has captured it, `this` if it is such a variable, a chain (`app.c.read_line()`) if
//! any part of it is shared. A plain variable holds none: its calls stay as they are, and cost nothing.

use std::collections::HashSet;

use rhai::{
    AST, ASTNode, Dynamic, EvalAltResult, EvalContext, Expr, FnCallExpr, ImmutableString, Module, Position,
    ScriptFuncDef, Shared, Stmt,
};

use super::bodies::{self, Node};
use super::{Form, is_function, is_handler, method};
use crate::script::tree::{Chain, Joint, Link, Rewrite};

/// A method call on a copy of its receiver, made when no lock is held any more.
pub(super) struct Detached {
    receiver: Expr,
    joint: Joint,
    call: Box<FnCallExpr>,
    at: Position,
    /// The call as it was written.
    original: Expr,
    /// Whether the receiver can be evaluated twice.
    is_repeatable: bool,
}

impl Detached {
    /// The call as it was written.
    pub(super) fn original(&self) -> &Expr {
        &self.original
    }

    pub(super) fn evaluate(
        &self,
        context: &mut EvalContext<'_, '_, '_, '_, '_, '_>,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let receiver = bodies::value_of(context, &self.receiver)?.flatten();
        // Connections, listeners and tasks are handles. Anything else has a function of this name, too, and it may change
        // its receiver: it gets the original.
        if !receiver.is_variant() && self.is_repeatable {
            return bodies::value_of(context, &self.original);
        }
        let receiver = Expr::DynamicConstant(Box::new(receiver), self.receiver.start_position());
        let call = Expr::MethodCall(self.call.clone(), self.at);
        bodies::value_of(context, &self.joint.between(receiver, call, true))
    }
}

/// The text with such nodes; `None`: it needs none.
pub(super) fn rewrite(ast: &AST) -> Option<AST> {
    let own: HashSet<_> = ast.iter_fn_def().map(|def| (def.name.as_str(), def.params.len())).collect();
    let shared = match shared_variables(ast, &own) {
        None if !catches(ast) => return None,
        shared => shared.unwrap_or_default(),
    };
    let mut bodies: Vec<_> = ast.iter_fn_def().map(|def| (def, bodies::statements(def))).collect();
    let waiting = waiting_functions(&bodies);
    let mut module = Module::new();
    let mut is_changed = false;
    for (def, statements) in &mut bodies {
        // In a handler `send` never waits.
        let is_handler = is_handler(&def.name);
        let mut change = Change { own: &own, waiting: &waiting, shared: &shared, is_handler, is_changed: false };
        change.statements(statements);
        let changed = if change.is_changed { bodies::with_statements(def, std::mem::take(statements)) } else { None };
        is_changed |= changed.is_some();
        module.set_script_fn(changed.map_or_else(|| Shared::clone(def), Shared::new));
    }
    if !is_changed {
        return None;
    }
    let mut changed = AST::new(ast.statements().iter().cloned(), module);
    if let Some(source) = ast.source() {
        changed.set_source(source);
    }
    Some(changed)
}

/// The name and number of parameters of a function.
type Name<'a> = (&'a str, usize);

/// The variables that closures capture; `None` if no waiting call could hold a lock. `own`: the functions of the script.
fn shared_variables(ast: &AST, own: &HashSet<Name<'_>>) -> Option<HashSet<ImmutableString>> {
    let mut shared = HashSet::new();
    let mut receivers = HashSet::new();
    let mut has_chain = false;
    ast.walk(&mut |path| {
        match path {
            [.., ASTNode::Stmt(Stmt::Share(variables))] => {
                shared.extend(variables.iter().map(|(variable, _)| variable.name.clone()));
            }
            [around @ .., ASTNode::Expr(Expr::Dot(pair, ..)), ASTNode::Expr(Expr::MethodCall(call, _))]
                if method(call).is_some() || own.contains(&(call.name.as_str(), call.args.len())) =>
            {
                let is_in_chain = matches!(around.last(), Some(ASTNode::Expr(Expr::Dot(..) | Expr::Index(..))));
                match &pair.lhs {
                    Expr::Variable(variable, ..) if !is_in_chain => _ = receivers.insert(variable.1.clone()),
                    _ => has_chain = true,
                }
            }
            _ => {}
        }
        true
    });
    (has_chain || receivers.iter().any(|name| shared.contains(name))).then_some(shared)
}

/// Whether a text catches errors, and looks at them.
fn catches(ast: &AST) -> bool {
    let mut found = false;
    ast.walk(&mut |path| {
        found |= matches!(path.last(), Some(ASTNode::Stmt(Stmt::TryCatch(flow, _))) if matches!(flow.expr, Expr::Variable(..)));
        !found
    });
    found
}

/// The functions of the script that may wait for somebody: their calls as a method of a connection are changed like those
/// of our own. Not those that assign to `this`: they need the variable itself.
fn waiting_functions<'a>(bodies: &[(&'a Shared<ScriptFuncDef>, Vec<Stmt>)]) -> HashSet<Name<'a>> {
    let mut waiting = HashSet::new();
    let mut calls: Vec<(Name<'a>, Vec<(String, usize)>)> = Vec::new();
    for (def, statements) in bodies {
        let name = (def.name.as_str(), def.params.len());
        let (mut called, mut waits, mut assigns) = (Vec::new(), false, false);
        walk(statements, &mut |node| match node {
            ASTNode::Expr(Expr::MethodCall(call, _)) => {
                waits |= method(call).is_some_and(|known| known.form != Form::Send);
                called.push((call.name.to_string(), call.args.len()));
            }
            ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)) => {
                waits |= is_function(call);
                called.push((call.name.to_string(), call.args.len()));
            }
            ASTNode::Stmt(Stmt::Assignment(assignment)) => assigns |= matches!(assignment.1.lhs, Expr::ThisPtr(_)),
            _ => {}
        });
        if waits && !assigns {
            waiting.insert(name);
        } else if !assigns {
            calls.push((name, called));
        }
    }
    loop {
        let known = waiting.len();
        let waits =
            |called: &[(String, usize)]| called.iter().any(|(name, count)| waiting.contains(&(name.as_str(), *count)));
        let more: Vec<_> = calls.iter().filter(|(_, called)| waits(called)).map(|(name, _)| *name).collect();
        waiting.extend(more);
        if waiting.len() == known {
            return waiting;
        }
    }
}

fn walk(statements: &[Stmt], visit: &mut dyn FnMut(ASTNode<'_>)) {
    let mut path = Vec::new();
    for statement in statements {
        statement.walk(&mut path, &mut |path: &[ASTNode<'_>]| {
            path.last().copied().into_iter().for_each(&mut *visit);
            true
        });
    }
}

/// The change of one function.
struct Change<'a> {
    /// The functions of the script, and those of them that may wait.
    own: &'a HashSet<Name<'a>>,
    waiting: &'a HashSet<Name<'a>>,
    /// The variables that closures capture.
    shared: &'a HashSet<ImmutableString>,
    is_handler: bool,
    is_changed: bool,
}

impl Rewrite for Change<'_> {
    fn done(&mut self, statement: &mut Stmt) {
        if let Stmt::TryCatch(flow, _) = statement
            && let (Expr::Variable(caught, ..), false) = (&flow.expr, self.is_handler)
        {
            let node = Node::Caught(caught.1.clone()).into_expr(flow.expr.start_position());
            flow.branch.statements_mut().insert(0, Stmt::Expr(node.into()));
            self.is_changed = true;
        }
    }

    /// The left side of an assignment: it stays a place that can be assigned to, so only what is evaluated for it changes.
    fn target(&mut self, target: &mut Expr) {
        if matches!(target, Expr::Dot(..) | Expr::Index(..)) {
            let mut chain = Chain::of(std::mem::take(target));
            self.inner(&mut chain);
            *target = chain.into_expr();
        }
    }

    fn chain(&mut self, expression: &mut Expr) {
        let mut chain = Chain::of(std::mem::take(expression));
        self.inner(&mut chain);
        let mut done = Chain { root: chain.root, links: Vec::new() };
        for link in chain.links {
            match link.member {
                Expr::MethodCall(call, at) if self.is_detached(&done, &call) => {
                    self.is_changed = true;
                    done = Chain { root: node(done, link.joint, call, at), links: Vec::new() };
                }
                member => done.links.push(Link { member, joint: link.joint }),
            }
        }
        *expression = done.into_expr();
    }
}

impl Change<'_> {
    fn inner(&mut self, chain: &mut Chain) {
        self.expression(&mut chain.root);
        self.expressions(chain.links.iter_mut().map(|link| &mut link.member));
    }

    /// Whether a call could hold a lock while it waits.
    fn is_detached(&self, receiver: &Chain, call: &FnCallExpr) -> bool {
        let can_be_locked = match &receiver.root {
            _ if !receiver.links.is_empty() => true,
            Expr::Variable(variable, ..) => self.shared.contains(&variable.1),
            Expr::ThisPtr(_) => true,
            _ => false,
        };
        let name = (call.name.as_str(), call.args.len());
        let waits = match method(call) {
            _ if self.own.contains(&name) => self.waiting.contains(&name),
            Some(known) => !(self.is_handler && known.form == Form::Send),
            None => false,
        };
        can_be_locked && waits
    }
}

/// The node for a method call.
pub(in crate::script) fn detached(call: Expr) -> Expr {
    let mut chain = Chain::of(call);
    match chain.links.pop() {
        Some(Link { member: Expr::MethodCall(call, at), joint }) => node(chain, joint, call, at),
        other => {
            chain.links.extend(other);
            chain.into_expr()
        }
    }
}

fn node(receiver: Chain, joint: Joint, call: Box<FnCallExpr>, at: Position) -> Expr {
    let is_repeatable = is_repeatable(&receiver.root) && receiver.links.iter().all(|link| is_repeatable(&link.member));
    let mut original = Chain { root: receiver.root.clone(), links: receiver.links.clone() };
    original.links.push(Link { member: Expr::MethodCall(call.clone(), at), joint });
    let node =
        Detached { receiver: receiver.into_expr(), joint, call, at, original: original.into_expr(), is_repeatable };
    let start = node.original.start_position();
    Node::Detached(node.into()).into_expr(start)
}

/// Whether evaluating an expression changes nothing and does not wait.
fn is_repeatable(expression: &Expr) -> bool {
    match expression {
        Expr::Variable(..) | Expr::ThisPtr(_) | Expr::Property(..) => true,
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => is_repeatable(&pair.lhs) && is_repeatable(&pair.rhs),
        other => other.is_constant(),
    }
}
