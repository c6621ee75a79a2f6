//! Files of connections (`--output-dir`, `-o` with `%n`, `%a`, `%t`) and lines with the name of their connection (`--label`), with
//! real sockets and files.

use std::io::Write;
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::support::peer::Conn;
use crate::support::{Folder, Stdin, Tcpx, wait_for};

/// The contents of all files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned();
    let mut found: Vec<_> =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(&entry.path()))).collect();
    found.sort();
    found
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn each_client_has_a_file_of_its_own() {
    let folder = Folder::new();
    let dir = folder.path("got");
    std::fs::create_dir(&dir).expect("a folder");
    let (server, address) = Tcpx::new(&["-k", "--output-dir", text(&dir)]).stdin(Stdin::Open).listen();
    let mut names = Vec::new();
    for number in 1..=3 {
        let mut conn = Conn::to(address);
        let name = conn.local().to_string();
        names.push((format!("{number}-{name}"), format!("from {number}\n")));
        conn.send(format!("from {number}\n").as_bytes());
        let wanted = names.clone();
        wait_for("the files", || files(&dir) == wanted);
    }
    server.signal(rustix::process::Signal::TERM);
    server.finish().code(143).wrote("");
}

#[test]
fn names_are_made_from_number_peer_and_time() {
    let folder = Folder::new();
    let place = folder.path("100%%-%n-%t.log");
    let (server, address) = Tcpx::new(&["-o", text(&place)]).listen();
    Tcpx::new(&["--send", "x"]).connect(address).finish().code(0);
    server.finish().code(0).wrote("");
    let found = files(&folder.path(""));
    let (name, contents) = &found[0];
    let stamp = name.strip_prefix("100%-1-").and_then(|name| name.strip_suffix(".log")).expect("a name");
    assert!(stamp.len() == 15 && stamp.as_bytes()[8] == b'T', "{name}");
    assert_eq!((found.len(), contents.as_str()), (1, "x"));

    for (line, says) in [
        (&["-o", "a%q"][..], "%q stands for nothing"),
        (&["-o", "a%"], "% stands for nothing"),
        (&["-o", "same", "--output-dir", "."], "needs a name for each connection"),
        (&["-o", "-", "--output-dir", "."], "needs a name for each connection"),
        (&["--output-dir", ""], "--output-dir needs a value"),
        (&["--output-dir", ".", "--send-only"], "--send-only"),
        (&["--label", "--exec", "cat"], "--label"),
        (&["--label", "--events", "-"], "--events -"),
    ] {
        for command in ["connect", "listen"] {
            let done = Tcpx::new(&[command]).args(line).args(&["127.0.0.1", "1"]).run();
            done.code(2);
            assert!(done.stderr.contains(says), "{line:?}: {}", done.stderr);
        }
    }
    Tcpx::new(&["connect", "-z", "--label", "127.0.0.1", "1"]).run().code(2);
    for words in
        [&["--output-dir", "/no/such/folder"][..], &["-o", "/no/such/folder/%n"], &["--output-dir", "/dev/null"]]
    {
        for command in ["connect", "listen"] {
            let done = Tcpx::new(&[command]).args(words).args(&["127.0.0.1", "1"]).run();
            done.code(23);
            assert!(done.stderr.contains("no such") || done.stderr.contains("not a directory"), "{}", done.stderr);
        }
    }
}

#[test]
fn a_second_connection_of_the_same_name_goes_on_in_the_file() {
    let folder = Folder::new();
    let dir = folder.path("got");
    std::fs::create_dir(&dir).expect("a folder");
    let (name, socket) = (dir.join("%a"), folder.path("socket"));
    let unix = format!("unix:{}", text(&socket));
    let mut server = Tcpx::new(&["listen", "-k", "-o", text(&name), &unix]).spawn();
    server.wait_stderr("listening on");
    for number in 1..=2 {
        let mut client = UnixStream::connect(&socket).expect("connect");
        client.write_all(format!("{number}").as_bytes()).expect("send");
        drop(client);
        let wanted = "12"[..number].to_owned();
        wait_for("the file", || files(&dir).iter().any(|(_, contents)| *contents == wanted));
    }
    assert_eq!(files(&dir).len(), 1);
}

#[test]
fn peers_of_datagrams_ipv6_and_workers_have_files() {
    let folder = Folder::new();
    let (server, address) = Tcpx::new(&["-u", "-k", "--output-dir", text(&folder.path(""))]).listen();
    let clients = [UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0")].map(|made| made.expect("a socket"));
    for client in &clients {
        client.send_to(b"one", address).expect("send");
        client.send_to(b"two", address).expect("send");
    }
    wait_for("two files", || files(&folder.path("")).iter().filter(|(_, contents)| contents == "onetwo").count() == 2);
    drop(server);

    let folder = Folder::new();
    let mut server = Tcpx::new(&["listen", "--output-dir", text(&folder.path("")), "::1", "0"]).spawn();
    let mut client = Conn::to(server.address());
    let name = client.local().to_string();
    client.send(b"six");
    client.half_close();
    client.expect_eof();
    server.finish().code(0);
    assert_eq!(files(&folder.path("")), [(format!("1-{name}"), "six".to_owned())]);

    let folder = Folder::new();
    let dir = folder.path("");
    let options = ["--workers", "3", "--output-dir", text(&dir), "--on-line", "conn.send_line(line)"];
    let (_server, address) = Tcpx::new(&options).listen();
    for _ in 0..8 {
        let mut client = Conn::to(address);
        client.send(b"x\n");
        client.half_close();
        client.expect(b"x\n");
    }
    wait_for("a file for each", || files(&folder.path("")).len() == 8);
}

#[test]
fn lines_of_clients_are_told_apart() {
    let (mut server, address) = Tcpx::new(&["-k", "--label"]).stdin(Stdin::Open).listen();
    let (mut one, mut other) = (Conn::to(address), Conn::to(address));
    let names = [&one, &other].map(|conn| conn.local().to_string());
    one.send(b"begun ");
    other.send(b"whole\nrest");
    server.wait_stdout(format!("{}: whole\n", names[1]).as_bytes());
    one.send(b"ended\n");
    server.wait_stdout(format!("{}: whole\n{}: begun ended\n", names[1], names[0]).as_bytes());
    other.half_close();
    let all = format!("{}: whole\n{}: begun ended\n{}: rest\n", names[1], names[0], names[1]);
    server.wait_stdout(all.as_bytes());
    one.send(&vec![b'x'; 100_000]);
    one.half_close();
    let count = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches('x').count();
    assert!(server.out.wait(|bytes| count(bytes) == 100_000), "nothing is lost");
    server.signal(rustix::process::Signal::TERM);
    server.finish().code(143);
}

#[test]
fn labels_go_with_encodings_verdicts_and_files() {
    let folder = Folder::new();
    let place = folder.path("out");
    let server = crate::support::peer::Server::start();
    let words = ["--label", "-E", "gbk", "--until", "2l", "-o", text(&place)];
    let tcpx = Tcpx::new(&words).connect(server.address);
    let mut conn = server.accept();
    conn.send(b"\xc4\xe3\nb\nc\n");
    tcpx.finish().code(0).wrote("");
    let name = server.address;
    assert_eq!(std::fs::read_to_string(&place).expect("a file"), format!("{name}: 你\n{name}: b\n"));
}
