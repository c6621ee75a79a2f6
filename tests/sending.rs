//! Sending files: `conn.send_file` of scripts, and `--send-file` with a named pipe.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::SocketAddr;

use crate::support::peer::{Conn, Server};
use crate::support::{BOTH, Folder, Role, Running, Stdin, Tcpx, assert_same, noise, wait_for, wait_for_standstill};

/// A server that runs a script in a folder with files.
fn serve(folder: &Folder, text: &str) -> (Running, SocketAddr) {
    let path = folder.file("script.rhai", text.as_bytes());
    Tcpx::new(&["--script", &path.display().to_string()]).listen()
}

/// Sends the file `large` to every client, and prints errors.
const LARGE: &str = r#"
    fn on_connect(conn) { conn.send_file("large"); conn.close(); }
    fn on_error(conn, err) { print(`${err.kind} ${err.op}: ${err.message}`); }
    fn on_close(conn, why) { print(`closed: ${why}`); }
"#;

#[test]
fn files_are_sent_in_order_with_other_data() {
    let folder = Folder::new();
    let files = [0, 1, 65_536, 262_144, 700_001].map(|size| (size, noise(size, size as u64 + 1)));
    let script = r#"
        fn on_data(conn, data) {
            conn.send("head ");
            for size in [0, 1, 65536, 262144, 700001] { conn.send_file(`${size}`); conn.send(` ${size} `); }
            for size in [0, 700001, 1, 0] { conn.send_file(`${size}`); }
            conn.send_line("tail");
            if data.text() == "close" { conn.close(); } else { conn.shutdown(); }
            conn.send("never");
        }
    "#;
    let mut wanted = b"head ".to_vec();
    for (size, bytes) in &files {
        folder.file(&size.to_string(), bytes);
        wanted.extend(bytes.iter().copied().chain(format!(" {size} ").into_bytes()));
    }
    wanted.extend([&files[4].1[..], &files[1].1, b"tail\n"].concat());
    let (_tcpx, address) = serve(&folder, script);
    for ending in ["close", "shutdown"] {
        for mut client in [Conn::to(address), Conn::narrow_to(address)] {
            client.send(ending.as_bytes());
            assert_same(&client.read_all(), &wanted, ending);
        }
    }
}

#[test]
fn a_large_file_for_a_slow_reader_is_not_held_in_memory() {
    let folder = Folder::new();
    let (block, blocks) = (noise(1 << 20, 9), 100);
    let mut file = fs::File::create(folder.path("large")).expect("a file");
    for _ in 0..blocks {
        file.write_all(&block).expect("write a file");
    }
    let (mut tcpx, address) = serve(&folder, LARGE);
    let mut slow = Conn::narrow_to(address);
    let mut fast = Conn::to(address);
    let memory = wait_for_standstill("the file to wait", || tcpx.peak_memory());
    assert!(memory < 32 << 10, "{memory} KiB");
    for client in [&mut fast, &mut slow] {
        let mut seen = vec![0; block.len()];
        for at in 0..blocks {
            client.0.read_exact(&mut seen).expect("a block of the file");
            assert_same(&seen, &block, &format!("block {at}"));
        }
        client.expect_eof();
    }
    assert!(tcpx.peak_memory() < 32 << 10, "{} KiB", tcpx.peak_memory());
    drop((fast, slow));
    tcpx.wait_stdout(b"closed: closed\nclosed: closed\n");
}

