//! The strict check of a script: reports every error that can be found without running handlers.
//!
//! Loading a script checks syntax, handlers and variables. Rhai looks functions up only when they are called, so this
//! walks the syntax tree of the script and its imports and looks up every name in the engine. A call that depends on
//! types is reported only if the type is known. Used by `tcpx script check` only; it must accept every script that
//! runs.

mod backticks;
mod calls;
mod captures;
mod catalog;
mod closures;
mod comments;
#[cfg(test)]
mod corpus;
mod entries;
mod findings;
mod flow;
mod in_place;
mod literals;
mod pairs;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use rhai::{AST, ASTNode, Dynamic, Engine, Expr, Map, OptimizationLevel, Position, ScriptFuncDef, Shared, Stmt};

use self::catalog::Catalog;
use self::findings::{Fault, Finding, listed};
use self::literals::Trial;
use super::ScriptHandler;
use super::engine;
use super::error::{self, Report};
use super::host::{Host, ScriptClock};
use super::resolver::Resolver;
use super::source::{Source, Sources};
use super::waiting::statements;
use crate::config::{Script, ScriptSource};

/// The findings of a strict check in the order of the text; every item is a complete message.
#[derive(Debug, Default)]
pub struct Findings {
    /// Errors when the script is loaded, or when the code is reached.
    pub faults: Vec<String>,
    /// Probable mistakes.
    pub warnings: Vec<String>,
}

/// Checks a script and everything it imports, then loads it as `listen` does.
pub fn check(source: &ScriptSource) -> Findings {
    let text = match Source::open(source, None) {
        Ok(text) => text,
        Err(message) => return Findings { faults: vec![Report::plain(&message).message()], warnings: Vec::new() },
    };
    let sources = Sources::new(text);
    let folder = engine::folder(source);
    let host = Host::new(TIMEOUT, None, ScriptClock::default());
    let app = Dynamic::from_map(Map::new()).into_shared();
    let mut engine = engine::build(&host, &[], &sources, folder, Rc::default(), &app);
    // Without optimization, so that code the optimizer would remove is checked, too.
    engine.set_optimization_level(OptimizationLevel::None);

    let mut context = RunContext {
        catalog: Catalog::of(&engine),
        trial: Trial::new(),
        units: Vec::new(),
        members: HashSet::new(),
        asked: HashSet::new(),
    };
    let mut faults = context.read(&engine, &sources, &Resolver::new(Rc::clone(&sources), folder));
    let mut probable = Vec::new();
    for unit in &context.units {
        calls::check(unit, &context, &mut faults);
        closures::check(unit, &context, &mut faults);
        flow::check(unit, &context, &mut faults, &mut probable);
        literals::check(unit, &context, &mut faults);
        captures::check(unit, &context, &mut probable);
    }
    if let Some(main) = context.main() {
        entries::check(main, &mut faults);
    }
    waits::check(&context, &mut faults);
    let warnings = context.units.iter().flat_map(|unit| {
        let mut found = backticks::warnings(&unit.source);
        found.extend(in_place::warnings(unit, &context));
        found.extend(pairs::warnings(unit));
        found
    });
    let mut findings = Findings {
        faults: listed(faults, &context.units, "faults"),
        warnings: warnings.map(|report| report.message()).collect(),
    };
    findings.warnings.extend(listed(probable, &context.units, "warnings"));
    if findings.faults.is_empty() {
        let script = Script { timeout: TIMEOUT, ..Script::new(source.clone()) };
        match ScriptHandler::load(&script) {
            Ok(handler) => findings.warnings.extend_from_slice(handler.warnings()),
            Err(fault) => findings.faults.push(fault.to_string()),
        }
    }
    findings
}

/// All texts of a script and the names they can use.
struct RunContext {
    catalog: Catalog,
    /// Tries calls; `None` if that is not possible.
    trial: Option<Trial>,
    /// The script, then its imports.
    units: Vec<Unit>,
    /// Possible keys of maps: a call with such a name may be a closure in a map.
    members: HashSet<String>,
    /// Names the script looks up with `is_def_fn`.
    asked: HashSet<String>,
}

/// One parsed text.
struct Unit {
    source: Rc<Source>,
    ast: AST,
    number: usize,
    /// The numbers of parameters of each function, closures included.
    functions: HashMap<String, BTreeSet<usize>>,
    /// The functions, closures included.
    bodies: Vec<Function>,
    /// The import of each alias; `None` if it is decided at run time.
    imports: BTreeMap<String, Option<usize>>,
}

/// A function and its statements.
struct Function {
    def: Shared<ScriptFuncDef>,
    body: Vec<Stmt>,
}

impl Unit {
    fn new(source: Rc<Source>, ast: AST, number: usize, imports: BTreeMap<String, Option<usize>>) -> Self {
        let mut functions: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for def in ast.iter_fn_def() {
            functions.entry(def.name.to_string()).or_default().insert(def.params.len());
        }
        let bodies = ast.iter_fn_def().map(|def| Function { body: statements(def), def: Shared::clone(def) }).collect();
        Self { source, ast, number, functions, bodies, imports }
    }

