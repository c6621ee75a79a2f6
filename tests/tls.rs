//! TLS against openssl, ncat, socat and curl, as client and as server. Certificates are made by each test.

use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::peers::{have, start_server};
use crate::support::peer::{Conn, Server};
use crate::support::{Running, Stdin, Tcpx, noise, unread_at, wait_for};

/// A root, and certificates that it has signed, in files.
pub(crate) struct Pki {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    /// A root in `ca.pem`; a certificate for localhost and 127.0.0.1 in `cert.pem`, its key in `key.pem`.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "a root of a test");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let pki = Self { dir: TempDir::new().expect("a folder"), issuer };
        std::fs::write(pki.path("ca.pem"), pem("CERTIFICATE", pki.issuer.der())).expect("write the root");
        pki.add("", &["localhost", "127.0.0.1"], |_| {});
        pki
    }

    /// Writes another certificate, in files whose names begin with `prefix`.
    pub(crate) fn add(&self, prefix: &str, names: &[&str], change: impl FnOnce(&mut CertificateParams)) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(self.path(&format!("{prefix}cert.pem")), pem("CERTIFICATE", cert.der()))
            .expect("write a certificate");
        std::fs::write(self.path(&format!("{prefix}key.pem")), pem("PRIVATE KEY", &key.serialize_der()))
            .expect("write a key");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The line of a peer with `@CA`, `@CERT` and `@KEY` replaced.
    pub(crate) fn words(&self, line: &str) -> Vec<String> {
        let names = [("@CA", "ca.pem"), ("@CERT", "cert.pem"), ("@KEY", "key.pem")];
        let replaced = names.iter().fold(line.to_owned(), |line, (word, name)| line.replace(word, &self.word(name)));
        replaced.split_whitespace().map(str::to_owned).collect()
    }

    /// A tcpx that trusts the root.
    pub(crate) fn client(&self) -> Tcpx {
        Tcpx::new(&["--tls", "--tls-ca", &self.word("ca.pem")])
    }

    /// A tcpx with the certificate.
    pub(crate) fn server(&self) -> Tcpx {
        Tcpx::new(&["--tls", "--tls-cert", &self.word("cert.pem"), "--tls-key", &self.word("key.pem")])
    }
}

/// DER as PEM.
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Starts a server of another program that speaks TLS.
fn start(pki: &Pki, program: &str, line: &str, stdin: impl Fn() -> Stdin) -> (Running, SocketAddr) {
    let words = pki.words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    start_server(program, &words, stdin)
}

const S_SERVER: &str = "s_server -accept 127.0.0.1:PORT -cert @CERT -key @KEY -quiet";

// ---- tcpx is the client ----------------------------------------------------------------------------------

#[test]
fn an_answer_of_openssl_comes_whole_and_its_end_is_an_end() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    for version in ["", " -tls1_2", " -tls1_3"] {
        let (_server, address) = start(&pki, "openssl", &format!("{S_SERVER} -www{version}"), || Stdin::Null);
        let request = Stdin::bytes(b"GET / HTTP/1.0\r\n\r\n");
        let done = pki.client().arg("-v").stdin(request).connect(address).finish();
        done.code(0);
        assert!(done.stdout.starts_with(b"HTTP/1.0 200 ok"), "{}", String::from_utf8_lossy(&done.stdout));
        assert!(done.stderr.contains("TLS 1."), "{}", done.stderr);
        assert!(done.stderr.contains("SHA-256"), "{}", done.stderr);
    }
}

