//! TLS in scripts: `conn.tls`, `conn.start_tls()`, and the options of TLS in `connect` and `listen`.
//!
//! Owns how a script writes what it wants. Files are only named here, within what the script may read; the driver reads them.

use std::path::PathBuf;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, Map};

use super::conn::Conn;
use super::{Outcome, failure, room};
use crate::config::tls::TlsWish;
use crate::layer::tls::TlsFacts;
use crate::layer::tls::certificate::{Certificate, Fingerprint, date};
use crate::script::host::Host;
use crate::script::paths::FileAccess;
use crate::script::pulling::{Pull, attachment, pull};
use crate::script::trouble::{self, Kind, Trouble};
use crate::session::{Command, Side};

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>, access: &Rc<FileAccess>) {
    engine.register_get("tls", |conn: &mut Conn| {
        conn.view().info.tls().map_or(Dynamic::UNIT, |facts| Dynamic::from_map(shown(&facts)))
    });
    let of = Rc::clone(host);
    engine.register_fn("start_tls", move |conn: Conn| start_tls(&of, &conn, TlsWish::default()));
    let (of, within) = (Rc::clone(host), Rc::clone(access));
    engine.register_fn("start_tls", move |conn: Conn, options: Map| {
        start_tls(&of, &conn, read(&within, "start_tls", &options)?)
    });
}

/// What the two sides have agreed on.
fn shown(facts: &TlsFacts) -> Map {
    let optional = |text: &Option<String>| text.clone().map_or(Dynamic::UNIT, Dynamic::from);
    let mut map = Map::new();
    map.insert("version".into(), facts.version.into());
    map.insert("suite".into(), facts.suite.clone().into());
    map.insert("alpn".into(), optional(&facts.alpn));
    map.insert("name".into(), optional(&facts.name));
    let peer = facts.peer.as_ref().map_or(Dynamic::UNIT, |peer| Dynamic::from_map(certificate(peer)));
    map.insert("peer".into(), peer);
    map
}

fn certificate(peer: &Certificate) -> Map {
    let mut map = Map::new();
    map.insert("subject".into(), peer.subject.clone().into());
    map.insert("issuer".into(), peer.issuer.clone().into());
    map.insert("names".into(), peer.names.iter().map(|name| name.clone().into()).collect::<Array>().into());
    map.insert("not_before".into(), date(peer.not_before).into());
    map.insert("not_after".into(), date(peer.not_after).into());
    map.insert("sha256".into(), peer.sha256.to_string().into());
    map
}

/// Speaks TLS from here on. A task waits until both sides have agreed.
fn start_tls(host: &Host, conn: &Conn, wish: TlsWish) -> Outcome<()> {
    let view = conn.view();
    let refused = |kind, why: &str| trouble::failure(host, kind, "start_tls", Some(conn), format!("start_tls: {why}"));
    if view.info.is_datagram() {
        let words = format!("start_tls: TLS needs a stream, and {} has datagrams; DTLS is not spoken", view.name());
        return Err(failure(words));
    }
    if !view.info.can_send() {
        if host.current_task().is_some() && pull(view).is_some_and(Pull::has_broken) {
            return Err(room::unsendable(conn, "start_tls"));
        }
        return Err(refused(Kind::Closed, "our side of the connection has ended"));
    }
    if view.info.tls().is_some() {
        return Err(refused(Kind::Tls, "TLS is spoken already"));
    }
    // Bytes in the clear behind the answer are never taken for something that was encrypted.
    let kept = pull(view).and_then(|pull| {
        pull.with_inbox(host, view, |inbox| {
            let held = inbox.held();
            inbox.clean(view);
            held
        })
    });
    if view.info.side() == Side::Client && kept.is_some_and(|kept| kept > 0) {
        host.extend(view.request_reset());
        return Err(refused(Kind::Tls, "the peer has sent more in the clear behind its answer"));
    }
    host.push(Command::StartTls(view.id, Box::new(wish)));
    let Some(task) = host.current_task() else { return Ok(()) };
    let pull = attachment(view).watch();
    while view.info.tls().is_none() {
        if let Some(trouble) = pull.trouble() {
            return Err(Trouble::new(trouble.kind.into(), "start_tls", trouble.message).on(conn).thrown());
        }
        if pull.close_reason().is_some() {
            return Err(Trouble::new(Kind::Closed, "start_tls", "start_tls: the connection is closed")
                .on(conn)
                .thrown());
        }
        pull.wait(host, task, None)?;
    }
    Ok(())
}

/// The value of the option `tls`: `true`, `false`, or a map of options.
pub(super) fn option(access: &FileAccess, call: &str, value: &Dynamic) -> Outcome<Option<Box<TlsWish>>> {
    if let Ok(is_on) = value.as_bool() {
        return Ok(is_on.then(Box::default));
    }
    match value.read_lock::<Map>() {
        Some(options) => read(access, call, &options).map(|wish| Some(Box::new(wish))),
        None => Err(failure(format!("{call}: tls is true, false or a map of options"))),
    }
}

fn read(access: &FileAccess, call: &str, options: &Map) -> Outcome<TlsWish> {
    let mut wish = TlsWish::default();
    for (name, value) in options {
        let wrong = |wanted: &str| failure(format!("{call}: {name} of TLS is {wanted}"));
        let text = || value.clone().into_string().map_err(|_| wrong("a string"));
        let file = || -> Outcome<Option<PathBuf>> {
            let path = text()?;
            access.to_read(&path).map(Some).map_err(|why| failure(format!("{call}: {name} \"{path}\": {why}")))
        };
        match name.as_str() {
            "ca" => wish.ca = file()?,
            "cert" => wish.cert = file()?,
            "key" => wish.key = file()?,
            "client_ca" => wish.client_ca = file()?,
            "insecure" => wish.insecure = value.as_bool().map_err(|_| wrong("true or false"))?,
            "name" => wish.name = Some(text()?),
            "pin" => {
                let pin = Fingerprint::parse(&text()?).ok_or_else(|| wrong("a SHA-256: 64 hex digits"))?;
                wish.pins = vec![pin.0];
            }
            "alpn" => {
                let list = value.clone().into_typed_array::<String>().map_err(|_| wrong("an array of strings"))?;
                if list.iter().any(|name| name.is_empty() || name.len() > 255) {
                    return Err(wrong("an array of names of 1 to 255 bytes"));
                }
                wish.alpn = Some(list);
            }
            _ => {
                let known = "ca, cert, key, client_ca, insecure, name, pin, alpn";
                return Err(failure(format!("{call}: TLS has no option {name}; there are {known}")));
            }
        }
    }
    Ok(wish)
}
