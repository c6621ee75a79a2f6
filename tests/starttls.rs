//! TLS in scripts: STARTTLS on both sides, connections and listeners that a script makes.

use std::fs;

use crate::peers::have;
use crate::support::peer::{Conn, Server};
use crate::support::{Folder, Stdin, Tcpx};
use crate::tls::Pki;

/// A server of a protocol with STARTTLS, as handlers.
const SERVER: &str = r#"
    fn on_connect(conn) { conn.send("220 ready\r\n"); }
    fn on_line(conn, line) {
        if line == "STARTTLS" { conn.send("220 go ahead\r\n"); conn.start_tls(); }
        else if line.starts_with("EHLO") { conn.send("250-here\r\n250 STARTTLS\r\n"); }
        else { conn.send("250 " + (if conn.tls == () { "clear" } else { conn.tls.version }) + " " + line + "\r\n"); }
    }
    fn on_tls(conn) { log(`agreed on ${conn.tls.version}`); }
"#;

/// A client of it, as a session.
const CLIENT: &str = r#"
    conn.expect("ready");
    conn.send("STARTTLS\r\n");
    conn.expect("go ahead\r\n");
    conn.start_tls(OPTIONS);
    conn.send("hello\r\n");
    print(conn.read_line());
    print(conn.tls.peer.names);
"#;

fn serve(pki: &Pki) -> (crate::support::Running, std::net::SocketAddr) {
    fs::write(pki.path("server.rhai"), SERVER).expect("write a script");
    let (script, cert, key) = (pki.word("server.rhai"), pki.word("cert.pem"), pki.word("key.pem"));
    Tcpx::new(&["--script", &script, "--tls-cert", &cert, "--tls-key", &key]).listen()
}

#[test]
fn both_sides_go_over_to_tls() {
    let pki = Pki::new();
    let (mut server, address) = serve(&pki);
    let session = CLIENT.replace("OPTIONS", "");
    let done = Tcpx::new(&["--session", &session, "--tls-ca", &pki.word("ca.pem")]).connect(address).finish();
    done.code(0).wrote("250 TLS 1.3 hello\n[\"localhost\", \"127.0.0.1\"]\n");
    server.wait_stderr("agreed on TLS 1.3");
    for (options, code) in [("#{insecure: true}", 0), ("#{name: \"elsewhere.example\"}", 60), ("", 60)] {
        let session = CLIENT.replace("OPTIONS", options);
        Tcpx::new(&["--session", &session]).connect(address).finish().code(code);
    }
}

#[test]
fn openssl_goes_over_to_tls() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    let (_server, address) = serve(&pki);
    let line =
        format!("s_client -starttls smtp -connect {address} -CAfile @CA -verify_return_error -quiet -no_ign_eof");
    let mut client = Tcpx::other("openssl", &pki.words(&line)).stdin(Stdin::Open).spawn();
    client.write(b"hello\n");
    assert!(client.out.wait(|bytes| bytes.ends_with(b"250 TLS 1.3 hello\r\n")), "{}", client.out.text());
}

#[test]
fn what_comes_in_the_clear_behind_starttls_is_nobody_s() {
    let pki = Pki::new();
    let (server, address) = serve(&pki);
    let mut conn = Conn::to(address);
    conn.expect(b"220 ready\r\n");
    conn.send(b"STARTTLS\r\nevil\r\n");
    conn.expect(b"220 go ahead\r\n");
    conn.expect_silence();
    assert!(!server.err.text().contains("evil"));

    for handlers in [
        vec!["--session", "conn.expect(\"go\\n\"); conn.start_tls(); conn.read_all();"],
        vec!["--on-line", "if line == \"go\" { conn.start_tls() } else { print(`took ${line}`) }"],
    ] {
        let server = Server::start();
        let tcpx = Tcpx::new(&handlers).connect(server.address);
        let mut conn = server.accept();
        conn.send(b"go\nevil\n");
        let done = tcpx.finish();
        done.code(35).wrote("");
        assert!(done.stderr.contains("in the clear behind its answer"), "{}", done.stderr);
    }
}

