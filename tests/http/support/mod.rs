//! A whole server in this process, with a clock that stands still and randomness that repeats, and
//! a plain [`client`].

mod client;
mod keep_alive;
mod race;
mod signing;
mod tokens;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use moneyer::{
    app::App,
    clock::Clock,
    config::{Config, Span},
    domain::{Label, PrivateKey, Role, Timestamp},
    entropy::Entropy,
    http,
    keyring::Keyring,
    operator::{account, key},
    signing::Signing,
    store::{Absent, Store, Swept},
    sweeper::sweep_once,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub use self::{
    client::{Answer, Request, send_raw},
    keep_alive::Connection,
    race::{Start, race},
    tokens::digest,
};

/// 2026-11-25T04:34:00Z, when every test begins.
pub const NOW: Timestamp = Timestamp::from_seconds(1_795_581_240);

pub struct Server {
    pub app: Arc<App>,
    pub address: SocketAddr,
    _folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::seeded(1, change)
    }

    /// A server whose randomness takes a course of its own.
    pub fn seeded(seed: u64, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            workers: 2,
            ..Config::default()
        };
        config.database = format!("sqlite:{}", folder.path().join("moneyer.db").display());
        config.signing.keys_file = folder.path().join("signing-keys.json");
        config.throttle.delay = Span::seconds(0);
        change(&mut config);
        let app = Arc::new(open(&config, Clock::fixed(NOW), seed));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&app);
        let thread = std::thread::spawn(move || {
            let shutdown = async { drop(stopped.await) };
            actix_web::rt::System::new()
                .block_on(http::serve(listener, shared, &config, shutdown))
                .unwrap();
        });
        let server = Self {
            app,
            address,
            _folder: folder,
            stop: Some(stop),
            thread: Some(thread),
        };
        // Once it answers it has drawn what it draws at its start, and all that follows is drawn in
        // order.
        server.get("/health/liveness").send();
        server
    }

    /// The same store, opened by another process as it were.
    pub fn elsewhere(&self) -> App {
        let database = format!("sqlite:{}", self.app.store.path().display());
        let config = Config {
            database,
            ..Config::default()
        };
        open(&config, self.app.clock.clone(), 2)
    }

    /// An account with a key, and the key.
    pub fn account(&self, name: &str) -> PrivateKey {
        block_on(account::create(&self.app, name)).unwrap();
        self.key(name, Role::Mint)
    }

    pub fn key(&self, account: &str, role: Role) -> PrivateKey {
        let wanted = key::Wanted {
            role,
            label: Label::default(),
            expires_at: None,
        };
        block_on(key::create(&self.app, account, wanted))
            .unwrap()
            .key
    }

    pub fn advance(&self, seconds: u64) {
        self.app.clock.advance(Duration::from_secs(seconds));
    }

    pub fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    pub fn post(&self, target: &str) -> Request {
        self.request("POST", target)
    }

    pub fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.address, method, target)
    }

    /// `/v2/auth` with this key.
    pub fn auth(&self, key: &PrivateKey) -> Request {
        self.get("/v2/auth").key(key)
    }

    pub fn mint(&self, key: &PrivateKey) -> String {
        self.auth(key).send().token()
    }

    pub fn list(&self, key: &PrivateKey) -> Vec<String> {
        self.auth(key).query("list", "1").send().tokens()
    }

    /// One sweep, as the server has them now and then.
    pub fn sweep(&self) -> Swept {
        let plan = Config::default().sweeper_plan();
        block_on(sweep_once(&self.app, &plan)).unwrap()
    }

    /// The file itself, for what the service does not show.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests look behind the store's back"
    )]
    pub fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.app.store.path()).unwrap()
    }

    pub fn count_tokens(&self) -> i64 {
        self.file()
            .query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))
            .unwrap()
    }

    /// Tags a token as protected, for which there is no request.
    pub fn protect(&self, token: &str) {
        let id = self.file().execute(
            r#"UPDATE tokens SET settings = '{"tags":["protected"]}' WHERE digest = ?1"#,
            [
                moneyer::domain::TokenDigest::of(&moneyer::domain::Token::parse(token).unwrap())
                    .as_bytes(),
            ],
        );
        assert_eq!(id.unwrap(), 1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            std::thread::panicking() || matches!(ended, Some(Ok(()))),
            "the server panicked"
        );
    }
}

fn open(config: &Config, clock: Clock, seed: u64) -> App {
    App::new(
        Store::open(&config.store_options(Absent::Create)).unwrap(),
        Keyring::new(config.keyring_limits()),
        Signing::load(config.signing_key_file(), config.signing.issuer.clone()).unwrap(),
        config.verification_limits(),
        clock,
        Entropy::seeded(seed),
    )
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}
