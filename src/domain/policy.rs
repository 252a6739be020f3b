//! What an account's tokens are held to when they are minted: one typed document per account.

mod kept;
mod members;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{ApiVersion, Format, Lifetime, Settings, Timestamp};

/// An account's policy; the default one asks for nothing, and is pinned to the oldest API version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    api_version: ApiVersion,
    default_ttl: Option<Lifetime>,
    max_ttl: Option<Lifetime>,
    require_expire: bool,
    max_active_tokens: Option<u32>,
    token_settings: Settings,
    format: Format,
    permissions: BTreeMap<String, String>,
    on_key_rotate: OnKeyRotate,
    on_key_disable: OnKeyDisable,
}

/// What becomes of a key's tokens when another takes its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnKeyRotate {
    /// The new key takes them over.
    #[default]
    Carry,
    /// They end.
    End,
}

/// What becomes of a key's tokens when it is disabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnKeyDisable {
    /// They live on.
    #[default]
    Keep,
    /// They end.
    End,
}

/// Why a document is not a policy: `member` names the place, `reason` completes the sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member} {reason}")]
pub struct InvalidPolicy {
    member: String,
    reason: String,
}

/// Why a token that was asked for is outside of its account's policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutsidePolicy {
    /// It would never expire.
    #[error("expire must be given: this account's tokens are to expire")]
    NoExpiry,
    /// It would live too long.
    #[error("expire lies too far ahead: this account's tokens live for {0} at most")]
    TooLong(Lifetime),
    /// It would have a scope that is not declared.
    #[error("scopes must be among the permissions that this account declares; \"{0}\" is not")]
    Undeclared(String),
    /// There are too many already.
    #[error("This account may have {0} active tokens, and has them; disable one first")]
    TooMany(u32),
}

impl Policy {
    /// Reads a whole document; members that are not there ask for nothing.
    ///
    /// # Errors
    /// [`InvalidPolicy`] names the first member that is unknown, of the wrong type, out of bounds or
    /// in contradiction to another.
    pub fn parse(document: Value) -> Result<Self, InvalidPolicy> {
        let policy = members::parse(document)?;
        policy.check()?;
        Ok(policy)
    }

