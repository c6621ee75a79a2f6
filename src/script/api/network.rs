//! Several connections in one script: `connect`, `listen` and `pipe`.
//!
//! Connections and pipes are requested by commands. A listener is bound at once, by the driver's `Binder`, because its port
//! has to be known when the function returns; on a name, once that is resolved.

use std::rc::Rc;
use std::time::Duration;

use rhai::{Array, Blob, Dynamic, Engine, FnPtr, INT, ImmutableString, Map, NativeCallContext};

use super::conn::{Conn, Listener, charset_of};
use super::{Outcome, failure, tls, type_name};
use crate::codec::nearest::nearest;
use crate::config::Charset;
use crate::config::tls::TlsWish;
use crate::endpoint::{Endpoint, without_tls};
use crate::proxy::{Proxy, check_route};
use crate::script::check::{Hook, beside_session};
use crate::script::error::friendly;
use crate::script::host::Host;
use crate::script::own::Handlers;
use crate::script::paths::FileAccess;
use crate::script::pulling::{attachment, pull};
use crate::script::tasks::{TaskId, Woken};
use crate::script::trouble::{self, Kind, Trouble};
use crate::session::inbox::StreamEnd;
use crate::session::{Command, ConnView, ConnectRequest, ListenerId};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>, access: &Rc<FileAccess>) {
    let (of, within) = (Rc::clone(host), Rc::clone(access));
    engine.register_fn("connect", move |context: NativeCallContext<'_>, target: &str| {
        connect(&context, &of, &within, target, &Map::new())
    });
    let (of, within) = (Rc::clone(host), Rc::clone(access));
    engine.register_fn("connect", move |context: NativeCallContext<'_>, target: &str, options: Map| {
        connect(&context, &of, &within, target, &options)
    });
    register_accept(engine, host);
    let of = Rc::clone(host);
    let none = Rc::clone(access);
    engine.register_fn("listen", move |context: NativeCallContext<'_>, address: &str| {
        listen(&context, &of, &none, address, &Map::new())
    });
    let (of, within) = (Rc::clone(host), Rc::clone(access));
    engine.register_fn("listen", move |context: NativeCallContext<'_>, address: &str, options: Map| {
        listen(&context, &of, &within, address, &options)
    });
    let of = Rc::clone(host);
    engine.register_fn("close", move |listener: &mut Listener| {
        if let Some(id) = listener.id() {
            of.servers().remove_listener(id);
            let waiting = of.listeners().closed(id);
            for task in waiting {
                of.tasks().wake(task);
            }
            of.push(Command::CloseListener(id));
        }
    });
    let of = Rc::clone(host);
    engine.register_fn("pipe", move |conn: &mut Conn, other: Conn| -> Outcome<()> {
        if conn.view().id == other.view().id {
            let message = "a connection cannot be piped to itself".to_owned();
            return Err(trouble::failure(&of, Kind::Io, "pipe", Some(conn), message));
        }
        hand_on(&of, conn.view(), other.view());
        hand_on(&of, other.view(), conn.view());
        of.push(Command::Pipe(conn.view().id, other.view().id));
        Ok(())
    });
    for hook in Hook::OF_CONNECTIONS {
        let of = Rc::clone(host);
        engine.register_set(hook.name(), move |listener: &mut Listener, call: FnPtr| -> Outcome<()> {
            let Some(id) = listener.id() else {
                return Err(failure(format!("the run's own listener takes fn {}(..), not a closure", hook.name())));
            };
            if of.servers().has_listener(id) {
                return Err(failure(format!("listener.{}: another script handles its connections", hook.name())));
            }
            of.check_parameters(hook, &call).map_err(|fault| failure(format!("listener.{fault}")))?;
            let accepts_on_demand = of.listeners().is_of_tasks(id);
            if let Some(hook) = of.listeners().set(id, hook, call) {
                return Err(failure(format!("listener.{}", beside_session(hook.name()))));
            }
            if accepts_on_demand {
                of.push(Command::Accept(id, None));
            }
            Ok(())
        });
    }
}

/// What a task has not read yet, and the end behind it, go to the connection that is the partner from now on.
fn hand_on(host: &Host, from: &ConnView, to: &ConnView) {
    let Some(pull) = pull(from) else { return };
    while let Some(chunk) = pull.with_inbox(host, from, |inbox| inbox.take_chunk(from)).flatten() {
        host.push(Command::Send(to.id, chunk));
    }
    if pull.ask_inbox(|inbox| inbox.end() == Some(&StreamEnd::Eof)) == Some(true) {
        host.push(Command::Shutdown(to.id));
    }
}

