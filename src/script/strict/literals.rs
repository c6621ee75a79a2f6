//! Calls whose arguments are all written out: they are tried on a connection that leads nowhere, and what they would
//! throw in a run is reported. So options, encodings, patterns and numbers are checked by the functions that take them.

use std::any::TypeId;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::{ASTNode, Dynamic, Engine, Expr, FnCallExpr, Map, Position, Scope, Stmt};

use super::findings::{Fault, Finding};
use super::waits::waits;
use super::{RunContext, Unit};
use crate::codec::labels;
use crate::config::{ScriptSource, Text};
use crate::script::api::conn::Conn;
use crate::script::check::Hooks;
use crate::script::engine;
use crate::script::error;
use crate::script::host::{Host, RunContext as Settings, ScriptClock};
use crate::script::source::{Source, Sources};
use crate::session::{ConnIds, ConnView, Side};

/// An engine for trying calls, apart from that of the check.
pub(super) struct Trial {
    engine: Engine,
    host: Rc<Host>,
    source: Rc<Source>,
}

impl Trial {
    pub(super) fn new() -> Option<Self> {
        let host = Host::new(TIMEOUT, None, ScriptClock::default());
        host.set_loading(false);
        host.set_hooks(Hooks::taking_frames());
        host.set_context(Settings {
            ids: ConnIds::default(),
            text: Text::default(),
            nodelay: true,
            max_connects: usize::MAX,
            bind: Some(Box::new(|_, _| Ok((1, None)))),
            stdin: crate::script::StdinUse::default(),
        });
        let sources = Sources::new(Source::open(&ScriptSource::OnData(String::new()), None).ok()?);
        let app = Dynamic::from_map(Map::new()).into_shared();
        let engine = engine::build(&host, &[], &sources, None, Rc::default(), &app);
        Some(Self { engine, host, source: Rc::clone(sources.main()) })
    }

    /// What a call throws: the message and a hint.
    fn call(&self, name: &str, receiver: Option<Dynamic>, arguments: Vec<Dynamic>) -> Option<(String, Option<String>)> {
        let mut scope = Scope::new();
        let names: Vec<_> = (0..arguments.len()).map(|index| format!("a{index}")).collect();
        let list = names.join(", ");
        for (name, value) in names.into_iter().zip(arguments) {
            scope.push_dynamic(name, value);
        }
        let call = if let Some(receiver) = receiver {
            scope.push_dynamic("receiver", receiver);
            format!("receiver.{name}({list})")
        } else {
            format!("{name}({list})")
        };
        self.run(&mut scope, &call)
    }

    /// What setting a property of a connection throws.
    pub(super) fn set(&self, property: &str, value: &Expr) -> Option<(String, Option<String>)> {
        let value = value.get_literal_value(None).filter(|_| value.is_constant())?;
        let mut scope = Scope::new();
        scope.push_dynamic("receiver", nowhere()).push_dynamic("value", value);
        self.run(&mut scope, &format!("receiver.{property} = value"))
    }

    fn run(&self, scope: &mut Scope<'_>, code: &str) -> Option<(String, Option<String>)> {
        let mut commands = Vec::new();
        let (result, stopped) = self.host.run(&mut commands, || self.engine.eval_with_scope::<Dynamic>(scope, code));
        match (result, stopped) {
            (Err(fault), None) => Some(error::explain(&fault, &self.source)),
            _ => None,
        }
    }
}

