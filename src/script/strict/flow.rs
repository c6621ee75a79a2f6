//! Statements that cannot do what was meant: those never reached, values that nobody uses, loops without an end, constants
//! that are assigned to.

use std::collections::HashSet;

use rhai::{ASTFlags, ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::findings::{Fault, Finding};
use super::waits::waits;
use super::{Function, RunContext, Unit, walk};
use crate::script::check;
use crate::script::outline;

/// Checks a text; what is certainly wrong goes to `faults`.
pub(super) fn check(unit: &Unit, context: &RunContext, faults: &mut Vec<Fault>, warnings: &mut Vec<Fault>) {
    let words: Vec<_> = outline::words(&unit.source.text).collect();
    let constants = words.iter().filter(|word| word.depth == 0 && word.keyword == "const").map(|word| word.name);
    let names = words
        .iter()
        .flat_map(|word| word.parameters.iter().copied().chain((word.keyword != "fn").then_some(word.name)));
    let (constants, names) = (constants.collect(), names.collect());
    let mut flow = Flow { unit, context, constants, names, faults, warnings };
    flow.block(unit.ast.statements(), true);
    flow.nodes(unit.ast.statements(), false);
    for function in &unit.bodies {
        // Nobody uses the value of an event's handler.
        let is_event =
            check::parameters(&function.def.name).is_some() && !ANSWERS.contains(&function.def.name.as_str());
        flow.block(&function.body, is_event);
        flow.nodes(&function.body, true);
        flow.parameters(function);
    }
}

struct Flow<'a> {
    unit: &'a Unit,
    context: &'a RunContext,
    /// The names of the constants at the top level.
    constants: HashSet<&'a str>,
    /// All declared variables and parameters.
    names: HashSet<&'a str>,
    faults: &'a mut Vec<Fault>,
    warnings: &'a mut Vec<Fault>,
}

