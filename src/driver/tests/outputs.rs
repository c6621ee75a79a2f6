//! What reaches stdout and stderr, back-pressure by it, and which fault decides the exit code.

use super::play;

#[test]
fn a_blocked_stdout_keeps_the_peer_from_being_read() {
    // Above 1 MiB nothing more is read; at 256 KiB it is read again.
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout takes 10; 1 sends x*3000000
        stdout "xxxxxxxxxx"
        > 1 ends
        > wait 1s
        at 1s
        > stdout takes 900000
        stdout x*900000
        > stdout takes all
        stdout x*410710
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*262144
        stdout x*116416
        at 1500ms
        stderr tcpx: peer closed its side; not waiting for stdin (use --half-open)
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_full_disk_is_an_error() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout has no space; 1 sends "data"
        stderr tcpx: write stdout: no space left on device
        1 gets RST
        exit 23
        "#,
    );
}

#[test]
fn a_full_disk_is_no_error_if_nothing_is_written() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets FIN
        > stdout has no space; 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn the_first_fault_decides_the_exit_code() {
    // The disk is full, and then the peer resets.
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout has no space; 1 sends "data"; 1 resets
        stderr tcpx: write stdout: no space left on device
        1 is closed
        exit 23
        "#,
    );
}

#[test]
fn a_reset_before_a_full_disk_decides_the_exit_code() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout takes 0; 1 sends "data"; 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        > stdout has no space; stdout takes all
        stderr tcpx: write stdout: no space left on device
        exit 56
        "#,
    );
}

#[test]
fn control_characters_do_not_reach_a_terminal() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdout terminal
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets FIN
        > 1 sends "a\tb\x07c\x1b[2J\n"; 1 ends
        stdout "a\tb^Gc^[[2J\n"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn what_is_told_with_v_comes_in_order() {
    play(
        r#"tcpx connect 127.0.0.1 1 -v
        stderr tcpx: trying 127.0.0.1:1
        1 connects to 127.0.0.1:1
        stderr tcpx: connected to 127.0.0.1:1 from 127.0.0.1:9 in 0.00ms
        > stdin "ping"; stdin ends
        1 gets "ping"
        1 gets FIN
        > wait 1s
        at 1s
        > 1 sends "pong"; 1 ends
        stdout "pong"
        1 is closed
        stderr tcpx: closed 127.0.0.1:1 (eof): 4 bytes received, 4 sent, after 1.0s
        exit 0
        "#,
    );
}

#[test]
fn fins_and_bytes_are_told_with_vv() {
    play(
        r#"tcpx connect 127.0.0.1 1 -vv
        stderr tcpx: trying 127.0.0.1:1
        1 connects to 127.0.0.1:1
        stderr tcpx: connected to 127.0.0.1:1 from 127.0.0.1:9 in 0.00ms
        > stdin "ping"; stdin ends
        1 gets "ping"
        stderr tcpx: 127.0.0.1:1: sent 4 bytes
        stderr tcpx: 127.0.0.1:1: FIN sent
        1 gets FIN
        > 1 sends "pong"
        stderr tcpx: 127.0.0.1:1: received 4 bytes
        stdout "pong"
        > 1 ends
        stderr tcpx: 127.0.0.1:1: peer sent FIN
        1 is closed
        stderr tcpx: closed 127.0.0.1:1 (eof): 4 bytes received, 4 sent, after 0.00ms
        exit 0
        "#,
    );
}

#[test]
fn events_on_stdout_come_in_order_and_wait_for_its_reader() {
    play(
        r#"tcpx connect 127.0.0.1 1 --events -
        1 connects to 127.0.0.1:1
        stdout "{"time_us":0,"event":"start","wall":"*","version":"*"}\n{"time_us":0,"conn":1,"event":"dialing","target":"127.0.0.1:1","address":"127.0.0.1:1"}\n"
        stdout "{"time_us":0,"conn":1,"event":"opened","side":"client","peer":"127.0.0.1:1","local":"127.0.0.1:9","duration_us":0}\n"
        > stdin "ping"; stdin ends
        1 gets "ping"
        stdout "{"time_us":0,"conn":1,"event":"data","dir":"out","len":4,"text":"ping","base64":"cGluZw=="}\n"
        1 gets FIN
        stdout "{"time_us":0,"conn":1,"event":"eof","dir":"out"}\n"
        > wait 1500ms
        at 1500ms
        > 1 sends "pong"; 1 ends
        stdout "{"time_us":1500000,"conn":1,"event":"data","dir":"in","len":4,"text":"pong","base64":"cG9uZw=="}\n"
        1 is closed
        stdout "{"time_us":1500000,"conn":1,"event":"eof","dir":"in"}\n{"time_us":1500000,"conn":1,"event":"closed","reason":"eof","bytes_in":4,"bytes_out":4,"duration_us":1500000}\n"
        stdout "{"time_us":1500000,"event":"exit","code":0}\n"
        exit 0
        "#,
    );
}

#[test]
fn a_failed_write_of_events_is_a_fault() {
    play(
        r#"tcpx connect 127.0.0.1 1 --events -
        1 connects to 127.0.0.1:1
        stdout "{"time_us":0,"event":"start","wall":"*","version":"*"}\n{"time_us":0,"conn":1,"event":"dialing","target":"127.0.0.1:1","address":"127.0.0.1:1"}\n"
        stdout "{"time_us":0,"conn":1,"event":"opened","side":"client","peer":"127.0.0.1:1","local":"127.0.0.1:9","duration_us":0}\n"
        > stdout has no space; 1 sends "x"
        stderr tcpx: write stdout: no space left on device
        1 gets RST
        exit 23
        "#,
    );
}

#[test]
fn a_hexdump_shows_each_chunk_before_it_goes_on() {
    play(
        r#"tcpx connect 127.0.0.1 1 -x
        1 connects to 127.0.0.1:1
        > stdin "ping\n"; stdin ends
        1 gets "ping\n"
        stderr > 00000000  70 69 6e 67 0a                                    |ping.|
        1 gets FIN
        > 1 sends "pong"; 1 ends
        stderr < 00000000  70 6f 6e 67                                       |pong|
        stdout "pong"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn nc_sends_on_when_its_stdout_takes_nothing_more() {
    play(
        r#"tcpx nc -N 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout has no space; 1 sends "x"
        stderr nc: write stdout: no space left on device
        > stdin "still sent"; stdin ends
        1 gets "still sent"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 141
        "#,
    );
}
