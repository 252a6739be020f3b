//! An SDK of another service, as its users install it, against a real server.

#[path = "../cli/process.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod process;
#[path = "../cli/server.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod server;
#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod support;

use std::path::{Path, PathBuf};

use support::Folder;

/// The SDK as `scripts/test.sh` installs it.
const SDK: &str = "syntropy-sdk==0.4.3";

/// The Python that has the SDK.
fn python() -> PathBuf {
    let python = repository("target/venv/bin/python");
    assert!(
        python.exists(),
        "the tests need the SDK: python3 -m venv target/venv && target/venv/bin/pip install {SDK}"
    );
    python
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_syntropy_sdk_works_as_it_is() {
    let (folder, key) = Folder::with_key();
    folder
        .moneyer(&["account", "policy", "acme", "--preset", "syntropy"])
        .run()
        .done();
    let server = folder.serve(&[]);
    let script = repository("tests/sdk/syntropy.py");
    let run = folder
        .program(python().to_str().unwrap(), &[script.to_str().unwrap()])
        .env("MONEYER_URL", server.url())
        .env("MONEYER_API_KEY", &key.secret)
        .env("no_proxy", "127.0.0.1")
        .run()
        .done();
    let steps: Vec<&str> = run.stdout.lines().collect();
    let expected = [
        "sdk 0.4.3",
        "api key: permissions",
        "api key: access tokens",
        "login",
        "token: access tokens",
        "token: api keys",
        "paging",
        "order",
        "errors",
        "done",
    ];
    assert_eq!(steps, expected, "{}", run.stderr);
}
