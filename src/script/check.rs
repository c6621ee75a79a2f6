//! The handlers of a script: their list, and the check of their names and parameters before it runs.
//!
//! Does not check syntax and unknown variables: the parser does (`engine`).

use std::collections::HashMap;

use rhai::{AST, ASTNode, Expr, FnAccess, Position, Stmt};

use crate::codec::nearest::nearest;
use crate::config::Entry;
use crate::script::error::{self, Report};
use crate::script::host::Host;
use crate::script::outline::{self, Word};
use crate::script::source::Source;

/// An event a script can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hook {
    /// The script is loaded, before bind or connect.
    Start,
    /// The listener is bound.
    Listen,
    /// A connection is accepted or established.
    Connect,
    /// A received chunk.
    Data,
    /// A decoded chunk.
    Text,
    /// A decoded line.
    Line,
    /// A frame of the connection's framing.
    Frame,
    /// Asks for the length of the next frame.
    FrameSize,
    /// The peer sent FIN.
    Eof,
    /// The send queue fell to its low water mark.
    Drain,
    /// The idle limit passed without data.
    Idle,
    /// An error of the connection.
    Error,
    /// The connection is closed.
    Close,
    /// Data that passes between two piped connections.
    Relay,
    /// A line of stdin.
    Stdin,
    /// The end of stdin.
    StdinEof,
    /// A signal that would end the run.
    Signal,
    /// The script was reloaded.
    Reload,
    /// The run ends.
    Stop,
    /// A straight-line flow for a connection, in a task.
    Session,
    /// A connection that stood in the clear speaks TLS.
    Tls,
}

/// Name and parameters of every handler, in the order of [`Hook`].
const SIGNATURES: [(&str, &[&str]); Hook::COUNT] = [
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
    ("session", &["conn"]),
    ("on_tls", &["conn"]),
];

impl Hook {
    /// Number of handlers.
    pub(super) const COUNT: usize = 21;

    /// The handlers that a listener can have for its connections.
    pub(super) const OF_CONNECTIONS: [Self; 12] = [
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
        Self::Session,
        Self::Tls,
    ];

    /// The handlers of what a connection receives, which a session takes itself.
    pub(super) const OF_STREAMS: [Self; 5] = [Self::Data, Self::Text, Self::Line, Self::Frame, Self::Eof];

    /// The handler's name.
    pub(super) fn name(self) -> &'static str {
        SIGNATURES[self as usize].0
    }

    /// Whether it is for received data, in some form.
    pub(super) fn takes_data(self) -> bool {
        matches!(self, Self::Data | Self::Text | Self::Line | Self::Frame | Self::FrameSize | Self::Session)
    }
}

/// The handlers a script defines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hooks {
    arity: [Option<u8>; SIGNATURES.len()],
    /// The script may cut the stream of a connection otherwise than in lines: then `on_data` gets what it cuts.
    frames: bool,
}

impl Hooks {
    /// Tells the host which handlers the script has.
    pub(super) fn tell(&self, host: &Host) {
        host.set_hooks(*self);
    }

    /// A script with a handler of data, which takes what is cut in every way.
    pub(super) fn taking_frames() -> Self {
        let mut hooks = Self::default();
        for hook in [Hook::Data, Hook::Frame] {
            hooks.arity[hook as usize] = Some(2);
        }
        hooks
    }

    /// Number of parameters of the script's handler, if it has one.
    pub(super) fn arity(&self, hook: Hook) -> Option<usize> {
        self.arity[hook as usize].map(usize::from)
    }

    /// Whether the script has this handler.
    pub(super) fn has(&self, hook: Hook) -> bool {
        self.arity(hook).is_some()
    }

    /// The handler of received bytes: the most specific one.
    pub(super) fn receiver(has: impl Fn(Hook) -> bool) -> Option<Hook> {
        [Hook::FrameSize].into_iter().chain(RECEIVERS).chain([Hook::Frame]).find(|hook| has(*hook))
    }

    /// Probable mistakes that are not errors: handlers that are never called.
    pub(super) fn warnings(&self, source: &Source) -> Vec<String> {
        let Some(used) = Self::receiver(|hook| self.has(hook)) else { return self.without_partner(source) };
        let frames = self.frames || source.text.contains(".frame_lines(");
        let is_called = |hook: Hook| match hook {
            _ if hook == used => true,
            Hook::Frame => used == Hook::FrameSize || frames,
            Hook::Data => match (used, self.has(Hook::Frame)) {
                (Hook::FrameSize, has_frame) => !has_frame,
                _ => self.frames,
            },
            _ => false,
        };
        let all = RECEIVERS.into_iter().chain([Hook::Frame]).filter(|hook| self.has(*hook));
        let ignored: Vec<_> = all.filter(|hook| !is_called(*hook)).map(Hook::name).collect();
        let mut warnings = self.without_partner(source);
        if !ignored.is_empty() {
            let verb = if ignored.len() == 1 { "is" } else { "are" };
            let (used, ignored) = (used.name(), ignored.join(" and "));
            let text = format!("{}: {used} takes what is received, {ignored} {verb} never called", source.name);
            warnings.push(Report::plain(&text).summary());
        }
        warnings
    }

    /// `on_relay` in a script that pipes nothing.
    fn without_partner(&self, source: &Source) -> Vec<String> {
        let pipes = source.text.contains(".pipe(") || source.text.contains("import ");
        if !self.has(Hook::Relay) || pipes {
            return Vec::new();
        }
        let text = format!("{}: on_relay is never called: no connection is piped to another one", source.name);
        vec![Report::plain(&text).summary()]
    }

