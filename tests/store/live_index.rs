//! The index of live tokens is filled once many wait, and right whatever comes in between.

use moneyer::{
    domain::{AccountId, KeyId, Policy, Timestamp, TokenId},
    store::{Carry, DisabledToken, Imported, ImportedToken, Minted, NewKey, RotatedKey},
};

use crate::support::{Fixture, NOW, elsewhere, later, mint, untold};

/// What the index has, and how far it is for each part of the keys.
fn index(it: &Fixture) -> (Vec<(i64, i64)>, Vec<i64>) {
    let file = it.file();
    let mut entries = file
        .prepare("SELECT key_id, token_id FROM live_index")
        .unwrap();
    let entries = entries.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let mut reach = file
        .prepare("SELECT indexed FROM live_index_reach ORDER BY part")
        .unwrap();
    let reach = reach.query_map([], |row| row.get(0));
    (
        entries.unwrap().collect::<Result<_, _>>().unwrap(),
        reach.unwrap().collect::<Result<_, _>>().unwrap(),
    )
}

/// A key of `account` with this id.
async fn key(it: &Fixture, account: AccountId, id: i64) -> KeyId {
    let id = KeyId::from_i64(id);
    let key = NewKey { id, ..it.new_key() };
    it.store.add_keys(account, vec![key], NOW).await.unwrap();
    id
}

#[tokio::test]
async fn one_part_of_the_keys_after_the_other_is_put_in_once_many_tokens_wait() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let keys = [
        key(&it, account, 4).await,
        key(&it, account, 9).await,
        key(&it, account, -2).await,
    ];
    let server = it.indexing_by(4);
    for (of, entries, reach) in [
        (0, vec![], [0, 0, 0, 0]),
        (1, vec![], [0, 0, 0, 0]),
        (0, vec![], [0, 0, 0, 0]),
        (2, vec![(4, 1), (4, 3)], [4, 0, 0, 0]),
        (0, vec![(4, 1), (4, 3), (9, 2)], [4, 5, 0, 0]),
        (1, vec![(-2, 4), (4, 1), (4, 3), (9, 2)], [4, 5, 6, 0]),
        (1, vec![(-2, 4), (4, 1), (4, 3), (9, 2)], [4, 5, 6, 7]),
        (
            1,
            vec![(-2, 4), (4, 1), (4, 3), (4, 5), (9, 2)],
            [8, 5, 6, 7],
        ),
    ] {
        mint(&server, it.new_token(keys[of]), NOW).await;
        assert_eq!(index(&it), (entries, reach.to_vec()));
        assert!(it.is_sound().await);
    }
    let listed = it.list(keys[1], NOW).await.len();
    assert_eq!(listed, 4);
}

#[tokio::test]
async fn after_an_import_of_many_few_are_left_out_of_the_index() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let many = (0..50_u8).map(|number| elsewhere(100 + number));
    let server = it.indexing_by(4);
    let imported = server.import_tokens(key, Policy::default(), many.collect(), untold(), NOW);
    assert_eq!(imported.await.unwrap(), Imported::Done);
    let (entries, reach) = index(&it);
    assert_eq!((entries.len(), reach), (50, vec![50; 4]));
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn an_index_of_live_tokens_that_lacks_one_or_leads_astray_is_a_fault() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(1);
    for _ in 0..4 {
        mint(&server, it.new_token(key), NOW).await;
    }
    it.index_live();
    assert!(it.is_sound().await);
    let file = it.file();
    file.execute(
        "UPDATE live_index SET generation = 7 WHERE token_id = 1",
        [],
    )
    .unwrap();
    let expected = |lacks: u8, astray: u8| {
        [
            format!("tokens that the index of live tokens lacks: {lacks}"),
            format!("entries of the index of live tokens that lead astray: {astray}"),
        ]
    };
    let faults = async || it.store.examine().await.unwrap().faults;
    assert_eq!(faults().await, expected(1, 1));
    // What it does not reach, it must not have.
    file.execute("UPDATE live_index_reach SET indexed = 3", [])
        .unwrap();
    assert_eq!(faults().await, expected(1, 2));
    file.execute_batch(
        "DELETE FROM live_index;
         UPDATE live_index_reach SET indexed = 0;
         UPDATE live_index_reach SET indexed = 5 WHERE part = 0;
         DELETE FROM live_index_reach WHERE part = 1",
    )
    .unwrap();
    file.execute("INSERT INTO live_index_expired VALUES (1, 1, 0)", [])
        .unwrap();
    let leaving = "live tokens that are to be taken out of the index of live tokens: 1";
    assert!(faults().await.iter().any(|fault| fault == leaving));
    let unreached = "parts of the index of live tokens whose reach is missing or too far: 2";
    assert!(faults().await.iter().any(|fault| fault == unreached));
}

#[tokio::test]
async fn an_account_has_as_many_tokens_as_it_may_wherever_they_are() {
    let it = Fixture::new();
    let account = it.account("acme").await;
    let most = [("max_active_tokens".to_owned(), 6.into())];
    it.store
        .edit_policy(account, None, most.into(), NOW)
        .await
        .unwrap();
    let keys = [key(&it, account, 1).await, key(&it, account, 2).await];
    for server in [it.indexing_by(1), it.indexing_by(4), it.indexing_by(1000)] {
        let mut tokens = Vec::new();
        for number in 0..6 {
            let of = keys[number % 2];
            tokens.push((of, mint(&server, it.new_token(of), NOW).await));
        }
        let one_more = server.mint(it.new_token(keys[0]), NOW).await.unwrap();
        assert!(matches!(one_more, Minted::OutsidePolicy(_)), "{one_more:?}");
        for (of, token) in tokens {
            let ended = server.disable_token(of, token, NOW).await.unwrap();
            assert_eq!(ended, DisabledToken::Done);
        }
    }
}

