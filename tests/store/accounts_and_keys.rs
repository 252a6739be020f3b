//! Accounts and private keys.

use std::collections::HashSet;

use moneyer::{
    domain::{AccountId, AccountName, ApiVersion, KeyId},
    store::{
        AddedKeys, CreatedAccount, DisabledAccount, DisabledKey, DisabledToken, KeyTokens, Listed,
        Minted, NewKey,
    },
};

use crate::support::{Fixture, NOW, later};

#[tokio::test]
async fn an_account_is_found_by_name_and_by_id() {
    let it = Fixture::new();
    let id = it.account("acme").await;
    for name in ["acme".to_owned(), id.to_string()] {
        assert_eq!(it.store.find_account(name).await.unwrap().unwrap().id, id);
    }
    assert!(
        it.store
            .find_account("Acme".into())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn two_accounts_do_not_share_a_name() {
    let it = Fixture::new();
    it.account("acme").await;
    let second = it
        .store
        .create_account(
            AccountId::from_i64(1),
            AccountName::parse("acme").unwrap(),
            NOW,
        )
        .await;
    assert_eq!(second.unwrap(), CreatedAccount::NameTaken);
    assert_eq!(it.store.list_accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_selectors_are_those_of_all_keys_good_or_not() {
    let it = Fixture::new();
    assert!(it.store.key_selectors().await.unwrap().is_empty());
    let account = it.account("acme").await;
    let keys = vec![it.new_key(), it.new_key()];
    let (first, selectors) = (keys[0].id, keys.iter().map(|key| key.selector).collect());
    it.store.add_keys(account, keys, NOW).await.unwrap();
    it.store
        .disable_key(first, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    assert_eq!(it.store.key_selectors().await.unwrap(), selectors);
}

#[tokio::test]
async fn keys_are_added_all_or_none() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let known = it.new_key();
    let add = |keys| it.store.add_keys(account, keys, NOW);
    assert_eq!(add(vec![known.clone()]).await.unwrap(), AddedKeys::Done);
    let same_again = NewKey {
        id: KeyId::from_i64(9),
        ..known
    };
    assert_eq!(
        add(vec![it.new_key(), same_again.clone()]).await.unwrap(),
        AddedKeys::Known(1)
    );
    let twice = it.new_key();
    let twice_too = NewKey {
        id: KeyId::from_i64(10),
        ..twice.clone()
    };
    assert_eq!(
        add(vec![twice, twice_too]).await.unwrap(),
        AddedKeys::Known(1)
    );
    assert_eq!(it.store.list_keys(account).await.unwrap().len(), 1);
    let nowhere = it
        .store
        .add_keys(AccountId::from_i64(77), vec![it.new_key()], NOW)
        .await
        .unwrap();
    assert_eq!(nowhere, AddedKeys::AccountUnknown);
}

#[tokio::test]
async fn a_key_is_found_while_it_and_its_account_are_good() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let (forever, brief) = (
        it.new_key(),
        NewKey {
            expires_at: Some(later(60)),
            ..it.new_key()
        },
    );
    let (forever_id, brief_id, selectors) =
        (forever.id, brief.id, [forever.selector, brief.selector]);
    it.store
        .add_keys(account, vec![forever, brief], NOW)
        .await
        .unwrap();
    let found = async |now| {
        let mut ids = Vec::new();
        for selector in selectors {
            ids.extend(
                it.store
                    .find_key(selector, now)
                    .await
                    .unwrap()
                    .map(|record| record.id),
            );
        }
        let remembered = [forever_id, brief_id].map(|id| (id, ApiVersion::CURRENT));
        let stale = it.store.stale_keys(remembered.into(), now).await.unwrap();
        assert_eq!(
            stale,
            HashSet::from([forever_id, brief_id])
                .difference(&ids.iter().copied().collect())
                .copied()
                .collect()
        );
        ids
    };
    assert_eq!(found(later(59)).await, [forever_id, brief_id]);
    assert_eq!(found(later(60)).await, [forever_id]);
    assert_eq!(
        it.store
            .disable_key(brief_id, KeyTokens::Keep, NOW)
            .await
            .unwrap(),
        DisabledKey::Done(0)
    );
    assert_eq!(found(NOW).await, [forever_id]);
    assert_eq!(
        it.store.disable_account(account, NOW).await.unwrap(),
        DisabledAccount::Done
    );
    assert_eq!(
        it.store.disable_account(account, NOW).await.unwrap(),
        DisabledAccount::Already
    );
    assert_eq!(
        it.store
            .disable_account(AccountId::from_i64(77), NOW)
            .await
            .unwrap(),
        DisabledAccount::Unknown
    );
    assert!(found(NOW).await.is_empty());
    assert_eq!(
        it.store
            .add_keys(account, vec![it.new_key()], NOW)
            .await
            .unwrap(),
        AddedKeys::AccountDisabled
    );
}

#[tokio::test]
async fn a_new_account_is_pinned_to_the_current_version_and_its_keys_are_stale_once_it_is_not() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let kept = "SELECT policy FROM accounts";
    let kept: String = it.file().query_row(kept, [], |row| row.get(0)).unwrap();
    assert_eq!(
        kept,
        format!(r#"{{"api_version":"{}"}}"#, ApiVersion::CURRENT)
    );
    let key = it.new_key();
    let (id, selector) = (key.id, key.selector);
    it.store.add_keys(account, vec![key], NOW).await.unwrap();
    let found = it.store.find_key(selector, NOW).await.unwrap().unwrap();
    assert_eq!(found.api_version, ApiVersion::CURRENT);

    let stale = async || {
        let remembered = vec![(id, found.api_version)];
        it.store.stale_keys(remembered, NOW).await.unwrap()
    };
    assert!(stale().await.is_empty());
    // As a later build does that knows one more.
    let moved = r#"UPDATE accounts SET policy = '{"api_version":"2999-01-01"}'"#;
    it.file().execute(moved, []).unwrap();
    assert_eq!(stale().await, HashSet::from([id]));
    assert!(it.store.find_key(selector, NOW).await.is_err());
    // Whatever else is wrong with a policy, the version holds.
    let damaged = r#"UPDATE accounts SET policy = '{"api_version":"2026-11-25","max_tll":1}'"#;
    it.file().execute(damaged, []).unwrap();
    assert!(stale().await.is_empty());
    assert!(it.store.find_key(selector, NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_dead_key_does_nothing_any_more() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token(key).await;
    it.store
        .disable_key(key, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    assert!(matches!(
        it.store.mint(it.new_token(key), NOW).await.unwrap(),
        Minted::KeyDead
    ));
    assert!(matches!(
        it.store.list_tokens(key, 100, NOW).await.unwrap(),
        Listed::KeyDead
    ));
    assert_eq!(
        it.store.disable_token(key, digest, NOW).await.unwrap(),
        DisabledToken::KeyDead
    );
    assert_eq!(it.count("tokens"), 1);
}

#[tokio::test]
async fn disabling_a_key_ends_its_tokens_when_asked_to_even_later() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let other = it.key(account).await;
    for key in [key, key, other] {
        it.token(key).await;
    }
    it.token_until(key, later(1)).await;
    let disable = |tokens| it.store.disable_key(key, tokens, later(2));
    assert_eq!(
        disable(KeyTokens::Keep).await.unwrap(),
        DisabledKey::Done(0)
    );
    assert_eq!(
        disable(KeyTokens::End).await.unwrap(),
        DisabledKey::Already(2)
    );
    assert_eq!(
        disable(KeyTokens::End).await.unwrap(),
        DisabledKey::Already(0)
    );
    assert_eq!(it.list(other, NOW).await.len(), 1);
    assert_eq!(
        it.store
            .disable_key(KeyId::from_i64(77), KeyTokens::End, NOW)
            .await
            .unwrap(),
        DisabledKey::Unknown
    );
}

#[tokio::test]
async fn the_last_use_of_a_key_only_moves_forward() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    for at in [later(5), later(3)] {
        it.store
            .record_key_uses(vec![(key, at), (KeyId::from_i64(77), at)])
            .await
            .unwrap();
    }
    assert_eq!(
        it.store.list_keys(account).await.unwrap()[0].last_used_at,
        Some(later(5))
    );
}
