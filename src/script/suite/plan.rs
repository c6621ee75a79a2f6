//! The plan of a run of tests: the files, and their tests in the order of the source.
//!
//! Owns what is a test and what its name is. Loads each file once to look at it, and calls `cases_*()`; runs no test. A file that
//! does not load has one case, which says why.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use regex::Regex;
use rhai::{AST, ASTNode, Array, Dynamic, Expr, FnAccess, Map, Stmt};

use crate::codec::escape::show_line;
use crate::config::{Script, Tests};
use crate::error::{Error, Result};
use crate::script::error::Report;
use crate::script::host::ScriptClock;
use crate::script::outline;
use crate::script::source::Source;
use crate::script::{ScriptHandler, error};
use crate::session::HandlerError;
use crate::verdicts::{Failure, Kind, LOAD, Outcome};

use super::routes::{push_line, said};

/// Maximum number of tests that `--repeat` makes.
const MAX_TESTS: usize = 1_000_000;

/// A file with tests.
#[derive(Debug)]
pub(super) struct File {
    pub(super) script: Script,
    pub(super) source: Source,
    pub(super) has_setup: bool,
    pub(super) has_teardown: bool,
}

/// One test to run.
#[derive(Debug)]
pub(super) struct Case {
    /// Index of its file.
    pub(super) file: usize,
    /// Its name in reports.
    pub(super) name: String,
    pub(super) function: String,
    pub(super) row: Option<Dynamic>,
    /// What is known of it before it begins.
    pub(super) fate: Fate,
    /// Line of its function, from 1.
    pub(super) line: usize,
    /// What `cases_*()` printed, for the first of its rows.
    pub(super) printed: String,
}

/// What is known of a test before it begins.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It runs.
    Runs,
    /// It has nothing to run: `cases_*()` gives no rows.
    Empty,
    /// Its file does not load.
    NotLoaded(Box<Failure>),
    /// The time of the run was over while its file was loaded.
    TimedOut,
    /// The same, before that.
    Unread,
}

/// Why a file does not load.
struct Broken {
    failure: Box<Failure>,
    /// The same as a message.
    message: String,
    /// What it printed before.
    printed: String,
}

impl From<Report> for Broken {
    fn from(report: Report) -> Self {
        Self { failure: Box::new(report.failure().clone()), message: report.message(), printed: String::new() }
    }
}

/// What is to be run.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) files: Vec<File>,
    pub(super) cases: Vec<Case>,
    pub(super) warnings: Vec<String>,
    /// The messages of files that do not load.
    pub(super) faults: Vec<String>,
    /// Why there is nothing to run.
    pub(super) nothing: Option<Error>,
    /// File, test, and what the function printed that gives its rows.
    printed: Vec<(usize, String, String)>,
}

impl Plan {
    /// Reads all files and finds their tests.
    ///
    /// # Errors
    /// `--filter` is no regular expression, `--repeat` makes too many tests, or the system has no means to load a file.
    pub(super) fn make(
        tests: &Tests,
        template: &Script,
        clock: &ScriptClock,
        run_until: Option<Instant>,
    ) -> Result<Self> {
        let filter = tests.filter.as_deref().map(filter).transpose()?;
        let mut plan = Self::default();
        for source in &tests.sources {
            let script = Script { source: source.clone(), ..template.clone() };
            let is_over = || run_until.is_some_and(|until| until <= clock.now());
            if is_over() {
                plan.add_whole(script, Fate::Unread, String::new());
                continue;
            }
            match plan.read(&script, clock, run_until) {
                Ok(()) => {}
                Err(_) if is_over() => plan.add_whole(script, Fate::TimedOut, String::new()),
                Err(broken) => plan.add_broken(script, broken)?,
            }
        }
        let all = plan.cases.len();
        let is_chosen = |case: &Case| filter.as_ref().is_none_or(|filter| filter.is_match(&case.name));
        plan.cases.retain(|case| !case.is_of_function() || is_chosen(case));
        plan.give_printed();
        if plan.cases.is_empty() {
            plan.nothing = Some(match (all, &tests.filter) {
                (1.., Some(filter)) => {
                    Error::usage_hint(format!("--filter '{filter}' leaves no test"), "tcpx test --list FILE shows all")
                }
                _ => Error::usage_hint("there is no test", "a test is a function: fn test_NAME() { .. }"),
            });
        }
        if tests.repeat > 1 {
            // All of them are planned, and reports have all of their names.
            if plan.cases.len().saturating_mul(tests.repeat) > MAX_TESTS {
                let message = format!("--repeat {} makes more than {MAX_TESTS} tests", tests.repeat);
                return Err(Error::usage_hint(message, "repeat them fewer times, or the command as a whole"));
            }
            plan.repeat(tests.repeat);
        }
        Ok(plan)
    }

