//! The list of all kinds of connections and listeners, one line for each.
//!
//! Owns the mapping from addresses to implementations. Names are resolved before (`dial`).

use std::io;
use std::net::SocketAddr;

use crate::config::SocketOptions;
use crate::endpoint::Address;
use crate::net::listener::{self, Options};
use crate::net::{Connecting, Listening, StartError, inherited, probe, tcp, udp, unix, unixgram};

/// Starts a connect, from `source` if given (IP only). Register the result, and call `finish` after each event.
///
/// # Errors
/// An error that the system reports at once.
pub fn connect(
    to: &Address,
    source: Option<SocketAddr>,
    options: &SocketOptions,
) -> Result<Box<dyn Connecting>, StartError> {
    Ok(match to {
        Address::Ip(target) => Box::new(tcp::Connect::start(*target, source, options)?),
        Address::Udp(target) => Box::new(udp::Connect::start(*target, source, options)?),
        Address::Unix(Some(name)) => Box::new(unix::Connect::start(name, options)?),
        Address::Unixgram(Some(name)) => Box::new(unixgram::Connect::start(name, options)?),
        Address::Descriptor { number, .. } => {
            return inherited::connect(*number, options).map_err(StartError::Connect);
        }
        Address::Unix(None) | Address::Unixgram(None) | Address::Name(_) => {
            return Err(StartError::Connect(io::ErrorKind::AddrNotAvailable.into()));
        }
    })
}

/// Starts a connect that only shows whether the target accepts.
///
/// # Errors
/// An error that the system reports at once.
pub fn probe(to: SocketAddr) -> Result<Box<dyn Connecting>, StartError> {
    if cfg!(target_os = "linux") {
        return Ok(Box::new(probe::Probe::start(to)?));
    }
    // Elsewhere a second connect(2) on a socket that was refused says nothing.
    Ok(Box::new(tcp::Connect::start(to, None, &SocketOptions::default())?))
}

/// Binds and listens on the first of the addresses that can be bound.
///
/// # Errors
/// The error of the last address.
pub fn listen(addresses: &[Address], options: &Options) -> io::Result<Box<dyn Listening>> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address to listen on");
    for address in addresses {
        match listen_on(address, options) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_on(address: &Address, options: &Options) -> io::Result<Box<dyn Listening>> {
    Ok(match address {
        Address::Ip(address) => Box::new(listener::listen(*address, options)?),
        Address::Unix(Some(name)) => Box::new(unix::UnixListening::bind(name, options.backlog, &options.sockets)?),
        Address::Udp(address) => Box::new(udp::listen(*address, options)?),
        Address::Unixgram(Some(name)) => Box::new(unixgram::listen(name, &options.sockets)?),
        Address::Descriptor { number, .. } => return inherited::listen(*number, &options.sockets),
        Address::Unix(None) | Address::Unixgram(None) | Address::Name(_) => {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
    })
}
