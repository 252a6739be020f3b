//! The clients in `examples/`, each run against a real server.

use std::path::{Path, PathBuf};

use crate::{
    process::{Invocation, Run},
    server::Server,
    support::{Folder, STRANGE_KEY, is_token},
};

/// A client, and how it is run.
struct Client {
    program: String,
    arguments: Vec<String>,
    /// How it names itself when something is wrong.
    name: &'static str,
}

impl Client {
    fn script(interpreter: &str, file: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(file);
        Self {
            program: interpreter.to_owned(),
            arguments: vec![path.to_str().unwrap().to_owned()],
            name: file,
        }
    }

    /// The compiled example, which lies beside the folder that the tests themselves are in.
    fn rust() -> Self {
        let tests = std::env::current_exe().unwrap();
        let built = tests
            .ancestors()
            .nth(2)
            .unwrap()
            .join("examples/rust_client");
        let built: PathBuf = built.with_extension(std::env::consts::EXE_EXTENSION);
        assert!(
            built.exists(),
            "{}: build it with cargo build --examples",
            built.display()
        );
        Self {
            program: built.to_str().unwrap().to_owned(),
            arguments: Vec::new(),
            name: "rust_client",
        }
    }

    fn against(&self, folder: &Folder, url: &str) -> Invocation {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        folder
            .program(&self.program, &arguments)
            .env("MONEYER_URL", url)
            .env("no_proxy", "127.0.0.1")
    }

    /// It does all that `examples/README.md` says, without a key says so, and with a bad one
    /// repeats the server's sentence.
    #[track_caller]
    fn works(&self) {
        let (folder, key) = Folder::with_key();
        let server = folder.serve(&[]);
        let run = |key: &str| {
            let client = self.against(&folder, &server.url());
            client.env("MONEYER_API_KEY", key).run()
        };
        prints_what_is_promised(&run(&key.secret).done(), &server, &key.secret);

        let bad = run(STRANGE_KEY).exits_with(1);
        let sentence = "invalid_key (401): This private key is not valid.";
        assert_eq!(bad.stderr, format!("{}: {sentence}\n", self.name));
        assert_eq!(bad.stdout, "");

        let none = self.against(&folder, &server.url()).run();
        let none = none.misused().says("set MONEYER_API_KEY");
        assert!(none.stderr.starts_with(self.name), "{none:?}");
        run("").misused().says("set MONEYER_API_KEY");
    }
}

#[track_caller]
fn prints_what_is_promised(run: &Run, server: &Server, key: &str) {
    assert_eq!(run.stderr, "");
    let lines: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| line.splitn(5, ' ').collect())
        .collect();
    let [minted, expiring, two, disabled, one, refused, ok] = &lines[..] else {
        panic!("not seven lines: {run:#?}");
    };
    let (first, second) = (minted[1], expiring[1]);
    assert!(
        is_token(first) && is_token(second) && first != second,
        "{run:#?}"
    );
    assert_eq!(minted[..], ["minted", first]);
    assert_eq!(expiring[..], ["minted", second, "until", expiring[3]]);
    let digits = expiring[3].bytes().all(|b| b.is_ascii_digit());
    assert!(digits && expiring[3].len() == 12, "{run:#?}");
    assert_eq!(two[..], ["listed", "2"]);
    assert_eq!(disabled[..], ["disabled", first]);
    assert_eq!(one[..], ["listed", "1"]);
    let sentence =
        "refused unknown_token (404): There is no such token, or this private key may not use it.";
    assert_eq!(refused.join(" "), sentence);
    assert_eq!(ok[..], ["ok"]);
    assert_eq!(server.list(key), [second]);
}

#[expect(
    clippy::disallowed_methods,
    reason = "which Python has requests is for the test's caller to say"
)]
fn python() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".into())
}

#[test]
fn curl_works() {
    Client::script("sh", "curl.sh").works();
}

#[test]
fn pythons_standard_library_works() {
    Client::script("python3", "python_stdlib.py").works();
}

#[test]
fn pythons_requests_works() {
    Client::script(&python(), "python_requests.py").works();
}

#[test]
fn nodes_fetch_works() {
    Client::script("node", "node_fetch.mjs").works();
}

#[test]
fn rusts_ureq_works() {
    Client::rust().works();
}
