//! The address that a request really comes from.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

/// Whose hops are counted from the right.
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// RFC 7239: its `for` parameters are hops in the same order.
static FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    /// The last address on the way back that can be believed: the peer's, a proxy's or the client's.
    pub(super) believed: IpAddr,
    /// The client's own address, unless the proxies left it open.
    pub(super) certain: Option<IpAddr>,
}

impl Client {
    const fn certain(address: IpAddr) -> Self {
        Self {
            believed: address,
            certain: Some(address),
        }
    }

    const fn open(believed: IpAddr) -> Self {
        Self {
            believed,
            certain: None,
        }
    }
}

/// The client: the peer, unless the peer is one of `trusted`. Then it is the rightmost address of
/// `X-Forwarded-For` that is not trusted itself; whatever stands to the left of it was written by
/// strangers. A hop that is no address ends the chain, and leaves it open who the client is.
///
/// Where there is no `X-Forwarded-For`, the `for` parameters of `Forwarded` count alike. Where both
/// are there and name different clients, one of them was written by a stranger: it stays open which.
pub(super) fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let peer = peer.to_canonical();
    if !trusted.iter().any(|net| net.contains(&peer)) {
        return Client::certain(peer);
    }
    let chain = |name, hops: fn(&HeaderValue) -> Vec<Option<IpAddr>>| {
        let mut lines = headers.get_all(name).rev().peekable();
        lines.peek()?;
        Some(follow(peer, lines.flat_map(hops), trusted))
    };
    let listed = chain(&X_FORWARDED_FOR, listed_hops);
    let forwarded = chain(&FORWARDED, forwarded_hops);
    match (listed, forwarded) {
        (Some(listed), Some(forwarded)) if listed != forwarded => Client::open(listed.believed),
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => Client::certain(peer),
    }
}

/// Follows `hops`, the rightmost first, as far as they can be believed.
fn follow(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &[IpNet]) -> Client {
    let mut believed = peer;
    for hop in hops {
        let Some(address) = hop else {
            return Client::open(believed);
        };
        believed = address;
        if !trusted.iter().any(|net| net.contains(&address)) {
            break;
        }
    }
    Client::certain(believed)
}

/// The hops of a line of `X-Forwarded-For`, the rightmost first.
fn listed_hops(line: &HeaderValue) -> Vec<Option<IpAddr>> {
    let hops = line.as_bytes().rsplit(|byte| *byte == b',');
    hops.map(|hop| parse_hop(std::str::from_utf8(hop).ok()?))
        .collect()
}

/// The hops of a line of `Forwarded`, the rightmost first. The whole line is a hop that cannot be
/// read when it is malformed.
fn forwarded_hops(line: &HeaderValue) -> Vec<Option<IpAddr>> {
    let elements = line.to_str().ok().and_then(|line| split(line, b','));
    elements.map_or_else(
        || vec![None],
        |elements| elements.into_iter().rev().map(forwarded_hop).collect(),
    )
}

/// The address in an element of `Forwarded`: that of its one `for` parameter, quoted or not.
fn forwarded_hop(element: &str) -> Option<IpAddr> {
    let pairs = split(element, b';')?.into_iter();
    let mut nodes = pairs
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (node, None) = (nodes.next()?.1.trim(), nodes.next()) else {
        return None;
    };
    match node.strip_prefix('"') {
        None => parse_hop(node),
        Some(quoted) => parse_hop(quoted.strip_suffix('"')?),
    }
}

/// The parts of a text between `separator`s that stand outside of quotes (RFC 9110, section 5.6.4);
/// `None` when a quote is not closed.
fn split(text: &str, separator: u8) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            // Escapes have no place in an address.
            b'\\' => return None,
            byte if byte == separator && !quoted => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

