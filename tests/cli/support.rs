//! The real program in a folder of its own, and short ways to fill the store there.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chrono::DateTime;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{
    process::{Invocation, Process},
    server::Server,
};

pub const MONEYER: &str = env!("CARGO_BIN_EXE_moneyer");
/// Where the store is unless the configuration says otherwise.
pub const STORE: &str = "moneyer.db";
/// A well-formed private key that no store knows.
pub const STRANGE_KEY: &str = "StrangeKey0123456789abcdefghijklmnopqrstuv";

/// A temporary folder to run the program in.
pub struct Folder(TempDir);

/// A private key as `key create --format json` tells of it.
#[derive(Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder whose store has the account `acme`, and one key of that.
    pub fn with_key() -> (Self, Key) {
        let folder = Self::new();
        folder.account("acme");
        let key = folder.key("acme", &[]);
        (folder, key)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The names of the files in here, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// `moneyer ARGUMENTS`, to be run in this folder with an empty environment.
    pub fn moneyer(&self, arguments: &[&str]) -> Invocation {
        self.program(MONEYER, arguments).without_environment()
    }

    /// Any program, to be run in this folder with the test's own environment, as far as that does
    /// not concern moneyer.
    #[expect(
        clippy::disallowed_methods,
        reason = "what the tests are started with must not reach the program"
    )]
    pub fn program(&self, program: &str, arguments: &[&str]) -> Invocation {
        let invocation = Invocation::of(program, arguments, self.0.path());
        std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with("MONEYER_"))
            .fold(invocation, |invocation, name| invocation.without_env(&name))
    }

    /// `moneyer serve` on a free port, with more arguments; it is listening when this returns.
    #[track_caller]
    pub fn serve(&self, arguments: &[&str]) -> Server {
        Server::of(self.start_serving(arguments))
    }

    /// `moneyer serve` on a free port, which may yet refuse to.
    #[track_caller]
    pub fn start_serving(&self, arguments: &[&str]) -> Process {
        self.serving(arguments).spawn()
    }

    pub fn serving(&self, arguments: &[&str]) -> Invocation {
        self.moneyer(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// Creates an account, and gives its id.
    #[track_caller]
    pub fn account(&self, name: &str) -> String {
        let run = self.moneyer(&["account", "create", name]).run().done();
        run.line().to_owned()
    }

    /// Creates a private key for the account of this name or id.
    #[track_caller]
    pub fn key(&self, account: &str, options: &[&str]) -> Key {
        let create = ["key", "create", account, "--format", "json"];
        let shown = self
            .moneyer(&[&create, options].concat())
            .run()
            .done()
            .json();
        Key {
            id: shown["key"].as_str().unwrap().to_owned(),
            secret: shown["apikey"].as_str().unwrap().to_owned(),
        }
    }

    /// What `key list` says of the key with this id.
    #[track_caller]
    pub fn listed_key(&self, account: &str, id: &str) -> serde_json::Value {
        let list = ["key", "list", account, "--format", "json"];
        let keys = self.moneyer(&list).run().done().json();
        let found = keys
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["key"] == id)
            .cloned();
        found.unwrap_or_else(|| panic!("{id} is not in {keys:#}"))
    }

    /// The store itself, for what no command shows or does.
    #[expect(
        clippy::disallowed_methods,
        reason = "tests look behind the store's back"
    )]
    pub fn database(&self, name: &str) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path(name)).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection
    }

    /// Changes rows of the store behind the program's back; there must be some to change.
    #[track_caller]
    pub fn change(&self, sql: &str, parameters: impl rusqlite::Params) {
        let changed = self.database(STORE).execute(sql, parameters).unwrap();
        assert!(changed > 0, "nothing to change by {sql}");
    }

    /// The number that `sql` asks for.
    #[track_caller]
    pub fn number(&self, sql: &str) -> i64 {
        let store = self.database(STORE);
        store.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Whether the store in the file `name` holds this token, ended or not.
    #[track_caller]
    pub fn holds(&self, name: &str, token: &str) -> bool {
        let digest = Sha256::digest(token).to_vec();
        let sql = "SELECT count(*) FROM tokens WHERE digest = ?1";
        let found: i64 = self
            .database(name)
            .query_row(sql, [digest], |row| row.get(0))
            .unwrap();
        found == 1
    }

    /// Who may do what with a file, as in `chmod`.
    #[track_caller]
    pub fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        metadata.permissions().mode() & 0o777
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// The public id of a token: from the SHA-256 of its text.
pub fn token_id(token: &str) -> String {
    let digest = Sha256::digest(token);
    let (head, _) = digest.split_first_chunk().unwrap();
    format!("tok_{:016x}", u64::from_be_bytes(*head))
}

/// Whether `text` is `prefix` and 16 hexadecimal digits.
pub fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == 16 && is_hex(digits))
}

pub fn is_token(text: &str) -> bool {
    text.len() == 32 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `text` is a private key of the program's own making, by its form.
pub fn is_key(text: &str) -> bool {
    text.len() == 42 && text.starts_with('K') && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Seconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the program under test goes by the machine's clock"
)]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The minute that lies so many seconds ahead, as `YYYYmmddHHMM`.
pub fn minute_in(seconds: i64) -> String {
    let moment = DateTime::from_timestamp(now() + seconds, 0).unwrap();
    moment.format("%Y%m%d%H%M").to_string()
}

/// Asks again and again until `holds`, which must be within `limit`.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a deadline needs a clock")]
pub fn eventually(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
