//! Accounts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    app::App,
    domain::{AccountId, AccountName, Policy},
    error::Error,
    store::{AccountRow, CreatedAccount, DisabledAccount, EditedPolicy},
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

/// The policy of the account of this name or id.
///
/// # Errors
/// [`Error::UnknownAccount`], the store's.
pub async fn policy(app: &App, name_or_id: &str) -> Result<Policy, Error> {
    let account = find(app, name_or_id).await?;
    let policy = app.store.read_policy(account.id).await?;
    policy.ok_or_else(|| Error::UnknownAccount(name_or_id.to_owned()))
}

/// Changes the policy of an account: `changes` take the place of members of `base`, or of the policy
/// that it has. Says what came of it; never [`EditedPolicy::Invalid`] or [`EditedPolicy::Unknown`].
///
/// # Errors
/// [`Error::UnknownAccount`], [`Error::InvalidPolicy`], the store's.
pub async fn edit_policy(
    app: &App,
    name_or_id: &str,
    base: Option<Policy>,
    changes: BTreeMap<String, Value>,
) -> Result<EditedPolicy, Error> {
    let account = find(app, name_or_id).await?;
    let now = app.clock.now();
    match app
        .store
        .edit_policy(account.id, base, changes, now)
        .await?
    {
        EditedPolicy::Invalid(invalid) => Err(invalid.into()),
        EditedPolicy::Unknown => Err(Error::UnknownAccount(name_or_id.to_owned())),
        done => Ok(done),
    }
}

/// Ends every token of every key of the account of this name or id, at once; its keys work as before.
/// Gives the account and its new generation.
///
/// # Errors
/// [`Error::UnknownAccount`], the store's.
pub async fn regenerate(app: &App, name_or_id: &str) -> Result<(AccountRow, u64), Error> {
    let account = find(app, name_or_id).await?;
    let generation = app.store.regenerate_account(account.id, app.clock.now());
    match generation.await? {
        Some(generation) => Ok((account, generation)),
        None => Err(Error::UnknownAccount(name_or_id.to_owned())),
    }
}
