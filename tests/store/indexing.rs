//! Tokens are found by their digests whether these are in the index or not, and while they are put
//! into it.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use moneyer::{
    domain::{Policy, TokenDigest, TokenId, TokenState},
    store::{DisabledToken, Imported, ImportedToken, Options, Store},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::support::{Fixture, NOW, elsewhere, later, options, state, sweep, untold};

fn reach(it: &Fixture) -> (i64, i64) {
    let query = "SELECT indexed, indexing FROM digest_index_reach";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    it.file().query_row(query, [], row).unwrap()
}

#[tokio::test]
async fn few_tokens_are_left_out_of_the_index_and_many_put_in() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(3);
    let mut digests = vec![it.token(key).await, it.token(key).await];
    server.index_newest().await.unwrap();
    assert_eq!((it.count("digest_index"), reach(&it)), (0, (0, 0)));
    digests.push(it.token(key).await);
    server.index_newest().await.unwrap();
    assert_eq!((it.count("digest_index"), reach(&it)), (3, (3, 3)));
    digests.push(it.token(key).await);
    server.index_newest().await.unwrap();
    assert_eq!(it.count("digest_index"), 3);
    for store in [&it.store, &server, &it.again()] {
        for digest in &digests {
            assert_eq!(state(store, *digest).await, Some(TokenState::Live));
        }
        let unknown = TokenDigest::from_bytes([7; 32]);
        assert_eq!(state(store, unknown).await, None);
    }
    for digest in [digests[0], digests[3]] {
        let id = TokenId::of(&digest);
        let ended = it.again().disable_token_by_id(id, NOW).await.unwrap();
        assert_eq!(ended, DisabledToken::Done);
        assert_eq!(state(&server, digest).await, Some(TokenState::Ended));
    }
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn tokens_that_begin_alike_are_told_apart_in_the_index_and_out_of_it() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(1);
    let mut bytes = [5; 32];
    for last in 0..4 {
        bytes[31] = last;
        let digest = TokenDigest::from_bytes(bytes);
        let new = it.new_token(key);
        it.mint(moneyer::store::NewToken { digest, ..new }, NOW)
            .await;
        if last == 1 {
            server.index_newest().await.unwrap();
        }
    }
    for last in 0..4 {
        bytes[31] = last;
        let digest = TokenDigest::from_bytes(bytes);
        assert_eq!(it.number(digest).await.to_i64(), i64::from(last) + 1);
        let ended = it.store.disable_token(key, digest, NOW).await.unwrap();
        assert_eq!(ended, DisabledToken::Done);
    }
    bytes[31] = 9;
    assert_eq!(state(&it.store, TokenDigest::from_bytes(bytes)).await, None);
}

#[tokio::test]
async fn an_indexing_that_was_cut_short_is_taken_up_again() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digests = [
        it.token(key).await,
        it.token(key).await,
        it.token(key).await,
    ];
    // As a server leaves it that is killed half-way.
    it.file()
        .execute_batch(
            "UPDATE digest_index_reach SET indexing = 2;
             INSERT INTO digest_index SELECT substr(digest, 1, 8), id FROM tokens WHERE id = 2",
        )
        .unwrap();
    for digest in digests {
        assert_eq!(state(&it.store, digest).await, Some(TokenState::Live));
        it.store.disable_token(key, digest, NOW).await.unwrap();
    }
    it.token(key).await;
    // What is being put in stays; the third is neither that nor the last of all.
    let sweep = || it.sweep(later(9), later(9), NOW, 10);
    assert_eq!(sweep().await.purged, 1);
    let server = it.indexing_by(1000);
    server.index_newest().await.unwrap();
    assert_eq!(reach(&it), (4, 4));
    assert!(it.is_sound().await);
    assert_eq!(sweep().await.purged, 2);
    assert_eq!(it.count("digest_index"), 1);
    assert!(it.is_sound().await);
    assert_eq!(state(&server, digests[0]).await, None);
}

