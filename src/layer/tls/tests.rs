//! Two layers against each other, client and server, with the bytes between them cut in every way.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::certificate::Fingerprint;
use super::verifier::{Trust, Verifier};
use super::*;
use Direction::{In, Out};

const NAME: &str = "example.org";

type Versions = &'static [&'static SupportedProtocolVersion];
static ONLY_12: Versions = &[&TLS12];
static ONLY_13: Versions = &[&TLS13];
static BOTH: Versions = &[&TLS12, &TLS13];

/// What one test changes.
struct Setup {
    versions: Versions,
    trust: fn(&Pki) -> Trust,
    params: fn(&mut CertificateParams),
    names: &'static [&'static str],
    is_self_signed: bool,
    wants_client: bool,
    shows_client: bool,
    alpn: [&'static [&'static str]; 2],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            versions: ONLY_13,
            trust: authority,
            params: |_| {},
            names: &[NAME],
            is_self_signed: false,
            wants_client: false,
            shows_client: false,
            alpn: [&[], &[]],
        }
    }
}

struct Pki {
    root: CertificateDer<'static>,
    cert: CertificateDer<'static>,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn store(root: &CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates([root.clone()]);
    Arc::new(store)
}

fn trusting(root: &CertificateDer<'static>) -> Trust {
    let signed = rustls::client::WebPkiServerVerifier::builder_with_provider(store(root), provider()).build().unwrap();
    Trust::Authorities { certificates: vec![root.clone()], signed, common_name: false }
}

fn authority(pki: &Pki) -> Trust {
    trusting(&pki.root)
}

/// Both sides of a connection.
struct Pair {
    client: Tls,
    server: Tls,
    now: Instant,
    cert: CertificateDer<'static>,
}

