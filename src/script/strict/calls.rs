//! Checks the calls and properties of one text against the catalog.
//!
//! Functions are identified by name and number of arguments: Rhai selects by type at run time, so a call without a
//! fitting type is found only then. Types are known in one case: parameters of handlers that are never assigned.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};

use rhai::{ASTNode, Blob, Expr, FnAccess, FnCallExpr, ImmutableString, Position, Stmt};

use super::closures;
use super::findings::{Fault, Finding, arguments};
use super::literals;
use super::{Function, RunContext, Unit, walk};
use crate::codec::nearest::nearest;
use crate::script::api::conn::{Conn, Listener};
use crate::script::check;
use crate::script::habits;
use crate::script::reference;

/// Checks a text and appends the findings to `faults`.
pub(super) fn check(unit: &Unit, context: &RunContext, faults: &mut Vec<Fault>) {
    let mut check = Check { unit, context, faults, types: HashMap::new() };
    check.calls();
    let uses = closures::uses(unit);
    for function in &unit.bodies {
        let def = &function.def;
        let used = uses.get(def.name.as_str());
        let parameters = check::parameters(&def.name).or_else(|| used.map(|of| of.parameters)).unwrap_or_default();
        // What a closure has captured comes before its own parameters.
        let names = def.params.iter().skip(used.map_or(0, |of| of.captured)).map(ImmutableString::as_str);
        let scripted = |name: &str| unit.functions.contains_key(name);
        check.types = types(names.zip(parameters.iter().copied()), function, scripted);
        if !check.types.is_empty() {
            check.members(function);
        }
    }
}

struct Check<'a> {
    unit: &'a Unit,
    context: &'a RunContext,
    faults: &'a mut Vec<Fault>,
    /// The variables of known type: name and type.
    types: HashMap<String, (TypeId, &'static str)>,
}

