//! What is said of a good token, as texts that are made once: they are said at each verification.

use std::fmt::{Display, Write as _};

use crate::domain::{TokenId, TokenRecord};

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

/// How long the text is, as a rule.
const LENGTH: usize = 192;

impl Identity {
    /// Of the token `id`. It is put together by hand, since a token that had to be looked up waits for
    /// it; no scope has a character that JSON escapes.
    pub(super) fn of(id: TokenId, record: &TokenRecord) -> Self {
        let scopes = record.settings.scopes().join(" ");
        let mut text = String::with_capacity(LENGTH);
        let scopes = add(&mut text, r#"{"active":true,"scope":""#, scopes);
        let key = add(&mut text, r#"","client_id":""#, record.key);
        let account = add(&mut text, r#"","sub":""#, record.account);
        add(&mut text, r#"","iat":"#, record.created_at.seconds());
        if let Some(at) = record.expires_at {
            add(&mut text, r#","exp":"#, at.seconds());
        }
        let token = add(&mut text, r#","jti":""#, id);
        text.push_str(r#"","token_type":"Bearer"}"#);
        Self {
            introspection: text.into(),
            account,
            key,
            token,
            scopes,
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

/// Adds `before` and `value`; says where the value is.
fn add(text: &mut String, before: &str, value: impl Display) -> Part {
    let end = |text: &String| u32::try_from(text.len()).expect("settings are short");
    text.push_str(before);
    let from = end(text);
    write!(text, "{value}").expect("a text takes all that is written to it");
    (from, end(text))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{
        AccountId, KeyId, Settings, Timestamp, TokenDigest, TokenNumber, TokenState,
    };

    fn record(expires_at: Option<Timestamp>) -> TokenRecord {
        TokenRecord {
            number: TokenNumber::from_i64(1),
            key: KeyId::from_i64(2),
            account: AccountId::from_i64(3),
            created_at: Timestamp::from_seconds(1_700_000_000),
            expires_at,
            signing_key: None,
            state: TokenState::Live,
            settings: Arc::new(Settings::parse(json!({"scopes": ["a", "b:c"]})).unwrap()),
        }
    }

    #[test]
    fn what_is_said_of_a_token_is_json_and_has_its_parts() {
        let id = TokenId::of(&TokenDigest::from_bytes([0xab; 32]));
        for expires_at in [None, Some(Timestamp::from_seconds(1_800_000_000))] {
            let identity = Identity::of(id, &record(expires_at));
            let mut expected = json!({
                "active": true,
                "scope": "a b:c",
                "client_id": "key_0000000000000002",
                "sub": "acc_0000000000000003",
                "iat": 1_700_000_000,
                "jti": "tok_abababababababab",
                "token_type": "Bearer",
            });
            if let Some(at) = expires_at {
                expected["exp"] = at.seconds().into();
            }
            let said: Value = serde_json::from_str(identity.introspection()).unwrap();
            assert_eq!(said, expected);
            let parts = [
                identity.scopes(),
                identity.key(),
                identity.account(),
                identity.token(),
            ];
            let names = ["scope", "client_id", "sub", "jti"];
            assert_eq!(parts, names.map(|name| said[name].as_str().unwrap()));
        }
    }
}
