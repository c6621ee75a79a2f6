//! The Rhai engine of one script: limits, global variables, compilation.
//!
//! A script is evaluated once as a module, and its functions are then called by name in that module: they see literal
//! constants, `global::K` and imports, and the top level is not run again. The only mutable global state is `app`, a
//! shared map found by name.

use std::path::Path;
use std::rc::Rc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, ParseErrorType, Position, Scope};

use crate::config::ScriptSource;
use crate::script::api;
use crate::script::body;
use crate::script::host::Host;
use crate::script::paths::FileAccess;
use crate::script::resolver::Resolver;
use crate::script::source::{Source, Sources};
use crate::script::waiting;
use crate::session::Command;

/// An error of the engine.
pub(super) type Fault = Box<EvalAltResult>;

/// An engine with all functions for scripts registered.
pub(super) fn build(
    host: &Rc<Host>,
    args: &[String],
    sources: &Rc<Sources>,
    folder: Option<&Path>,
    access: Rc<FileAccess>,
    app: &Dynamic,
) -> Engine {
    let mut engine = Engine::new();
    set_limits(&mut engine);
    api::register(&mut engine, host, access);
    api::misfits::register(&mut engine);
    waiting::register(&mut engine);
    body::register(&mut engine, host, app);
    #[cfg(test)]
    if HAS_PANIC.get() {
        engine.register_fn("panic_in_native", || -> rhai::INT { panic!("a native function that panics") });
    }
    engine.set_module_resolver(Resolver::new(Rc::clone(sources), folder));

    let clock = Rc::clone(host);
    engine.on_progress(move |_| clock.progress());

    let of = Rc::clone(sources);
    let app = app.clone();
    let args = Dynamic::from_array(args.iter().cloned().map(Dynamic::from).collect()).into_shared();
    // Documented as "not deprecated, but volatile"; there is no other way to have a mutable global.
    #[allow(deprecated)]
    engine.on_var(move |name, index, context| {
        Ok(match name {
            "app" => Some(app.clone()),
            "args" => Some(args.clone()),
            // Constants that the optimizer did not substitute: it does not where a method is called on one
            // (`K.len()`).
            _ if index == 0 => of.get(context.source().unwrap_or_default()).constant(name),
            _ => None,
        })
    });

    let to = Rc::clone(host);
    engine.on_print(move |text| to.push(Command::Print(format!("{text}\n"))));
    let (to, of) = (Rc::clone(host), Rc::clone(sources));
    engine.on_debug(move |text, source, at| {
        let source = of.get(source.unwrap_or_default());
        let line = source.line_number(at.line().unwrap_or(1));
        to.push(Command::Log(None, format!("{}:{line}: {text}", source.name)));
    });
    engine
}

/// Compiles a text; twice if it has constants: first to find them, then with them, so that functions know them. In
/// between, unknown variables are found.
pub(super) fn compile(engine: &Engine, source: &Source) -> Result<(AST, Scope<'static>), Fault> {
    let first = engine.compile(&source.text)?;
    let constants = constants(&first);
    let values = constants.iter().map(|(name, _, value)| (name.to_owned(), value)).collect();
    let _ = source.constants.set(values);
    check_variables(&first, &constants, &source.text)?;

    let mut ast = if constants.is_empty() { first } else { engine.compile_with_scope(&constants, &source.text)? };
    ast.set_source(&source.name);
    Ok((ast, constants))
}

/// Finds the first unknown variable. A function name is also a value, but seldom used as one, and the parser scans all
/// known names for each variable: function names are added only if needed.
fn check_variables(ast: &AST, constants: &Scope<'static>, text: &str) -> Result<(), Fault> {
    let strict = strict();
    let Err(fault) = strict.compile_with_scope(&given(constants), text) else { return Ok(()) };
    let is_function = |name: &str| ast.iter_functions().any(|function| function.name == name);
    match fault.err_type() {
        ParseErrorType::VariableUndefined(name) if is_function(name) => {
            strict.compile_with_scope(&names(ast, constants), text).map(drop).map_err(Into::into)
        }
        _ => Err(fault.into()),
    }
}

