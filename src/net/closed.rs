//! `Closed`: the transport of a released connection, in place of its socket.
//!
//! Owns nothing: every read is the end of the stream, every write fails.

use std::io;

use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::net::Transport;

/// A transport without a socket.
#[derive(Clone, Copy, Debug)]
pub struct Closed;

impl Transport for Closed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Closed {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}
