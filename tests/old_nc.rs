//! What users of OpenBSD's nc count on, by tcpx on both sides: who greets whom over TCP, UDP and Unix sockets, by address and by
//! name, and what both say of it.

use std::net::TcpListener;

use crate::personalities::listening;
use crate::support::peer::Server;
use crate::support::{Folder, Stdin, Tcpx, installed, missing};

#[test]
fn nc_and_nc_greet_each_other_and_say_so() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).to_str().expect("UTF-8").to_owned();
    for (options, place) in
        [(&[][..], None), (&["-u"], None), (&["-U"], Some(path("stream"))), (&["-U", "-u"], Some(path("datagrams")))]
    {
        println!("{options:?}");
        let (mut server, mut client);
        if let Some(place) = &place {
            server = Tcpx::new(&["nc", "-nlv"]).args(options).arg(place).stdin(Stdin::Open).spawn();
            server.wait_stderr(&format!("on {place}"));
            client = Tcpx::new(&["nc", "-nv"]).args(options).arg(place).stdin(Stdin::Open).spawn();
        } else {
            let words = [&["nc", "-nlv"], options, &["127.0.0.1", "0"]].concat();
            let started = listening(&words);
            server = started.0;
            let port = started.1.port().to_string();
            client = Tcpx::new(&["nc", "-nv"]).args(options).args(&["127.0.0.1", &port]).stdin(Stdin::Open).spawn();
            client.wait_stderr("succeeded!");
        }
        client.write(b"greeting of the client\n");
        server.wait_stdout(b"greeting of the client\n");
        server.write(b"greeting of the server\n");
        if options != ["-U", "-u"] {
            client.wait_stdout(b"greeting of the server\n");
            server.wait_stderr("Connection received on");
        }
    }
}

/// Options of the server and its host, options of the client and its host, what the server calls its place and its client, and
/// what the client calls the server.
type Pair = (&'static [&'static str], &'static str, &'static [&'static str], &'static str, &'static str, &'static str);

const PAIRS: &[Pair] = &[
    (&["-n"], "127.0.0.1", &["-n"], "127.0.0.1", "127.0.0.1", "127.0.0.1"),
    (&["-n"], "::1", &["-n"], "::1", "::1", "::1"),
    (&["-4"], "localhost", &["-n"], "127.0.0.1", "localhost", "127.0.0.1"),
    (&["-6"], "localhost", &["-n"], "::1", "localhost", "::1"),
    (&["-n"], "127.0.0.1", &["-4"], "localhost", "127.0.0.1", "localhost (127.0.0.1)"),
    (&["-n"], "::1", &["-6"], "localhost", "::1", "localhost (::1)"),
];

/// Whether this machine has an IPv6 loopback that is called localhost, too.
fn has(host: &str, family: &[&str]) -> bool {
    let is_v6 = host == "::1" || family.contains(&"-6");
    let by_name = || std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 0));
    !is_v6
        || (TcpListener::bind("[::1]:0").is_ok()
            && by_name().is_ok_and(|mut all| host != "localhost" || all.any(|address| address.is_ipv6())))
}

#[test]
fn hosts_are_called_as_they_are_known() {
    for datagrams in [false, true] {
        for (server_options, server_host, client_options, client_host, place, target) in PAIRS {
            if !has(server_host, server_options) || !has(client_host, client_options) {
                continue;
            }
            let kind: &[&str] = if datagrams { &["-u"] } else { &[] };
            let words = [&["nc", "-vl"], kind, server_options, &[*server_host, "0"]].concat();
            println!("{words:?} {client_options:?} {client_host}");
            let (mut server, address) = listening(&words);
            let port = address.port().to_string();
            let word = if datagrams { "Bound" } else { "Listening" };
            server.wait_stderr(&format!("{word} on {place} {port}\n"));
            // With -v, nc sends something of its own by UDP.
            let verbose: &[&str] = if datagrams { &[] } else { &["-v"] };
            let words = [&["nc"], kind, verbose, client_options, &[*client_host, &port]].concat();
            let mut client = Tcpx::new(&words).stdin(Stdin::Open).spawn();
            if !datagrams {
                client.wait_stderr(&format!("Connection to {target} {port} port [tcp/"));
            }
            client.write(b"command\n");
            server.wait_stdout(b"command\n");
            server.wait_stderr(&format!("Connection received on {place} "));
            server.write(b"greeting\n");
            client.wait_stdout(b"greeting\n");
        }
    }
}

