//! The calls that wait: their names and forms, and what keeps them from holding a lock while they wait.
//!
//! Does not register them and does not wait itself. [`rewrite`] changes a compiled text so that a waiting call on a
//! variable that closures share, or on a part of a map (`app.c.read_line()`), is made on a copy of the connection: Rhai
//! would hold the lock of the variable or map for as long as the call waits, and all other code that touches it would fail.
//! Not covered: a function of the script that waits and is called as a method of a map that is itself shared
//! (`app.player.ask()`), because there `this` must be the map itself.

mod bodies;
mod detach;
#[cfg(test)]
mod tests;

pub(super) use self::bodies::{body, original, statements};
pub(super) use self::detach::detached;

use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Stmt};

/// How a function is called when it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// On a connection: `conn.read_line()`.
    Conn,
    /// On a connection, and it waits only if there is no room: `conn.send(x)`. Callable in handlers.
    Send,
    /// On a listener: `listener.accept()`.
    Listener,
    /// On a task: `task.join()`.
    Task,
    /// On nothing: `sleep(ms)`.
    Function,
}

/// A function that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// Minimum and maximum number of arguments, without the receiver.
    pub(super) arguments: (usize, usize),
}

const fn waiting(name: &'static str, form: Form, least: usize, most: usize) -> Waiting {
    Waiting { name, form, arguments: (least, most) }
}

/// All functions that wait. `connect` is not one of them: in a handler it returns at once.
pub(super) const WAITING: [Waiting; 32] = [
    waiting("read", Form::Conn, 0, 2),
    waiting("read_until", Form::Conn, 1, 2),
    waiting("read_line", Form::Conn, 0, 1),
    waiting("read_text", Form::Conn, 0, 1),
    waiting("read_frame", Form::Conn, 0, 1),
    waiting("read_all", Form::Conn, 0, 1),
    waiting("lines", Form::Conn, 0, 0),
    waiting("frames", Form::Conn, 0, 0),
    waiting("chunks", Form::Conn, 0, 0),
    waiting("texts", Form::Conn, 0, 0),
    waiting("expect", Form::Conn, 1, 2),
    waiting("peek", Form::Conn, 1, 2),
    waiting("clean", Form::Conn, 0, 0),
    waiting("expect_eof", Form::Conn, 0, 1),
    waiting("expect_reset", Form::Conn, 0, 1),
    waiting("expect_silence", Form::Conn, 1, 1),
    waiting("flush", Form::Conn, 0, 1),
    waiting("closed", Form::Conn, 0, 1),
    waiting("interactive", Form::Conn, 0, 0),
    waiting("send", Form::Send, 1, 1),
    waiting("send_line", Form::Send, 1, 1),
    waiting("send_hex", Form::Send, 1, 1),
    waiting("send_file", Form::Send, 1, 1),
    waiting("start_tls", Form::Send, 0, 1),
    waiting("accept", Form::Listener, 0, 1),
    waiting("join", Form::Task, 0, 1),
    waiting("join", Form::Function, 1, 2),
    waiting("first", Form::Function, 1, 2),
    waiting("sleep", Form::Function, 1, 1),
    waiting("read_stdin_line", Form::Function, 0, 1),
    waiting("stdin_lines", Form::Function, 0, 0),
    waiting("start", Form::Function, 1, 9),
];

/// The waiting method that a method call may be.
pub(super) fn method(call: &FnCallExpr) -> Option<&'static Waiting> {
    let (name, count) = (call.name.as_str(), call.args.len());
    let is_meant = |known: &&Waiting| {
        known.form != Form::Function && known.name == name && (known.arguments.0..=known.arguments.1).contains(&count)
    };
    // An array has a function of this name, which takes a text.
    let is_array = name == "join" && matches!(call.args.first(), Some(Expr::StringConstant(..)));
    if is_array { None } else { WAITING.iter().find(is_meant) }
}

/// Whether a call in function form waits.
pub(super) fn is_function(call: &FnCallExpr) -> bool {
    let (name, count) = (call.name.as_str(), call.args.len());
    let is_meant = |known: &Waiting| {
        let (least, most) = known.arguments;
        known.name == name
            && match known.form {
                Form::Function => name != "start" && (least..=most).contains(&count),
                Form::Send => false,
                // `read_line(conn)`. A file is read by a function of the same name as a method.
                Form::Conn | Form::Listener | Form::Task => {
                    name != "read_text" && (least + 1..=most + 1).contains(&count)
                }
            }
    };
    // An array has a function of this name, which takes a text.
    let is_array = name == "join" && count == 2 && !matches!(call.args[1], Expr::IntegerConstant(..));
    !call.is_qualified() && !is_array && WAITING.iter().any(is_meant)
}

/// Whether a function of the script with that name is a handler, where nothing waits.
pub(super) fn is_handler(name: &str) -> bool {
    name.starts_with("on_") || name == "frame_size"
}

/// Registers what [`rewrite`] puts into functions.
pub(super) fn register(engine: &mut Engine) {
    bodies::register(engine);
}

/// A script whose waiting calls hold no lock. A script without tasks has no call that waits and stays as it is.
pub(super) fn rewrite(ast: &AST) -> AST {
    if has_tasks(ast) { rewrite_part(ast) } else { ast.clone() }
}

/// The same for a text that others import: what they do with its functions is not known.
pub(super) fn rewrite_part(ast: &AST) -> AST {
    detach::rewrite(ast).unwrap_or_else(|| ast.clone())
}

/// Whether a script may start tasks.
fn has_tasks(ast: &AST) -> bool {
    let is_entry = |name: &str| ["session", "main"].contains(&name) || name.starts_with("test_");
    if ast.iter_functions().any(|function| is_entry(function.name)) {
        return true;
    }
    let mut found = false;
    ast.walk(&mut |path| {
        found |= match path.last() {
            Some(
                ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)),
            ) => call.name == "start",
            Some(ASTNode::Expr(Expr::Property(property, _))) => property.2 == "session",
            Some(ASTNode::Expr(Expr::Map(map, _))) => map.0.iter().any(|(key, _)| key.name == "session"),
            Some(ASTNode::Stmt(Stmt::Import(..))) => true,
            _ => false,
        };
        !found
    });
    found
}