    /// Visits every node with those around it, in functions, too.
    fn each_node(&self, visit: &mut dyn FnMut(&[ASTNode<'_>])) {
        walk(self.ast.statements(), visit);
        for function in &self.bodies {
            walk(&function.body, visit);
        }
    }
}

/// Visits every node of some statements with those around it.
fn walk(statements: &[Stmt], visit: &mut dyn FnMut(&[ASTNode<'_>])) {
    let mut path = Vec::new();
    for statement in statements {
        statement.walk(&mut path, &mut |path: &[ASTNode<'_>]| {
            visit(path);
            true
        });
    }
}

impl RunContext {
    /// Parses the script and its imports.
    fn read(&mut self, engine: &Engine, sources: &Sources, resolver: &Resolver) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut texts = vec![Rc::clone(sources.main())];
        let mut numbers: HashMap<String, usize> = HashMap::from([(sources.main().name.clone(), 0)]);
        let mut next = 0;
        while let Some(source) = texts.get(next).cloned() {
            let number = next;
            next += 1;
            if let Some(at) = comments::unterminated(&source.text) {
                let what = "the comment that begins here has no end";
                faults.push((number, at, Finding::Report(error::finding(&source, at, what.into(), None, None))));
                continue;
            }
            let mut ast = match engine.compile(&source.text) {
                Ok(ast) => ast,
                Err(fault) => {
                    let fault: engine::Fault = fault.into();
                    let report = error::render_in(&fault, sources, &source);
                    faults.push((number, engine::position(&fault), Finding::Report(report)));
                    continue;
                }
            };
            ast.set_source(&source.name);
            if number == 0 {
                let (_, wrong) = super::check::examine(&ast, &source);
                faults.extend(wrong.into_iter().map(|(at, report)| (number, at, Finding::Report(report))));
            }
            for fault in engine::unknown_variables(&ast, &source) {
                let report = error::render_in(&fault, sources, &source);
                faults.push((number, engine::position(&fault), Finding::Report(report)));
            }
            let mut imports = BTreeMap::new();
            for (path, alias, at) in self.survey(&ast) {
                let target = path.and_then(|path| match resolver.open(&source.name, &path) {
                    Ok(text) => Some(*numbers.entry(text.name.clone()).or_insert_with(|| {
                        texts.push(text);
                        texts.len() - 1
                    })),
                    Err(what) => {
                        faults.push((number, at, Finding::Report(error::finding(&source, at, what, None, None))));
                        None
                    }
                });
                let same = |known: &mut Option<usize>| *known = known.filter(|known| Some(*known) == target);
                imports.entry(alias).and_modify(same).or_insert(target);
            }
            self.units.push(Unit::new(source, ast, number, imports));
        }
        faults
    }

    /// Collects the names of a text that may be closures; returns its imports: path, alias, position.
    fn survey(&mut self, ast: &AST) -> Vec<(Option<String>, String, Position)> {
        let mut imports = Vec::new();
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Import(import, at))) => {
                    let (from, alias) = &**import;
                    let path = if let Expr::StringConstant(path, _) = from { Some(path.to_string()) } else { None };
                    let at = if path.is_some() { from.start_position() } else { *at };
                    imports.push((path, alias.name.to_string(), at));
                }
                Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => self.note_member(&assignment.1.lhs),
                Some(ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _))) => {
                    if let ("is_def_fn", Some(Expr::StringConstant(name, _))) = (call.name.as_str(), call.args.first())
                    {
                        self.asked.insert(name.to_string());
                    }
                }
                Some(ASTNode::Expr(Expr::Map(map, _))) => {
                    self.members.extend(map.1.keys().map(ToString::to_string));
                    self.members.extend(map.0.iter().map(|(key, _)| key.name.to_string()));
                }
                Some(ASTNode::Expr(Expr::StringConstant(text, _))) => _ = self.members.insert(text.to_string()),
                _ => {}
            }
            true
        });
        imports
    }

    /// Records `name` of `a.b.name = …` as a possible key.
    fn note_member(&mut self, target: &Expr) {
        match target {
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => self.note_member(&pair.rhs),
            Expr::Property(property, _) => _ = self.members.insert(property.2.to_string()),
            _ => {}
        }
    }

    /// The text that a path of aliases refers to in a text.
    fn target<'a>(&self, from: &Unit, mut aliases: impl Iterator<Item = &'a str>) -> Option<&Unit> {
        let first = *from.imports.get(aliases.next()?)?;
        aliases.try_fold(self.unit(first?)?, |unit, alias| self.unit((*unit.imports.get(alias)?)?))
    }

    fn unit(&self, number: usize) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.number == number)
    }

    /// The script itself: its functions are known in all imports.
    fn main(&self) -> Option<&Unit> {
        self.unit(0)
    }
}

/// Time limit of loading: the default of a run.
const TIMEOUT: Duration = Duration::from_secs(2);
