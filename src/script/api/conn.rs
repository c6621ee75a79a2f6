//! `Conn`: a connection as a script sees it.
//!
//! Reads the shared view and pushes commands. Commands take effect after the call, but properties such as `can_send` and
//! `queued` already show the result when the function returns.

use std::any::TypeId;
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rhai::{Array, Blob, Dynamic, Engine, INT, ImmutableString, Map, NativeCallContext};

use super::{Outcome, display, failure, type_name};
use crate::codec::charset::EncodeError;
use crate::codec::newline::Crlf;
use crate::codec::{escape, labels};
use crate::config::{Charset, Unencodable};
use crate::endpoint::{Address, MAX_DATAGRAM};
use crate::script::host::Host;
use crate::script::pulling::{attachment, pull};
use crate::script::trouble::{self, Kind, about};
use crate::session::{Command, ConnView, ListenerId, Side};

/// A connection; cheap to copy.
#[derive(Clone, Debug)]
pub(in crate::script) struct Conn(Rc<ConnView>);

/// A listening socket: the run's own, or one the script opened.
#[derive(Clone, Debug)]
pub(in crate::script) struct Listener {
    id: Option<ListenerId>,
    /// Empty while its name is being resolved.
    address: Rc<OnceCell<Address>>,
}

impl Conn {
    pub(in crate::script) fn new(view: &Rc<ConnView>) -> Self {
        Self(Rc::clone(view))
    }

    pub(in crate::script) fn view(&self) -> &Rc<ConnView> {
        &self.0
    }

    /// The script's own map of this connection, made at its first use.
    pub(in crate::script) fn state(&self) -> Dynamic {
        attachment(&self.0).state()
    }
}

impl Listener {
    /// A listener of the script, or (without a number) the run's own. It may not be bound yet.
    pub(in crate::script) fn new(id: Option<ListenerId>, address: Rc<OnceCell<Address>>) -> Self {
        Self { id, address }
    }

    pub(super) fn id(&self) -> Option<ListenerId> {
        self.id
    }

    fn name(&self) -> String {
        self.address.get().map_or_else(|| "not bound".to_owned(), Address::to_string)
    }
}

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>) {
    engine.register_type_with_name::<Conn>("Conn").register_type_with_name::<Listener>("Listener");
    register_reading(engine, host);
    register_state(engine);
    register_settings(engine, host);
    register_sending(engine, host);
    register_pausing(engine, host);
    register_ending(engine, host);
    engine
        .register_get("port", |listener: &mut Listener| listener.address.get().map_or(Dynamic::UNIT, port))
        .register_get("addr", |listener: &mut Listener| {
            listener.address.get().map_or(Dynamic::UNIT, |address| address.to_string().into())
        })
        .register_fn("==", |a: Listener, b: Listener| a.id == b.id)
        .register_fn("!=", |a: Listener, b: Listener| a.id != b.id)
        .register_fn("to_string", |listener: &mut Listener| listener.name())
        .register_fn("to_debug", |listener: &mut Listener| format!("Listener({})", listener.name()));
}

/// What reads a property.
pub(in crate::script) type Getter = fn(&Conn) -> Dynamic;

/// The properties that scripts read most.
pub(in crate::script) const PROPERTIES: [(&str, Getter); 8] = [
    ("id", |conn| Dynamic::from_int(number(conn.0.id))),
    ("peer", |conn| conn.0.info.peer_name().into()),
    ("is_open", |conn| conn.0.info.is_open().into()),
    ("can_send", |conn| conn.0.info.can_send().into()),
    ("eof", |conn| conn.0.info.eof().into()),
    ("bytes_in", |conn| Dynamic::from_int(number(conn.0.info.bytes_in()))),
    ("bytes_out", |conn| Dynamic::from_int(number(conn.0.info.bytes_out()))),
    ("queued", |conn| Dynamic::from_int(number(conn.0.info.queued() as u64))),
];

/// The port of an address, `()` if it has none.
fn port(address: &Address) -> Dynamic {
    address.port().map_or(Dynamic::UNIT, |port| Dynamic::from_int(port.into()))
}

/// The address of an end; `None` while the connection is being made, and if it never stood.
fn known(address: &Address) -> Option<&Address> {
    (!address.is_nowhere()).then_some(address)
}

