//! What is sent before stdin: `--send`, `--send-hex`, `--send-file`; and how text on its way out is filtered.
//!
//! Owns the files of the preamble. They are read like stdin: a pipe or a terminal is watched, and nobody waits for it
//! but its connection.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use mio::Interest;
use rustix::fs::{Access, access};

use crate::codec::charset::{DecodeError, Decoder};
use crate::codec::newline::Crlf;
use crate::config::{Charset, Config, Malformed, Piece, PreambleItem, Text, Unencodable};
use crate::driver::peers::Peer;
use crate::driver::stdin::MARK;
use crate::driver::{Driver, Source};
use crate::error::{Error, Result, cause};
use crate::net::reactor::{Io, Reactor, Readiness, Slot};
use crate::net::stdio::Input;
use crate::session::eof_policy::InputKind;
use crate::session::{CloseReason, Connection};

/// A file of the preamble is read in pieces of this size.
const FILE_CHUNK: usize = 64 << 10;

/// From what people type to what the wire's encoder wants.
#[derive(Debug)]
pub(super) struct Filter {
    crlf: Option<Crlf>,
    decoder: Option<Decoder>,
}

/// A piece of stdin or of a file, filtered.
pub(super) enum Filtered {
    Bytes(Vec<u8>),
    Text(String),
}

impl Filter {
    pub(super) fn new(text: &Text) -> Self {
        // What is no UTF-8 has no character to encode; `?` stands for it where that was asked for.
        let malformed = match text.unencodable {
            Unencodable::Fail => Malformed::Fail,
            Unencodable::Replace => Malformed::Replace,
        };
        let utf8 = Charset::Named(encoding_rs::UTF_8);
        Self { crlf: text.crlf.then(Crlf::default), decoder: text.send.map(|_| Decoder::new(utf8, malformed)) }
    }

    /// Goes on where another source has ended: a CR and the LF of the next are one line end.
    fn follow(&mut self, crlf: Crlf) {
        self.crlf = self.crlf.map(|_| crlf);
    }

    /// Whether bytes pass unchanged.
    pub(super) fn is_open(&self) -> bool {
        self.crlf.is_none() && self.decoder.is_none()
    }

    /// Filters a piece. What comes before something malformed is in the result, with the error beside it.
    pub(super) fn push(&mut self, bytes: &[u8]) -> (Filtered, Option<DecodeError>) {
        let bytes = match &mut self.crlf {
            Some(crlf) => {
                let mut out = Vec::with_capacity(bytes.len() + 64);
                crlf.convert(bytes, &mut out);
                out
            }
            None => bytes.to_vec(),
        };
        let Some(decoder) = &mut self.decoder else { return (Filtered::Bytes(bytes), None) };
        let mut text = String::with_capacity(bytes.len());
        let result = decoder.decode(&bytes, &mut text);
        (Filtered::Text(text), result.err())
    }

    /// What a character cut by the end becomes.
    pub(super) fn finish(&mut self) -> (Filtered, Option<DecodeError>) {
        let mut text = String::new();
        let result = self.decoder.as_mut().map_or(Ok(()), |decoder| decoder.finish(&mut text));
        (Filtered::Text(text), result.err())
    }
}

pub(super) fn malformed(source: &str, error: &DecodeError) -> Error {
    Error::Text { message: format!("{source} has to be UTF-8 when an encoding is given: {error}") }
}

/// Queues a filtered piece for one connection.
pub(super) fn send(conn: &mut Connection, piece: &Filtered, source: &str) -> Result<()> {
    match piece {
        Filtered::Bytes(bytes) => conn.send_slice(bytes),
        Filtered::Text(text) => {
            let mut bytes = Vec::with_capacity(text.len());
            let result = conn.view().encode_stream(text, &mut bytes);
            conn.send(bytes);
            result.map_err(|error| Error::Text { message: format!("{source}: {error}") })?;
        }
    }
    Ok(())
}

/// What one connection is still to be sent before stdin.
pub(super) struct Preamble {
    items: VecDeque<PreambleItem>,
    file: Option<PreambleFile>,
    text: Text,
    /// The line ends of all of it.
    crlf: Crlf,
}

/// A file that is being sent. One that is a pipe or a terminal is watched.
struct PreambleFile {
    name: String,
    input: Input,
    slot: Option<Slot>,
    filter: Filter,
}

/// What came of a step.
enum Step {
    /// Something was queued, or nothing was to be.
    Queued,
    /// A file was opened that is watched.
    Opened(Slot),
    /// A pipe has nothing now.
    Waits,
    /// A file was sent; the slot of one that was watched is free.
    Closed(Option<Slot>),
    /// Everything was queued.
    Done,
}

impl PreambleFile {
    fn open<M>(path: &Path, text: &Text, reactor: &mut Reactor<M>) -> Result<Self> {
        let name = path.display().to_string();
        let failed = |error| Error::Read { source_name: name.clone(), cause: cause(&error) };
        let mut input = Input::file(path).map_err(failed)?;
        let slot = input.source().map(|source| reactor.register(source, Interest::READABLE));
        let slot = slot.transpose().map_err(failed)?;
        Ok(Self { name, input, slot, filter: Filter::new(text) })
    }

