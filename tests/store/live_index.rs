//! The tokens of a key are gone through alike whether they are in the index of live ones or not,
//! and while it is filled.

use std::collections::BTreeMap;

use moneyer::{
    domain::{AccountId, KeyId, Policy, Timestamp, TokenDigest, TokenId},
    store::{
        Carry, Direction, DisabledKey, DisabledToken, EditedPolicy, EndedTokens, Imported,
        ImportedToken, KeyTokens, Listed, Listing, Minted, NewKey, NewToken, Page, Principal,
        RotatedKey, Selection, Start, Store, TokenOrder, TokenPage,
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use crate::support::{Fixture, NOW, elsewhere, later, sealed, untold};

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

async fn mint(store: &Store, token: NewToken) -> TokenDigest {
    let digest = token.digest;
    let minted = store.mint(token, NOW).await.unwrap();
    assert!(matches!(minted, Minted::Done), "{minted:?}");
    digest
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
        mint(&server, it.new_token(keys[of])).await;
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
        mint(&server, it.new_token(key)).await;
    }
    let file = it.file();
    file.execute_batch(
        "INSERT OR IGNORE INTO live_index SELECT key_id, generation, id FROM tokens;
         UPDATE live_index_reach SET indexed = 4",
    )
    .unwrap();
    assert!(it.is_sound().await);
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
    let unreached = "parts of the index of live tokens without a reach that can be: 2";
    assert!(faults().await.iter().any(|fault| fault == unreached));
}

/// What is known of the tokens that a store should list.
struct Model {
    rng: StdRng,
    accounts: [AccountId; 2],
    /// Each key's account, and its good tokens, the oldest first.
    keys: BTreeMap<i64, (usize, Vec<TokenDigest>)>,
    /// All that there ever were, the oldest first.
    minted: Vec<TokenId>,
    next: u8,
}

impl Model {
    fn any_key(&mut self) -> KeyId {
        let at = self.rng.random_range(0..self.keys.len());
        KeyId::from_i64(*self.keys.keys().nth(at).unwrap())
    }

    fn tokens(&mut self, key: KeyId) -> &mut Vec<TokenDigest> {
        &mut self.keys.get_mut(&key.to_i64()).unwrap().1
    }

    /// A key that is not there yet.
    fn new_key(&mut self, it: &Fixture, account: usize) -> NewKey {
        let key = it.new_key();
        self.keys.insert(key.id.to_i64(), (account, Vec::new()));
        key
    }

    async fn step(&mut self, it: &Fixture, store: &Store) {
        let key = self.any_key();
        match self.rng.random_range(0..100) {
            0..62 => {
                let digest = mint(store, it.new_token(key)).await;
                self.minted.push(TokenId::of(&digest));
                self.tokens(key).push(digest);
            }
            62..82 if !self.tokens(key).is_empty() => {
                let among = self.tokens(key).len();
                let at = self.rng.random_range(0..among);
                let digest = self.tokens(key).remove(at);
                let ended = store.disable_token(key, digest, NOW).await.unwrap();
                assert_eq!(ended, DisabledToken::Done);
            }
            82..85 => {
                let tokens = self.next..self.next + 3;
                self.next += 3;
                let given = |byte| ImportedToken {
                    sealed: Some(sealed(1)),
                    ..elsewhere(byte)
                };
                let given: Vec<_> = tokens.map(given).collect();
                self.tokens(key).extend(given.iter().map(|it| it.digest));
                let ids = given.iter().map(|it| TokenId::of(&it.digest));
                self.minted.extend(ids);
                let account = self.accounts[self.keys[&key.to_i64()].0];
                let policy = store.read_policy(account).await.unwrap().unwrap();
                let imported = store.import_tokens(key, policy, given, untold(), NOW);
                assert_eq!(imported.await.unwrap(), Imported::Done);
            }
            85..89 => self.rotate(it, store, key).await,
            89..91 => {
                let ended = self.tokens(key).len() as u64;
                let account = self.keys.remove(&key.to_i64()).unwrap().0;
                let disabled = store.disable_key(key, KeyTokens::End, NOW).await.unwrap();
                assert_eq!(disabled, DisabledKey::Done(ended));
                let new = self.new_key(it, account);
                let account = self.accounts[account];
                store.add_keys(account, vec![new], NOW).await.unwrap();
            }
            91..93 => {
                let account = self.keys[&key.to_i64()].0;
                let id = self.accounts[account];
                store.regenerate_account(id, NOW).await.unwrap();
                let keys = self.keys.values_mut();
                keys.filter(|(of, _)| *of == account)
                    .for_each(|(_, tokens)| tokens.clear());
            }
            93..95 => {
                let of = Selection {
                    key: Some(key),
                    ..Selection::default()
                };
                let count = self.tokens(key).len() as u64;
                let ended = store.disable_selected(of, count, NOW).await.unwrap();
                assert!(matches!(ended, EndedTokens::Done(done) if done.endable == count));
                self.tokens(key).clear();
            }
            _ => {
                store.put_away(NOW, NOW, 3).await.unwrap();
                store.purge(later(1), 3).await.unwrap();
            }
        }
    }

    /// Puts another key in the place of `key`, to which its tokens are carried over or not.
    async fn rotate(&mut self, it: &Fixture, store: &Store, key: KeyId) {
        let (account, tokens) = self.keys.remove(&key.to_i64()).unwrap();
        let new = self.new_key(it, account);
        let id = new.id;
        let count = tokens.len() as u64;
        let (carry, expected) = if self.rng.random() {
            *self.tokens(id) = tokens;
            (
                Some(Carry(Box::new(|_, seal| Some(seal.clone())))),
                (count, 0),
            )
        } else {
            (None, (0, count))
        };
        let rotated = store.rotate_key(key, new, carry, NOW).await.unwrap();
        let (carried, ended) = expected;
        assert_eq!(rotated, RotatedKey::Done { carried, ended });
    }

    /// Holds everything that goes through tokens against what is known.
    async fn check(&mut self, store: &Store) {
        let mut of_accounts = [Vec::new(), Vec::new()];
        for (key, (account, tokens)) in &self.keys {
            let key = KeyId::from_i64(*key);
            for limit in [3, 1000] {
                let Listed::Tokens(rows) = store.list_tokens(key, limit, NOW).await.unwrap() else {
                    panic!("the key is dead");
                };
                let newest = tokens.iter().rev().take(limit as usize);
                assert!(rows.iter().map(|row| &row.digest).eq(newest));
            }
            of_accounts[*account].push((key, tokens));
        }
        for (account, keys) in self.accounts.iter().zip(&of_accounts) {
            let expected = keys
                .iter()
                .flat_map(|(_, tokens)| tokens.iter().rev().map(TokenId::of));
            let expected: Vec<_> = expected.collect();
            let of = Selection {
                account: Some(*account),
                ..Selection::default()
            };
            let count = store.count_selected(of.clone(), NOW).await.unwrap();
            assert_eq!(count.endable, expected.len() as u64);
            assert_eq!(pages(store, &of).await, expected);
            let Some((key, _)) = keys.first() else {
                continue;
            };
            let oldest_first = self.minted.iter().filter(|id| expected.contains(id));
            let oldest_first: Vec<_> = oldest_first.copied().collect();
            for order in [TokenOrder::Creation, TokenOrder::Name] {
                // Those without a name are in the order of minting among themselves.
                let listed = account_tokens(store, *key, order).await;
                assert_eq!(listed, oldest_first, "{order:?}");
            }
        }
        let all = Selection::default();
        let of_any = self.keys.values().flat_map(|(_, tokens)| {
            let newest_first = tokens.iter().rev();
            newest_first.map(TokenId::of)
        });
        assert!(pages(store, &all).await.into_iter().eq(of_any));
    }
}

/// What is selected, page by page.
async fn pages(store: &Store, of: &Selection) -> Vec<TokenId> {
    let mut found: Vec<TokenId> = Vec::new();
    loop {
        let after = found.last().copied();
        let page = store
            .list_selected(of.clone(), after, 4, NOW)
            .await
            .unwrap();
        let TokenPage::Tokens(rows) = page else {
            panic!("there is no token to go on after");
        };
        if rows.is_empty() {
            return found;
        }
        assert!(
            !found.contains(&rows[0].id),
            "what was shown is shown again"
        );
        found.extend(rows.iter().map(|row| row.id));
    }
}

/// The tokens of the account of `key`, page by page: in either direction the same.
async fn account_tokens(store: &Store, key: KeyId, order: TokenOrder) -> Vec<TokenId> {
    let part = async |start, direction| {
        let page = Page {
            start,
            limit: 4,
            direction,
        };
        let caller = Principal::Key(key);
        let listing = store.list_account_tokens(caller, order, page, NOW).await;
        match listing.unwrap().unwrap() {
            Listing::Rows(rows) => rows.iter().map(|row| row.id).collect::<Vec<_>>(),
            Listing::CursorUnknown(id) => panic!("{id} is unknown"),
        }
    };
    let mut both = [Direction::Ascending, Direction::Descending].map(|way| (way, Vec::new()));
    for (way, found) in &mut both {
        loop {
            let start = found
                .last()
                .map_or(Start::Skip(0), |last| Start::After(*last));
            let rows = part(start, *way).await;
            if rows.is_empty() {
                break;
            }
            assert!(!found.contains(&rows[0]), "what was shown is shown again");
            found.extend(rows);
        }
    }
    let [(_, up), (_, mut down)] = both;
    down.reverse();
    assert_eq!(up, down);
    up
}

#[tokio::test]
async fn whatever_is_done_in_whatever_order_the_same_tokens_are_listed_counted_and_ended() {
    for seed in 0..4 {
        let it = Fixture::new();
        let accounts = [it.account("acme").await, it.account("other").await];
        for account in accounts {
            let managed = json!({"access-tokens:read": ""});
            let changes = [("permissions".to_owned(), managed)].into();
            let edited = it.store.edit_policy(account, None, changes, NOW);
            assert!(matches!(edited.await.unwrap(), EditedPolicy::Done(_)));
        }
        let stores = [it.indexing_by(3), it.indexing_by(9), it.again()];
        let mut model = Model {
            rng: StdRng::seed_from_u64(seed),
            accounts,
            keys: BTreeMap::new(),
            minted: Vec::new(),
            next: 1,
        };
        for number in 0..6 {
            let key = model.new_key(&it, number % 2);
            let account = accounts[number % 2];
            it.store.add_keys(account, vec![key], NOW).await.unwrap();
        }
        for _ in 0..120 {
            let store = &stores[model.rng.random_range(0..3)];
            model.step(&it, store).await;
            let at: usize = model.rng.random_range(0..3);
            model.check(&stores[at]).await;
        }
        assert!(it.is_sound().await, "seed {seed}");
        assert!(it.count("live_index") > 0);
    }
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
            tokens.push((of, mint(&server, it.new_token(of)).await));
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
    let known = mint(&server, it.new_token(key)).await;
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
        tokens.push(mint(&server, it.new_token(key)).await);
    }
    assert!(it.count("live_indexed") > 0 && it.count("live_newest") > 0);
    server.regenerate_account(account, NOW).await.unwrap();
    let new = it.new_key();
    let new_id = new.id;
    let carry = Carry(Box::new(|_, seal| Some(seal.clone())));
    // Those that ended so are carried over, too.
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
        mint(&server, it.new_token(new_id)).await;
    }
    assert!(it.count("live_indexed") > 0 && it.count("live_newest") > 0);
    server.regenerate_account(account, NOW).await.unwrap();
    let mut marked = 0;
    while it.count("live_tokens") > 0 {
        let swept = server.put_away(NOW, NOW, 4).await.unwrap();
        assert!(swept.expired > 0, "nothing more is marked");
        marked += swept.expired;
    }
    assert_eq!((marked, it.count("live_index")), (8, 0));
    assert!(it.is_sound().await);
}

#[tokio::test]
async fn tokens_that_expire_leave_the_index_when_they_are_marked() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let server = it.indexing_by(1);
    let until = |seconds: i64| NewToken {
        expires_at: Some(later(seconds)),
        ..it.new_token(key)
    };
    for seconds in [10, 20, 30, 40, 50] {
        mint(&server, until(seconds)).await;
    }
    let listed = async |now: Timestamp| it.list(key, now).await.len();
    let before = it.count("live_index");
    assert!(before > 0);
    assert_eq!(listed(later(30)).await, 2);
    server.put_away(later(30), NOW, 10).await.unwrap();
    assert_eq!(listed(later(30)).await, 2);
    assert!(it.count("live_index") < before);
    assert!(it.is_sound().await);
}