    /// Whether people see the file of each test.
    pub(super) fn names_files(&self) -> bool {
        self.files.len() > 1 || self.cases.iter().any(|case| !case.is_of_function())
    }

    /// The names of files that do not load.
    pub(super) fn not_loaded(&self) -> Vec<&str> {
        let broken = self.cases.iter().filter(|case| matches!(case.fate, Fate::NotLoaded(_)));
        broken.map(|case| self.files[case.file].source.name.as_str()).collect()
    }

    /// Adds a file that does not load.
    ///
    /// # Errors
    /// It is the system that has no means to.
    fn add_broken(&mut self, script: Script, broken: Broken) -> Result<()> {
        let error = Error::ScriptLoad { message: broken.message.clone() };
        if let shortage @ Error::Shortage { .. } = error.or_shortage() {
            return Err(shortage);
        }
        self.faults.push(broken.message);
        let failure = Failure { kind: Kind::Load, ..*broken.failure };
        self.add_whole(script, Fate::NotLoaded(Box::new(failure)), broken.printed);
        Ok(())
    }

    /// Adds a file without its tests, as one case.
    fn add_whole(&mut self, script: Script, fate: Fate, printed: String) {
        let source = Source::absent(&script.source);
        let line = match &fate {
            Fate::NotLoaded(failure) => {
                failure.place.as_ref().filter(|place| place.file == source.name).map_or(1, |place| place.line)
            }
            _ => 1,
        };
        self.cases.push(Case {
            file: self.files.len(),
            name: LOAD.to_owned(),
            function: String::new(),
            row: None,
            fate,
            line,
            printed,
        });
        self.files.push(File { script, source, has_setup: false, has_teardown: false });
    }

    /// Reads one file and adds its tests; none if it does not load.
    fn read(
        &mut self,
        script: &Script,
        clock: &ScriptClock,
        run_until: Option<Instant>,
    ) -> std::result::Result<(), Broken> {
        let source = Source::open(&script.source, run_until).map_err(|text| Report::plain(&text))?;
        let text = source.again();
        let handler = ScriptHandler::load_text(script, text, clock.clone(), run_until)?;
        let ast = handler.program.engine.compile(&source.text).unwrap_or_default();
        let found = Found::of(&ast, &source)?;
        let file = self.files.len();
        let (mut cases, mut all_printed) = (Vec::new(), Vec::new());
        let has_tests = !found.tests.is_empty();
        for (name, line, takes_row) in found.tests {
            let case = |name: String, row: Option<Dynamic>, function: String| Case {
                file,
                name,
                function,
                row,
                fate: Fate::Runs,
                line,
                printed: String::new(),
            };
            if !takes_row {
                cases.push(case(name.clone(), None, name));
                continue;
            }
            let (rows, printed) = rows(&handler, &name, &source)?;
            if !printed.is_empty() {
                all_printed.push((file, name.clone(), printed));
            }
            if rows.is_empty() {
                cases.push(Case { fate: Fate::Empty, ..case(name.clone(), None, name.clone()) });
            }
            for (row_name, row) in row_names(&rows).into_iter().zip(rows) {
                cases.push(case(format!("{name}[{row_name}]"), Some(row.flatten()), name.clone()));
            }
        }
        // What is wrong in the file as a whole is told alone.
        self.warnings.extend_from_slice(handler.warnings());
        if !has_tests {
            self.warnings.push(format!("{}: there is no test in it", source.name));
        }
        self.cases.append(&mut cases);
        self.printed.append(&mut all_printed);
        let script = script.clone();
        self.files.push(File { script, source, has_setup: found.has_setup, has_teardown: found.has_teardown });
        Ok(())
    }

