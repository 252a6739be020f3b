//! What is said of a good token, as texts that are made once: they are said at each verification.

use serde::Serialize;

use crate::domain::{Timestamp, TokenId, TokenRecord};

/// What is said of a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The public id of its account.
    pub account: String,
    /// The public id of the key that minted it.
    pub key: String,
    /// Its own public id.
    pub token: String,
    /// What it may do, separated by spaces.
    pub scopes: String,
    /// All of it as a JSON object, as RFC 7662, section 2.2, has it.
    pub introspection: String,
}

/// The members of [`Identity::introspection`].
#[derive(Serialize)]
struct Introspection<'a> {
    active: bool,
    scope: &'a str,
    client_id: &'a str,
    sub: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    jti: &'a str,
    token_type: &'static str,
}

impl Identity {
    /// Of the token `id`.
    pub(super) fn of(id: TokenId, record: &TokenRecord) -> Self {
        let (account, key) = (record.account.to_string(), record.key.to_string());
        let (token, scopes) = (id.to_string(), record.settings.scopes().join(" "));
        let introspection = Introspection {
            active: true,
            scope: &scopes,
            client_id: &key,
            sub: &account,
            iat: record.created_at.seconds(),
            exp: record.expires_at.map(Timestamp::seconds),
            jti: &token,
            token_type: "Bearer",
        };
        let introspection = serde_json::to_string(&introspection);
        Self {
            introspection: introspection.expect("texts and numbers are always JSON"),
            account,
            key,
            token,
            scopes,
        }
    }
}
