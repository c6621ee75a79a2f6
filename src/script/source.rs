//! The text of a script: its source, its name in messages, and its lines for messages.
//!
//! Owns reading files and wrapping the one-line forms (`--on-data`, `--on-line`, `--session`). Does not parse anything.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use rhai::Dynamic;

use crate::codec::escape::show_line;
use crate::config::ScriptSource;
use crate::script::builtin;
use crate::script::opening;

/// One text as it is given to the parser.
#[derive(Debug)]
pub(super) struct Source {
    /// Its name in messages: the path as the user gave it, `@echo`, `--on-data`.
    pub(super) name: String,
    /// The text to parse.
    pub(super) text: String,
    /// The literal constants at its top level, once it is compiled.
    pub(super) constants: OnceCell<HashMap<String, Dynamic>>,
    /// Number of added lines before the user's first line, and after the last.
    shift: usize,
}

impl Source {
    /// Reads the text of a source. `until`: the time limit of the run, for a script that comes through a descriptor.
    pub(super) fn open(source: &ScriptSource, until: Option<Instant>) -> Result<Self, String> {
        let name = name_of(source);
        match source {
            ScriptSource::File(path) => Self::read_until(path, name, until),
            ScriptSource::Builtin(of) => {
                let text = builtin::find(of).ok_or_else(|| builtin::unknown(of))?;
                Ok(Self::new(name, text.to_owned(), 0))
            }
            ScriptSource::OnData(code) => Ok(Self::wrap(name, "on_data(conn, data)", code)),
            ScriptSource::OnLine(code) => Ok(Self::wrap(name, "on_line(conn, line)", code)),
            ScriptSource::Session(code) => Ok(Self::wrap(name, "session(conn)", code)),
            ScriptSource::Stdin(bytes) => Self::of_bytes(bytes.clone(), name),
        }
    }

    /// An empty text, for errors whose place is not known.
    pub(super) fn nowhere() -> Self {
        Self::new(String::new(), String::new(), 0)
    }

    /// An empty text with the name of a source whose own cannot be had.
    pub(super) fn absent(source: &ScriptSource) -> Self {
        Self::new(name_of(source), String::new(), 0)
    }

    /// The same text, for another program.
    pub(super) fn again(&self) -> Self {
        Self::new(self.name.clone(), self.text.clone(), self.shift)
    }

    /// Reads a file; `name` is its name in messages.
    pub(super) fn read(path: &Path, name: String) -> Result<Self, String> {
        Self::read_until(path, name, None)
    }

    fn read_until(path: &Path, name: String, until: Option<Instant>) -> Result<Self, String> {
        let bytes =
            opening::read_script(path, MAX_SCRIPT + 1, until).map_err(|cause| format!("read {name}: {cause}"))?;
        Self::of_bytes(bytes, name)
    }

    fn of_bytes(bytes: Vec<u8>, name: String) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_SCRIPT {
            return Err(format!("read {name}: larger than {} MiB, not a script", MAX_SCRIPT >> 20));
        }
        let text = String::from_utf8(bytes).map_err(|fault| not_utf8(&name, &fault))?;
        Ok(Self::new(name, strip(text), 0))
    }

    fn wrap(name: String, signature: &str, code: &str) -> Self {
        // The head is a separate line, so that columns are those of the user's text.
        Self::new(name, format!("fn {signature} {{\n{code}\n}}"), 1)
    }

    fn new(name: String, text: String, shift: usize) -> Self {
        Self { name, text, constants: OnceCell::new(), shift }
    }

    /// The line number in the user's text of a parsed line.
    pub(super) fn line_number(&self, parsed: usize) -> usize {
        parsed.saturating_sub(self.shift).clamp(1, self.last_line().max(1))
    }

    /// Whether a parsed line is before the user's text.
    pub(super) fn is_before(&self, parsed: usize) -> bool {
        parsed <= self.shift
    }

    /// The text of a parsed line.
    pub(super) fn line(&self, parsed: usize) -> Option<&str> {
        self.text.lines().nth(self.line_number(parsed) + self.shift - 1)
    }

    /// A literal constant of the top level.
    pub(super) fn constant(&self, name: &str) -> Option<Dynamic> {
        self.constants.get()?.get(name).cloned()
    }

    /// Whether a parsed line is after the user's text.
    pub(super) fn is_behind(&self, parsed: usize) -> bool {
        self.shift > 0 && parsed > self.shift + self.last_line()
    }

    fn last_line(&self) -> usize {
        self.text.lines().count() - (2 * self.shift).min(self.text.lines().count())
    }
}

