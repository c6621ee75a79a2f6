//! Runs whose stdout loses its reader: what is still sent, and when they end.

use super::{play, play_script};

#[test]
fn a_run_that_ends_by_itself_has_lost_nothing() {
    for (stdin, answer) in [("terminal", ""), ("null", "1 gets FIN"), ("file x*99", "1 gets x*99\n1 gets FIN")] {
        play(&format!(
            r#"tcpx connect 127.0.0.1 1
            $ stdin {stdin}
            1 connects to 127.0.0.1:1
            {answer}
            > 1 sends "first line\n"
            stdout "first line\n"
            > stdout loses its reader
            > wait 499ms
            at 499ms
            > 1 ends
            1 is closed
            exit 0
            "#
        ));
    }
}

#[test]
fn a_script_that_ends_by_itself_has_lost_nothing() {
    play_script(
        "fn main() { print(`first`); sleep(400); }",
        r#"tcpx run SCRIPT
        stdout "first\n"
        > stdout loses its reader
        at 400ms
        exit 0
        "#,
    );
    play_script(
        "fn main() { print(`first`); sleep(400); print(`second`) }",
        r#"tcpx run SCRIPT
        stdout "first\n"
        > stdout loses its reader
        at 400ms
        exit 141
        "#,
    );
}

#[test]
fn nc_and_ncat_notice_it_when_they_write() {
    for (tool, answer) in [("nc", ""), ("ncat", "1 gets FIN")] {
        play(&format!(
            r#"tcpx {tool} 127.0.0.1 1
            $ stdin null
            1 connects to 127.0.0.1:1
            {answer}
            > 1 sends "first line\n"
            stdout "first line\n"
            > stdout loses its reader
            > wait 60s
            at 60s
            > 1 ends
            1 is closed
            exit 0
            "#
        ));
    }
}

#[test]
fn an_idle_run_with_a_terminal_ends_soon() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin terminal
        1 connects to 127.0.0.1:1
        > 1 sends "first line\n"
        stdout "first line\n"
        > stdout loses its reader
        at 500ms
        1 gets FIN
        at 520ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn an_idle_run_whose_stdin_has_ended_ends_soon() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin null
        1 connects to 127.0.0.1:1
        1 gets FIN
        > 1 sends "first line\n"
        stdout "first line\n"
        > stdout loses its reader
        at 520ms
        1 is closed
        exit 141
        "#,
    );
}

/// `grep -q` has seen the answer, and nothing else is awaited but silence.
#[test]
fn a_run_that_ends_by_silence_ends_in_order() {
    for options in ["--eof-wait 5", "-u", "-u --eof-wait 5"] {
        let fin = if options.contains("-u") { "" } else { "1 gets FIN" };
        play(&format!(
            r#"tcpx connect 127.0.0.1 1 {options}
            $ stdin file "ask"
            1 connects to 127.0.0.1:1
            1 gets "ask"
            {fin}
            > 1 sends "answer\n"
            stdout "answer\n"
            > stdout loses its reader
            1 is closed
            exit 0
            "#,
        ));
    }
}

#[test]
fn a_waiting_listener_ends_soon() {
    for options in ["", "-k", "--no-stdin", "-k --on-data 'conn.send(data)'"] {
        play(&format!(
            r#"tcpx listen 127.0.0.1 1 {options}
            $ stdin null
            listens on 127.0.0.1:1
            stderr listening on 127.0.0.1:1
            > stdout loses its reader
            at 500ms
            listens no more
            exit 141
            "#,
        ));
    }
}

