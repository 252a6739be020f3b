//! Settings: reading them, changing them, giving them at minting.

use moneyer::{
    domain::{KeyId, TokenDigest},
    store::{DisabledToken, Edit, EditedSettings, FoundSettings, KeyTokens, Minted, NewToken},
};
use serde_json::{Value, json};

use crate::support::{Fixture, NOW, later};

async fn read(it: &Fixture, key: KeyId, digest: TokenDigest) -> Value {
    match it.store.read_settings(key, digest, NOW).await.unwrap() {
        FoundSettings::Done(row) => row.settings.to_value(),
        other => panic!("{other:?}"),
    }
}

async fn merge(it: &Fixture, key: KeyId, digest: TokenDigest, patch: Value) -> EditedSettings {
    let edit = Edit::Merge(patch);
    it.store
        .edit_settings(key, digest, edit, NOW)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_edit_is_read_by_every_key_of_the_account_and_by_no_other() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let sibling = it.key(account).await;
    let stranger = it.key(it.account("other").await).await;
    let digest = it.token(key).await;
    let empty = read(&it, key, digest).await;
    let edited = merge(&it, key, digest, json!({"scopes": ["a"]})).await;
    assert!(matches!(edited, EditedSettings::Done(_)));
    for reader in [key, sibling] {
        assert_eq!(read(&it, reader, digest).await["scopes"], json!(["a"]));
    }
    let by_sibling = merge(&it, sibling, digest, json!({"scopes": null})).await;
    assert_eq!(by_sibling, EditedSettings::NotIssuer);
    let by_stranger = merge(&it, stranger, digest, json!({"scopes": null})).await;
    assert_eq!(by_stranger, EditedSettings::Unknown);
    let of_stranger = it.store.read_settings(stranger, digest, NOW).await.unwrap();
    assert_eq!(of_stranger, FoundSettings::Unknown);
    let replace = Edit::Replace(Box::default());
    let replaced = it
        .store
        .edit_settings(key, digest, replace, NOW)
        .await
        .unwrap();
    assert!(matches!(replaced, EditedSettings::Done(_)));
    assert_eq!(read(&it, key, digest).await, empty);
}

#[tokio::test]
async fn an_edit_that_would_be_invalid_changes_nothing() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token(key).await;
    let before = read(&it, key, digest).await;
    let edited = merge(
        &it,
        key,
        digest,
        json!({"note": "a", "rate_limit": {"requests": 1}}),
    )
    .await;
    assert!(matches!(edited, EditedSettings::Invalid(_)), "{edited:?}");
    assert_eq!(read(&it, key, digest).await, before);
}

#[tokio::test]
async fn neither_an_ended_token_nor_a_dead_key_has_settings() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let (ended, expiring) = (it.token(key).await, it.token_until(key, later(60)).await);
    let good = it.token(key).await;
    let done = it.store.disable_token(key, ended, NOW).await.unwrap();
    assert_eq!(done, DisabledToken::Done);
    for (digest, now) in [(ended, NOW), (expiring, later(60))] {
        let found = it.store.read_settings(key, digest, now).await.unwrap();
        assert_eq!(found, FoundSettings::Unknown);
        let edit = Edit::Merge(json!({"note": "a"}));
        let edited = it
            .store
            .edit_settings(key, digest, edit, now)
            .await
            .unwrap();
        assert_eq!(edited, EditedSettings::Unknown);
    }
    it.store
        .disable_key(key, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    let found = it.store.read_settings(key, good, NOW).await.unwrap();
    assert_eq!(found, FoundSettings::KeyDead);
    let edited = merge(&it, key, good, json!({"note": "a"})).await;
    assert_eq!(edited, EditedSettings::KeyDead);
}

#[tokio::test]
async fn settings_given_at_minting_are_merged_into_those_that_are_cloned() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let source = it.token(key).await;
    merge(&it, key, source, json!({"scopes": ["a"], "note": "n"})).await;
    let with = |settings: Value, clone_of| NewToken {
        settings: Some(settings),
        clone_of,
        ..it.new_token(key)
    };
    let clone = it.mint(with(json!({"note": "m"}), Some(source)), NOW).await;
    let settings = read(&it, key, clone).await;
    assert_eq!(
        (&settings["scopes"], &settings["note"]),
        (&json!(["a"]), &json!("m"))
    );
    let refused = it
        .store
        .mint(with(json!({"scopes": "a"}), None), NOW)
        .await
        .unwrap();
    assert!(matches!(refused, Minted::SettingsInvalid(_)), "{refused:?}");
    let refused = it
        .store
        .mint(with(json!({"tags": 1}), Some(source)), NOW)
        .await
        .unwrap();
    assert!(matches!(refused, Minted::SettingsInvalid(_)), "{refused:?}");
    assert_eq!(it.count("tokens"), 2);
}
