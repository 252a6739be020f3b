//! The objects that answers consist of, as the clients of this manner know them.
#![expect(
    clippy::struct_field_names,
    reason = "members are called as their clients call them"
)]

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::{
    command::management::{CreatedKey, key_number},
    domain::{Timestamp, Token, permission_number},
    store::{AccessTokenRow, ApiKeyRow},
};

/// What stands where a time is needed for what does not end.
const NEVER: Timestamp = Timestamp::LAST;

/// A time as RFC 3339 has it.
struct Time(Timestamp);

impl Time {
    fn or_never(time: Option<Timestamp>) -> Self {
        Self(time.unwrap_or(NEVER))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What a login is answered with.
#[derive(Serialize)]
pub(super) struct Login<'a> {
    access_token: &'a str,
    token_type: &'static str,
    /// In seconds.
    expires_in: String,
    /// There are none.
    refresh_token: &'static str,
}

impl<'a> Login<'a> {
    pub(super) fn of(token: &'a Token, expires_at: Option<Timestamp>, now: Timestamp) -> Self {
        let end = expires_at.unwrap_or(NEVER).seconds();
        Self {
            access_token: token.expose(),
            token_type: "Bearer",
            expires_in: end.saturating_sub(now.seconds()).to_string(),
            refresh_token: "",
        }
    }
}

/// An access token that has just been created.
#[derive(Serialize)]
pub(super) struct CreatedToken<'a> {
    access_token: &'a str,
}

impl<'a> From<&'a Token> for CreatedToken<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            access_token: token.expose(),
        }
    }
}

#[derive(Serialize)]
struct ListedToken<'a> {
    access_token_id: String,
    access_token_name: &'a str,
    access_token_description: &'a str,
    access_token_expiration: Time,
}

impl<'a> From<&'a AccessTokenRow> for ListedToken<'a> {
    fn from(row: &'a AccessTokenRow) -> Self {
        Self {
            access_token_id: row.id.to_string(),
            access_token_name: row.name.as_deref().unwrap_or_default(),
            access_token_description: &row.note,
            access_token_expiration: Time::or_never(row.expires_at),
        }
    }
}

pub(super) fn tokens(rows: &[AccessTokenRow]) -> impl Serialize {
    rows.iter().map(ListedToken::from).collect::<Vec<_>>()
}

#[derive(Serialize)]
struct ListedPermission<'a> {
    permission_id: u64,
    permission_name: &'a str,
    permission_description: &'a str,
}

pub(super) fn permissions(permissions: &BTreeMap<String, String>) -> impl Serialize {
    let shapes = permissions
        .iter()
        .map(|(name, description)| ListedPermission {
            permission_id: permission_number(name),
            permission_name: name,
            permission_description: description,
        });
    shapes.collect::<Vec<_>>()
}

/// What is said of an API key whenever it is shown.
#[derive(Serialize)]
struct ApiKey<'a> {
    api_key_id: u64,
    api_key_name: &'a str,
    api_key_description: &'a str,
    api_key_valid_until: Time,
    api_key_created_at: Time,
    /// Keys do not change.
    api_key_updated_at: Time,
}

impl<'a> From<&'a ApiKeyRow> for ApiKey<'a> {
    fn from(row: &'a ApiKeyRow) -> Self {
        Self {
            api_key_id: key_number(row.id),
            api_key_name: &row.label,
            api_key_description: &row.note,
            api_key_valid_until: Time::or_never(row.expires_at),
            api_key_created_at: Time(row.created_at),
            api_key_updated_at: Time(row.created_at),
        }
    }
}

#[derive(Serialize)]
struct ListedApiKey<'a> {
    #[serde(flatten)]
    key: ApiKey<'a>,
    /// Whether it is still good.
    api_key_status: bool,
}

pub(super) fn keys(rows: &[ApiKeyRow], now: Timestamp) -> impl Serialize {
    let shapes = rows.iter().map(|row| ListedApiKey {
        key: row.into(),
        api_key_status: row.expires_at.is_none_or(|at| at > now),
    });
    shapes.collect::<Vec<_>>()
}

/// An API key that has just been created.
#[derive(Serialize)]
pub(super) struct CreatedApiKey<'a> {
    #[serde(flatten)]
    key: ApiKey<'a>,
    api_key_allowed_tag_names: [&'static str; 0],
    api_key_secret: &'a str,
    user_id: u64,
}

impl<'a> From<&'a CreatedKey> for CreatedApiKey<'a> {
    fn from(created: &'a CreatedKey) -> Self {
        Self {
            key: (&created.row).into(),
            api_key_allowed_tag_names: [],
            api_key_secret: created.key.expose(),
            user_id: created.account.to_i64().cast_unsigned(),
        }
    }
}
