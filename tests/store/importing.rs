//! Tokens that were made elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use moneyer::{
    domain::{KeyId, Policy, Settings, Timestamp, TokenDigest, TokenId},
    store::{FoundSettings, Imported, ImportedToken, Progress},
};
use serde_json::json;

use crate::support::{Fixture, NOW, elsewhere, later, sealed, untold};

async fn import(it: &Fixture, key: KeyId, tokens: Vec<ImportedToken>, now: Timestamp) -> Imported {
    let policy = Policy::default();
    let imported = it.store.import_tokens(key, policy, tokens, untold(), now);
    imported.await.unwrap()
}

#[tokio::test]
async fn imported_tokens_are_kept_as_they_are_given() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    it.store.regenerate_account(account, NOW).await.unwrap();
    let settings = Settings::from_json(r#"{"scopes":["read"]}"#).unwrap();
    let full = ImportedToken {
        sealed: Some(sealed(1)),
        settings: Some(settings.clone().into()),
        created_at: later(-5),
        expires_at: Some(later(5)),
        ..elsewhere(1)
    };
    assert_eq!(
        import(&it, key, vec![full, elsewhere(2)], NOW).await,
        Imported::Done
    );
    let [first, second] = [1, 2].map(|byte| elsewhere(byte).digest);
    let kept = it.store.find_token(first).await.unwrap().unwrap();
    assert_eq!(
        (kept.key, kept.account, &*kept.settings),
        (key, account, &settings)
    );
    assert_eq!(
        (kept.created_at, kept.expires_at),
        (later(-5), Some(later(5)))
    );
    let plain = it.store.find_token(second).await.unwrap().unwrap();
    assert!(plain.settings.is_empty() && plain.expires_at.is_none());
    for (token, whole) in [(first, settings), (second, Settings::default())] {
        let found = it.store.read_settings(key, token, NOW).await.unwrap();
        assert!(matches!(found, FoundSettings::Done(row) if row.settings == whole));
    }
    assert_eq!(it.list(key, NOW).await, [first]);
}

#[tokio::test]
async fn the_last_of_a_few_tokens_is_listed_first() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let sealed = |byte| ImportedToken {
        sealed: Some(sealed(1)),
        ..elsewhere(byte)
    };
    import(&it, key, [2, 1, 3].map(sealed).to_vec(), NOW).await;
    assert_eq!(
        it.list(key, NOW).await,
        [3, 1, 2].map(|byte| elsewhere(byte).digest)
    );
}

#[tokio::test]
async fn one_known_token_keeps_all_others_out() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let known = it.token(key).await;
    it.store.disable_token(key, known, NOW).await.unwrap();
    let again = ImportedToken {
        digest: known,
        ..elsewhere(0)
    };
    let before = it.count("audit");
    let imported = import(&it, key, vec![elsewhere(1), again, elsewhere(2)], NOW).await;
    assert_eq!(imported, Imported::Known(TokenId::of(&known)));
    assert_eq!((it.count("tokens"), it.count("audit")), (1, before));
    let digests = vec![elsewhere(1).digest, known];
    assert_eq!(it.store.known_tokens(digests).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_key_that_is_good_no_more_imports_nothing() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    it.store.disable_account(account, NOW).await.unwrap();
    assert_eq!(
        import(&it, key, vec![elsewhere(1)], NOW).await,
        Imported::KeyDead
    );
    assert_eq!(it.count("tokens"), 0);
}

#[tokio::test]
async fn the_policy_must_be_the_one_that_the_tokens_were_held_to() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let changes = BTreeMap::from([("max_active_tokens".to_owned(), json!(2))]);
    it.store
        .edit_policy(account, None, changes, NOW)
        .await
        .unwrap();
    assert_eq!(
        import(&it, key, vec![elsewhere(1)], NOW).await,
        Imported::PolicyChanged
    );
    let policy = Policy::parse(json!({ "max_active_tokens": 2 })).unwrap();
    for (bytes, outcome) in [
        (vec![1, 2, 3], Imported::TooMany(2)),
        (vec![1], Imported::Done),
        (vec![2, 3], Imported::TooMany(2)),
        (vec![2], Imported::Done),
    ] {
        let tokens = bytes.into_iter().map(elsewhere).collect();
        let imported = it
            .store
            .import_tokens(key, policy.clone(), tokens, untold(), NOW);
        assert_eq!(imported.await.unwrap(), outcome);
    }
}

#[tokio::test]
async fn progress_is_told_and_the_audit_names_a_thousand_at_a_time() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let before = it.count("audit");
    let tokens = (0..2001_u32).map(|n| {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&n.to_be_bytes());
        let digest = TokenDigest::from_bytes(digest);
        ImportedToken {
            digest,
            ..elsewhere(0)
        }
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let progress = Progress(Box::new(move |written| noted.lock().unwrap().push(written)));
    let policy = Policy::default();
    let imported = it
        .store
        .import_tokens(key, policy, tokens.collect(), progress, NOW);
    assert_eq!(imported.await.unwrap(), Imported::Done);
    assert_eq!(*told.lock().unwrap(), [1000, 2000]);
    assert_eq!(it.count("audit"), before + 3);
}