impl Check<'_> {
    fn calls(&mut self) {
        self.unit.ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::FnCall(call, at)) | ASTNode::Expr(Expr::FnCall(call, at))) => {
                    self.function(call, *at);
                }
                Some(ASTNode::Expr(Expr::MethodCall(call, at))) => self.method(call, *at),
                _ => {}
            }
            true
        });
    }

    /// The uses of a handler's parameters.
    fn members(&mut self, handler: &Function) {
        walk(&handler.body, &mut |path| match path.last() {
            Some(ASTNode::Expr(Expr::Dot(pair, ..))) => self.dot(&pair.lhs, &pair.rhs, path),
            Some(ASTNode::Stmt(Stmt::FnCall(call, at)) | ASTNode::Expr(Expr::FnCall(call, at))) => {
                self.comparison(call, *at);
            }
            _ => {}
        });
    }

    /// `data == "x"`, which is never true.
    fn comparison(&mut self, call: &FnCallExpr, at: Position) {
        let (operator @ ("==" | "!="), [left, right]) = (call.name.as_str(), call.args.as_slice()) else { return };
        let is_blob = |side: &Expr| {
            let Expr::Variable(variable, ..) = side else { return None };
            self.types.get(variable.1.as_str()).filter(|known| known.0 == TypeId::of::<Blob>())?;
            Some(variable.1.to_string())
        };
        let is_text = |side: &Expr| matches!(side, Expr::StringConstant(..) | Expr::InterpolatedString(..));
        let name = match (is_blob(left), is_blob(right)) {
            (Some(name), None) if is_text(right) => name,
            (None, Some(name)) if is_text(left) => name,
            _ => return,
        };
        let always = if operator == "==" { "false" } else { "true" };
        let what = format!("a blob {operator} a string is always {always}");
        self.fault(at, what, None, Some(format!("{name}.equals(\"..\") compares bytes, {name}.text() is a string")));
    }

    /// `name(…)` or `alias::name(…)`.
    fn function(&mut self, call: &FnCallExpr, at: Position) {
        let (name, count) = (call.name.as_str(), call.args.len());
        if call.is_qualified() {
            return self.qualified(call, at);
        }
        if call.is_operator_call() || !is_name(name) {
            return;
        }
        if let ("Fn", Some(Expr::StringConstant(named, at))) = (name, call.args.first()) {
            return self.named(named, *at);
        }
        if self.is_scripted(name, count) || self.context.catalog.takes(name, count) {
            return;
        }
        if self.scripted(name).is_empty() && !self.context.catalog.has(name) {
            return self.unknown(name, at, false);
        }
        self.wrong_count(name, count, 0, at);
    }

    /// `value.name(…)`.
    fn method(&mut self, call: &FnCallExpr, at: Position) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let exists = self.is_scripted(name, count) || self.context.catalog.takes(name, count + 1);
        if exists || self.context.members.contains(name) {
            return;
        }
        if self.scripted(name).is_empty() && !self.context.catalog.has(name) {
            self.unknown(name, at, true);
        } else {
            self.wrong_count(name, count, 1, at);
        }
    }

    /// `alias::name(…)`.
    fn qualified(&mut self, call: &FnCallExpr, at: Position) {
        let aliases: Vec<_> = call.namespace.path.iter().map(|alias| alias.name.as_str()).collect();
        let Some(target) = self.context.target(self.unit, aliases.iter().copied()) else { return };
        let name = call.name.as_str();
        let public = || {
            target.ast.iter_functions().filter(|function| {
                function.access == FnAccess::Public && is_name(function.name) && function.this_type.is_none()
            })
        };
        if public().any(|function| function.name == name && function.params.len() == call.args.len()) {
            return;
        }
        let shown = format!("{}::{name}", aliases.join("::"));
        if public().any(|function| function.name == name) {
            let forms: Vec<_> = public()
                .filter(|function| function.name == name)
                .map(|function| format!("{name}({})", function.params.join(", ")))
                .collect();
            let what = format!("{shown} cannot be called {}", arguments(call.args.len()));
            return self.fault(at, what, None, Some(format!("it is defined as {}", forms.join(" or "))));
        }
        let names: Vec<_> = public().map(|function| function.name.to_owned()).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let near = near.map(|near| format!("{}::{near}", aliases.join("::")));
        self.fault(at, format!("unknown function: {shown}"), near.as_deref(), None);
    }

    /// `Fn("name")`.
    fn named(&mut self, name: &str, at: Position) {
        if is_name(name) && self.scripted(name).is_empty() && !self.context.catalog.has(name) {
            self.unknown(name, at, false);
        }
    }

    /// `variable.member`, if the variable's type is known.
    fn dot(&mut self, owner: &Expr, member: &Expr, path: &[ASTNode<'_>]) {
        let assigned = assigned(path);
        let is_target = assigned.is_some();
        let Expr::Variable(variable, ..) = owner else { return };
        let Some(&(id, owner)) = self.types.get(variable.1.as_str()) else { return };
        let (head, is_last) = match member {
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => (&pair.lhs, false),
            other => (other, true),
        };
        let catalog = &self.context.catalog;
        match head {
            Expr::Property(property, at) => {
                let name = property.2.as_str();
                let (reads, sets) = (catalog.reads(name, id), catalog.sets(name, id));
                if !reads && !sets {
                    let usage = reference::signatures(name);
                    let is_function = !usage.is_empty() && catalog.takes_type(name, usage_arguments(&usage), id);
                    let hint = is_function.then(|| format!("it is a function: {}", usage.join(" or ")));
                    let is_native = usage.is_empty() && catalog.takes_type(name, 1, id);
                    let hint = hint.or_else(|| is_native.then(|| format!("it is a function: x.{name}()")));
                    let hint = hint.or_else(|| habits::function(name).map(str::to_owned));
                    let near = if hint.is_some() { None } else { nearest(name, catalog.properties(id)) };
                    let is_conn = hint.is_none() && id == TypeId::of::<Conn>();
                    let near = near.or_else(|| reference::near_property(name).filter(|_| is_conn));
                    let near = near.map(str::to_owned);
                    self.fault(*at, format!("{owner} has no property `{name}`"), near.as_deref(), hint);
                } else if is_target && is_last && !sets {
                    self.fault(*at, format!("{owner}.{name} cannot be set"), None, None);
                } else if let (Some((value, true)), true, Some(trial)) =
                    (assigned, is_last && literals::is_conn(id), &self.context.trial)
                    && let Some((what, hint)) = trial.set(name, value)
                {
                    self.fault(*at, what, None, hint);
                }
            }
            Expr::MethodCall(call, at) => {
                let (name, count) = (call.name.as_str(), call.args.len());
                let general = self.is_scripted(name, count) || !catalog.takes(name, count + 1);
                if !general && !catalog.takes_type(name, count + 1, id) {
                    let habit = if id == TypeId::of::<Conn>() { habits::of_connection(name) } else { None };
                    let hint = habit.or_else(|| habits::function(name)).map(str::to_owned);
                    self.fault(*at, format!("{owner} has no function `{name}`"), None, hint);
                }
            }
            _ => {}
        }
    }

    /// The parameter counts of the script's own functions with that name.
    fn scripted(&self, name: &str) -> &BTreeSet<usize> {
        static NONE: BTreeSet<usize> = BTreeSet::new();
        let own = self.unit.functions.get(name);
        own.or_else(|| self.context.main()?.functions.get(name)).unwrap_or(&NONE)
    }

    fn is_scripted(&self, name: &str, count: usize) -> bool {
        let units = [Some(self.unit), self.context.main()];
        units.into_iter().flatten().any(|unit| unit.functions.get(name).is_some_and(|counts| counts.contains(&count)))
    }

    fn unknown(&mut self, name: &str, at: Position, is_method: bool) {
        if !self.context.asked.contains(name) {
            self.faults.push((self.unit.number, at, Finding::Unknown { name: name.to_owned(), is_method }));
        }
    }

    fn wrong_count(&mut self, name: &str, count: usize, bound: usize, at: Position) {
        let known = self.context.catalog.counts(name, bound).into_iter().collect();
        let (name, is_method) = (name.to_owned(), bound == 1);
        self.faults.push((self.unit.number, at, Finding::WrongCount { name, count, known, is_method }));
    }

    fn fault(&mut self, at: Position, what: String, near: Option<&str>, hint: Option<String>) {
        let near = near.map(str::to_owned);
        self.faults.push((self.unit.number, at, Finding::Text { what, near, hint }));
    }
}

