//! What a token carries beside its life: one typed document, which a clone copies whole.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{OriginPattern, RateLimit};

/// The tag that keeps a token from being disabled.
pub const PROTECTED: &str = "protected";

const MEMBERS: &str = "tags, scopes, origins, ips, rate_limit and note";
const MOST_TAGS: usize = 64;
const LONGEST_TAG: usize = 64;
/// Bounded so that all scopes of a token fit into one header of an answer.
const MOST_SCOPES: usize = 32;
const LONGEST_SCOPE: usize = 96;
const MOST_ORIGINS: usize = 32;
const MOST_IPS: usize = 64;
const LONGEST_NOTE: usize = 1024;
/// How much of an unknown member's name is repeated.
const SHOWN_CHARS: usize = 32;

/// A token's settings. Every member is within its bounds; a new token's are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    tags: Vec<String>,
    scopes: Vec<String>,
    origins: Vec<OriginPattern>,
    ips: Vec<IpNet>,
    rate_limit: Option<RateLimit>,
    note: String,
}

/// Why a document is not a token's settings: `member` names the place, `reason` completes the
/// sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member} {reason}")]
pub struct InvalidSettings {
    member: String,
    reason: String,
}

impl InvalidSettings {
    fn new(member: impl Into<String>, reason: impl Into<String>) -> Self {
        let (member, reason) = (member.into(), reason.into());
        Self { member, reason }
    }
}

impl Settings {
    /// Reads a whole document; members that are not there are empty.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the first member that is unknown, of the wrong type or out of
    /// bounds.
    pub fn parse(document: Value) -> Result<Self, InvalidSettings> {
        let Value::Object(members) = document else {
            return Err(InvalidSettings::new("settings", "must be a JSON object"));
        };
        let mut settings = Self::default();
        for (name, value) in members {
            match name.as_str() {
                "tags" => settings.tags = list(&name, value, MOST_TAGS, parse_tag)?,
                "scopes" => settings.scopes = list(&name, value, MOST_SCOPES, parse_scope)?,
                "origins" => settings.origins = list(&name, value, MOST_ORIGINS, parse_origin)?,
                "ips" => settings.ips = list(&name, value, MOST_IPS, parse_net)?,
                "rate_limit" => settings.rate_limit = parse_rate_limit(value)?,
                "note" => settings.note = parse_note(value)?,
                _ => return Err(unknown_member(&name)),
            }
        }
        Ok(settings)
    }

    /// Reads the document that the store keeps.
    ///
    /// # Errors
    /// [`InvalidSettings`] when it is none.
    pub fn from_json(text: &str) -> Result<Self, InvalidSettings> {
        let document = serde_json::from_str(text)
            .map_err(|_| InvalidSettings::new("settings", "must be JSON"))?;
        Self::parse(document)
    }

    /// The document, whole.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("lists, numbers and texts are JSON")
    }

    /// These settings with `patch` merged into them (RFC 7396).
    ///
    /// # Errors
    /// [`InvalidSettings`] when the outcome would not be settings.
    pub fn merged(&self, patch: Value) -> Result<Self, InvalidSettings> {
        Self::parse(merge(self.to_value(), patch))
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the token must not be disabled.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.tags.iter().any(|tag| tag == PROTECTED)
    }

    /// Free labels.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// What the token may do.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The web origins that it may be used from; any when there is none.
    #[must_use]
    pub fn origins(&self) -> &[OriginPattern] {
        &self.origins
    }

    /// The networks that it may be used from; any when there is none.
    #[must_use]
    pub fn ips(&self) -> &[IpNet] {
        &self.ips
    }

    /// How often it may be used.
    #[must_use]
    pub const fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    /// For people.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// RFC 7396, section 2.
fn merge(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch;
    };
    let mut merged = match target {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            merged.remove(&name);
        } else {
            let before = merged.remove(&name).unwrap_or_default();
            merged.insert(name, merge(before, value));
        }
    }
    Value::Object(merged)
}

fn unknown_member(name: &str) -> InvalidSettings {
    let shown: String = name
        .chars()
        .filter(char::is_ascii_graphic)
        .take(SHOWN_CHARS)
        .collect();
    InvalidSettings::new(
        format!("settings have no member \"{shown}\";"),
        format!("their members are {MEMBERS}"),
    )
}

