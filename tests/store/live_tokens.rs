//! The tokens of a key are gone through alike whether they are in the index of live ones or not,
//! and while it is filled: held against what is known of them.

use std::collections::BTreeMap;

use moneyer::{
    domain::{AccountId, KeyId, Timestamp, TokenDigest, TokenId},
    store::{
        Carry, Direction, DisabledKey, DisabledToken, EditedPolicy, EndedTokens, Imported,
        ImportedToken, KeyTokens, Listed, Listing, NewKey, Page, Principal, RotatedKey, Selection,
        Start, Store, TokenOrder, TokenPage,
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use crate::support::{Fixture, NOW, elsewhere, mint, sealed, untold};

/// What is known of the tokens that a store should list.
struct Model {
    rng: StdRng,
    accounts: [AccountId; 2],
    /// Each key's account, and its good tokens, the oldest first.
    keys: BTreeMap<i64, (usize, Vec<TokenDigest>)>,
    /// All that there ever were, the oldest first.
    minted: Vec<TokenId>,
    next: u8,
    now: Timestamp,
    /// Those that expire after some seconds.
    expiring: Vec<(i64, TokenDigest)>,
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
                let mut token = it.new_token(key);
                if self.rng.random_range(0..3) == 0 {
                    let seconds = self.rng.random_range(1..20);
                    let at = Timestamp::from_seconds(self.now.seconds() + seconds);
                    token.expires_at = Some(at);
                    self.expiring.push((at.seconds(), token.digest));
                }
                let digest = mint(store, token, self.now).await;
                self.minted.push(TokenId::of(&digest));
                self.tokens(key).push(digest);
            }
            62..82 if !self.tokens(key).is_empty() => {
                let among = self.tokens(key).len();
                let at = self.rng.random_range(0..among);
                let digest = self.tokens(key).remove(at);
                let ended = store.disable_token(key, digest, self.now).await.unwrap();
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
                let imported = store.import_tokens(key, policy, given, untold(), self.now);
                assert_eq!(imported.await.unwrap(), Imported::Done);
            }
            85..89 => self.rotate(it, store, key).await,
            89..91 => {
                let ended = self.tokens(key).len() as u64;
                let account = self.keys.remove(&key.to_i64()).unwrap().0;
                let disabled = store
                    .disable_key(key, KeyTokens::End, self.now)
                    .await
                    .unwrap();
                assert_eq!(disabled, DisabledKey::Done(ended));
                let new = self.new_key(it, account);
                let account = self.accounts[account];
                store.add_keys(account, vec![new], self.now).await.unwrap();
            }
            91..93 => {
                let account = self.keys[&key.to_i64()].0;
                let id = self.accounts[account];
                store.regenerate_account(id, self.now).await.unwrap();
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
                let ended = store.disable_selected(of, count, self.now).await.unwrap();
                assert!(matches!(ended, EndedTokens::Done(done) if done.endable == count));
                self.tokens(key).clear();
            }
            _ => {
                let seconds = self.rng.random_range(0..4);
                self.wait(seconds);
                self.sweep(store).await;
            }
        }
    }

    /// Lets some seconds pass.
    fn wait(&mut self, seconds: i64) {
        self.now = Timestamp::from_seconds(self.now.seconds() + seconds);
        let now = self.now.seconds();
        let expired = self.expiring.extract_if(.., |(at, _)| *at <= now);
        let expired: Vec<_> = expired.map(|(_, digest)| digest).collect();
        for (_, tokens) in self.keys.values_mut() {
            tokens.retain(|digest| !expired.contains(digest));
        }
    }

    /// Some of a sweep, which may be cut short.
    async fn sweep(&mut self, store: &Store) {
        store.expire(self.now, 3).await.unwrap();
        let entries = store.expired_entries(None, 2).await.unwrap();
        if self.rng.random() {
            store.take_out_expired(entries.clone()).await.unwrap();
            if self.rng.random() {
                store.forget_expired(entries).await.unwrap();
            }
        }
        store.end_outdated(self.now, 3).await.unwrap();
        store.purge(self.now, 3).await.unwrap();
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
        let rotated = store.rotate_key(key, new, carry, self.now).await.unwrap();
        let (carried, ended) = expected;
        assert_eq!(rotated, RotatedKey::Done { carried, ended });
    }

    /// Holds everything that goes through tokens against what is known.
    async fn check(&mut self, store: &Store) {
        let mut of_accounts = [Vec::new(), Vec::new()];
        for (key, (account, tokens)) in &self.keys {
            let key = KeyId::from_i64(*key);
            for limit in [3, 1000] {
                let Listed::Tokens(rows) = store.list_tokens(key, limit, self.now).await.unwrap()
                else {
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
            let count = store.count_selected(of.clone(), self.now).await.unwrap();
            assert_eq!(count.endable, expected.len() as u64);
            assert_eq!(pages(store, &of, self.now).await, expected);
            let Some((key, _)) = keys.first() else {
                continue;
            };
            let oldest_first = self.minted.iter().filter(|id| expected.contains(id));
            let oldest_first: Vec<_> = oldest_first.copied().collect();
            for order in [TokenOrder::Creation, TokenOrder::Name] {
                // Those without a name are in the order of minting among themselves.
                let listed = account_tokens(store, *key, order, self.now).await;
                assert_eq!(listed, oldest_first, "{order:?}");
            }
        }
        let all = Selection::default();
        let of_any = self.keys.values().flat_map(|(_, tokens)| {
            let newest_first = tokens.iter().rev();
            newest_first.map(TokenId::of)
        });
        assert!(pages(store, &all, self.now).await.into_iter().eq(of_any));
    }
}

/// What is selected, page by page.
async fn pages(store: &Store, of: &Selection, now: Timestamp) -> Vec<TokenId> {
    let mut found: Vec<TokenId> = Vec::new();
    loop {
        let after = found.last().copied();
        let page = store
            .list_selected(of.clone(), after, 4, now)
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
async fn account_tokens(
    store: &Store,
    key: KeyId,
    order: TokenOrder,
    now: Timestamp,
) -> Vec<TokenId> {
    let part = async |start, direction| {
        let page = Page {
            start,
            limit: 4,
            direction,
        };
        let caller = Principal::Key(key);
        let listing = store.list_account_tokens(caller, order, page, now).await;
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
            now: NOW,
            expiring: Vec::new(),
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
