//! What a verdict on a token needs, and how the one who keeps verdicts is told of changes.

use std::sync::{Arc, Mutex};

use moneyer::{
    domain::{TokenDigest, TokenId, TokenState, Usage},
    store::{Altered, DisabledToken, Edit, FoundSettings, KeyTokens, Watcher},
};
use serde_json::json;

use crate::support::{Fixture, NOW, later};

/// Notes what it is told.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<Altered>>);

impl Watcher for Notes {
    fn altered(&self, what: &Altered) {
        self.0.lock().unwrap().push(*what);
    }
}

impl Notes {
    fn watch(it: &Fixture) -> Arc<Self> {
        let notes = Arc::new(Self::default());
        it.store.watch(Arc::clone(&notes) as Arc<dyn Watcher>);
        notes
    }

    /// What it was told since it was last asked.
    fn take(&self) -> Vec<Altered> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn state(it: &Fixture, digest: TokenDigest) -> Option<TokenState> {
    let record = it.store.find_token(digest).await.unwrap();
    record.map(|record| record.state)
}

#[tokio::test]
async fn a_token_is_found_whatever_has_become_of_it() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let digest = it.token_until(key, later(60)).await;
    let ended = it.token(key).await;
    it.store.disable_token(key, ended, NOW).await.unwrap();
    let found = it.store.find_token(digest).await.unwrap().unwrap();
    assert_eq!((found.key, found.account), (key, account));
    assert_eq!((found.created_at, found.expires_at), (NOW, Some(later(60))));
    assert_eq!(state(&it, digest).await, Some(TokenState::Live));
    assert_eq!(state(&it, ended).await, Some(TokenState::Ended));
    assert_eq!(state(&it, TokenDigest::from_bytes([0; 32])).await, None);
    it.store.disable_account(account, NOW).await.unwrap();
    assert_eq!(state(&it, digest).await, Some(TokenState::AccountDisabled));
    assert_eq!(state(&it, ended).await, Some(TokenState::Ended));
}

#[tokio::test]
async fn a_disabled_keys_tokens_live_on_unless_they_end_with_it() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token(key).await;
    it.store
        .disable_key(key, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    assert_eq!(state(&it, digest).await, Some(TokenState::Live));
    it.store
        .disable_key(key, KeyTokens::End, NOW)
        .await
        .unwrap();
    assert_eq!(state(&it, digest).await, Some(TokenState::Ended));
}

#[tokio::test]
async fn uses_add_up_and_the_latest_time_stays() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let (digest, other) = (it.token(key).await, it.token(key).await);
    let (first, second) = (it.number(digest).await, it.number(other).await);
    let used = |number, verifications, at| {
        let last_used_at = Some(later(at));
        (
            number,
            Usage {
                verifications,
                last_used_at,
            },
        )
    };
    for uses in [
        vec![(second, Usage::default()), used(first, 3, 9)],
        vec![used(first, 2, 5), used(first, 1, 7)],
        vec![],
    ] {
        it.store.record_token_uses(uses).await.unwrap();
    }
    for (digest, expected) in [(digest, used(first, 6, 9).1), (other, Usage::default())] {
        match it.store.read_settings(key, digest, NOW).await.unwrap() {
            FoundSettings::Done(row) => assert_eq!(row.usage, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn every_change_of_a_verdict_is_told_before_whoever_made_it_knows() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let notes = Notes::watch(&it);
    let (first, second) = (it.token(key).await, it.token(key).await);
    assert_eq!(notes.take(), [], "a new token is no change of a verdict");
    let edit = Edit::Merge(json!({"scopes": ["a"]}));
    it.store.edit_settings(key, first, edit, NOW).await.unwrap();
    assert_eq!(notes.take(), [Altered::Token(first)]);
    it.store.disable_token(key, first, NOW).await.unwrap();
    assert_eq!(notes.take(), [Altered::Token(first)]);
    let id = TokenId::of(&second);
    it.store.disable_token_by_id(id, NOW).await.unwrap();
    assert_eq!(notes.take(), [Altered::Token(second)]);
    it.store
        .disable_key(key, KeyTokens::End, NOW)
        .await
        .unwrap();
    assert_eq!(notes.take(), [Altered::Tokens]);
    let (old, new) = (it.new_key(), it.new_key());
    let (old_id, added) = (old.id, [old.selector, new.selector].map(Altered::KeyAdded));
    it.store.add_keys(account, vec![old], NOW).await.unwrap();
    assert_eq!(notes.take(), added[..1]);
    it.store.rotate_key(old_id, new, None, NOW).await.unwrap();
    assert_eq!(notes.take(), [added[1], Altered::Tokens]);
    it.store.disable_account(account, NOW).await.unwrap();
    assert_eq!(notes.take(), [Altered::Tokens]);
}

#[tokio::test]
async fn what_changes_nothing_is_not_told() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let sibling = it.key(account).await;
    let (digest, kept) = (it.token(key).await, it.token(key).await);
    it.set_settings(&kept, r#"{"tags":["protected"]}"#);
    it.store.disable_token(key, digest, NOW).await.unwrap();
    let used = Usage {
        verifications: 1,
        last_used_at: Some(NOW),
    };
    let notes = Notes::watch(&it);
    let done = it.store.disable_token(key, digest, NOW).await.unwrap();
    assert_eq!(done, DisabledToken::Already);
    let done = it.store.disable_token(key, kept, NOW).await.unwrap();
    assert_eq!(done, DisabledToken::Protected);
    let done = it.store.disable_token(sibling, kept, NOW).await.unwrap();
    assert_eq!(done, DisabledToken::Unknown);
    for (by, patch) in [
        (key, json!({"tags": ["protected"]})),
        (key, json!({"tags": 1})),
        (sibling, json!({"tags": []})),
    ] {
        let edit = Edit::Merge(patch);
        it.store.edit_settings(by, kept, edit, NOW).await.unwrap();
    }
    it.store
        .record_token_uses(vec![(it.number(kept).await, used)])
        .await
        .unwrap();
    it.sweep(NOW, NOW, NOW, 100).await;
    assert_eq!(notes.take(), []);
}
