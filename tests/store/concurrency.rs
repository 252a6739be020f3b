//! Many at once: group commit, overload, and other processes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use moneyer::{
    domain::TokenDigest,
    store::{DisabledToken, KeyTokens, Minted, NewToken},
};
use tokio::task::JoinSet;

use crate::support::{Fixture, NOW, once, sealed};

#[tokio::test]
async fn of_many_mints_at_once_none_is_lost_and_none_doubled() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let tokens: Vec<_> = (0..500).map(|_| it.new_token(key)).collect();
    let minted =
        futures_util::future::join_all(tokens.into_iter().map(|token| it.store.mint(token, NOW)))
            .await;
    assert!(
        minted
            .iter()
            .all(|minted| matches!(minted, Ok(Minted::Done)))
    );
    assert_eq!(it.count("tokens"), 500);
}

#[tokio::test]
async fn a_job_that_fails_takes_none_of_its_batch_with_it() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    it.break_on("defect");
    let jobs = (0..40).map(|place| {
        let name = (place % 4 == 0).then(|| "defect".to_owned());
        NewToken {
            name,
            ..it.new_token(key)
        }
    });
    let minted = futures_util::future::join_all(jobs.map(|token| it.store.mint(token, NOW))).await;
    for (place, minted) in minted.iter().enumerate() {
        match minted {
            Ok(Minted::Done) => assert_ne!(place % 4, 0),
            Err(error) => assert_eq!((place % 4, error.code()), (0, "internal")),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(it.count("tokens"), 30);
}

#[tokio::test]
async fn a_named_request_that_arrives_many_times_at_once_mints_once() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let tokens: Vec<_> = (0..50)
        .map(|_| NewToken {
            once: Some(once("a", 1)),
            ..it.new_token(key)
        })
        .collect();
    let minted =
        futures_util::future::join_all(tokens.into_iter().map(|token| it.store.mint(token, NOW)))
            .await;
    let new = minted
        .iter()
        .filter(|minted| matches!(minted, Ok(Minted::Done)))
        .count();
    let before = minted
        .iter()
        .filter(|minted| matches!(minted, Ok(Minted::Before(_))))
        .count();
    assert_eq!((new, before, it.count("tokens")), (1, 49, 1));
}

#[tokio::test]
async fn what_is_acknowledged_is_seen_by_every_other_reader() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let other = it.again();
    for _ in 0..20 {
        let digest = it.token(key).await;
        assert_eq!(
            other.disable_token(key, digest, NOW).await.unwrap(),
            DisabledToken::Done
        );
        assert!(it.list(key, NOW).await.is_empty());
    }
}

#[tokio::test]
async fn a_store_that_another_process_holds_is_unavailable_and_then_well_again() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let holder = it.file();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = it.store.mint(it.new_token(key), NOW).await.unwrap_err();
    assert_eq!(refused.code(), "unavailable");
    holder.execute_batch("ROLLBACK").unwrap();
    it.token(key).await;
    assert_eq!(it.count("tokens"), 1);
}

#[tokio::test]
async fn past_a_full_queue_callers_are_refused_at_once() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let store = Arc::new(it.again_with_queue(4));
    let holder = it.file();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut mints = JoinSet::new();
    for place in 0..20_u8 {
        let store = Arc::clone(&store);
        let token = NewToken {
            digest: TokenDigest::from_bytes([place; 32]),
            sealed: Some(sealed(place)),
            ..it.new_token(key)
        };
        mints.spawn(async move { store.mint(token, NOW).await });
    }
    let first = mints.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!(
        first.to_string(),
        moneyer::error::Error::Overloaded.to_string()
    );
    holder.execute_batch("ROLLBACK").unwrap();
    let done = mints.join_all().await.into_iter().flatten().count();
    assert!((1..20).contains(&done), "{done}");
    assert_eq!(it.count("tokens"), i64::try_from(done).unwrap());
}

#[tokio::test]
async fn changes_of_others_are_noticed_and_own_ones_are_not() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let before = it.store.foreign_changes();
    it.token(key).await;
    it.token(key).await;
    assert_eq!(it.store.foreign_changes(), before);
    it.again()
        .disable_key(key, KeyTokens::Keep, NOW)
        .await
        .unwrap();
    let noticed = async {
        while it.store.foreign_changes() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), noticed)
        .await
        .expect("noticed within a second or so");
}

#[tokio::test]
async fn a_copy_is_of_one_moment_while_others_write() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    for _ in 0..50 {
        it.token(key).await;
    }
    let to: PathBuf = it.folder.path().join("copy.db");
    let mut steps = 0;
    it.store.backup(&to, &mut |_, _| steps += 1).unwrap();
    assert!(steps > 0);
    let again = it.store.backup(&to, &mut |_, _| {}).unwrap_err();
    assert_eq!(again.code(), "invalid_parameter", "{again}");
    it.token(key).await;
    let copy = moneyer::store::Store::open(&moneyer::store::Options {
        url: format!("sqlite:{}", to.display()),
        ..crate::support::options(it.folder.path())
    });
    let health = copy.unwrap().examine().await.unwrap();
    assert_eq!((health.tokens, health.faults.len()), (50, 0));
}