#[test]
fn much_goes_both_ways_with_ncat_and_socat() {
    let pki = Pki::new();
    let (ours, theirs) = (noise(1 << 20, 30), noise(1 << 20, 31));
    for (program, line) in [
        ("ncat", "-l --ssl --ssl-cert @CERT --ssl-key @KEY 127.0.0.1 PORT"),
        ("socat", "-t 60 OPENSSL-LISTEN:PORT,bind=127.0.0.1,reuseaddr,cert=@CERT,key=@KEY,verify=0 -"),
    ] {
        if !have(&[program]) {
            continue;
        }
        println!("with {program}");
        let (server, address) = start(&pki, program, line, || Stdin::bytes(&theirs));
        let mut tcpx = pki.client().stdin(Stdin::Open).connect(address);
        tcpx.write(&ours);
        assert!(tcpx.out.wait(|bytes| bytes.len() >= theirs.len()), "{} bytes came", tcpx.out.bytes().len());
        tcpx.close_stdin();
        let done = tcpx.finish();
        crate::support::assert_same(&done.stdout, &theirs, &format!("what {program} sent"));
        let server = server.finish();
        crate::support::assert_same(&server.stdout, &ours, &format!("what {program} got"));
    }
}

#[test]
fn a_peer_that_only_closes_was_cut_off() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    let (mut server, address) = start(&pki, "openssl", S_SERVER, || Stdin::Open);
    let mut tcpx = pki.client().stdin(Stdin::Open).connect(address);
    server.write(b"half an ans");
    tcpx.wait_stdout(b"half an ans");
    // Killed, it cannot say goodbye.
    drop(server);
    let done = tcpx.finish();
    done.code(18).wrote("half an ans");
    assert!(done.stderr.contains("no close_notify"), "{}", done.stderr);
}

#[test]
fn what_is_verified_is_name_chain_and_dates() {
    let pki = Pki::new();
    pki.add("old-", &["localhost", "127.0.0.1"], |params| params.not_after = rcgen::date_time_ymd(2020, 1, 2));
    pki.add("new-", &["localhost", "127.0.0.1"], |params| params.not_before = rcgen::date_time_ymd(2090, 1, 2));
    pki.add("other-", &["other.example"], |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    });
    pki.add("bare-", &[], |params| params.distinguished_name.push(rcgen::DnType::CommonName, "localhost"));
    let (ca, bare, other) = (pki.word("ca.pem"), pki.word("bare-cert.pem"), pki.word("other-cert.pem"));
    let trusting = ["--tls", "--tls-ca", &ca];
    for (prefix, options, code, says) in [
        ("", &trusting[..], 0, ""),
        ("", &["--tls"], 60, "signed by CN=a root of a test, which is not trusted"),
        ("", &["--tls", "--tls-insecure"], 0, ""),
        ("", &["--tls", "--tls-ca", &ca, "--tls-name", "elsewhere.example"], 60, "not for elsewhere.example"),
        ("", &["--tls", "--tls-ca", &ca, "--tls-name", "localhost"], 0, ""),
        ("old-", &trusting, 60, "expired on 2020-01-02"),
        ("new-", &trusting, 60, "not valid before 2090-01-02"),
        ("other-", &trusting, 60, "is for other.example, not for 127.0.0.1"),
        ("bare-", &trusting, 60, "names no host"),
        ("bare-", &["--tls", "--tls-ca", &bare, "--tls-name", "localhost"], 60, "names no host"),
        ("bare-", &["--tls", "--tls-ca", &bare], 60, "names no host"),
        ("other-", &["--tls", "--tls-ca", &other, "--tls-name", "localhost"], 60, "is for other.example"),
        ("old-", &["--tls", "--tls-insecure"], 0, ""),
        ("", &["--tls", "--tls-ca", "/nowhere/ca.pem"], 77, "no such file"),
        ("", &["--tls", "--tls-ca", &pki.word("key.pem")], 77, "no certificate in it"),
    ] {
        let (cert, key) = (pki.word(&format!("{prefix}cert.pem")), pki.word(&format!("{prefix}key.pem")));
        let (server, address) = Tcpx::new(&["--tls", "--tls-cert", &cert, "--tls-key", &key, "-k"]).listen();
        let done = Tcpx::new(options).arg("-z").connect(address).finish();
        done.code(code);
        assert!(done.stderr.contains(says), "{prefix} {options:?}: {}", done.stderr);
        drop(server);
    }
}

