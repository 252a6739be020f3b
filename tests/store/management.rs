//! Managing an account's access tokens and API keys on behalf of a caller.

use moneyer::{
    domain::{AccountId, Denied, KeyId, Note, Permission, Timestamp, Token, TokenDigest, TokenId},
    store::{
        Deleted, Direction, KeyTokens, Listing, Minted, NewAccessToken, NewKey, NewToken, Page,
        Principal, RotatedKey, Start, TokenOrder,
    },
};
use serde_json::json;

use crate::support::{Fixture, NOW, later};

fn all<Id>() -> Page<Id> {
    Page {
        start: Start::Skip(0),
        limit: 1000,
        direction: Direction::Ascending,
    }
}

fn new_access_token(byte: u8) -> NewAccessToken {
    NewAccessToken {
        digest: TokenDigest::of(&Token::from_bytes(&[byte; 16])),
        sealed: None,
        signer: None,
        name: "t".into(),
        note: None,
        permissions: Vec::new(),
        expires_at: None,
    }
}

/// What each operation says to this caller.
async fn attempts(it: &Fixture, principal: Principal, now: Timestamp) -> Vec<Option<Denied>> {
    let (token, key) = (TokenId::from_i64(1), KeyId::from_i64(1));
    let order = TokenOrder::Creation;
    let store = &it.store;
    vec![
        store
            .list_account_tokens(principal, order, all(), now)
            .await
            .unwrap()
            .err(),
        store
            .mint_for(principal, new_access_token(1), now)
            .await
            .unwrap()
            .err(),
        store
            .disable_token_for(principal, token, now)
            .await
            .unwrap()
            .err(),
        store
            .list_account_keys(principal, None, all(), now)
            .await
            .unwrap()
            .err(),
        store
            .add_key_for(principal, it.new_key(), now)
            .await
            .unwrap()
            .err(),
        store
            .disable_key_for(principal, key, now)
            .await
            .unwrap()
            .err(),
    ]
}

#[tokio::test]
async fn who_is_good_no_more_is_refused_whatever_it_asks_for() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let expiring = it.token_until(key, later(5)).await;
    let orphan = it.token(key).await;
    let gone = vec![Some(Denied::Gone); 6];
    assert_eq!(
        attempts(&it, Principal::Token(expiring), later(5)).await,
        gone
    );
    let unknown = Principal::Token(TokenDigest::from_bytes([9; 32]));
    assert_eq!(attempts(&it, unknown, NOW).await, gone);

    let counts = (it.count("tokens"), it.count("keys"));
    it.store
        .disable_key(key, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    assert_eq!(attempts(&it, Principal::Key(key), NOW).await, gone);
    it.store.disable_account(account, NOW).await.unwrap();
    assert_eq!(attempts(&it, Principal::Token(orphan), NOW).await, gone);
    assert_eq!((it.count("tokens"), it.count("keys")), counts);
    let found = it.store.authority(Principal::Key(key), NOW).await.unwrap();
    assert!(found.is_none());
}

/// An account that declares what is needed for managing, and a key of it.
async fn managed(it: &Fixture) -> (AccountId, KeyId) {
    let (account, key) = it.account_and_key().await;
    let names = Permission::ALL.map(|permission| (permission.name().to_owned(), json!("")));
    let declared = names.into_iter().collect::<serde_json::Map<_, _>>();
    let changes = [("permissions".to_owned(), declared.into())].into();
    let edited = it.store.edit_policy(account, None, changes, NOW);
    edited.await.unwrap();
    (account, key)
}

#[tokio::test]
async fn a_key_may_do_what_its_account_declares() {
    let it = Fixture::new();
    let (_, key) = managed(&it).await;
    let denied = attempts(&it, Principal::Key(key), NOW).await;
    assert_eq!(denied, vec![None; 6]);
    let plain = it.key(it.account("plain").await).await;
    let denied = attempts(&it, Principal::Key(plain), NOW).await;
    assert_eq!(denied, vec![Some(Denied::Closed); 6]);
}

#[tokio::test]
async fn a_key_and_a_token_keep_to_their_makers_end_where_they_are_kept() {
    let it = Fixture::new();
    let (account, key) = managed(&it).await;
    let maker = it.token_until(key, later(60)).await;
    let all = Permission::ALL.map(Permission::name);
    it.set_settings(&maker, &json!({ "scopes": all }).to_string());
    let maker = Principal::Token(maker);
    let late = NewKey {
        expires_at: Some(later(61)),
        ..it.new_key()
    };
    let added = it.store.add_key_for(maker, late, NOW).await.unwrap();
    assert_eq!(added, Err(Denied::Outlives(later(60))));
    let new = it.new_key();
    let id = new.id;
    it.store
        .add_key_for(maker, new, NOW)
        .await
        .unwrap()
        .unwrap();
    let rows = it.store.list_keys(account).await.unwrap();
    let row = rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!(row.expires_at, Some(later(60)));
}

