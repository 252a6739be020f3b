//! Ending a token.

use super::{
    Parameters, Reply,
    create::{SETTINGS, parse_token},
};
use crate::{
    app::App,
    domain::{Token, TokenDigest},
    error::Error,
    keyring::Caller,
    store::DisabledToken,
};

const NAME: &str = "disableToken";
/// What cannot stand beside it.
const CONFLICTING: [&str; 4] = ["list", "expire", "cloneSettings", SETTINGS];

/// End a token.
#[derive(Debug)]
pub struct Disable {
    token: Token,
    /// What the token is called where it was given.
    name: &'static str,
}

impl Disable {
    /// End this one, which was given as `name`.
    #[must_use]
    pub const fn of(token: Token, name: &'static str) -> Self {
        Self { token, name }
    }

    /// Takes `disableToken` out of `parameters`, if it is there.
    ///
    /// # Errors
    /// [`Error::ConflictingParameters`] beside another command's parameter,
    /// [`Error::InvalidParameter`] when the value is not a token.
    pub fn parse(parameters: &mut Parameters) -> Result<Option<Self>, Error> {
        let Some(text) = parameters.take(NAME) else {
            return Ok(None);
        };
        if let Some(right) = CONFLICTING.into_iter().find(|name| parameters.has(name)) {
            return Err(Error::ConflictingParameters { left: NAME, right });
        }
        Ok(Some(Self::of(parse_token(NAME, &text)?, NAME)))
    }

    pub(super) async fn execute(self, app: &App, caller: &Caller) -> Result<Reply, Error> {
        let digest = TokenDigest::of(&self.token);
        match app
            .store
            .disable_token(caller.key, digest, app.clock.now())
            .await?
        {
            // A retry after a lost answer must not look like a failure.
            DisabledToken::Done | DisabledToken::Already => Ok(Reply::Disabled(self.token)),
            DisabledToken::Unknown => Err(Error::unknown_token(self.name, &self.token)),
            DisabledToken::Protected => Err(Error::ProtectedToken),
            DisabledToken::KeyDead => Err(Error::InvalidKey),
        }
    }
}