#[test]
fn the_system_may_trust_somebody_or_nobody() {
    let pki = Pki::new();
    let (_server, address) = pki.server().arg("-k").listen();
    let connect = |file: &str| {
        let variables = [format!("SSL_CERT_FILE={file}"), "SSL_CERT_DIR=/no/such".to_owned()];
        Tcpx::new(&["--tls", "-z"]).under(&["env", &variables[0], &variables[1]]).connect(address).finish()
    };
    connect(&pki.word("ca.pem")).code(0).quietly();
    connect("/no/such/file").code(77).said("has no certificates to trust: read /no/such/file: no such file");
}

#[test]
fn a_server_in_the_clear_is_no_server_of_tls() {
    let server = Server::start();
    let tcpx = Tcpx::new(&["--tls"]).connect(server.address);
    let mut conn = server.accept();
    conn.send(b"220 mail.example ESMTP\r\n");
    let done = tcpx.finish();
    done.code(35);
    assert!(done.stderr.contains("does not speak TLS: it sent \"220 mail.example"), "{}", done.stderr);
    let (_echo, address) = Tcpx::new(&["--script", "@echo"]).listen();
    let done = Tcpx::new(&["--tls", "--tls-insecure"]).connect(address).finish();
    done.code(35).said("does not speak TLS: it sends back what it gets");
}

#[test]
fn a_handshake_that_does_not_go_on_is_given_up() {
    for (options, says) in [
        (&["--tls", "--handshake-timeout", "200ms"][..], "handshake timed out after 200ms (--handshake-timeout)"),
        (&["--tls", "-w", "300ms"], "handshake timed out after 300ms"),
    ] {
        let server = Server::start();
        let tcpx = Tcpx::new(options).connect(server.address);
        let _conn = server.accept();
        let done = tcpx.finish();
        done.code(28);
        assert!(done.stderr.contains(says), "{}", done.stderr);
    }
    for close in [Conn::half_close, |conn: &mut Conn| conn.another().reset()] {
        let server = Server::start();
        let tcpx = Tcpx::new(&["--tls"]).connect(server.address);
        let mut conn = server.accept();
        conn.send(&[0x16]);
        close(&mut conn);
        drop(conn);
        tcpx.finish().code(35);
    }
}

// ---- tcpx is the server ----------------------------------------------------------------------------------

#[test]
fn clients_of_all_kinds_are_answered() {
    let pki = Pki::new();
    let (server, address) = pki.server().args(&["--on-line", "conn.send_line(line.to_upper())"]).listen();
    let port = address.port().to_string();
    for (program, line) in [
        ("openssl", "s_client -connect 127.0.0.1:PORT -CAfile @CA -verify_return_error -quiet -no_ign_eof"),
        ("openssl", "s_client -tls1_2 -connect 127.0.0.1:PORT -CAfile @CA -verify_return_error -quiet -no_ign_eof"),
        ("ncat", "--ssl-verify --ssl-trustfile @CA localhost PORT"),
        ("socat", "-t 60 - OPENSSL:localhost:PORT,cafile=@CA"),
    ] {
        if !have(&[program]) {
            continue;
        }
        println!("with {program}");
        let mut client = Tcpx::other(program, &pki.words(&line.replace("PORT", &port))).stdin(Stdin::Open).spawn();
        client.write(b"hello\n");
        assert!(client.out.wait(|bytes| bytes.ends_with(b"HELLO\n")), "{program}: {}", client.out.text());
        client.close_stdin();
        client.finish();
    }
    pki.client().stdin(Stdin::bytes(b"hello\n")).connect(address).finish().code(0).wrote("HELLO\n").quietly();
    drop(server);
}