fn register_reading(engine: &mut Engine, host: &Rc<Host>) {
    let (age, idle, peer_idle) = (Rc::clone(host), Rc::clone(host), Rc::clone(host));
    let since = |host: &Host, then: Instant| host.now().saturating_duration_since(then).as_millis() as INT;
    for (name, get) in PROPERTIES {
        engine.register_get(name, move |conn: &mut Conn| get(conn));
    }
    engine
        .register_get("peer_ip", |conn: &mut Conn| {
            known(&conn.0.info.peer())
                .and_then(Address::ip)
                .map_or(Dynamic::UNIT, |address| address.ip().to_string().into())
        })
        .register_get("peer_uid", |conn: &mut Conn| {
            conn.0.info.peer_uid().map_or(Dynamic::UNIT, |uid| Dynamic::from_int(uid.into()))
        })
        .register_get("peer_port", |conn: &mut Conn| known(&conn.0.info.peer()).map_or(Dynamic::UNIT, port))
        .register_get("local", |conn: &mut Conn| {
            known(&conn.0.info.local()).map_or_else(String::new, Address::to_string)
        })
        .register_get("proto", |conn: &mut Conn| conn.0.info.peer().protocol())
        .register_get("side", |conn: &mut Conn| match conn.0.info.side() {
            Side::Server => "server",
            Side::Client => "client",
            Side::Program => "program",
        })
        .register_get("state", |conn: &mut Conn| conn.state())
        .register_get("age_ms", move |conn: &mut Conn| since(&age, conn.0.info.opened()))
        .register_get("idle_ms", move |conn: &mut Conn| since(&idle, conn.0.info.last_activity()))
        .register_get("peer_idle_ms", move |conn: &mut Conn| since(&peer_idle, conn.0.info.last_received()))
        .register_fn("==", |a: Conn, b: Conn| a.0.id == b.0.id)
        .register_fn("!=", |a: Conn, b: Conn| a.0.id != b.0.id)
        .register_fn("to_string", |conn: &mut Conn| conn.0.name())
        .register_fn("to_debug", |conn: &mut Conn| format!("Conn({} {})", conn.0.id, conn.0.info.peer_name()));
}

/// Registers `conn.state = #{…}`. The engine also calls this setter after `conn.state.x = 1`, with the map it has changed
/// in place; without a setter it would build an error message each time and drop it (1.3 µs).
fn register_state(engine: &mut Engine) {
    let types = [TypeId::of::<Conn>(), TypeId::of::<Map>()];
    // A setter with a typed parameter would get the map moved out of the shared value.
    #[allow(deprecated, reason = "volatile, says its documentation, but not deprecated")]
    engine.register_raw_fn("set$state", types, |_, args| -> Outcome<()> {
        let [conn, value] = args else { return Ok(()) };
        let mut state = conn.read_lock::<Conn>().map(|conn| conn.state()).unwrap_or_default();
        // Locked: the value is this very map, changed in place.
        if !state.is_locked() {
            let new = value.take().try_cast::<Map>().unwrap_or_default();
            if let Some(mut map) = state.write_lock::<Map>() {
                *map = new;
            }
        }
        Ok(())
    });
}

fn register_settings(engine: &mut Engine, host: &Rc<Host>) {
    let to = Rc::clone(host);
    engine
        .register_get("label", |conn: &mut Conn| conn.0.name())
        .register_set("label", |conn: &mut Conn, label: &str| conn.0.text.set_label(label))
        .register_get("encoding", |conn: &mut Conn| encoding(&conn.0))
        .register_set("encoding", set_encoding)
        .register_get("unencodable", |conn: &mut Conn| match conn.0.text.unencodable() {
            Unencodable::Fail => FAIL,
            Unencodable::Replace => REPLACE,
        })
        .register_set("unencodable", set_unencodable)
        .register_get("eol", |conn: &mut Conn| conn.0.text.eol().to_owned())
        .register_set("eol", |conn: &mut Conn, eol: &str| conn.0.text.set_eol(eol))
        .register_get_set(
            "nodelay",
            |conn: &mut Conn| conn.0.info.nodelay(),
            move |conn: &mut Conn, on: bool| to.extend(conn.0.request_nodelay(on)),
        );
    engine.register_get_set(
        "timeout",
        |conn: &mut Conn| in_ms(attachment(&conn.0).timeout()),
        |conn: &mut Conn, ms: INT| -> Outcome<()> {
            attachment(&conn.0).set_timeout(limit("timeout", conn, ms)?);
            Ok(())
        },
    );
    let to = Rc::clone(host);
    engine.register_get_set(
        "idle_timeout",
        |conn: &mut Conn| in_ms(conn.0.info.idle_limit()),
        move |conn: &mut Conn, ms: INT| -> Outcome<()> {
            to.extend(conn.0.request_idle_limit(limit("idle_timeout", conn, ms)?));
            Ok(())
        },
    );
    let to = Rc::clone(host);
    engine.register_get_set(
        "peer_idle_timeout",
        |conn: &mut Conn| in_ms(conn.0.info.peer_idle_limit()),
        move |conn: &mut Conn, ms: INT| -> Outcome<()> {
            to.extend(conn.0.request_peer_idle_limit(limit("peer_idle_timeout", conn, ms)?));
            Ok(())
        },
    );
}

