//! Access tokens.

use std::collections::BTreeMap;

use super::{Members, Party, Query, part::direction};
use crate::{
    app::App,
    command::{
        create::seal_for,
        signer::{Seal, signer},
    },
    domain::{Denied, Note, OutsidePolicy, Permission, Timestamp, Token, TokenDigest, TokenId},
    error::Error,
    store::{
        AccessTokenRow, Deleted, Direction, Listing, Minted, NewAccessToken, Page, TokenOrder,
    },
};

const NAME: &str = "access_token_name";
const DESCRIPTION: &str = "access_token_description";
const EXPIRATION: &str = "access_token_expiration";
const PERMISSIONS: &str = "permissions";

/// List the account's good access tokens.
#[derive(Debug)]
pub struct ListTokens {
    order: TokenOrder,
    page: Page<TokenId>,
}

/// Create an access token.
#[derive(Debug)]
pub struct CreateToken {
    name: String,
    note: Option<Note>,
    permissions: Vec<String>,
    expires_at: Option<Timestamp>,
}

/// Delete an access token.
#[derive(Debug)]
pub struct DeleteToken(TokenId);

/// List the permissions that the account declares.
#[derive(Debug)]
pub struct ListPermissions;

impl ListTokens {
    /// Takes `skip`, `take` and `order` out of `query`; nothing else may be there. Without an order
    /// the oldest come first, so that new ones move none from one part to the next.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn parse(mut query: Query) -> Result<Self, Error> {
        let usual = (TokenOrder::Creation, Direction::Ascending);
        let allowed = "access_token_name or access_token_expiration, then :ASC or :DESC";
        let (order, direction) = query.order(usual, order, allowed)?;
        let page = query.page(direction, |text| text.parse().ok())?;
        query.finish()?;
        Ok(Self { order, page })
    }

    /// The part that is asked for.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::UnknownTokenId`], the store's.
    pub async fn execute(self, app: &App, party: &Party) -> Result<Vec<AccessTokenRow>, Error> {
        let (principal, now) = (party.principal(), app.clock.now());
        let listed = app
            .store
            .list_account_tokens(principal, self.order, self.page, now);
        match party.permitted(app, listed.await?)? {
            Listing::Rows(rows) => Ok(rows),
            Listing::CursorUnknown(id) => Err(Error::UnknownTokenId(id)),
        }
    }
}

fn order(text: &str) -> Option<(TokenOrder, Direction)> {
    let (by, way) = text.split_once(':')?;
    let by = match by {
        NAME => TokenOrder::Name,
        EXPIRATION => TokenOrder::Expiration,
        _ => return None,
    };
    Some((by, direction(way)?))
}

impl CreateToken {
    /// Takes name, description, permissions and expiration out of `members`; nothing else may be
    /// there.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn parse(mut members: Members) -> Result<Self, Error> {
        let name = members.name(NAME)?.as_str().to_owned();
        let note = members.note(DESCRIPTION)?;
        let permissions = members.texts(PERMISSIONS)?;
        let permissions =
            permissions.ok_or_else(|| Error::invalid(PERMISSIONS, "must be given, if as []"))?;
        let expires_at = members.time(EXPIRATION)?;
        members.finish()?;
        Ok(Self {
            name,
            note,
            permissions,
            expires_at,
        })
    }

    /// Mints the token. One that the holder of a private key creates is sealed as any other; one
    /// that the holder of a token creates is not, since no private key is at hand.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::InvalidParameter`] for an expiration that cannot be,
    /// [`Error::InvalidSettings`], [`Error::OutsidePolicy`], the store's.
    pub async fn execute(self, app: &App, party: &Party) -> Result<Token, Error> {
        let token = app.entropy.draw(Token::generate);
        let digest = TokenDigest::of(&token);
        let seal: Box<Seal> = match party {
            Party::Key(caller) => seal_for(caller),
            Party::Token(_) => Box::new(|_, _| None),
        };
        let new = NewAccessToken {
            digest,
            sealed: seal(&token, &digest),
            signer: Some(signer(app, &token, seal)),
            name: self.name,
            note: self.note,
            permissions: self.permissions,
            expires_at: self.expires_at,
        };
        let minted = app.store.mint_for(party.principal(), new, app.clock.now());
        match party.permitted_to_make(app, EXPIRATION, minted.await?)? {
            Minted::Done => Ok(token),
            Minted::Signed(token) => Ok(token),
            Minted::NoSigningKey(algorithm) => Err(Error::NoSigningKey(algorithm)),
            Minted::BornDead => Err(Error::invalid(EXPIRATION, "lies in the past")),
            Minted::SettingsInvalid(invalid) => Err(invalid.into()),
            Minted::OutsidePolicy(outside) => Err(in_this_manner(outside)),
            Minted::KeyDead => Err(Denied::Orphaned.into()),
            Minted::Before(_) | Minted::OnceMismatch | Minted::SourceUnknown => Err(
                Error::Internal("a token without a source or a name was minted from one".into()),
            ),
        }
    }
}

/// What is outside of the account's policy, by the names that are used here.
fn in_this_manner(outside: OutsidePolicy) -> Error {
    match outside {
        OutsidePolicy::NoExpiry => Error::invalid(
            EXPIRATION,
            "must be given: this account's tokens are to expire",
        ),
        OutsidePolicy::TooLong(longest) => Error::invalid(
            EXPIRATION,
            format!("lies too far ahead: this account's tokens live for {longest} at most"),
        ),
        other => other.into(),
    }
}

impl DeleteToken {
    /// Of this id.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when it has not the form of one.
    pub fn parse(id: &str) -> Result<Self, Error> {
        id.parse().map(Self).map_err(|_| {
            Error::invalid("access_token_id", "must be tok_ and 16 hexadecimal digits")
        })
    }

    /// Ends the token; it may have ended before.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::UnknownTokenId`], [`Error::ProtectedToken`], the store's.
    pub async fn execute(self, app: &App, party: &Party) -> Result<(), Error> {
        let now = app.clock.now();
        let deleted = app.store.disable_token_for(party.principal(), self.0, now);
        match party.permitted(app, deleted.await?)? {
            Deleted::Done => Ok(()),
            Deleted::Unknown => Err(Error::UnknownTokenId(self.0)),
            Deleted::Protected => Err(Error::ProtectedToken),
        }
    }
}

impl ListPermissions {
    /// The permissions that the account declares, each with its description.
    ///
    /// # Errors
    /// [`Error::Denied`], the store's.
    pub async fn execute(
        self,
        app: &App,
        party: &Party,
    ) -> Result<BTreeMap<String, String>, Error> {
        let found = app.store.authority(party.principal(), app.clock.now());
        let authority = party.permitted(app, found.await?.ok_or(Denied::Gone))?;
        authority.require(Permission::ReadTokens)?;
        Ok(authority.policy.permissions().clone())
    }
}