#[test]
fn curl_gets_a_page() {
    if !have(&["curl"]) {
        return;
    }
    let pki = Pki::new();
    let page = "if line == \"\" { conn.send(\"HTTP/1.0 200 OK\\r\\n\\r\\nwelcome\\n\"); conn.close() }";
    let (_server, address) = pki.server().args(&["--on-line", page]).listen();
    let url = format!("https://localhost:{}/", address.port());
    let resolve = format!("localhost:{}:127.0.0.1", address.port());
    let words = ["-sS", "--cacert", &pki.word("ca.pem"), "--resolve", &resolve, &url];
    Tcpx::other("curl", &words).run().code(0).wrote("welcome\n");
    let words = ["-sS", &format!("http://127.0.0.1:{}/", address.port())];
    Tcpx::other("curl", &words).run().code(0).wrote("This port speaks TLS: write https://...\n");
}

#[test]
fn a_made_certificate_is_said_and_can_be_pinned() {
    let (mut server, address) = Tcpx::new(&["--tls"]).stdin(Stdin::bytes(b"hello")).listen();
    server.wait_stderr("made for this run");
    let said = server.err.text();
    let sha256 = said.split_whitespace().find(|word| word.len() == 64).expect("a SHA-256").to_owned();
    let wrong = Tcpx::new(&["--tls", "-z", "--tls-pin", &"0".repeat(64)]);
    let done = Tcpx::new(&["--tls", "--tls-pin", &sha256.to_uppercase()]).connect(address).finish();
    done.code(0).wrote("hello").quietly();
    server.finish().code(0);
    let (server, address) = Tcpx::new(&["--tls", "-k"]).listen();
    let done = wrong.connect(address).finish();
    done.code(60);
    assert!(done.stderr.contains("none of the pinned ones"), "{}", done.stderr);
    drop(server);
}

#[test]
fn a_failing_client_ends_a_server_of_one_and_nobody_else() {
    let pki = Pki::new();
    let (server, address) = pki.server().listen();
    Conn::to(address).send(b"hello\n");
    let done = server.finish();
    done.code(35);
    assert!(done.stderr.contains("does not speak TLS: it sent \"hello"), "{}", done.stderr);

    let (server, address) = pki.server().args(&["-k", "--handshake-timeout", "300ms"]).listen();
    let _silent = Conn::to(address);
    Conn::to(address).send(b"hello\n");
    Conn::to(address).send(&[0x16, 3, 1, 2, 0, 1]);
    let mut client = pki.client().stdin(Stdin::Open).connect(address);
    client.write(b"through\n");
    assert!(server.out.wait(|bytes| bytes.ends_with(b"through\n")), "{}", server.out.text());
    assert!(server.err.wait(|bytes| String::from_utf8_lossy(bytes).contains("handshake timed out")));
    client.close_stdin();
    client.finish();
}

#[test]
fn who_ends_without_a_goodbye_gets_all_of_ours_and_its_end() {
    if !have(&["ncat"]) {
        return;
    }
    let pki = Pki::new();
    let lines = "for l in conn.lines() { conn.send_line(l) }";
    for (options, is_told) in [
        (&["-k", "--exec", "cat"][..], true),
        (&["-k", "--sh", "sleep 0.1; cat"], true),
        (&["--on-data", "conn.send(data)"], true),
        (&["--workers", "2", "--on-line", "conn.send_line(line)"], true),
        (&["--session", lines], false),
        (&["--session", "try { conn.read_all() } catch (e) { conn.send(e.got) }"], false),
        (&["--session", "let l = conn.read_line(); conn.send_line(l); conn.read();"], false),
    ] {
        let (server, address) = pki.server().args(options).listen();
        let words = ["--ssl", "127.0.0.1", &address.port().to_string()].map(str::to_owned);
        let client = Tcpx::other("ncat", &words).stdin(Stdin::bytes(b"hello\n")).run();
        client.code(0).wrote("hello\n");
        assert!(!is_told || server.err.wait(|bytes| String::from_utf8_lossy(bytes).contains("no close_notify")));
        server.signal(Signal::TERM);
        // A session that has lost its peer is no failure.
        server.finish().code(143);
    }
    for stdin in [Stdin::Null, Stdin::bytes(b"an answer")] {
        let wanted = if matches!(stdin, Stdin::Null) { "" } else { "an answer" };
        let (server, address) = pki.server().stdin(stdin).listen();
        let words = ["--ssl", "127.0.0.1", &address.port().to_string()].map(str::to_owned);
        Tcpx::other("ncat", &words).stdin(Stdin::bytes(b"hello\n")).run().code(0).wrote(wanted);
        server.finish().code(18).wrote("hello\n");
    }
}