/// Every unknown variable of a valid text, at its first use.
pub(super) fn unknown_variables(ast: &AST, source: &Source) -> Vec<Fault> {
    let strict = strict();
    let constants = constants(ast);
    // Without the names of functions, for which the parser would look at each variable, until one is used as a value.
    let mut known = given(&constants);
    let mut has_functions = false;
    let mut faults = Vec::new();
    // The parser stops at the first one: it is added to the known names, and the text is parsed again. There is an end of
    // that, because every name costs a look at the whole text.
    while faults.len() < MAX_UNKNOWN {
        let Err(fault) = strict.compile_with_scope(&known, &source.text) else { break };
        let fault: Fault = fault.into();
        let unknown = match &*fault {
            EvalAltResult::ErrorParsing(ParseErrorType::VariableUndefined(name), _) => Some(name.clone()),
            _ => None,
        };
        let is_function = |name: &str| ast.iter_functions().any(|function| function.name == name);
        if !has_functions && unknown.as_deref().is_some_and(is_function) {
            has_functions = true;
            for function in ast.iter_functions() {
                known.push(function.name, ());
            }
            continue;
        }
        faults.push(fault);
        match unknown {
            Some(name) if !known.contains(&name) => _ = known.push(name, ()),
            _ => break,
        }
    }
    faults
}

/// Maximum number of unknown variables that are looked for.
const MAX_UNKNOWN: usize = 40;

/// The literal constants at the top level of a text.
fn constants(ast: &AST) -> Scope<'static> {
    let mut constants = Scope::new();
    for (name, _, value) in ast.iter_literal_variables(true, false) {
        constants.push_constant_dynamic(name, value);
    }
    constants
}

/// The predefined names of a text, and its constants.
fn given(constants: &Scope<'static>) -> Scope<'static> {
    let mut names = constants.clone();
    names.push("app", ()).push("args", ());
    names
}

/// The same with the names of functions, which are values, too, that the strict parser does not know.
fn names(ast: &AST, constants: &Scope<'static>) -> Scope<'static> {
    let mut names = given(constants);
    for function in ast.iter_functions() {
        names.push(function.name, ());
    }
    names
}

/// A parser that refuses unknown variables.
fn strict() -> Engine {
    let mut engine = Engine::new_raw();
    set_limits(&mut engine);
    engine.set_strict_variables(true);
    engine
}

/// The closures of a text without its other functions, because a closure value holds only a name.
pub(super) fn closures(ast: &AST) -> AST {
    let mut closures = waiting::rewrite(ast).clone_functions_only();
    closures.retain_functions(|_, _, name, _| name.starts_with("anon$"));
    closures
}

/// The position of an error.
pub(super) fn position(fault: &Fault) -> Position {
    fault.position()
}

/// The folder a script may import from.
pub(super) fn folder(source: &ScriptSource) -> Option<&Path> {
    match source {
        ScriptSource::File(path) => path.parent(),
        _ => None,
    }
}

/// Evaluates the top level of a compiled text once.
pub(super) fn run(engine: &Engine, ast: &AST, constants: Scope<'static>) -> Result<Module, Fault> {
    Module::eval_ast_as_new(constants, &waiting::rewrite(ast), engine)
}

#[cfg(test)]
thread_local! {
    /// Scripts have a function that panics, `panic_in_native()`.
    static HAS_PANIC: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs a test whose scripts have a function that panics.
#[cfg(test)]
pub fn with_panic(run: impl FnOnce()) {
    HAS_PANIC.set(true);
    run();
    HAS_PANIC.set(false);
}

/// Sets all limits explicitly, because Rhai's defaults differ between debug and release builds.
fn set_limits(engine: &mut Engine) {
    engine
        .set_max_expr_depths(128, 64)
        .set_max_call_levels(64)
        .set_max_string_size(16 << 20)
        .set_max_array_size(4 << 20)
        .set_max_map_size(1 << 20)
        .disable_symbol("eval");
}