    /// Gives what `cases_*()` printed to the first of its rows that will run.
    fn give_printed(&mut self) {
        for (file, function, printed) in self.printed.drain(..) {
            let mut own = self.cases.iter_mut().filter(|case| case.file == file && case.function == function);
            if let Some(first) = own.next() {
                first.printed = printed;
            }
        }
    }

    /// Each test so many times, one after the other; what does not load, once.
    fn repeat(&mut self, times: usize) {
        let cases = std::mem::take(&mut self.cases);
        for mut case in cases {
            if !case.is_of_function() {
                self.cases.push(case);
                continue;
            }
            for number in 1..=times {
                self.cases.push(Case {
                    file: case.file,
                    name: format!("{}#{number}", case.name),
                    function: case.function.clone(),
                    row: case.row.clone(),
                    fate: case.fate.clone(),
                    line: case.line,
                    printed: std::mem::take(&mut case.printed),
                });
            }
        }
    }
}

/// The functions of a file that are about tests.
struct Found {
    /// Name, line, and whether it takes a row.
    tests: Vec<(String, usize, bool)>,
    has_setup: bool,
    has_teardown: bool,
}

impl Found {
    /// Looks at the functions of a file. What the file itself calls, with other parameters, is a helper.
    fn of(ast: &AST, source: &Source) -> std::result::Result<Self, Report> {
        let mut functions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let public = ast.iter_functions().filter(|function| function.access == FnAccess::Public);
        for function in public.filter(|function| function.this_type.is_none()) {
            functions.entry(function.name).or_default().push(function.params.len());
        }
        let called = called(ast);
        let words = outline::words(&source.text).filter(|word| word.keyword == "fn" && word.depth == 0);
        let words: Vec<_> = words.filter(|word| functions.contains_key(word.name)).collect();
        let has = |name: &str, count: usize| functions.get(name).is_some_and(|counts| counts.contains(&count));
        let mut found = Self { tests: Vec::new(), has_setup: has("setup", 0), has_teardown: has("teardown", 0) };
        for word in &words {
            let at = rhai::Position::new(word.line as u16, word.column as u16);
            let refused = |what: String, hint: String| error::finding(source, at, what, None, Some(hint));
            let (name, count) = (word.name, word.parameters.len());
            let line = source.line_number(word.line);
            if name.starts_with("test_") {
                let cases = cases_of(name);
                match count {
                    0 => found.tests.push((name.to_owned(), line, false)),
                    1 if has(&cases, 0) => found.tests.push((name.to_owned(), line, true)),
                    _ if called.contains(name) => {}
                    1 => {
                        let what = format!("{name} has a parameter, but there is no {cases}()");
                        return Err(refused(
                            what,
                            format!("fn {cases}() gives an array of rows; fn {name}() needs none"),
                        ));
                    }
                    _ => {
                        let what = format!("{name} cannot have {count} parameters");
                        return Err(refused(what, format!("fn {name}() or fn {name}(row)")));
                    }
                }
            } else if let Some(rest) = name.strip_prefix("cases_") {
                let test = format!("test_{rest}");
                if !has(&test, 1) && !called.contains(name) {
                    let what = format!("{name} has no test: there is no {test}(row)");
                    return Err(refused(what, format!("fn {test}(row)")));
                }
            } else if ["setup", "teardown"].contains(&name) && !has(name, 0) && !called.contains(name) {
                let plural = if count == 1 { "" } else { "s" };
                let what = format!("{name} cannot have {count} parameter{plural}");
                if words.iter().any(|word| word.name.starts_with("test_")) {
                    return Err(refused(what, format!("fn {name}()")));
                }
            }
        }
        Ok(found)
    }
}

