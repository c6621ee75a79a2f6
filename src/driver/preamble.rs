//! `Preamble`: bytes that one connection is sent before stdin: `--send`, `--send-hex`, `--send-file`.
//!
//! Owns the files of the preamble. They are read like stdin: a pipe or a terminal is registered with the reactor, and only
//! its own connection waits for it. To a peer of datagrams each item is one datagram, a file as a whole.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use mio::Interest;
use rustix::fs::{Access, access};

use crate::codec::charset::DecodeError;
use crate::codec::newline::Crlf;
use crate::codec::typed::{Filtered, TextFilter};
use crate::config::{Config, Piece, PreambleItem, Text};
use crate::driver::io::Io;
use crate::endpoint::MAX_DATAGRAM;
use crate::error::{Error, Result, cause};
use crate::net::reactor::{Io as Step, Readiness, Slot};
use crate::net::stdio::Input;
use crate::session::Link;
use crate::session::eof_policy::InputKind;

/// Queued bytes of the connection at which reading files stops.
const MARK: usize = 256 << 10;
/// Maximum bytes of one read of a file.
const FILE_CHUNK: usize = 64 << 10;

/// The items that one connection is still to be sent.
pub(super) struct Preamble {
    /// The connection's slot.
    owner: Slot,
    items: VecDeque<PreambleItem>,
    file: Option<PreambleFile>,
    text: Text,
    /// State of the line end conversion, carried from one item to the next.
    crlf: Crlf,
}

/// The file that is being sent. A pipe or a terminal has a slot.
struct PreambleFile {
    name: String,
    input: Input,
    slot: Option<Slot>,
    filter: TextFilter,
    /// What was read of a file that is one datagram.
    datagram: Vec<u8>,
}

/// Result of [`Preamble::feed`].
pub(super) enum Fed {
    /// More is to be sent when there is room, or when a pipe has data.
    Pending,
    /// Everything was queued; with the state of the line end conversion.
    Done(Crlf),
}

/// Result of one step.
enum Progress {
    Queued,
    Waiting,
    Ended,
}

impl Preamble {
    /// The preamble of a new connection; `None` if it is empty.
    pub(super) fn new(config: &Config, owner: Slot) -> Option<Box<Self>> {
        let items = VecDeque::from(config.preamble.clone());
        let preamble = Self { owner, items, file: None, text: config.text, crlf: Crlf::default() };
        (!preamble.items.is_empty()).then(|| Box::new(preamble))
    }

    /// Whether it waits for data of a pipe.
    pub(super) fn is_waiting(&self, io: &mut Io) -> bool {
        self.file.as_ref().and_then(|file| file.slot).is_some_and(|slot| !io.reactor.readiness(slot).readable)
    }

    /// Queues items while there is room.
    ///
    /// # Errors
    /// A file cannot be read, or its text cannot be encoded. What came before is queued.
    pub(super) fn feed(&mut self, io: &mut Io, link: &mut Link) -> Result<Fed> {
        while link.can_send() {
            if link.queued() >= MARK {
                return Ok(Fed::Pending);
            }
            match self.step(io, link)? {
                Progress::Queued => {}
                Progress::Waiting => return Ok(Fed::Pending),
                Progress::Ended => break,
            }
        }
        Ok(Fed::Done(self.crlf))
    }

    /// Closes the file that is being sent.
    pub(super) fn close(&mut self, io: &mut Io) {
        let Some(mut file) = self.file.take() else { return };
        self.crlf = file.filter.line_ends();
        if let (Some(slot), Some(source)) = (file.slot, file.input.source()) {
            io.deregister(slot, source);
        }
    }

    fn step(&mut self, io: &mut Io, link: &mut Link) -> Result<Progress> {
        if let Some(file) = &mut self.file {
            return match file.step(io, link)? {
                Progress::Ended => {
                    self.close(io);
                    Ok(Progress::Queued)
                }
                progress => Ok(progress),
            };
        }
        match self.items.pop_front() {
            None => return Ok(Progress::Ended),
            Some(PreambleItem::Bytes(bytes)) => {
                self.crlf.pass(&bytes);
                send_item(link, bytes, Ok(()), "--send-hex")?;
            }
            Some(PreambleItem::Text(pieces)) => self.send_text(link, pieces)?,
            Some(PreambleItem::File(path)) => {
                let file = self.file.insert(PreambleFile::open(&path, &self.text, io, self.owner)?);
                file.filter.follow(self.crlf);
            }
        }
        Ok(Progress::Queued)
    }

    fn send_text(&mut self, link: &mut Link, pieces: Vec<Piece>) -> Result<()> {
        let mut bytes = Vec::new();
        let mut result = Ok(());
        for piece in pieces {
            match piece {
                Piece::Bytes(raw) => {
                    self.crlf.pass(&raw);
                    bytes.extend(raw);
                }
                Piece::Text(text) => {
                    result = encode(link, &self.with_line_ends(text), &mut bytes, "--send");
                    if result.is_err() {
                        break;
                    }
                }
            }
        }
        send_item(link, bytes, result, "--send")
    }

    fn with_line_ends(&mut self, text: String) -> String {
        if self.text.crlf { self.crlf.convert_text(&text) } else { text }
    }
}

