//! The options of TLS.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

// No doc comments on the option groups below: clap would take them for the help of the command they are in.

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(in crate::cli) struct TlsArgs {
    #[arg(
        long,
        help = "Speak TLS (1.2 or 1.3); the same as tls:// before the host",
        long_help = "Speak TLS (1.2 or 1.3); the same as tls:// before the host. A client verifies the server: its chain up to \
                     a root that the system trusts, its name, its dates. A server without --tls-cert makes a certificate for \
                     this run and says its SHA-256. stdin's end is told by close_notify; a peer that ends without one was cut \
                     off (exit 18)"
    )]
    pub(in crate::cli) tls: bool,
    /// Trust these certificates (PEM) in place of the system's
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        long_help = "Trust these certificates (PEM) in place of the system's: those of issuers, and the server's own. Name and \
                     dates are still verified"
    )]
    pub(in crate::cli) tls_ca: Option<PathBuf>,
    /// Trust everybody: what is sent may be read and changed on its way
    #[arg(long)]
    pub(in crate::cli) tls_insecure: bool,
    /// Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer
    #[arg(
        long,
        value_name = "SHA256",
        action = ArgAction::Append,
        long_help = "Trust the certificate with this SHA-256 alone, whatever its name, dates and issuer. 64 hex digits, with or \
                     without colons, as listen --tls says them; repeat for more"
    )]
    pub(in crate::cli) tls_pin: Vec<String>,
    /// The name to ask for (SNI) and to verify, in place of the host's
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) tls_name: Option<String>,
    /// Protocols to speak inside (ALPN), the best first, as in h2,http/1.1
    #[arg(long, value_name = "LIST")]
    pub(in crate::cli) tls_alpn: Option<String>,
    /// Our certificate (PEM), and those that lead from it to its root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) tls_cert: Option<PathBuf>,
    /// Its private key (PEM), if it is not in the same file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// As server: require a certificate that one of these (PEM) has signed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) tls_client_ca: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        help = "Give up a TLS handshake that is not done after this time [default: 10s]",
        long_help = "Give up a TLS handshake that is not done after this time (exit 28 if it is the run's only connection). \
                     --connect-timeout holds for the handshake, too [default: 10s]"
    )]
    pub(in crate::cli) handshake_timeout: Option<String>,
}
