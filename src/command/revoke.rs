//! Token revocation (RFC 7009): ending a token of one's own, without complaint about others.

use super::Parameters;
use crate::{
    app::App,
    domain::{Token, TokenDigest, TokenId},
    error::Error,
    keyring::Caller,
    store::DisabledToken,
};

/// End a token, if it is one of the key's own.
#[derive(Debug)]
pub struct Revoke {
    /// What was given as the token, if it can be one.
    token: Option<Token>,
}

impl Revoke {
    /// Takes `token` out of `parameters`. What cannot be a token need not be ended.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when there is none.
    pub fn parse(parameters: &mut Parameters) -> Result<Self, Error> {
        parameters.take_token().map(|token| Self { token })
    }

    /// Ends the token; gives its id when it was the key's own.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the caller's role does not allow it, [`Error::ProtectedToken`],
    /// [`Error::InvalidKey`] when the key has stopped meanwhile, the store's.
    pub async fn execute(self, app: &App, caller: &Caller) -> Result<Option<TokenId>, Error> {
        if !caller.role.may_mint() {
            return Err(Error::Forbidden);
        }
        let Some(token) = self.token else {
            return Ok(None);
        };
        let (digest, now) = (TokenDigest::of(&token), app.clock.now());
        match app.store.disable_token(caller.key, digest, now).await? {
            DisabledToken::Done | DisabledToken::Already => Ok(Some(TokenId::of(&digest))),
            DisabledToken::Unknown => Ok(None),
            DisabledToken::Protected => Err(Error::ProtectedToken),
            DisabledToken::KeyDead => {
                app.keyring.forget(caller);
                Err(Error::InvalidKey)
            }
        }
    }
}