/// The names of functions that the script calls or uses as values.
fn called(ast: &AST) -> HashSet<String> {
    let mut called = HashSet::new();
    ast.walk(&mut |path| {
        if let Some(
            ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)),
        ) = path.last()
        {
            called.insert(call.name.to_string());
            if let ("Fn", Some(Expr::StringConstant(name, _))) = (call.name.as_str(), call.args.first()) {
                called.insert(name.to_string());
            }
        }
        true
    });
    called
}

impl Case {
    /// Whether it stands for a function of the file, not for the file as a whole.
    fn is_of_function(&self) -> bool {
        matches!(self.fate, Fate::Runs | Fate::Empty)
    }

    /// Its outcome and failures, if they are known before it begins.
    pub(super) fn settled(&self) -> Option<(Outcome, Vec<Failure>)> {
        match &self.fate {
            Fate::Runs | Fate::TimedOut | Fate::Unread => None,
            Fate::Empty => {
                let reason = format!("{}() gives no rows", cases_of(&self.function));
                Some((Outcome::Skipped { reason }, Vec::new()))
            }
            Fate::NotLoaded(failure) => Some((Outcome::Errored, vec![Failure::clone(failure)])),
        }
    }
}

/// The function that gives the rows of a test.
fn cases_of(test: &str) -> String {
    test.replacen("test_", "cases_", 1)
}

/// The rows of a test, and what was printed on the way.
fn rows(handler: &ScriptHandler, test: &str, source: &Source) -> std::result::Result<(Array, String), Broken> {
    let name = cases_of(test);
    let mut out = Vec::new();
    let given = handler.run("cases_*()", &mut out, || handler.program.call_by_name(&name, Vec::new()));
    let mut printed = String::new();
    for text in out.iter().filter_map(said) {
        push_line(&mut printed, &text);
    }
    let of_function = |what: String| {
        let word = outline::words(&source.text).find(|word| word.keyword == "fn" && word.name == name);
        let at = word.map(|word| rhai::Position::new(word.line as u16, word.column as u16)).unwrap_or_default();
        Broken::from(error::finding(source, at, what, None, None))
    };
    let mut broken = match given {
        Ok(value) => match value.into_array() {
            Ok(rows) => return Ok((rows, printed)),
            Err(given) => of_function(format!("{name}() gives {}, not an array of rows", error::friendly(given))),
        },
        Err(HandlerError::Failed { message, failure, .. }) => {
            let failure = failure.unwrap_or_else(|| Box::new(Failure::new(Kind::Load, message.clone())));
            Broken { failure, message, printed: String::new() }
        }
        Err(HandlerError::Exit(_) | HandlerError::Done) => of_function(format!("{name}() calls exit()")),
    };
    for line in printed.lines() {
        broken.message.push_str("\n    | ");
        broken.message.push_str(&show_line(line));
    }
    Err(Broken { printed, ..broken })
}

/// The names of rows, each another one: theirs, or else their numbers. Rows of the same name are numbered, as pytest does.
fn row_names(rows: &Array) -> Vec<String> {
    let of_row = |(number, row)| row_name(row).unwrap_or_else(|| usize::to_string(&number));
    let mut names: Vec<String> = rows.iter().enumerate().map(of_row).collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in &names {
        *uses.entry(name.clone()).or_default() += 1;
    }
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    let mut next: HashMap<String, usize> = HashMap::new();
    for name in names.iter_mut().filter(|name| uses[*name] > 1) {
        let gap = if name.ends_with(|last: char| last.is_ascii_digit()) { "_" } else { "" };
        let next = next.entry(name.clone()).or_default();
        *name = loop {
            let numbered = format!("{name}{gap}{next}");
            *next += 1;
            if taken.insert(numbered.clone()) {
                break numbered;
            }
        };
    }
    names
}

/// The name of a row, if it has one: a string, number, char or bool.
fn row_name(row: &Dynamic) -> Option<String> {
    let map = row.read_lock::<Map>()?;
    let name = map.get("name")?.clone().flatten();
    let is_name = name.is_string() || name.is_int() || name.is_float() || name.is_char() || name.is_bool();
    is_name.then(|| name.to_string())
}

fn filter(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|fault| {
        let text = fault.to_string();
        let cause = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Error::usage(format!("--filter '{pattern}' is no regular expression: {cause}"))
    })
}
