//! Closures and the places that call them: how many parameters they may have there, and what they must not capture.

use std::collections::HashMap;

use rhai::{ASTNode, Expr, FnCallExpr, FnPtr, Position, Stmt};

use super::findings::{Fault, Finding};
use super::{RunContext, Unit};
use crate::script::check::{self, Hook};
use crate::script::reference;

/// How a closure is called.
#[derive(Clone, Copy)]
pub(super) struct Use {
    /// Number of captured values, which are the first parameters of its function.
    pub(super) captured: usize,
    /// Its own parameters, as far as their kind is known.
    pub(super) parameters: &'static [&'static str],
}

/// A function given to a function of tcpx or of Rhai.
struct Site<'a> {
    /// What it is given to: `after`, `on_data`.
    name: &'a str,
    closure: Closure<'a>,
    /// Number of arguments it is called with at most.
    most: usize,
    parameters: &'static [&'static str],
}

/// A closure, or a function by its name.
struct Closure<'a> {
    function: String,
    captured: Vec<&'a str>,
    at: Position,
}

/// The closures of a text whose parameters are known.
pub(super) fn uses(unit: &Unit) -> HashMap<String, Use> {
    let mut uses = HashMap::new();
    unit.each_node(&mut |path| {
        for site in sites(path) {
            let of = Use { captured: site.closure.captured.len(), parameters: site.parameters };
            uses.insert(site.closure.function, of);
        }
    });
    uses
}

/// Checks the closures of a text.
pub(super) fn check(unit: &Unit, context: &RunContext, faults: &mut Vec<Fault>) {
    let mut fault = |at: Position, what: String, hint: Option<&str>| {
        faults.push((unit.number, at, Finding::text(what, hint)));
    };
    unit.each_node(&mut |path| {
        for site in sites(path) {
            let is_own = unit.functions.contains_key(site.name) || context.members.contains(site.name);
            if is_own && !site.name.starts_with("on_") {
                continue;
            }
            let Some(counts) = unit.functions.get(&site.closure.function) else { continue };
            let least = counts.iter().min().map_or(0, |least| least.saturating_sub(site.closure.captured.len()));
            if least > site.most {
                let (name, most) = (site.name, site.most);
                let plural = if least == 1 { "" } else { "s" };
                let gets = if most == 0 { "none".to_owned() } else { format!("{most} at most") };
                let usage = usage(name, most);
                let what = format!("the function given to {name} has {least} parameter{plural} and gets {gets}");
                fault(site.closure.at, what, usage.as_deref());
            }
        }
        if let Some(ASTNode::Expr(Expr::Dot(pair, ..))) = path.last()
            && let (Expr::Variable(variable, ..), Some((call, at))) = (&pair.lhs, method(&pair.rhs))
        {
            let name = variable.1.as_str();
            let captures = |argument: &Expr| closure(argument).is_some_and(|closure| closure.captured.contains(&name));
            if call.args.iter().any(captures) && call.name != "call" {
                let hint = match call.name.as_str() {
                    "after" | "every" | "expect" => {
                        "use the closure's own parameter: |c| c.send(..); it is this connection".to_owned()
                    }
                    _ => format!("take what you need of it first: let copy = {name};"),
                };
                let what = format!("the closure captures {name}, which is in use during {name}.{}(..)", call.name);
                fault(at, what, Some(&hint));
            }
        }
        if let Some((name, argument)) = timer_argument(path)
            && !unit.functions.contains_key(name)
            && let Some((called, at)) = valueless(argument).filter(|(called, _)| !unit.functions.contains_key(*called))
        {
            let what = format!("{name} takes a function, but {called}(..) is called at once");
            let hint = format!("put it into a closure: |c| c.{called}(..), or || {called}(..)");
            fault(at, what, Some(&hint));
        }
    });
}

/// The functions that the last node of a path gives away to be called as callbacks, and what they are given to.
pub(super) fn callbacks(path: &[ASTNode<'_>]) -> Vec<(String, String)> {
    let mut all: Vec<_> = sites(path)
        .into_iter()
        .filter(|site| is_callback(site.name))
        .map(|site| (format!("{}(..)", site.name), site.closure.function))
        .collect();
    if let [
        ..,
        ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _)),
        ASTNode::Expr(Expr::Map(map, _)),
    ] = path
        && ["connect", "listen"].contains(&call.name.as_str())
    {
        let handlers = map.0.iter().filter(|(key, _)| key.name.starts_with("on_"));
        all.extend(handlers.filter_map(|(key, value)| Some((key.name.to_string(), closure(value)?.function))));
    }
    all
}