#[test]
fn a_waiting_listener_keeps_what_stdin_has_for_its_client() {
    play(
        r#"tcpx listen 127.0.0.1 1
        $ stdin file x*100000
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > stdout loses its reader
        > wait 60s
        at 60s
        > client
        listens no more
        1 gets x*100000
        1 gets FIN
        at 60520ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_connection_in_the_making_gets_what_stdin_has() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin file "all of it"
        $ connects slowly
        1 connects to 127.0.0.1:1
        > stdout loses its reader
        > wait 1s
        at 1s
        > 1 stands
        1 gets "all of it"
        1 gets FIN
        at 1520ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_file_is_sent_to_its_end_and_acknowledged() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin file x*3000000
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 takes 100000; 1 holds 100000; 1 stands
        1 gets x*100000
        > stdout loses its reader
        > wait 10s
        at 10s
        > 1 takes 1000000
        1 gets x*424288
        1 gets x*262144
        1 gets x*262144
        1 gets x*51424
        > wait 10s
        at 20s
        > 1 takes all
        1 gets x*472864
        1 gets x*262144
        1 gets x*262144
        1 gets x*262144
        1 gets x*262144
        1 gets x*262144
        1 gets x*116416
        1 gets FIN
        > wait 5s
        at 25s
        > 1 holds 0
        at 25520ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_pipe_is_sent_until_it_is_silent() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout loses its reader
        > wait 499ms
        at 499ms
        > stdin "one "
        1 gets "one "
        > wait 499ms
        at 998ms
        > stdin "two"
        1 gets "two"
        at 1498ms
        1 gets FIN
        at 1518ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_pipe_of_a_server_of_many_is_sent_until_it_ends() {
    play(
        r#"tcpx listen 127.0.0.1 1 -k
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > client
        > stdout loses its reader
        > wait 400ms
        at 400ms
        > stdin "to all"; stdin ends
        1 gets "to all"
        2 gets "to all"
        at 900ms
        listens no more
        1 gets FIN
        2 gets FIN
        at 920ms
        1 is closed
        2 is closed
        exit 141
        "#,
    );
}

#[test]
fn half_open_sends_a_pipe_to_its_end() {
    play(
        r#"tcpx connect 127.0.0.1 1 --half-open
        1 connects to 127.0.0.1:1
        > stdout loses its reader
        > wait 30s
        at 30s
        > stdin "late"; stdin ends
        1 gets "late"
        1 gets FIN
        at 30520ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn the_preamble_is_sent() {
    play(
        r#"tcpx connect 127.0.0.1 1 --no-stdin --send-file FIFO
        1 connects to 127.0.0.1:1
        > stdout loses its reader
        > fifo "all of it"
        1 gets "all of it"
        > fifo ends
        at 500ms
        1 gets FIN
        at 520ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn what_was_read_is_flushed_once_something_is_lost() {
    // Only 256 KiB of stdin were read; the rest is not sent.
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin file x*3000000
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 takes 0; 1 stands
        > stdout loses its reader
        > 1 sends "lost"
        > wait 900ms
        at 900ms
        > 1 takes 200000
        1 gets x*200000
        > wait 900ms
        at 1800ms
        > 1 takes all; 1 holds 500
        1 gets x*62144
        1 gets FIN
        > wait 500ms
        at 2300ms
        > 1 holds 0
        at 2320ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_second_without_progress_ends_the_flush_by_rst() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdin "unsent"; 1 takes 0
        > stdout loses its reader; 1 sends "x"
        at 1s
        1 gets RST
        exit 141
        "#,
    );
}

#[test]
fn what_is_queued_for_stdout_is_lost_with_its_reader() {
    play(
        r#"tcpx connect 127.0.0.1 1
        1 connects to 127.0.0.1:1
        > stdout takes 0; 1 sends "queued"; 1 takes 0; stdin "read"
        > stdout loses its reader
        > stdin "not read"
        > 1 takes all
        1 gets "read"
        1 gets FIN
        at 20ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn the_peers_end_is_followed_without_a_reader() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin file x*300000
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 takes 0; 1 stands; stdout loses its reader
        > 1 ends
        > wait 60s
        at 60s
        > 1 takes all
        1 gets x*262144
        1 gets x*37856
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_connection_that_breaks_meanwhile_is_the_fault() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ stdin file x*300000
        $ connects slowly
        1 connects to 127.0.0.1:1
        > 1 takes 0; 1 stands; stdout loses its reader
        > 1 resets
        stderr tcpx: read from 127.0.0.1:1: connection reset by peer
        1 is closed
        exit 56
        "#,
    );
}

#[test]
fn moves_within_the_kernel_follow_the_same_rules() {
    play(
        r#"tcpx connect 127.0.0.1 1
        $ the kernel moves bytes
        1 connects to 127.0.0.1:1
        > 1 sends x*40000
        stdout x*40000
        > stdout loses its reader; stdin x*50000
        1 gets x*50000 by the kernel
        > 1 sends x*40000
        1 gets FIN
        > 1 ends
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn send_only_does_not_use_stdout() {
    play(
        r#"tcpx connect 127.0.0.1 1 --send-only
        1 connects to 127.0.0.1:1
        > stdout loses its reader
        > wait 10s
        at 10s
        > 1 sends "discarded"; stdin "sent"; stdin ends
        1 gets "sent"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn lines_of_events_are_no_loss_but_received_bytes_are() {
    play(
        r#"tcpx connect 127.0.0.1 1 --events -
        1 connects to 127.0.0.1:1
        stdout "{"time_us":0,"event":"start","wall":"*","version":"*"}\n{"time_us":0,"conn":1,"event":"dialing","target":"127.0.0.1:1","address":"127.0.0.1:1"}\n"
        stdout "{"time_us":0,"conn":1,"event":"opened","side":"client","peer":"127.0.0.1:1","local":"127.0.0.1:9","duration_us":0}\n"
        > stdout loses its reader; stdin "one "
        1 gets "one "
        > wait 400ms
        at 400ms
        > stdin "two"
        1 gets "two"
        > 1 sends "lost"
        1 gets FIN
        at 420ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_scripted_server_flushes_its_answers() {
    play_script(
        "fn on_line(conn, line) { conn.send_line(line); print(line) } fn on_stop(code) { print(`${code}`) }",
        r#"tcpx listen 127.0.0.1 1 -s SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 takes 2; 1 sends "abc\n"
        stdout "abc\n"
        1 gets "ab"
        > stdout loses its reader
        > wait 900ms
        at 500ms
        listens no more
        at 900ms
        > 1 takes all
        1 gets "c\n"
        1 gets FIN
        at 920ms
        1 is closed
        exit 141
        "#,
    );
}

#[test]
fn a_verdict_stands() {
    play(
        r#"tcpx connect 127.0.0.1 1 --expect ok
        $ stdin terminal
        1 connects to 127.0.0.1:1
        > 1 sends "ok"; stdout loses its reader
        1 gets FIN
        at 20ms
        1 is closed
        exit 0
        "#,
    );
}
