//! Layers: what stands between the bytes of a socket and the connection that works with them.
//!
//! Pure machines: bytes in, bytes out, time as an argument; no socket, no clock, no script. Which connection has
//! which layers is decided by whoever owns the connection.

pub mod toxics;
