//! The fast paths: where nobody looks at the bytes, the kernel moves them, and counters and timers go on; with a layer on the
//! connection every byte passes through it.

use std::collections::VecDeque;
use std::time::Instant;

use super::{play, play_script};
use crate::layer::{Direction, Flow, Layer, LayerError, State};

/// A layer that makes letters large, so that a byte that went past it is seen.
#[derive(Debug, Default)]
pub(super) struct Shouting([VecDeque<Flow>; 2]);

impl Layer for Shouting {
    fn name(&self) -> &'static str {
        "shouting"
    }

    fn push(&mut self, _: Instant, to: Direction, flow: Flow) {
        self.0[to as usize].push_back(match flow {
            Flow::Data(bytes) => Flow::Data(bytes.to_ascii_uppercase()),
            end => end,
        });
    }

    fn poll(&mut self, _: Instant, to: Direction) -> Result<Option<Flow>, LayerError> {
        Ok(self.0[to as usize].pop_front())
    }

    fn state(&self) -> State {
        State::Open
    }
}

#[test]
fn stdin_is_moved_by_the_kernel() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ the kernel moves bytes
        1 connects to 127.0.0.1:1
        > stdin x*100000
        1 gets x*100000 by the kernel
        > stdin "y"; stdin ends
        1 gets "y"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn stdin_passes_through_a_layer() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ the kernel moves bytes
        $ connection 1 has a layer
        1 connects to 127.0.0.1:1
        > stdin x*100000
        1 gets X*65536
        1 gets X*34464
        > stdin "y"; stdin ends
        1 gets "Y"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_flows_in_is_moved_to_stdout_by_the_kernel() {
    // The first large read shows that it flows.
    play(
        r#"tcpx connect 127.0.0.1 1
        $ the kernel moves bytes
        1 connects to 127.0.0.1:1
        > 1 sends x*100000
        stdout x*100000
        > 1 sends x*100000
        stdout x*100000 by the kernel
        > 1 sends "small"
        stdout "small" by the kernel
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_flows_in_passes_through_a_layer() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ the kernel moves bytes
        $ connection 1 has a layer
        1 connects to 127.0.0.1:1
        > 1 sends x*100000
        stdout X*100000
        > 1 sends x*100000
        stdout X*100000
        > 1 sends "small"
        stdout "SMALL"
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_is_written_through_passes_through_a_layer() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ connection 1 has a layer
        1 connects to 127.0.0.1:1
        > 1 sends "small"
        stdout "SMALL"
        > 1 ends
        > stdin ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_flows_between_partners_is_moved_by_the_kernel() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ the kernel moves bytes
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 1 sends x*100000
        2 gets x*100000
        > 1 sends x*100000
        2 gets x*100000 by the kernel
        > 2 sends "answer"
        1 gets "answer"
        > 1 ends
        2 gets FIN
        > 2 ends
        2 is closed
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_flows_between_partners_passes_through_their_layers() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ the kernel moves bytes
        $ connection 1 has a layer
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 1 sends x*100000
        2 gets X*65536
        2 gets X*34464
        > 1 sends x*100000
        2 gets X*65536
        2 gets X*34464
        > 2 sends "answer"
        1 gets "ANSWER"
        > 1 ends
        2 gets FIN
        > 2 ends
        2 is closed
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn what_flows_to_a_partner_with_a_layer_passes_through_it() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        $ the kernel moves bytes
        $ connection 2 has a layer
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 1 sends x*100000
        2 gets X*65536
        2 gets X*34464
        > 1 sends x*100000
        2 gets X*65536
        2 gets X*34464
        > 1 ends
        2 gets FIN
        > 2 ends
        2 is closed
        1 is closed
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn a_flow_to_stdout_is_activity() {
    play(
        r#"tcpx connect 127.0.0.1 1 --idle-timeout 1s
        $ the kernel moves bytes
        1 connects to 127.0.0.1:1
        > 1 sends x*100000
        stdout x*100000
        > wait 999ms
        at 999ms
        > 1 sends x*100000
        stdout x*100000 by the kernel
        > wait 999ms
        at 1998ms
        > 1 sends x*100000
        stdout x*100000 by the kernel
        at 2998ms
        stderr tcpx: 127.0.0.1:1: idle for 1s
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_flow_from_stdin_is_activity() {
    play(
        r#"tcpx connect 127.0.0.1 1 --idle-timeout 1s
        $ the kernel moves bytes
        1 connects to 127.0.0.1:1
        > stdin x*100000
        1 gets x*100000 by the kernel
        > wait 999ms
        at 999ms
        > stdin x*100000
        1 gets x*100000 by the kernel
        > wait 999ms
        at 1998ms
        > stdin x*100000
        1 gets x*100000 by the kernel
        at 2998ms
        stderr tcpx: 127.0.0.1:1: idle for 1s
        1 gets RST
        exit 28
        "#,
    );
}

#[test]
fn a_flow_between_partners_is_activity_of_both() {
    play_script(
        r#"fn on_connect(conn) { if conn.side == "server" { conn.pipe(connect("127.0.0.1:7")); } }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT --idle-timeout 1s
        $ the kernel moves bytes
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        2 connects to 127.0.0.1:7
        > 1 sends x*100000
        2 gets x*100000
        > wait 999ms
        at 999ms
        > 1 sends x*100000
        2 gets x*100000 by the kernel
        > wait 999ms
        at 1998ms
        > 1 sends x*100000
        2 gets x*100000 by the kernel
        > wait 5s
        at 2998ms
        stderr tcpx: 10.0.0.1:1: idle for 1s
        1 gets RST
        2 gets RST
        at 6998ms
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn who_reads_the_bytes_keeps_the_kernel_from_moving_them() {
    play(
        r#"tcpx connect 127.0.0.1 1 --events -
        $ the kernel moves bytes
        1 connects to 127.0.0.1:1
        stdout "{"time_us":0,"event":"start","wall":"*","version":"*"}\n{"time_us":0,"conn":1,"event":"dialing","target":"127.0.0.1:1","address":"127.0.0.1:1"}\n"
        stdout "{"time_us":0,"conn":1,"event":"opened","side":"client","peer":"127.0.0.1:1","local":"127.0.0.1:9","duration_us":0}\n"
        > 1 sends x*100
        stdout 317 bytes
        > stdin x*100; stdin ends
        1 gets x*100
        stdout 318 bytes
        1 gets FIN
        stdout "{"time_us":0,"conn":1,"event":"eof","dir":"out"}\n"
        > 1 ends
        1 is closed
        stdout "{"time_us":0,"conn":1,"event":"eof","dir":"in"}\n{"time_us":0,"conn":1,"event":"closed","reason":"eof","bytes_in":100,"bytes_out":100,"duration_us":0}\n"
        stdout "{"time_us":0,"event":"exit","code":0}\n"
        exit 0
        "#,
    );
}

#[test]
fn what_a_layer_holds_is_written_when_the_run_is_stopped() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k -v
        $ connection 1 has a layer
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        stderr tcpx: accepted 10.0.0.1:1 on 127.0.0.1:1
        > signal TERM; 1 sends "in"
        stderr tcpx: SIGTERM
        listens no more
        stdout "IN"
        stderr tcpx: closed 10.0.0.1:1 (stop): 2 bytes received, 0 sent, after 0.00ms
        1 gets RST
        exit 143
        "#,
    );
}