/// A listener; with the option `script` its connections are those of another script.
fn listen(
    context: &NativeCallContext<'_>,
    host: &Rc<Host>,
    access: &FileAccess,
    address: &str,
    options: &Map,
) -> Outcome<Listener> {
    if host.is_loading() {
        return Err(failure("listen() while the script is loading: call it in on_start"));
    }
    let refused = |fault: String| trouble::failure(host, Kind::Io, "listen", None, fault);
    let (address, is_tls) = without_tls(address);
    let endpoint: Endpoint = address.parse().map_err(|fault: crate::error::Error| refused(fault.to_string()))?;
    let wish = options.get("tls").map(|value| tls::option(access, "listen", value)).transpose()?.flatten();
    let wish = wish.or_else(|| is_tls.then(Box::default));
    stream_for_tls("listen", &endpoint, wish.is_some())?;
    let listener = match served_by(context, options)? {
        None => host.bind(&endpoint).map_err(|fault| refused(fault.to_string())),
        Some((script, args)) => {
            host.serve(&endpoint, &script, args).map_err(|fault| refused(format!("listen: {fault}")))
        }
    }?;
    if let (Some(id), Some(wish)) = (listener.id(), wish) {
        host.push(Command::SecureListener(id, wish));
    }
    if let (Some(id), Some(task)) = (listener.id(), host.current_task()) {
        await_bound(host, &endpoint, id, task)?;
    }
    Ok(listener)
}

/// Waits until a listener whose name is resolved first is bound.
fn await_bound(host: &Host, endpoint: &Endpoint, id: ListenerId, task: TaskId) -> Outcome<()> {
    let limit = host.wait_limit(task);
    let until = host.deadline_in(limit);
    let give_up = || {
        host.listeners().take_trouble(id);
        host.listeners().give_up(id);
        host.push(Command::CloseListener(id));
    };
    while host.listeners().is_pending(id) {
        host.listeners().await_bound(id, task);
        // Nobody else knows the listener of a task that is to end.
        let woken = host.wait(task, until).inspect_err(|_| give_up())?;
        if woken == Woken::TimedOut {
            give_up();
            let what = format!("the address of {}", endpoint.host().unwrap_or_default());
            return Err(Trouble::late("listen", limit, &what).thrown());
        }
    }
    let trouble = host.listeners().take_trouble(id);
    trouble.map_or(Ok(()), |trouble| Err(Trouble::new(trouble.kind.into(), "listen", trouble.message).thrown()))
}

/// The script of a listener and its arguments, by the options of `listen`.
fn served_by(context: &NativeCallContext<'_>, options: &Map) -> Outcome<Option<(String, Vec<String>)>> {
    let mut script = None;
    let mut args = None;
    for (name, value) in options {
        let wrong = |wanted: &str| failure(format!("listen: {name} is {wanted}, not {}", type_name(context, value)));
        match name.as_str() {
            "script" => script = Some(value.clone().into_string().map_err(|_| wrong("a string"))?),
            "args" => {
                let all = value.clone().into_array().map_err(|_| wrong("an array of strings"))?;
                let texts = all.iter().map(|arg| arg.clone().into_string());
                args = Some(texts.collect::<Result<Vec<_>, _>>().map_err(|given| {
                    failure(format!("listen: args is an array of strings, not of {}", friendly(given)))
                })?);
            }
            "tls" => {}
            _ => {
                let near = nearest(name, LISTEN_OPTIONS.iter().copied());
                let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                return Err(failure(format!("listen has no option {name}{hint}")));
            }
        }
    }
    match (script, args) {
        (None, Some(_)) => Err(failure("listen: args are those of script, which is not given")),
        (script, args) => Ok(script.map(|script| (script, args.unwrap_or_default()))),
    }
}

const LISTEN_OPTIONS: [&str; 3] = ["script", "args", "tls"];