#[tokio::test]
async fn the_number_of_the_last_token_is_not_given_to_another() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let last = it.token(key).await;
    it.store.disable_token(key, last, NOW).await.unwrap();
    let swept = it.sweep(later(9), later(9), NOW, 10).await;
    assert_eq!(swept.purged, 0);
    let next = it.token(key).await;
    assert_ne!(it.number(next).await, it.number(last).await);
    let swept = it.sweep(later(9), later(9), NOW, 10).await;
    assert_eq!(swept.purged, 1);
}

#[tokio::test]
async fn tokens_that_expire_and_are_purged_in_one_sweep_leave_nothing_in_the_index() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    for seconds in [60, 50, 70] {
        it.token_until(key, later(seconds)).await;
    }
    it.indexing_by(1).index_newest().await.unwrap();
    let ended = it.token(key).await;
    it.store.disable_token(key, ended, later(55)).await.unwrap();
    it.token(key).await;
    for left in [2, 1, 0] {
        it.sweep(later(99), later(99), NOW, 1).await;
        assert!(it.is_sound().await, "{left}");
    }
    while it.sweep(later(99), later(99), NOW, 2).await.purged > 0 {}
    assert_eq!((it.count("tokens"), it.count("digest_index")), (1, 0));
}

#[tokio::test]
async fn after_an_import_of_many_none_is_left_out_of_the_index() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(1000);
    let before = it.token(key).await;
    assert_eq!(state(&server, before).await, Some(TokenState::Live));
    let many = (0..10_001_u32).map(|number| {
        let mut bytes = [0; 32];
        bytes[4..8].copy_from_slice(&number.to_be_bytes());
        ImportedToken {
            digest: TokenDigest::from_bytes(bytes),
            ..elsewhere(0)
        }
    });
    let many: Vec<_> = many.collect();
    let digests = [&many[0], &many[10_000]].map(|token| token.digest);
    let imported = it
        .store
        .import_tokens(key, Policy::default(), many, untold(), NOW);
    assert_eq!(imported.await.unwrap(), Imported::Done);
    assert_eq!(reach(&it), (10_002, 10_002));
    let after = it.token(key).await;
    for digest in [before, digests[0], digests[1], after] {
        for store in [&it.store, &server, &it.again()] {
            assert_eq!(state(store, digest).await, Some(TokenState::Live));
        }
    }
    server.index_newest().await.unwrap();
    assert_eq!(it.count("digest_index"), 10_002);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn indexing_waits_where_the_writer_has_no_room() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    for _ in 0..600 {
        it.token(key).await;
    }
    let options = Options {
        unindexed_tokens: 1,
        queue: 1,
        busy_timeout: Duration::from_secs(5),
        ..options(it.folder.path())
    };
    let server = Store::open(&options).unwrap();
    let is_over = AtomicBool::new(false);
    let index = async {
        while server.index_newest().await.is_err() {
            // It had no room to find out what there is to do.
            tokio::task::yield_now().await;
            assert_eq!(reach(&it), (0, 0));
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let mint = async || {
        while !is_over.load(Ordering::Relaxed) {
            let _ = server.mint(it.new_token(key), NOW).await;
            tokio::task::yield_now().await;
        }
    };
    let crowd = futures_util::future::join_all((0..8).map(|_| mint()));
    tokio::join!(index, crowd);
    assert!(reach(&it).0 >= 600);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn what_is_imported_is_in_the_index_and_known_whether_the_others_are_or_not() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(1);
    let minted = |byte: u8| moneyer::store::NewToken {
        digest: TokenDigest::from_bytes([byte; 32]),
        ..it.new_token(key)
    };
    it.mint(minted(1), NOW).await;
    server.index_newest().await.unwrap();
    it.mint(minted(2), NOW).await;
    assert_eq!(it.import(key, elsewhere(3)).await, Imported::Done);
    assert_eq!(it.count("digest_index"), 2);
    let digests = [4, 3, 2, 1].map(|byte| TokenDigest::from_bytes([byte; 32]));
    let known = server.known_tokens(digests.to_vec()).await.unwrap();
    assert_eq!(known, [1, 2, 3]);
    for byte in [1, 2, 3] {
        let again = elsewhere(byte);
        let id = TokenId::of(&again.digest);
        assert_eq!(it.import(key, again).await, Imported::Known(id));
    }
    server.index_newest().await.unwrap();
    assert_eq!(it.count("digest_index"), 3);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn an_index_that_lacks_a_token_or_leads_astray_is_a_fault() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    it.token(key).await;
    it.token(key).await;
    it.indexing_by(1).index_newest().await.unwrap();
    assert!(it.is_sound().await);
    let file = it.file();
    file.execute(
        "UPDATE digest_index SET token_id = 7 WHERE token_id = 1",
        [],
    )
    .unwrap();
    let faults = it.store.examine().await.unwrap().faults;
    let expected = [
        "tokens that the index of digests lacks: 1",
        "entries of the index of digests that lead astray: 1",
    ];
    assert_eq!(faults, expected);
}

#[tokio::test]
async fn whatever_is_done_in_whatever_order_every_store_finds_what_is_kept() {
    for seed in 0..5 {
        let it = Fixture::new();
        let (_, key) = it.account_and_key().await;
        let stores = [it.again(), it.indexing_by(5), it.indexing_by(1)];
        let mut kept: HashMap<TokenDigest, TokenState> = HashMap::new();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut long_ended = Vec::new();
        for byte in 0..120 {
            let store = &stores[rng.random_range(0..3)];
            let some = kept.keys().nth(rng.random_range(0..=kept.len())).copied();
            match rng.random_range(0..9) {
                0..=2 => {
                    kept.insert(it.token(key).await, TokenState::Live);
                }
                3 => store.index_newest().await.unwrap(),
                4 => {
                    it.import(key, elsewhere(byte)).await;
                    kept.insert(TokenDigest::from_bytes([byte; 32]), TokenState::Live);
                }
                5 => long_ended = store.long_ended(later(9), None, 3).await.unwrap(),
                6 => store.unindex(long_ended.clone()).await.unwrap(),
                7 if byte > 0 => {
                    let again = elsewhere(rng.random_range(0..byte));
                    let digest = again.digest;
                    if it.import(key, again).await == Imported::Done {
                        let before = kept.insert(digest, TokenState::Live);
                        assert_ne!(before, Some(TokenState::Live), "seed {seed}, step {byte}");
                    }
                }
                _ => {
                    if let Some(some) = some {
                        store.disable_token(key, some, NOW).await.unwrap();
                        kept.insert(some, TokenState::Ended);
                    }
                    let limit = rng.random_range(1..4);
                    sweep(store, later(9), later(9), NOW, limit).await;
                }
            }
            let store = &stores[rng.random_range(0..3)];
            for (digest, was) in &kept {
                let is = state(store, *digest).await;
                // One that has ended may have been purged.
                let may_be_gone = *was == TokenState::Ended && is.is_none();
                assert!(is == Some(*was) || may_be_gone, "seed {seed}, step {byte}");
            }
        }
        assert!(it.is_sound().await, "seed {seed}");
    }
}

#[tokio::test]
async fn a_token_is_found_at_every_moment_while_others_are_minted_and_indexed() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(40);
    let reader = it.again();
    let first = it.token(key).await;
    let tokens: Vec<_> = (0..800).map(|_| it.new_token(key)).collect();
    let is_over = AtomicBool::new(false);
    let index = async {
        while !is_over.load(Ordering::Relaxed) {
            server.index_newest().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let mint = async {
        for token in tokens {
            let digest = token.digest;
            server.mint(token, NOW).await.unwrap();
            for (store, digest) in [(&server, digest), (&reader, digest), (&reader, first)] {
                assert_eq!(state(store, digest).await, Some(TokenState::Live));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(index, mint);
    assert!(it.count("digest_index") > 400);
    assert!(it.is_sound().await);
}
