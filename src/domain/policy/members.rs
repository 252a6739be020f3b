//! Reading the members of a policy, each within its bounds.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    InvalidPolicy, OnKeyDisable, OnKeyRotate, Policy,
    kept::{API_VERSION, api_version},
};
use crate::domain::{
    Format, Lifetime, Settings,
    settings::parse_scope,
    text::{is_unprintable, shown_name},
};

const MEMBERS: &str = "api_version, default_ttl, max_ttl, require_expire, max_active_tokens, token_settings, format, permissions, on_key_rotate and on_key_disable";
/// Counted at each mint, in the one thread that writes.
const MOST_ACTIVE_TOKENS: u32 = 10_000;
const MOST_PERMISSIONS: usize = 64;
const LONGEST_DESCRIPTION: usize = 100;

pub(super) fn parse(document: Value) -> Result<Policy, InvalidPolicy> {
    let Value::Object(members) = document else {
        return Err(InvalidPolicy::new("policy", "must be a JSON object"));
    };
    let mut policy = Policy::default();
    for (name, value) in members {
        match name.as_str() {
            API_VERSION => policy.api_version = api_version(&value)?,
            "default_ttl" => policy.default_ttl = lifetime(&name, &value)?,
            "max_ttl" => policy.max_ttl = lifetime(&name, &value)?,
            "require_expire" => policy.require_expire = truth(&name, &value)?,
            "max_active_tokens" => policy.max_active_tokens = count(&name, &value)?,
            "token_settings" => policy.token_settings = settings(value)?,
            "format" => policy.format = format(&value)?,
            "permissions" => policy.permissions = permissions(value)?,
            "on_key_rotate" => policy.on_key_rotate = on_key_rotate(&value)?,
            "on_key_disable" => policy.on_key_disable = on_key_disable(&value)?,
            _ => return Err(unknown_member(&name)),
        }
    }
    Ok(policy)
}

fn unknown_member(name: &str) -> InvalidPolicy {
    let shown = shown_name(name);
    InvalidPolicy::new(
        format!("a policy has no member \"{shown}\";"),
        format!("its members are {MEMBERS}"),
    )
}

fn lifetime(name: &str, value: &Value) -> Result<Option<Lifetime>, InvalidPolicy> {
    if value.is_null() {
        return Ok(None);
    }
    Lifetime::parse(value.as_str().unwrap_or_default())
        .map(Some)
        .map_err(|malformed| InvalidPolicy::new(name, malformed.to_string()))
}

fn truth(name: &str, value: &Value) -> Result<bool, InvalidPolicy> {
    value
        .as_bool()
        .ok_or_else(|| InvalidPolicy::new(name, "must be true or false"))
}

fn count(name: &str, value: &Value) -> Result<Option<u32>, InvalidPolicy> {
    if value.is_null() {
        return Ok(None);
    }
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    let count = count.filter(|count| (1..=MOST_ACTIVE_TOKENS).contains(count));
    count.map(Some).ok_or_else(|| {
        let reason = format!("must be a whole number from 1 to {MOST_ACTIVE_TOKENS}, or null");
        InvalidPolicy::new(name, reason)
    })
}

fn settings(value: Value) -> Result<Settings, InvalidPolicy> {
    Settings::parse(value)
        .map_err(|invalid| InvalidPolicy::new("token_settings:", invalid.to_string()))
}

fn format(value: &Value) -> Result<Format, InvalidPolicy> {
    value
        .as_str()
        .and_then(Format::named)
        .ok_or_else(|| InvalidPolicy::new("format", "must be opaque, jwt-eddsa or jwt-hs256"))
}

fn permissions(value: Value) -> Result<BTreeMap<String, String>, InvalidPolicy> {
    let refuse = |reason: String| InvalidPolicy::new("permissions", reason);
    let Value::Object(members) = value else {
        let reason = "must be an object of names and their descriptions";
        return Err(refuse(reason.to_owned()));
    };
    if members.len() > MOST_PERMISSIONS {
        return Err(refuse(format!(
            "must have at most {MOST_PERMISSIONS} names"
        )));
    }
    describe(members)
}

fn describe(members: Map<String, Value>) -> Result<BTreeMap<String, String>, InvalidPolicy> {
    let mut permissions = BTreeMap::new();
    for (name, description) in members {
        let shown = shown_name(&name);
        let refuse =
            |reason: &str| InvalidPolicy::new("permissions:", format!("{shown:?} {reason}"));
        parse_scope(&name).map_err(|reason| refuse(&reason))?;
        match description {
            Value::String(text) if is_description(&text) => {
                permissions.insert(name, text);
            }
            _ => {
                let reason = format!(
                    "must be described by a text of at most {LONGEST_DESCRIPTION} printable characters"
                );
                return Err(refuse(&reason));
            }
        }
    }
    Ok(permissions)
}

fn is_description(text: &str) -> bool {
    text.chars().count() <= LONGEST_DESCRIPTION && !text.chars().any(is_unprintable)
}

fn on_key_rotate(value: &Value) -> Result<OnKeyRotate, InvalidPolicy> {
    match value.as_str() {
        Some("carry") => Ok(OnKeyRotate::Carry),
        Some("end") => Ok(OnKeyRotate::End),
        _ => Err(InvalidPolicy::new("on_key_rotate", "must be carry or end")),
    }
}

fn on_key_disable(value: &Value) -> Result<OnKeyDisable, InvalidPolicy> {
    match value.as_str() {
        Some("keep") => Ok(OnKeyDisable::Keep),
        Some("end") => Ok(OnKeyDisable::End),
        _ => Err(InvalidPolicy::new("on_key_disable", "must be keep or end")),
    }
}