impl Flow<'_> {
    fn fault(&mut self, at: Position, what: impl Into<String>, hint: &str) {
        self.faults.push((self.unit.number, at, Finding::text(what, Some(hint))));
    }

    fn warn(&mut self, at: Position, what: impl Into<String>, hint: &str) {
        self.warnings.push((self.unit.number, at, Finding::text(what, Some(hint))));
    }

    fn is_scripted(&self, name: &str) -> bool {
        self.unit.functions.contains_key(name)
            || self.context.main().is_some_and(|main| main.functions.contains_key(name))
    }

    // ---- statements in a row --------------------------------------------------------------------------

    fn block(&mut self, statements: &[Stmt], last_is_unused: bool) {
        let is_nothing = |statement: &&Stmt| matches!(statement, Stmt::Noop(_) | Stmt::Share(_));
        for (index, statement) in statements.iter().enumerate() {
            let next = statements[index + 1..].iter().find(|next| !is_nothing(next));
            match statement {
                Stmt::Return(_, how, _) if next.is_some() => {
                    let word = if how.contains(ASTFlags::BREAK) { "throw" } else { "return" };
                    self.unreached(next, word);
                }
                Stmt::BreakLoop(_, how, _) if next.is_some() => {
                    let word = if how.contains(ASTFlags::BREAK) { "break" } else { "continue" };
                    self.unreached(next, word);
                }
                _ if next.is_some() || last_is_unused => self.unused(statement),
                _ => {}
            }
        }
        self.sends_after_close(statements);
    }

    fn unreached(&mut self, next: Option<&Stmt>, word: &str) {
        if let Some(next) = next {
            let at = start(next);
            self.warn(at, format!("this is never reached: {word} stands before it"), "take one of the two away");
        }
    }

    /// A statement that only computes something.
    fn unused(&mut self, statement: &Stmt) {
        let (call, at) = match statement {
            Stmt::FnCall(call, at) => (&**call, *at),
            Stmt::Expr(expression) => match &**expression {
                Expr::FnCall(call, at) => (&**call, *at),
                Expr::Dot(pair, ..) => match last_method(&pair.rhs) {
                    Some(found) => found,
                    None => return,
                },
                _ => return,
            },
            _ => return,
        };
        let name = call.name.as_str();
        if call.is_operator_call() && COMPARISONS.contains(&name) {
            let hint = if name == "==" { "= assigns a value" } else { "if x < y { .. } uses it" };
            self.warn(at, format!("the result of {name} is not used"), hint);
        } else if PURE.contains(&name) && !self.is_scripted(name) && !self.context.members.contains(name) {
            let what = format!("the result of {name} is not used: it changes nothing");
            let hint = match name {
                "to_upper" => "let s = s.to_upper(); or s.make_upper(), which changes it in place".to_owned(),
                "to_lower" => "let s = s.to_lower(); or s.make_lower(), which changes it in place".to_owned(),
                _ => format!("keep it: let x = s.{name}(..);"),
            };
            self.warn(at, what, &hint);
        }
    }

    /// `conn.close()` and then `conn.send()` in the same block.
    fn sends_after_close(&mut self, statements: &[Stmt]) {
        let mut closed: Vec<(String, &str)> = Vec::new();
        for statement in statements {
            if !closed.is_empty() {
                let mut found = Vec::new();
                walk(std::slice::from_ref(statement), &mut |path| {
                    let Some(ASTNode::Expr(Expr::Dot(pair, ..))) = path.last() else { return };
                    let (Expr::Variable(variable, ..), Expr::MethodCall(call, at)) = (&pair.lhs, &pair.rhs) else {
                        return;
                    };
                    let name = variable.1.as_str();
                    if let Some((name, how)) = closed.iter().find(|(closed, _)| closed == name)
                        && SENDS.contains(&call.name.as_str())
                    {
                        found.push((*at, format!("{name}.{} after {name}.{how}() goes nowhere", call.name)));
                    }
                });
                for (at, what) in found {
                    self.warn(at, what, "send first, then close: close sends what is queued");
                }
            }
            match statement {
                Stmt::Var(variable, ..) => closed.retain(|(name, _)| *name != variable.0.name.as_str()),
                Stmt::Assignment(assignment) => {
                    if let Expr::Variable(variable, ..) = &assignment.1.lhs {
                        closed.retain(|(name, _)| *name != variable.1.as_str());
                    }
                }
                Stmt::Expr(expression) => {
                    if let Expr::Dot(pair, ..) = &**expression
                        && let (Expr::Variable(variable, ..), Expr::MethodCall(call, _)) = (&pair.lhs, &pair.rhs)
                        && let Some(how) = CLOSES.into_iter().find(|how| *how == call.name.as_str())
                        && call.args.is_empty()
                        && !self.is_scripted(how)
                    {
                        closed.push((variable.1.to_string(), how));
                    }
                }
                _ => {}
            }
        }
    }

    // ---- single nodes ---------------------------------------------------------------------------------

    fn nodes(&mut self, statements: &[Stmt], in_function: bool) {
        walk(statements, &mut |path| match path.last() {
            Some(ASTNode::Stmt(Stmt::If(flow, _) | Stmt::TryCatch(flow, _))) => {
                self.block(flow.body.statements(), false);
                self.block(flow.branch.statements(), false);
            }
            Some(ASTNode::Stmt(Stmt::While(flow, at))) => {
                self.block(flow.body.statements(), true);
                let is_endless = matches!(&flow.expr, Expr::Unit(_) | Expr::BoolConstant(true, _));
                if is_endless && !self.has_exit(flow.body.statements()) {
                    self.warn(
                        *at,
                        "this loop has no end: the call is stopped by its time limit",
                        "every(ms, || ..) repeats",
                    );
                }
            }
            Some(ASTNode::Stmt(Stmt::Do(flow, ..))) => self.block(flow.body.statements(), true),
            Some(ASTNode::Stmt(Stmt::For(each, _))) => {
                self.block(each.2.body.statements(), true);
                self.range(&each.2.expr);
            }
            Some(ASTNode::Stmt(Stmt::Block(block)) | ASTNode::Expr(Expr::Stmt(block))) => {
                self.block(block.statements(), false);
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) if in_function => self.assignment(&assignment.1.lhs),
            Some(ASTNode::Stmt(Stmt::FnCall(call, at)) | ASTNode::Expr(Expr::FnCall(call, at))) => {
                self.sleep(call, *at);
            }
            Some(ASTNode::Expr(Expr::StringConstant(text, at))) => self.interpolation(text, *at, path),
            _ => {}
        });
    }

    fn has_exit(&self, body: &[Stmt]) -> bool {
        let mut has_exit = false;
        walk(body, &mut |path| {
            let in_loop =
                path.iter().any(|node| matches!(node, ASTNode::Stmt(Stmt::While(..) | Stmt::Do(..) | Stmt::For(..))));
            has_exit |= match path.last() {
                Some(ASTNode::Stmt(Stmt::Return(..))) => true,
                Some(ASTNode::Stmt(Stmt::BreakLoop(_, how, _))) => how.contains(ASTFlags::BREAK) && !in_loop,
                Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) => {
                    call.name == "exit" || call.is_qualified() || waits(call, false) || self.is_scripted(&call.name)
                }
                Some(ASTNode::Expr(Expr::MethodCall(call, _))) => {
                    call.name == "call" || waits(call, true) || self.is_scripted(&call.name)
                }
                _ => false,
            };
        });
        has_exit
    }

    /// `for i in s.len()`
    fn range(&mut self, over: &Expr) {
        let Expr::Dot(pair, ..) = over else { return };
        let at = match &pair.rhs {
            Expr::MethodCall(call, at) if call.name == "len" => *at,
            Expr::Property(property, at) if property.2 == "len" => *at,
            _ => return,
        };
        self.fault(
            at,
            "a number cannot be looped over",
            "for i in 0..x.len() { .. } counts, for b in x { .. } takes the items",
        );
    }

    fn assignment(&mut self, target: &Expr) {
        let (Expr::Variable(variable, ..), at) = (root(target), target.start_position()) else { return };
        let name = variable.1.as_str();
        if variable.0.is_none() && self.constants.contains(name) {
            let hint = format!("what changes stands in app: app.{} = ..", name.to_lowercase());
            self.fault(at, format!("cannot assign to constant {name}"), &hint);
        }
    }

    fn sleep(&mut self, call: &FnCallExpr, at: Position) {
        let is_short = match call.args.as_slice() {
            [Expr::IntegerConstant(ms, _)] => *ms < 10,
            [Expr::FloatConstant(ms, _)] => **ms < 10.0,
            _ => false,
        };
        if call.name == "sleep" && is_short && !call.is_qualified() && !self.is_scripted("sleep") {
            self.warn(at, "sleep takes milliseconds; it was seconds in Rhai", "sleep(1000) is a second");
        }
    }

    /// `"hello ${name}"`, which is not filled in.
    fn interpolation(&mut self, text: &str, at: Position, path: &[ASTNode<'_>]) {
        // A part of a string in backticks, or a pattern of replace.
        let is_meant = |node: &ASTNode<'_>| match node {
            ASTNode::Expr(Expr::InterpolatedString(..)) => true,
            ASTNode::Expr(Expr::MethodCall(call, _) | Expr::FnCall(call, _)) => call.name == "replace",
            _ => false,
        };
        let Some(name) = text.split("${").skip(1).find_map(|rest| {
            let end = rest.find('}')?;
            let word = rest[..end].split(['.', '[', '(']).next()?.trim();
            (self.names.contains(word) || ["app", "args"].contains(&word)).then_some(word)
        }) else {
            return;
        };
        if !path.iter().any(is_meant) {
            let what = format!("${{{name}}} in double quotes stays as it is written");
            self.warn(at, what, "backticks fill in values: `a ${x}`");
        }
    }

    /// `fn on_line(line)`, whose only parameter is the connection.
    fn parameters(&mut self, function: &Function) {
        let def = &function.def;
        let Some(["conn" | "from", ..]) = check::parameters(&def.name) else { return };
        let Some(given) = def.params.first() else { return };
        if DATA.contains(&given.as_str()) {
            let all = check::parameters(&def.name).unwrap_or_default().join(", ");
            let what = format!("the first parameter of {} is a connection, although it is called {given}", def.name);
            self.warn(def.body.start_position(), what, &format!("fn {}({all})", def.name));
        }
    }
}

