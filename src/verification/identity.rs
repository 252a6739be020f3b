//! What is said of a good token, as texts that are made once: they are said at each verification.

use serde::Serialize;

use crate::domain::{Timestamp, TokenId, TokenRecord};

/// What is said of a good token. Most of what a remembered token takes in memory is this, so all of
/// it is in one text, and the others are parts of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    introspection: Box<str>,
    account: Part,
    key: Part,
    token: Part,
    scopes: Part,
}

/// From where to where a part goes: bytes.
type Part = (u32, u32);

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
    ///
    /// # Panics
    /// When its scopes have characters that JSON escapes, which RFC 6749, section 3.3, excludes.
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
        let text =
            serde_json::to_string(&introspection).expect("texts and numbers are always JSON");
        // In the order in which they are in it; none has a character that JSON would escape.
        let mut end = 0;
        let mut part = |of: &str| {
            let from = end + text[end..].find(of).expect("it is in the text");
            end = from + of.len();
            let at = |place| u32::try_from(place).expect("settings are short");
            (at(from), at(end))
        };
        part(r#""scope":""#);
        Self {
            scopes: part(&scopes),
            key: part(&key),
            account: part(&account),
            token: part(&token),
            introspection: text.into(),
        }
    }

    /// The public id of its account.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(self.account)
    }

    /// The public id of the key that minted it.
    #[must_use]
    pub fn key(&self) -> &str {
        self.part(self.key)
    }

    /// Its own public id.
    #[must_use]
    pub fn token(&self) -> &str {
        self.part(self.token)
    }

    /// What it may do, separated by spaces.
    #[must_use]
    pub fn scopes(&self) -> &str {
        self.part(self.scopes)
    }

    /// All of it as a JSON object, as RFC 7662, section 2.2, has it.
    #[must_use]
    pub fn introspection(&self) -> &str {
        &self.introspection
    }

    fn part(&self, (from, to): Part) -> &str {
        &self.introspection[from as usize..to as usize]
    }
}
