//! A token's settings: reading them, changing them.

use serde_json::Value;

use super::Reply;
use crate::{
    app::App,
    domain::{Settings, Token, TokenDigest},
    error::Error,
    keyring::Caller,
    store::{Edit, EditedSettings, FoundSettings, SettingsRow},
};

/// A member of the document that is shown and cannot be changed: one that was read may be written
/// back as it is.
const READ_ONLY: &str = "usage";

/// Read a token's settings.
#[derive(Debug)]
pub struct ReadSettings {
    digest: TokenDigest,
}

/// Change a token's settings.
#[derive(Debug)]
pub struct EditSettings {
    digest: TokenDigest,
    edit: Edit,
}

impl ReadSettings {
    /// Of this token.
    #[must_use]
    pub fn of(token: &Token) -> Self {
        Self {
            digest: TokenDigest::of(token),
        }
    }

    pub(super) async fn execute(self, app: &App, caller: &Caller) -> Result<Reply, Error> {
        let (digest, now) = (self.digest, app.clock.now());
        match app.store.read_settings(caller.key, digest, now).await? {
            FoundSettings::Done(row) => Ok(with_unwritten(row, app)),
            FoundSettings::Unknown => Err(Error::UnknownToken),
            FoundSettings::KeyDead => Err(Error::InvalidKey),
        }
    }
}

impl EditSettings {
    /// Merges `patch` into the settings (RFC 7396).
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] names the member that cannot be used.
    pub fn merge(token: &Token, patch: Value) -> Result<Self, Error> {
        let patch = without_read_only(patch)?;
        // Before it waits for the writer: most of what is wrong with a patch is wrong by itself.
        Settings::check_patch(&patch)?;
        Ok(Self {
            digest: TokenDigest::of(token),
            edit: Edit::Merge(patch),
        })
    }

    /// Puts `document` in the settings' place.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] names the member that cannot be used.
    pub fn replace(token: &Token, document: Value) -> Result<Self, Error> {
        let settings = Settings::parse(without_read_only(document)?)?;
        Ok(Self {
            digest: TokenDigest::of(token),
            edit: Edit::Replace(Box::new(settings)),
        })
    }

    pub(super) async fn execute(self, app: &App, caller: &Caller) -> Result<Reply, Error> {
        let (digest, now) = (self.digest, app.clock.now());
        let edited = app.store.edit_settings(caller.key, digest, self.edit, now);
        match edited.await? {
            EditedSettings::Done(row) => Ok(with_unwritten(row, app)),
            EditedSettings::Invalid(invalid) => Err(invalid.into()),
            EditedSettings::OutsidePolicy(outside) => Err(outside.into()),
            EditedSettings::NotIssuer => Err(Error::NotIssuer),
            EditedSettings::Unknown => Err(Error::UnknownToken),
            EditedSettings::KeyDead => Err(Error::InvalidKey),
        }
    }
}

fn without_read_only(mut document: Value) -> Result<Value, Error> {
    let members = document.as_object_mut();
    match members.and_then(|members| members.remove(READ_ONLY)) {
        Some(shown) if !shown.is_object() => Err(Error::invalid(
            READ_ONLY,
            "must be as it was read, or left out",
        )),
        _ => Ok(document),
    }
}

/// The reply, with the uses that are not written down yet.
fn with_unwritten(row: SettingsRow, app: &App) -> Reply {
    let usage = row.usage.plus(app.verifier.unwritten_usage(row.number));
    Reply::Settings(Box::new(SettingsRow { usage, ..row }))
}
