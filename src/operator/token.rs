//! Tokens, by their public ids and by what they have in common.

use std::time::Duration;

use super::account;
use crate::{
    app::App,
    domain::{KeyId, TokenId},
    error::Error,
    store::{DisabledToken, EndedTokens, Selected, Selection, TokenPage, TokenRow},
};

/// Whether the token had ended before an operator ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It ended now.
    Now,
    /// It had ended before.
    Before,
}

/// Which tokens are wanted, in an operator's words; what is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The key that minted them.
    pub key: Option<KeyId>,
    /// The name or id of their account.
    pub account: Option<String>,
    /// A tag that they carry.
    pub tag: Option<String>,
    /// For how long they were not used.
    pub unused_for: Option<Duration>,
    /// Within which time they expire.
    pub expiring_within: Option<Duration>,
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

/// Finds out what `wanted` selects at present.
///
/// # Errors
/// [`Error::UnknownAccount`], [`Error::UnknownKey`], the store's.
pub async fn select(app: &App, wanted: Wanted) -> Result<Selection, Error> {
    let account = match &wanted.account {
        None => None,
        Some(name_or_id) => Some(account::find(app, name_or_id).await?.id),
    };
    if let Some(key) = wanted.key
        && app.store.account_of_key(key).await?.is_none()
    {
        return Err(Error::UnknownKey(key));
    }
    let now = app.clock.now();
    Ok(Selection {
        key: wanted.key,
        account,
        tag: wanted.tag,
        unused_since: wanted.unused_for.map(|span| now.before(span)),
        expiring_until: wanted.expiring_within.map(|span| now.after(span)),
    })
}

/// A page of at most `limit` of the selected tokens, after the token `after` or from the first.
///
/// # Errors
/// [`Error::UnknownTokenId`] when there is no token to go on after, the store's.
pub async fn list(
    app: &App,
    selection: Selection,
    after: Option<TokenId>,
    limit: u32,
) -> Result<Vec<TokenRow>, Error> {
    let now = app.clock.now();
    match app
        .store
        .list_selected(selection, after, limit, now)
        .await?
    {
        TokenPage::Tokens(rows) => Ok(rows),
        TokenPage::CursorUnknown => Err(after.map_or_else(
            || Error::Internal("a cursor that was not given is unknown".into()),
            Error::UnknownTokenId,
        )),
    }
}

/// Ends the selected tokens, all in one transaction, if they are as many as `expected`. Protected
/// ones stay.
///
/// # Errors
/// [`Error::Refused`] when they are not as many, the store's; nothing was changed then.
pub async fn disable_selected(
    app: &App,
    selection: Selection,
    expected: u64,
) -> Result<Selected, Error> {
    let now = app.clock.now();
    match app.store.disable_selected(selection, expected, now).await? {
        EndedTokens::Done(ended) => Ok(ended),
        EndedTokens::CountDiffers(found) => Err(Error::Refused(format!(
            "The count of such tokens is {} now, not {expected}; nothing was changed.",
            found.endable
        ))),
    }
}
