//! Connections through proxies, and headers of the PROXY protocol: nothing of the run begins before the way is open, and what
//! goes wrong on it is told with the proxy's words, without its password.

use super::{play, play_script};

#[test]
fn stdin_waits_for_the_proxy_and_the_kernel_moves_the_rest() {
    play(
        r#"tcpx connect --proxy socks5://u:p@10.0.0.9:1080 example.org 80
        $ the kernel moves bytes
        1 connects to 10.0.0.9:1080
        1 gets "\x05\x02\x00\x02"
        > stdin "early"
        > 1 sends 0x0502
        1 gets "\x01\x01u\x01p"
        > 1 sends 0x0100
        1 gets "\x05\x01\x00\x03\x0bexample.org\x00P"
        > 1 sends 0x0500000100000000000068656c6c6f
        stdout "hello"
        1 gets "early" by the kernel
        > stdin x*100000
        1 gets x*100000 by the kernel
        > 1 sends x*100000
        stdout x*100000
        > stdin ends
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn observers_see_no_handshake() {
    play(
        r#"tcpx connect --proxy socks5://user:secret@10.0.0.9:1080 example.org 80 -x --events -
        1 connects to 10.0.0.9:1080
        stdout "{"time_us":0,"event":"start","wall":"*","version":"*"}\n{"time_us":0,"conn":1,"event":"dialing","target":"socks5://***@10.0.0.9:1080","address":"10.0.0.9:1080"}\n"
        1 gets "\x05\x02\x00\x02"
        > 1 sends 0x0502
        1 gets "\x01\x04user\x06secret"
        > 1 sends 0x0100
        1 gets "\x05\x01\x00\x03\x0bexample.org\x00P"
        > 1 sends 0x0500000100000000000068690a
        stderr < 00000000  68 69 0a                                          |hi.|
        stdout 205 bytes
        > stdin "up\n"; stdin ends
        1 gets "up\n"
        stderr > 00000000  75 70 0a                                          |up.|
        stdout "{"time_us":0,"conn":1,"event":"data","dir":"out","len":3,"text":"up\n","base64":"dXAK"}\n"
        1 gets FIN
        stdout "{"time_us":0,"conn":1,"event":"eof","dir":"out"}\n"
        > 1 ends
        1 is closed
        stdout "{"time_us":0,"conn":1,"event":"eof","dir":"in"}\n{"time_us":0,"conn":1,"event":"closed","reason":"eof","bytes_in":3,"bytes_out":3,"duration_us":0}\n"
        stdout "{"time_us":0,"event":"exit","code":0}\n"
        exit 0
        "#,
    );
}

#[test]
fn a_probe_waits_for_every_proxy() {
    play(
        r#"tcpx connect -zv --proxy socks4a://10.0.0.9:1080 --proxy http://b:3128 h 80
        stderr tcpx: trying 10.0.0.9:1080
        1 connects to 10.0.0.9:1080
        1 gets "\x04\x01\x0c8\x00\x00\x00\x01\x00b\x00"
        > wait 100ms
        at 100ms
        > 1 sends 0x005a000000000000
        1 gets "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"
        > wait 100ms
        at 200ms
        > 1 sends "HTTP/1.1 200 OK\r\n\r\n"
        stderr tcpx: connected to h:80 from 127.0.0.1:9 in 200ms
        stderr tcpx: closed h:80 (closed): 0 bytes received, 0 sent, after 200ms
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_refusal_is_97_with_the_words_of_the_proxy() {
    play(
        r#"tcpx connect --proxy http://u:p@10.0.0.9:3128 h 80
        1 connects to 10.0.0.9:3128
        1 gets "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        > stdin "lost"; 1 sends "HTTP/1.1 403 Not \x1b[31mhere\r\n"
        > 1 sends "\r\n"
        stderr tcpx: connect to h:80: proxy http://***@10.0.0.9:3128: it refused: 403 Not \x1b[31mhere
        1 gets RST
        exit 97
        "#,
    );
}

#[test]
fn a_proxy_that_leaves_is_97() {
    play(
        r#"tcpx connect --proxy socks5://10.0.0.9:1080 h 80
        1 connects to 10.0.0.9:1080
        1 gets "\x05\x01\x00"
        > 1 sends 0x05
        > 1 ends
        stderr tcpx: connect to h:80: proxy socks5://10.0.0.9:1080: it ended the connection in the middle of its answer
        1 gets RST
        exit 97
        "#,
    );
    play(
        r#"tcpx connect --proxy socks5://10.0.0.9:1080 h 80
        1 connects to 10.0.0.9:1080
        1 gets "\x05\x01\x00"
        > 1 resets
        stderr tcpx: connect to h:80: proxy socks5://10.0.0.9:1080: it ended the connection without an answer (connection reset by peer)
        1 is closed
        exit 97
        "#,
    );
}

#[test]
fn a_proxy_that_cannot_be_reached_is_97() {
    play(
        r#"tcpx connect --proxy socks5://10.0.0.9:1080 h 80
        $ connects slowly
        1 connects to 10.0.0.9:1080
        > 1 refuses
        stderr tcpx: connect to h:80: proxy socks5://10.0.0.9:1080: connection refused
        exit 97
        "#,
    );
    play(
        r#"tcpx connect --proxy socks5://nowhere:1080 h 80
        resolves nowhere
        > nowhere is unknown
        stderr tcpx: connect to h:80: proxy socks5://nowhere:1080: resolve nowhere: name or service not known
        exit 97
        "#,
    );
}

#[test]
fn the_connect_limit_covers_the_whole_way() {
    play(
        r#"tcpx connect -w 2s --proxy socks5://10.0.0.9:1080 --proxy http://u:p@b:3128 h 80
        $ connects slowly
        1 connects to 10.0.0.9:1080
        > wait 1s
        at 1s
        > 1 stands
        1 gets "\x05\x01\x00"
        > 1 sends 0x0500; 1 sends 0x05000001000000000000
        1 gets "\x05\x01\x00\x03\x01b\x0c8"
        1 gets "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        at 2s
        stderr tcpx: connect to h:80: proxy http://***@b:3128: timed out after 2s
        1 gets RST
        exit 28
        "#,
    );
    play(
        r#"tcpx connect -w 2s --proxy socks5://10.0.0.9:1080 h 80
        $ connects slowly
        1 connects to 10.0.0.9:1080
        at 2s
        1 is given up
        stderr tcpx: connect to h:80: proxy socks5://10.0.0.9:1080: timed out after 2s
        exit 28
        "#,
    );
}

#[test]
fn socks4_gets_an_address_that_is_resolved_here() {
    play(
        r#"tcpx connect --proxy socks4://proxy:1080 target 80
        resolves target
        > target is 10.0.0.1 10.0.0.2
        resolves proxy
        > proxy is 10.0.0.9
        1 connects to 10.0.0.9:1080
        1 gets "\x04\x01\x00P\n\x00\x00\x01\x00"
        > 1 sends 0x005a000000000000; stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
    play(
        r#"tcpx connect --proxy socks4://10.0.0.9:1080 target 80
        resolves target
        > target is unknown
        stderr tcpx: resolve target: name or service not known
        exit 6
        "#,
    );
    play(
        r#"tcpx connect -n --proxy socks4://10.0.0.9:1080 target 80
        stderr tcpx: resolve target: names are not resolved with -n
        exit 6
        "#,
    );
    play(
        r#"tcpx connect -zn --proxy socks5://10.0.0.9:1080 target 80
        1 connects to 10.0.0.9:1080
        1 gets "\x05\x01\x00"
        > 1 sends 0x0500; 1 sends 0x05000001000000000000
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_script_goes_the_way_of_the_run_or_its_own() {
    play_script(
        r#"fn main() {
            let way = connect("h:80");
            print(way.peer);
            print(way.read_line());
            connect("10.0.0.1:81", #{ proxy: () }).close();
            try { connect("h:82", #{ proxy: ["socks4a://u@10.0.0.8:1", "http://c:3"] }); } catch (e) { print(`${e.kind} ${e.op} ${e.message}`); }
            try { connect("[::1]:82", #{ proxy: "socks4a://10.0.0.8:1" }); } catch (e) { print(e); }
        }"#,
        r#"tcpx run --proxy socks5://10.0.0.9:1080 SCRIPT
        1 connects to 10.0.0.9:1080
        1 gets "\x05\x01\x00"
        > 1 sends 0x0500
        1 gets "\x05\x01\x00\x03\x01h\x00P"
        > 1 sends 0x050000010000000000006f6e650a
        stdout "h:80\n"
        stdout "one\n"
        2 connects to 10.0.0.1:81
        3 connects to 10.0.0.8:1
        2 gets FIN
        3 gets "\x04\x01\x00\x03\x00\x00\x00\x01u\x00c\x00"
        > 3 sends 0x005b000000000000
        3 gets RST
        stdout "proxy connect connect to h:82: proxy socks4a://***@10.0.0.8:1: it refused, or could not reach the target (code 91)\n"
        stdout "connect: [::1]:82 is an IPv6 address, which SOCKS 4 cannot reach\n"
        1 gets FIN
        > wait 3s
        at 20ms
        1 is closed
        2 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_failed_way_of_a_script_is_told_to_on_error() {
    play_script(
        r#"fn on_start() { connect("h:80", #{ timeout: 1000 }); connect("h:81"); }
        fn on_connect(conn) { print("never"); }
        fn on_error(conn, err) { print(`${conn.peer}: ${err.kind} ${err.message}`); }
        fn on_close(conn, why) { print(`closed ${why}`); }"#,
        r#"tcpx listen 1 --script SCRIPT --proxy socks5://u:p@10.0.0.9:1080
        1 connects to 10.0.0.9:1080
        2 connects to 10.0.0.9:1080
        listens on [::]:1
        stderr listening on [::]:1
        1 gets "\x05\x02\x00\x02"
        2 gets "\x05\x02\x00\x02"
        > 2 sends 0x05ff
        stdout "h:81: proxy connect to h:81: proxy socks5://***@10.0.0.9:1080: it takes none of our ways to log in, a user and a password included\n"
        2 gets RST
        > wait 2s
        at 1s
        stdout "h:80: timeout connect to h:80: proxy socks5://***@10.0.0.9:1080: timed out after 1s\n"
        1 gets RST
        at 2s
        > signal TERM
        listens no more
        exit 143
        "#,
    );
}

#[test]
fn the_server_is_told_who_we_are() {
    play(
        r#"tcpx connect --proxy-protocol v1 127.0.0.1 80
        1 connects to 127.0.0.1:80
        1 gets "PROXY TCP4 127.0.0.1 127.0.0.1 9 80\r\n"
        > stdin "x"; stdin ends
        1 gets "x"
        1 gets FIN
        > 1 ends
        1 is closed
        exit 0
        "#,
    );
    play(
        r#"tcpx connect -z --proxy-protocol v2 --proxy socks4a://10.0.0.9:1 name 80
        1 connects to 10.0.0.9:1
        1 gets "\x04\x01\x00P\x00\x00\x00\x01\x00name\x00"
        > 1 sends 0x005a000000000000
        1 gets "\r\n\r\n\x00\r\nQUIT\n!\x00\x00\x00"
        1 is closed
        exit 0
        "#,
    );
}

#[test]
fn a_client_is_who_its_header_says() {
    play_script(
        r#"fn on_connect(conn) { conn.send(`${conn.peer} ${conn.peer_ip} ${conn.local}\n`); }
        fn on_data(conn, data) { conn.send(data); }"#,
        r#"tcpx listen -v 127.0.0.1 1 --accept-proxy --script SCRIPT
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        > 1 sends "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\nhello"
        stderr tcpx: accepted 192.0.2.1:5 on 192.0.2.2:6
        1 gets "192.0.2.1:5 192.0.2.1 192.0.2.2:6\n"
        1 gets "hello"
        > client
        > 2 sends "GET / HTTP/1.1\r\n"
        stderr tcpx: read from 10.0.0.2:1: PROXY protocol: the connection does not begin with a header: "GET / HTTP/1.1\r\n"
        2 gets RST
        > client
        > 3 sends "PROXY TCP4 192.0.2.1"
        > wait 11s
        at 10s
        stderr tcpx: 10.0.0.3:1: PROXY protocol: no header within 10s
        3 gets RST
        at 11s
        > signal TERM
        stderr tcpx: SIGTERM
        listens no more
        stderr tcpx: closed 192.0.2.1:5 (stop): 5 bytes received, 40 sent, after 11.0s
        1 gets RST
        exit 143
        "#,
    );
}

#[test]
fn the_one_client_without_a_header_is_an_error() {
    play(
        r#"tcpx listen 127.0.0.1 1 --accept-proxy
        listens on 127.0.0.1:1
        stderr listening on 127.0.0.1:1
        > client
        listens no more
        > 1 sends "hello"
        stderr tcpx: read from 10.0.0.1:1: PROXY protocol: the connection does not begin with a header: "hello"
        1 gets RST
        exit 56
        "#,
    );
}

#[test]
fn a_session_that_never_begins_is_told() {
    for (script, told) in [
        ("fn session(conn) { conn.send(conn.read()); }", "stderr tcpx: read from 10.0.0.1:1: PROTOCOL"),
        (
            "fn session(conn) { conn.send(conn.read()); } fn on_error(conn, err) { print(err.message); }",
            r#"stdout "PROTOCOL\n""#,
        ),
    ] {
        play_script(
            script,
            &r#"tcpx listen 127.0.0.1 1 --accept-proxy --script SCRIPT
            listens on 127.0.0.1:1
            stderr listening on 127.0.0.1:1
            > client
            > 1 sends "hello"
            TOLD
            1 gets RST
            > client
            > 2 sends "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\nhello"
            2 gets "hello"
            2 gets FIN
            > 2 ends
            2 is closed
            > signal TERM
            listens no more
            exit 143
            "#
            .replace("TOLD", &told.replace("PROTOCOL", NO_HEADER)),
        );
    }
}

const NO_HEADER: &str = "PROXY protocol: the connection does not begin with a header: \"hello\"";

#[test]
fn a_line_of_a_script_does_not_tell_the_password() {
    play_script(
        r#"fn on_start() { connect("h:1", #{proxy: "socks5://user:secret@10.0.0.9:x"}); }"#,
        r#"tcpx listen 127.0.0.1 1 --script SCRIPT
        stderr tcpx: SCRIPT:1:17: connect: proxy "socks5://***@10.0.0.9:x": "x" is not a known service name
        stderr     1 | fn on_start() { connect("h:1", #{proxy: "socks5://***********@10.0.0.9:x"}); }
        stderr       |                 ^
        exit 112
        "#,
    );
}