    /// Whether frames may reach `on_data`.
    pub(super) fn frames(&self) -> bool {
        self.frames
    }
}

/// What is wrong if several handlers of received data are there; `frames`: what is cut may go to `on_data`.
pub(super) fn contradiction(has: impl Fn(Hook) -> bool, frames: bool) -> Option<String> {
    let is_unused = |hook: &Hook| !(*hook == Hook::Data && frames);
    let mut defined = RECEIVERS.into_iter().filter(|hook| has(*hook));
    let used = defined.next()?.name();
    let ignored: Vec<_> = defined.filter(is_unused).map(Hook::name).collect();
    let verb = if ignored.len() == 1 { "is" } else { "are" };
    let text = || format!("{used} takes what is received, {} {verb} never called", ignored.join(" and "));
    (!ignored.is_empty()).then(text)
}

/// Whether a text may change the framing of a connection so that chunks or frames come: directly, or in what it imports.
fn changes_framing(ast: &AST) -> bool {
    let mut found = false;
    ast.walk(&mut |path| {
        found |= match path.last() {
            Some(
                ASTNode::Expr(Expr::MethodCall(call, _) | Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)),
            ) => ["frame_none", "frame_delim", "frame_fixed", "frame_length"].contains(&call.name.as_str()),
            Some(ASTNode::Stmt(Stmt::Import(..))) => true,
            _ => false,
        };
        !found
    });
    found
}

/// Finds the handlers of a script; returns the first error in the order of the text.
pub(super) fn hooks(ast: &AST, source: &Source) -> Result<Hooks, Report> {
    let (hooks, faults) = examine(ast, source);
    faults.into_iter().next().map_or(Ok(hooks), |(_, report)| Err(report))
}

/// Refuses a script without the function that is to run.
pub(super) fn entry(ast: &AST, source: &Source, entry: Entry) -> Result<(), Report> {
    let mut mains = ast.iter_functions().filter(|function| function.name == "main").peekable();
    let is_there = mains.peek().is_some();
    if entry == Entry::Main && !mains.any(|function| function.params.is_empty()) {
        let (text, hint) = if is_there {
            ("fn main() takes no parameters", "hint: the words after SCRIPT are in args")
        } else {
            ("there is no fn main() to run", "hint: handlers run by tcpx listen and tcpx connect, with --script")
        };
        return Err(Report::plain(&format!("{}: {text}\n{hint}", source.name)));
    }
    Ok(())
}

/// The parameters of the handler with that name; `None` for any other function.
pub(super) fn parameters(handler: &str) -> Option<&'static [&'static str]> {
    SIGNATURES.iter().find(|(name, _)| *name == handler).map(|(_, parameters)| *parameters)
}

/// Finds the handlers of a script and all their errors, in the order of the text.
pub(super) fn examine(ast: &AST, source: &Source) -> (Hooks, Vec<(Position, Report)>) {
    let mut hooks = Hooks { frames: changes_framing(ast), ..Hooks::default() };
    let mut faults = Vec::new();
    let mut places: HashMap<(&str, usize), Word<'_>> = HashMap::new();
    for word in outline::words(&source.text).filter(|word| word.keyword == "fn" && is_handler(word.name)) {
        places.entry((word.name, word.parameters.len())).or_insert(word);
    }
    let mut defined: Vec<_> = ast
        .iter_functions()
        .filter(|function| is_handler(function.name) && function.this_type.is_none())
        .map(|function| (place(&mut places, function.name, function.params.len()), function))
        .collect();
    defined.sort_by_key(|(word, _)| (word.line, word.column));
    let has_session = defined.iter().any(|(_, function)| function.name == Hook::Session.name());
    for (word, function) in defined {
        let at = Position::new(word.line as u16, word.column as u16);
        let mut fault = |what: String, near: Option<&str>, hint: Option<String>| {
            // The words of a fault cost a look at the whole text.
            let report = if faults.len() < MAX_REPORTS {
                error::finding(source, at, what, near, hint)
            } else {
                Report::plain(&what)
            };
            faults.push((at, report));
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
        } else if has_session && Hook::OF_STREAMS.iter().any(|hook| hook.name() == name) {
            let session = Hook::Session.name();
            let hint = format!("write what {name} does in {session}, or leave {session} out");
            fault(beside_session(name), None, Some(hint));
        }
    }
    (hooks, faults)
}

/// Why a handler of received data cannot stand beside a session.
pub(super) fn beside_session(name: &str) -> String {
    format!("{name} cannot stand beside session: session takes what its connection receives")
}

/// Whether a function has the name of a handler: `on_…`, or `frame_size`.
fn is_handler(name: &str) -> bool {
    name.starts_with("on_") || [Hook::FrameSize, Hook::Session].iter().any(|hook| hook.name() == name)
}

/// Where a handler is defined.
fn place<'a>(places: &mut HashMap<(&'a str, usize), Word<'a>>, name: &'a str, parameters: usize) -> Word<'a> {
    let nowhere = Word { keyword: "fn", name, parameters: Vec::new(), depth: 0, line: 1, column: 1 };
    places.remove(&(name, parameters)).unwrap_or(nowhere)
}

/// Maximum number of faults that are reported with their place.
const MAX_REPORTS: usize = 40;

/// The handlers of received bytes, the most specific first.
const RECEIVERS: [Hook; 3] = [Hook::Line, Hook::Text, Hook::Data];