#[test]
fn a_file_is_sent_with_its_length_at_the_call() {
    let folder = Folder::new();
    let bytes = noise(16 << 20, 3);
    let (mut tcpx, address) = serve(&folder, LARGE);

    // The file grows and is removed during the transfer.
    let path = folder.file("large", &bytes);
    let mut client = Conn::narrow_to(address);
    client.expect(&bytes[..1000]);
    OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"more")).expect("append");
    fs::remove_file(&path).expect("remove the file");
    assert_same(&client.read_all(), &bytes[1000..], "the rest");
    drop(client);
    tcpx.wait_stdout(b"closed: closed\n");

    // The file shrinks: the peer must not take the part for the whole.
    let path = folder.file("large", &bytes);
    let mut client = Conn::narrow_to(address);
    client.expect(&bytes[..1000]);
    OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(1)).expect("cut the file");
    let end = client.0.read_to_end(&mut Vec::new());
    assert_eq!(end.expect_err("a reset").kind(), std::io::ErrorKind::ConnectionReset);
    let told = tcpx.out.wait(|seen| String::from_utf8_lossy(seen).contains("closed: error\n"));
    let said = tcpx.out.text();
    assert!(told && said.contains("\nio send_file: large: it has "), "{said}");
    assert!(said.contains(" bytes now, not 16777216\n"), "{said}");
}

#[test]
fn a_truncated_file_ends_a_run_with_one_connection() {
    let folder = Folder::new();
    let path = folder.file("large", &noise(16 << 20, 4));
    let script = folder.file("script.rhai", br#"fn on_connect(conn) { conn.send_file("large"); }"#);
    let server = Server::narrow();
    let tcpx = Tcpx::new(&["--no-stdin", "--script"]).arg(script).connect(server.address);
    let mut peer = server.accept();
    peer.expect(&noise(1000, 4));
    OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(1)).expect("cut the file");
    assert!(peer.0.read_to_end(&mut Vec::new()).is_err());
    let done = tcpx.finish();
    done.code(26).said("tcpx: read a file for 127.0.0.1:").said(" bytes now, not 16777216");
}

#[test]
fn only_regular_files_in_allowed_folders_are_sent() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let secret = outside.file("secret", b"x");
    fs::create_dir(folder.path("folder")).expect("a folder");
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path("fifo"), rustix::fs::Mode::RWXU).expect("a fifo");
    let script = r"
        fn on_line(conn, line) {
            try { conn.send_file(line); } catch (e) { conn.send_line(e); }
        }
    ";
    let (_tcpx, address) = serve(&folder, script);
    let mut client = Conn::to(address);
    for (path, why) in [
        ("fifo", "not a regular file"),
        ("folder", "not a regular file"),
        ("none", "no such file or directory"),
        ("/dev/zero", "it is outside of the folders this script may read; --allow-read DIR names another"),
        (
            &*secret.display().to_string(),
            "it is outside of the folders this script may read; --allow-read DIR names another",
        ),
    ] {
        client.send(format!("{path}\n").as_bytes());
        client.expect(format!("send_file(\"{path}\"): {why}\n").as_bytes());
    }
}

#[test]
fn a_file_is_closed_with_its_connection() {
    let folder = Folder::new();
    let bytes = noise(4 << 20, 5);
    folder.file("large", &bytes);
    let script = r#"
        fn on_connect(conn) { for i in 0..8 { conn.send_file("large"); } conn.send("!"); }
        fn on_drain(conn) { conn.send("drained"); conn.close(); }
    "#;
    let (tcpx, address) = serve(&folder, script);
    let before = tcpx.descriptors();
    let mut gone = Conn::narrow_to(address);
    gone.expect(&bytes[..1000]);
    assert_eq!(tcpx.descriptors(), before + 9);
    gone.reset();
    wait_for("the files to be closed", || tcpx.descriptors() == before);
    let mut client = Conn::to(address);
    for _ in 0..8 {
        client.expect(&bytes);
    }
    client.expect(b"!drained");
    client.expect_eof();
    drop(client);
    wait_for("the files to be closed", || tcpx.descriptors() == before);
}

