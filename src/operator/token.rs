//! Tokens, by their public ids.

use crate::{app::App, domain::TokenId, error::Error, store::DisabledToken};

/// Whether the token had ended before an operator ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It ended now.
    Now,
    /// It had ended before.
    Before,
}

/// Ends the token with this id, whoever minted it.
///
/// # Errors
/// [`Error::UnknownTokenId`], [`Error::ProtectedToken`], the store's.
pub async fn disable(app: &App, id: TokenId) -> Result<Ended, Error> {
    match app.store.disable_token_by_id(id, app.clock.now()).await? {
        DisabledToken::Done => Ok(Ended::Now),
        DisabledToken::Already => Ok(Ended::Before),
        DisabledToken::Unknown => Err(Error::UnknownTokenId(id)),
        DisabledToken::Protected => Err(Error::ProtectedToken),
        DisabledToken::KeyDead => Err(Error::Internal("an operator's doing hung on a key".into())),
    }
}
