//! `moneyer doctor`.

use std::fs;

use serde_json::Value;

use crate::{
    process::Run,
    support::{Folder, STORE, now},
};

const PAGE: usize = 4096;

/// The finding of this name.
#[track_caller]
fn finding(run: &Run, check: &str) -> (bool, String) {
    let findings = run.json();
    let found = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["check"] == check);
    let found = found.unwrap_or_else(|| panic!("{check} is not in {findings:#}"));
    let detail = found["detail"].as_str().unwrap().to_owned();
    (found["ok"].as_bool().unwrap(), detail)
}

fn doctor(folder: &Folder) -> Run {
    folder.moneyer(&["doctor", "--format", "json"]).run()
}

/// All findings but that of this name are good, and the exit code tells.
#[track_caller]
fn only_bad(folder: &Folder, bad: &str) -> String {
    let run = doctor(folder).exits_with(1);
    for other in run.json().as_array().unwrap() {
        assert_eq!(other["ok"], other["check"] != bad, "{run:?}");
    }
    finding(&run, bad).1
}

#[test]
fn a_healthy_store_is_found_so() {
    let (folder, _) = Folder::with_key();
    let text = folder.moneyer(&["doctor"]).run().done().stdout;
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
    let run = doctor(&folder).done();
    let checks = run.json();
    let checks: Vec<&Value> = checks
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["check"])
        .collect();
    assert_eq!(
        checks,
        [
            "configuration",
            "signing keys",
            "store",
            "permissions",
            "integrity",
            "clock"
        ]
    );
    assert!(finding(&run, "store").1.contains("no server uses it"));
}

#[test]
fn a_running_server_is_seen_and_not_disturbed() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let run = doctor(&folder).done();
    assert!(
        finding(&run, "store").1.contains("a server uses it"),
        "{run:?}"
    );
    server.mint(&key.secret);
}

#[test]
fn looking_does_not_keep_a_server_from_starting() {
    let (folder, key) = Folder::with_key();
    doctor(&folder).done();
    folder.serve(&[]).mint(&key.secret);
}

#[test]
fn a_missing_store_is_bad_and_is_not_made() {
    let folder = Folder::new();
    let detail = only_bad(&folder, "store");
    assert!(detail.contains("moneyer account create"), "{detail}");
    assert_eq!(folder.files(), Vec::<String>::new());
    let text = folder.moneyer(&["doctor"]).run().exits_with(1).stdout;
    assert!(text.lines().any(|line| line.starts_with("BAD")), "{text}");
}

#[test]
fn a_file_that_others_may_read_is_bad() {
    let (folder, _) = Folder::with_key();
    folder.set_mode(STORE, 0o644);
    let detail = only_bad(&folder, "permissions");
    assert!(
        detail.contains("644") && detail.contains("chmod 600"),
        "{detail}"
    );
    folder.set_mode(STORE, 0o600);
    doctor(&folder).done();
}

#[test]
fn a_clock_that_is_behind_the_store_is_bad() {
    let (folder, _) = Folder::with_key();
    folder.change("UPDATE accounts SET created_at = ?1", [now() + 3600]);
    let detail = only_bad(&folder, "clock");
    assert!(detail.contains("set it right"), "{detail}");
}

#[test]
fn a_bad_configuration_is_refused() {
    let (folder, _) = Folder::with_key();
    folder.write("moneyer.toml", "lisen = '127.0.0.1:1'\n");
    folder.moneyer(&["doctor"]).run().refused().says("lisen");
}

/// Whichever page it is: the roots of tables and of indexes, empty ones too. Where it is the schema's,
/// the store cannot be opened.
#[test]
fn damage_is_found_wherever_it_is() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    (0..200).for_each(|_| drop(server.mint(&key.secret)));
    server.stop();
    // All of the store in the one file.
    folder
        .database(STORE)
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let whole = fs::read(folder.path(STORE)).unwrap();
    assert!(whole.len() > 10 * PAGE);
    for page in 1..whole.len() / PAGE {
        let mut damaged = whole.clone();
        damaged[page * PAGE..][..PAGE].fill(0xA5);
        let hurt = Folder::new();
        hurt.write(STORE, damaged);
        hurt.set_mode(STORE, 0o600);
        let run = hurt.moneyer(&["doctor"]).run().exits_with(1);
        let said = run.stdout.lines().any(|line| {
            let bad = ["BAD  integrity", "BAD  store"];
            bad.iter().any(|bad| line.starts_with(bad)) && line.contains("damaged")
        });
        assert!(said, "page {page}: {run:#?}");
    }
}

#[test]
fn tokens_that_cannot_be_signed_are_named_by_their_account() {
    let folder = Folder::new();
    let account = folder.account("acme");
    let policy = ["account", "policy", "acme", "--preset", "syncello"];
    let changed = folder.moneyer(&policy).run().done();
    changed.says("`moneyer signing-key create --algorithm hs256` makes one");
    let said = folder.moneyer(&["doctor"]).run().exits_with(1).stdout;
    let line = said.lines().find(|line| line.contains("formats")).unwrap();
    assert!(
        line.contains(&account) && line.contains("--algorithm hs256"),
        "{line}"
    );
    let create = ["signing-key", "create", "--algorithm", "hs256"];
    folder.moneyer(&create).run().done();
    folder.moneyer(&["doctor"]).run().done();
    let again = ["account", "policy", "acme", "--set", "max_ttl=1d"];
    let run = folder.moneyer(&again).run().done();
    assert!(!run.stderr.contains("signing-key"), "{run:?}");
}
