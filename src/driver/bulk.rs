//! The bulk path: where nobody looks at the bytes, stdin goes to the connection and what it receives to stdout, or to its
//! partner, within the kernel (`net::bulk`, `net::splice_pipe`).
//!
//! Owns what the kernel's answers do to readiness, counters and queues. Whether the bytes may pass is asked of the connections
//! and of stdin and stdout. Counters, timers and endings are the same as on the ordinary path, which goes on wherever the
//! kernel refuses.
//!
//! The bytes in a splice pipe were received from one connection and are queued for the other: they go before everything that is
//! queued later, whoever sends that, and come into the queue where they have to pass through this process after all.

use crate::driver::io::Io;
use crate::driver::peer::{Peer, link_error};
use crate::driver::stdin::Stdin;
use crate::driver::stdout::Stdout;
use crate::net::bulk::{FLOW, Move};
use crate::session::connection::HIGH_WATER;
use crate::session::{Direction, Operation};

/// Bytes that may wait in a splice pipe and the queue behind it: below what would stop reading from that peer, who may wait
/// for being read.
const ROOM: usize = HIGH_WATER - (64 << 10);

/// Result of one move from connection to connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is not allowed, or not possible: the bytes have to be read.
    Refused,
    /// Something was moved; the partner has it in its pipe.
    Some,
    /// Nothing goes now.
    Nothing,
}

/// Result of one move to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToStdout {
    /// It is not allowed, or not possible: the bytes have to be read.
    Refused,
    /// The turn is over, whether something moved or not.
    Done,
    /// stdout's reader has gone.
    ReaderGone,
}

/// Moves what a connection has received into the splice pipe of its partner.
pub(super) fn move_to_partner(io: &mut Io, peer: &mut Peer, to: &mut Peer) -> Moved {
    let takes = to.link.accepts_spliced() && to.preamble.is_none() && !to.refuses_moves;
    if io.observers.reads_bytes() || !takes || !peer.link.gives_chunks() || to.transport.bulk_fd().is_none() {
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
            // Both are ready and yet nothing went: a read decides.
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

/// Moves what a connection has received to stdout.
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
            // Both are ready and yet nothing went: a read decides.
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

/// Moves what stdin has to the one connection that gets it. `false`: it has to be read.
pub(super) fn move_from_stdin(io: &mut Io, stdin: &mut Stdin, peer: &mut Peer) -> bool {
    let Some(slot) = stdin.slot() else { return false };
    if io.observers.reads_bytes() || !stdin.gives_moves() || !peer.link.accepts_moves() {
        return false;
    }
    if peer.link.queued() > 0 || peer.link.placeholders() > 0 || !io.reactor.readiness(peer.slot).writable {
        // What was queued goes first. Whoever makes room wakes stdin.
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
            // Both are ready and yet nothing went: a read decides.
            return !(source && sink);
        }
        Move::Unable => return false,
        Move::Broken(error) => peer.write_failed(io, &error),
    }
    true
}