/// A limit of time as scripts read it; 0 is none.
fn in_ms(limit: Option<Duration>) -> INT {
    limit.map_or(0, |limit| limit.as_millis() as INT)
}

/// A limit of time as scripts set it: `name` is the property.
fn limit(name: &str, conn: &Conn, ms: INT) -> Outcome<Option<Duration>> {
    let wrong = |_| about(failure(format!("{name} is in milliseconds, not {ms}")), name, conn);
    let ms = u64::try_from(ms).map_err(wrong)?;
    Ok((ms > 0).then(|| Duration::from_millis(ms)))
}

fn register_pausing(engine: &mut Engine, host: &Rc<Host>) {
    let to = Rc::clone(host);
    engine.register_fn("pause", move |conn: &mut Conn| match pull(&conn.0) {
        Some(pull) => pull.pause(&to, &conn.0),
        None => to.push(Command::Pause(conn.0.id)),
    });
    let to = Rc::clone(host);
    engine.register_fn("resume", move |conn: &mut Conn| match pull(&conn.0) {
        Some(pull) => pull.resume(&to, &conn.0),
        None => to.push(Command::Resume(conn.0.id)),
    });
}

fn register_sending(engine: &mut Engine, host: &Rc<Host>) {
    let to = Rc::clone(host);
    engine.register_fn("send", move |conn: &mut Conn, bytes: Blob| send_bytes(&to, conn, bytes));
    let to = Rc::clone(host);
    engine.register_fn("send", move |conn: &mut Conn, text: &str| send_text(&to, conn, text));
    let to = Rc::clone(host);
    engine.register_fn("send", move |context: NativeCallContext<'_>, conn: &mut Conn, parts: Array| {
        send_parts(&context, &to, conn, &parts)
    });
    let to = Rc::clone(host);
    engine.register_fn("send", move |conn: &mut Conn, letter: char| {
        send_text(&to, conn, letter.encode_utf8(&mut [0; 4]))
    });
    engine.register_fn("send", |context: NativeCallContext<'_>, conn: &mut Conn, other: Dynamic| -> Outcome<bool> {
        let given = type_name(&context, &other);
        let message = format!("send takes a string, a blob or an array of them, not {given}");
        Err(about(failure(message), "send", conn))
    });
    let to = Rc::clone(host);
    engine.register_fn("send_line", move |conn: &mut Conn, text: &str| send_line(&to, conn, text));
    let to = Rc::clone(host);
    engine.register_fn("send_line", move |conn: &mut Conn, letter: char| {
        send_line(&to, conn, letter.encode_utf8(&mut [0; 4]))
    });
    let to = Rc::clone(host);
    engine.register_fn("send_hex", move |conn: &mut Conn, digits: &str| {
        let wrong =
            |fault: escape::HexError| trouble::failure(&to, Kind::Io, "send_hex", Some(conn), fault.to_string());
        let bytes = escape::parse_hex(digits).map_err(wrong)?;
        queue(&to, conn, conn.0.text.raw(bytes))
    });
    let to = Rc::clone(host);
    engine.register_fn("log", move |context: NativeCallContext<'_>, conn: &mut Conn, what: Dynamic| -> Outcome<()> {
        let text = display(&context, what)?;
        to.push(Command::Log(Some(conn.0.id), text.into()));
        Ok(())
    });
}

fn register_ending(engine: &mut Engine, host: &Rc<Host>) {
    let to = Rc::clone(host);
    engine.register_fn("close", move |conn: &mut Conn| to.extend(conn.0.request_close()));
    let to = Rc::clone(host);
    engine.register_fn("shutdown", move |conn: &mut Conn| to.extend(conn.0.request_shutdown()));
    let to = Rc::clone(host);
    engine.register_fn("reset", move |conn: &mut Conn| to.extend(conn.0.request_reset()));
}

/// Sends bytes.
pub(in crate::script) fn send_bytes(host: &Host, conn: &Conn, bytes: Blob) -> Outcome<bool> {
    queue(host, conn, conn.0.text.raw(bytes))
}

/// Sends a text with the line end of the connection.
pub(in crate::script) fn send_line(host: &Host, conn: &Conn, text: &str) -> Outcome<bool> {
    send_text(host, conn, &[text, &conn.0.text.eol()].concat())
}

/// Sends a text.
pub(in crate::script) fn send_text(host: &Host, conn: &Conn, text: &str) -> Outcome<bool> {
    if host.current_task().is_none() && !reaches_peer(host, conn) {
        return Ok(false);
    }
    let bytes = encode(host, conn, text)?;
    queue(host, conn, bytes)
}