#[test]
fn connections_and_listeners_of_a_script_speak_tls() {
    let pki = Pki::new();
    let script = r#"
        fn main() {
            let listener = listen("127.0.0.1:0", #{tls: #{cert: "cert.pem", key: "key.pem"}});
            listener.session = |conn| { conn.send_line(conn.read_line().to_upper()); };
            let at = `127.0.0.1:${listener.port}`;
            let conn = connect(at, #{tls: #{ca: "ca.pem"}});
            conn.send_line("one");
            print(conn.read_line() + " " + conn.tls.version);
            try { connect(`tls://${at}`); print("trusted") } catch (e) { print(e.kind) }
            try { connect(at, #{tls: #{nonsense: 1}}); } catch (e) { print("no such option") }
        }
    "#;
    fs::write(pki.path("both.rhai"), script).expect("write a script");
    let done = Tcpx::new(&["run", &pki.word("both.rhai")]).run();
    done.code(0).wrote("ONE TLS 1.3\ncertificate\nno such option\n");
}

#[test]
fn a_peer_that_leaves_in_the_middle_of_the_handshake_fails_the_call() {
    let folder = Folder::new();
    let script = r#"
        fn setup() { let l = listen("127.0.0.1:0"); app.client = connect(l.addr); app.server = l.accept(); }
        fn outcome(conn, options) { try { conn.start_tls(options); return "agreed"; } catch (e) { return `${e.kind} ${e.op}`; } }
        fn check_in(conn, options, leave, wanted) {
            let task = start(Fn("outcome"), conn, options);
            leave.call();
            assert_match(task.join(8000), wanted);
            assert(!conn.is_open || conn.closed(8000) != "", "it is over");
        }
        fn client(leave, wanted) { check_in(app.client, #{insecure: true}, leave, wanted); }
        fn server(leave, wanted) { check_in(app.server, #{}, leave, wanted); }
        const HELLO = hex("16 03 01 00 7a 01 00");
        fn test_client_reset() { client(|| { app.server.read(5); app.server.reset() }, "^tls start_tls$"); }
        fn test_client_reset_within() { client(|| { app.server.read(5); app.server.send(global::HELLO); sleep(1); app.server.reset() }, "^tls "); }
        fn test_client_end() { client(|| { app.server.read(5); app.server.close() }, "^tls start_tls$"); }
        fn test_server_reset() { server(|| { sleep(1); app.client.reset() }, "^tls start_tls$"); }
        fn test_server_reset_within() { server(|| { app.client.send(global::HELLO); sleep(1); app.client.reset() }, "^tls "); }
        fn test_server_end() { server(|| { app.client.send(global::HELLO); app.client.close() }, "^tls start_tls$"); }
        fn test_reset_before() {
            app.server.reset();
            app.client.expect_reset();
            assert_eq(outcome(app.client, #{insecure: true}), "reset start_tls");
        }
    "#;
    let script = folder.file("t.rhai", script.as_bytes());
    Tcpx::new(&["test"]).arg(&script).run().code(0);
}

#[test]
fn a_handshake_that_nobody_waits_for_does_not_keep_the_end() {
    let folder = Folder::new();
    let script = r#"
        fn setup() { let l = listen("127.0.0.1:0"); app.client = connect(l.addr); app.server = l.accept(); }
        // What the other one gets: the beginning of a handshake, if there is one, and the end.
        fn ends_for(other) { other.read_all(8000).len() }
        fn cancelled(conn, options) {
            let task = start(|c, o| c.start_tls(o), conn, options);
            sleep(1);
            cancel(task);
        }
        fn test_client() { cancelled(app.client, #{insecure: true}); app.client.close(); assert(ends_for(app.server) > 0); }
        fn test_server() { cancelled(app.server, #{}); app.server.close(); assert_eq(ends_for(app.client), 0); }
        fn test_first() {
            let c = app.client;
            first([start(|c| c.start_tls(#{insecure: true}), c), start(|| sleep(1))]);
            c.close();
            ends_for(app.server);
        }
        fn test_what_was_sent_before() {
            app.client.send("STARTTLS\n");
            cancelled(app.client, #{insecure: true});
            app.client.close();
            assert_eq(app.server.read_line(8000), "STARTTLS");
            ends_for(app.server);
        }
        fn cases_waiting() { ["read", "exactly", "line", "expect", "end", "closed"] }
        fn wait_in(conn, how) {
            switch how {
                "read" => conn.read(),
                "exactly" => conn.read(9),
                "line" => conn.read_line(),
                "expect" => conn.expect("x"),
                "end" => conn.expect_eof(),
                _ => conn.closed(),
            }
        }
        fn test_waiting(how) {
            let task = start(Fn("wait_in"), app.client, how);
            sleep(1);
            cancel(task);
            app.client.close();
            app.server.expect_eof(8000);
        }
        fn test_waiting_of_a_server() {
            let task = start(Fn("wait_in"), app.server, "read");
            sleep(1);
            cancel(task);
            app.server.close();
            app.client.expect_eof(8000);
        }
        fn test_connect_tls() {
            let l = listen("127.0.0.1:0");
            let task = start(|a| connect(a, #{tls: #{insecure: true}}), l.addr);
            let s = l.accept();
            s.read(5);
            cancel(task);
            ends_for(s);
        }
    "#;
    let script = folder.file("t.rhai", script.as_bytes());
    Tcpx::new(&["test"]).arg(&script).run().code(0);
}

/// Nobody answers a handshake in datagrams: the call says so at once, to clients and servers, tasks and handlers.
#[test]
fn datagrams_have_no_tls() {
    let folder = Folder::new();
    let script = r#"
        fn refusal(conn) {
            try { conn.start_tls(#{insecure: true}); } catch (err) { return "" + err; }
            "none"
        }
        fn no_stream(conn) {
            let why = refusal(conn);
            assert(why.starts_with("start_tls: TLS needs a stream, and "), why);
            assert(why.ends_with(" has datagrams; DTLS is not spoken"), why);
        }
        fn both(place) {
            let listener = listen(place);
            let client = connect(if place.starts_with("udp") { `udp://${listener.addr}` } else { place });
            no_stream(client);
            client.send("one");
            no_stream(listener.accept());
        }
        fn test_udp() { both("udp://127.0.0.1:0"); }
        fn test_unix() { both(`unixgram:${args[0]}`); }
        fn main() { test_udp(); test_unix(); print("refused"); }
    "#;
    fs::write(folder.path("own.rhai"), script).expect("write a script");
    let (script, socket) = (folder.path("own.rhai").display().to_string(), folder.path("socket").display().to_string());
    Tcpx::new(&["run", &script, &socket]).run().code(0).wrote("refused\n");
    let _ = fs::remove_file(folder.path("socket"));
    Tcpx::new(&["test", &script, "--", &socket]).run().code(0);

    let ((_server, address), start) = (Tcpx::new(&["-u"]).listen(), "conn.start_tls();");
    let handler = "fn on_connect(conn) { conn.start_tls(); }";
    fs::write(folder.path("handler.rhai"), handler).expect("write a script");
    let file = folder.path("handler.rhai").display().to_string();
    for words in [["-u", "--session", start], ["-u", "--script", &file]] {
        let done = Tcpx::new(&words).connect(address).finish();
        done.code(112).said(&format!("start_tls: TLS needs a stream, and {address} has datagrams; DTLS is not spoken"));
    }
}