#[test]
fn servers_of_all_kinds_tell_of_a_client_that_fails() {
    let pki = Pki::new();
    let file = |name: &str, code: &str| {
        std::fs::write(pki.path(name), code).expect("write a script");
        pki.word(name)
    };
    let session = "fn session(conn) { for l in conn.lines() { conn.send_line(l) } }";
    let plain = file("session.rhai", session);
    let hears = file("hears.rhai", &format!("{session} fn on_error(conn, err) {{ log(`heard: ${{err.message}}`) }}"));
    for options in [
        &["-k"][..],
        &["-k", "--exec", "cat"],
        &["--on-line", "conn.send_line(line)"],
        &["--session", "for l in conn.lines() { conn.send_line(l) }"],
        &["--workers", "2", "--session", "for l in conn.lines() { conn.send_line(l) }"],
        &["-m", "1", "--script", &plain],
        &["--script", &hears],
        &["--session", "conn.toxic(\"latency\", #{latency: 1}); conn.send_line(conn.read_line())"],
    ] {
        println!("{options:?}");
        let (server, address) = pki.server().args(options).listen();
        for (bytes, said) in [(&b"hello\n"[..], "does not speak TLS"), (&[0x16, 3, 1, 2, 0, 1], "during the handshake")]
        {
            let told = server.err.text().matches(said).count();
            Conn::to(address).send(bytes);
            let is_told = server.err.wait(|bytes| String::from_utf8_lossy(bytes).matches(said).count() > told);
            assert!(is_told, "{options:?} says nothing of {said:?}: {}", server.err.text());
        }
        if options[0] != "-k" {
            let mut client = pki.client().stdin(Stdin::Open).connect(address);
            client.write(b"through\n");
            assert!(client.out.wait(|bytes| bytes == b"through\n"), "{options:?}: {}", client.out.text());
        }
    }
}

#[test]
fn a_task_that_accepts_gets_the_next_client_after_one_that_fails() {
    let pki = Pki::new();
    let script = pki.path("accept.rhai");
    std::fs::write(
        &script,
        "fn main() {
            let l = listen(\"127.0.0.1:0\", #{tls: #{cert: \"cert.pem\", key: \"key.pem\"}});
            log(`port ${l.port}`);
            for i in 0..2 {
                let c = l.accept(60000);
                c.send(c.read());
                c.close();
            }
        }",
    )
    .expect("write a script");
    let mut server = Tcpx::new(&["run", &script.display().to_string()]).spawn();
    server.wait_stderr("port ");
    let text = server.err.text();
    let port = text.lines().find_map(|line| line.split("port ").nth(1)).expect("a port");
    let address: SocketAddr = format!("127.0.0.1:{}", port.trim()).parse().expect("an address");
    for _ in 0..2 {
        for bytes in [&b"hello\n"[..], &[0x16, 3, 1, 2, 0, 1]] {
            Conn::to(address).send(bytes);
        }
        pki.client().stdin(Stdin::bytes(b"through")).connect(address).finish().code(0).wrote("through");
    }
    let done = server.finish();
    done.code(0);
    assert_eq!(done.stderr.matches("does not speak TLS").count(), 2, "{}", done.stderr);
}

