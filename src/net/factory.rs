//! The kinds of connections and listeners there are: one line for each.
//!
//! Owns which implementation an address belongs to. Names are resolved before (`dial`).

use std::io;
use std::net::SocketAddr;

use crate::endpoint::Address;
use crate::net::listener::{self, Options};
use crate::net::{Connecting, Listening, StartError, tcp, unix};

/// Starts a connect, from `source` where there is such a thing. Register the result, and ask it on each event.
///
/// # Errors
/// What the system reports at once.
pub fn connect(to: &Address, source: Option<SocketAddr>) -> Result<Box<dyn Connecting>, StartError> {
    Ok(match to {
        Address::Ip(target) => Box::new(tcp::Connect::start(*target, source)?),
        Address::Unix(Some(name)) => Box::new(unix::Connect::start(name)?),
        Address::Unix(None) => return Err(StartError::Connect(io::ErrorKind::AddrNotAvailable.into())),
    })
}

/// Binds and listens on one of the addresses, the first that works.
///
/// # Errors
/// The last address's error.
pub fn listen(addresses: &[Address], options: Options) -> io::Result<Box<dyn Listening>> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address to listen on");
    for address in addresses {
        match listen_on(address, options) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_on(address: &Address, options: Options) -> io::Result<Box<dyn Listening>> {
    Ok(match address {
        Address::Ip(address) => Box::new(listener::listen(*address, options)?),
        Address::Unix(Some(name)) => Box::new(unix::UnixListening::bind(name, options.backlog)?),
        Address::Unix(None) => return Err(io::ErrorKind::AddrNotAvailable.into()),
    })
}
