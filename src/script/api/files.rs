//! Files and the environment: reads and appends small files in the folders a script may use, and opens files of any
//! size to be sent by the event loop.
//!
//! The only functions that do I/O. They block on the disk, so only regular files are opened. Links in a path are resolved
//! before; one created since is not followed.

use std::fs::OpenOptions;
use std::io::{Read, Write};

use rhai::{Blob, Dynamic, Engine, NativeCallContext};

use super::bytes::decode_labelled;
use super::conn::{self, Conn, reaches_peer};
use super::{Outcome, failure, octets, type_name};
use crate::endpoint::MAX_DATAGRAM;
use crate::error::cause;
use crate::script::host::Host;
use crate::script::opening;
use crate::script::paths::FileAccess;
use crate::script::trouble::about;
use crate::session::{Command, FileToSend};
use std::rc::Rc;

pub(super) fn register(engine: &mut Engine, host: &Rc<Host>, access: Rc<FileAccess>) {
    let (to, within) = (Rc::clone(host), Rc::clone(&access));
    engine.register_fn("send_file", move |conn: &mut Conn, path: &str| send(&to, &within, conn, path));
    let within = Rc::clone(&access);
    engine.register_fn("read_file", move |path: &str| read(&within, "read_file", path));
    let within = Rc::clone(&access);
    engine.register_fn("read_text", move |path: &str| -> Outcome<String> {
        decode_labelled(&read(&within, "read_text", path)?, "utf-8")
    });
    let within = Rc::clone(&access);
    engine.register_fn("read_text", move |path: &str, encoding: &str| -> Outcome<String> {
        decode_labelled(&read(&within, "read_text", path)?, encoding)
    });
    engine.register_fn("append_file", move |context: NativeCallContext<'_>, path: &str, x: Dynamic| -> Outcome<()> {
        let bytes = octets(&x)
            .ok_or_else(|| failure(format!("append_file takes a blob or a string, not {}", type_name(&context, &x))))?;
        append(&access, path, &bytes)
    });
    engine.register_fn("env", |name: &str| {
        // The standard library panics for these names.
        let possible = !name.is_empty() && !name.contains(['=', '\0']);
        let value = if possible { std::env::var_os(name) } else { None };
        value.map_or(Dynamic::UNIT, |value| value.to_string_lossy().into_owned().into())
    });
}

fn send(host: &Host, access: &FileAccess, conn: &Conn, path: &str) -> Outcome<bool> {
    let fault = |why: String| about(failure(format!("send_file(\"{path}\"): {why}")), "send_file", conn);
    if host.current_task().is_some() && !conn.view().info.can_send() {
        return Err(super::room::unsendable(conn, "send_file"));
    }
    if !reaches_peer(host, conn) {
        return Ok(false);
    }
    let file = access.to_read(path).map_err(fault)?;
    let file = opening::regular_itself(&file, OpenOptions::new().read(true)).map_err(fault)?;
    let length = file.metadata().map_err(|why| fault(cause(&why)))?.len();
    if conn.view().info.is_datagram() {
        let mut bytes = Blob::new();
        file.take(MAX_DATAGRAM as u64 + 1).read_to_end(&mut bytes).map_err(|why| fault(cause(&why)))?;
        return conn::queue(host, conn, bytes);
    }
    host.push(Command::SendFile(conn.view().id, FileToSend { name: path.to_owned(), file, length, sent: 0 }));
    Ok(true)
}

fn read(access: &FileAccess, function: &str, path: &str) -> Outcome<Blob> {
    let fault = |why: String| failure(format!("{function}(\"{path}\"): {why}"));
    let file = access.to_read(path).map_err(fault)?;
    let file = opening::regular_itself(&file, OpenOptions::new().read(true)).map_err(fault)?;
    let mut bytes = Blob::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(|why| fault(cause(&why)))?;
    if bytes.len() > MAX_FILE {
        return Err(fault(format!("larger than {} MiB, what a blob may hold", MAX_FILE >> 20)));
    }
    Ok(bytes)
}

fn append(access: &FileAccess, path: &str, bytes: &[u8]) -> Outcome<()> {
    let fault = |why: String| failure(format!("append_file(\"{path}\"): {why}"));
    if bytes.len() > MAX_FILE {
        return Err(fault(format!("more than {} MiB at once", MAX_FILE >> 20)));
    }
    let file = access.to_write(path).map_err(fault)?;
    let mut file = opening::regular_itself(&file, OpenOptions::new().append(true).create(true)).map_err(fault)?;
    file.write_all(bytes).map_err(|why| fault(cause(&why)))
}

/// Maximum bytes of one read or append.
const MAX_FILE: usize = 4 << 20;