/// The functions that the last node of a path calls at once, for each item of an array.
pub(super) fn called_at_once(path: &[ASTNode<'_>]) -> Vec<String> {
    let at_once = sites(path).into_iter().filter(|site| !is_callback(site.name));
    at_once.map(|site| site.closure.function).collect()
}

fn is_callback(name: &str) -> bool {
    ["after", "every", "expect"].contains(&name) || name.starts_with("on_")
}

/// The place of a closure that captures this variable.
pub(super) fn capturing(expression: &Expr, variable: &str) -> Option<Position> {
    closure(expression).filter(|closure| closure.captured.contains(&variable)).map(|closure| closure.at)
}

/// How a function that takes a closure is used.
fn usage(name: &str, most: usize) -> Option<String> {
    if let Some(parameters) = check::parameters(name) {
        return Some(format!("listener.{name} = |{}| ..", parameters.join(", ")));
    }
    let fits = |usage: &&&str| usage.starts_with("conn.") == (most > 0);
    let signatures = reference::signatures(name);
    let usage = signatures.iter().find(fits).or(signatures.first())?;
    Some(format!("it is used as {usage}"))
}

/// The functions that the last node of a path gives away to be called.
fn sites<'a>(path: &[ASTNode<'a>]) -> Vec<Site<'a>> {
    let all = match path.last() {
        Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) if !call.is_qualified() => {
            global(call)
        }
        Some(ASTNode::Expr(Expr::MethodCall(call, _))) => of_method(call),
        Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => assigned(&assignment.1.lhs, &assignment.1.rhs),
        _ => None,
    };
    Vec::from_iter(all)
}

fn global(call: &FnCallExpr) -> Option<Site<'_>> {
    let name @ ("after" | "every") = call.name.as_str() else { return None };
    let [_, argument] = call.args.as_slice() else { return None };
    Some(Site { name, closure: closure(argument)?, most: 0, parameters: &[] })
}

fn of_method(call: &FnCallExpr) -> Option<Site<'_>> {
    let (name, arguments) = (call.name.as_str(), call.args.as_slice());
    let (argument, most, parameters): (_, _, &[&str]) = match (name, arguments) {
        ("after" | "every", [_, argument]) => (argument, 1, &["conn"]),
        ("expect", [_, argument] | [_, _, argument]) => (argument, 2, &["conn", "match"]),
        (name, [argument]) if OF_ARRAYS.contains(&name) => (argument, 2, &[]),
        ("reduce" | "reduce_rev", [argument] | [argument, _]) => (argument, 3, &[]),
        _ => return None,
    };
    Some(Site { name, closure: closure(argument)?, most, parameters })
}

/// `listener.on_data = |conn, data| …`
fn assigned<'a>(target: &'a Expr, value: &'a Expr) -> Option<Site<'a>> {
    let Expr::Dot(pair, ..) = target else { return None };
    let mut member = &pair.rhs;
    while let Expr::Dot(pair, ..) = member {
        member = &pair.rhs;
    }
    let Expr::Property(property, _) = member else { return None };
    let hook = Hook::OF_CONNECTIONS.into_iter().find(|hook| hook.name() == property.2.as_str())?;
    let parameters = check::parameters(hook.name())?;
    Some(Site { name: hook.name(), closure: closure(value)?, most: parameters.len(), parameters })
}

/// The closure or function that an expression is.
fn closure(expression: &Expr) -> Option<Closure<'_>> {
    match expression {
        Expr::DynamicConstant(value, at) => {
            let function = value.read_lock::<FnPtr>()?.fn_name().to_owned();
            Some(Closure { function, captured: Vec::new(), at: *at })
        }
        Expr::FnCall(call, at) if call.name == "Fn" => match call.args.as_slice() {
            [Expr::StringConstant(name, _)] => {
                Some(Closure { function: name.to_string(), captured: Vec::new(), at: *at })
            }
            _ => None,
        },
        // What captures something is a block: the variables are shared, and the closure gets them as arguments.
        Expr::Stmt(block) => match block.statements() {
            [Stmt::Share(_), Stmt::Expr(curry)] => {
                let Expr::FnCall(call, _) = &**curry else { return None };
                let [function, captured @ ..] = call.args.as_slice() else { return None };
                let names = captured.iter().filter_map(|one| match one {
                    Expr::Variable(variable, ..) => Some(variable.1.as_str()),
                    _ => None,
                });
                let inner = closure(function)?;
                Some(Closure { captured: names.collect(), ..inner })
            }
            _ => None,
        },
        _ => None,
    }
}

/// The function argument of `after` and `every`.
fn timer_argument<'a>(path: &[ASTNode<'a>]) -> Option<(&'a str, &'a Expr)> {
    let call: &'a FnCallExpr = match path.last()? {
        ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)) => call,
        _ => return None,
    };
    match (call.name.as_str(), call.args.as_slice()) {
        (name @ ("after" | "every"), [_, argument]) => Some((name, argument)),
        _ => None,
    }
}

/// A call whose value is never a function.
fn valueless(argument: &Expr) -> Option<(&str, Position)> {
    let (call, at) = match argument {
        Expr::FnCall(call, at) => (&**call, *at),
        Expr::Dot(pair, ..) => method(&pair.rhs)?,
        _ => return None,
    };
    VALUELESS.contains(&call.name.as_str()).then_some((call.name.as_str(), at))
}

/// The method that is called last in a chain.
fn method(member: &Expr) -> Option<(&FnCallExpr, Position)> {
    match member {
        Expr::MethodCall(call, at) => Some((call, *at)),
        _ => None,
    }
}

/// Functions of arrays and maps that call a function with an item and its index.
const OF_ARRAYS: [&str; 14] = [
    "map", "filter", "for_each", "retain", "drain", "some", "all", "find", "find_map", "sort", "sort_by", "order",
    "order_by", "dedup",
];

/// Functions whose value is `()`.
const VALUELESS: [&str; 14] = [
    "send",
    "send_line",
    "send_hex",
    "send_file",
    "close",
    "shutdown",
    "reset",
    "log",
    "pause",
    "resume",
    "print",
    "debug",
    "broadcast",
    "broadcast_line",
];
