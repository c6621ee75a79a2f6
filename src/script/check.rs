//! What is checked before a script runs: the names and parameters of its handlers.
//!
//! Owns the list of handlers. Syntax and unknown variables are the parser's business (`engine`).

use rhai::{AST, FnAccess, Position};

use crate::codec::nearest::nearest;
use crate::script::error::{self, Report};
use crate::script::host::Host;
use crate::script::outline::{self, Word};
use crate::script::source::Source;

/// An event a script can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hook {
    /// Loaded, before bind or connect.
    Start,
    /// Bound.
    Listen,
    /// Accepted or connected.
    Connect,
    /// A chunk as it arrived.
    Data,
    /// A decoded chunk.
    Text,
    /// A decoded line.
    Line,
    /// A frame, as the connection's framing cuts it.
    Frame,
    /// How long the next frame is.
    FrameSize,
    /// FIN came.
    Eof,
    /// The queue fell to its low mark.
    Drain,
    /// Nothing moved for a while.
    Idle,
    /// Trouble.
    Error,
    /// The connection is over.
    Close,
    /// What passes between two piped connections.
    Relay,
    /// A line of stdin.
    Stdin,
    /// The end of stdin.
    StdinEof,
    /// A signal that would end the run.
    Signal,
    /// The script was loaded again.
    Reload,
    /// The run is over.
    Stop,
}

/// Name and parameters of every handler, in the order of [`Hook`].
const SIGNATURES: [(&str, &[&str]); 19] = [
    ("on_start", &[]),
    ("on_listen", &["listener"]),
    ("on_connect", &["conn"]),
    ("on_data", &["conn", "data"]),
    ("on_text", &["conn", "text"]),
    ("on_line", &["conn", "line"]),
    ("on_frame", &["conn", "frame"]),
    ("frame_size", &["conn", "buf"]),
    ("on_eof", &["conn"]),
    ("on_drain", &["conn"]),
    ("on_idle", &["conn", "ms"]),
    ("on_error", &["conn", "err"]),
    ("on_close", &["conn", "why"]),
    ("on_relay", &["from", "to", "data"]),
    ("on_stdin", &["line"]),
    ("on_stdin_eof", &[]),
    ("on_signal", &["name"]),
    ("on_reload", &[]),
    ("on_stop", &["code"]),
];

impl Hook {
    /// The handlers a listener can have for its own connections.
    pub(super) const OF_CONNECTIONS: [Self; 10] = [
        Self::Connect,
        Self::Data,
        Self::Text,
        Self::Line,
        Self::Frame,
        Self::Eof,
        Self::Drain,
        Self::Idle,
        Self::Error,
        Self::Close,
    ];

    /// The handler's name.
    pub(super) fn name(self) -> &'static str {
        SIGNATURES[self as usize].0
    }
}

/// The handlers a script defines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hooks {
    arity: [Option<u8>; SIGNATURES.len()],
}

impl Hooks {
    /// Tells the host what the script takes.
    pub(super) fn tell(&self, host: &Host) {
        host.set_takes(self.has(Hook::Line), self.has(Hook::Frame) || self.has(Hook::Data));
    }

    /// How many parameters the script's handler takes, if it has one.
    pub(super) fn arity(&self, hook: Hook) -> Option<usize> {
        self.arity[hook as usize].map(usize::from)
    }

    /// Whether the script has this handler.
    pub(super) fn has(&self, hook: Hook) -> bool {
        self.arity(hook).is_some()
    }

    /// The handler received bytes go to: the most specific one.
    pub(super) fn receiver(has: impl Fn(Hook) -> bool) -> Option<Hook> {
        [Hook::FrameSize].into_iter().chain(RECEIVERS).chain([Hook::Frame]).find(|hook| has(*hook))
    }

    /// What is probably not meant, but no error.
    pub(super) fn warnings(&self, source: &Source) -> Vec<String> {
        let defined: Vec<_> = RECEIVERS.into_iter().filter(|hook| self.has(*hook)).map(Hook::name).collect();
        match defined.as_slice() {
            [used, ignored @ ..] if !ignored.is_empty() => {
                let verb = if ignored.len() == 1 { "is" } else { "are" };
                let text = format!(
                    "{}: {used} takes what is received, {} {verb} never called",
                    source.name,
                    ignored.join(" and ")
                );
                vec![Report::plain(&text).summary()]
            }
            _ => Vec::new(),
        }
    }
}

/// Finds the handlers of a script; the first fault in the order of the text is reported.
pub(super) fn hooks(ast: &AST, source: &Source) -> Result<Hooks, Report> {
    let (hooks, faults) = examine(ast, source);
    faults.into_iter().next().map_or(Ok(hooks), |(_, report)| Err(report))
}

/// The parameters a handler of that name has; `None` for any other function.
pub(super) fn parameters(handler: &str) -> Option<&'static [&'static str]> {
    SIGNATURES.iter().find(|(name, _)| *name == handler).map(|(_, parameters)| *parameters)
}

/// Finds the handlers of a script, and everything that is wrong with them in the order of the text.
pub(super) fn examine(ast: &AST, source: &Source) -> (Hooks, Vec<(Position, Report)>) {
    let mut hooks = Hooks::default();
    let mut faults = Vec::new();
    let mut defined: Vec<_> = ast
        .iter_functions()
        .filter(|function| is_handler(function.name) && function.this_type.is_none())
        .map(|function| (locate(source, function.name, function.params.len()), function))
        .collect();
    defined.sort_by_key(|(word, _)| (word.line, word.column));
    for (word, function) in defined {
        let at = Position::new(word.line as u16, word.column as u16);
        let mut fault = |what: String, near: Option<&str>, hint: Option<String>| {
            faults.push((at, error::finding(source, at, what, near, hint)));
        };
        let name = function.name;
        let Some(index) = SIGNATURES.iter().position(|(known, _)| *known == name) else {
            let names = SIGNATURES.iter().map(|(known, _)| *known);
            let near = nearest(name, names.clone());
            let hint = near.is_none().then(|| format!("handlers are {}", names.collect::<Vec<_>>().join(", ")));
            fault(format!("unknown handler: {name}"), near, hint);
            continue;
        };
        let parameters = SIGNATURES[index].1;
        let given = function.params.len();
        if given > parameters.len() {
            let signature = format!("fn {name}({})", parameters.join(", "));
            let plural = if given == 1 { "" } else { "s" };
            let what = format!("{name} cannot have {given} parameter{plural}");
            fault(what, None, Some(format!("{signature}; trailing parameters may be left out")));
        } else if function.access == FnAccess::Private {
            fault(format!("{name} is a handler and cannot be private"), None, None);
        } else if hooks.arity[index].replace(given as u8).is_some() {
            fault(format!("{name} is defined twice"), None, None);
        }
    }
    (hooks, faults)
}

/// Handlers begin with `on_`, but for one that gives an answer.
fn is_handler(name: &str) -> bool {
    name.starts_with("on_") || name == Hook::FrameSize.name()
}

fn locate<'a>(source: &'a Source, name: &'a str, parameters: usize) -> Word<'a> {
    let same = |word: &Word<'_>| word.keyword == "fn" && word.name == name && word.parameters.len() == parameters;
    outline::words(&source.text).find(same).unwrap_or(Word {
        keyword: "fn",
        name,
        parameters: Vec::new(),
        depth: 0,
        line: 1,
        column: 1,
    })
}

/// Who takes received bytes, the most specific first.
const RECEIVERS: [Hook; 3] = [Hook::Line, Hook::Text, Hook::Data];
