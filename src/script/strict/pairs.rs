//! Warns of handlers of received data that exclude each other, on one listener or in the options of one connection.

use std::collections::BTreeMap;

use rhai::{ASTNode, Expr, Position, Stmt};

use super::{Unit, walk};
use crate::script::check::{self, Hook};
use crate::script::error::{self, Report};

/// The warnings of one text.
pub(super) fn warnings(unit: &Unit) -> Vec<Report> {
    let frames = check::examine(&unit.ast, &unit.source).0.frames();
    let mut found = Vec::new();
    let mut warn = |owner: &str, hooks: &[(String, Position)]| {
        let has = |hook: Hook| hooks.iter().any(|(name, _)| name == hook.name());
        if let (Some(text), Some((_, at))) = (check::contradiction(has, frames), hooks.last()) {
            found.push(error::finding(&unit.source, *at, format!("{owner}{text}"), None, None));
        }
    };
    for function in &unit.bodies {
        for (owner, hooks) in assigned(&function.body) {
            warn(&format!("{owner}: "), &hooks);
        }
    }
    unit.ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) = path.last()
            && call.name == "connect"
            && let Some(Expr::Map(map, _)) = call.args.get(1)
        {
            let keys: Vec<_> = map.0.iter().map(|(key, _)| (key.name.to_string(), key.pos)).collect();
            warn("connect: ", &keys);
        }
        true
    });
    found
}

/// The handlers that are assigned to each variable of a function. A name that is declared twice is no single listener.
fn assigned(body: &[Stmt]) -> BTreeMap<String, Vec<(String, Position)>> {
    let mut hooks: BTreeMap<String, Vec<(String, Position)>> = BTreeMap::new();
    let mut declared: Vec<String> = Vec::new();
    walk(body, &mut |path| match path.last() {
        Some(ASTNode::Stmt(Stmt::Var(variable, ..))) => declared.push(variable.0.name.to_string()),
        Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
            if let Expr::Dot(pair, ..) = &assignment.1.lhs
                && let (Expr::Variable(variable, ..), Expr::Property(property, at)) = (&pair.lhs, &pair.rhs)
            {
                let name = property.2.to_string();
                hooks.entry(variable.1.to_string()).or_default().push((name, *at));
            }
        }
        _ => {}
    });
    hooks.retain(|name, _| declared.iter().filter(|declared| *declared == name).count() == 1);
    hooks
}

#[cfg(test)]
mod tests {
    use crate::config::ScriptSource;
    use crate::script::strict::check;

    fn warnings(code: &str) -> Vec<String> {
        let found = check(&ScriptSource::OnLine(code.to_owned()));
        assert!(found.faults.is_empty(), "{code}: {found:?}");
        found.warnings.iter().map(|warning| warning.lines().next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn two_data_handlers_of_one_owner_are_warned_of() {
        let found = warnings("let l = listen(\":0\"); l.on_line = |c, s| c.send(s); l.on_data = |c, d| c.send(d);");
        assert_eq!(found, ["--on-line:1:55: l: on_line takes what is received, on_data is never called"]);
        let found = warnings("connect(\"a:1\", #{on_text: |c, s| c.send(s), on_data: |c, d| c.send(d)});");
        assert_eq!(found, ["--on-line:1:45: connect: on_text takes what is received, on_data is never called"]);
    }

    #[test]
    fn handlers_of_several_owners_and_those_that_go_together_are_not() {
        for code in [
            "let l = listen(\":0\"); l.on_line = |c, s| c.send(s); l.on_close = |c, d| ();",
            "let l = listen(\":0\"); let m = listen(\":0\"); l.on_line = |c, s| (); m.on_data = |c, d| ();",
            "let l = listen(\":0\"); l.on_line = |c, s| c.frame_none(); l.on_data = |c, d| c.send(d);",
            "let l = listen(\":0\"); l.on_frame = |c, s| (); l.on_data = |c, d| c.frame_fixed(4);",
        ] {
            assert_eq!(warnings(code), [] as [String; 0], "{code}");
        }
    }
}