#[test]
fn an_address_of_the_other_family_is_none() {
    let other = "Address family for hostname not supported\n";
    for (line, said) in [
        ("nc -4 -v -l ::1 0", "nc: getaddrinfo: "),
        ("nc -6 -v -l 127.0.0.1 0", "nc: getaddrinfo: "),
        ("nc -4 -v ::1 1", "nc: getaddrinfo for host \"::1\" port 1: "),
        ("nc -6 -v 127.0.0.1 1", "nc: getaddrinfo for host \"127.0.0.1\" port 1: "),
    ] {
        let done = Tcpx::new(&line.split(' ').collect::<Vec<_>>()).run();
        assert_eq!((done.status_code(), &*done.stderr), (Some(1), &*format!("{said}{other}")), "{line}");
    }
}

#[test]
fn datagrams_of_unix_sockets_are_answered() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).to_str().expect("UTF-8").to_owned();
    for (number, options) in [&["-n"][..], &[], &["-n", "-s", "OWN"]].into_iter().enumerate() {
        let (place, own) = (path(&format!("server{number}")), path(&format!("client{number}")));
        let options: Vec<&str> = options.iter().map(|word| if *word == "OWN" { own.as_str() } else { word }).collect();
        let mut server = Tcpx::new(&["nc", "-Uuvl", &place]).stdin(Stdin::Open).spawn();
        server.wait_stderr(&format!("Bound on {place}\n"));
        let words = [&["nc", "-Uuv"], &options[..], &[&place]].concat();
        let mut client = Tcpx::new(&words).stdin(Stdin::Open).spawn();
        if options.contains(&"-s") {
            client.wait_stderr(&format!("Bound on {own}\n"));
        }
        client.write(b"command\n");
        server.wait_stdout(b"command\n");
        server.wait_stderr(&format!("Connection received on {place}\n"));
        server.write(b"greeting\n");
        client.wait_stdout(b"greeting\n");
        assert!(!server.err.text().contains("Listening"), "{}", server.err.text());
    }
}

#[test]
fn options_of_telnet_are_refused_and_what_came_is_shown() {
    let (said, refused) = (b"\xff\xfd\x18\xff\xfb\x01hi\n", b"\xff\xfc\x18\xff\xfe\x01");
    for (tool, program) in [("nc", "nc.openbsd"), ("ncat", "ncat")] {
        if !installed(program) {
            missing(program);
        }
        for is_ours in [true, false] {
            let server = Server::start();
            let port = server.address.port().to_string();
            let options = ["-t", "127.0.0.1", &port];
            let client = match is_ours {
                true => Tcpx::new(&[&[tool], &options[..]].concat()),
                false if installed(program) => Tcpx::other(program, &options),
                false => continue,
            };
            let mut client = client.stdin(Stdin::Open).spawn();
            let mut conn = server.accept();
            conn.send(said);
            conn.expect(refused);
            client.wait_stdout(said);
            client.write(b"cut");
            conn.expect(b"cut");
        }
    }
    for words in [["nc", "-nltv", "127.0.0.1", "0"], ["ncat", "-ltv", "127.0.0.1", "0"]] {
        let (mut server, address) = listening(&words);
        let mut client = std::net::TcpStream::connect(address).expect("connect");
        std::io::Write::write_all(&mut client, said).expect("send");
        let mut answer = [0; 6];
        std::io::Read::read_exact(&mut client, &mut answer).expect("refusals");
        assert_eq!(&answer, refused, "{words:?}");
        server.wait_stdout(said);
    }
}
