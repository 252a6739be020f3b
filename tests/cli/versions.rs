//! The version of the interface that an account is pinned to, and how it moves.

use std::time::Duration;

use crate::{
    policies::{CURRENT, policy, shown},
    server::find_line,
    support::{Folder, eventually},
};

#[test]
fn an_account_always_has_a_version_that_is_known() {
    let (folder, _) = Folder::with_key();
    let set = |version: &str| {
        let change = format!("api_version={version}");
        policy(&folder, &["acme", "--set", &change])
    };
    set(CURRENT).done().says("was like this before");
    let before = shown(&folder);
    for (bad, said) in [
        ("null", "api_version must be the date of a version"),
        ("latest", "api_version must be the date of a version"),
        ("20261125", "api_version must be the date of a version"),
        ("", "api_version must be the date of a version"),
        (
            "2026-11-24",
            "api_version is 2026-11-24, which is no version",
        ),
    ] {
        set(bad).refused().says(said).says(CURRENT);
    }
    assert_eq!(shown(&folder), before);
    let text = policy(&folder, &["acme"]).done();
    let row = format!("api_version        {CURRENT}");
    assert!(text.stdout.lines().any(|line| line == row), "{text:?}");
}

#[test]
fn a_preset_leaves_the_version_and_a_new_account_has_the_current_one() {
    let folder = Folder::new();
    let serve = folder.serve(&["--dev"]);
    serve.stop();
    folder.account("acme");
    for name in ["dev", "acme"] {
        let shown = policy(&folder, &[name, "--format", "json"]).done().json();
        assert_eq!(shown["api_version"], CURRENT, "{name}");
    }
    policy(&folder, &["acme", "--preset", "synkrato"]).done();
    assert_eq!(shown(&folder)["api_version"], CURRENT);
    // A version of a later build is not lost either.
    pin_to_a_later_version(&folder);
    policy(&folder, &["acme", "--preset", "synoptic"])
        .refused()
        .says("api_version is 2999-01-01, which is no version known here");
}

#[test]
fn an_account_without_a_version_counts_as_the_oldest() {
    let (folder, key) = Folder::with_key();
    folder.change("UPDATE accounts SET policy = NULL", []);
    assert_eq!(shown(&folder)["api_version"], CURRENT);
    folder.serve(&[]).mint(&key.secret);
    policy(&folder, &["acme", "--set", "max_ttl=1d"]).done();
    let pinned = "SELECT policy LIKE '%\"api_version\"%' FROM accounts";
    assert_eq!(folder.number(pinned), 1);
}

#[test]
fn a_running_server_follows_an_account_that_moves() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let answer = server.auth(&key.secret, "list=1");
    assert_eq!((answer.status, &*answer.version), (200, CURRENT));
    // This build has one version, so the account moves to one that only a later build knows, and
    // back. The server must not go on in the version that it remembers.
    pin_to_a_later_version(&folder);
    let within = Duration::from_secs(10);
    let status = || server.auth(&key.secret, "list=1").status;
    eventually(within, "the server follows", || status() == 500);
    let doctor = folder.moneyer(&["doctor"]).run().exits_with(1);
    let told = "api_version is 2999-01-01, which is no version known here";
    assert!(doctor.stdout.contains(told), "{doctor:?}");
    policy(&folder, &["acme"]).exits_with(1).says(told);

    let back = format!("api_version={CURRENT}");
    policy(&folder, &["acme", "--set", &back]).done();
    eventually(within, "the server follows", || status() == 200);
    folder.moneyer(&["doctor"]).run().done();
    let log = server.stop().stderr;
    let failed = find_line(&log, "request failed").unwrap();
    let cause = failed["cause"].as_str().unwrap();
    assert!(cause.contains(told), "{cause}");
}

/// As a later build does that knows one version more.
fn pin_to_a_later_version(folder: &Folder) {
    let later = r#"UPDATE accounts SET policy = '{"api_version":"2999-01-01"}'"#;
    folder.change(&format!("{later} WHERE name = 'acme'"), []);
}
