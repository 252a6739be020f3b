//! A store in a temporary folder, and short ways to fill it.

use std::{path::Path, time::Duration};

use moneyer::{
    domain::{
        AccountId, AccountName, IdempotencyDigest, KeyId, Policy, PrivateKey, RequestDigest,
        SealedToken, Timestamp, Token, TokenDigest, TokenNumber, TokenState,
    },
    store::{
        Absent, AddedKeys, CreatedAccount, Imported, ImportedToken, Listed, Minted, NewKey,
        NewToken, Once, Options, Progress, Store, Swept,
    },
};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;

/// The time at which the tests begin.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// `NOW` and so many seconds.
pub const fn later(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

pub struct Fixture {
    pub store: Store,
    pub folder: TempDir,
    rng: std::cell::RefCell<StdRng>,
}

pub fn options(folder: &Path) -> Options {
    Options {
        url: format!("sqlite:{}", folder.join("moneyer.db").display()),
        absent: Absent::Create,
        busy_timeout: Duration::from_millis(50),
        readers: 2,
        queue: 4096,
        batch: 64,
        unindexed_tokens: 1000,
        page_cache_kib: 1024,
    }
}

impl Fixture {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(&options(folder.path())).unwrap(),
            folder,
            rng: StdRng::seed_from_u64(1).into(),
        }
    }

    /// The same store, opened once more, as another process would.
    pub fn again(&self) -> Store {
        Store::open(&options(self.folder.path())).unwrap()
    }

    /// The same store again, with a short queue and a long patience.
    pub fn again_with_queue(&self, queue: usize) -> Store {
        let options = Options {
            queue,
            busy_timeout: Duration::from_secs(5),
            ..options(self.folder.path())
        };
        Store::open(&options).unwrap()
    }

    /// The store once more, as a server has it that indexes so many tokens at once.
    pub fn indexing_by(&self, unindexed_tokens: usize) -> Store {
        let options = Options {
            unindexed_tokens,
            busy_timeout: Duration::from_secs(5),
            ..options(self.folder.path())
        };
        Store::open(&options).unwrap()
    }

    /// Whether the index leads to every token that it should, and to none that is gone.
    pub async fn is_sound(&self) -> bool {
        self.store.examine().await.unwrap().faults.is_empty()
    }

    /// Brings in a token that was made elsewhere.
    pub async fn import(&self, key: KeyId, token: ImportedToken) -> Imported {
        let imported = self
            .store
            .import_tokens(key, Policy::default(), vec![token], untold(), NOW);
        imported.await.unwrap()
    }

    /// The file itself, for what the operations do not show.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests look behind the store's back"
    )]
    pub fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.store.path()).unwrap()
    }

    pub async fn account(&self, name: &str) -> AccountId {
        let id = AccountId::generate(&mut *self.rng.borrow_mut());
        let name = AccountName::parse(name).unwrap();
        assert_eq!(
            self.store.create_account(id, name, NOW).await.unwrap(),
            CreatedAccount::Done
        );
        id
    }

    pub fn new_key(&self) -> NewKey {
        let rng = &mut *self.rng.borrow_mut();
        let key = PrivateKey::generate(rng);
        let id = KeyId::generate(rng);
        NewKey::of(&key, id, "$argon2id$…".into())
    }

    pub async fn key(&self, account: AccountId) -> KeyId {
        let key = self.new_key();
        let id = key.id;
        assert_eq!(
            self.store.add_keys(account, vec![key], NOW).await.unwrap(),
            AddedKeys::Done
        );
        id
    }

    /// An account with one key.
    pub async fn account_and_key(&self) -> (AccountId, KeyId) {
        let account = self.account("acme").await;
        (account, self.key(account).await)
    }

    pub fn new_token(&self, key: KeyId) -> NewToken {
        let token = Token::generate(&mut *self.rng.borrow_mut());
        let digest = TokenDigest::of(&token);
        NewToken {
            key,
            digest,
            sealed: Some(sealed(1)),
            signer: None,
            name: None,
            expires_at: None,
            clone_of: None,
            settings: None,
            once: None,
        }
    }

    /// Has the store break, on purpose, where it keeps a token of this name.
    pub fn break_on(&self, name: &str) {
        let trigger = format!(
            "CREATE TRIGGER defect BEFORE INSERT ON tokens WHEN NEW.name = '{name}'
             BEGIN SELECT RAISE(ABORT, 'on purpose'); END"
        );
        self.file().execute_batch(&trigger).unwrap();
    }

    /// Mints a token as it stands, and gives its digest.
    pub async fn mint(&self, token: NewToken, now: Timestamp) -> TokenDigest {
        mint(&self.store, token, now).await
    }

    pub async fn token(&self, key: KeyId) -> TokenDigest {
        self.mint(self.new_token(key), NOW).await
    }

    /// The number of the token with this digest.
    pub async fn number(&self, digest: TokenDigest) -> TokenNumber {
        self.store.find_token(digest).await.unwrap().unwrap().number
    }

    pub async fn token_until(&self, key: KeyId, at: Timestamp) -> TokenDigest {
        self.mint(
            NewToken {
                expires_at: Some(at),
                ..self.new_token(key)
            },
            NOW,
        )
        .await
    }

    /// The first batch of a sweep.
    pub async fn sweep(
        &self,
        now: Timestamp,
        purge_before: Timestamp,
        forget_before: Timestamp,
        limit: u32,
    ) -> Swept {
        sweep(&self.store, now, purge_before, forget_before, limit).await
    }

    pub async fn list(&self, key: KeyId, now: Timestamp) -> Vec<TokenDigest> {
        match self.store.list_tokens(key, 100, now).await.unwrap() {
            Listed::Tokens(rows) => rows.into_iter().map(|row| row.digest).collect(),
            Listed::KeyDead => panic!("the key is dead"),
        }
    }

    /// Has the index of live tokens reach all that there are.
    pub fn index_live(&self) {
        self.file()
            .execute_batch(
                "INSERT OR IGNORE INTO live_index
                     SELECT key_id, generation, id FROM tokens WHERE ended_at IS NULL;
                 UPDATE live_index_reach SET indexed = (SELECT max(id) FROM tokens)",
            )
            .unwrap();
    }

    /// Gives a token settings, for which there is no operation.
    pub fn set_settings(&self, digest: &TokenDigest, json: &str) {
        let rows = self.file().execute(
            "UPDATE tokens SET settings = ?2 WHERE digest = ?1",
            (digest.as_bytes(), json),
        );
        assert_eq!(rows.unwrap(), 1);
    }

    pub fn count(&self, table: &str) -> i64 {
        self.file()
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .unwrap()
    }
}

