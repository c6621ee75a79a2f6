//! Lists of addresses as Ncat's users write them: who is let in, over TCP, TLS and UDP.

use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::personalities::listening;
use crate::support::peer::Conn;
use crate::support::{Folder, Stdin, Tcpx};

/// The options of a server, in which `@HERE` is a file with the address of the client, `@AWAY` one without, `@NONE` one of comments, and whether the
/// client is let in.
const LISTS: &[(&str, bool)] = &[
    ("--allow 127.0.0.1", true),
    ("--allow 127.0.0.0/8", true),
    ("--allow 192.0.2.4", false),
    ("--allow 192.0.2.4 --allow 127.0.0.1", true),
    ("--allow 192.0.2.4,127.0.0.1", true),
    ("--allow localhost", true),
    ("--deny localhost", false),
    ("--deny 127.0.0.1", false),
    ("--deny 192.0.2.4", true),
    ("--deny 192.0.2.4 --deny 127.0.0.1", false),
    ("--allow 127.0.0.1 --deny 127.0.0.1", false),
    ("--allow 127.0.0.1 --deny 192.0.2.4", true),
    ("--allow 127.0.0.1/8", true),
    ("--allow 127.0.0.*", true),
    ("--allow 127.0.0.2-9", false),
    ("--deny 127.0.0.0-3,", false),
    ("--allowfile @NONE", false),
    ("--denyfile @NONE", true),
    ("--allowfile @RANGE", true),
    ("--allowfile @HERE", true),
    ("--allowfile @AWAY", false),
    ("--denyfile @HERE", false),
    ("--denyfile @AWAY", true),
];

#[test]
fn clients_are_let_in_by_lists() {
    let folder = Folder::new();
    let here = folder.file("here", b"192.0.2.4\n127.0.0.1 # the client\n").display().to_string();
    let away = folder.file("away", b"192.0.2.4 192.0.2.5\n").display().to_string();
    let range = folder.file("range", b"127.0-1.0.*\n").display().to_string();
    let none = folder.file("none", b"# nobody yet\n").display().to_string();
    for (line, is_let_in) in LISTS {
        let line = line.replace("@RANGE", &range).replace("@NONE", &none);
        let line = line.replace("@HERE", &here).replace("@AWAY", &away);
        let lists: Vec<&str> = line.split(' ').collect();
        for way in [&[][..], &["--ssl"], &["-u"]] {
            let words = [&["ncat", "-lkv", "--exec", "/bin/cat"][..], way, &lists, &["127.0.0.1", "0"]].concat();
            let (_server, address) = listening(&words);
            let found = match way {
                [] => answer(address),
                ["-u"] => answer_to_datagram(address),
                _ => answer_in_tls(address),
            };
            assert_eq!(found, *is_let_in, "{line} {way:?}");
        }
    }
}

/// Whether a client of TCP gets back what it has sent.
fn answer(address: SocketAddr) -> bool {
    // One that is refused may be reset before connect(2) has returned.
    let Ok(mut client) = Conn::try_to(address) else { return false };
    let _ = client.0.write_all(b"abc");
    let mut buffer = [0; 3];
    client.0.read_exact(&mut buffer).is_ok() && &buffer == b"abc"
}

fn answer_in_tls(address: SocketAddr) -> bool {
    let port = address.port().to_string();
    let client = Tcpx::new(&["ncat", "--ssl", "127.0.0.1", &port]).stdin(Stdin::bytes(b"abc\n"));
    client.run().stdout == b"abc\n"
}

/// The same of one of UDP. That nothing comes shows nothing, so one that is let in is asked for, and the rest is believed soon.
fn answer_to_datagram(address: SocketAddr) -> bool {
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.set_read_timeout(Some(Duration::from_millis(700))).expect("a limit");
    let mut buffer = [0; 16];
    (0..2).any(|_| {
        client.send_to(b"abc", address).expect("send");
        client.recv(&mut buffer).is_ok_and(|n| &buffer[..n] == b"abc")
    })
}