/// Reads `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` and `[2001:db8::1]:4711`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let text = hop.trim();
    let with_port = || text.parse::<SocketAddr>().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().or_else(|_| with_port()).ok();
    address
        .or_else(bracketed)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[(&HeaderName, &str)]) -> Client {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "::1/128"]
            .iter()
            .map(|net| net.parse().unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append((*name).clone(), line.parse().unwrap());
        }
        client_of(peer.parse().unwrap(), &headers, &trusted)
    }

    /// The client of a chain that is clear.
    fn certain(peer: &str, name: &HeaderName, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| (name, *line)).collect();
        let client = client(peer, &lines);
        assert_eq!(client.certain, Some(client.believed));
        client.believed.to_string()
    }

    fn listed(peer: &str, lines: &[&str]) -> String {
        certain(peer, &X_FORWARDED_FOR, lines)
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(listed("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        let forwarded = certain("192.0.2.9", &FORWARDED, &["for=198.51.100.1"]);
        assert_eq!(forwarded, "192.0.2.9");
    }

    #[test]
    fn the_rightmost_untrusted_hop_counts() {
        let spoofed = ["203.0.113.7, 198.51.100.1, 10.0.0.2"];
        assert_eq!(listed("10.0.0.1", &spoofed), "198.51.100.1");
        let split = ["203.0.113.7", "198.51.100.1,10.0.0.2"];
        assert_eq!(listed("10.0.0.1", &split), "198.51.100.1");
        assert_eq!(
            listed("::ffff:10.0.0.1", &["198.51.100.1:4711"]),
            "198.51.100.1"
        );
        assert_eq!(listed("::1", &["[2001:db8::1]:80"]), "2001:db8::1");
        assert_eq!(listed("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(listed("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn forwarded_says_the_same_in_its_own_way() {
        let spoofed =
            ["for=203.0.113.7, For=\"198.51.100.1:4711\";proto=https;by=10.0.0.3,for=10.0.0.2"];
        assert_eq!(certain("10.0.0.1", &FORWARDED, &spoofed), "198.51.100.1");
        let quoted = [r#"host="x;for=6.6.6.6";for=198.51.100.1"#];
        assert_eq!(certain("10.0.0.1", &FORWARDED, &quoted), "198.51.100.1");
        let v6 = ["for=\"[2001:db8::1]\";host=\"a,b\""];
        assert_eq!(certain("10.0.0.1", &FORWARDED, &v6), "2001:db8::1");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_client_open() {
        let open = |name: &HeaderName, line, believed: &str| {
            let client = client("10.0.0.1", &[(name, line)]);
            assert_eq!(
                (client.believed.to_string().as_str(), client.certain),
                (believed, None)
            );
        };
        open(&X_FORWARDED_FOR, "198.51.100.1, unknown", "10.0.0.1");
        open(
            &X_FORWARDED_FOR,
            "198.51.100.1, garbage, 10.0.0.2",
            "10.0.0.2",
        );
        open(&X_FORWARDED_FOR, "", "10.0.0.1");
        open(&FORWARDED, "for=198.51.100.1, for=_hidden", "10.0.0.1");
        open(&FORWARDED, "proto=https", "10.0.0.1");
        open(&FORWARDED, "for=198.51.100.1;for=198.51.100.2", "10.0.0.1");
        open(&FORWARDED, "for=\"198.51.100.1", "10.0.0.1");
        open(&FORWARDED, "for=198.51.100.1\"", "10.0.0.1");
        open(&FORWARDED, "for=198.51.100.1, for=\"10.0.0.2", "10.0.0.1");
    }

    #[test]
    fn headers_that_contradict_each_other_leave_the_client_open() {
        let with = |forwarded| {
            client(
                "10.0.0.1",
                &[(&X_FORWARDED_FOR, "198.51.100.1"), (&FORWARDED, forwarded)],
            )
        };
        assert_eq!(with("for=10.0.0.9").certain, None);
        assert_eq!(
            with("for=198.51.100.1").certain,
            "198.51.100.1".parse().ok()
        );
    }
}
