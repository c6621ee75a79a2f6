//! `Function`: a function of the script as Rhai finds it: its body, and the environment that it runs in.

use std::cell::OnceCell;
use std::rc::Rc;

use rhai::{
    AST, Caches, Dynamic, EncapsulatedEnviron, Engine, EvalAltResult, EvalContext, Expr, GlobalRuntimeState,
    ImmutableString, Module, Position, RhaiFunc, Scope, ScriptFuncDef, Shared, Stmt, StmtBlock,
};

use super::form::Steps;
use super::nodes::Node;
use super::rewriting;
use crate::script::engine::Fault;
use crate::script::host::Host;
use crate::script::waiting;

/// What a function does.
pub(super) enum Body {
    /// Nothing but nodes of our own, which need no walk through the tree.
    Nodes(Vec<Rc<Node>>),
    /// Anything, as one expression.
    Tree(Expr),
}

/// A function of the script.
pub(super) struct Function {
    definition: Shared<ScriptFuncDef>,
    pub(super) body: Body,
    /// What it begins with: functions, imports and constants of its text.
    pub(super) environment: GlobalRuntimeState,
    /// The name of its text in errors.
    source: String,
    steps: OnceCell<Option<Rc<Steps>>>,
}

impl Function {
    /// The function that Rhai calls for a name and a number of arguments; `None`: it is none of the script's. `lib`: what a
    /// function value is called with.
    pub(super) fn find(engine: &Engine, host: &Host, name: &str, count: usize, lib: Option<&AST>) -> Option<Self> {
        let (definition, environ, source) = resolved(engine, host, name, count)?;
        if definition.params.len() != count {
            return None;
        }
        let mut environment = engine.new_global_runtime_state();
        environment.lib.extend(lib.map(|lib| Shared::clone(lib.shared_lib())));
        environment.source = source;
        // As Rhai counts it for a call from outside.
        environment.level = 2;
        // A constant in it is none of the whole text.
        environment.scope_level = 1;
        let mut origin = None;
        if let Some(environ) = environ {
            for (name, module) in &environ.imports {
                environment.push_import(name.clone(), Shared::clone(module));
            }
            environment.lib.extend(environ.lib.iter().cloned());
            environment.constants.clone_from(&environ.constants);
            origin = environ.lib.last().and_then(|lib| lib.id().map(str::to_owned));
        }
        let source = origin.unwrap_or_else(|| environment.source().unwrap_or_default().to_owned());
        let is_own = |name: &str, count: usize| {
            let has =
                |lib: &Shared<Module>| lib.iter_script_fn_info().any(|(_, _, own, n, _)| own == name && n == count);
            host.defines(name, count) || environment.lib.iter().any(has)
        };
        // Where Rhai looks for the closures of a function first.
        let own = environment.lib.first().cloned();
        let closure = |name: &str, count: usize| own.as_ref()?.get_script_fn(name, count).cloned();
        let body = Body::of(&definition, &Known { is_own: &is_own, closure: &closure });
        Some(Self { definition, body, environment, source, steps: OnceCell::new() })
    }

    /// Its steps, if it can be left where it waits.
    pub(super) fn steps(&self) -> Option<Rc<Steps>> {
        self.steps.get_or_init(|| Steps::of(&self.body).map(Rc::new)).clone()
    }

    /// Number of its parameters.
    pub(super) fn parameters(&self) -> usize {
        self.definition.params.len()
    }

    /// The names of its parameters.
    pub(super) fn names(&self) -> &[ImmutableString] {
        &self.definition.params
    }

    /// What a call gives, as Rhai ends a call of a function.
    pub(super) fn outcome(&self, result: Result<Dynamic, Fault>) -> Result<Dynamic, Fault> {
        result.or_else(|fault| match *fault {
            EvalAltResult::Return(value, _) => Ok(value),
            mut exit @ EvalAltResult::Exit(..) => {
                exit.set_position(Position::NONE);
                Err(exit.into())
            }
            // Rhai would drop the place of an error of its limits, which is one in this function.
            fault => {
                let (name, source) = (self.definition.name.to_string(), self.source.clone());
                Err(EvalAltResult::ErrorInFunctionCall(name, source, fault.into(), Position::NONE).into())
            }
        })
    }
}

/// A definition, its environment and the name of its text.
type Resolved = (Shared<ScriptFuncDef>, Option<Shared<EncapsulatedEnviron>>, Option<ImmutableString>);

/// What Rhai calls for a name. It tells nobody, but notes a function that it has looked for twice; so it is asked to call it,
/// and each operation is refused.
fn resolved(engine: &Engine, host: &Host, name: &str, count: usize) -> Option<Resolved> {
    let mut caches = Caches::new();
    host.refusing(|| {
        for _ in 0..2 {
            let mut values = vec![Dynamic::UNIT; count];
            let mut args: Vec<_> = values.iter_mut().collect();
            let (mut global, mut scope) = (engine.new_global_runtime_state(), Scope::new());
            let mut context = EvalContext::new(engine, &mut global, &mut caches, &mut scope, None);
            let _ = context.call_fn_raw(name, false, false, &mut args);
        }
    });
    caches.fn_resolution_cache_mut().dict.values().flatten().find_map(|entry| match &entry.func {
        RhaiFunc::Script { fn_def, env } => Some((Shared::clone(fn_def), env.clone(), entry.source.clone())),
        _ => None,
    })
}

/// What is known of the text that a function stands in.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Whether the script has a function of that name with so many parameters.
    pub(super) is_own: &'a dyn Fn(&str, usize) -> bool,
    /// The closure of that name with so many parameters, what it captures included.
    pub(super) closure: &'a dyn Fn(&str, usize) -> Option<Shared<ScriptFuncDef>>,
}

impl Body {
    /// The body as nodes, or as one expression: without a block around it if it is one already.
    pub(super) fn of(definition: &Shared<ScriptFuncDef>, known: &Known<'_>) -> Self {
        let (start, end) = (definition.body.start_position(), definition.body.end_position());
        let mut body = match waiting::body(definition) {
            Some(body) => (*body).clone(),
            None => Expr::Stmt(Box::new(StmtBlock::new(waiting::statements(definition), start, end))),
        };
        rewriting::rewrite(&mut body, definition, known);
        if let Expr::Stmt(block) = &mut body {
            if let Some(nodes) = Node::of_all(block.statements()) {
                return Self::Nodes(nodes);
            }
            if let [Stmt::Expr(only)] = block.statements_mut().as_mut_slice() {
                return Self::Tree(std::mem::take(&mut **only));
            }
        }
        Self::Tree(body)
    }
}
