//! `Command`: what a handler asks for.
//!
//! Owns the vocabulary alone; whoever owns the sockets carries the commands out.

use std::fs::File;
use std::rc::Rc;
use std::time::Duration;

use crate::config::tls::TlsWish;
use crate::endpoint::Endpoint;
use crate::layer::Direction;
use crate::layer::toxics::Toxic;
use crate::proxy::Proxy;
use crate::session::{ChosenForm, ConnId, ConnView, ListenerId};

/// What to do. Commands are carried out in the order they were given.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a connection.
    Connect(ConnectRequest),
    /// A listener that accepts on demand takes so many clients more; `None`: every one from now on.
    Accept(ListenerId, Option<usize>),
    /// Close a listener that a handler opened.
    CloseListener(ListenerId),
    /// What one of two connections receives is sent to the other, both ways.
    Pipe(ConnId, ConnId),
    /// Queue bytes for a connection.
    Send(ConnId, Vec<u8>),
    /// Send a file after what is queued.
    SendFile(ConnId, FileToSend),
    /// FIN once everything queued is sent; reading goes on.
    Shutdown(ConnId),
    /// Flush, FIN, then let go. No data event follows.
    Close(ConnId),
    /// RST now; what is queued is dropped.
    Reset(ConnId),
    /// The handler holds less of a connection than before ([`Handler::holds`](crate::session::Handler::holds)): an end that
    /// waits for it may be due.
    Unhold(ConnId),
    /// Something was sent on a connection that reaches nobody any more; told once for each.
    SentToNobody(ConnId, String),
    /// Speak TLS from here on: what is queued goes out in the clear.
    StartTls(ConnId, Box<TlsWish>),
    /// The clients of a listener that a handler opened speak TLS from their start.
    SecureListener(ListenerId, Box<TlsWish>),
    /// `TCP_NODELAY` on or off.
    SetNodelay(ConnId, bool),
    /// The idle limit in the connection's view was changed.
    SetIdle(ConnId),
    /// The limit for the silence of the peer in the connection's view was changed.
    SetPeerIdle(ConnId),
    /// Change the form of received bytes, from the next byte that was not delivered; `None`: as the handler asks for.
    SetForm(ConnId, Option<ChosenForm>),
    /// Answers [`Event::Measure`]: the next frame has this length; 0: more bytes are needed.
    Cut(ConnId, usize),
    /// Answers [`Event::Found`]: the handler has dealt with so many bytes.
    Skip(ConnId, usize),
    /// Stop reading, and deliver nothing that was received.
    Pause(ConnId),
    /// Go on reading and delivering.
    Resume(ConnId),
    /// What a connection receives or sends passes through a toxic from now on.
    AddToxic {
        /// The connection.
        id: ConnId,
        /// What passes through it.
        direction: Direction,
        /// The fault.
        toxic: Toxic,
        /// What its chance comes from.
        seed: u64,
    },
    /// Removes the toxics of that name, or all, in both directions; what they hold goes on at once.
    Heal(ConnId, Option<&'static str>),
    /// The handler waits for a line of stdin, or does so no more. It comes as an event of the run.
    AskStdin(bool),
    /// Stdin goes to this connection alone until [`Command::LeaveStdin`]; its end is the end of what we send.
    JoinStdin(ConnId),
    /// The peer of the connection that stdin goes to has ended its stream: stdin is taken from it by the rules of the
    /// peer's end, and then [`RunEvent::StdinLeft`](crate::session::RunEvent::StdinLeft) tells so.
    FinishStdin,
    /// Stdin goes to no connection any more.
    LeaveStdin,
    /// Text for stdout, line end included.
    Print(String),
    /// Bytes for stdout as they are.
    Write(Vec<u8>),
    /// A line for stderr; the connection's label stands before it.
    Log(Option<ConnId>, String),
    /// Bytes of a connection for stdout, or for its file.
    Output(ConnId, Vec<u8>),
    /// The run has its answer, and stops in order.
    Verdict(Verdict),
}

/// A connection a handler wants to be made. Its view exists already, so that it can be sent to at once.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    /// The connection that will be.
    pub view: Rc<ConnView>,
    /// Where to.
    pub target: Endpoint,
    /// How long resolving and connecting may take together.
    pub timeout: Option<Duration>,
    /// It speaks TLS from its start.
    pub tls: Option<Box<TlsWish>>,
    /// The proxies on the way, in the order of travel; `None`: those of the run.
    pub proxies: Option<Vec<Proxy>>,
}

impl PartialEq for ConnectRequest {
    fn eq(&self, other: &Self) -> bool {
        self.view.id == other.view.id
    }
}

impl Eq for ConnectRequest {}

/// A file that a handler wants to be sent; whoever carries the command out reads it.
#[derive(Debug)]
pub struct FileToSend {
    /// What messages call it.
    pub name: String,
    /// The file, open.
    pub file: File,
    /// How many bytes of it are to be sent.
    pub length: u64,
    /// How many were read.
    pub sent: u64,
}

impl PartialEq for FileToSend {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.length, self.sent) == (&other.name, other.length, other.sent)
    }
}

impl Eq for FileToSend {}

/// The answer of a run that was a question. The first one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: exit code 0.
    Passed,
    /// No: exit code 1.
    Failed {
        /// What was found, or not found, in one line.
        message: String,
    },
    /// The peer ended before it was known: exit code 18.
    CutShort {
        /// What is missing, in one line.
        message: String,
    },
}