/// Checks the calls of a text.
pub(super) fn check(unit: &Unit, context: &RunContext, faults: &mut Vec<Fault>) {
    let Some(trial) = &context.trial else { return };
    // One trial for each way of calling: a long text repeats itself.
    let mut known: HashMap<String, Option<(String, Option<String>)>> = HashMap::new();
    unit.each_node(&mut |path| {
        let (call, at, is_method) = match path.last() {
            Some(ASTNode::Stmt(Stmt::FnCall(call, at)) | ASTNode::Expr(Expr::FnCall(call, at))) => (call, *at, false),
            Some(ASTNode::Expr(Expr::MethodCall(call, at))) => (call, *at, true),
            _ => return,
        };
        let name = call.name.as_str();
        let is_tried = if is_method { METHODS.contains(&name) } else { FUNCTIONS.contains(&name) };
        let is_own = || unit.functions.contains_key(name) || context.members.contains(name) || call.is_qualified();
        if !is_tried || is_own() || is_caught(path) || waits(call, is_method) {
            return;
        }
        let Some((arguments, is_whole)) = arguments(call) else { return };
        let key = format!("{name} {is_method} {arguments:?}");
        let thrown = known.entry(key).or_insert_with(|| {
            let count = call.args.len() + usize::from(is_method);
            let takes = context.catalog.takes(name, count);
            let receiver = (is_method && name != "text").then(nowhere);
            if !takes {
                return None;
            }
            if name == "text" || name == "read_text" {
                return unknown_label(&arguments);
            }
            trial.call(name, receiver, arguments)
        });
        let Some((what, hint)) = thrown.clone() else { return };
        // With parts that are not known, only the names of options count.
        if !is_whole && !what.contains("has no option") {
            return;
        }
        let at = place_of_option(call, &what).unwrap_or(at);
        faults.push((unit.number, at, Finding::Text { what, near: None, hint }));
    });
}

/// Whether a failure is expected: there is a try around it.
fn is_caught(path: &[ASTNode<'_>]) -> bool {
    path.iter().any(|node| matches!(node, ASTNode::Stmt(Stmt::TryCatch(..))))
}

/// The values of the arguments, and whether all are written out. `None`: they are not known. The values of options that are
/// not known are left out.
fn arguments(call: &FnCallExpr) -> Option<(Vec<Dynamic>, bool)> {
    let mut is_whole = true;
    let mut value = |argument: &Expr| {
        if argument.is_constant() {
            return argument.get_literal_value(None);
        }
        let Expr::Map(map, _) = argument else { return None };
        is_whole = false;
        let entries = map.0.iter().map(|(name, value)| {
            let value = value.get_literal_value(None).filter(|_| value.is_constant()).unwrap_or(Dynamic::from_int(1));
            (name.name.as_str().into(), value)
        });
        Some(Dynamic::from_map(entries.collect()))
    };
    let values: Option<Vec<_>> = call.args.iter().map(&mut value).collect();
    values.map(|values| (values, is_whole))
}

/// The place of the option that a message is about: the first one that it names.
fn place_of_option(call: &FnCallExpr, what: &str) -> Option<Position> {
    if what.starts_with("unknown toxic") {
        return None;
    }
    let mut words = what.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let maps =
        || call.args.iter().filter_map(|argument| if let Expr::Map(map, _) = argument { Some(map) } else { None });
    words.find_map(|word| {
        let (name, _) = maps().flat_map(|map| map.0.iter()).find(|(name, _)| name.name == word)?;
        Some(name.pos)
    })
}

/// An encoding that does not exist.
fn unknown_label(arguments: &[Dynamic]) -> Option<(String, Option<String>)> {
    let label = arguments.last()?.clone().into_immutable_string().ok()?;
    let fault = labels::lookup(&label).err()?;
    let hint = fault.suggestion().map(|near| format!("did you mean \"{near}\"?"));
    Some((fault.to_string(), hint))
}

/// A connection that leads nowhere.
fn nowhere() -> Dynamic {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let view = Rc::new(ConnView::new(1, address, address, Side::Server, &Text::default(), Instant::now()));
    Dynamic::from(Conn::new(&view))
}

/// The type whose settings can be tried.
pub(super) fn is_conn(id: TypeId) -> bool {
    id == TypeId::of::<Conn>()
}

/// The methods of connections that can be tried, and `text` of blobs.
const METHODS: [&str; 15] = [
    "send",
    "send_line",
    "send_hex",
    "frame_lines",
    "frame_delim",
    "frame_fixed",
    "frame_length",
    "frame_none",
    "toxic",
    "heal",
    "expect",
    "after",
    "every",
    "log",
    "text",
];

/// The functions that can be tried.
const FUNCTIONS: [&str; 20] = [
    "re",
    "hex",
    "b64",
    "bytes",
    "pack",
    "pack_size",
    "check_toxic",
    "time",
    "choose",
    "rand",
    "connect",
    "listen",
    "after",
    "every",
    "parse_json",
    "read_text",
    "crc32",
    "broadcast",
    "broadcast_line",
    "exit",
];

/// Time limit of one call.
const TIMEOUT: Duration = Duration::from_secs(2);
