//! A load generator: N connections, each sends a message and waits for the whole answer before the next one.
//!
//! ```text
//! load ADDRESS [--conns N] [--size BYTES] [--reply BYTES] [--seconds S] [--warmup S] [--churn] [--rate R] [--json]
//! ```
//!
//! Prints one line: answers per second, errors, and the latency's p50, p99 and p99.9 in microseconds. With
//! `--churn` every answer is followed by a new connection, on Linux from one of many addresses of loopback: the ports of one address
//! (28 232, each of which is free again one or two seconds after its connection) would bound the rate. With `--rate` new connections are due at that rate a second, whether or
//! not the server keeps up, at most N at a time, and the latency counts from when one was due. It is kept minimal, because with few processors its own cost
//! is part of every result. At the end it waits for outstanding answers, so that no server sees aborted connections.

#![cfg_attr(target_os = "linux", allow(unsafe_code))]

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

struct Options {
    address: SocketAddr,
    conns: usize,
    size: usize,
    reply: usize,
    seconds: f64,
    warmup: f64,
    churn: bool,
    /// New connections a second.
    rate: Option<f64>,
    json: bool,
}

struct Client {
    stream: TcpStream,
    unsent: usize,
    awaited: usize,
    since: Instant,
    is_open: bool,
}

/// Number of errors by operation.
#[derive(Default)]
struct Errors {
    connect: u64,
    /// The server closed the connection or sent more than expected.
    answer: u64,
}

fn options() -> Options {
    let mut words = std::env::args().skip(1);
    let address = words.next().and_then(|word| word.parse().ok()).expect("load ADDRESS:PORT [options]");
    let mut options = Options {
        address,
        conns: 64,
        size: 64,
        reply: 0,
        seconds: 3.0,
        warmup: 0.5,
        churn: false,
        rate: None,
        json: false,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--churn" => options.churn = true,
            "--json" => options.json = true,
            _ => {}
        }
        if matches!(word.as_str(), "--churn" | "--json") {
            continue;
        }
        let value = words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        let number: f64 = value.parse().unwrap_or_else(|_| panic!("{word} {value}: not a number"));
        match word.as_str() {
            "--conns" => options.conns = number as usize,
            "--size" => options.size = number as usize,
            "--reply" => options.reply = number as usize,
            "--seconds" => options.seconds = number,
            "--warmup" => options.warmup = number,
            "--rate" => options.rate = Some(number),
            _ => panic!("unknown option {word}"),
        }
    }
    if options.reply == 0 {
        options.reply = options.size;
    }
    options
}

fn main() {
    let options = options();
    let message = vec![b'x'; options.size];
    let mut buffer = vec![0; 256 << 10];
    let mut poll = Poll::new().expect("epoll");
    let mut events = Events::with_capacity(1024);
    let mut clients: Vec<_> = (0..options.conns).map(|token| open(&poll, &options, token)).collect();
    if let Some(rate) = options.rate {
        return run_at_rate(&options, rate, &message, &mut buffer, &mut poll, &mut events, &mut clients);
    }
    let counting_from = Instant::now() + Duration::from_secs_f64(options.warmup);
    let until = counting_from + Duration::from_secs_f64(options.seconds);
    let mut latencies: Vec<u32> = Vec::with_capacity(1 << 20);
    let (mut errors, mut answers) = (Errors::default(), 0u64);
    // Deadline for the last answers; one that is missing then is an error.
    let patience = until + Duration::from_secs(2);
    let mut under_way = clients.len();
    while under_way > 0 && Instant::now() < patience {
        poll.poll(&mut events, Some(Duration::from_millis(100))).expect("poll");
        for event in &events {
            let token = event.token().0;
            let client = &mut clients[token];
            let result = turn(client, &message, &mut buffer, options.reply);
            if matches!(result, Ok(false)) || client.awaited == DONE {
                continue;
            }
            let now = Instant::now();
            if result.is_ok() {
                answers += 1;
                if now >= counting_from && now < until {
                    latencies.push((now - client.since).as_nanos().min(u128::from(u32::MAX)) as u32);
                }
            } else if client.is_open {
                errors.answer += 1;
            } else {
                errors.connect += 1;
            }
            if now >= until {
                client.awaited = DONE;
                under_way -= 1;
            } else if options.churn || result.is_err() {
                *client = open(&poll, &options, token);
            } else {
                begin(client, options.size, options.reply);
                // Only sends: the answer cannot have arrived yet, and its arrival is an event.
                let _ = send(client, &message);
            }
        }
    }
    errors.answer += under_way as u64;
    report(&options, &mut latencies, answers, &errors);
}

