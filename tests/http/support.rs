//! A whole server in this process, with a clock that stands still and randomness that repeats, and
//! a plain client.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use moneyer::{
    app::App,
    clock::Clock,
    config::Config,
    domain::{Label, PrivateKey, Role, Timestamp},
    entropy::Entropy,
    http,
    keyring::Keyring,
    operator::{account, key},
    store::{Absent, Store},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

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
        Request {
            address: self.address,
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
        }
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
    App {
        store: Store::open(&config.store_options(Absent::Create)).unwrap(),
        keyring: Keyring::new(config.keyring_limits()),
        clock,
        entropy: Entropy::seeded(seed),
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// A request being put together.
#[derive(Clone)]
pub struct Request {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    query: Vec<String>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub fn key(self, key: &PrivateKey) -> Self {
        self.header("Authorization", &format!("Bearer {}", key.expose()))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a parameter to the query, encoded.
    pub fn query(self, name: &str, value: &str) -> Self {
        let pair = format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        self.raw_query(&pair)
    }

    /// Adds to the query as it stands.
    pub fn raw_query(mut self, text: &str) -> Self {
        self.query.push(text.into());
        self
    }

    /// Sends a form, encoded already.
    pub fn form(self, body: &str) -> Self {
        self.body("application/x-www-form-urlencoded", body.as_bytes())
    }

    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    fn head(&self) -> String {
        let query = if self.query.is_empty() {
            String::new()
        } else {
            format!("?{}", self.query.join("&"))
        };
        let mut head = format!(
            "{} {}{query} HTTP/1.1\r\nHost: moneyer\r\nConnection: close\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if let Some(body) = &self.body {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        head + "\r\n"
    }

    #[track_caller]
    pub fn send(&self) -> Answer {
        let bytes = [
            self.head().into_bytes(),
            self.body.clone().unwrap_or_default(),
        ]
        .concat();
        send_raw(self.address, &bytes)
    }
}

/// Sends bytes as they are; gives what is answered until the connection is closed.
#[track_caller]
pub fn send_raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // A server that has seen enough may close before all is sent; what it answered counts.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8(answer).expect("answers are UTF-8");
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no whole answer: {text:?}"));
    Answer {
        head: head.into(),
        body: body.into(),
    }
}

/// What came back.
pub struct Answer {
    head: String,
    pub body: String,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The whole answer, headers in order of name and without the date.
    pub fn whole(&self) -> String {
        let mut lines = self.head.lines();
        let status = lines.next().unwrap();
        let mut headers: Vec<_> = lines.filter(|line| !line.starts_with("date: ")).collect();
        headers.sort_unstable();
        format!("{status}\n{}\n\n{}", headers.join("\n"), self.body)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.whole()))
    }

    #[track_caller]
    pub fn token(&self) -> String {
        assert_eq!(self.status(), 200, "{}", self.whole());
        self.json()["TOKEN"].as_str().expect("a token").to_owned()
    }

    #[track_caller]
    pub fn tokens(&self) -> Vec<String> {
        assert_eq!(self.status(), 200, "{}", self.whole());
        let list = self.json();
        list["TOKENS"]
            .as_array()
            .expect("an array")
            .iter()
            .map(|token| token.as_str().unwrap().to_owned())
            .collect()
    }

    /// Checks that the answer is this error, with a sentence and nothing beside it.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) {
        let json = self.json();
        assert_eq!(
            (self.status(), json["ERROR"].as_str()),
            (status, Some(code)),
            "{}",
            self.whole()
        );
        let members = json.as_object().unwrap();
        assert!(
            members.len() == 2
                && members["MESSAGE"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
            "{json}"
        );
    }
}
