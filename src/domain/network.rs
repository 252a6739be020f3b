//! Networks, as people write them.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why a text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNetwork {
    /// It is neither an address nor one with a prefix length.
    #[error("must be a network like 10.0.0.0/8 or 2001:db8::/32, or an address")]
    Form,
    /// Its address is not the network's first.
    #[error("has bits set behind its prefix length; {0} may be meant")]
    HostBits(IpNet),
}

/// Reads a network, or a single address as a network of one. IPv4 within IPv6 becomes plain IPv4, as
/// clients' addresses do.
///
/// # Errors
/// [`MalformedNetwork`] for anything else, and for bits behind the prefix length.
pub fn parse(text: &str) -> Result<IpNet, MalformedNetwork> {
    let (address, is_net) = match text.split_once('/') {
        Some((address, _)) => (address, true),
        None => (text, false),
    };
    // Stricter than a network's own parser: some read `010` as eight, and some as ten.
    let address: IpAddr = address.parse().map_err(|_| MalformedNetwork::Form)?;
    let net = if is_net {
        text.parse().map_err(|_| MalformedNetwork::Form)?
    } else {
        IpNet::from(address)
    };
    if net.addr() != net.network() {
        return Err(MalformedNetwork::HostBits(net.trunc()));
    }
    Ok(match net {
        IpNet::V6(mapped) => unmapped(mapped).map_or(net, IpNet::V4),
        IpNet::V4(_) => net,
    })
}

/// The IPv4 network that `::ffff:a.b.c.d/n` stands for.
fn unmapped(net: Ipv6Net) -> Option<Ipv4Net> {
    let length = net.prefix_len().checked_sub(96)?;
    Ipv4Net::new(net.addr().to_ipv4_mapped()?, length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_network_of_one_and_mapped_ones_are_plain() {
        let net = |text| parse(text).unwrap().to_string();
        assert_eq!(net("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(net("2001:db8::1"), "2001:db8::1/128");
        assert_eq!(net("::ffff:10.0.0.0/104"), "10.0.0.0/8");
        assert_eq!(net("::ffff:192.0.2.7"), "192.0.2.7/32");
        assert_eq!(net("0.0.0.0/0"), "0.0.0.0/0");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "010.0.0.0/8",
            "a",
            "/8",
            "::/129",
        ] {
            assert_eq!(parse(bad), Err(MalformedNetwork::Form), "{bad}");
        }
        let meant = "10.0.0.0/8".parse().unwrap();
        assert_eq!(parse("10.0.0.1/8"), Err(MalformedNetwork::HostBits(meant)));
    }
}