    /// The document, whole.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("texts, numbers and settings are JSON")
    }

    /// The policy of `document` with the members of `changes` in the place of its own; `null` has one
    /// ask for nothing again. The API version is never without a value.
    ///
    /// # Errors
    /// [`InvalidPolicy`] when the outcome would not be a policy.
    pub fn edited(
        mut document: Value,
        changes: &BTreeMap<String, Value>,
    ) -> Result<Self, InvalidPolicy> {
        if let Some(members) = document.as_object_mut() {
            let nothing = Self::default().to_value();
            for (name, value) in changes {
                let resets = value.is_null() && name != kept::API_VERSION;
                let reset = resets.then(|| nothing.get(name).cloned());
                let value = reset.flatten().unwrap_or_else(|| value.clone());
                members.insert(name.clone(), value);
            }
        }
        Self::parse(document)
    }

    /// Whether members contradict each other.
    fn check(&self) -> Result<(), InvalidPolicy> {
        if let (Some(default), Some(longest)) = (self.default_ttl, self.max_ttl)
            && default > longest
        {
            let reason = format!("must not be longer than max_ttl, {longest}");
            return Err(InvalidPolicy::new("default_ttl", reason));
        }
        if self.require_expire && self.default_ttl.is_some() {
            let reason = "makes no sense beside require_expire; one of them must go";
            return Err(InvalidPolicy::new("default_ttl", reason));
        }
        self.check_scopes(&self.token_settings)
            .map_err(|outside| InvalidPolicy::new("token_settings:", outside.to_string()))
    }

    /// When a token ends that is minted at `now` and wanted until `wanted`, or for ever. Without
    /// `default_ttl` it is `max_ttl` that one lives for whose end is not asked for.
    ///
    /// # Errors
    /// [`OutsidePolicy::NoExpiry`], [`OutsidePolicy::TooLong`].
    pub fn expiry(
        &self,
        wanted: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, OutsidePolicy> {
        match (wanted, self.max_ttl) {
            (None, _) if self.require_expire => Err(OutsidePolicy::NoExpiry),
            (None, longest) => {
                let ttl = self.default_ttl.or(longest);
                Ok(ttl.map(|ttl| now.after(ttl.get())))
            }
            (Some(at), Some(longest)) if at > now.after(longest.get()) => {
                Err(OutsidePolicy::TooLong(longest))
            }
            (wanted, _) => Ok(wanted),
        }
    }

    /// Whether `settings` have declared scopes alone; without declared permissions any may be given.
    ///
    /// # Errors
    /// [`OutsidePolicy::Undeclared`].
    pub fn check_scopes(&self, settings: &Settings) -> Result<(), OutsidePolicy> {
        self.check_each(settings.scopes().iter())
    }

    /// Whether the scopes that `settings` have beyond those of `before` are declared: a token that is
    /// older than the declaration can still be changed otherwise.
    ///
    /// # Errors
    /// [`OutsidePolicy::Undeclared`].
    pub fn check_new_scopes(
        &self,
        settings: &Settings,
        before: &Settings,
    ) -> Result<(), OutsidePolicy> {
        let held = before.scopes();
        self.check_each(
            settings
                .scopes()
                .iter()
                .filter(|scope| !held.contains(scope)),
        )
    }

    fn check_each<'a>(
        &self,
        mut scopes: impl Iterator<Item = &'a String>,
    ) -> Result<(), OutsidePolicy> {
        if self.permissions.is_empty() {
            return Ok(());
        }
        match scopes.find(|scope| !self.permissions.contains_key(*scope)) {
            Some(scope) => Err(OutsidePolicy::Undeclared(scope.clone())),
            None => Ok(()),
        }
    }

    /// This policy as it is written down: without free texts, in which anything may stand.
    #[must_use]
    pub fn without_texts(&self) -> Value {
        let mut document = self.to_value();
        document["token_settings"] = self.token_settings.without_note();
        document["permissions"] = self.permissions.keys().cloned().collect();
        document
    }

    /// What new tokens start with.
    #[must_use]
    pub const fn token_settings(&self) -> &Settings {
        &self.token_settings
    }

    /// What the texts of new tokens are.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// How many tokens may be active at a time.
    #[must_use]
    pub const fn max_active_tokens(&self) -> Option<u32> {
        self.max_active_tokens
    }

    /// The permissions that are declared, each with its description.
    #[must_use]
    pub const fn permissions(&self) -> &BTreeMap<String, String> {
        &self.permissions
    }

    /// What becomes of a key's tokens when another takes its place.
    #[must_use]
    pub const fn on_key_rotate(&self) -> OnKeyRotate {
        self.on_key_rotate
    }

    /// What becomes of a key's tokens when it is disabled.
    #[must_use]
    pub const fn on_key_disable(&self) -> OnKeyDisable {
        self.on_key_disable
    }
}

