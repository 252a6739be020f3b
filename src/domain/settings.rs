//! What a token carries beside its life: one typed document, which a clone copies whole.

mod members;

use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Map, Value};

pub(in crate::domain) use self::members::parse_scope;
use self::members::{
    MOST_IPS, MOST_ORIGINS, MOST_SCOPES, MOST_TAGS, list, parse_net, parse_note, parse_origin,
    parse_rate_limit, parse_tag, unknown_member,
};
use super::{OriginPattern, RateLimit};

/// The tag that keeps a token from being disabled.
pub const PROTECTED: &str = "protected";

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

    /// The document as it is written down of a change: of the note, which is free text, only whether
    /// there is one.
    #[must_use]
    pub fn without_note(&self) -> Value {
        let mut document = self.to_value();
        document["note"] = if self.note.is_empty() { "" } else { "…" }.into();
        document
    }

    /// These settings with `patch` merged into them (RFC 7396).
    ///
    /// # Errors
    /// [`InvalidSettings`] when the outcome would not be settings.
    pub fn merged(&self, patch: Value) -> Result<Self, InvalidSettings> {
        Self::parse(merge(self.to_value(), patch))
    }

    /// Looks over a merge patch by itself: what of it could not be used whatever it is merged into.
    ///
    /// # Errors
    /// [`InvalidSettings`] as [`Settings::parse`] gives it.
    pub fn check_patch(patch: &Value) -> Result<(), InvalidSettings> {
        let Value::Object(members) = patch else {
            return Err(InvalidSettings::new("settings", "must be a JSON object"));
        };
        for (name, value) in members {
            let (empty, partial) = (value.is_null(), name == "rate_limit" && value.is_object());
            let whole = if empty || partial {
                Self::default().to_value()[name].clone()
            } else {
                value.clone()
            };
            Self::parse(Value::Object(Map::from_iter([(name.clone(), whole)])))?;
        }
        Ok(())
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            tags,
            scopes,
            origins,
            ips,
            rate_limit,
            note,
        } = self;
        let lists_are =
            tags.is_empty() && scopes.is_empty() && origins.is_empty() && ips.is_empty();
        lists_are && rate_limit.is_none() && note.is_empty()
    }

    /// Whether the token must not be disabled.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.tags.iter().any(|tag| tag == PROTECTED)
    }

    /// What rules look at: these settings without their labels and the note. Most tokens have none,
    /// and share one place in memory for that.
    #[must_use]
    pub fn restrictions(self) -> Arc<Self> {
        static NONE: LazyLock<Arc<Settings>> = LazyLock::new(Arc::default);
        let restrictions = Self {
            tags: Vec::new(),
            note: String::new(),
            ..self
        };
        if restrictions == **NONE {
            Arc::clone(&NONE)
        } else {
            Arc::new(restrictions)
        }
    }

    /// Whether the token may be used from any page and any address, as often as one likes.
    #[must_use]
    pub const fn are_unbound(&self) -> bool {
        self.origins.is_empty() && self.ips.is_empty() && self.rate_limit.is_none()
    }

    /// The members that restrict where and how often the token may be used, as far as they are set.
    #[must_use]
    pub fn bounds(&self) -> Map<String, Value> {
        let (document, nothing) = (self.to_value(), Self::default().to_value());
        let names = ["origins", "ips", "rate_limit"].into_iter();
        names
            .filter(|name| document[name] != nothing[name])
            .map(|name| (name.to_owned(), document[name].clone()))
            .collect()
    }

    /// How many bytes these settings take in memory beside themselves, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = self.tags.iter().chain(&self.scopes);
        let texts: usize = texts.map(|text| text.len() + size_of::<String>()).sum();
        let origins: usize = self.origins.iter().map(OriginPattern::weight).sum();
        texts + origins + self.ips.len() * size_of::<IpNet>() + self.note.len()
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
        for fine in [
            json!({"rate_limit": {"requests": 9}}),
            json!({"note": null, "tags": ["a"]}),
        ] {
            assert_eq!(Settings::check_patch(&fine), Ok(()));
        }
        for bad in [
            json!([]),
            json!({"nose": null}),
            json!({"tags": [1]}),
            json!({"ips": {}}),
        ] {
            assert!(Settings::check_patch(&bad).is_err(), "{bad}");
        }
        assert!(
            Settings::default()
                .merged(json!({"rate_limit": {"requests": 9}}))
                .is_err()
        );
    }
}