#[tokio::test]
async fn tokens_that_each_mint_counts_are_put_in_sooner() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let most = [("max_active_tokens".to_owned(), 1000.into())];
    for _ in 0..260 {
        it.token(key).await;
    }
    assert_eq!(
        (it.count("live_indexed"), it.count("live_newest")),
        (0, 260)
    );
    it.store
        .edit_policy(account, None, most.into(), NOW)
        .await
        .unwrap();
    for _ in 0..4 {
        it.token(key).await;
    }
    assert!(it.count("live_newest") < 4);
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn an_import_that_is_refused_beside_mints_leaves_the_index_right() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(2);
    let known = mint(&server, it.new_token(key), NOW).await;
    let given = |bytes: [u8; 2]| {
        bytes.map(elsewhere).into_iter().chain([ImportedToken {
            digest: known,
            ..elsewhere(0)
        }])
    };
    let import = |bytes| {
        let given = given(bytes).collect();
        server.import_tokens(key, Policy::default(), given, untold(), NOW)
    };
    // The writer takes what waits into one transaction.
    let mints = (0..20).map(|_| server.mint(it.new_token(key), NOW));
    let mints = futures_util::future::join_all(mints);
    let (refused, minted, also) = tokio::join!(import([1, 2]), mints, import([3, 4]));
    for refused in [refused, also] {
        assert_eq!(refused.unwrap(), Imported::Known(TokenId::of(&known)));
    }
    assert!(minted.iter().all(|it| matches!(it, Ok(Minted::Done))));
    assert_eq!((it.count("live_tokens"), it.count("tokens")), (21, 21));
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn tokens_of_earlier_generations_are_found_in_the_index_and_out_of_it() {
    let it = Fixture::new();
    let (account, key) = it.account_and_key().await;
    let server = it.indexing_by(3);
    let mut tokens = Vec::new();
    for _ in 0..8 {
        tokens.push(mint(&server, it.new_token(key), NOW).await);
    }
    assert!(it.count("live_indexed") > 0 && it.count("live_newest") > 0);
    server.regenerate_account(account, NOW).await.unwrap();
    let new = it.new_key();
    let new_id = new.id;
    let carry = Carry(Box::new(|_, seal| Some(seal.clone())));
    // Those that ended so stay where they are, and the new key answers for them.
    let rotated = server.rotate_key(key, new, Some(carry), NOW).await.unwrap();
    let expected = RotatedKey::Done {
        carried: 0,
        ended: 0,
    };
    assert_eq!(rotated, expected);
    for token in &tokens {
        let ended = server.disable_token(new_id, *token, NOW).await.unwrap();
        assert_eq!(ended, DisabledToken::Already);
    }
    for _ in 0..8 {
        mint(&server, it.new_token(new_id), NOW).await;
    }
    assert!(it.count("live_indexed") > 0 && it.count("live_newest") > 0);
    server.regenerate_account(account, NOW).await.unwrap();
    let mut marked = 0;
    while it.count("live_tokens") > 0 {
        let some = server.end_outdated(NOW, 4).await.unwrap();
        assert!(some > 0, "nothing more is marked");
        marked += some;
    }
    assert_eq!((marked, it.count("live_index")), (16, 0));
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn tokens_that_expire_are_passed_over_in_the_index_until_they_are_taken_out() {
    let it = Fixture::new();
    let (account, first) = it.account_and_key().await;
    let second = it.key(account).await;
    let mut tokens = Vec::new();
    for (of, seconds) in [(first, 20), (second, 10), (first, 30), (second, 30)] {
        tokens.push(it.token_until(of, later(seconds)).await);
    }
    it.index_live();
    let listed = async |of, now: Timestamp| it.list(of, now).await;
    let store = &it.store;
    assert_eq!(store.expire(later(20), 10).await.unwrap(), 2);
    for (of, left) in [(first, tokens[2]), (second, tokens[3])] {
        assert_eq!(listed(of, later(20)).await, [left]);
        // Not even were it earlier again.
        assert_eq!(listed(of, NOW).await, [left]);
    }
    assert_eq!(it.count("live_index"), 4);
    assert!(it.is_sound().await);

    let oldest_first = store.expired_entries(None, 1).await.unwrap();
    let rest = store
        .expired_entries(oldest_first.last().copied(), 10)
        .await
        .unwrap();
    assert_eq!((oldest_first.len(), rest.len()), (1, 1));
    let all = [oldest_first, rest].concat();
    store.take_out_expired(all.clone()).await.unwrap();
    assert_eq!(it.count("live_index"), 2);
    assert!(it.is_sound().await);
    // As it is after a crash in between.
    assert_eq!(store.expired_entries(None, 10).await.unwrap(), all);
    store.take_out_expired(all.clone()).await.unwrap();
    store.forget_expired(all).await.unwrap();
    assert_eq!(store.expired_entries(None, 10).await.unwrap(), []);
    assert!(it.is_sound().await);
}
