//! An account's access tokens.

use rusqlite::{OptionalExtension as _, Row};

use super::{authority::require, walk::List};
use crate::{
    domain::{Denied, Permission, Timestamp, TokenDigest, TokenId},
    error::Error,
    store::{
        AccessTokenRow, Deleted, DisabledToken, Listing, Minted, NewAccessToken, NewToken, Page,
        Principal, TokenOrder,
        sqlite::{
            Sqlite,
            mint::mint,
            selection::note_at,
            tokens::{Endable, end_one},
        },
    },
};

/// The good tokens of an account.
const AMONG: &str = "accounts a JOIN keys k ON k.account_id = a.id
    JOIN tokens t ON t.key_id = k.id AND t.generation = a.generation AND t.ended_at IS NULL
    WHERE a.id = :account AND (t.expires_at IS NULL OR t.expires_at > :now)";

macro_rules! list_by {
    ($key:literal) => {
        List {
            columns: "t.settings, t.digest, t.name, t.expires_at",
            table: "tokens t",
            among: AMONG,
            key: $key,
            id: "t.id",
            find: concat!(
                "SELECT ",
                $key,
                ", t.id FROM tokens t JOIN keys k ON k.id = t.key_id
                 WHERE k.account_id = ?1 AND t.digest BETWEEN ?2 AND ?3"
            ),
        }
    };
}

const BY_CREATION: List<'_> = list_by!("t.created_at");
const BY_NAME: List<'_> = list_by!("coalesce(t.name, '')");
const BY_EXPIRATION: List<'_> = list_by!("coalesce(t.expires_at, 9223372036854775807)");

impl Sqlite {
    pub(in crate::store) async fn list_account_tokens(
        &self,
        principal: Principal,
        order: TokenOrder,
        page: Page<TokenId>,
        now: Timestamp,
    ) -> Result<Result<Listing<AccessTokenRow, TokenId>, Denied>, Error> {
        let list = match order {
            TokenOrder::Creation => BY_CREATION,
            TokenOrder::Name => BY_NAME,
            TokenOrder::Expiration => BY_EXPIRATION,
        };
        self.read(move |connection| {
            let snapshot = connection.unchecked_transaction()?;
            let authority = match require(&snapshot, principal, Permission::ReadTokens, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            let (ids, now) = (TokenId::digest_range, now.seconds());
            list.part(
                &snapshot,
                authority.account,
                page,
                ids,
                &[(":now", &now)],
                row,
            )
            .map(Ok)
        })
        .await
    }

    pub(in crate::store) async fn mint_for(
        &self,
        principal: Principal,
        token: NewAccessToken,
        now: Timestamp,
    ) -> Result<Result<Minted, Denied>, Error> {
        self.write(move |work| {
            let authority = match require(work, principal, Permission::WriteTokens, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            if let Err(denied) = authority.check_given(&token.permissions) {
                return Ok(Err(denied));
            }
            let settings = authority.settings_of_new(&token.permissions, token.note.as_ref());
            let new = NewToken {
                key: authority.key,
                digest: token.digest,
                sealed: token.sealed,
                signer: token.signer,
                name: Some(token.name),
                expires_at: token.expires_at,
                clone_of: None,
                settings: Some(settings),
                once: None,
            };
            mint(work, &new, authority.actor(), now).map(Ok)
        })
        .await
    }

    pub(in crate::store) async fn disable_token_for(
        &self,
        principal: Principal,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Result<Deleted, Denied>, Error> {
        self.write(move |work| {
            let authority = match require(work, principal, Permission::WriteTokens, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            let [least, greatest] = id.digest_range();
            let found = work
                .prepare_cached(&Endable::select(
                    "digest BETWEEN ?1 AND ?2
                     AND key_id IN (SELECT id FROM keys WHERE account_id = ?3)",
                ))?
                .query_row(
                    (least, greatest, authority.account.to_i64()),
                    Endable::from_row,
                )
                .optional()?;
            Ok(Ok(match end_one(work, found, authority.actor(), now)? {
                DisabledToken::Done | DisabledToken::Already => Deleted::Done,
                DisabledToken::Protected => Deleted::Protected,
                DisabledToken::Unknown | DisabledToken::KeyDead => Deleted::Unknown,
            }))
        })
        .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<AccessTokenRow> {
    Ok(AccessTokenRow {
        note: note_at(row, 0),
        id: TokenId::of(&TokenDigest::from_bytes(row.get(1)?)),
        name: row.get(2)?,
        expires_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_seconds),
    })
}