#[test]
fn our_own_certificate_has_to_be_usable() {
    let pki = Pki::new();
    pki.add("other-", &["localhost"], |_| {});
    std::fs::write(pki.path("empty.pem"), "").expect("write a file");
    for (name, text) in [
        ("cut.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n"),
        ("letters.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"),
        ("hello.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"),
    ] {
        std::fs::write(pki.path(name), text).expect("write a file");
    }
    // As openssl wrote them for long, with headers that are no base64.
    let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
               -----END EC PRIVATE KEY-----\n";
    let cert = std::fs::read_to_string(pki.path("cert.pem")).expect("a certificate");
    std::fs::write(pki.path("both.pem"), format!("{cert}{old}")).expect("write a file");
    std::fs::write(pki.path("old.pem"), old).expect("write a file");
    let damaged = "-----BEGIN PRIVATE KEY-----\nMAAwAA==\n-----END PRIVATE KEY-----\n";
    std::fs::write(pki.path("damaged.pem"), damaged).expect("write a file");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAwAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(pki.path("encrypted.pem"), encrypted).expect("write a file");
    for (cert, key, says) in [
        ("cert.pem", "other-key.pem", "not that of the certificate"),
        ("cert.pem", "cert.pem", "there is none in it"),
        ("empty.pem", "key.pem", "certificate"),
        ("nowhere.pem", "key.pem", "no such file"),
        ("cert.pem", "nowhere.pem", "no such file"),
        ("cert.pem", "encrypted.pem", "encrypted"),
        ("both.pem", "both.pem", "encrypted"),
        ("cert.pem", "old.pem", "encrypted"),
        ("old.pem", "key.pem", "there is no certificate in it"),
        ("cert.pem", "damaged.pem", "damaged, or of a kind that is not supported"),
        (".", "key.pem", "directory"),
        ("cut.pem", "key.pem", "its END line is missing"),
        ("letters.pem", "key.pem", "it is no base64"),
        ("hello.pem", "key.pem", "our certificate: it is malformed"),
    ] {
        let (cert, key) = (pki.word(cert), pki.word(key));
        let done = Tcpx::new(&["--tls", "--tls-cert", &cert, "--tls-key", &key]).listen_unheard().finish();
        done.code(58);
        assert!(done.stderr.contains(says), "{cert} {key}: {}", done.stderr);
        let words = ["connect", "--tls", "--tls-cert", &cert, "--tls-key", &key, "127.0.0.1", "1"];
        Tcpx::new(&words).run().code(58);
    }
}

#[test]
fn certificates_of_version_1_are_named() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    let openssl = |line: &str| {
        let words: Vec<_> = line.split(' ').map(|word| word.replace("PKI", &pki.word(""))).collect();
        let done = Tcpx::other("openssl", &words).run();
        done.code(0);
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    openssl("req -new -key PKI/key.pem -subj /CN=localhost -out PKI/request.pem");
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout PKI/root-key.pem -subj /CN=root -days 2 -out PKI/root.pem");
    for (name, signed) in
        [("own", "-signkey PKI/key.pem"), ("other", "-CA PKI/root.pem -CAkey PKI/root-key.pem -set_serial 7")]
    {
        openssl(&format!("x509 -req -in PKI/request.pem {signed} -days 2 -out PKI/{name}.pem"));
        if !openssl(&format!("x509 -in PKI/{name}.pem -noout -text")).contains("Version: 1 ") {
            // Newer versions of openssl make none.
            return;
        }
        let files = ["--tls", "--tls-cert", &pki.word(&format!("{name}.pem")), "--tls-key", &pki.word("key.pem")];
        let done = Tcpx::new(&files).listen_unheard().finish();
        done.code(58);
        assert!(done.stderr.contains("our certificate: it is of X.509 version 1"), "{}", done.stderr);
    }
    let line = S_SERVER.replace("@CERT", &pki.word("other.pem"));
    let (_server, address) = start(&pki, "openssl", &line, || Stdin::Open);
    let done = pki.client().connect(address).finish();
    done.code(60);
    assert!(done.stderr.contains("not acceptable: it is of X.509 version 1"), "{}", done.stderr);
}

