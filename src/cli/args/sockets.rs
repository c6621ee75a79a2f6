//! The options that are set on each socket, and those about groups and broadcasts.

use clap::{ArgAction, Args};

use super::TRANSPORT;

// No doc comment on the options: clap would take it for the help of the command they are in.

#[derive(Debug, Args)]
#[command(next_help_heading = TRANSPORT)]
pub(in crate::cli) struct SocketArgs {
    #[arg(
        long,
        value_name = "SIZE",
        allow_hyphen_values = true,
        help = "Size of the receive buffer of each socket (SO_RCVBUF)",
        long_help = "Size of the receive buffer of each socket (SO_RCVBUF), in bytes or as in 64K, 1M. The system may double it, \
                     and gives no more than it allows (net.core.rmem_max). Without it, TCP chooses the size itself as it goes"
    )]
    pub(in crate::cli) recv_buffer: Option<String>,
    #[arg(
        long,
        value_name = "SIZE",
        allow_hyphen_values = true,
        help = "Size of the send buffer of each socket (SO_SNDBUF), likewise"
    )]
    pub(in crate::cli) send_buffer: Option<String>,
    #[arg(
        long,
        value_name = "TOS",
        allow_hyphen_values = true,
        help = "Type of service of what is sent (IP_TOS): a number or a name, as in ef, af21, lowdelay",
        long_help = "Type of service of IPv4, traffic class of IPv6, of what is sent: a number from 0 to 255 (0x10 is hex), or a name: \
                     ef, va, af11 to af43, cs0 to cs7, lowdelay, throughput, reliability, lowcost, critical, inetcontrol, netcontrol"
    )]
    pub(in crate::cli) tos: Option<String>,
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        help = "Hop limit of what is sent (IP_TTL), from 1 to 255"
    )]
    pub(in crate::cli) ttl: Option<String>,
    #[arg(
        long,
        value_name = "DUR",
        allow_hyphen_values = true,
        help = "Give a connection up when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT)",
        long_help = "Give a connection up (exit 56) when sent bytes stay unacknowledged for this time (TCP_USER_TIMEOUT). Without it \
                     the system does so after about 15 minutes"
    )]
    pub(in crate::cli) user_timeout: Option<String>,
    #[arg(
        long,
        value_name = "NAME",
        allow_hyphen_values = true,
        help = "Use this network interface only (SO_BINDTODEVICE)"
    )]
    pub(in crate::cli) bind_device: Option<String>,
    #[arg(
        long,
        help = "With -u: allow datagrams to all hosts of a network, as in 192.0.2.255",
        long_help = "With -u: allow datagrams to all hosts of a network (SO_BROADCAST), as in 192.0.2.255 or 255.255.255.255. Answers \
                     of all of them are received"
    )]
    pub(in crate::cli) broadcast: bool,
    #[arg(
        long,
        value_name = "GROUP[%IFACE]",
        action = ArgAction::Append,
        help = "With -u: receive what is sent to this multicast group",
        long_help = "With -u: receive what is sent to this multicast group, on this network interface (a name, a number, or for IPv4 \
                     its address) or on that which the system chooses. Can be repeated. listen without a HOST receives for all of \
                     them; connect needs a group as its HOST, and --source :PORT to receive at that port. Several programs of one \
                     machine can receive for a group at the same port"
    )]
    pub(in crate::cli) join: Vec<String>,
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        help = "With -u: how many networks a datagram to a group crosses, from 0 to 255",
        long_help = "With -u: how many networks a datagram to a group crosses (IP_MULTICAST_TTL), from 0, this machine alone, to 255 \
                     [default: 1, the network it is sent to]"
    )]
    pub(in crate::cli) multicast_ttl: Option<String>,
}
