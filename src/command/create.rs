//! Minting a token.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    Parameters, Reply,
    signer::{Seal, signer},
};
use crate::{
    app::App,
    domain::{IdempotencyDigest, RequestDigest, Settings, Timestamp, Token, TokenDigest},
    error::Error,
    keyring::Caller,
    store::{Minted, NewToken, Once},
};

/// For how long a request may be retried under its `Idempotency-Key`.
pub const RETRY_WINDOW: Duration = Duration::from_hours(24);

const CLONE_SETTINGS: &str = "cloneSettings";
/// What settings are called among the parameters.
pub(super) const SETTINGS: &str = "settings";

/// Mint a token.
#[derive(Debug)]
pub struct Create {
    expires_at: Option<Timestamp>,
    clone_of: Option<Token>,
    settings: Option<Value>,
    name: Option<RequestName>,
}

/// The name that a caller gives to a request which may arrive more than once: an `Idempotency-Key`.
#[derive(Debug)]
pub struct RequestName(IdempotencyDigest);

impl RequestName {
    /// Reads a name of 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for any other.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let refusal = || {
            Error::invalid(
                "Idempotency-Key",
                "must be 1 to 255 visible ASCII characters",
            )
        };
        let well_formed = (1..=255).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(text)
            .ok()
            .filter(|_| well_formed)
            .ok_or_else(refusal)?;
        Ok(Self(IdempotencyDigest::of(text)))
    }
}

impl Create {
    /// Takes `expire`, `cloneSettings` and the settings out of `parameters`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a value that is neither readable nor absent,
    /// [`Error::InvalidSettings`] for settings that could not be used whatever they are merged into.
    pub fn parse(parameters: &mut Parameters) -> Result<Self, Error> {
        let expires_at = parameters
            .take("expire")
            .map(|text| parse_expire(&text))
            .transpose()?;
        let clone_of = parameters
            .take(CLONE_SETTINGS)
            .map(|text| parse_token(CLONE_SETTINGS, &text))
            .transpose()?;
        if parameters.take(SETTINGS).is_some() {
            let reason = "must be given in a body of the type application/json";
            return Err(Error::invalid(SETTINGS, reason));
        }
        let settings = parameters.take_settings();
        if let Some(given) = &settings {
            Settings::check_patch(given)?;
        }
        Ok(Self {
            expires_at,
            clone_of,
            settings,
            name: None,
        })
    }

    /// Has the request mint one token, however often it arrives under `name` within
    /// [`RETRY_WINDOW`].
    #[must_use]
    pub fn named(self, name: RequestName) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    pub(super) async fn execute(self, app: &App, caller: &Arc<Caller>) -> Result<Reply, Error> {
        let now = app.clock.now();
        let token = app.entropy.draw(Token::generate);
        let digest = TokenDigest::of(&token);
        let clone_of = self.clone_of.as_ref().map(TokenDigest::of);
        let once = self.name.map(|RequestName(header)| Once {
            header,
            request: RequestDigest::of_mint(
                self.expires_at,
                clone_of.as_ref(),
                self.settings.as_ref().map(Value::to_string).as_deref(),
            ),
            since: now.before(RETRY_WINDOW),
        });
        let new = NewToken {
            key: caller.key,
            sealed: Some(caller.sealing.seal(&token, &digest)),
            digest,
            name: None,
            signer: Some(signer(app, &token, seal_for(caller))),
            expires_at: self.expires_at,
            clone_of,
            settings: self.settings,
            once,
        };
        match app.store.mint(new, now).await? {
            Minted::Done => Ok(Reply::Minted(token)),
            Minted::Signed(signed) => Ok(Reply::Minted(signed)),
            Minted::NoSigningKey(algorithm) => Err(Error::NoSigningKey(algorithm)),
            Minted::Before(row) => {
                let token = caller.sealing.open(&row.sealed, &row.digest);
                token
                    .map(Reply::Minted)
                    .map_err(|broken| Error::Internal(broken.into()))
            }
            Minted::OnceMismatch => Err(Error::IdempotencyMismatch),
            Minted::BornDead => Err(Error::invalid(
                "expire",
                "lies in the past; the token would never have been good",
            )),
            Minted::SourceUnknown => Err(match &self.clone_of {
                Some(source) => Error::unknown_token(CLONE_SETTINGS, source),
                None => Error::UnknownToken,
            }),
            Minted::SettingsInvalid(invalid) => Err(invalid.into()),
            Minted::OutsidePolicy(outside) => Err(outside.into()),
            Minted::KeyDead => Err(Error::InvalidKey),
        }
    }
}

/// Seals tokens so that the caller can list them.
pub(super) fn seal_for(caller: &Arc<Caller>) -> Box<Seal> {
    let caller = Arc::clone(caller);
    Box::new(move |token, digest| Some(caller.sealing.seal(token, digest)))
}

/// Reads a parameter that is a token; the message never repeats it.
pub(super) fn parse_token(name: &'static str, text: &Zeroizing<String>) -> Result<Token, Error> {
    if text.is_empty() {
        return Err(Error::invalid(
            name,
            "is empty; it must be a token: 32 lower-case hexadecimal digits",
        ));
    }
    Token::parse(text).map_err(|malformed| Error::invalid(name, malformed.to_string()))
}

fn parse_expire(text: &str) -> Result<Timestamp, Error> {
    if text.is_empty() {
        return Err(Error::invalid(
            "expire",
            "is empty; it must be 12 digits, YYYYmmddHHMM in UTC, or an RFC 3339 time",
        ));
    }
    Timestamp::parse(text).map_err(|unreadable| Error::invalid("expire", unreadable.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Result<Create, Error> {
        Create::parse(&mut [(name, value)].into_iter().collect())
    }

    #[test]
    fn expire_is_read_to_the_minute() {
        let create = parse("expire", "203001020304\n").unwrap();
        assert_eq!(
            create.expires_at.unwrap().to_string(),
            "2030-01-02T03:04:00Z"
        );
    }

    #[test]
    fn settings_are_never_passed_over() {
        assert!(parse("settings", "{}").is_err());
        let mut parameters = Parameters::default();
        parameters.insert_settings(serde_json::json!({"scope": ["a"]}));
        let refused = Create::parse(&mut parameters);
        assert!(matches!(refused, Err(Error::InvalidSettings(_))));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name_and_never_repeated() {
        let secret = "K000000000000000000000000000000000000000!";
        for name in ["expire", "cloneSettings"] {
            let message = parse(name, secret).unwrap_err().to_string();
            assert!(
                message.starts_with(name) && !message.contains(secret),
                "{message}"
            );
        }
    }

    #[test]
    fn a_request_is_named_by_visible_ascii() {
        assert!(RequestName::parse(b"3f6c-9 ").is_err());
        assert!(RequestName::parse(b"").is_err());
        assert!(RequestName::parse("é".as_bytes()).is_err());
        assert!(RequestName::parse(&[b'x'; 256]).is_err());
        assert!(RequestName::parse(&[b'x'; 255]).is_ok());
    }
}
