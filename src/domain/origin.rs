//! Web origins (RFC 6454): where a page that uses a token came from.

use serde::{Serialize, Serializer};
use url::{Host, Url};

/// The longest origin, in bytes: a host has 253 at most, and scheme and port are short.
const LONGEST: usize = 300;

/// A web origin: scheme, host and port, as a browser sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host<String>,
    port: u16,
}

/// An origin that a token may be used from, or all those below a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    extent: Extent,
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// This origin alone.
    Exact,
    /// Any below this one, at any depth, and not itself.
    Below,
}

/// A text that is not an origin or a pattern of origins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an origin such as https://app.example.org or https://*.example.org: http or https, a host, perhaps a port, and nothing else"
)]
pub struct MalformedOrigin;

impl Origin {
    /// Reads the value of an `Origin` header. `null` is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (_, authority) = text.split_once("://")?;
        // An escape would be decoded, and could bring back what is refused here.
        let plain = text.len() <= LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !authority.contains(['/', '?', '#', '@', '\\', '*', '%']);
        plain.then(|| Self::of_url(text)).flatten()
    }

    /// The origin of a whole URL, such as the value of a `Referer` header.
    #[must_use]
    pub fn of_url(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let web = matches!(url.scheme(), "http" | "https");
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host().filter(|_| web)?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, host) = (self.scheme.clone(), self.host.clone());
        let serialized = url::Origin::Tuple(scheme, host, self.port).ascii_serialization();
        f.write_str(&serialized)
    }
}

impl OriginPattern {
    /// Reads `https://app.example.org` or `https://*.example.org`, with a port where it is not the
    /// scheme's own.
    ///
    /// # Errors
    /// [`MalformedOrigin`] for anything else: paths, a bare `*`, a `*` before a single label or an
    /// address.
    pub fn parse(text: &str) -> Result<Self, MalformedOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(MalformedOrigin)?;
        let (extent, plain) = match authority.strip_prefix("*.") {
            None => (Extent::Exact, text.to_owned()),
            Some(domain) => (Extent::Below, format!("{scheme}://{domain}")),
        };
        let origin = Origin::parse(&plain).ok_or(MalformedOrigin)?;
        let labels = match &origin.host {
            Host::Domain(domain) => domain.split('.').filter(|label| !label.is_empty()).count(),
            Host::Ipv4(_) | Host::Ipv6(_) => 0,
        };
        if extent == Extent::Below && labels < 2 {
            return Err(MalformedOrigin);
        }
        Ok(Self { extent, origin })
    }

    /// How many bytes the pattern takes in memory, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let host = match &self.origin.host {
            Host::Domain(domain) => domain.len(),
            Host::Ipv4(_) | Host::Ipv6(_) => 0,
        };
        size_of::<Self>() + host
    }

    /// Whether `origin` is meant.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        match self.extent {
            Extent::Exact => self.origin == *origin,
            Extent::Below => {
                self.origin.scheme == origin.scheme
                    && self.origin.port == origin.port
                    && is_below(&origin.host, &self.origin.host)
            }
        }
    }
}

fn is_below(host: &Host<String>, domain: &Host<String>) -> bool {
    match (host, domain) {
        (Host::Domain(host), Host::Domain(domain)) => host
            .strip_suffix(domain.as_str())
            .and_then(|front| front.strip_suffix('.'))
            .is_some_and(|front| !front.is_empty()),
        _ => false,
    }
}

impl std::fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.extent, self.origin.to_string().split_once("://")) {
            (Extent::Below, Some((scheme, domain))) => write!(f, "{scheme}://*.{domain}"),
            _ => self.origin.fmt(f),
        }
    }
}

impl Serialize for OriginPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, origin: &str) -> bool {
        OriginPattern::parse(pattern)
            .unwrap()
            .matches(&Origin::parse(origin).unwrap())
    }

    #[test]
    fn an_exact_origin_is_matched_whole() {
        assert!(matches(
            "https://app.example.org",
            "https://APP.example.org:443"
        ));
        for other in [
            "http://app.example.org",
            "https://app.example.org:8443",
            "https://example.org",
            "https://x.app.example.org",
            "https://app.example.org.evil.example",
        ] {
            assert!(!matches("https://app.example.org", other), "{other}");
        }
    }

    #[test]
    fn a_star_stands_for_one_or_more_labels_in_front() {
        assert!(matches("https://*.example.org", "https://a.example.org"));
        assert!(matches("https://*.example.org", "https://a.b.example.org"));
        for other in [
            "https://example.org",
            "https://evilexample.org",
            "http://a.example.org",
            "https://a.example.org:8443",
            "https://a.example.org.evil.example",
        ] {
            assert!(!matches("https://*.example.org", other), "{other}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in [
            "",
            "*",
            "https://*",
            "https://*.org",
            "https://*.",
            "https://a.*.org",
            "null",
            "example.org",
            "https://",
            "https://a.example/",
            "https://a.example/path",
            "https://a.example?q",
            "https://a.example#f",
            "https://u@a.example",
            "ftp://a.example",
            "https://a.example:99999",
            "https://a example",
            "https://a.example\n",
            "https://*.192.0.2.1",
            "javascript:alert(1)",
            "https://a.example\\x",
            "https://*.*.org",
            "https://%2a.example.org",
            "https://a.%2A.org",
            "https://*.%2a.example.org",
        ] {
            assert!(OriginPattern::parse(bad).is_err(), "{bad:?}");
        }
        let long = format!("https://{}.example.org", "a".repeat(LONGEST));
        assert!(OriginPattern::parse(&long).is_err());
    }

    #[test]
    fn a_pattern_is_written_as_a_browser_would() {
        let shown = |text| OriginPattern::parse(text).unwrap().to_string();
        assert_eq!(
            shown("HTTPS://App.Example.org:443"),
            "https://app.example.org"
        );
        assert_eq!(
            shown("https://*.Example.org:8443"),
            "https://*.example.org:8443"
        );
        assert_eq!(
            shown("http://[2001:db8::1]:8080"),
            "http://[2001:db8::1]:8080"
        );
        assert_eq!(shown("http://localhost:3000"), "http://localhost:3000");
    }

    #[test]
    fn a_referer_has_the_origin_of_its_page() {
        let origin = Origin::of_url("https://app.example.org/a/b?c=d#e").unwrap();
        assert_eq!(origin.to_string(), "https://app.example.org");
        assert!(Origin::parse("null").is_none() && Origin::of_url("about:blank").is_none());
    }
}
