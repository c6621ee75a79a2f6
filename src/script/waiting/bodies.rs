//! Functions with a changed body, and nodes of our own in it.
//!
//! Rhai shows the body of a compiled function, but nobody outside of it can make one. So a function with another body is
//! the function with the body of a stub: a text of one word, whose node holds the changed statements and evaluates them.

use std::cell::RefCell;
use std::rc::Rc;

use rhai::{
    AST, ASTNode, CustomExpr, Dynamic, Engine, EvalAltResult, EvalContext, Expr, ImmutableString, Module,
    OptimizationLevel, Position, ScriptFuncDef, Shared, Stmt, StmtBlock,
};

use super::detach::Detached;
use crate::script::trouble;
use crate::sys::coroutine;

/// What a node of ours evaluates.
#[derive(Clone)]
pub(super) enum Node {
    /// The body of a function.
    Body(Rc<Expr>),
    /// A method call on a copy.
    Detached(Rc<Detached>),
    /// The beginning of `catch (NAME)`: an error of the language becomes the map of all errors.
    Caught(ImmutableString),
}

/// The word of the nodes. A script that uses it as a name gets an error.
const KEY: &str = "__tcpx_waits__";

/// The beginning of a stub.
const HEAD: &str = "fn f(){";

/// Registers the evaluation of the nodes.
pub(super) fn register(engine: &mut Engine) {
    // Fails only in builds of Rhai without a parser.
    let _ = engine.register_custom_syntax_handler(KEY, false, |context, _, state| evaluate(context, state));
}

impl Node {
    /// The node as an expression.
    pub(super) fn into_expr(self, at: Position) -> Expr {
        let custom = CustomExpr {
            inputs: std::iter::empty().collect(),
            tokens: std::iter::once(KEY.into()).collect(),
            state: Dynamic::from(self),
            scope_may_be_changed: false,
            self_terminated: false,
        };
        Expr::Custom(Box::new(custom), at)
    }
}

fn evaluate(context: &mut EvalContext<'_, '_, '_, '_, '_, '_>, state: &Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
    match state.read_lock::<Node>().as_deref() {
        Some(Node::Body(body)) => value_of(context, body),
        Some(Node::Detached(call)) => call.evaluate(context),
        Some(Node::Caught(name)) => {
            // In a handler it stays what Rhai made of it.
            let place = if coroutine::is_running() { context.scope_mut().get_mut(name) } else { None };
            if let Some(place) = place
                && let Some(map) = trouble::of_language(place)
            {
                *place = map;
            }
            Ok(Dynamic::UNIT)
        }
        None => Err(EvalAltResult::ErrorVariableNotFound(KEY.to_owned(), Position::NONE).into()),
    }
}

/// Evaluates an expression.
pub(super) fn value_of(
    context: &mut EvalContext<'_, '_, '_, '_, '_, '_>,
    expression: &Expr,
) -> Result<Dynamic, Box<EvalAltResult>> {
    context.eval_expression_tree(&expression.into())
}

/// The statements of a function. Rhai shows them only to those who walk through a whole text, so it gets one with nothing
/// else in it.
pub(in crate::script) fn statements(def: &Shared<ScriptFuncDef>) -> Vec<Stmt> {
    let mut module = Module::new();
    module.set_script_fn(Shared::clone(def));
    let mut statements = Vec::new();
    AST::new_from_module(module).walk(&mut |path: &[ASTNode<'_>]| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}

/// The changed body of a function, if it has one.
pub(in crate::script) fn body(def: &Shared<ScriptFuncDef>) -> Option<Rc<Expr>> {
    match &*statements(def) {
        [Stmt::Expr(only)] => match &**only {
            Expr::Custom(custom, _) => match custom.state.read_lock::<Node>().as_deref() {
                Some(Node::Body(body)) => Some(Rc::clone(body)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The call that a node makes on a copy, as it was written.
pub(in crate::script) fn original(expression: &Expr) -> Option<Expr> {
    let Expr::Custom(custom, _) = expression else { return None };
    match custom.state.read_lock::<Node>().as_deref() {
        Some(Node::Detached(call)) => Some(call.original().clone()),
        _ => None,
    }
}

/// The function with other statements.
pub(super) fn with_statements(def: &ScriptFuncDef, statements: Vec<Stmt>) -> Option<ScriptFuncDef> {
    let (start, end) = (def.body.start_position(), def.body.end_position());
    let body = Expr::Stmt(Box::new(StmtBlock::new(statements, start, end)));
    let stub = stub(Node::Body(Rc::new(body)), start)?;
    Some(ScriptFuncDef { body: stub.body.clone(), ..def.clone() })
}

/// A function of one node, which stands where the body stands.
fn stub(node: Node, at: Position) -> Option<Shared<ScriptFuncDef>> {
    let mut parser = Engine::new_raw();
    parser.set_optimization_level(OptimizationLevel::None);
    let node = RefCell::new(Some(node));
    parser.register_custom_syntax_with_state_raw(
        KEY,
        move |_, _, state| {
            if let Some(node) = node.take() {
                *state = Dynamic::from(node);
            }
            Ok(None)
        },
        false,
        |context, _, state| evaluate(context, state),
    );
    let (line, column) = (at.line().unwrap_or(1), at.position().unwrap_or(1));
    let (lines, blanks) = if line == 1 { (0, column.saturating_sub(HEAD.len() + 1)) } else { (line - 1, column - 1) };
    let text = format!("{HEAD}{}{}{KEY}}}", "\n".repeat(lines), " ".repeat(blanks));
    let ast = parser.compile(text).ok()?;
    ast.iter_fn_def().next().cloned()
}
