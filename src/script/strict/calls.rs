//! Checks the calls and properties of one text against the catalog.
//!
//! Functions are identified by name and number of arguments: Rhai selects by type at run time, so a call without a
//! fitting type is found only then. Types are known in one case: parameters of handlers that are never assigned.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};

use rhai::{AST, ASTNode, Blob, Expr, FnAccess, FnCallExpr, ImmutableString, Position, Stmt};

use super::{Fault, RunContext, Unit};
use crate::codec::nearest::nearest;
use crate::script::api::conn::{Conn, Listener};
use crate::script::check;
use crate::script::error;
use crate::script::habits;
use crate::script::reference;

/// Checks a text and appends the findings to `faults`.
pub(super) fn check(unit: &Unit, context: &RunContext, faults: &mut Vec<Fault>) {
    let mut check = Check { unit, context, faults, types: HashMap::new() };
    check.calls();
    for function in unit.ast.iter_functions() {
        let Some(parameters) = check::parameters(function.name) else { continue };
        let mut body = unit.ast.clone_functions_only();
        body.retain_functions(|_, _, name, count| name == function.name && count == function.params.len());
        check.types = types(function.params.iter().copied().zip(parameters.iter().copied()), &body);
        check.members(&body);
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
    fn members(&mut self, handler: &AST) {
        handler.walk(&mut |path| {
            if let Some(ASTNode::Expr(Expr::Dot(pair, ..))) = path.last() {
                self.dot(&pair.lhs, &pair.rhs, is_target(path));
            }
            true
        });
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
        let scripted = self.scripted(name);
        if scripted.contains(&count) || self.context.catalog.takes(name, count) {
            return;
        }
        if scripted.is_empty() && !self.context.catalog.has(name) {
            return self.unknown(name, at, false);
        }
        self.wrong_count(name, count, 0, at);
    }

    /// `value.name(…)`.
    fn method(&mut self, call: &FnCallExpr, at: Position) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let scripted = self.scripted(name);
        let exists = scripted.contains(&count) || self.context.catalog.takes(name, count + 1);
        if exists || self.context.members.contains(name) {
            return;
        }
        if scripted.is_empty() && !self.context.catalog.has(name) {
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
    fn dot(&mut self, owner: &Expr, member: &Expr, is_target: bool) {
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
                }
            }
            Expr::MethodCall(call, at) => {
                let (name, count) = (call.name.as_str(), call.args.len());
                let general = self.scripted(name).contains(&count) || !catalog.takes(name, count + 1);
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
    fn scripted(&self, name: &str) -> BTreeSet<usize> {
        let units = [Some(self.unit), self.context.main()];
        let functions = units.into_iter().flatten().flat_map(|unit| unit.ast.iter_functions());
        functions.filter(|function| function.name == name).map(|function| function.params.len()).collect()
    }

    fn unknown(&mut self, name: &str, at: Position, is_method: bool) {
        if self.context.asked.contains(name) {
            return;
        }
        let variable = || {
            crate::script::outline::words(&self.unit.source.text)
                .any(|word| (word.keyword != "fn" && word.name == name) || word.parameters.contains(&name))
        };
        let hint = if is_method && reference::properties().any(|property| property == name) {
            Some("it is a property: leave the parentheses out".to_owned())
        } else if !is_method && variable() {
            Some(format!("a function in a variable is called with {name}.call(..)"))
        } else {
            habits::function(name).map(str::to_owned)
        };
        let near = if hint.is_some() { None } else { error::near_function(name, &self.unit.source) };
        self.fault(at, format!("unknown function: {name}"), near.as_deref(), hint);
    }

    fn wrong_count(&mut self, name: &str, count: usize, bound: usize, at: Position) {
        let habit = if bound == 1 { habits::of_connection(name) } else { None };
        let habit = habit.or_else(|| habits::function(name)).map(str::to_owned);
        let hint = habit.or_else(|| error::usage(name, &self.unit.source)).or_else(|| {
            let counts = self.context.catalog.counts(name, bound);
            let counts: Vec<_> = counts.iter().map(ToString::to_string).collect();
            (!counts.is_empty()).then(|| format!("it takes {}", counts.join(" or ")))
        });
        self.fault(at, format!("{name} cannot be called {}", arguments(count)), None, hint);
    }

    fn fault(&mut self, at: Position, what: String, near: Option<&str>, hint: Option<String>) {
        let report = error::finding(&self.unit.source, at, what, near, hint);
        self.faults.push((self.unit.number, at, report));
    }
}

/// Whether the last expression of a path is the target of an assignment.
fn is_target(path: &[ASTNode<'_>]) -> bool {
    let [.., ASTNode::Stmt(Stmt::Assignment(assignment)), ASTNode::Expr(expression)] = path else { return false };
    std::ptr::eq(&raw const assignment.1.lhs, *expression)
}

/// A handler's parameters: their names in the script and in the signature.
fn types<'a>(
    parameters: impl Iterator<Item = (&'a str, &'static str)>,
    body: &AST,
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
    body.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(variable, ..))) => _ = types.remove(variable.0.name.as_str()),
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
        true
    });
    types
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

fn arguments(count: usize) -> String {
    match count {
        0 => "without arguments".to_owned(),
        1 => "with 1 argument".to_owned(),
        _ => format!("with {count} arguments"),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphabetic() || first == '_') && !name.contains('$')
}
