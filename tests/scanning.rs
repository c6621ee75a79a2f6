//! `tcpx scan` with real ports.

use crate::support::peer::{Refusing, Server};
use crate::support::{Stdout, Tcpx};

#[test]
fn open_and_closed_ports_of_this_machine() {
    let (one, other, closed) = (Server::start(), Server::start(), Refusing::new());
    let mut open = [one.address.port(), other.address.port()];
    open.sort_unstable();
    let [first, second] = open;
    let ports = format!("{},{second},{first}-{first}", closed.address().port());
    Tcpx::new(&["scan", "127.0.0.1", &ports]).run().code(0).wrote(format!("{first} open\n{second} open\n")).quietly();
    let json = format!("[{{\"port\":{first},\"state\":\"open\"}},\n {{\"port\":{second},\"state\":\"open\"}}]\n");
    Tcpx::new(&["scan", "--json", "localhost", "-4", "-p", &ports]).run().code(0).wrote(json);
    let refused = closed.address().port();
    Tcpx::new(&["scan", "-v", "127.0.0.1", &refused.to_string()]).run().code(1).wrote(format!("{refused} closed\n"));
    let two = Tcpx::new(&["scan", "127.0.0.1", "127.0.0.2", "-p", &first.to_string()]).run();
    two.code(0).wrote(format!("127.0.0.1 {first} open\n"));
}

/// The ports below those that the system gives out: those are of servers of other tests, which count their clients.
#[test]
fn all_ports_are_tried_with_few_descriptors() {
    let server = Server::start();
    let port = server.address.port();
    let given_out = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first: u16 = given_out.split_whitespace().next().and_then(|port| port.parse().ok()).unwrap_or(10_000);
    let ports = format!("1-{},{port}", first - 1);
    let running = Tcpx::new(&["scan", "127.0.0.1", &ports]).after_shell("ulimit -n 64").spawn();
    let out = running.out.clone();
    running.finish().code(0);
    assert!(out.text().ends_with(&format!("{port} open\n")), "{}", out.text());
}

#[test]
fn a_proxy_reaches_the_ports() {
    let (server, closed) = (Server::start(), Refusing::new());
    let (proxy, place) = Tcpx::new(&["--script", "@socks"]).listen();
    let (open, refused) = (server.address.port(), closed.address().port());
    let ports = format!("{open},{refused}");
    let proxied = ["scan", "-v", "--proxy", &format!("socks5://{place}"), "127.0.0.1", "-p", &ports];
    let mut lines = [format!("{open} open\n"), format!("{refused} closed\n")];
    lines.sort_by_key(|line| line.split(' ').next().and_then(|port| port.parse::<u16>().ok()));
    Tcpx::new(&proxied).run().code(0).wrote(lines.concat());
    drop(proxy);
    let nobody = Refusing::new();
    let done = Tcpx::new(&["scan", "--proxy", &format!("socks5://{}", nobody.address()), "127.0.0.1", "80"]).run();
    done.code(97);
}

#[test]
fn a_closed_stdout_and_bad_words_are_said() {
    let server = Server::start();
    let port = server.address.port().to_string();
    Tcpx::new(&["scan", "127.0.0.1", &port]).stdout(Stdout::Closed).run().code(23);
    Tcpx::new(&["scan", "127.0.0.1", "20-10"]).run().code(2).said("upside down");
}
