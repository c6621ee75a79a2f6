//! The bulk path: bytes that nobody looks at are moved within the kernel (`net::bulk`, `net::splice_pipe`): from stdin to the
//! connection, from a connection to stdout or to its partner.
//!
//! Owns the effect of the kernel's results on readiness, counters and queues. Connections, stdin and stdout say whether their
//! bytes may be moved. Counters, timers and endings are the same as on the ordinary path, which is used wherever the kernel
//! refuses.
//!
//! The bytes in a splice pipe were received from one connection and are queued for the other. They are sent before everything
//! that is queued later, and are put into the queue if they have to pass through the process after all.

use crate::driver::io::Io;
use crate::driver::peer::{Peer, link_error};
use crate::driver::stdin::Stdin;
use crate::driver::stdout::Stdout;
use crate::net::bulk::{FLOW, Move};
use crate::session::connection::HIGH_WATER;
use crate::session::{Direction, Operation};

/// Maximum bytes in a splice pipe and the queue behind it. Below `HIGH_WATER`, at which reading from that peer stops: a peer
/// that waits to be read would never make room.
const ROOM: usize = HIGH_WATER - (64 << 10);

/// Result of one move from connection to connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Not allowed or not possible: the bytes have to be read.
    Refused,
    /// Bytes were moved into the splice pipe of the partner.
    Some,
    /// Nothing can be moved now.
    Nothing,
}

/// Result of one move to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToStdout {
    /// Not allowed or not possible: the bytes have to be read.
    Refused,
    /// The turn is over, whether something moved or not.
    Done,
    /// stdout's reader has gone.
    ReaderGone,
}

/// Moves received bytes of a connection into the splice pipe of its partner.
pub(super) fn move_to_partner(io: &mut Io, peer: &mut Peer, to: &mut Peer) -> Moved {
    let takes = to.link.accepts_spliced() && to.preamble.is_none() && !to.refuses_moves;
    let changes = io.observers.reads_bytes() || peer.crlf.is_some();
    if changes || !takes || !peer.link.gives_chunks() || to.transport.bulk_fd().is_none() {
        return Moved::Refused;
    }
    let Some(socket) = peer.transport.bulk_fd() else { return Moved::Refused };
    if to.pipe.is_none() {
        to.pipe = io.splice_pool.take().map(Box::new);
    }
    let Some(pipe) = &mut to.pipe else { return Moved::Refused };
    let step = pipe.fill(socket, ROOM.saturating_sub(to.link.queued()));
    if pipe.held() == 0
        && let Some(pipe) = to.absorb()
    {
        io.splice_pool.give_back(*pipe);
    }
    match step {
        Move::Moved(n) => {
            to.link.send_spliced(n);
            io.notify_moved(peer.link.view(), Direction::In, n);
            peer.link.note_received(io.now, n);
            peer.flows = n >= FLOW;
            return Moved::Some;
        }
        Move::Blocked { source, sink } => {
            io.reactor.readiness(peer.slot).readable = source;
            // Nothing was moved although both ends are ready: fall back to reading.
            peer.flows = !(source && sink);
        }
        Move::Unable => {
            peer.flows = false;
            return Moved::Refused;
        }
        Move::Broken(error) => peer.link.handle_read_error(io.now, link_error(Operation::Read, &error)),
    }
    Moved::Nothing
}

/// Moves received bytes of a connection to stdout.
pub(super) fn move_to_stdout(io: &mut Io, peer: &mut Peer, stdout: &mut Stdout) -> ToStdout {
    if io.observers.reads_bytes() || peer.partner.is_some() || !peer.link.passes_through() || !stdout.takes_moves() {
        return ToStdout::Refused;
    }
    let Some(socket) = peer.transport.bulk_fd() else { return ToStdout::Refused };
    match stdout.move_from(io, socket) {
        Move::Moved(n) => {
            peer.flows = n >= FLOW;
            io.notify_moved(peer.link.view(), Direction::In, n);
            peer.link.note_received(io.now, n);
        }
        Move::Blocked { source, sink } => {
            io.reactor.readiness(peer.slot).readable = source;
            // Nothing was moved although both ends are ready: fall back to reading.
            peer.flows = !(source && sink);
        }
        Move::Unable => {
            peer.flows = false;
            return ToStdout::Refused;
        }
        Move::Broken(_) if stdout.has_no_reader() => return ToStdout::ReaderGone,
        Move::Broken(error) => peer.link.handle_read_error(io.now, link_error(Operation::Read, &error)),
    }
    ToStdout::Done
}

/// Moves bytes of stdin to the one connection that receives it. Returns false if they have to be read.
pub(super) fn move_from_stdin(io: &mut Io, stdin: &mut Stdin, peer: &mut Peer) -> bool {
    let Some(slot) = stdin.slot() else { return false };
    if io.observers.reads_bytes() || !stdin.gives_moves() || !peer.link.accepts_moves() {
        return false;
    }
    if peer.link.queued() > 0 || peer.link.placeholders() > 0 || !io.reactor.readiness(peer.slot).writable {
        // Queued bytes are sent first. Stdin is woken when there is room.
        return true;
    }
    let (Some(input), Some(socket)) = (stdin.input_mut(), peer.transport.bulk_fd()) else { return false };
    match input.move_to(socket) {
        Move::Moved(n) => {
            io.notify_moved(peer.link.view(), Direction::Out, n);
            peer.link.note_sent(io.now, n);
            stdin.note_read(io.now);
            io.reactor.wake(slot);
        }
        Move::Blocked { source, sink } => {
            io.reactor.readiness(slot).readable = source;
            io.reactor.readiness(peer.slot).writable = sink;
            // Nothing was moved although both ends are ready: fall back to reading.
            return !(source && sink);
        }
        Move::Unable => return false,
        Move::Broken(error) => peer.write_failed(io, &error),
    }
    true
}
