//! Accounts.

use crate::{
    app::App,
    domain::{AccountId, AccountName},
    error::Error,
    store::{AccountRow, CreatedAccount, DisabledAccount},
};

/// Creates an account, and gives its id.
///
/// # Errors
/// [`Error::Refused`] for a name that cannot be used, [`Error::AccountExists`], the store's.
pub async fn create(app: &App, name: &str) -> Result<(AccountId, AccountName), Error> {
    let name = AccountName::parse(name)
        .map_err(|malformed| Error::Refused(format!("This name is refused: {malformed}.")))?;
    let id = app.entropy.draw(AccountId::generate);
    match app
        .store
        .create_account(id, name.clone(), app.clock.now())
        .await?
    {
        CreatedAccount::Done => Ok((id, name)),
        CreatedAccount::NameTaken => Err(Error::AccountExists(name.to_string())),
    }
}

/// Finds the account of this name or id.
///
/// # Errors
/// [`Error::UnknownAccount`], the store's.
pub async fn find(app: &App, name_or_id: &str) -> Result<AccountRow, Error> {
    let found = app.store.find_account(name_or_id.trim().to_owned()).await?;
    found.ok_or_else(|| Error::UnknownAccount(name_or_id.to_owned()))
}

/// Disables an account, and says whether it was not disabled before.
///
/// # Errors
/// [`Error::UnknownAccount`], the store's.
pub async fn disable(app: &App, name_or_id: &str) -> Result<(AccountRow, DisabledAccount), Error> {
    let account = find(app, name_or_id).await?;
    match app
        .store
        .disable_account(account.id, app.clock.now())
        .await?
    {
        DisabledAccount::Unknown => Err(Error::UnknownAccount(name_or_id.to_owned())),
        done => Ok((account, done)),
    }
}