/// A requested connection, and the request for its command.
fn connect(
    context: &NativeCallContext<'_>,
    host: &Host,
    access: &FileAccess,
    target: &str,
    options: &Map,
) -> Outcome<Conn> {
    if host.is_loading() {
        return Err(failure("connect() while the script is loading: call it in on_start"));
    }
    let unknown = |fault: crate::error::Error| trouble::failure(host, Kind::Io, "connect", None, fault.to_string());
    let (target, is_tls) = without_tls(target);
    let endpoint: Endpoint = target.parse().map_err(unknown)?;
    if endpoint.port() == Some(0) {
        return Err(failure(format!("connect(\"{target}\"): port 0 cannot be connected to")));
    }
    let options = ConnectOptions::read(context, host, access, options)?;
    let tls = options.tls.or_else(|| is_tls.then(Box::default));
    stream_for_tls("connect", &endpoint, tls.is_some())?;
    if let Some(proxies) = &options.proxies {
        check_route(proxies, &endpoint).map_err(|fault| failure(format!("connect: {fault}")))?;
    }
    let view = host.dialing(&endpoint, options.nodelay).map_err(|limit| {
        let plural = if limit == 1 { "" } else { "s" };
        let message = format!(
            "connect(\"{target}\"): the script has {limit} connection{plural} already, the limit; --max-connects N sets it"
        );
        trouble::failure(host, Kind::Io, "connect", None, message)
    })?;
    if let Some(charset) = options.charset {
        view.text.set_charset(charset);
    }
    if let Some(label) = &options.label {
        view.text.set_label(label);
    }
    let task = host.current_task();
    let mut handlers = options.handlers;
    if task.is_some() && !handlers.takes_data() {
        // Its bytes wait for this task or another one, and no handler of the script hears of it.
        handlers.stand_alone();
    }
    let belongs_to_tasks = handlers.is_session() || (task.is_some() && !handlers.takes_data());
    if !handlers.is_empty() {
        host.give_handlers(&view, handlers);
    }
    let conn = Conn::new(&view);
    if belongs_to_tasks {
        attachment(&view).make_pull(host.text().malformed, view.info.is_datagram());
    }
    attachment(&view).set_timeout(task.and_then(|task| host.wait_limit(task)));
    let timeout = options.timeout.or_else(|| task.and_then(|task| host.wait_limit(task)));
    // No proxy reaches a Unix socket: those of the run are not for it.
    let proxies = if endpoint.is_unix() { Some(Vec::new()) } else { options.proxies };
    host.push(Command::Connect(ConnectRequest { view: Rc::clone(&view), target: endpoint, timeout, tls, proxies }));
    if let Some(task) = task {
        host.tasks().note_opened(task, &view);
        stand(host, &conn, task)?;
    }
    Ok(conn)
}

fn stream_for_tls(call: &str, endpoint: &Endpoint, is_tls: bool) -> Outcome<()> {
    if is_tls && endpoint.is_datagram() {
        return Err(failure(format!("{call}: TLS needs a stream, and {endpoint} has datagrams")));
    }
    Ok(())
}

/// Waits until a connection stands.
fn stand(host: &Host, conn: &Conn, task: TaskId) -> Outcome<()> {
    let view = conn.view();
    let pull = attachment(view).watch();
    while !pull.is_opened() {
        if let Some(trouble) = pull.trouble() {
            let kind = trouble.kind.into();
            return Err(Trouble::new(kind, "connect", trouble.message).on(conn).thrown());
        }
        if pull.close_reason().is_some() {
            let message = format!("connect to {}: the connection was closed before it stood", view.info.peer_name());
            return Err(Trouble::new(Kind::Closed, "connect", message).on(conn).thrown());
        }
        // Nobody else knows the connection of a task that is to end.
        pull.wait(host, task, None).inspect_err(|_| host.extend(view.request_close()))?;
    }
    Ok(())
}

fn register_accept(engine: &mut Engine, host: &Rc<Host>) {
    let of = Rc::clone(host);
    engine.register_fn("accept", move |listener: Listener| accept(&of, &listener, None));
    let of = Rc::clone(host);
    engine.register_fn("accept", move |listener: Listener, ms: INT| accept(&of, &listener, Some(ms)));
}

/// Waits for the next client of a listener.
fn accept(host: &Host, listener: &Listener, ms: Option<INT>) -> Outcome<Conn> {
    let task = host.task_for("accept")?;
    let Some(id) = listener.id().filter(|id| host.listeners().is_of_tasks(*id)) else {
        return Err(failure("accept: the connections of this listener go to its handlers, not to a task"));
    };
    let limit = match ms {
        Some(ms) => Some(super::waits::limit("accept", ms)?),
        None => host.wait_limit(task),
    };
    let until = host.deadline_in(limit);
    let mut is_late = false;
    let mut is_asked = false;
    loop {
        let accepted = host.listeners().take_accepted(id);
        if let Some(view) = accepted {
            attachment(&view).set_timeout(host.wait_limit(task));
            host.tasks().note_opened(task, &view);
            return Ok(Conn::new(&view));
        }
        if host.listeners().is_closed(id) {
            return Err(Trouble::new(Kind::Closed, "accept", "accept: the listener is closed").thrown());
        }
        if is_late {
            return Err(Trouble::late("accept", limit, "a client").thrown());
        }
        if !std::mem::replace(&mut is_asked, true) {
            host.push(Command::Accept(id, Some(1)));
        }
        host.listeners().add_waiter(id, task);
        let woken = host.wait(task, until);
        let next = host.listeners().remove_waiter(id, task);
        match woken {
            Ok(woken) => is_late = woken == Woken::TimedOut,
            Err(fault) => {
                // A client came for it before it heard that it is to end: whoever waits behind it has not been woken.
                if let Some(next) = next {
                    host.tasks().wake(next);
                }
                return Err(fault);
            }
        }
    }
}