/// Reads a list of texts; one that is repeated counts once.
fn list<T: PartialEq>(
    name: &str,
    value: Value,
    most: usize,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, InvalidSettings> {
    let Value::Array(items) = value else {
        return Err(InvalidSettings::new(name, "must be a list of texts"));
    };
    if items.len() > most {
        let reason = format!("must have at most {most} entries");
        return Err(InvalidSettings::new(name, reason));
    }
    let mut parsed = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let refuse = |reason| InvalidSettings::new(format!("{name}[{place}]"), reason);
        let text = item
            .as_str()
            .ok_or_else(|| refuse("must be a text".into()))?;
        let entry = parse(text).map_err(refuse)?;
        if !parsed.contains(&entry) {
            parsed.push(entry);
        }
    }
    Ok(parsed)
}

fn parse_tag(text: &str) -> Result<String, String> {
    let plain = text.trim() == text && !text.chars().any(is_unprintable);
    if plain && (1..=LONGEST_TAG).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "must be 1 to {LONGEST_TAG} characters without control characters or white space around them"
    ))
}

/// A scope-token of RFC 6749, section 3.3, without the comma, by which wanted scopes may be
/// separated.
fn parse_scope(text: &str) -> Result<String, String> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !br#"",\"#.contains(&byte));
    if plain && (1..=LONGEST_SCOPE).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "must be 1 to {LONGEST_SCOPE} visible ASCII characters, none of them a comma, a double quote or a backslash"
    ))
}

fn parse_origin(text: &str) -> Result<OriginPattern, String> {
    OriginPattern::parse(text).map_err(|malformed| malformed.to_string())
}