#[test]
fn the_output_file_is_refused_as_a_file_to_send() {
    let folder = Folder::new();
    let path = folder.file("data", b"precious");
    let other = folder.path("link");
    fs::hard_link(&path, &other).expect("a link");
    for (sent, written) in [(&path, &path), (&path, &other)] {
        let done = Tcpx::new(&["connect", "127.0.0.1", "9", "--send-file"]).arg(sent).arg("-o").arg(written).run();
        done.code(2).said("--send-file and --output are the same file, ").said("it would be emptied before it is sent");
        assert_eq!(fs::read(&path).expect("the file"), b"precious");
    }
    let server = Server::start();
    let tcpx = Tcpx::new(&["--send-file", "/dev/null", "-o", "/dev/null"]).connect(server.address);
    drop(server.accept());
    tcpx.finish().code(0).quietly();
}

fn fifo(folder: &Folder) -> std::path::PathBuf {
    let path = folder.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).expect("a fifo");
    path
}

#[test]
fn a_send_file_pipe_is_waited_for_while_data_is_received() {
    for role in BOTH {
        let folder = Folder::new();
        let path = fifo(&folder);
        let before = ["--send", "first ", "--send-file"];
        let tcpx = Tcpx::new(&before).arg(&path).args(&["--send", " last"]).stdin(Stdin::bytes(b" stdin"));
        let (mut tcpx, mut peer) = tcpx.pair(role);
        peer.expect(b"first ");
        peer.send(b"heard");
        tcpx.wait_stdout(b"heard");
        tcpx.wait_idle();
        // More than a pipe holds, written in two parts.
        let bytes = noise(300_000, 6);
        let mut writer = OpenOptions::new().write(true).open(&path).expect("open the fifo");
        writer.write_all(&bytes[..1000]).expect("write to the fifo");
        peer.expect(&bytes[..1000]);
        tcpx.wait_idle();
        writer.write_all(&bytes[1000..]).expect("write to the fifo");
        drop(writer);
        peer.expect(&bytes[1000..]);
        peer.expect(b" last stdin");
        peer.expect_eof();
        drop(peer);
        tcpx.finish().code(0).quietly();
    }
}

#[test]
fn process_substitution_can_be_sent_as_a_file() {
    let server = Server::start();
    let line = format!(
        "exec {} connect 127.0.0.1 {} --send-file <(printf one; sleep 0.2; printf two) --send-file <(:) --send three",
        env!("CARGO_BIN_EXE_tcpx"),
        server.address.port()
    );
    let tcpx = Tcpx::other("bash", &["-c", &line]).spawn();
    let mut peer = server.accept();
    assert_eq!(peer.read_all(), b"onetwothree");
    drop(peer);
    tcpx.finish().code(0).quietly();
}

#[test]
fn a_send_file_pipe_without_a_writer_is_closed_with_its_connection() {
    let folder = Folder::new();
    let path = fifo(&folder);
    let (tcpx, address) = Tcpx::new(&["-k", "--send-file"]).arg(&path).listen();
    let before = tcpx.descriptors();
    let gone = Conn::to(address);
    let stays = Conn::to(address);
    wait_for("two clients", || tcpx.descriptors() == before + 4);
    gone.reset();
    wait_for("one to be gone", || tcpx.descriptors() == before + 2);
    tcpx.wait_idle();
    drop(stays);
}

#[test]
fn progress_is_shown_where_it_is_asked_for() {
    let file = Stdin::file(&noise(3 << 20, 9));
    let (tcpx, mut peer) = Tcpx::new(&["--progress=always", "--send-only"]).stdin(file).pair(Role::Connect);
    assert_eq!(peer.read_all().len(), 3 << 20);
    drop(peer);
    tcpx.finish().code(0).said("3.0 MiB sent of 3.0 MiB, 100%, ");
    // stderr is no terminal.
    let (tcpx, mut peer) = Tcpx::new(&["--progress"]).stdin(Stdin::bytes(b"x")).pair(Role::Connect);
    peer.expect(b"x");
    drop(peer);
    tcpx.finish().code(0).quietly();
}
