//! Files that a script sends: read piece by piece while the connection has room, never as a whole.
//!
//! Owns the files of a connection in the order of the placeholders in its queue. The length of a file is fixed when the
//! script sends it: bytes appended later are not sent, and if the file has become shorter, the connection is reset, so that
//! the peer does not take a part for the whole.

use std::collections::VecDeque;
use std::io::{ErrorKind as IoKind, Read};

use crate::error::cause;
use crate::session::{ConnError, ErrorKind, FileToSend, Link, Operation};

/// Maximum bytes of one read.
const CHUNK: usize = 256 << 10;

/// The files of one connection, the first to be sent at the front.
#[derive(Debug, Default)]
pub(super) struct Files(
    #[expect(clippy::box_collection, reason = "8 bytes while there is none, not 32")] Option<Box<VecDeque<FileToSend>>>,
);

impl Files {
    /// Adds a file behind everything that is queued.
    pub(super) fn push(&mut self, link: &mut Link, file: FileToSend) {
        if link.open_placeholder() {
            self.0.get_or_insert_default().push_back(file);
        }
    }

    /// Whether there is none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Queues bytes of files while there is room. A file that has become shorter, or cannot be read, resets the connection.
    pub(super) fn feed(&mut self, link: &mut Link) {
        if let Err(message) = self.read(link) {
            self.0 = None;
            link.break_off(ConnError { kind: ErrorKind::Io, op: Operation::SendFile, message });
        }
    }

    fn read(&mut self, link: &mut Link) -> Result<(), String> {
        let Some(files) = &mut self.0 else { return Ok(()) };
        // The queue was dropped with its placeholders.
        if files.len() > link.placeholders() {
            files.clear();
        }
        while let Some(file) = files.front_mut().filter(|_| link.wants_filling()) {
            let left = file.length - file.sent;
            if left == 0 {
                files.pop_front();
                link.close_placeholder();
                continue;
            }
            let mut chunk = vec![0; usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)];
            match file.file.read(&mut chunk) {
                Ok(0) => {
                    return Err(format!("{}: it has {} bytes now, not {}", file.name, file.sent, file.length));
                }
                Ok(n) => {
                    chunk.truncate(n);
                    file.sent += n as u64;
                    link.fill(chunk);
                }
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) => return Err(format!("{}: {}", file.name, cause(&error))),
            }
        }
        if files.is_empty() {
            self.0 = None;
        }
        Ok(())
    }
}
