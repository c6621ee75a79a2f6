//! Warns of closures that capture the variable of a `for` loop and are kept: all of them share it, and see its last value.

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::findings::{Fault, Finding};
use super::{RunContext, Unit, closures, walk};

/// Checks the loops of a text.
pub(super) fn check(unit: &Unit, context: &RunContext, warnings: &mut Vec<Fault>) {
    unit.each_node(&mut |path| {
        let Some(ASTNode::Stmt(Stmt::For(each, _))) = path.last() else { return };
        let body = each.2.body.statements();
        for variable in [Some(&each.0), each.1.as_ref()].into_iter().flatten() {
            let name = variable.name.as_str();
            if declares(body, name) {
                continue;
            }
            walk(body, &mut |path| {
                let Some(ASTNode::Expr(expression @ Expr::Stmt(_))) = path.last() else { return };
                let Some(at) = closures::capturing(expression, name) else { return };
                let is_own = |call: &FnCallExpr| {
                    let is_known = |unit: &Unit| unit.functions.contains_key(call.name.as_str());
                    is_known(unit) || context.main().is_some_and(is_known)
                };
                let hint = match path.iter().rev().nth(1).and_then(keeper) {
                    Some(Keeper::Call(call)) if is_own(call) => return,
                    Some(Keeper::Call(call)) if call.name == "start" => {
                        format!("hand the value over: start(|{name}| .., {name})")
                    }
                    Some(_) => format!("give each its own: let own = {name}; before it, and use own in the closure"),
                    None => return,
                };
                let what = format!("all closures of this loop share {name}, and see its last value");
                warnings.push((unit.number, at, Finding::text(what, Some(&hint))));
            });
        }
    });
}

/// What keeps a closure longer than a turn of the loop.
enum Keeper<'a> {
    Call(&'a FnCallExpr),
    /// A part of an array or map.
    Value,
}

fn keeper<'a>(around: &ASTNode<'a>) -> Option<Keeper<'a>> {
    match *around {
        ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)) => {
            KEEPS.contains(&call.name.as_str()).then_some(Keeper::Call(call))
        }
        ASTNode::Stmt(Stmt::Assignment(assignment)) => {
            matches!(assignment.1.lhs, Expr::Dot(..) | Expr::Index(..)).then_some(Keeper::Value)
        }
        ASTNode::Expr(Expr::Array(..) | Expr::Map(..)) => Some(Keeper::Value),
        _ => None,
    }
}

/// Whether some statements declare a variable of that name.
fn declares(statements: &[Stmt], name: &str) -> bool {
    let mut is_found = false;
    walk(statements, &mut |path| {
        is_found |= matches!(path.last(), Some(ASTNode::Stmt(Stmt::Var(variable, ..))) if variable.0.name == name);
    });
    is_found
}

/// Functions that keep the function they get.
const KEEPS: [&str; 8] = ["push", "insert", "set", "after", "every", "expect", "start", "unshift"];

#[cfg(test)]
mod tests {
    use super::super::tests::{accepted, findings};

    #[test]
    fn a_kept_closure_with_the_variable_of_a_loop_is_warned_of() {
        let own = "hint: give each its own: let own = i; before it, and use own in the closure";
        for (body, hint) in [
            ("let fs = []; for i in 0..3 { fs.push(|| i); }", own),
            ("let fs = []; for i in 0..3 { if i > 0 { fs += [|| i]; } }", own),
            ("for i in 0..3 { after(i * 100, || print(i)); }", own),
            ("for i in 0..3 { app.last = |x| x + i; }", own),
            ("for i in 0..3 { let l = listen(\":0\"); l.on_connect = |c| c.send(`${i}`); }", own),
            ("for i in 0..3 { connect(\"a:1\", #{on_connect: |c| c.send(`${i}`)}); }", own),
            ("for (x, i) in [5] { app.list.push(|| i); }", own),
            ("for i in 0..3 { start(|| print(i)); }", "hint: hand the value over: start(|i| .., i)"),
        ] {
            let found = findings(&format!("fn main() {{ {body} }}"));
            assert!(found.faults.is_empty() && found.warnings.len() == 1, "{body}: {found:?}");
            let message = &found.warnings[0];
            assert!(message.contains("all closures of this loop share i, and see its last value"), "{message}");
            assert_eq!(message.lines().last(), Some(hint), "{body}");
        }
    }

    #[test]
    fn copies_and_closures_that_are_used_up_are_not() {
        for body in [
            "let fs = []; for i in 0..3 { let own = i; fs.push(|| own); }",
            "let fs = []; for i in 0..3 { fs.push(|i| i); }",
            "for i in 0..3 { print([1].map(|x| x + i)); let f = |x| x + i; print(f.call(1)); }",
            "for i in 0..3 { start(|i| print(i), i); keep(|| i); } fn keep(f) { f.call() }",
        ] {
            accepted(
                &format!("fn main() {{ {body} }}")
                    .replace("} fn keep(f) { f.call() } }", "} } fn keep(f) { f.call() }"),
            );
        }
    }

    #[test]
    fn the_hint_is_true() {
        let engine = rhai::Engine::new();
        let values = |body: &str| {
            engine.eval::<rhai::Array>(&format!("let fs = []; for i in 0..3 {{ {body} }} fs.map(|f| f.call())"))
        };
        let shown = |body: &str| format!("{:?}", values(body).unwrap());
        assert_eq!(shown("fs.push(|| i);"), "[2, 2, 2]");
        assert_eq!(shown("let own = i; fs.push(|| own);"), "[0, 1, 2]");
    }
}
