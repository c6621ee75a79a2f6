//! Warns of `let t = s.trim()`: a function that changes its receiver and gives `()`, whose value is used.

use rhai::{ASTNode, Expr, Stmt};

use super::{RunContext, Unit};
use crate::script::error::{self, Report};
use crate::script::habits;

/// The warnings of one text.
pub(super) fn warnings(unit: &Unit, context: &RunContext) -> Vec<Report> {
    let texts: Vec<String> = unit
        .ast
        .iter_functions()
        .filter(|function| ["on_line", "on_text"].contains(&function.name))
        .filter_map(|function| function.params.get(1).map(|name| (*name).to_owned()))
        .collect();
    let is_scripted = |name: &str| {
        let units = [Some(unit), context.main()];
        units.into_iter().flatten().any(|unit| unit.functions.contains_key(name))
    };
    let mut found = Vec::new();
    unit.ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::MethodCall(call, at))) = path.last() {
            let name = call.name.as_str();
            let is_meant = habits::is_in_place(name)
                && !is_scripted(name)
                && !context.members.contains(name)
                // A regex has a function of this name that gives a string.
                && (name != "replace" || receiver(path).is_some_and(|name| texts.iter().any(|text| text == name)));
            if is_meant && is_used(path) {
                let what = format!("the value of {name} is ()");
                found.push(error::finding(&unit.source, *at, what, None, Some(habits::in_place_hint(name))));
            }
        }
        true
    });
    found
}

/// The variable whose method is called, if it is one.
fn receiver<'a>(path: &'a [ASTNode<'a>]) -> Option<&'a str> {
    let [.., ASTNode::Expr(Expr::Dot(pair, ..)), ASTNode::Expr(_)] = path else { return None };
    if let Expr::Variable(variable, ..) = &pair.lhs { Some(variable.1.as_str()) } else { None }
}

/// Whether something is done with the value of the expression at the end of a path.
fn is_used(path: &[ASTNode<'_>]) -> bool {
    let mut nodes = path.iter().rev();
    let Some(&ASTNode::Expr(mut here)) = nodes.next() else { return false };
    for node in nodes {
        match node {
            ASTNode::Expr(parent @ (Expr::Dot(pair, ..) | Expr::Index(pair, ..))) => {
                if !std::ptr::eq(&raw const pair.rhs, here) {
                    return true;
                }
                here = parent;
            }
            ASTNode::Expr(Expr::FnCall(..) | Expr::MethodCall(..) | Expr::InterpolatedString(..) | Expr::Array(..)) => {
                return true;
            }
            ASTNode::Stmt(Stmt::Var(..) | Stmt::Assignment(..) | Stmt::FnCall(..)) => return true,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::config::ScriptSource;
    use crate::script::strict::check;

    fn warnings(code: &str) -> Vec<String> {
        let found = check(&ScriptSource::OnLine(code.to_owned()));
        assert!(found.faults.is_empty(), "{code}: {found:?}");
        found.warnings
    }

    #[test]
    fn the_value_of_a_function_that_has_none_is_warned_of() {
        for code in [
            "let s = line.trim();",
            "let s; s = line.trim();",
            "conn.send_line(line.trim());",
            "print(line.trim() + \"!\");",
            "let s = \"a\"; print(s.make_upper().len());",
            "let s = line.replace(\"a\", \"b\");",
            "app.l = []; let l = app.l.push(1);",
        ] {
            let found = warnings(code);
            assert!(found.len() == 1 && found[0].contains(" is ()\n"), "{code}: {found:?}");
        }
        assert!(
            warnings("let s = line.trim();")[0]
                .ends_with("\nhint: x.trim() changes x and gives (): write x.trim(); as a statement, and then use x")
        );
    }

    #[test]
    fn what_stands_alone_or_has_a_value_is_not() {
        for code in [
            "line.trim(); conn.send_line(line);",
            "let l = [1]; l.push(2); l[0] = 1; l.reverse()",
            "app.l = [[]]; app.l[0].push(line);",
            "let r = re(\"a\"); let s = r.replace(line, \"b\");",
            "[1].for_each(|x| app.l.push(x));",
            "let s = line.to_upper(); let n = line.len();",
            "if line.len() > 3 { line.crop(0, 3) }",
        ] {
            assert_eq!(warnings(code), [] as [String; 0], "{code}");
        }
    }
}