/// New connections at a rate, each with one answer; the connections that are there already end first.
fn run_at_rate(
    options: &Options,
    rate: f64,
    message: &[u8],
    buffer: &mut [u8],
    poll: &mut Poll,
    events: &mut Events,
    clients: &mut [Client],
) {
    let start = Instant::now();
    let counting_from = start + Duration::from_secs_f64(options.warmup);
    let until = counting_from + Duration::from_secs_f64(options.seconds);
    let patience = until + Duration::from_secs(2);
    let (mut latencies, mut errors, mut answers) = (Vec::with_capacity(1 << 20), Errors::default(), 0);
    let mut idle: Vec<usize> = (0..clients.len()).collect();
    for client in clients.iter_mut() {
        client.awaited = DONE;
    }
    let mut begun = 0u64;
    loop {
        let now = Instant::now();
        let mut due = start + Duration::from_secs_f64(begun as f64 / rate);
        while due <= now
            && due < until
            && let Some(token) = idle.pop()
        {
            clients[token] = open(poll, options, token);
            clients[token].since = due;
            begun += 1;
            due = start + Duration::from_secs_f64(begun as f64 / rate);
        }
        let is_over = due >= until && idle.len() == clients.len();
        if is_over || now >= patience {
            break;
        }
        let wait = if due < until && !idle.is_empty() {
            due.saturating_duration_since(now)
        } else {
            Duration::from_millis(100)
        };
        poll.poll(events, Some(wait)).expect("poll");
        for event in &*events {
            let token = event.token().0;
            let client = &mut clients[token];
            if client.awaited == DONE {
                continue;
            }
            let result = turn(client, message, buffer, options.reply);
            if matches!(result, Ok(false)) {
                continue;
            }
            if result.is_ok() {
                answers += 1;
                if client.since >= counting_from {
                    latencies.push(client.since.elapsed().as_nanos().min(u128::from(u32::MAX)) as u32);
                }
            } else if client.is_open {
                errors.answer += 1;
            } else {
                errors.connect += 1;
            }
            client.awaited = DONE;
            // Whatever comes after the answer is nobody's.
            let _ = client.stream.shutdown(std::net::Shutdown::Both);
            idle.push(token);
        }
    }
    errors.answer += (clients.len() - idle.len()) as u64;
    report(options, &mut latencies, answers, &errors);
}

fn report(options: &Options, latencies: &mut [u32], answers: u64, errors: &Errors) {
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(0.0, |nanos| f64::from(*nanos) / 1000.0)
    };
    let rate = latencies.len() as f64 / options.seconds;
    let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
    let Errors { connect, answer } = errors;
    if options.json {
        println!(
            "{{\"answers\": {}, \"answers_with_warmup\": {answers}, \"rate\": {rate:.1}, \"errors\": {}, \
             \"connect_errors\": {connect}, \"p50_us\": {p50:.2}, \"p99_us\": {p99:.2}, \"p999_us\": {p999:.2}}}",
            latencies.len(),
            connect + answer,
        );
    } else {
        println!(
            "{rate:.0} answers/s, {} errors ({connect} at connect), p50 {p50:.1} us, p99 {p99:.1} us, p99.9 {p999:.1} us",
            connect + answer
        );
    }
}

fn open(poll: &Poll, options: &Options, token: usize) -> Client {
    let mut stream = connect(options, token).expect("connect");
    poll.registry().register(&mut stream, Token(token), Interest::READABLE | Interest::WRITABLE).expect("register");
    let mut client = Client { stream, unsent: 0, awaited: 0, since: Instant::now(), is_open: false };
    begin(&mut client, options.size, options.reply);
    client
}

#[cfg(target_os = "linux")]
fn connect(options: &Options, token: usize) -> std::io::Result<TcpStream> {
    use std::net::{IpAddr, Ipv4Addr};
    use std::os::fd::AsRawFd;

    use socket2::{Domain, Socket, Type};

    let IpAddr::V4(host) = options.address.ip() else { return TcpStream::connect(options.address) };
    if !options.churn || !host.is_loopback() {
        return TcpStream::connect(options.address);
    }
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    let (on, length) = (1 as libc::c_int, size_of::<libc::c_int>() as libc::socklen_t);
    // The port is chosen by connect(2), which knows both ends: bind(2) would search for one that nobody has at all.
    let option = libc::IP_BIND_ADDRESS_NO_PORT;
    // SAFETY: the value is an int on this stack frame, as the option takes it.
    unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_IP, option, (&raw const on).cast(), length) };
    let source = Ipv4Addr::new(127, 0, 1, 1 + (token % 250) as u8);
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    match socket.connect(&options.address.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn connect(options: &Options, _: usize) -> std::io::Result<TcpStream> {
    TcpStream::connect(options.address)
}

fn begin(client: &mut Client, size: usize, reply: usize) {
    client.unsent = size;
    client.awaited = reply;
    client.since = Instant::now();
}

/// Sends and receives without blocking; `true` when the answer is complete.
fn turn(client: &mut Client, message: &[u8], buffer: &mut [u8], reply: usize) -> std::io::Result<bool> {
    if !client.is_open {
        if let Some(error) = client.stream.take_error()? {
            return Err(error);
        }
        if client.stream.peer_addr().is_err() {
            return Ok(false);
        }
        client.stream.set_nodelay(true)?;
        client.is_open = true;
    }
    send(client, message)?;
    while client.awaited > 0 && client.awaited != DONE {
        match client.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) if n > client.awaited => return Err(std::io::Error::other(format!("{n} bytes, awaited {reply}"))),
            Ok(n) => client.awaited -= n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Sends without blocking.
fn send(client: &mut Client, message: &[u8]) -> std::io::Result<()> {
    while client.unsent > 0 {
        match client.stream.write(&message[message.len() - client.unsent..]) {
            Ok(n) => client.unsent -= n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Number of expected bytes of a client that has stopped.
const DONE: usize = usize::MAX;