#[tokio::test]
async fn tokens_are_listed_as_they_were_minted_either_way() {
    let it = Fixture::new();
    let (account, first) = managed(&it).await;
    let second = it.key(account).await;
    let mut ids = Vec::new();
    for key in [first, second, second, first, second, first] {
        ids.push(TokenId::of(&it.token(key).await));
    }
    let listed = async |start, limit, direction| {
        let (order, page) = (
            TokenOrder::Creation,
            Page {
                start,
                limit,
                direction,
            },
        );
        let listed = it
            .store
            .list_account_tokens(Principal::Key(first), order, page, NOW);
        match listed.await.unwrap().unwrap() {
            Listing::Rows(rows) => rows.into_iter().map(|row| row.id).collect::<Vec<_>>(),
            Listing::CursorUnknown(id) => panic!("no {id}"),
        }
    };
    let (up, down) = (Direction::Ascending, Direction::Descending);
    assert_eq!(listed(Start::Skip(1), 3, up).await, ids[1..4]);
    assert_eq!(listed(Start::After(ids[1]), 2, up).await, ids[2..4]);
    assert_eq!(listed(Start::Before(ids[4]), 2, up).await, ids[2..4]);
    ids.reverse();
    assert_eq!(listed(Start::Skip(1), 3, down).await, ids[1..4]);
    assert_eq!(listed(Start::After(ids[1]), 2, down).await, ids[2..4]);
    assert_eq!(listed(Start::Before(ids[4]), 2, down).await, ids[2..4]);
}

#[tokio::test]
async fn a_token_of_a_disabled_key_mints_nothing() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let policy = json!({ "access-tokens:write": "" });
    let changes = [("permissions".to_owned(), policy)].into();
    it.store
        .edit_policy(account, None, changes, NOW)
        .await
        .unwrap();
    let key = it.key(account).await;
    let maker = it.token(key).await;
    it.set_settings(&maker, r#"{"scopes":["access-tokens:write"]}"#);
    let mint = async |byte| {
        let minted = it
            .store
            .mint_for(Principal::Token(maker), new_access_token(byte), NOW);
        minted.await.unwrap().unwrap()
    };
    assert!(matches!(mint(1).await, Minted::Done));
    it.store
        .disable_key(key, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    assert!(matches!(mint(2).await, Minted::KeyDead));
    assert_eq!(it.count("tokens"), 2);
}

#[tokio::test]
async fn names_and_notes_outlive_a_rotation() {
    let it = Fixture::new();
    let (account, old) = managed(&it).await;
    let named = NewToken {
        name: Some("for Anna".into()),
        ..it.new_token(old)
    };
    it.mint(named, NOW).await;
    let note = Note::parse("from the pipeline".into()).unwrap();
    let new = NewKey {
        note: note.clone(),
        ..it.new_key()
    };
    let id = new.id;
    let carry = moneyer::store::Carry(Box::new(|_, sealed| Some(sealed.clone())));
    let rotated = it
        .store
        .rotate_key(old, new, Some(carry), NOW)
        .await
        .unwrap();
    assert!(matches!(rotated, RotatedKey::Done { carried: 1, .. }));
    let rows = it.store.list_keys(account).await.unwrap();
    let row = rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!(row.note, note.as_str());
    let order = TokenOrder::Name;
    let listed = it
        .store
        .list_account_tokens(Principal::Key(id), order, all(), NOW);
    let Ok(Listing::Rows(tokens)) = listed.await.unwrap() else {
        panic!("not listed");
    };
    assert_eq!(tokens[0].name.as_deref(), Some("for Anna"));
}

#[tokio::test]
async fn what_is_deleted_twice_was_ended_once() {
    let it = Fixture::new();
    let (_, key) = managed(&it).await;
    let token = TokenId::of(&it.token(key).await);
    let entries = async || it.store.audit_entries(0, 100).await.unwrap().len();
    let before = entries().await;
    for now in [NOW, later(1)] {
        let deleted = it.store.disable_token_for(Principal::Key(key), token, now);
        assert_eq!(deleted.await.unwrap(), Ok(Deleted::Done));
    }
    assert_eq!(entries().await, before + 1);
}
