//! The end-of-stream rules of netcat mode as a table: what the end of stdin and the end of the peer's stream
//! mean, by role and options. Pure; the driver asks and acts.
//!
//! | event | connect | listen (one peer) | listen -k |
//! |---|---|---|---|
//! | stdin ends | FIN | FIN, but not when it was empty | nothing |
//! | peer ends, stdin a file | rest is sent, close | same | close |
//! | peer ends, stdin a pipe | sent until quiet for 500 ms, close | same | close |
//! | peer ends, stdin a terminal, ended or unread | close | same | close |
//!
//! When stdout's reader has gone, what stdin still has is sent by the rules of the peer's end, and then the run ends.
//!
//! Datagrams have no FIN. A client of datagrams ends its side with stdin, and awaits answers for a while; a listener goes on.
//!
//! FIN and close wait for a handler that still holds the connection (`holds`).
//! With `--reconnect` nothing of a pipe goes to a peer that has ended: it is for the next.
//! `--half-open` keeps the connection until stdin has ended; `--no-shutdown` sends no FIN for stdin's end; `--send-only`
//! always sends one, and the peer's end never ends it.

use std::time::Duration;

use crate::config::{Config, Role};

/// How long a pipe may be silent, after the peer's end, before nobody waits for it any more.
pub const QUIET: Duration = Duration::from_millis(500);

/// What stdin is; it decides whether to wait for it when the peer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A file or device that always has an answer: data or its end.
    File,
    /// A pipe or socket: more may come at any time.
    Pipe,
    /// A person.
    Terminal,
}

/// What the end of stdin does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterInput {
    /// FIN, once everything queued is sent.
    Fin,
    /// Nothing: the connection ends otherwise.
    Keep,
}

/// What the peer's FIN does to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterEof {
    /// Flush and close.
    Close,
    /// Send what stdin still has, to its end; then close.
    SendRest,
    /// Send what stdin still has until it was silent for this long; then close.
    SendUntilQuiet(Duration),
    /// Go on until stdin ends.
    Keep,
}

/// The rules of one run.
#[derive(Clone, Copy, Debug)]
pub struct EofPolicy {
    listening: bool,
    many_peers: bool,
    half_open: bool,
    no_shutdown: bool,
    send_only: bool,
    datagrams: bool,
    reconnects: bool,
}

impl EofPolicy {
    /// The rules for a configuration.
    pub fn new(config: &Config) -> Self {
        let (listening, many_peers) = match &config.role {
            Role::Connect(_) | Role::Run | Role::Scan(_) => (false, false),
            Role::Listen(listen) => (true, !listen.single_peer),
        };
        Self {
            listening,
            many_peers,
            half_open: config.input.half_open,
            no_shutdown: config.input.no_shutdown,
            send_only: config.input.discard_received,
            datagrams: config.is_datagram(),
            reconnects: config.reconnects(),
        }
    }

    /// The rules for one connection that alone receives stdin. `is_accepted`: it was accepted, not made.
    pub fn of_one_peer(self, is_accepted: bool) -> Self {
        Self { listening: is_accepted, many_peers: false, ..self }
    }

    /// stdin has ended, after `sent_any` bytes or none.
    pub fn at_input_end(self, sent_any: bool) -> AfterInput {
        if self.send_only {
            return AfterInput::Fin;
        }
        let empty = self.listening && (!sent_any || self.datagrams);
        if self.many_peers || self.no_shutdown || empty { AfterInput::Keep } else { AfterInput::Fin }
    }

    /// The peer has ended its stream; `input` is stdin if it is read and has not ended.
    pub fn at_peer_eof(self, input: Option<InputKind>) -> AfterEof {
        match input {
            Some(_) if self.half_open || self.send_only => AfterEof::Keep,
            Some(_) if self.many_peers => AfterEof::Close,
            Some(InputKind::Pipe) if self.reconnects => AfterEof::Close,
            None | Some(InputKind::Terminal) => AfterEof::Close,
            Some(InputKind::File) => AfterEof::SendRest,
            Some(InputKind::Pipe) => AfterEof::SendUntilQuiet(QUIET),
        }
    }