impl PreambleFile {
    fn open(path: &Path, text: &Text, io: &mut Io, owner: Slot) -> Result<Self> {
        let name = path.display().to_string();
        let failed = |error| Error::Read { source_name: name.clone(), cause: cause(&error) };
        let mut input = Input::file(path).map_err(failed)?;
        let slot = match input.source() {
            Some(source) => Some(io.register(source, Interest::READABLE, Io::preamble_of(owner)).map_err(failed)?),
            None => None,
        };
        Ok(Self { name, input, slot, filter: TextFilter::new(text), datagram: Vec::new() })
    }

    /// Reads once and queues the result.
    fn step(&mut self, io: &mut Io, link: &mut Link) -> Result<Progress> {
        let mut always = Readiness::default();
        always.readable = true;
        let readiness = self.slot.map_or(&mut always, |slot| io.reactor.readiness(slot));
        if !readiness.readable {
            return Ok(Progress::Waiting);
        }
        let mut chunk = vec![0; FILE_CHUNK];
        let (n, progress) = match readiness.read(&mut chunk, |buffer| self.input.read(buffer)) {
            Step::Moved(n) => {
                readiness.readable |= self.input.kind() != InputKind::Pipe;
                (n, Progress::Queued)
            }
            Step::Blocked => return Ok(Progress::Waiting),
            Step::Ended => (0, Progress::Ended),
            Step::Failed(error) => {
                return Err(Error::Read { source_name: self.name.clone(), cause: cause(&error) });
            }
        };
        let (piece, fault) = if n == 0 { self.filter.finish() } else { self.filter.push(&chunk[..n]) };
        if link.is_datagram() {
            self.gather(link, &piece, n == 0 && fault.is_none())?;
        } else {
            send(link, &piece, &self.name)?;
        }
        fault.map_or(Ok(progress), |fault| Err(malformed(&self.name, &fault)))
    }

    /// Adds a piece to the one datagram that the file is, and sends that at its end.
    fn gather(&mut self, link: &mut Link, piece: &Filtered, is_last: bool) -> Result<()> {
        match piece {
            Filtered::Bytes(bytes) => self.datagram.extend(bytes),
            Filtered::Text(text) => encode(link, text, &mut self.datagram, &self.name)?,
        }
        if self.datagram.len() > MAX_DATAGRAM {
            return Err(Error::Read { source_name: self.name.clone(), cause: too_long(None) });
        }
        if is_last {
            link.send(std::mem::take(&mut self.datagram));
        }
        Ok(())
    }
}

/// Queues an item of the command line: of what cannot be sent as a whole, a stream gets what came before the fault.
fn send_item(link: &mut Link, bytes: Vec<u8>, result: Result<()>, option: &str) -> Result<()> {
    if link.is_datagram() {
        result?;
        if bytes.len() > MAX_DATAGRAM {
            return Err(Error::usage(format!("{option}: {}", too_long(Some(bytes.len())))));
        }
        link.send(bytes);
        return Ok(());
    }
    link.send(bytes);
    result
}

/// Queues a filtered piece for one connection: as one datagram, or several if it does not fit into one.
///
/// # Errors
/// A character that the connection's encoding cannot hold. What came before it is queued.
pub(super) fn send(link: &mut Link, piece: &Filtered, source: &str) -> Result<()> {
    match piece {
        Filtered::Bytes(bytes) if bytes.is_empty() => Ok(()),
        Filtered::Bytes(bytes) => {
            link.send_slice(bytes);
            Ok(())
        }
        Filtered::Text(text) => {
            let mut bytes = Vec::with_capacity(text.len());
            let result = encode(link, text, &mut bytes, source);
            match text.len() / 2 {
                half if bytes.len() > MAX_DATAGRAM && link.is_datagram() => {
                    // No character is cut.
                    let middle = (half..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
                    let (one, other) = text.split_at(middle);
                    send(link, &Filtered::Text(one.to_owned()), source)?;
                    return send(link, &Filtered::Text(other.to_owned()), source);
                }
                _ if bytes.is_empty() => {}
                _ => link.send(bytes),
            }
            result
        }
    }
}

/// Appends text in the encoding of the connection. A datagram returns to the state in which the next one begins.
fn encode(link: &Link, text: &str, bytes: &mut Vec<u8>, source: &str) -> Result<()> {
    let encoder = &link.view().text;
    let result = encoder.encode_stream(text, bytes);
    if link.is_datagram() {
        encoder.finish_encoding(bytes);
    }
    result.map_err(|error| Error::Text { message: format!("{source}: {error}") })
}

fn too_long(length: Option<usize>) -> String {
    let length = length.map_or_else(|| "its contents".to_owned(), |length| format!("{length} bytes"));
    format!("{length} do not fit into one datagram: {MAX_DATAGRAM} bytes are the most")
}

/// The error for text of stdin or of a file that is not UTF-8.
pub(super) fn malformed(source: &str, error: &DecodeError) -> Error {
    Error::Text { message: format!("{source} has to be UTF-8 when an encoding is given: {error}") }
}

/// Checks that every file of the preamble can be opened. A pipe is only checked for access: opening and closing it would
/// end its writer with SIGPIPE.
///
/// # Errors
/// The first file that cannot be read.
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
            let failed = |cause| Error::Read { source_name: path.display().to_string(), cause };
            check(path).map_err(|error| failed(cause(&error)))?;
            let length = path.metadata().map_or(0, |found| found.len());
            if config.is_datagram() && length > MAX_DATAGRAM as u64 {
                return Err(failed(too_long(usize::try_from(length).ok())));
            }
        }
    }
    Ok(())
}
