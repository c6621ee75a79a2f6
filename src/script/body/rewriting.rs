//! Which expressions of a body become nodes.
//!
//! Only those on plain variables: not on `app` and `args` where a connection is meant, not on a variable of no known place, and
//! not where the script has a function of that name itself.

use rhai::{ASTNode, Dynamic, Expr, FnCallExpr, ImmutableString, Position, ScriptFuncDef, Stmt};

use super::asking::Ask;
use super::comparing::Compare;
use super::function::Known;
use super::measuring;
use super::nodes::{Node, Send, What};
use super::parts::{Action, Key, Part, Root, Sign};
use crate::script::api::{conn, reading};
use crate::script::error;
use crate::script::tree::{Chain, Link, Rewrite};
use crate::script::waiting;

/// Puts nodes into the body of a function.
pub(super) fn rewrite(body: &mut Expr, definition: &ScriptFuncDef, known: &Known<'_>) {
    let mut change = Change {
        mentions: Vec::new(),
        shared: Vec::new(),
        parameters: &definition.params,
        is_closure: error::is_closure(&definition.name),
        known: *known,
        loops: 0,
        has_custom: false,
    };
    body.walk(&mut Vec::new(), &mut |path: &[ASTNode<'_>]| {
        match path.last() {
            Some(ASTNode::Expr(Expr::Variable(variable, ..))) => change.mentions.push(variable.1.clone()),
            Some(ASTNode::Expr(Expr::Custom(..))) => change.has_custom = true,
            Some(ASTNode::Stmt(Stmt::Share(variables))) => {
                change.shared.extend(variables.iter().map(|(variable, _)| variable.name.clone()));
                change.mentions.extend(variables.iter().map(|(variable, _)| variable.name.clone()));
            }
            _ => {}
        }
        true
    });
    change.expression(body);
}

struct Change<'a> {
    /// Every mention of a variable.
    mentions: Vec<ImmutableString>,
    /// The variables that closures capture.
    shared: Vec<ImmutableString>,
    parameters: &'a [ImmutableString],
    /// The first of them may be captured variables.
    is_closure: bool,
    known: Known<'a>,
    loops: u32,
    /// There are expressions that cannot be looked into.
    has_custom: bool,
}

impl Rewrite for Change<'_> {
    fn chain(&mut self, expression: &mut Expr) {
        let mut chain = Chain::of(std::mem::take(expression));
        self.inner(&mut chain);
        self.first_call(&mut chain);
        let node = self.node(&chain);
        *expression = chain.into_expr();
        if let Some(node) = node {
            let at = expression.position();
            if let Some(node) = node(expression, None) {
                *expression = node.into_expr(at);
            }
        }
    }

    /// A call that is made on a copy of its connection, because that may be shared: a node holds no lock either.
    fn custom(&mut self, expression: &mut Expr) {
        let Some(call) = waiting::original(expression) else { return };
        let mut chain = Chain::of(call);
        self.inner(&mut chain);
        let node = self.node(&chain);
        let call = chain.into_expr();
        *expression = waiting::detached(call.clone());
        if let Some(node) = node {
            let at = call.position();
            if let Some(node) = node(&call, Some(expression)) {
                *expression = node.into_expr(at);
            }
        }
    }

    fn called(&mut self, expression: &mut Expr) {
        let Expr::FnCall(call, at) = &*expression else { return };
        let compare = || Compare::of(call, expression, &self.known, |side| self.local(side));
        let node = measuring::node_of(call, *at, &self.known);
        if let Some(node) = node.or_else(|| compare().map(|compare| Node::Compare(compare.into()))) {
            let at = expression.position();
            *expression = node.into_expr(at);
        }
    }

    fn target(&mut self, target: &mut Expr) {
        if matches!(target, Expr::Dot(..) | Expr::Index(..)) {
            let mut chain = Chain::of(std::mem::take(target));
            self.inner(&mut chain);
            *target = chain.into_expr();
        }
    }

    /// Rhai tells the beginning of what it cannot go over, and a node has only one place.
    fn iterated(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Dot(..) | Expr::Index(..) => self.target(expression),
            _ => self.expression(expression),
        }
    }

    fn done(&mut self, statement: &mut Stmt) {
        let assignment = match &*statement {
            Stmt::Assignment(assignment) => assignment,
            Stmt::While(flow, at) => {
                if matches!(flow.expr, Expr::Unit(_) | Expr::BoolConstant(true, _))
                    && let Some(nodes) = Node::of_all(flow.body.statements())
                {
                    *statement = Stmt::Expr(Node::Loop(nodes).into_expr(*at).into());
                }
                return;
            }
            Stmt::FnCall(call, at) => {
                if let Some(node) = measuring::node_of(call, *at, &self.known) {
                    *statement = Stmt::Expr(node.into_expr(*at).into());
                }
                return;
            }
            _ => return,
        };
        let sign = match assignment.0.get_op_assignment_info() {
            None => Sign::Set,
            Some((.., "+=", _, _)) => Sign::Add,
            Some((.., "-=", _, _)) => Sign::Subtract,
            Some(_) => return,
        };
        let lhs = &assignment.1.lhs;
        if !matches!(lhs, Expr::Dot(..) | Expr::Index(..)) {
            return;
        }
        let chain = Chain::of(lhs.clone());
        let Some((root, names, key)) = self.part(&chain.root, &chain.links) else { return };
        let (at, value) = (statement.position(), assignment.1.rhs.clone());
        let action = Action::Set(sign, statement.clone(), value);
        *statement = Stmt::Expr(Node::Part(Part { root, names, key, action }).into_expr(at).into());
    }

    fn in_loop(&mut self, begins: bool) {
        if begins {
            self.loops += 1;
        } else {
            self.loops -= 1;
        }
    }
}

