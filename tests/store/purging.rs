//! Tokens that are about to be purged are taken out of the index of digests before, many at once.

use moneyer::{
    domain::{TokenDigest, TokenId, TokenState},
    store::{DisabledToken, Imported},
};

use crate::support::{Fixture, NOW, elsewhere, later, state};

/// As long ago as tokens have to have ended.
const LONG: moneyer::domain::Timestamp = later(9);

/// A store whose index has tokens that ended so many seconds after `NOW`, and one that goes on.
async fn ended_at(seconds: &[i64]) -> (Fixture, Vec<TokenDigest>) {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let mut digests = Vec::new();
    for second in seconds {
        let digest = it.token(key).await;
        let at = later(*second);
        it.store.disable_token(key, digest, at).await.unwrap();
        digests.push(digest);
    }
    it.token(key).await;
    it.indexing_by(1).index_newest().await.unwrap();
    (it, digests)
}

#[tokio::test]
async fn what_is_taken_out_is_unknown_to_all_and_purged_by_whoever_sweeps_next() {
    let (it, digests) = ended_at(&[1, 2]).await;
    let [server, reader] = [it.indexing_by(1), it.again()];
    let next = server.long_ended(LONG, None, 10).await.unwrap();
    assert_eq!(next.len(), 2);
    server.unindex(next).await.unwrap();
    // As far as a server comes that is killed then.
    drop(server);
    assert_eq!((it.count("digest_index"), it.count("tokens")), (1, 3));
    assert!(it.is_sound().await);
    for store in [&it.store, &reader, &it.again()] {
        assert_eq!(state(store, digests[0]).await, None);
        let id = TokenId::of(&digests[1]);
        let ended = store.disable_token_by_id(id, LONG).await.unwrap();
        assert_eq!(ended, DisabledToken::Unknown);
    }
    assert_eq!(it.again().purge(LONG, 10).await.unwrap(), 2);
    assert_eq!((it.count("digest_index"), it.count("tokens")), (1, 1));
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn those_are_taken_out_that_are_purged_next() {
    let (it, _) = ended_at(&[1, 1, 10, 2, 3, 1, 1, 1]).await;
    let mut next = Vec::new();
    // Some at a time: within a second, and across.
    for limit in [2, 1, 2, 1] {
        let last = next.last().copied();
        next.extend(it.store.long_ended(LONG, last, limit).await.unwrap());
    }
    it.store.unindex(next).await.unwrap();
    let left = "SELECT token_id FROM digest_index ORDER BY token_id";
    let left: Vec<i64> = it
        .file()
        .prepare(left)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(left, [3, 5, 9]);
    assert_eq!(it.store.purge(LONG, 6).await.unwrap(), 6);
    assert_eq!(it.count("tokens"), 3);
    assert!(it.is_sound().await);
    // The one that ended later, and the one that goes on, stay.
    assert_eq!(it.store.long_ended(LONG, None, 6).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_that_are_live_last_or_not_in_the_index_for_certain_are_not_taken_out() {
    let (it, digests) = ended_at(&[1, 1, 1]).await;
    let not_reached = "UPDATE digest_index_reach SET indexed = 1, indexing = 2";
    it.file().execute(not_reached, []).unwrap();
    assert_eq!(it.store.long_ended(LONG, None, 10).await.unwrap().len(), 1);
    let reached = "UPDATE digest_index_reach SET indexed = 4, indexing = 4";
    it.file().execute(reached, []).unwrap();
    let (_, key) = (
        it.account("other").await,
        it.key(it.account("more").await).await,
    );
    let last = it.token(key).await;
    it.store.disable_token(key, last, NOW).await.unwrap();
    it.indexing_by(1).index_newest().await.unwrap();
    let next = it.store.long_ended(LONG, None, 10).await.unwrap();
    assert_eq!(next.len(), 3);
    it.store.unindex(next).await.unwrap();
    assert_eq!(state(&it.store, digests[2]).await, None);
    assert_eq!(state(&it.store, last).await, Some(TokenState::Ended));
    assert_eq!(it.count("digest_index"), 2);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn a_token_that_is_put_into_the_index_meanwhile_leaves_no_entry_there() {
    let (it, _) = ended_at(&[1]).await;
    let key = it.key(it.account("other").await).await;
    let late = it.token(key).await;
    it.store.disable_token(key, late, NOW).await.unwrap();
    it.token(key).await;
    let next = it.store.long_ended(LONG, None, 10).await.unwrap();
    assert_eq!(next.len(), 1);
    it.indexing_by(1).index_newest().await.unwrap();
    it.store.unindex(next).await.unwrap();
    assert_eq!(it.count("digest_index"), 3);
    assert_eq!(it.store.purge(LONG, 10).await.unwrap(), 2);
    assert_eq!((it.count("digest_index"), it.count("tokens")), (2, 2));
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn a_token_that_was_taken_out_can_be_imported_anew() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = elsewhere(1).digest;
    let (server, lagging) = (it.indexing_by(1), it.again());
    it.token(key).await;
    it.import(key, elsewhere(1)).await;
    it.token(key).await;
    let unknown = elsewhere(2).digest;
    assert_eq!(state(&lagging, unknown).await, None);
    it.store.disable_token(key, digest, NOW).await.unwrap();
    server.index_newest().await.unwrap();
    let next = it.store.long_ended(LONG, None, 10).await.unwrap();
    it.store.unindex(next.clone()).await.unwrap();
    assert_eq!(it.import(key, elsewhere(1)).await, Imported::Done);
    let is_live = async || {
        for store in [&it.store, &server, &lagging, &it.again()] {
            assert_eq!(state(store, digest).await, Some(TokenState::Live));
        }
        assert!(it.is_sound().await);
    };
    is_live().await;
    server.index_newest().await.unwrap();
    // The same once more, as when two processes sweep.
    it.store.unindex(next).await.unwrap();
    is_live().await;
    assert_eq!(it.store.purge(LONG, 10).await.unwrap(), 1);
    is_live().await;
}
