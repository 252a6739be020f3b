//! API keys: private keys, as they are called here.

use super::{Members, Party, Query, key_number, key_of_number, part::direction};
use crate::{
    app::App,
    domain::{AccountId, Denied, KeyId, Label, Note, PrivateKey, Timestamp},
    error::Error,
    keyring::draw_salt,
    store::{ApiKeyRow, Deleted, Direction, Listing, NewKey, Page},
};

const NAME: &str = "api_key_name";
const DESCRIPTION: &str = "api_key_description";
const VALID_UNTIL: &str = "api_key_valid_until";
const TAG_NAMES: &str = "api_key_allowed_tag_names";
const ID: &str = "api_key_id";
const FILTER: &str = "filter";
/// How many keys may be asked for by their ids.
const MOST_NAMED: usize = 100;

/// List the account's API keys.
#[derive(Debug)]
pub struct ListKeys {
    only: Option<Vec<KeyId>>,
    page: Page<KeyId>,
}

/// Create an API key.
#[derive(Debug)]
pub struct CreateKey {
    label: Label,
    note: Note,
    expires_at: Option<Timestamp>,
}

/// An API key that has just been created.
#[derive(Debug)]
pub struct CreatedKey {
    /// What can be said of it at any time.
    pub row: ApiKeyRow,
    /// Whose it is.
    pub account: AccountId,
    /// The key itself: shown this once.
    pub key: PrivateKey,
}

/// Delete an API key.
#[derive(Debug)]
pub struct DeleteKey(KeyId);

impl ListKeys {
    /// Takes `skip`, `take`, `order` and `filter` out of `query`; nothing else may be there.
    /// Without an order the oldest come first.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn parse(mut query: Query) -> Result<Self, Error> {
        let direction = query.order(Direction::Ascending, direction, "ASC or DESC")?;
        let page = query.page(direction, key_of_number)?;
        let only = query.take(FILTER).map(|text| named(&text)).transpose()?;
        query.finish()?;
        Ok(Self { only, page })
    }

    /// The part that is asked for.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::UnknownApiKey`], the store's.
    pub async fn execute(self, app: &App, party: &Party) -> Result<Vec<ApiKeyRow>, Error> {
        let (principal, now) = (party.principal(), app.clock.now());
        let listed = app
            .store
            .list_account_keys(principal, self.only, self.page, now);
        match party.permitted(app, listed.await?)? {
            Listing::Rows(rows) => Ok(rows),
            Listing::CursorUnknown(id) => Err(Error::UnknownApiKey(key_number(id))),
        }
    }
}

/// Reads `1,2,3` or `[1,2,3]`.
fn named(text: &str) -> Result<Vec<KeyId>, Error> {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let ids = inner.unwrap_or(text).split(',');
    let ids: Option<Vec<KeyId>> = ids.map(|id| key_of_number(id.trim())).collect();
    ids.filter(|ids| ids.len() <= MOST_NAMED).ok_or_else(|| {
        let reason = format!("must be the ids of at most {MOST_NAMED} API keys, between commas");
        Error::invalid(FILTER, reason)
    })
}

impl CreateKey {
    /// Takes name, description and validity out of `members`; nothing else may be there.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn parse(mut members: Members) -> Result<Self, Error> {
        let label = members.name(NAME)?;
        let note = members.note(DESCRIPTION)?.unwrap_or_default();
        let expires_at = members.time(VALID_UNTIL)?;
        if members
            .texts(TAG_NAMES)?
            .is_some_and(|names| !names.is_empty())
        {
            return Err(Error::invalid(
                TAG_NAMES,
                "must be left out: an API key is bound to no tags",
            ));
        }
        members.finish()?;
        Ok(Self {
            label,
            note,
            expires_at,
        })
    }

    /// Creates the key, whose role is [`crate::domain::Role::Mint`]; it ends no later than its maker.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::InvalidParameter`] for a validity that is over or too long,
    /// [`Error::Overloaded`], the store's.
    pub async fn execute(self, app: &App, party: &Party) -> Result<CreatedKey, Error> {
        let now = app.clock.now();
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::invalid(VALID_UNTIL, "lies in the past"));
        }
        // Asked once more where the key is kept; but a hash is dear, and not for everybody.
        let found = app.store.authority(party.principal(), now).await?;
        let authority = party.permitted(app, found.ok_or(Denied::Gone))?;
        authority.check_key_making()?;
        let end = authority.end_of_key(self.expires_at);
        let expires_at = party.permitted_to_make(app, VALID_UNTIL, end)?;
        let (key, id, salt) = app.entropy.draw(|rng| {
            (
                PrivateKey::generate(rng),
                KeyId::generate(rng),
                draw_salt(rng),
            )
        });
        let phc = app.keyring.hash(&key, salt).await?;
        let row = ApiKeyRow {
            id,
            label: self.label.as_str().to_owned(),
            note: self.note.as_str().to_owned(),
            created_at: now,
            expires_at,
        };
        let new = NewKey {
            label: self.label,
            note: self.note,
            expires_at,
            ..NewKey::of(&key, id, phc)
        };
        let added = app.store.add_key_for(party.principal(), new, now).await?;
        party.permitted_to_make(app, VALID_UNTIL, added)?;
        let account = authority.account;
        Ok(CreatedKey { row, account, key })
    }
}

impl DeleteKey {
    /// Of this id.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when it is no number.
    pub fn parse(id: &str) -> Result<Self, Error> {
        key_of_number(id).map(Self).ok_or_else(|| {
            Error::invalid(ID, format!("must be a whole number from 0 to {}", u64::MAX))
        })
    }

    /// Disables the key, at once; it may have been disabled before.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::UnknownApiKey`], the store's.
    pub async fn execute(self, app: &App, party: &Party) -> Result<(), Error> {
        let now = app.clock.now();
        let deleted = app.store.disable_key_for(party.principal(), self.0, now);
        match party.permitted(app, deleted.await?)? {
            Deleted::Done => {
                app.keyring.forget_key(self.0);
                Ok(())
            }
            Deleted::Unknown | Deleted::Protected => Err(Error::UnknownApiKey(key_number(self.0))),
        }
    }
}