/// Reads a network, or a single address; IPv4 within IPv6 becomes plain IPv4, as clients'
/// addresses do.
fn parse_net(text: &str) -> Result<IpNet, String> {
    let refusal = "must be a network like 10.0.0.0/8 or 2001:db8::/32, or an address";
    let (address, is_net) = match text.split_once('/') {
        Some((address, _)) => (address, true),
        None => (text, false),
    };
    // Stricter than a network's own parser: some read `010` as eight, and some as ten.
    let address: IpAddr = address.parse().map_err(|_| refusal)?;
    let net = if is_net {
        text.parse().map_err(|_| refusal)?
    } else {
        IpNet::from(address)
    };
    if net.addr() != net.network() {
        return Err(format!(
            "has bits set behind its prefix length; {} may be meant",
            net.trunc()
        ));
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

fn parse_rate_limit(value: Value) -> Result<Option<RateLimit>, InvalidSettings> {
    let members = match value {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => {
            return Err(InvalidSettings::new(
                "rate_limit",
                "must be an object with requests and per_seconds, or null",
            ));
        }
    };
    let known = ["requests", "per_seconds"];
    if members.keys().any(|name| !known.contains(&name.as_str())) {
        return Err(InvalidSettings::new(
            "rate_limit",
            "has an unknown member; it takes requests and per_seconds",
        ));
    }
    let number = |name: &str, most: u32| {
        let value = members.get(name).and_then(Value::as_u64);
        let value = value.and_then(|value| u32::try_from(value).ok());
        value
            .filter(|value| (1..=most).contains(value))
            .ok_or_else(|| {
                let reason = format!("must be a whole number from 1 to {most}");
                InvalidSettings::new(format!("rate_limit.{name}"), reason)
            })
    };
    let requests = number("requests", RateLimit::MOST_REQUESTS)?;
    let per_seconds = number("per_seconds", RateLimit::LONGEST_SECONDS)?;
    Ok(RateLimit::new(requests, per_seconds))
}

/// A control character, or one of the two others that XML cannot hold.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn parse_note(value: Value) -> Result<String, InvalidSettings> {
    let refuse = |reason: String| InvalidSettings::new("note", reason);
    let Value::String(note) = value else {
        return Err(refuse("must be a text".into()));
    };
    if note.chars().count() > LONGEST_NOTE {
        return Err(refuse(format!(
            "must have at most {LONGEST_NOTE} characters"
        )));
    }
    if note.chars().any(is_unprintable) {
        return Err(refuse("must not hold control characters".into()));
    }
    Ok(note)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(document: Value) -> String {
        Settings::parse(document).unwrap_err().to_string()
    }

    #[test]
    fn a_document_survives_text() {
        let document = json!({
            "tags": ["a", "protected"],
            "scopes": ["tiles:read"],
            "origins": ["https://app.example.org", "https://*.example.org:8443"],
            "ips": ["10.0.0.0/8", "2001:db8::/32"],
            "rate_limit": {"requests": 5, "per_seconds": 60},
            "note": "für Anna",
        });
        let settings = Settings::parse(document.clone()).unwrap();
        assert_eq!(settings.to_value(), document);
        assert_eq!(
            Settings::from_json(&document.to_string()).unwrap(),
            settings
        );
        assert!(settings.is_protected() && !settings.is_empty());
        assert!(Settings::parse(json!({})).unwrap().is_empty());
    }

    #[test]
    fn only_the_tag_protects() {
        let protects = |document| Settings::parse(document).unwrap().is_protected();
        assert!(protects(json!({"tags": ["a", "protected"]})));
        assert!(!protects(
            json!({"tags": ["Protected"], "note": "protected"})
        ));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        for (document, named) in [
            (json!([]), "settings must be"),
            (json!({"tag": []}), "no member \"tag\""),
            (json!({"tags": "a"}), "tags must be a list"),
            (json!({"tags": null}), "tags must be a list"),
            (json!({"tags": ["a", 1]}), "tags[1] must be a text"),
            (json!({"tags": many(10_000)}), "tags must have at most 64"),
            (json!({"tags": [" a"]}), "tags[0] must be"),
            (json!({"tags": ["a\u{1b}[2J"]}), "tags[0] must be"),
            (json!({"scopes": ["a b"]}), "scopes[0] must be"),
            (json!({"scopes": ["a,b"]}), "scopes[0] must be"),
            (json!({"scopes": ["ä"]}), "scopes[0] must be"),
            (json!({"scopes": [""]}), "scopes[0] must be"),
            (json!({"origins": ["*"]}), "origins[0] must be"),
            (json!({"ips": ["10.0.0.0/33"]}), "ips[0] must be a network"),
            (json!({"ips": ["10.0.0.1/8"]}), "10.0.0.0/8 may be meant"),
            (json!({"rate_limit": 5}), "rate_limit must be an object"),
            (
                json!({"rate_limit": {"requests": 5}}),
                "rate_limit.per_seconds must",
            ),
            (
                json!({"rate_limit": {"requests": 0, "per_seconds": 1}}),
                "rate_limit.requests must",
            ),
            (
                json!({"rate_limit": {"requests": 1.5, "per_seconds": 1}}),
                "rate_limit.requests must",
            ),
            (
                json!({"rate_limit": {"requests": -1, "per_seconds": 1}}),
                "rate_limit.requests must",
            ),
            (
                json!({"rate_limit": {"requests": 1, "per_seconds": 1, "burst": 1}}),
                "unknown member",
            ),
            (json!({"note": 1}), "note must be a text"),
            (
                json!({"note": "x".repeat(1 << 20)}),
                "note must have at most 1024",
            ),
            (json!({"note": "a\nb"}), "note must not hold"),
        ] {
            let refusal = refusal(document);
            assert!(refusal.contains(named), "{named}: {refusal}");
        }
    }

    #[test]
    fn a_patch_is_merged_member_by_member() {
        let before = Settings::parse(json!({
            "tags": ["a"], "note": "n", "rate_limit": {"requests": 5, "per_seconds": 60},
        }));
        let before = before.unwrap();
        let patch = json!({"tags": ["b"], "note": null, "rate_limit": {"requests": 9}});
        let after = Settings::parse(json!({
            "tags": ["b"], "rate_limit": {"requests": 9, "per_seconds": 60},
        }));
        assert_eq!(before.merged(patch), after);
        assert_eq!(before.merged(json!({})), Ok(before.clone()));
        assert!(
            before
                .merged(json!({"rate_limit": null}))
                .unwrap()
                .rate_limit()
                .is_none()
        );
        assert!(before.merged(json!("x")).is_err());
        assert!(
            Settings::default()
                .merged(json!({"rate_limit": {"requests": 9}}))
                .is_err()
        );
    }

    #[test]
    fn an_address_is_a_network_of_one_and_mapped_ones_are_plain() {
        let net = |text| parse_net(text).unwrap().to_string();
        assert_eq!(net("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(net("2001:db8::1"), "2001:db8::1/128");
        assert_eq!(net("::ffff:10.0.0.0/104"), "10.0.0.0/8");
        assert_eq!(net("0.0.0.0/0"), "0.0.0.0/0");
    }
}
