//! Reading the members of a token's settings, each within its bounds.

use ipnet::IpNet;
use serde_json::Value;

use super::InvalidSettings;
use crate::domain::{
    Note, OriginPattern, RateLimit, network,
    text::{is_unprintable, shown_name},
};

const MEMBERS: &str = "tags, scopes, origins, ips, rate_limit and note";
pub(super) const MOST_TAGS: usize = 64;
const LONGEST_TAG: usize = 64;
/// Bounded so that all scopes of a token fit into one header of an answer.
pub(super) const MOST_SCOPES: usize = 32;
const LONGEST_SCOPE: usize = 96;
pub(super) const MOST_ORIGINS: usize = 32;
pub(super) const MOST_IPS: usize = 64;

pub(super) fn unknown_member(name: &str) -> InvalidSettings {
    let shown = shown_name(name);
    InvalidSettings::new(
        format!("settings have no member \"{shown}\";"),
        format!("their members are {MEMBERS}"),
    )
}

/// Reads a list of texts; one that is repeated counts once.
pub(super) fn list<T: PartialEq>(
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

pub(super) fn parse_tag(text: &str) -> Result<String, String> {
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
pub(in crate::domain) fn parse_scope(text: &str) -> Result<String, String> {
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

pub(super) fn parse_origin(text: &str) -> Result<OriginPattern, String> {
    OriginPattern::parse(text).map_err(|malformed| malformed.to_string())
}

pub(super) fn parse_net(text: &str) -> Result<IpNet, String> {
    network::parse(text).map_err(|malformed| malformed.to_string())
}

pub(super) fn parse_rate_limit(value: Value) -> Result<Option<RateLimit>, InvalidSettings> {
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

pub(super) fn parse_note(value: Value) -> Result<String, InvalidSettings> {
    let refuse = |reason: String| InvalidSettings::new("note", reason);
    let Value::String(note) = value else {
        return Err(refuse("must be a text".into()));
    };
    let note = Note::parse(note).map_err(|malformed| refuse(malformed.to_string()))?;
    Ok(note.into())
}