/// The options of `connect`; `None`: not given.
#[derive(Default)]
struct ConnectOptions {
    timeout: Option<Duration>,
    charset: Option<Charset>,
    label: Option<String>,
    nodelay: Option<bool>,
    tls: Option<Box<TlsWish>>,
    proxies: Option<Vec<Proxy>>,
    handlers: Handlers,
}

impl ConnectOptions {
    fn read(context: &NativeCallContext<'_>, host: &Host, access: &FileAccess, options: &Map) -> Outcome<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let wrong =
                |wanted: &str| failure(format!("connect: {name} is {wanted}, not {}", type_name(context, value)));
            match name.as_str() {
                "timeout" => {
                    let ms = value.as_int().ok().and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
                    let ms = ms.ok_or_else(|| wrong("a number of milliseconds"))?;
                    read.timeout = Some(Duration::from_millis(ms));
                }
                "encoding" => {
                    let label = value.clone().into_immutable_string().map_err(|_| wrong("a string"))?;
                    read.charset = Some(charset_of(&label)?);
                }
                "tls" => read.tls = tls::option(access, "connect", value)?,
                "label" => read.label = Some(value.clone().into_string().map_err(|_| wrong("a string"))?),
                "proxy" => {
                    read.proxies = Some(proxies(value).map_err(|fault| match fault {
                        Some(fault) => failure(format!("connect: {fault}")),
                        None => wrong("a string, an array of strings or ()"),
                    })?);
                }
                "nodelay" => read.nodelay = Some(value.as_bool().map_err(|_| wrong("true or false"))?),
                _ => {
                    let handlers = Hook::OF_CONNECTIONS.iter();
                    if let Some(hook) = handlers.clone().find(|hook| hook.name() == name.as_str()) {
                        let call = value.clone().try_cast::<FnPtr>().ok_or_else(|| wrong("a function"))?;
                        host.check_parameters(*hook, &call).map_err(|fault| failure(format!("connect: {fault}")))?;
                        read.handlers.set(*hook, call);
                        continue;
                    }
                    let near = nearest(name, OPTIONS.iter().copied().chain(handlers.map(|hook| hook.name())));
                    let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                    return Err(failure(format!("connect has no option {name}{hint}")));
                }
            }
        }
        match read.handlers.beside_session() {
            Some(hook) => Err(failure(format!("connect: {}", beside_session(hook.name())))),
            None => Ok(read),
        }
    }
}

const OPTIONS: [&str; 6] = ["timeout", "encoding", "label", "nodelay", "tls", "proxy"];

/// The proxies that a script names, in the order of travel: none, one or several. `None`: it is something else.
fn proxies(value: &Dynamic) -> Result<Vec<Proxy>, Option<crate::error::Error>> {
    if value.is_unit() {
        return Ok(Vec::new());
    }
    let proxy = |value: &Dynamic| match value.read_lock::<ImmutableString>() {
        Some(text) => text.parse().map_err(Some),
        None => Err(None),
    };
    match value.read_lock::<Array>() {
        Some(values) => values.iter().map(proxy).collect(),
        None => proxy(value).map(|proxy| vec![proxy]),
    }
}

/// Converts the value of `on_relay` to the bytes to be sent: `()` is the original, a blob or string replaces it, `false`
/// drops it.
pub(in crate::script) fn relayed(answer: &Dynamic, bytes: Vec<u8>, to: &Conn) -> Result<Vec<u8>, String> {
    if answer.is_unit() {
        return Ok(bytes);
    }
    if let Some(blob) = answer.read_lock::<Blob>() {
        return Ok(blob.clone());
    }
    if let Some(text) = answer.read_lock::<ImmutableString>() {
        return to.view().text.encode(&text).map_err(|fault| fault.to_string());
    }
    match answer.as_bool() {
        Ok(false) => Ok(Vec::new()),
        Ok(true) => Ok(bytes),
        Err(given) => Err(format!("on_relay gives (), a blob, a string or false, not {}", friendly(given))),
    }
}
