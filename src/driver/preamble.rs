//! `Preamble`: bytes that one connection is sent before stdin: `--send`, `--send-hex`, `--send-file`.
//!
//! Owns the files of the preamble. They are read like stdin: a pipe or a terminal is registered with the reactor, and only
//! its own connection waits for it.

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
            Some(PreambleItem::Bytes(bytes)) => self.send_bytes(link, bytes),
            Some(PreambleItem::Text(pieces)) => {
                for piece in pieces {
                    match piece {
                        Piece::Bytes(bytes) => self.send_bytes(link, bytes),
                        Piece::Text(text) => send(link, &Filtered::Text(self.with_line_ends(text)), "--send")?,
                    }
                }
            }
            Some(PreambleItem::File(path)) => {
                let file = self.file.insert(PreambleFile::open(&path, &self.text, io, self.owner)?);
                file.filter.follow(self.crlf);
            }
        }
        Ok(Progress::Queued)
    }

    fn send_bytes(&mut self, link: &mut Link, bytes: Vec<u8>) {
        self.crlf.pass(&bytes);
        link.send(bytes);
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
        Ok(Self { name, input, slot, filter: TextFilter::new(text) })
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
        send(link, &piece, &self.name)?;
        fault.map_or(Ok(progress), |fault| Err(malformed(&self.name, &fault)))
    }
}

/// Queues a filtered piece for one connection.
///
/// # Errors
/// A character that the connection's encoding cannot hold. What came before it is queued.
pub(super) fn send(link: &mut Link, piece: &Filtered, source: &str) -> Result<()> {
    match piece {
        Filtered::Bytes(bytes) => link.send_slice(bytes),
        Filtered::Text(text) => {
            let mut bytes = Vec::with_capacity(text.len());
            let result = link.view().text.encode_stream(text, &mut bytes);
            link.send(bytes);
            result.map_err(|error| Error::Text { message: format!("{source}: {error}") })?;
        }
    }
    Ok(())
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
            check(path)
                .map_err(|error| Error::Read { source_name: path.display().to_string(), cause: cause(&error) })?;
        }
    }
    Ok(())
}