fn send_parts(context: &NativeCallContext<'_>, host: &Host, conn: &Conn, parts: &Array) -> Outcome<bool> {
    if host.current_task().is_none() && !reaches_peer(host, conn) {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if let Some(blob) = part.read_lock::<Blob>() {
            bytes.extend(conn.0.text.raw(blob.clone()));
        } else if let Some(text) = part.read_lock::<ImmutableString>() {
            bytes.extend(encode(host, conn, &text)?);
        } else if let Ok(letter) = part.as_char() {
            bytes.extend(encode(host, conn, letter.encode_utf8(&mut [0; 4]))?);
        } else {
            let given = type_name(context, part);
            let message = format!("send takes strings and blobs in an array, not {given} (at index {index})");
            return Err(about(failure(message), "send", conn));
        }
    }
    queue(host, conn, bytes)
}

/// Whether what is sent now may reach the peer. If not, `-v` tells so, once for each connection.
pub(super) fn reaches_peer(host: &Host, conn: &Conn) -> bool {
    let can_send = conn.0.info.can_send();
    if !can_send {
        host.extend(conn.0.request_unsent());
    }
    can_send
}

/// Text in the encoding of the connection, with its line ends.
fn encode(host: &Host, conn: &Conn, text: &str) -> Outcome<Vec<u8>> {
    let whole;
    let text = if conn.0.text.crlf() && text.contains('\n') {
        whole = Crlf::default().convert_text(text);
        &whole
    } else {
        text
    };
    let unencodable = |fault: EncodeError| trouble::failure(host, Kind::Text, "send", Some(conn), fault.to_string());
    let mut bytes = conn.0.text.encode(text).map_err(unencodable)?;
    if conn.0.info.is_datagram() {
        // The next one may not arrive.
        conn.0.text.finish_encoding(&mut bytes);
    }
    Ok(bytes)
}

/// Queues bytes for the peer, as one datagram if that is how it is reached. Returns whether they may reach it.
pub(super) fn queue(host: &Host, conn: &Conn, bytes: Vec<u8>) -> Outcome<bool> {
    let view = &conn.0;
    let task = host.current_task();
    if task.is_some() && !view.info.can_send() {
        return Err(super::room::unsendable(conn, "send"));
    }
    if !reaches_peer(host, conn) {
        return Ok(false);
    }
    if view.info.is_datagram() {
        if bytes.len() > MAX_DATAGRAM {
            let message =
                format!("{} bytes do not fit into one datagram: {MAX_DATAGRAM} bytes are the most", bytes.len());
            return Err(trouble::failure(host, Kind::Io, "send", Some(conn), message));
        }
    } else if bytes.is_empty() {
        return Ok(true);
    }
    if view.info.queued() + bytes.len() > MAX_QUEUED {
        let limit = MAX_QUEUED >> 20;
        let message = format!(
            "the queue of {} is full ({limit} MiB): wait for on_drain, or look at conn.queued before sending",
            view.name()
        );
        return Err(trouble::failure(host, Kind::Io, "send", Some(conn), message));
    }
    host.push(view.request_send(bytes));
    if let Some(task) = task {
        super::room::wait_for_room(host, conn, task)?;
    }
    Ok(true)
}

fn encoding(view: &ConnView) -> String {
    match view.text.recv() {
        Charset::Auto(region) => labels::auto_label(region).to_owned(),
        Charset::Named(encoding) => labels::name(encoding).to_ascii_lowercase(),
    }
}

fn set_encoding(conn: &mut Conn, label: &str) -> Outcome<()> {
    conn.0.text.set_charset(charset_of(label).map_err(|fault| about(fault, "encoding", conn))?);
    Ok(())
}

fn set_unencodable(conn: &mut Conn, policy: &str) -> Outcome<()> {
    conn.0.text.set_unencodable(match policy {
        FAIL => Unencodable::Fail,
        REPLACE => Unencodable::Replace,
        _ => {
            let message = format!("unencodable is \"{FAIL}\" or \"{REPLACE}\", not {policy:?}");
            return Err(about(failure(message), "unencodable", conn));
        }
    });
    Ok(())
}

/// The charset a script means.
pub(super) fn charset_of(label: &str) -> Outcome<Charset> {
    labels::lookup(label).map_err(|fault| {
        let hint = fault.suggestion().map(|near| format!(" (did you mean \"{near}\"?)")).unwrap_or_default();
        failure(format!("{fault}{hint}"))
    })
}

/// A counter as an integer of the script, at most its maximum.
fn number(value: u64) -> INT {
    INT::try_from(value).unwrap_or(INT::MAX)
}

/// The values of `conn.unencodable`.
const FAIL: &str = "fail";
const REPLACE: &str = "replace";

/// Maximum queued bytes of one connection; a script that outruns its peer by more does not watch `conn.queued`.
const MAX_QUEUED: usize = 64 << 20;