/// The beginning of a statement.
fn start(statement: &Stmt) -> Position {
    match statement {
        Stmt::Expr(expression) => expression.start_position(),
        Stmt::Assignment(assignment) => assignment.1.lhs.start_position(),
        other => other.position(),
    }
}

/// The value at the beginning of `a.b[c]`.
fn root(expression: &Expr) -> &Expr {
    match expression {
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => root(&pair.lhs),
        other => other,
    }
}

/// The method that is called last in a chain.
fn last_method(member: &Expr) -> Option<(&FnCallExpr, Position)> {
    match member {
        Expr::MethodCall(call, at) => Some((call, *at)),
        Expr::Dot(pair, ..) => last_method(&pair.rhs),
        _ => None,
    }
}

/// The handlers whose value counts.
const ANSWERS: [&str; 2] = ["frame_size", "on_relay"];
/// Names of parameters that are not connections.
const DATA: [&str; 10] = ["data", "text", "line", "frame", "buf", "why", "err", "error", "msg", "message"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
/// Functions that only give a new value.
const PURE: [&str; 6] = ["to_upper", "to_lower", "sub_string", "fmt", "to_string", "extract"];
const CLOSES: [&str; 3] = ["close", "reset", "shutdown"];
const SENDS: [&str; 4] = ["send", "send_line", "send_hex", "send_file"];
