//! The result of `tcpx scan` as text or as JSON, written port by port.
//!
//! Owns the format of both. Does not know how ports are tried.

use std::io::Write;

use crate::config::scan::PortState;
use crate::output::json;

/// Writes the ports of a scan, in the order in which they are given.
#[derive(Debug)]
pub struct Ports {
    is_json: bool,
    /// Ports that are not open are written, too.
    is_all: bool,
    /// There are several hosts, so each line names its own.
    names_hosts: bool,
    written: usize,
}

impl Ports {
    /// Nothing is written yet. `is_all`: also what is not open; `names_hosts`: each port with its host.
    pub fn new(is_json: bool, is_all: bool, names_hosts: bool) -> Self {
        Self { is_json, is_all, names_hosts, written: 0 }
    }

    /// What is written for a port.
    pub fn port(&mut self, host: &str, port: u16, state: PortState, out: &mut Vec<u8>) {
        if state != PortState::Open && !self.is_all {
            return;
        }
        let word = word(state);
        // Writing to a Vec cannot fail.
        if self.is_json {
            out.extend_from_slice(if self.written == 0 { b"[" } else { b",\n " });
            out.push(b'{');
            if self.names_hosts {
                out.extend_from_slice(b"\"host\":");
                json::push_string(out, host);
                out.push(b',');
            }
            let _ = write!(out, "\"port\":{port},\"state\":\"{word}\"}}");
        } else if self.names_hosts {
            let _ = writeln!(out, "{host} {port} {word}");
        } else {
            let _ = writeln!(out, "{port} {word}");
        }
        self.written += 1;
    }

    /// What is written at the end.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.is_json {
            out.extend_from_slice(if self.written == 0 { b"[]\n" } else { b"]\n" });
        }
    }
}

fn word(state: PortState) -> &'static str {
    match state {
        PortState::Open => "open",
        PortState::Closed => "closed",
        PortState::Filtered => "filtered",
        PortState::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(mut ports: Ports) -> String {
        let mut out = Vec::new();
        for (port, state) in [(22, PortState::Open), (23, PortState::Closed), (80, PortState::Filtered)] {
            ports.port("h", port, state, &mut out);
        }
        ports.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn open_ports_are_lines_or_an_array() {
        assert_eq!(written(Ports::new(false, false, false)), "22 open\n");
        assert_eq!(written(Ports::new(false, true, false)), "22 open\n23 closed\n80 filtered\n");
        assert_eq!(written(Ports::new(false, false, true)), "h 22 open\n");
        assert_eq!(written(Ports::new(true, false, false)), "[{\"port\":22,\"state\":\"open\"}]\n");
        let all = written(Ports::new(true, true, true));
        assert!(all.ends_with(",\n {\"host\":\"h\",\"port\":80,\"state\":\"filtered\"}]\n"), "{all}");
        let mut none = Vec::new();
        Ports::new(true, false, false).end(&mut none);
        assert_eq!(none, b"[]\n");
    }
}