#[test]
fn clients_may_have_to_show_a_certificate() {
    let pki = Pki::new();
    let options = ["-k", "--tls-client-ca", &pki.word("ca.pem")];
    let (_server, address) = pki.server().args(&options).stdin(Stdin::Open).listen();
    let done = pki.client().stdin(Stdin::Open).connect(address).finish();
    done.code(35);
    assert!(done.stderr.contains("requires a certificate of ours"), "{}", done.stderr);
    let ours = ["--tls-cert", &pki.word("cert.pem"), "--tls-key", &pki.word("key.pem")];
    pki.client().args(&ours).arg("-z").connect(address).finish().code(0).quietly();
}

// ---- versions, keys, programs, workers -------------------------------------------------------------------

#[test]
fn versions_that_cannot_be_had_are_named() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    for version in ["-tls1", "-tls1_1"] {
        let line = format!("{S_SERVER} {version} -cipher DEFAULT:@SECLEVEL=0");
        let (_server, address) = start(&pki, "openssl", &line, || Stdin::Open);
        let done = pki.client().connect(address).finish();
        done.code(35);
        assert!(done.stderr.contains("neither TLS 1.2 nor TLS 1.3"), "{version}: {}", done.stderr);
        let (server, address) = pki.server().listen();
        let connect = address.to_string();
        let words = ["s_client", "-connect", &connect, version, "-cipher", "DEFAULT:@SECLEVEL=0"];
        Tcpx::other("openssl", &words).run();
        let done = server.finish();
        done.code(35);
        assert!(done.stderr.contains("neither TLS 1.2 nor TLS 1.3"), "{version}: {}", done.stderr);
    }
}

#[test]
fn secrets_of_a_session_are_logged_where_the_environment_says() {
    let pki = Pki::new();
    let file = pki.word("keys.log");
    let variable = format!("SSLKEYLOGFILE={file}");
    let (server, address) = pki.server().stdin(Stdin::Open).listen();
    let client = pki.client().under(&["env", &variable]).stdin(Stdin::bytes(b"x")).connect(address);
    client.finish().code(0);
    server.finish().code(0);
    let log = std::fs::read_to_string(&file).expect("a log of keys");
    for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"] {
        let line = log.lines().find(|line| line.split(' ').next() == Some(label)).expect(label);
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!((words.len(), words[1].len()), (3, 64), "{line}");
        assert!(words[1..].iter().all(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit())), "{line}");
    }
}

#[test]
fn programs_workers_and_toxics_speak_tls() {
    let pki = Pki::new();
    let slow = "conn.toxic(\"slicer\", #{ dir: \"out\", average_size: 9 });";
    let script = format!("fn on_connect(conn) {{ {slow} }} fn on_line(conn, line) {{ conn.send_line(line) }}");
    let file = pki.word("toxic.rhai");
    std::fs::write(&file, script).expect("write a script");
    for options in [
        &["-k", "--exec", "cat"][..],
        &["-k", "--sh", "exec cat"],
        &["--workers", "2", "--on-line", "conn.send_line(line)"],
        &["--script", &file],
    ] {
        let (_server, address) = pki.server().args(options).listen();
        for _ in 0..3 {
            let mut client = pki.client().stdin(Stdin::Open).connect(address);
            client.write(b"hello\n");
            assert!(client.out.wait(|bytes| bytes == b"hello\n"), "{options:?}: {}", client.out.text());
            client.close_stdin();
            client.finish();
        }
    }
}

#[test]
fn a_server_that_is_stopped_writes_what_has_come_and_says_no_goodbye() {
    let pki = Pki::new();
    let (mut server, address) = pki.server().arg("-k").with_default_signals().listen();
    let mut client = pki.client().arg("-x").stdin(Stdin::Open).connect(address);
    client.write(b"the first");
    server.wait_stdout(b"the first");
    // Stopped, it cannot read before the signal comes.
    server.signal(Signal::STOP);
    client.write(b", the second");
    // What is shown as sent may still be on its way.
    client.wait_stderr("the second");
    wait_for("the record to arrive", || unread_at(address) > 0);
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    server.finish().code(143).wrote("the first, the second");
    // An orderly end would be 0.
    client.finish().code(56);
}
