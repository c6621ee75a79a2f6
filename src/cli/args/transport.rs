//! The options of a socket, which `connect` and `listen` share.

use clap::Args;

use super::TRANSPORT;

#[derive(Debug, Args)]
#[command(next_help_heading = TRANSPORT)]
pub(in crate::cli) struct TransportArgs {
    #[arg(
        short = 'u',
        long,
        help = "Use UDP; with unix:PATH, a Unix datagram socket",
        long_help = "Use UDP; with unix:PATH, a Unix datagram socket. Borders of datagrams are kept: each read of stdin, on a \
                     terminal each line, is sent as one, and so are each --send, --send-hex and --send-file. After the end of \
                     stdin, connect waits for answers for --eof-wait, or a second. With listen, each address that sends is a \
                     client of its own, until nothing has moved for a minute"
    )]
    pub(in crate::cli) udp: bool,
    /// Use IPv4 only
    #[arg(short = '4')]
    pub(in crate::cli) ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6')]
    pub(in crate::cli) ipv6: bool,
    #[arg(long, overrides_with = "no_nodelay", help = "Send small pieces at once (TCP_NODELAY); this is the default")]
    pub(in crate::cli) nodelay: bool,
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        help = "Ask a silent peer whether it is there after this time [default: the system's]; 0: never",
        long_help = "Ask a silent peer whether it is there after this time, then up to three times more, a third of it apart \
                     but at least a second; a peer that does not answer is gone (exit 56). Without the option the system's \
                     times hold (two hours); 0 turns it off. While something that was sent is not acknowledged, the system \
                     sends that again instead, for about 15 minutes: --idle-timeout is the limit for that"
    )]
    pub(in crate::cli) keepalive: Option<String>,
    /// Let the system gather small pieces
    #[arg(long, overrides_with = "nodelay")]
    pub(in crate::cli) no_nodelay: bool,
    #[arg(
        long,
        value_name = "SIZE",
        allow_hyphen_values = true,
        help = "Bytes that all connections together may hold [default: a quarter of the memory]",
        long_help = "Bytes that all connections together may hold: what waits to be sent, and what was received and is no \
                     whole line or frame yet. Above that, the connection that holds most is reset, with a message. A SIZE \
                     is 64M, 1.5G, at least 4M; a bare number is in bytes [default: a quarter of the machine's memory]"
    )]
    pub(in crate::cli) memory: Option<String>,
    /// Resolve no names; only addresses work
    #[arg(short = 'n', long)]
    pub(in crate::cli) no_dns: bool,
    #[command(flatten)]
    pub(in crate::cli) sockets: super::SocketArgs,
    #[command(flatten)]
    pub(in crate::cli) proxy: super::ProxyArgs,
}
