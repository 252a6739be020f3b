//! Reclaiming what has ended.

use moneyer::{
    domain::{Timestamp, Usage},
    store::{DisabledToken, Minted, NewToken, Swept},
};

use crate::support::{Fixture, NOW, later, once};

const NEVER: Timestamp = Timestamp::from_seconds(0);

#[tokio::test]
async fn expired_tokens_are_put_away_and_good_ones_are_not_touched() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let (forever, brief) = (it.token(key).await, it.token_until(key, later(60)).await);
    assert_eq!(
        it.sweep(later(59), NEVER, NEVER, 10).await,
        Swept::default()
    );
    let swept = it.sweep(later(60), NEVER, NEVER, 10).await;
    assert_eq!(
        swept,
        Swept {
            expired: 1,
            purged: 0,
            forgotten: 0
        }
    );
    assert_eq!(it.list(key, NOW).await, [forever]);
    // Kept for a while, so that a retry is answered as it should be.
    assert_eq!(
        it.store.disable_token(key, brief, later(61)).await.unwrap(),
        DisabledToken::Already
    );
}

#[tokio::test]
async fn tokens_that_ended_long_ago_are_deleted_at_last() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let (disabled, expired, good) = (
        it.token(key).await,
        it.token_until(key, later(60)).await,
        it.token(key).await,
    );
    it.store
        .disable_token(key, disabled, later(10))
        .await
        .unwrap();
    it.sweep(later(60), NEVER, NEVER, 10).await;
    assert_eq!(it.sweep(later(99), later(9), NEVER, 10).await.purged, 0);
    assert_eq!(it.sweep(later(99), later(10), NEVER, 10).await.purged, 1);
    assert_eq!(
        it.store
            .disable_token(key, disabled, later(99))
            .await
            .unwrap(),
        DisabledToken::Unknown
    );
    assert_eq!(
        it.store
            .disable_token(key, expired, later(99))
            .await
            .unwrap(),
        DisabledToken::Already
    );
    assert_eq!(it.sweep(later(99), later(60), NEVER, 10).await.purged, 1);
    assert_eq!(it.list(key, later(99)).await, [good]);
}

#[tokio::test]
async fn retries_are_forgotten_by_their_age_and_tokens_take_theirs_with_them() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let named = |name: &str| NewToken {
        once: Some(once(name, 1)),
        ..it.new_token(key)
    };
    it.mint(named("old"), NOW).await;
    let young = it.mint(named("young"), later(10)).await;
    assert_eq!(it.sweep(later(20), NEVER, later(9), 10).await.forgotten, 1);
    assert!(matches!(
        it.store.mint(named("young"), later(20)).await.unwrap(),
        Minted::Before(_)
    ));
    it.store.disable_token(key, young, later(20)).await.unwrap();
    // The last token of all is not purged.
    it.token(key).await;
    assert_eq!(it.sweep(later(30), later(30), NEVER, 10).await.purged, 1);
    assert_eq!(it.count("idempotency"), 0);
}

#[tokio::test]
async fn a_tokens_uses_are_deleted_with_it_and_later_ones_are_not_kept() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let (ended, kept) = (it.token(key).await, it.token(key).await);
    let used = Usage {
        verifications: 1,
        last_used_at: Some(NOW),
    };
    let written = vec![
        (it.number(ended).await, used),
        (it.number(kept).await, used),
    ];
    it.store.record_token_uses(written.clone()).await.unwrap();
    assert_eq!(it.count("uses"), 2);
    it.store.disable_token(key, ended, NOW).await.unwrap();
    let swept = it.sweep(later(9), later(9), NEVER, 10).await;
    assert_eq!((swept.purged, it.count("uses")), (1, 1));
    it.store.record_token_uses(written).await.unwrap();
    assert_eq!(it.count("uses"), 1);
}

#[tokio::test]
async fn a_sweep_takes_no_more_than_it_is_told_and_the_oldest_first() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    for seconds in [30, 10, 20] {
        it.token_until(key, later(seconds)).await;
    }
    let sweep = || it.sweep(later(60), NEVER, NEVER, 2);
    assert_eq!(sweep().await.expired, 2);
    let left: i64 = it
        .file()
        .query_row(
            "SELECT expires_at FROM tokens WHERE ended_at IS NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, later(30).seconds());
    assert_eq!(sweep().await.expired, 1);
    assert!(sweep().await.is_nothing());
}

#[test]
fn a_sweep_finds_what_it_wants_by_an_index() {
    let it = Fixture::new();
    let file = it.file();
    for (query, index) in [
        (
            "SELECT id FROM tokens WHERE ended_at IS NULL AND expires_at <= 1 ORDER BY expires_at LIMIT 1",
            "tokens_expiring",
        ),
        (
            "SELECT id FROM tokens WHERE ended_at <= 1 ORDER BY ended_at LIMIT 1",
            "tokens_ended",
        ),
        (
            "SELECT id FROM tokens WHERE ended_at <= 1 AND ended_at = 1 AND id > 1 ORDER BY ended_at, id LIMIT 1",
            "tokens_ended (ended_at=? AND rowid>?)",
        ),
        (
            "SELECT key_id FROM idempotency WHERE created_at <= 1 ORDER BY created_at LIMIT 1",
            "idempotency_age",
        ),
        (
            "SELECT id FROM live_indexed WHERE key_id = 1 AND generation = 1 ORDER BY id DESC LIMIT 100",
            "SEARCH i USING PRIMARY KEY (key_id=? AND generation=?)",
        ),
        (
            "SELECT id FROM live_indexed WHERE key_id = 1 AND generation < 1 LIMIT 100",
            "SEARCH i USING PRIMARY KEY (key_id=? AND generation<?)",
        ),
    ] {
        let plan: String = file
            .query_row(&format!("EXPLAIN QUERY PLAN {query}"), [], |row| row.get(3))
            .unwrap();
        assert!(
            plan.contains("SEARCH") && plan.contains(index),
            "{query}: {plan}"
        );
    }
}

#[tokio::test]
async fn tokens_of_earlier_generations_are_marked_in_batches() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let empty = it.account("empty").await;
    for _ in 0..5 {
        it.token(key).await;
    }
    it.store.regenerate_account(empty, NOW).await.unwrap();
    assert_eq!(
        it.store.regenerate_account(account, NOW).await.unwrap(),
        Some(1)
    );
    let kept = it.token(key).await;
    let sweep = async || it.sweep(later(1), NOW, NOW, 2).await.expired;
    assert_eq!([sweep().await, sweep().await, sweep().await], [2, 2, 1]);
    assert_eq!(sweep().await, 0);
    assert_eq!(it.list(key, later(1)).await, [kept]);
    let marked = "SELECT count(*) FROM tokens WHERE ended_at IS NOT NULL";
    let marked: i64 = it.file().query_row(marked, [], |row| row.get(0)).unwrap();
    assert_eq!(marked, 5);
    let pending = "SELECT count(*) FROM accounts WHERE swept < generation";
    let pending: i64 = it.file().query_row(pending, [], |row| row.get(0)).unwrap();
    assert_eq!(pending, 0);
}