impl InvalidPolicy {
    fn new(member: impl Into<String>, reason: impl Into<String>) -> Self {
        let (member, reason) = (member.into(), reason.into());
        Self { member, reason }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn policy(document: Value) -> Policy {
        Policy::parse(document).unwrap()
    }

    #[test]
    fn a_policy_survives_text() {
        let document = json!({
            "api_version": "2026-11-25", "default_ttl": "30d", "max_ttl": "180d", "require_expire": false,
            "max_active_tokens": 5, "token_settings": {
                "tags": [], "scopes": ["read"], "origins": [], "ips": [],
                "rate_limit": {"requests": 3, "per_seconds": 1}, "note": "",
            },
            "format": "jwt-eddsa", "permissions": {"read": "may read"}, "on_key_rotate": "end", "on_key_disable": "end",
        });
        let read = policy(document.clone());
        assert_eq!(read.to_value(), document);
        assert_eq!(Policy::from_json(&document.to_string()), Ok(read));
        assert_eq!(policy(json!({})), Policy::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (document, named) in [
            (json!([]), "policy must be"),
            (json!({"max_tll": "1d"}), "no member \"max_tll\""),
            (json!({"max_ttl": 5}), "max_ttl must be a length of time"),
            (json!({"max_ttl": "5"}), "max_ttl must be a length of time"),
            (
                json!({"default_ttl": "2d", "max_ttl": "1d"}),
                "default_ttl must not be longer",
            ),
            (
                json!({"default_ttl": "2d", "require_expire": true}),
                "default_ttl makes no sense",
            ),
            (
                json!({"require_expire": "yes"}),
                "require_expire must be true or false",
            ),
            (
                json!({"max_active_tokens": 0}),
                "max_active_tokens must be a whole number",
            ),
            (
                json!({"token_settings": {"tag": []}}),
                "token_settings: settings have no member",
            ),
            (
                json!({"format": "jwt"}),
                "format must be opaque, jwt-eddsa or jwt-hs256",
            ),
            (
                json!({"permissions": ["a"]}),
                "permissions must be an object",
            ),
            (
                json!({"permissions": {"a b": ""}}),
                "permissions: \"a b\" must be",
            ),
            (
                json!({"permissions": {"a": 1}}),
                "permissions: \"a\" must be described",
            ),
            (
                json!({"permissions": {"a": ""}, "token_settings": {"scopes": ["b"]}}),
                "\"b\" is not",
            ),
            (
                json!({"on_key_rotate": "keep"}),
                "on_key_rotate must be carry or end",
            ),
            (
                json!({"on_key_disable": "carry"}),
                "on_key_disable must be keep or end",
            ),
        ] {
            let refusal = Policy::parse(document).unwrap_err().to_string();
            assert!(refusal.contains(named), "{named}: {refusal}");
        }
    }

    #[test]
    fn an_expiry_is_given_where_none_is_asked_for() {
        let later = |seconds: i64| Some(Timestamp::from_seconds(1_000_000 + seconds));
        let expiry = |document, wanted| policy(document).expiry(wanted, NOW);
        assert_eq!(expiry(json!({}), None), Ok(None));
        assert_eq!(expiry(json!({}), later(9)), Ok(later(9)));
        assert_eq!(expiry(json!({"default_ttl": "1m"}), None), Ok(later(60)));
        assert_eq!(
            expiry(json!({"default_ttl": "1m"}), later(90)),
            Ok(later(90))
        );
        assert_eq!(expiry(json!({"max_ttl": "1m"}), None), Ok(later(60)));
        assert_eq!(expiry(json!({"max_ttl": "1m"}), later(60)), Ok(later(60)));
        let longest = Lifetime::parse("1m").unwrap();
        let too_long = Err(OutsidePolicy::TooLong(longest));
        assert_eq!(expiry(json!({"max_ttl": "1m"}), later(61)), too_long);
        let required = json!({"require_expire": true});
        assert_eq!(expiry(required.clone(), None), Err(OutsidePolicy::NoExpiry));
        assert_eq!(expiry(required, later(9)), Ok(later(9)));
    }

    #[test]
    fn scopes_are_among_the_declared_ones_where_any_are() {
        let settings = Settings::from_json(r#"{"scopes":["a","b"]}"#).unwrap();
        let check = |document| policy(document).check_scopes(&settings);
        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({"permissions": {"a": "", "b": ""}})), Ok(()));
        let undeclared = Err(OutsidePolicy::Undeclared("b".into()));
        assert_eq!(check(json!({"permissions": {"a": ""}})), undeclared);
    }

    #[test]
    fn changes_take_the_place_of_members_and_null_resets_them() {
        let before = policy(json!({"max_ttl": "1d", "require_expire": true}));
        let change = |name: &str, value| {
            let changes = BTreeMap::from([(name.to_owned(), value)]);
            Policy::edited(before.to_value(), &changes)
        };
        assert_eq!(
            change("max_ttl", json!(null)),
            Ok(policy(json!({"require_expire": true})))
        );
        assert_eq!(
            change("require_expire", json!(null)),
            Ok(policy(json!({"max_ttl": "1d"})))
        );
        assert!(change("nothing", json!(null)).is_err());
        assert!(change("api_version", json!(null)).is_err());
        assert!(change("default_ttl", json!("1h")).is_err());
    }
}
