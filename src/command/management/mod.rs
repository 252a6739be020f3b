//! What a caller may ask for that manages the access tokens and API keys of its account: a caller
//! is the holder of a private key, or of a token with the permissions for it.
//!
//! [`tokens`] and [`keys`] are the commands, one type each; [`members`] reads the objects that they
//! are parsed from, and [`part`] what part of a list is asked for.

mod keys;
mod members;
mod part;
mod tokens;

use std::sync::Arc;

pub use self::{
    keys::{CreateKey, CreatedKey, DeleteKey, ListKeys},
    members::Members,
    part::Query,
    tokens::{CreateToken, DeleteToken, ListPermissions, ListTokens},
};
use crate::{
    app::App,
    domain::{ApiVersion, Denied, KeyId, TokenDigest},
    error::Error,
    keyring::Caller,
    store::Principal,
    verification::Subject,
};

/// Who asks, once it is known that what was shown is good.
#[derive(Debug, Clone)]
pub enum Party {
    /// The holder of a private key.
    Key(Arc<Caller>),
    /// The holder of a token.
    Token(Arc<Subject>),
}

impl Party {
    fn principal(&self) -> Principal {
        match self {
            Self::Key(caller) => Principal::Key(caller.key),
            Self::Token(subject) => Principal::Token(subject.digest),
        }
    }

    /// What an operation came to; a key that turned out to be dead is forgotten.
    fn permitted<T>(&self, app: &App, outcome: Result<T, Denied>) -> Result<T, Error> {
        if let (Self::Key(caller), Err(Denied::Gone)) = (self, &outcome) {
            app.keyring.forget(caller);
        }
        Ok(outcome?)
    }

    /// What making something came to, whose end is asked for in the member `end`.
    fn permitted_to_make<T>(
        &self,
        app: &App,
        end: &'static str,
        outcome: Result<T, Denied>,
    ) -> Result<T, Error> {
        match outcome {
            Err(denied @ Denied::Outlives(_)) => Err(Error::invalid(end, denied.to_string())),
            outcome => self.permitted(app, outcome),
        }
    }
}

/// The API version that the account of a token is pinned to, if the token is good.
///
/// # Errors
/// The store's, also when that version is not known here.
pub async fn api_version_for(app: &App, token: TokenDigest) -> Result<Option<ApiVersion>, Error> {
    let authority = app
        .store
        .authority(Principal::Token(token), app.clock.now())
        .await?;
    Ok(authority.map(|authority| authority.policy.api_version()))
}

/// The number that stands for a private key where ids are integers: from 0 to 2⁶⁴ − 1.
#[must_use]
pub const fn key_number(key: KeyId) -> u64 {
    key.to_i64().cast_unsigned()
}

/// The private key that `text` stands for as [`key_number`] gives it.
fn key_of_number(text: &str) -> Option<KeyId> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text.parse().ok().filter(|_| plain)?;
    Some(KeyId::from_i64(number.cast_signed()))
}
