//! Rules between the options of TLS.

use super::contradiction;
use crate::cli::args::TlsArgs;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

/// Which side of TLS a command takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Side {
    /// It connects.
    Client,
    /// It listens.
    Server,
}

/// Checks every rule of TLS. `is_on`: the run's own connections speak it; `scripted`: a script may speak it on others.
pub(in crate::cli) fn check(args: &TlsArgs, side: Side, is_on: bool, scripted: bool) -> Result<()> {
    if args.tls_key.is_some() && args.tls_cert.is_none() {
        return Err(Error::usage_hint(
            "--tls-key needs the certificate that the key is of",
            "add --tls-cert FILE; without both, listen --tls makes a certificate",
        ));
    }
    one_kind_of_trust(args)?;
    if scripted {
        return Ok(());
    }
    if !is_on {
        return match given(args).next() {
            Some(option) => Err(Error::usage_hint(format!("{option} needs --tls"), "add --tls, or leave it out")),
            None => Ok(()),
        };
    }
    let of_others = match side {
        Side::Client => vec![(args.tls_client_ca.is_some(), "--tls-client-ca", "servers", "--tls-ca")],
        Side::Server => vec![
            (args.tls_ca.is_some(), "--tls-ca", "clients", "--tls-client-ca"),
            (args.tls_insecure, "--tls-insecure", "clients", "--tls-client-ca"),
            (!args.tls_pin.is_empty(), "--tls-pin", "clients", "--tls-client-ca"),
            (args.tls_name.is_some(), "--tls-name", "clients", "--tls-cert"),
        ],
    };
    match of_others.into_iter().find(|(given, ..)| *given) {
        Some((_, option, whose, instead)) => {
            Err(Error::usage_hint(format!("{option} is for {whose}"), format!("{instead} FILE is what you may mean")))
        }
        None => Ok(()),
    }
}

/// TLS is for streams; that of datagrams (DTLS) is not spoken.
pub(in crate::cli) fn over_a_stream(place: &Endpoint, is_on: bool) -> Result<()> {
    if is_on && place.is_datagram() {
        return Err(Error::usage_hint(
            format!("TLS needs a stream, and {place} has datagrams"),
            "leave out --tls or -u; DTLS is not spoken",
        ));
    }
    Ok(())
}

fn one_kind_of_trust(args: &TlsArgs) -> Result<()> {
    let kinds = [
        (args.tls_insecure, "--tls-insecure"),
        (!args.tls_pin.is_empty(), "--tls-pin"),
        (args.tls_ca.is_some(), "--tls-ca"),
    ];
    let mut kinds = kinds.iter().filter_map(|(given, option)| given.then_some(*option));
    match (kinds.next(), kinds.next()) {
        (Some(one), Some(other)) => {
            contradiction(one, other, "--tls-pin replaces the chain, --tls-insecure everything: leave one of them out")
        }
        _ => Ok(()),
    }
}

fn given(args: &TlsArgs) -> impl Iterator<Item = &'static str> {
    let options = [
        (args.tls_ca.is_some(), "--tls-ca"),
        (args.tls_insecure, "--tls-insecure"),
        (!args.tls_pin.is_empty(), "--tls-pin"),
        (args.tls_name.is_some(), "--tls-name"),
        (args.tls_alpn.is_some(), "--tls-alpn"),
        (args.tls_cert.is_some(), "--tls-cert"),
        (args.tls_key.is_some(), "--tls-key"),
        (args.tls_client_ca.is_some(), "--tls-client-ca"),
        (args.handshake_timeout.is_some(), "--handshake-timeout"),
    ];
    options.into_iter().filter_map(|(given, option)| given.then_some(option))
}