fn pair(setup: &Setup) -> Pair {
    let issuer_key = KeyPair::generate().unwrap();
    let mut issuer = CertificateParams::new(Vec::new()).unwrap();
    issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    issuer.distinguished_name.push(rcgen::DnType::CommonName, "the root");
    let issuer = CertifiedIssuer::self_signed(issuer, issuer_key).unwrap();
    let root = issuer.der().clone();
    let make = |names: &[&str]| {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        (setup.params)(&mut params);
        let cert = if setup.is_self_signed { params.self_signed(&key) } else { params.signed_by(&key, &issuer) };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (cert.unwrap().der().clone(), key)
    };
    let (cert, key) = make(setup.names);
    let pki = Pki { root, cert };
    let alpn = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();

    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(setup.versions).unwrap();
    let builder = if setup.wants_client {
        let verifier = WebPkiClientVerifier::builder_with_provider(store(&pki.root), provider()).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut server = builder.with_single_cert(vec![pki.cert.clone()], key).unwrap();
    server.alpn_protocols = alpn(setup.alpn[1]);
    let server = ServerSide { config: Arc::new(server) };

    let trust = Arc::new((setup.trust)(&pki));
    let verifier = Verifier { trust: Arc::clone(&trust), provider: provider(), reason: Reason::default() };
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(setup.versions).unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut client = if setup.shows_client {
        let (cert, key) = make(&["client"]);
        builder.with_client_auth_cert(vec![cert], key).unwrap()
    } else {
        builder.with_no_client_auth()
    };
    client.alpn_protocols = alpn(setup.alpn[0]);
    let client = ClientSide { config: Arc::new(client), trust };

    let now = Instant::now();
    let limit = HandshakeLimit { at: now + Duration::from_secs(10), message: "too slow".to_owned() };
    let name = ServerName::try_from(NAME).unwrap();
    Pair {
        client: Tls::client(&client, name, limit.clone()).unwrap(),
        server: Tls::server(&server, limit).unwrap(),
        now,
        cert: pki.cert,
    }
}

/// What one layer has given out inwards.
#[derive(Debug, Default, PartialEq, Eq)]
struct Got {
    bytes: Vec<u8>,
    has_ended: bool,
}

/// Takes what a layer gives out inwards, until nothing is due.
fn take(layer: &mut Tls, now: Instant, got: &mut Got) -> Result<(), LayerError> {
    while let Some(flow) = layer.poll(now, In)? {
        match flow {
            Flow::Data(bytes) => got.bytes.extend(bytes),
            Flow::Eof => got.has_ended = true,
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

/// What a layer has for the wire, and whether that ends there.
fn wire(layer: &mut Tls, now: Instant) -> Result<(Vec<u8>, bool), LayerError> {
    let mut bytes = Vec::new();
    while let Some(flow) = layer.poll(now, Out)? {
        match flow {
            Flow::Data(piece) => bytes.extend(piece),
            Flow::Eof => return Ok((bytes, true)),
            other => panic!("{other:?}"),
        }
    }
    Ok((bytes, false))
}

impl Pair {
    /// Carries bytes between the two, `cut` at a time, until nothing moves. Returns what each has got.
    fn talk(&mut self, cut: usize) -> Result<[Got; 2], LayerError> {
        let mut got = [Got::default(), Got::default()];
        loop {
            let mut is_moved = false;
            for to_server in [true, false] {
                let (from, to) =
                    if to_server { (&mut self.client, &mut self.server) } else { (&mut self.server, &mut self.client) };
                let got = &mut got[usize::from(to_server)];
                let (bytes, _) = wire(from, self.now)?;
                for piece in bytes.chunks(cut) {
                    is_moved = true;
                    to.push(self.now, In, Flow::Data(piece.to_vec()));
                    take(to, self.now, got)?;
                }
                take(to, self.now, got)?;
            }
            if !is_moved {
                return Ok(got);
            }
        }
    }

    fn are_open(&self) -> bool {
        self.client.state() == State::Open && self.server.state() == State::Open
    }
}

fn send(layer: &mut Tls, now: Instant, text: &[u8]) {
    layer.push(now, Out, Flow::Data(text.to_vec()));
}

/// The fault that ends a handshake.
fn refusal(setup: &Setup) -> LayerError {
    let mut pair = pair(setup);
    pair.talk(usize::MAX).expect_err("a handshake that fails")
}

#[test]
fn both_versions_agree_however_the_bytes_are_cut() {
    for (versions, name) in [(ONLY_12, "TLS 1.2"), (ONLY_13, "TLS 1.3"), (BOTH, "TLS 1.3")] {
        for cut in [1, 2, 3, 5, 7, 64, 1000, usize::MAX] {
            let mut pair = pair(&Setup { versions, ..Setup::default() });
            assert!(!pair.are_open());
            pair.talk(cut).unwrap();
            assert!(pair.are_open(), "{name} cut {cut}");
            let now = pair.now;
            send(&mut pair.client, now, b"ping");
            send(&mut pair.server, now, b"pong");
            let [client, server] = pair.talk(cut).unwrap();
            assert_eq!((&client.bytes[..], &server.bytes[..]), (&b"pong"[..], &b"ping"[..]), "{name} cut {cut}");
            let facts = pair.client.facts().unwrap();
            assert_eq!(facts.version, name);
            assert_eq!(facts.name.as_deref(), Some(NAME));
            assert_eq!(facts.peer.unwrap().names, [NAME]);
            assert_eq!(pair.server.facts().unwrap().name.as_deref(), Some(NAME));
        }
    }
}

#[test]
fn every_border_within_the_first_flight_is_harmless() {
    let mut start = pair(&Setup::default());
    let length = wire(&mut start.client, start.now).unwrap().0.len();
    for at in 1..length {
        let mut pair = pair(&Setup::default());
        let (hello, _) = wire(&mut pair.client, pair.now).unwrap();
        for piece in [&hello[..at.min(hello.len())], &hello[at.min(hello.len())..]] {
            pair.server.push(pair.now, In, Flow::Data(piece.to_vec()));
            take(&mut pair.server, pair.now, &mut Got::default()).unwrap();
        }
        pair.talk(usize::MAX).unwrap();
        assert!(pair.are_open(), "cut at {at}");
    }
}

#[test]
fn what_was_sent_before_the_handshake_was_done_goes_out_behind_it() {
    let mut pair = pair(&Setup::default());
    send(&mut pair.client, pair.now, b"early");
    assert_eq!(pair.client.held(Out), 5);
    let [_, server] = pair.talk(7).unwrap();
    assert_eq!(server.bytes, b"early");
    assert_eq!((pair.client.held(Out), pair.client.take_sent(), pair.client.take_sent()), (0, 5, 0));
}

#[test]
fn a_goodbye_is_a_half_close() {
    for versions in [ONLY_12, ONLY_13] {
        let mut pair = pair(&Setup { versions, ..Setup::default() });
        pair.talk(usize::MAX).unwrap();
        let now = pair.now;
        send(&mut pair.client, now, b"question");
        pair.client.push(now, Out, Flow::Eof);
        let (bytes, _) = wire(&mut pair.client, now).unwrap();
        pair.server.push(now, In, Flow::Data(bytes));
        let mut got = Got::default();
        take(&mut pair.server, now, &mut got).unwrap();
        assert_eq!(got, Got { bytes: b"question".to_vec(), has_ended: true });
        pair.server.push(now, In, Flow::Eof);
        take(&mut pair.server, now, &mut got).unwrap();
        send(&mut pair.server, now, b"answer");
        pair.server.push(now, Out, Flow::Eof);
        let (bytes, has_ended) = wire(&mut pair.server, now).unwrap();
        assert!(has_ended, "the end follows the goodbye");
        let mut got = Got::default();
        pair.client.push(now, In, Flow::Data(bytes));
        pair.client.push(now, In, Flow::Eof);
        take(&mut pair.client, now, &mut got).unwrap();
        assert_eq!(got, Got { bytes: b"answer".to_vec(), has_ended: true });
    }
}

#[test]
fn an_end_without_a_goodbye_is_cut_short_after_what_came_before() {
    let mut pair = pair(&Setup::default());
    pair.talk(usize::MAX).unwrap();
    let now = pair.now;
    send(&mut pair.server, now, b"half an ans");
    let (bytes, _) = wire(&mut pair.server, now).unwrap();
    pair.client.push(now, In, Flow::Data(bytes));
    pair.client.push(now, In, Flow::Eof);
    let mut got = Got::default();
    let fault = take(&mut pair.client, now, &mut got).unwrap_err();
    assert_eq!((fault.kind, &got.bytes[..]), (LayerErrorKind::CutShort, &b"half an ans"[..]));
    assert!(!got.has_ended);
    assert_eq!(pair.client.poll(now, In), Ok(None), "it is told once");
}

#[test]
fn an_end_in_the_handshake_is_its_failure() {
    let mut pair = pair(&Setup::default());
    let (hello, _) = wire(&mut pair.client, pair.now).unwrap();
    pair.server.push(pair.now, In, Flow::Data(hello[..20].to_vec()));
    pair.server.push(pair.now, In, Flow::Eof);
    let fault = take(&mut pair.server, pair.now, &mut Got::default()).unwrap_err();
    assert_eq!(fault.kind, LayerErrorKind::Handshake);
}

#[test]
fn a_silent_handshake_has_a_limit() {
    let mut pair = pair(&Setup::default());
    let at = pair.now + Duration::from_secs(10);
    assert_eq!(pair.client.next_timeout(In), Some(at));
    let almost = at.checked_sub(Duration::from_millis(1)).unwrap();
    assert_eq!(pair.client.poll(almost, In), Ok(None));
    let fault = pair.client.poll(at, In).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (LayerErrorKind::Timeout, "too slow"));
    pair.server.limit = None;
    assert_eq!(pair.server.next_timeout(In), None);
}

#[test]
fn no_limit_is_left_once_it_is_open() {
    let mut pair = pair(&Setup::default());
    pair.talk(usize::MAX).unwrap();
    assert_eq!(pair.client.next_timeout(In), None);
    assert_eq!(pair.client.poll(pair.now + Duration::from_secs(99), In), Ok(None));
}

#[test]
fn a_refused_certificate_says_why() {
    let dates: fn(&mut CertificateParams) = |params| params.not_after = date_time_ymd(2020, 2, 3);
    let future: fn(&mut CertificateParams) = |params| params.not_before = date_time_ymd(2093, 2, 3);
    let own_root = |pki: &Pki| trusting(&pki.cert);
    let stranger = |_: &Pki| {
        let params = CertificateParams::new(["stranger".to_owned()]).unwrap();
        trusting(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
    };
    for (setup, why) in [
        (
            Setup { names: &["other.example", "127.0.0.1"], ..Setup::default() },
            "is for other.example, 127.0.0.1, not for",
        ),
        (Setup { names: &[], ..Setup::default() }, "names no host (no subject alternative name)"),
        (Setup { params: dates, ..Setup::default() }, "expired on 2020-02-03"),
        (Setup { params: future, ..Setup::default() }, "not valid before 2093-02-03"),
        (Setup { trust: stranger, ..Setup::default() }, "is signed by CN=the root, which is not trusted"),
        (Setup { trust: stranger, is_self_signed: true, ..Setup::default() }, "is self-signed and not trusted"),
        (Setup { trust: |_| Trust::Pinned(vec![Fingerprint([7; 32])]), ..Setup::default() }, "none of the pinned ones"),
        (Setup { trust: own_root, is_self_signed: true, params: dates, ..Setup::default() }, "expired on 2020-02-03"),
        (Setup { trust: own_root, is_self_signed: true, names: &["x"], ..Setup::default() }, "is for x, not for"),
        (Setup { trust: own_root, is_self_signed: true, params: future, ..Setup::default() }, "not valid before 2093"),
    ] {
        let fault = refusal(&setup);
        assert_eq!(fault.kind, LayerErrorKind::Untrusted, "{}", fault.message);
        assert!(fault.message.contains(why) && fault.message.contains("SHA-256"), "{why}: {}", fault.message);
    }
}

#[test]
fn nobody_to_trust_is_no_reason_to_blame_the_certificate() {
    let trust = |_: &Pki| Trust::System(Box::new(|| Err("nobody".to_owned())));
    let fault = refusal(&Setup { trust, ..Setup::default() });
    assert_eq!((fault.kind, fault.message.as_str()), (LayerErrorKind::NoRoots, "nobody"));
}

#[test]
fn who_is_trusted_may_be_a_certificate_that_signs_itself() {
    let with_ca: fn(&mut CertificateParams) = |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for params in [|_: &mut CertificateParams| {}, with_ca] {
        let trust = |pki: &Pki| trusting(&pki.cert);
        let mut pair = pair(&Setup { trust, is_self_signed: true, params, ..Setup::default() });
        pair.talk(usize::MAX).unwrap();
        assert!(pair.are_open());
    }
}

#[test]
fn a_pinned_certificate_may_have_any_name_and_date() {
    let trust = |pki: &Pki| Trust::Pinned(vec![Fingerprint([7; 32]), Fingerprint::of(&pki.cert)]);
    let params: fn(&mut CertificateParams) = |params| params.not_after = date_time_ymd(2020, 2, 3);
    let mut pinned = pair(&Setup { trust, params, names: &["x"], is_self_signed: true, ..Setup::default() });
    pinned.talk(usize::MAX).unwrap();
    assert!(pinned.are_open());
    let facts = pinned.client.facts().unwrap();
    assert_eq!(facts.peer.unwrap().sha256, Fingerprint::of(&pinned.cert));
    let anybody = |_: &Pki| Trust::Anybody;
    let mut insecure = pair(&Setup { trust: anybody, params, names: &["x"], ..Setup::default() });
    insecure.talk(1).unwrap();
    assert!(insecure.are_open());
}

#[test]
fn the_refused_peer_gets_an_alert() {
    let mut pair = pair(&Setup { names: &["x"], ..Setup::default() });
    let now = pair.now;
    let (hello, _) = wire(&mut pair.client, now).unwrap();
    pair.server.push(now, In, Flow::Data(hello));
    take(&mut pair.server, now, &mut Got::default()).unwrap();
    let (answer, _) = wire(&mut pair.server, now).unwrap();
    pair.client.push(now, In, Flow::Data(answer));
    assert_eq!(pair.client.poll(now, In), Ok(None), "the alert goes out first");
    let Ok(Some(Flow::Data(alert))) = pair.client.poll(now, Out) else { panic!("no alert") };
    assert_eq!(pair.client.poll(now, Out).unwrap_err().kind, LayerErrorKind::Untrusted);
    pair.server.push(now, In, Flow::Data(alert));
    let fault = take(&mut pair.server, now, &mut Got::default()).unwrap_err();
    assert_eq!(fault.kind, LayerErrorKind::Handshake);
    assert!(fault.message.starts_with("the peer refused: "), "{}", fault.message);
}

#[test]
fn a_required_certificate_is_missed_and_a_shown_one_known() {
    for versions in [ONLY_12, ONLY_13] {
        let setup = Setup { versions, wants_client: true, ..Setup::default() };
        let fault = refusal(&setup);
        assert_eq!(fault.kind, LayerErrorKind::Handshake, "{}", fault.message);
        let mut pair = pair(&Setup { shows_client: true, ..setup });
        pair.talk(3).unwrap();
        assert_eq!(pair.server.facts().unwrap().peer.unwrap().names, ["client"]);
    }
}

#[test]
fn a_refusal_after_the_handshake_of_the_client_is_that_of_the_handshake() {
    // With TLS 1.3 the client is done before the server has seen its certificate.
    let mut pair = pair(&Setup { wants_client: true, ..Setup::default() });
    let now = pair.now;
    for _ in 0..2 {
        let (bytes, _) = wire(&mut pair.client, now).unwrap();
        pair.server.push(now, In, Flow::Data(bytes));
        let _ = pair.server.poll(now, In);
        if let Ok(Some(Flow::Data(bytes))) = pair.server.poll(now, Out) {
            pair.client.push(now, In, Flow::Data(bytes));
        }
        if let Err(fault) = pair.client.poll(now, In) {
            assert_eq!(fault.kind, LayerErrorKind::Handshake);
            assert!(fault.message.contains("--tls-cert"), "{}", fault.message);
            return;
        }
    }
    panic!("no refusal");
}

#[test]
fn a_protocol_is_agreed_on_or_the_handshake_fails() {
    let mut both = pair(&Setup { alpn: [&["h2", "http/1.1"], &["http/1.1"]], ..Setup::default() });
    both.talk(usize::MAX).unwrap();
    assert_eq!(both.client.facts().unwrap().alpn.as_deref(), Some("http/1.1"));
    assert_eq!(both.server.facts().unwrap().alpn.as_deref(), Some("http/1.1"));
    let mut one = pair(&Setup { alpn: [&["h2"], &[]], ..Setup::default() });
    one.talk(usize::MAX).unwrap();
    assert_eq!(one.client.facts().unwrap().alpn, None);
    let fault = refusal(&Setup { alpn: [&["h2"], &["http/1.1"]], ..Setup::default() });
    assert_eq!(fault.kind, LayerErrorKind::Handshake);
    assert!(fault.message.contains("--tls-alpn"), "{}", fault.message);
}

#[test]
fn a_peer_that_speaks_in_the_clear_is_recognized() {
    for (said, shown) in [
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], "it sent \"SSH-2.0-OpenSSH_9.2\\r\\n\""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it sent \"HTTP/1.1 400 Bad Request...\""),
        (b"\x16\x02\x00", "it sent"),
        (b"\0", "it sent"),
    ] {
        let mut pair = pair(&Setup::default());
        wire(&mut pair.client, pair.now).unwrap();
        pair.client.push(pair.now, In, Flow::Data(said.to_vec()));
        let fault = take(&mut pair.client, pair.now, &mut Got::default()).unwrap_err();
        assert_eq!(fault.kind, LayerErrorKind::Handshake);
        assert!(fault.message.contains("does not speak TLS") && fault.message.contains(shown), "{}", fault.message);
    }
}

#[test]
fn an_http_client_is_told_in_the_clear() {
    let mut pair = pair(&Setup::default());
    pair.server.push(pair.now, In, Flow::Data(b"GET / HTTP/1.1\r\n\r\n".to_vec()));
    assert_eq!(pair.server.poll(pair.now, In), Ok(None), "the answer goes out first");
    let Ok(Some(Flow::Data(answer))) = pair.server.poll(pair.now, Out) else { panic!("no answer") };
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 ") && head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
    assert!(pair.server.poll(pair.now, Out).unwrap_err().message.contains("GET / HTTP/1.1"));
}

#[test]
fn a_changed_record_is_a_fault_after_what_came_before() {
    let mut pair = pair(&Setup::default());
    pair.talk(usize::MAX).unwrap();
    let now = pair.now;
    send(&mut pair.server, now, b"good");
    let (mut bytes, _) = wire(&mut pair.server, now).unwrap();
    send(&mut pair.server, now, b"evil");
    let (mut changed, _) = wire(&mut pair.server, now).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    bytes.extend(changed);
    pair.client.push(now, In, Flow::Data(bytes));
    let mut got = Got::default();
    take(&mut pair.client, now, &mut got).unwrap();
    assert_eq!(got.bytes, b"good");
    assert!(matches!(pair.client.poll(now, Out), Ok(Some(Flow::Data(_)))), "an alert");
    let fault = pair.client.poll(now, Out).unwrap_err();
    assert_eq!(fault.kind, LayerErrorKind::Protocol);
}

#[test]
fn much_is_moved_in_pieces_and_counted() {
    let mut pair = pair(&Setup::default());
    pair.talk(usize::MAX).unwrap();
    let sent: Vec<u8> = (0..1_000_003_u32).map(|number| (number % 251) as u8).collect();
    let now = pair.now;
    pair.client.tap();
    pair.server.tap();
    send(&mut pair.client, now, &sent);
    assert_eq!(pair.client.held(Out), sent.len());
    let first = pair.client.poll(now, Out).unwrap();
    let Some(Flow::Data(first)) = first else { panic!("{first:?}") };
    assert!(first.len() < 2 * PIECE, "{}", first.len());
    assert!(pair.client.held(Out) >= sent.len() - PIECE);
    pair.server.push(now, In, Flow::Data(first));
    let [_, server] = pair.talk(10_000).unwrap();
    assert!(server.bytes == sent, "{} bytes", server.bytes.len());
    assert_eq!(pair.client.take_sent(), sent.len());
    for (layer, direction) in [(&mut pair.client, Out), (&mut pair.server, In)] {
        let tapped = layer.take_tapped();
        assert!(tapped.iter().all(|(to, _)| *to == direction));
        assert!(tapped.into_iter().flat_map(|(_, bytes)| bytes).eq(sent.iter().copied()));
    }
}

#[test]
fn what_is_discarded_is_not_told_and_not_sent() {
    let mut pair = pair(&Setup::default());
    pair.talk(usize::MAX).unwrap();
    let now = pair.now;
    send(&mut pair.client, now, b"never");
    pair.client.discard(Out);
    assert_eq!((pair.client.held(Out), wire(&mut pair.client, now).unwrap().0.len()), (0, 0));
    send(&mut pair.client, now, b"later");
    let [_, server] = pair.talk(usize::MAX).unwrap();
    assert_eq!(server.bytes, b"later", "the records still follow each other");
}