/// The value that is assigned to the last expression of a path, and whether it is with `=`, outside of `try`.
fn assigned<'a>(path: &[ASTNode<'a>]) -> Option<(&'a Expr, bool)> {
    let [around @ .., ASTNode::Stmt(Stmt::Assignment(assignment)), ASTNode::Expr(expression)] = path else {
        return None;
    };
    let is_caught = around.iter().any(|node| matches!(node, ASTNode::Stmt(Stmt::TryCatch(..))));
    let is_plain = !assignment.0.is_op_assignment() && !is_caught;
    std::ptr::eq(&raw const assignment.1.lhs, *expression).then_some((&assignment.1.rhs, is_plain))
}

/// A handler's parameters: their names in the script and in the signature.
fn types<'a>(
    parameters: impl Iterator<Item = (&'a str, &'static str)>,
    function: &Function,
    is_scripted: impl Fn(&str) -> bool,
) -> HashMap<String, (TypeId, &'static str)> {
    let mut types = HashMap::new();
    for (name, parameter) in parameters {
        let known = match parameter {
            "conn" | "from" | "to" => (TypeId::of::<Conn>(), "Conn"),
            "listener" => (TypeId::of::<Listener>(), "Listener"),
            "data" | "frame" => (TypeId::of::<Blob>(), "blob"),
            "text" | "line" | "why" | "name" => (TypeId::of::<ImmutableString>(), "string"),
            _ => continue,
        };
        types.insert(name.to_owned(), known);
    }
    let mut declared: BTreeSet<String> = function.def.params.iter().map(ToString::to_string).collect();
    walk(&function.body, &mut |path| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(variable, ..))) => {
                let name = variable.0.name.as_str();
                // A name that is declared twice may be of two types.
                match made(&variable.1).filter(|(function, _)| !is_scripted(function)) {
                    Some((_, known)) if declared.insert(name.to_owned()) => _ = types.insert(name.to_owned(), known),
                    _ => _ = types.remove(name),
                }
                declared.insert(name.to_owned());
            }
            Some(ASTNode::Stmt(Stmt::For(each, _))) => {
                types.remove(each.0.name.as_str());
                each.1.as_ref().and_then(|counter| types.remove(counter.name.as_str()));
            }
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => forget(&assignment.1.lhs, &mut types),
            Some(ASTNode::Stmt(Stmt::TryCatch(flow, _))) => forget(&flow.expr, &mut types),
            // A closure that captures it may assign to it.
            Some(ASTNode::Stmt(Stmt::Share(shared))) => {
                for (variable, _) in shared.iter() {
                    types.remove(variable.name.as_str());
                }
            }
            _ => {}
        }
    });
    types
}

/// What `connect(…)` and `listen(…)` give.
fn made(value: &Expr) -> Option<(&str, (TypeId, &'static str))> {
    let Expr::FnCall(call, _) = value else { return None };
    let known = match call.name.as_str() {
        _ if call.is_qualified() => return None,
        "connect" => (TypeId::of::<Conn>(), "Conn"),
        "listen" => (TypeId::of::<Listener>(), "Listener"),
        _ => return None,
    };
    Some((call.name.as_str(), known))
}

fn forget(target: &Expr, types: &mut HashMap<String, (TypeId, &'static str)>) {
    if let Expr::Variable(variable, ..) = target {
        types.remove(variable.1.as_str());
    }
}

/// Number of arguments of a documented method, the receiver included.
fn usage_arguments(usage: &[&str]) -> usize {
    let first =
        usage.first().and_then(|usage| usage.split_once('(')).map_or("", |(_, rest)| rest.trim_end_matches(')'));
    1 + first.split(',').filter(|argument| !argument.trim().is_empty()).count()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_') && !name.contains('$')
}
