//! `Holds`: what a handler still has to do with a connection, and which default end of our side waits for it.
//!
//! The one rule of who ends a connection that has a handler. Pure; the handler says what it holds, the driver asks before it
//! ends our side by default. What the handler asks for itself (`shutdown`, `close`, `reset`) waits for nothing.
//!
//! | held by | stdin's end sends FIN | the peer's end closes our side |
//! |---|---|---|
//! | a handler of received data | no, never | yes: nothing more is received |
//! | `--expect`, `--fail-on`, `--until` | no, the verdict ends the run | yes: it is asked what was not seen |
//! | a pending `expect` | after it | after it |
//! | a running `after` | after it | after it |
//! | a running `every` | after it | yes: it would go on for ever |
//! | nothing of these | yes | yes |
//!
//! A timer of the run is not the connection's, whatever its function does. `on_idle` with an idle limit, also
//! one of the peer alone, is as `every`, and a coming `on_drain` as `after` for stdin's end; these two the session knows itself.

/// What a handler holds of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// It takes received data: chunks, text, lines or frames.
    pub receives: bool,
    /// It waits for something in the received data.
    pub expects: bool,
    /// It does something once at a later time.
    pub later: bool,
    /// It does something again and again.
    pub repeats: bool,
}

impl Holds {
    /// Whether our FIN for the end of stdin has to wait.
    pub fn outlast_input(self) -> bool {
        self.receives || self.expects || self.later || self.repeats
    }

    /// Whether closing for the peer's end has to wait.
    pub fn outlast_peer(self) -> bool {
        self.expects || self.later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hold_outlasts_what_the_table_says() {
        let nothing = Holds::default();
        let table = [
            (nothing, false, false),
            (Holds { receives: true, ..nothing }, true, false),
            (Holds { expects: true, ..nothing }, true, true),
            (Holds { later: true, ..nothing }, true, true),
            (Holds { repeats: true, ..nothing }, true, false),
        ];
        for (holds, input, peer) in table {
            assert_eq!((holds.outlast_input(), holds.outlast_peer()), (input, peer), "{holds:?}");
        }
    }
}