/// All texts of one run by name: the script and what it imports.
#[derive(Debug)]
pub(super) struct Sources {
    main: Rc<Source>,
    modules: RefCell<HashMap<String, Rc<Source>>>,
    /// Every file that was looked up, existing or not.
    files: RefCell<BTreeSet<PathBuf>>,
}

impl Sources {
    /// The texts of a script before its imports.
    pub(super) fn new(main: Source) -> Rc<Self> {
        Rc::new(Self { main: Rc::new(main), modules: RefCell::default(), files: RefCell::default() })
    }

    /// The script itself.
    pub(super) fn main(&self) -> &Rc<Source> {
        &self.main
    }

    /// Records a file that the script consists of, or would if it existed.
    pub(super) fn note_file(&self, path: PathBuf) {
        self.files.borrow_mut().insert(path);
    }

    /// All recorded files.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.files.borrow().iter().cloned().collect()
    }

    /// Adds an imported text.
    pub(super) fn add(&self, source: Rc<Source>) {
        self.modules.borrow_mut().insert(source.name.clone(), source);
    }

    /// The text with that name; the script's own if the engine gives none.
    pub(super) fn get(&self, name: &str) -> Rc<Source> {
        self.modules.borrow().get(name).unwrap_or(&self.main).clone()
    }
}

/// Removes a byte order mark and a `#!` line, keeping the line numbers.
fn strip(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.starts_with("#!") {
        let end = text.find('\n').unwrap_or(text.len());
        text.drain(..end);
    }
    text
}

/// What messages call a source.
fn name_of(source: &ScriptSource) -> String {
    match source {
        ScriptSource::File(path) => show_line(&path.to_string_lossy()).into_owned(),
        ScriptSource::Builtin(name) => format!("@{name}"),
        ScriptSource::OnData(_) => "--on-data".to_owned(),
        ScriptSource::OnLine(_) => "--on-line".to_owned(),
        ScriptSource::Session(_) => "--session".to_owned(),
        ScriptSource::Stdin(_) => "stdin".to_owned(),
    }
}

fn not_utf8(name: &str, fault: &std::string::FromUtf8Error) -> String {
    let at = fault.utf8_error().valid_up_to();
    let bytes = fault.as_bytes();
    let line = 1 + memchr::memchr_iter(b'\n', &bytes[..at]).count();
    format!("{name}:{line}: not UTF-8 text (byte 0x{:02x})\nhint: save the script as UTF-8", bytes[at])
}

/// Maximum length of a script in bytes; excludes a log or an image given by mistake.
pub const MAX_SCRIPT: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> Result<Source, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.rhai");
        std::fs::write(&path, content).unwrap();
        Source::read(&path, "s.rhai".into())
    }

    #[test]
    fn a_byte_order_mark_and_a_shebang_are_removed_keeping_line_numbers() {
        assert_eq!(file(b"let a;").unwrap().text, "let a;");
        assert_eq!(file(b"\xef\xbb\xbf#!/usr/bin/env tcpx\nlet a;").unwrap().text, "\nlet a;");
        assert_eq!(file(b"#!x").unwrap().text, "");
    }

    #[test]
    fn an_unreadable_script_is_reported_with_the_cause() {
        let missing = Source::open(&ScriptSource::File("/no/such.rhai".into()), None).unwrap_err();
        assert_eq!(missing, "read /no/such.rhai: no such file or directory");
        assert_eq!(Source::read(Path::new("/"), "/".into()).unwrap_err(), "read /: is a directory");
        let gbk = file(b"// \n// \xc4\xe3\n").unwrap_err();
        assert_eq!(gbk, "s.rhai:2: not UTF-8 text (byte 0xc4)\nhint: save the script as UTF-8");
        let large = file(&vec![b' '; (MAX_SCRIPT + 1) as usize]).unwrap_err();
        assert_eq!(large, "read s.rhai: larger than 4 MiB, not a script");
    }

    #[test]
    fn a_wrapped_body_keeps_the_users_line_numbers() {
        let source = Source::open(&ScriptSource::OnData("a();\nb()".into()), None).unwrap();
        assert_eq!(source.text, "fn on_data(conn, data) {\na();\nb()\n}");
        assert_eq!((source.line_number(2), source.line(2)), (1, Some("a();")));
        assert_eq!((source.line_number(3), source.line(3)), (2, Some("b()")));
        assert_eq!((source.line_number(1), source.line(1)), (1, Some("a();")));
        assert_eq!((source.line_number(4), source.line(4)), (2, Some("b()")));
        assert!(source.is_behind(4) && !source.is_behind(3));
        let source = Source::open(&ScriptSource::Session("x".into()), None).unwrap();
        assert_eq!((source.name.as_str(), source.text.as_str()), ("--session", "fn session(conn) {\nx\n}"));
    }
}
