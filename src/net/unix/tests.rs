//! What a Unix socket does that a TCP socket does not.

use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A folder that is removed with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("tcpx-unix-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> UnixName {
        UnixName::Path(self.path())
    }

    fn path(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refusal(name: &UnixName) -> String {
    crate::error::cause(&UnixListening::bind(name, 8, &Arc::default()).unwrap_err())
}

fn accepted(listening: &mut UnixListening) -> (Box<dyn Transport>, Ends) {
    match listening.accept() {
        Accepted::Peer(transport, ends) => (transport, ends),
        _ => panic!("nobody has come"),
    }
}

#[test]
fn both_ends_know_their_names() {
    let folder = Folder::new();
    let abstract_name = UnixName::Abstract(format!("tcpx-{}", folder.0.display()).into_bytes());
    for name in [folder.socket(), abstract_name] {
        let mut listening = UnixListening::bind(&name, 8, &Arc::default()).unwrap();
        let mut connect = Connect::start(&name, &SocketOptions::default()).unwrap();
        let there = Address::unix(name.clone());
        let ends = connect.finish().unwrap().unwrap();
        assert_eq!(ends, Ends { peer: there.clone(), local: Address::Unix(None) });
        let (mut server, ends) = accepted(&mut listening);
        assert_eq!(ends, Ends { peer: Address::Unix(None), local: there });
        let mut client = Box::new(connect).into_transport();
        client.write(b"hello").unwrap();
        assert_ne!(client.unacknowledged(), 0);
        let mut buffer = [0; 9];
        assert_eq!(server.read(&mut buffer).unwrap(), 5);
        assert_eq!(client.unacknowledged(), 0);
        assert!(matches!(listening.accept(), Accepted::None));
    }
}

#[test]
fn a_stale_file_is_replaced_and_the_own_file_removed_at_the_end() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.path()).unwrap());
    assert!(folder.path().exists());
    let listening = UnixListening::bind(&folder.socket(), 8, &Arc::default()).unwrap();
    UnixStream::connect(folder.path()).unwrap();
    drop(listening);
    assert!(!folder.path().exists());
}

#[test]
fn a_file_that_was_replaced_meanwhile_stays() {
    let folder = Folder::new();
    let listening = UnixListening::bind(&folder.socket(), 8, &Arc::default()).unwrap();
    // The old one is kept: its inode number must not be given to the new one.
    fs::rename(folder.path(), folder.0.join("old")).unwrap();
    let other = UnixListener::bind(folder.path()).unwrap();
    drop(listening);
    UnixStream::connect(folder.path()).unwrap();
    drop(other);
}

#[test]
fn a_listening_socket_is_left_alone_and_accepts_no_probe() {
    let folder = Folder::new();
    let live = UnixListener::bind(folder.path()).unwrap();
    live.set_nonblocking(true).unwrap();
    assert_eq!(refusal(&folder.socket()), "address already in use");
    assert_eq!(live.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "the probe was accepted");
    UnixStream::connect(folder.path()).unwrap();
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let folder = Folder::new();
    fs::write(folder.path(), "text").unwrap();
    assert_eq!(refusal(&folder.socket()), "the file exists and is not a socket");
    assert_eq!(fs::read(folder.path()).unwrap(), b"text");
    assert_eq!(refusal(&UnixName::Path(folder.0.clone())), "it is a directory");
    assert_eq!(refusal(&UnixName::Path(folder.0.join("no/s"))), "no such file or directory");
    assert_eq!(refusal(&UnixName::Path(folder.path().join("s"))), "not a directory");
}

#[test]
fn names_of_the_maximum_length_fit_and_longer_ones_are_errors() {
    let name = |length| UnixName::Abstract(vec![b'x'; length]);
    UnixListening::bind(&name(107), 8, &Arc::default()).unwrap();
    assert_eq!(refusal(&name(108)), "the name has 108 bytes, and 107 are the most for a Unix socket");
    let folder = Folder::new();
    let base = folder.0.as_os_str().len() + 1;
    let path = |length: usize| UnixName::Path(folder.0.join("x".repeat(length - base)));
    UnixListening::bind(&path(107), 8, &Arc::default()).unwrap();
    assert_eq!(refusal(&path(108)), "the path has 108 bytes, and 107 are the most for a Unix socket");
    assert!(matches!(Connect::start(&path(200), &SocketOptions::default()), Err(StartError::Connect(_))));
}

#[test]
fn a_full_queue_is_busy_and_not_an_error() {
    let folder = Folder::new();
    let mut listening = UnixListening::bind(&folder.socket(), 0, &Arc::default()).unwrap();
    let first = Connect::start(&folder.socket(), &SocketOptions::default()).unwrap();
    assert!(matches!(Connect::start(&folder.socket(), &SocketOptions::default()), Err(StartError::Busy)));
    accepted(&mut listening);
    Connect::start(&folder.socket(), &SocketOptions::default()).unwrap();
    drop(first);
}

#[test]
fn unread_input_is_a_reset_for_the_peer_after_what_was_written() {
    let folder = Folder::new();
    let mut listening = UnixListening::bind(&folder.socket(), 8, &Arc::default()).unwrap();
    for (unread, end) in [(true, Err(io::ErrorKind::ConnectionReset)), (false, Ok(0))] {
        let mut client =
            Box::new(Connect::start(&folder.socket(), &SocketOptions::default()).unwrap()).into_transport();
        let (mut server, _) = accepted(&mut listening);
        client.write(b"question").unwrap();
        let mut buffer = [0; 64];
        if !unread {
            server.read(&mut buffer).unwrap();
        }
        server.write(b"answer").unwrap();
        server.end_by_reset(true);
        drop(server);
        assert_eq!(client.read(&mut buffer).unwrap(), 6);
        assert_eq!(client.read(&mut buffer).map_err(|error| error.kind()), end);
    }
}

#[test]
fn a_socket_of_another_type_has_a_clear_error() {
    let folder = Folder::new();
    let _datagrams = std::os::unix::net::UnixDatagram::bind(folder.path()).unwrap();
    let Err(StartError::Connect(error)) = Connect::start(&folder.socket(), &SocketOptions::default()) else {
        panic!("it connects")
    };
    assert_eq!(crate::error::cause(&error), "it is not a stream socket");
    assert_eq!(refusal(&folder.socket()), "address already in use");
}
