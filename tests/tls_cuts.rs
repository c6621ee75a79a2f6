//! TLS that is cut short or changed on its way, and how that end is passed on to somebody else.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::peers::{have, start_server};
use crate::support::peer::Server;
use crate::support::{Running, Stdin, Tcpx};
use crate::tls::Pki;

/// What somebody on the way does once the client has ended its side.
#[derive(Clone, Copy)]
enum Meddling {
    /// Puts these bytes behind what the server has sent, and says nothing more.
    Add(&'static [u8]),
    /// Ends the stream to the client, without the server's goodbye.
    End,
    /// Only passes the end on.
    None,
}

/// Somebody on the way to a server, for one client. Both connections stay until what is returned goes.
fn on_the_way(server: SocketAddr, meddling: Meddling) -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let address = listener.local_addr().expect("an address");
    let (kept, end) = channel::<()>();
    thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        let mut server = TcpStream::connect(server)?;
        let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
        thread::spawn(move || io::copy(&mut answers, &mut to_client));
        io::copy(&mut client, &mut server)?;
        match meddling {
            Meddling::Add(bytes) => client.write_all(bytes)?,
            Meddling::None => server.shutdown(Shutdown::Write)?,
            Meddling::End => client.shutdown(Shutdown::Write)?,
        }
        // Nothing is sent: this is the end of the test.
        let _ = end.recv();
        io::Result::Ok(())
    });
    (address, kept)
}

#[test]
fn what_is_no_tls_ends_a_connection_whose_own_end_was_said() {
    let pki = Pki::new();
    for (bytes, says) in [
        (&b"hello in the clear"[..], "the peer went on with bytes that are no TLS record"),
        (b"\x17\x03\x03\x00\x05abcde", "a record was changed on its way (it does not decrypt)"),
    ] {
        for options in [&[][..], &["--session", "conn.shutdown(); conn.read_all()"], &["--sh", "exec cat > /dev/null"]]
        {
            let (mut server, address) = pki.server().stdin(Stdin::Open).listen();
            server.write(b"answer");
            let (way, _kept) = on_the_way(address, Meddling::Add(bytes));
            let done = pki.client().args(options).stdin(Stdin::Null).connect(way).finish();
            done.code(56).said(says);
        }
    }
}

/// A relay: what its clients send goes to `target`, in TLS if `is_tls`.
fn relay(pki: &Pki, of_clients: Tcpx, target: SocketAddr, is_tls: bool) -> (Running, SocketAddr) {
    let options = if is_tls { "#{tls: #{ca: \"ca.pem\"}}" } else { "#{}" };
    let name = if is_tls { "to-tls.rhai" } else { "to-tcp.rhai" };
    let code = format!(
        "fn on_connect(conn) {{ if conn.side == \"server\" {{ conn.pipe(connect(\"{target}\", {options})); }} }}"
    );
    std::fs::write(pki.path(name), code).expect("write a script");
    of_clients.args(&["--script", &pki.word(name)]).listen()
}

#[test]
fn a_server_that_is_cut_short_is_no_orderly_end_behind_a_relay() {
    let pki = Pki::new();
    for is_cut in [true, false] {
        for is_tls in [false, true] {
            let plain = || Tcpx::new::<&str>(&[]);
            let (mut server, address) = pki.server().stdin(Stdin::Open).listen();
            let (way, _kept) = on_the_way(address, if is_cut { Meddling::End } else { Meddling::None });
            let (relay, of_relay) = relay(&pki, if is_tls { pki.server() } else { plain() }, way, true);
            let client = if is_tls { pki.client() } else { plain() };
            let mut client = client.stdin(Stdin::Open).connect(of_relay);
            server.write(b"half an ans");
            client.wait_stdout(b"half an ans");
            client.close_stdin();
            if !is_cut {
                server.close_stdin();
            }
            let done = client.finish();
            let wanted = match (is_cut, is_tls) {
                (false, _) => 0,
                (true, true) => 18,
                (true, false) => 56,
            };
            done.code(wanted).wrote("half an ans");
            if is_cut {
                assert!(relay.err.wait(|text| String::from_utf8_lossy(text).contains("no close_notify")));
            }
        }
    }
}

#[test]
fn a_client_that_says_no_goodbye_gets_its_answer_through_a_relay() {
    if !have(&["ncat"]) {
        return;
    }
    let pki = Pki::new();
    let backend = Server::start();
    let (relay, address) = relay(&pki, pki.server(), backend.address, false);
    let words = ["--ssl", "127.0.0.1", &address.port().to_string()].map(str::to_owned);
    let client = Tcpx::other("ncat", &words).stdin(Stdin::bytes(b"question")).spawn();
    let mut conn = backend.accept();
    conn.expect(b"question");
    conn.expect_eof();
    conn.send(b"answer");
    drop(conn);
    client.finish().code(0).wrote("answer");
    assert!(relay.err.wait(|text| String::from_utf8_lossy(text).contains("no close_notify")));
    // Where TLS goes on, its end is without a goodbye, too.
    let line = pki.words("s_server -accept 127.0.0.1:PORT -cert @CERT -key @KEY -quiet -www");
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    if have(&["openssl"]) {
        let (_server, address) = start_server("openssl", &line, || Stdin::Null);
        let (_relay, address) = self::relay(&pki, pki.server(), address, true);
        let words = ["--ssl", "127.0.0.1", &address.port().to_string()].map(str::to_owned);
        let done = Tcpx::other("ncat", &words).stdin(Stdin::bytes(b"GET / HTTP/1.0\r\n\r\n")).run();
        assert!(done.stdout.starts_with(b"HTTP/1.0 200 ok"), "{}", String::from_utf8_lossy(&done.stdout));
    }
}