/// Makes the node for an expression. The second one: the same without a lock that it could hold, if it is another.
type Make = Box<dyn FnOnce(&Expr, Option<&Expr>) -> Option<Node>>;

impl Change<'_> {
    fn inner(&mut self, chain: &mut Chain) {
        self.expression(&mut chain.root);
        for link in &mut chain.links {
            // Rhai tells the beginning of an index that is wrong, and a node has only one place.
            if !(link.joint.is_index() && matches!(link.member, Expr::Dot(..) | Expr::Index(..))) {
                self.expression(&mut link.member);
            }
        }
    }

    /// Makes a node of a call that waits at the beginning of a longer chain.
    fn first_call(&self, chain: &mut Chain) {
        if chain.links.len() < 2 || !chain.links[0].joint.is_dot() {
            return;
        }
        let Expr::MethodCall(call, at) = &chain.links[0].member else { return };
        let Some(name) = self.local(&chain.root) else { return };
        if let Some(make) = self.waiting_call(name, call, *at) {
            let link = chain.links.remove(0);
            let original = link.joint.between(std::mem::take(&mut chain.root), link.member, true);
            let at = original.position();
            chain.root = make(&original, None).map_or(original, |node| node.into_expr(at));
        }
    }

    /// The node of a call that waits. It is made again with the same arguments: constants, variables that nobody else changes, or
    /// one whose value is kept.
    fn waiting_call(&self, conn: ImmutableString, call: &FnCallExpr, at: Position) -> Option<Make> {
        if (self.known.is_own)(&call.name, call.args.len()) {
            return None;
        }
        if call.args.is_empty()
            && let Some((_, read)) = reading::WAITING.iter().find(|(known, _)| call.name == *known)
        {
            return Some(Box::new(move |call, detached| {
                Some(Node::Read { conn, read: *read, at, original: detached.unwrap_or(call).clone() })
            }));
        }
        let is_simple = |argument: &Expr| argument.is_constant() || self.local(argument).is_some();
        // What a closure captures, here or where this one was made, others may change.
        let is_own = |name: &ImmutableString| {
            !(self.shared.contains(name) || (self.is_closure && self.parameters.contains(name)))
        };
        let is_same =
            |argument: &Expr| argument.is_constant() || self.local(argument).is_some_and(|name| is_own(&name));
        let can_be_left =
            reading::AGAIN.iter().any(|(known, counts)| call.name == *known && counts.contains(&call.args.len()));
        if let ([argument], Some((_, ask))) =
            (&*call.args, reading::ASKING.iter().find(|(known, _)| call.name == *known))
            && is_simple(argument)
        {
            let (ask, argument) = (*ask, argument.clone());
            return Some(Box::new(move |call, detached| {
                let original = detached.unwrap_or(call).clone();
                Some(Node::Ask(Box::new(Ask { conn, call: ask, argument, at, original, can_be_left })))
            }));
        }
        (can_be_left && call.args.iter().all(is_same)).then(|| -> Make {
            // One that may be shared can be another one when the call is made again.
            Box::new(move |call, detached| detached.is_none().then(|| Node::Call { conn, original: call.clone() }))
        })
    }

    fn node(&self, chain: &Chain) -> Option<Make> {
        match (self.local(&chain.root), &*chain.links) {
            (Some(name), [only]) if only.joint.is_dot() => self.on_variable(name, &only.member),
            _ => self.on_part(chain),
        }
    }

    fn on_variable(&self, variable: ImmutableString, member: &Expr) -> Option<Make> {
        match member {
            Expr::Property(property, _) => {
                let (_, get) = *conn::PROPERTIES.iter().find(|(name, _)| property.2 == **name)?;
                Some(Box::new(move |call, _| Some(Node::Get { conn: variable, get, original: call.clone() })))
            }
            Expr::MethodCall(call, at) if !(self.known.is_own)(&call.name, call.args.len()) => {
                let at = *at;
                match (call.name.as_str(), call.args.first()) {
                    (name @ ("send" | "send_line"), Some(argument)) if call.args.len() == 1 => {
                        let what = match argument {
                            Expr::StringConstant(text, _) => What::Literal(text.clone()),
                            other => match self.local(other) {
                                Some(name) => {
                                    let is_last = self.is_only_mention(&name);
                                    What::Variable(name, is_last)
                                }
                                None => Node::of(other).map_or(What::Else, What::Node),
                            },
                        };
                        let is_line = name == "send_line";
                        Some(Box::new(move |call, detached| {
                            let (call, detached) = (call.clone(), detached.cloned());
                            Some(Node::Send(Send { conn: variable, what, is_line, at, call, detached }))
                        }))
                    }
                    ("len", None) => {
                        Some(Box::new(move |call, _| Some(Node::Len { name: variable, original: call.clone() })))
                    }
                    _ => self.waiting_call(variable, call, at),
                }
            }
            _ => None,
        }
    }

    fn on_part(&self, chain: &Chain) -> Option<Make> {
        let (last, way) = chain.links.split_last()?;
        if let Expr::MethodCall(call, _) = &last.member
            && last.joint.is_dot()
        {
            if (self.known.is_own)(&call.name, call.args.len()) {
                return None;
            }
            let (root, names, key) = self.part(&chain.root, way)?;
            return match (call.name.as_str(), &*call.args) {
                ("len", []) => Some(Box::new(move |original, _| {
                    let action = Action::Len(original.clone());
                    Some(Node::Part(Part { root, names, key, action }))
                })),
                ("push", [argument]) => {
                    let argument = argument.clone();
                    Some(Box::new(move |original, _| {
                        let action = Action::Push(original.clone(), argument);
                        Some(Node::Part(Part { root, names, key, action }))
                    }))
                }
                _ => None,
            };
        }
        let (root, names, key) = self.part(&chain.root, &chain.links)?;
        Some(Box::new(move |original, _| {
            let action = Action::Read(original.clone());
            Some(Node::Part(Part { root, names, key, action }))
        }))
    }

    /// The name of a local variable: of a parameter the very same, which is found at a glance.
    fn local(&self, expression: &Expr) -> Option<ImmutableString> {
        let Expr::Variable(variable, short, _) = expression else { return None };
        let is_global = ["app", "args"].contains(&variable.1.as_str()) || !variable.2.is_empty();
        let own = self.parameters.iter().find(|own| **own == variable.1);
        // What a closure captures is a parameter of whose place its parser knows nothing.
        let is_known = short.is_some() || variable.0.is_some() || own.is_some();
        (is_known && !is_global).then(|| own.unwrap_or(&variable.1).clone())
    }

    /// The part that a chain of properties, and an index at its end, stands for.
    fn part(&self, root: &Expr, links: &[Link]) -> Option<(Root, Vec<rhai::Identifier>, Option<Key>)> {
        let Expr::Variable(variable, ..) = root else { return None };
        let (root, links) = if variable.1 == "app" && variable.2.is_empty() {
            (Root::App, links)
        } else {
            let (first, rest) = links.split_first()?;
            let is_state = matches!(&first.member, Expr::Property(property, _) if property.2 == "state");
            if !is_state || !first.joint.is_dot() {
                return None;
            }
            (Root::State(self.local(root)?), rest)
        };
        let (links, key) = match links.split_last() {
            Some((last, way)) if last.joint.is_index() => (way, Some(self.key(last)?)),
            _ => (links, None),
        };
        let name = |link: &Link| match &link.member {
            Expr::Property(property, _) if link.joint.is_dot() => Some(property.2.as_str().into()),
            _ => None,
        };
        let names: Vec<_> = links.iter().map(name).collect::<Option<_>>()?;
        (!names.is_empty()).then_some((root, names, key))
    }

    fn key(&self, link: &Link) -> Option<Key> {
        if !link.joint.is_plain_index() {
            return None;
        }
        match &link.member {
            Expr::StringConstant(text, _) => Some(Key::Value(text.clone().into())),
            Expr::IntegerConstant(number, _) => Some(Key::Value(Dynamic::from_int(*number))),
            other => self.local(other).map(Key::Variable),
        }
    }

    /// Whether the value of a variable is looked at once only.
    fn is_only_mention(&self, name: &str) -> bool {
        self.loops == 0 && !self.has_custom && self.mentions.iter().filter(|mention| *mention == name).count() == 1
    }
}
