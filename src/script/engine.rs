//! The engine of one script: its limits, its global variables, and how a text becomes callable.
//!
//! A script is run once as a module and its functions are then called by name in that module: they see the
//! literal constants, `global::K` and what the script imports, and the top level is not run again. Mutable
//! state is only in `app`, which is shared and found by name.

use std::path::Path;
use std::rc::Rc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, ParseErrorType, Position, Scope};

use crate::config::ScriptSource;
use crate::script::api;
use crate::script::host::Host;
use crate::script::paths::FileAccess;
use crate::script::resolver::Resolver;
use crate::script::source::{Source, Sources};
use crate::session::Command;

/// What can go wrong in the engine.
pub(super) type Fault = Box<EvalAltResult>;

/// An engine with everything a script can use.
pub(super) fn build(
    host: &Rc<Host>,
    args: &[String],
    sources: &Rc<Sources>,
    folder: Option<&Path>,
    access: FileAccess,
    app: &Dynamic,
) -> Engine {
    let mut engine = Engine::new();
    set_limits(&mut engine);
    api::register(&mut engine, host, access);
    engine.set_module_resolver(Resolver::new(Rc::clone(sources), folder));

    let clock = Rc::clone(host);
    engine.on_progress(move |operations| clock.progress(operations));

    let of = Rc::clone(sources);
    let app = app.clone();
    let args = Dynamic::from_array(args.iter().cloned().map(Dynamic::from).collect()).into_shared();
    // "Not deprecated, but volatile" says its documentation; there is no other way to have a mutable global.
    #[allow(deprecated)]
    engine.on_var(move |name, index, context| {
        Ok(match name {
            "app" => Some(app.clone()),
            "args" => Some(args.clone()),
            // What the parser did not find either: the optimizer puts constants in their places, but not
            // where a method is called on one (`K.len()`).
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

/// Parses a text twice if it has constants: once for them, once with them, so that functions know them; in between
/// everything that is no variable is found.
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

/// Finds the first unknown variable. A function's name is a value too, but seldom used as one, and the parser goes
/// through all names for each: they are only told where that matters.
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

/// Every unknown variable of a text that can be parsed, each where it stands first.
pub(super) fn unknown_variables(ast: &AST, source: &Source) -> Vec<Fault> {
    let strict = strict();
    let mut names = names(ast, &constants(ast));
    let mut faults = Vec::new();
    // The parser stops at the first: what it has told is made known, and it has to go on.
    while let Err(fault) = strict.compile_with_scope(&names, &source.text) {
        let fault: Fault = fault.into();
        let unknown = match &*fault {
            EvalAltResult::ErrorParsing(ParseErrorType::VariableUndefined(name), _) => Some(name.clone()),
            _ => None,
        };
        faults.push(fault);
        match unknown {
            Some(name) if !names.contains(&name) => _ = names.push(name, ()),
            _ => break,
        }
    }
    faults
}

/// The literal constants at the top of a text.
fn constants(ast: &AST) -> Scope<'static> {
    let mut constants = Scope::new();
    for (name, _, value) in ast.iter_literal_variables(true, false) {
        constants.push_constant_dynamic(name, value);
    }
    constants
}

/// What a text has without declaring it, and its constants.
fn given(constants: &Scope<'static>) -> Scope<'static> {
    let mut names = constants.clone();
    names.push("app", ()).push("args", ());
    names
}

/// What the strict parser cannot know: a function's name is a value too.
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

/// The closures of a text alone. A value that is one knows only its name.
pub(super) fn closures(ast: &AST) -> AST {
    let mut closures = ast.clone_functions_only();
    closures.retain_functions(|_, _, name, _| name.starts_with("anon$"));
    closures
}

/// Where an error stands.
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

/// Runs the top level of a compiled text once.
pub(super) fn run(engine: &Engine, ast: &AST, constants: Scope<'static>) -> Result<Module, Fault> {
    Module::eval_ast_as_new(constants, ast, engine)
}

/// Rhai's defaults differ between debug and release builds: all that matter are set.
fn set_limits(engine: &mut Engine) {
    engine
        .set_max_expr_depths(128, 64)
        .set_max_call_levels(64)
        .set_max_string_size(16 << 20)
        .set_max_array_size(4 << 20)
        .set_max_map_size(1 << 20)
        .disable_symbol("eval");
}
