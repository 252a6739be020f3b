//! A key in the place of another: what becomes of tokens, and of retries.

use moneyer::{
    domain::{KeyId, Timestamp, TokenDigest},
    store::{Carry, DisabledToken, KeyTokens, Listed, Minted, NewToken, RotatedKey},
};

use crate::support::{Fixture, NOW, later, once, sealed};

fn carry(works_for: impl Fn(&TokenDigest) -> bool + Send + 'static) -> Carry {
    Carry(Box::new(move |digest, _| {
        works_for(digest).then(|| sealed(2))
    }))
}

#[tokio::test]
async fn a_rotation_carries_tokens_in_order_and_retries_with_them() {
    let it = Fixture::new();
    let (account, old) = it.account_and_key().await;
    let first = it.token(old).await;
    let second = it
        .mint(
            NewToken {
                once: Some(once("a", 1)),
                ..it.new_token(old)
            },
            NOW,
        )
        .await;
    let new = it.new_key();
    let new_id = new.id;
    let rotated = it
        .store
        .rotate_key(old, new, Some(carry(|_| true)), NOW)
        .await
        .unwrap();
    assert_eq!(
        rotated,
        RotatedKey::Done {
            carried: 2,
            ended: 0
        }
    );
    assert_eq!(it.list(new_id, NOW).await, [second, first]);
    assert!(matches!(
        it.store.list_tokens(old, 100, NOW).await.unwrap(),
        Listed::KeyDead
    ));
    let retry = NewToken {
        once: Some(once("a", 1)),
        ..it.new_token(new_id)
    };
    let Minted::Before(row) = it.store.mint(retry, NOW).await.unwrap() else {
        panic!("a retry after a rotation minted")
    };
    assert_eq!(
        (row.digest, row.sealed.as_bytes()),
        (second, sealed(2).as_bytes())
    );
    assert_eq!(it.store.list_keys(account).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_rotation_may_end_the_tokens() {
    let it = Fixture::new();
    let (_, old) = it.account_and_key().await;
    let digest = it.token(old).await;
    let new = it.new_key();
    let new_id = new.id;
    let rotated = it.store.rotate_key(old, new, None, NOW).await.unwrap();
    assert_eq!(
        rotated,
        RotatedKey::Done {
            carried: 0,
            ended: 1
        }
    );
    assert!(it.list(new_id, NOW).await.is_empty());
    let ended: Option<i64> = it
        .file()
        .query_row(
            "SELECT ended_at FROM tokens WHERE digest = ?1",
            [digest.as_bytes()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(ended, Some(NOW.seconds()));
}

#[tokio::test]
async fn a_rotation_that_meets_a_broken_seal_changes_nothing() {
    let it = Fixture::new();
    let (account, old) = it.account_and_key().await;
    let (first, second) = (it.token(old).await, it.token(old).await);
    let rotated = it
        .store
        .rotate_key(
            old,
            it.new_key(),
            Some(carry(move |digest| *digest == first)),
            NOW,
        )
        .await
        .unwrap();
    assert!(matches!(rotated, RotatedKey::SealBroken(_)), "{rotated:?}");
    assert_eq!(it.list(old, NOW).await, [second, first]);
    assert_eq!(it.store.list_keys(account).await.unwrap().len(), 1);
    let seals: i64 = it
        .file()
        .query_row("SELECT count(DISTINCT sealed) FROM tokens", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(seals, 1);
}

#[tokio::test]
async fn a_dead_key_is_not_rotated() {
    let it = Fixture::new();
    let (account, old) = it.account_and_key().await;
    it.store
        .disable_key(old, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    let rotated = it
        .store
        .rotate_key(old, it.new_key(), Some(carry(|_| true)), NOW)
        .await
        .unwrap();
    assert_eq!(rotated, RotatedKey::KeyDead);
    assert_eq!(it.store.list_keys(account).await.unwrap().len(), 1);
}

/// Rotates `old`, and gives the id of the key in its place, which has taken over so many tokens.
async fn rotate(it: &Fixture, old: KeyId, carry: Option<Carry>, now: Timestamp) -> (KeyId, u64) {
    let new = it.new_key();
    let id = new.id;
    match it.store.rotate_key(old, new, carry, now).await.unwrap() {
        RotatedKey::Done { carried, .. } => (id, carried),
        refused => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn the_newest_of_rotated_keys_answers_for_all_tokens_that_ended_before() {
    let it = Fixture::new();
    let (account, first) = it.account_and_key().await;
    let other = it.key(account).await;
    let disable = async |key, token| it.store.disable_token(key, token, NOW).await.unwrap();
    let (mut key, mut ended) = (first, Vec::new());
    for carried in [2, 3] {
        let token = it.token(key).await;
        assert_eq!(disable(key, token).await, DisabledToken::Done);
        ended.push(token);
        for _ in 0..carried {
            it.token(key).await;
        }
        // A seal that is of no use any more does not matter.
        let ended = ended.clone();
        (key, _) = rotate(
            &it,
            key,
            Some(carry(move |digest| !ended.contains(digest))),
            NOW,
        )
        .await;
        it.token(key).await;
    }
    assert_eq!(it.list(key, NOW).await.len(), 2 + 1 + 3 + 1);
    for token in &ended {
        assert_eq!(disable(key, *token).await, DisabledToken::Already);
        assert_eq!(disable(other, *token).await, DisabledToken::Unknown);
    }
    // A key that took over nothing does not answer for what was before it.
    let (newest, _) = rotate(&it, key, None, NOW).await;
    assert_eq!(disable(newest, ended[0]).await, DisabledToken::Unknown);
}

#[tokio::test]
async fn a_retry_is_answered_after_a_rotation_whatever_became_of_its_token() {
    let it = Fixture::new();
    let (account, old) = it.account_and_key().await;
    let named = |key, name: &str| NewToken {
        once: Some(once(name, 1)),
        ..it.new_token(key)
    };
    let outdated = it.mint(named(old, "outdated"), NOW).await;
    it.store.regenerate_account(account, NOW).await.unwrap();
    let disabled = it.mint(named(old, "disabled"), NOW).await;
    it.store.disable_token(old, disabled, NOW).await.unwrap();
    // Without names, so that nobody retries them: one is not good, one is.
    let ended = it.token(old).await;
    it.store.disable_token(old, ended, NOW).await.unwrap();
    let good = it.token(old).await;
    let (new, carried) = rotate(&it, old, Some(carry(|_| true)), NOW).await;
    assert_eq!(carried, 1);
    for (name, minted) in [("outdated", outdated), ("disabled", disabled)] {
        let retried = it.store.mint(named(new, name), NOW).await.unwrap();
        let Minted::Before(row) = retried else {
            panic!("{retried:?}")
        };
        let answered = (row.digest, row.sealed.as_bytes());
        assert_eq!(answered, (minted, sealed(2).as_bytes()), "{name}");
    }
    assert_eq!(it.list(new, NOW).await, [good]);
    let sealed_anew = "SELECT count(*) FROM tokens WHERE sealed = ?1";
    let sealed_anew: i64 = it
        .file()
        .query_row(sealed_anew, [sealed(2).as_bytes()], |row| row.get(0))
        .unwrap();
    assert_eq!(sealed_anew, 3);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn all_of_many_retries_go_over_to_the_new_key() {
    let it = Fixture::new();
    let (_, old) = it.account_and_key().await;
    let named = |key, number: usize| NewToken {
        once: Some(once(&number.to_string(), 1)),
        ..it.new_token(key)
    };
    let mints = (0..100).map(|number| it.store.mint(named(old, number), NOW));
    futures_util::future::join_all(mints).await;
    let (new, carried) = rotate(&it, old, Some(carry(|_| true)), NOW).await;
    assert_eq!(carried, 100);
    let retries = (0..100).map(|number| it.store.mint(named(new, number), NOW));
    for retried in futures_util::future::join_all(retries).await {
        assert!(matches!(retried, Ok(Minted::Before(_))), "{retried:?}");
    }
}

#[tokio::test]
async fn an_expired_token_is_carried_for_its_retry_and_still_leaves_the_index() {
    let it = Fixture::new();
    let (_, old) = it.account_and_key().await;
    let named = |key| NewToken {
        once: Some(once("a", 1)),
        expires_at: Some(later(60)),
        ..it.new_token(key)
    };
    let expired = it.mint(named(old), NOW).await;
    let unnamed = it.token_until(old, later(60)).await;
    let good = it.token(old).await;
    it.index_live();
    assert_eq!(it.store.expire(later(60), 10).await.unwrap(), 2);
    let seal = carry(move |digest| *digest != unnamed);
    let (new, carried) = rotate(&it, old, Some(seal), later(60)).await;
    assert_eq!(carried, 1);
    let Minted::Before(row) = it.store.mint(named(new), later(60)).await.unwrap() else {
        panic!("a retry after a rotation minted")
    };
    assert_eq!(row.digest, expired);
    assert!(it.is_sound().await);
    let entries = it.store.expired_entries(None, 10).await.unwrap();
    assert_eq!(entries.len(), 2);
    it.store.take_out_expired(entries.clone()).await.unwrap();
    it.store.forget_expired(entries).await.unwrap();
    assert_eq!(it.count("live_index"), 1);
    assert_eq!(it.list(new, later(60)).await, [good]);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn an_expired_token_that_is_not_marked_yet_stays_and_is_ended_for_the_new_key() {
    let it = Fixture::new();
    let (_, old) = it.account_and_key().await;
    let expired = it.token_until(old, later(1)).await;
    it.index_live();
    let (new, carried) = rotate(&it, old, Some(carry(|_| false)), later(1)).await;
    assert_eq!(carried, 0);
    let ended = it
        .store
        .disable_token(new, expired, later(1))
        .await
        .unwrap();
    assert_eq!(ended, DisabledToken::Already);
    assert_eq!(it.store.expire(later(1), 10).await.unwrap(), 1);
    assert!(it.is_sound().await);
}