/// Mints a token by `store` as it stands, and gives its digest.
pub async fn mint(store: &Store, token: NewToken, now: Timestamp) -> TokenDigest {
    let digest = token.digest;
    let minted = store.mint(token, now).await.unwrap();
    assert!(matches!(minted, Minted::Done), "{minted:?}");
    digest
}

/// The first batch of a sweep by `store`: of what is marked, and of what is deleted after that.
pub async fn sweep(
    store: &Store,
    now: Timestamp,
    purge_before: Timestamp,
    forget_before: Timestamp,
    limit: u32,
) -> Swept {
    let expired = store.expire(now, limit).await.unwrap();
    let outdated = store.end_outdated(now, limit).await.unwrap();
    Swept {
        expired: expired + outdated,
        forgotten: store.forget_retries(forget_before, limit).await.unwrap(),
        purged: store.purge(purge_before, limit).await.unwrap(),
    }
}

/// What has become of the token with this digest, as `store` finds it.
pub async fn state(store: &Store, digest: TokenDigest) -> Option<TokenState> {
    let record = store.find_token(digest).await.unwrap();
    record.map(|record| record.state)
}

/// Progress that nobody asks for.
pub fn untold() -> Progress {
    Progress(Box::new(|_| ()))
}

/// A token that was made elsewhere, of which the digest alone is known.
pub fn elsewhere(byte: u8) -> ImportedToken {
    ImportedToken {
        digest: TokenDigest::from_bytes([byte; 32]),
        sealed: None,
        settings: None,
        created_at: NOW,
        expires_at: None,
    }
}

pub fn sealed(byte: u8) -> SealedToken {
    SealedToken::from_bytes([byte; 32])
}

/// A request of this name that asks for something told apart by `what`.
pub fn once(name: &str, what: i64) -> Once {
    Once {
        header: IdempotencyDigest::of(name),
        request: RequestDigest::of_mint(Some(Timestamp::from_seconds(what)), None, None),
        since: later(-24 * 3600),
    }
}