    /// The reader of stdout has gone; `input` is stdin if it is read and has not ended.
    pub fn at_reader_gone(self, input: Option<InputKind>) -> AfterEof {
        match input {
            None | Some(InputKind::Terminal) => AfterEof::Close,
            Some(InputKind::File) => AfterEof::SendRest,
            Some(InputKind::Pipe) if self.half_open => AfterEof::Keep,
            Some(InputKind::Pipe) => AfterEof::SendUntilQuiet(QUIET),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: EofPolicy = EofPolicy {
        listening: false,
        many_peers: false,
        half_open: false,
        no_shutdown: false,
        send_only: false,
        datagrams: false,
        reconnects: false,
    };
    const LISTEN: EofPolicy = EofPolicy { listening: true, ..CONNECT };
    const KEEP_OPEN: EofPolicy = EofPolicy { many_peers: true, ..LISTEN };

    #[test]
    fn the_end_of_stdin() {
        use AfterInput::{Fin, Keep};
        let table = [
            ("connect, something sent", CONNECT, true, Fin),
            ("connect, empty stdin", CONNECT, false, Fin),
            ("listen, something sent", LISTEN, true, Fin),
            ("listen, empty stdin", LISTEN, false, Keep),
            ("listen -k", KEEP_OPEN, true, Keep),
            ("connect -u", EofPolicy { datagrams: true, ..CONNECT }, true, Fin),
            ("listen -u", EofPolicy { datagrams: true, ..LISTEN }, true, Keep),
            ("--no-shutdown", EofPolicy { no_shutdown: true, ..CONNECT }, true, Keep),
            ("--send-only, empty stdin", EofPolicy { send_only: true, ..LISTEN }, false, Fin),
        ];
        for (case, rules, sent_any, expected) in table {
            assert_eq!(rules.at_input_end(sent_any), expected, "{case}");
        }
    }

    #[test]
    fn one_of_many_peers_has_the_rules_of_one() {
        for (accepted, empty) in [(true, AfterInput::Keep), (false, AfterInput::Fin)] {
            let rules = KEEP_OPEN.of_one_peer(accepted);
            assert_eq!((rules.at_input_end(true), rules.at_input_end(false)), (AfterInput::Fin, empty));
            assert_eq!(rules.at_peer_eof(Some(InputKind::File)), AfterEof::SendRest);
        }
    }

    #[test]
    fn the_end_of_the_peer() {
        use AfterEof::{Close, Keep, SendRest, SendUntilQuiet};
        use InputKind::{File, Pipe, Terminal};
        let half_open = EofPolicy { half_open: true, ..CONNECT };
        let send_only = EofPolicy { send_only: true, ..CONNECT };
        let table = [
            ("stdin ended or is not read", CONNECT, None, Close),
            ("a file", CONNECT, Some(File), SendRest),
            ("a pipe", CONNECT, Some(Pipe), SendUntilQuiet(QUIET)),
            ("a terminal", CONNECT, Some(Terminal), Close),
            ("listen, a pipe", LISTEN, Some(Pipe), SendUntilQuiet(QUIET)),
            ("listen -k, a file", KEEP_OPEN, Some(File), Close),
            ("--half-open, a pipe", half_open, Some(Pipe), Keep),
            ("--half-open, a terminal", half_open, Some(Terminal), Keep),
            ("--half-open, stdin ended", half_open, None, Close),
            ("--send-only, a pipe", send_only, Some(Pipe), Keep),
            ("--send-only, a terminal", send_only, Some(Terminal), Keep),
            ("--send-only, stdin ended", send_only, None, Close),
            ("listen -k --send-only, a pipe", EofPolicy { send_only: true, ..KEEP_OPEN }, Some(Pipe), Keep),
        ];
        for (case, rules, input, expected) in table {
            assert_eq!(rules.at_peer_eof(input), expected, "{case}");
        }
    }

    #[test]
    fn the_end_of_a_run_without_a_reader_of_stdout() {
        use AfterEof::{Close, Keep, SendRest, SendUntilQuiet};
        use InputKind::{File, Pipe, Terminal};
        let half_open = EofPolicy { half_open: true, ..CONNECT };
        let table = [
            ("stdin ended or is not read", CONNECT, None, Close),
            ("a file", CONNECT, Some(File), SendRest),
            ("a pipe", CONNECT, Some(Pipe), SendUntilQuiet(QUIET)),
            ("a terminal", CONNECT, Some(Terminal), Close),
            ("listen -k, a pipe", KEEP_OPEN, Some(Pipe), SendUntilQuiet(QUIET)),
            ("--half-open, a pipe", half_open, Some(Pipe), Keep),
            ("--half-open, a terminal", half_open, Some(Terminal), Close),
        ];
        for (case, rules, input, expected) in table {
            assert_eq!(rules.at_reader_gone(input), expected, "{case}");
        }
    }
}
