//! An account's access tokens.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{authority::require, minted, walk::List};
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
            tokens::{Endable, end_one, good_of_account},
        },
    },
};

/// The good tokens of an account.
const AMONG: &str = concat!("live_tokens t WHERE ", good_of_account!(":account", ":now"));

const COLUMNS: &str = "t.settings, t.digest, t.name, t.expires_at";

macro_rules! list_by {
    ($key:literal) => {
        List {
            columns: COLUMNS,
            table: "tokens t",
            among: AMONG,
            key: $key,
            id: "t.id",
            find: concat!(
                "SELECT ",
                $key,
                ", t.id FROM tokens t JOIN keys k ON k.id = t.key_id
                 WHERE k.account_id = ?1 AND t.id = ?2"
            ),
        }
    };
}

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
            TokenOrder::Creation => None,
            TokenOrder::Name => Some(BY_NAME),
            TokenOrder::Expiration => Some(BY_EXPIRATION),
        };
        let turn = match &list {
            None => None,
            Some(_) => Some(self.pass_turn().await?),
        };
        self.read(move |lookup| {
            let _turn = turn;
            let _snapshot = lookup.unchecked_transaction()?;
            let authority = match require(lookup, principal, Permission::ReadTokens, now)? {
                Ok(authority) => authority,
                Err(denied) => return Ok(Err(denied)),
            };
            let account = authority.account;
            let listing = match list {
                None => minted::part(lookup, account, page, now, row_with),
                Some(list) => {
                    let row_of = |id| minted::place(lookup, account, id);
                    let now = now.seconds();
                    list.part(lookup, account, page, row_of, &[(":now", &now)], row)
                }
            };
            listing.map(Ok)
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
            let end = authority.end_of_token(token.expires_at, now);
            let expires_at = match authority.check_given(&token.permissions).and(end) {
                Ok(expires_at) => expires_at,
                Err(denied) => return Ok(Err(denied)),
            };
            let settings = authority.settings_of_new(&token.permissions, token.note.as_ref());
            let new = NewToken {
                key: authority.key,
                digest: token.digest,
                sealed: token.sealed,
                signer: token.signer,
                name: Some(token.name),
                expires_at,
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
            let found = match minted::place(work, authority.account, id)? {
                None => None,
                Some(row) => work
                    .prepare_cached(&Endable::select("id = ?1"))?
                    .query_row([row], Endable::from_row)
                    .optional()?,
            };
            Ok(Ok(match end_one(work, found, authority.actor(), now)? {
                DisabledToken::Done | DisabledToken::Already => Deleted::Done,
                DisabledToken::Protected => Deleted::Protected,
                DisabledToken::Unknown | DisabledToken::KeyDead => Deleted::Unknown,
            }))
        })
        .await
    }
}

fn row_with(connection: &Connection, id: i64) -> rusqlite::Result<AccessTokenRow> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM tokens t WHERE t.id = ?1"))?
        .query_row([id], row)
}

fn row(row: &Row<'_>) -> rusqlite::Result<AccessTokenRow> {
    Ok(AccessTokenRow {
        note: note_at(row, 0),
        id: TokenId::of(&TokenDigest::from_bytes(row.get(1)?)),
        name: row.get(2)?,
        expires_at: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_seconds),
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;
    use crate::{
        domain::KeyId,
        store::{Absent, Direction, Options, Start},
    };

    #[tokio::test]
    async fn a_pass_over_all_tokens_waits_for_the_one_before_it_and_holds_up_no_other_list() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            url: format!("sqlite:{}", folder.path().join("moneyer.db").display()),
            absent: Absent::Create,
            busy_timeout: std::time::Duration::from_millis(50),
            // One reader does its jobs in order, so whatever was asked for is done before the next.
            readers: 1,
            queue: 16,
            batch: 1,
            unindexed_tokens: 1000,
            page_cache_kib: 1024,
        };
        let sqlite = Sqlite::open(&options).unwrap();
        let page = Page {
            start: Start::Skip(0),
            limit: 1,
            direction: Direction::Ascending,
        };
        let list = |order| {
            let principal = Principal::Key(KeyId::from_i64(1));
            sqlite.list_account_tokens(principal, order, page, Timestamp::from_seconds(1))
        };
        let turn = sqlite.pass_turn().await.unwrap();
        for order in [TokenOrder::Name, TokenOrder::Expiration] {
            let mut pass = pin!(list(order));
            assert!(poll!(&mut pass).is_pending());
            assert_eq!(list(TokenOrder::Creation).await.unwrap(), Err(Denied::Gone));
            assert!(poll!(&mut pass).is_pending());
        }
        drop(turn);
        assert_eq!(list(TokenOrder::Name).await.unwrap(), Err(Denied::Gone));
    }
}
