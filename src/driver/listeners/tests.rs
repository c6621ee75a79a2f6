//! Tests of the table of listeners, with real sockets.

use std::net::{TcpStream, UdpSocket};

use super::*;
use crate::driver::world::SystemNetwork;

fn io() -> Io {
    Io::new(1024, Instant::now(), Rc::new(SystemNetwork::default())).unwrap()
}

fn plan(target: &str) -> Plan {
    Plan::new(Defaults::plain(), target.parse().unwrap(), Wishes::default())
}

/// Where the run's own listener is, and its slot.
fn started(listeners: &mut Listeners, io: &mut Io, target: &str) -> (Slot, SocketAddr) {
    let outcomes = listeners.start(io, plan(target));
    let [ListenOutcome::Bound { listener: None, address }] = &outcomes[..] else { panic!("it is not bound") };
    (listeners.own.unwrap(), address.ip().unwrap())
}

#[test]
fn accepts_stop_at_the_room_and_at_the_total() {
    let (mut io, mut listeners) = (io(), Listeners::new(Some(3), None));
    let (slot, address) = started(&mut listeners, &mut io, "127.0.0.1:0");
    let _clients: Vec<TcpStream> = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut taken = |room| {
        let mut outcomes = Vec::new();
        let _ = listeners.turn(&mut io, slot, room, &mut outcomes);
        outcomes.len()
    };
    assert_eq!((taken(0), taken(2), taken(0), taken(9), taken(9)), (0, 2, 0, 1, 0));
    assert!(!listeners.is_listening() && listeners.address().is_none());
}

#[test]
fn what_has_come_before_the_last_peer_of_a_socket_was_accepted_is_delivered() {
    let (mut io, mut listeners) = (io(), Listeners::new(Some(1), None));
    let (slot, address) = started(&mut listeners, &mut io, "udp://127.0.0.1:0");
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sent: Vec<[u8; 1]> = (0..40).map(|number| [number]).collect();
    for datagram in &sent {
        client.send_to(datagram, address).unwrap();
    }
    let mut outcomes = Vec::new();
    let turn = listeners.turn(&mut io, slot, 1, &mut outcomes);
    assert_eq!((outcomes.len(), turn, listeners.is_listening()), (1, Turn::Again, false));
    let Some(ListenOutcome::Accepted { mut transport, .. }) = outcomes.pop() else { panic!("nobody is accepted") };
    let turn = listeners.turn(&mut io, slot, 0, &mut outcomes);
    assert!(outcomes.is_empty() && turn == Turn::Done);
    let mut buffer = [0; 8];
    let got: Vec<_> = std::iter::from_fn(|| transport.read(&mut buffer).ok().map(|n| buffer[..n].to_vec())).collect();
    assert_eq!(got, sent);
}

#[test]
fn a_name_is_bound_once_it_is_resolved() {
    let (mut io, mut listeners) = (io(), Listeners::new(None, None));
    assert!(listeners.start(&mut io, plan("localhost:0")).is_empty());
    assert!(listeners.is_resolving() && listeners.is_listening() && listeners.address().is_none());
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let outcomes = listeners.resolved(&mut io, None, Ok(vec![address]));
    assert!(matches!(outcomes[..], [ListenOutcome::Bound { .. }]));
    assert!(!listeners.is_resolving() && listeners.address().is_some());
}

#[test]
fn a_script_gets_the_address_at_once_unless_a_name_is_resolved() {
    let (mut io, mut listeners) = (io(), Listeners::new(None, None));
    let bind = listeners.binder(Rc::new(SystemNetwork::default()), Defaults::plain());
    let (first, address) = bind(&"127.0.0.1:0".parse().unwrap(), false).unwrap();
    assert!(address.is_some_and(|address| address.ip().is_some_and(|address| address.port() != 0)));
    assert!(bind(&"unix:/no/such/folder/s".parse().unwrap(), false).is_err());
    let (second, address) = bind(&"localhost:0".parse().unwrap(), false).unwrap();
    assert_eq!((first, second, address), (1, 2, None));
    assert!(listeners.adopt(&mut io).is_empty());
    let outcomes = listeners.resolved(&mut io, Some(2), Err("nobody knows it".into()));
    let [ListenOutcome::Failed { listener: Some(2), error }] = &outcomes[..] else { panic!("not failed") };
    assert_eq!(error.to_string(), "resolve localhost: nobody knows it");
    listeners.close(&mut io, 1);
    assert!(!listeners.is_listening());
}

#[test]
fn a_listener_that_is_closed_is_not_bound_by_a_late_answer() {
    let (mut io, mut listeners) = (io(), Listeners::new(None, None));
    let bind = listeners.binder(Rc::new(SystemNetwork::default()), Defaults::plain());
    bind(&"localhost:0".parse().unwrap(), false).unwrap();
    assert!(listeners.adopt(&mut io).is_empty());
    listeners.close(&mut io, 1);
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    assert!(listeners.resolved(&mut io, Some(1), Ok(vec![address])).is_empty());
    assert!(!listeners.is_listening());
}