    /// Queues what one read gives.
    fn step<M>(&mut self, conn: &mut Connection, reactor: &mut Reactor<M>) -> Result<Step> {
        let mut always = Readiness::default();
        always.readable = true;
        let readiness = self.slot.map_or(&mut always, |slot| reactor.readiness(slot));
        if !readiness.readable {
            return Ok(Step::Waits);
        }
        let mut chunk = vec![0; FILE_CHUNK];
        let (n, step) = match readiness.read(&mut chunk, |buffer| self.input.read(buffer)) {
            Io::Moved(n) => {
                readiness.readable |= self.input.kind() != InputKind::Pipe;
                (n, Step::Queued)
            }
            Io::Blocked => return Ok(Step::Waits),
            Io::Ended => (0, Step::Done),
            Io::Failed(error) => {
                return Err(Error::Read { source_name: self.name.clone(), cause: cause(&error) });
            }
        };
        let (piece, fault) = if n == 0 { self.filter.finish() } else { self.filter.push(&chunk[..n]) };
        send(conn, &piece, &self.name)?;
        fault.map_or(Ok(step), |fault| Err(malformed(&self.name, &fault)))
    }
}

impl Preamble {
    /// The preamble of a new connection, if there is one.
    pub(super) fn new(config: &Config) -> Option<Box<Self>> {
        let items = VecDeque::from(config.preamble.clone());
        (!items.is_empty()).then(|| Box::new(Self { items, file: None, text: config.text, crlf: Crlf::default() }))
    }

    /// Whether it waits for a pipe.
    pub(super) fn is_waiting<M>(&self, reactor: &mut Reactor<M>) -> bool {
        self.file.as_ref().and_then(|file| file.slot).is_some_and(|slot| !reactor.readiness(slot).readable)
    }

    /// Queues the next piece.
    fn step<M>(&mut self, conn: &mut Connection, reactor: &mut Reactor<M>) -> Result<Step> {
        if let Some(file) = &mut self.file {
            return match file.step(conn, reactor)? {
                Step::Done => Ok(Step::Closed(self.close_file(reactor))),
                step => Ok(step),
            };
        }
        match self.items.pop_front() {
            None => return Ok(Step::Done),
            Some(PreambleItem::Bytes(bytes)) => self.send_bytes(conn, bytes),
            Some(PreambleItem::Text(pieces)) => {
                for piece in pieces {
                    match piece {
                        Piece::Bytes(bytes) => self.send_bytes(conn, bytes),
                        Piece::Text(text) => send(conn, &Filtered::Text(self.with_line_ends(text)), "--send")?,
                    }
                }
            }
            Some(PreambleItem::File(path)) => {
                let file = self.file.insert(PreambleFile::open(&path, &self.text, reactor)?);
                file.filter.follow(self.crlf);
                return Ok(file.slot.map_or(Step::Queued, Step::Opened));
            }
        }
        Ok(Step::Queued)
    }

    /// Lets go of the file that is being sent; gives the slot it had.
    fn close_file<M>(&mut self, reactor: &mut Reactor<M>) -> Option<Slot> {
        let mut file = self.file.take()?;
        self.crlf = file.filter.crlf.unwrap_or_default();
        let (slot, source) = (file.slot?, file.input.source()?);
        reactor.deregister(slot, source);
        Some(slot)
    }

    fn send_bytes(&mut self, conn: &mut Connection, bytes: Vec<u8>) {
        self.crlf.pass(&bytes);
        conn.send(bytes);
    }

    fn with_line_ends(&mut self, text: String) -> String {
        if self.text.crlf { self.crlf.convert_text(&text) } else { text }
    }
}

impl Driver {
    /// Queues what comes before stdin, as far as there is room.
    pub(super) fn feed_preamble(&mut self, peer: &mut Peer) {
        while let Some(preamble) = &mut peer.preamble {
            if peer.conn.queued() >= MARK {
                return;
            }
            let sends = peer.conn.can_send();
            let step = if sends { preamble.step(&mut peer.conn, &mut self.io.reactor) } else { Ok(Step::Done) };
            match step {
                Ok(Step::Queued) => {}
                Ok(Step::Closed(slot)) => slot.into_iter().for_each(|slot| drop(self.take(slot))),
                Ok(Step::Opened(slot)) => self.place(slot, Source::Preamble(peer.slot)),
                Ok(Step::Waits) => return,
                Ok(Step::Done) => {
                    if !self.stdin.shared {
                        self.stdin.filter.follow(preamble.crlf);
                    }
                    self.drop_preamble(peer);
                    if peer.close_when_fed && self.stdin.kind().is_none() {
                        peer.conn.close(CloseReason::Eof);
                    }
                    self.wake_stdin();
                }
                Err(error) => {
                    self.drop_preamble(peer);
                    self.source_failed(&error);
                }
            }
        }
    }

    /// Nothing more is sent before stdin.
    pub(super) fn drop_preamble(&mut self, peer: &mut Peer) {
        if let Some(mut preamble) = peer.preamble.take()
            && let Some(slot) = preamble.close_file(&mut self.io.reactor)
        {
            self.take(slot);
        }
    }
}

/// Checks that every file of the preamble can be opened, before anything else is. A pipe is not opened: its writer
/// would lose its reader.
pub(super) fn check_files(config: &Config) -> Result<()> {
    let check = |path: &Path| {
        let kind = path.metadata()?.file_type();
        if kind.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        if kind.is_fifo() { Ok(access(path, Access::READ_OK)?) } else { File::open(path).map(drop) }
    };
    for item in &config.preamble {
        if let PreambleItem::File(path) = item {
            check(path)
                .map_err(|error| Error::Read { source_name: path.display().to_string(), cause: cause(&error) })?;
        }
    }
    Ok(())
}
