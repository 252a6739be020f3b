//! `moneyer key disable`, and that servers follow what the command line changes.

use std::time::Duration;

use crate::support::{Folder, eventually};

/// How soon a server must have followed.
const ONE_SECOND: Duration = Duration::from_secs(1);
const LIVE_TOKENS: &str = "SELECT count(*) FROM tokens WHERE ended_at IS NULL";

#[test]
fn a_disabled_key_is_listed_as_such_and_its_tokens_live_on() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    server.mint(&key.secret);
    server.stop();
    let run = folder.moneyer(&["key", "disable", &key.id]).run().done();
    assert_eq!(
        run.line(),
        format!("Key {} is disabled; its tokens live on.", key.id)
    );
    assert_eq!(folder.listed_key("acme", &key.id)["state"], "disabled");
    assert_eq!(folder.number(LIVE_TOKENS), 1);
}

#[test]
fn the_tokens_end_with_the_key_when_that_is_asked_for() {
    let (folder, key) = Folder::with_key();
    let other = folder.key("acme", &[]);
    let server = folder.serve(&[]);
    server.mint(&key.secret);
    server.mint(&key.secret);
    let kept = server.mint(&other.secret);
    let disable = ["key", "disable", &key.id, "--end-tokens"];
    let run = folder.moneyer(&disable).run().done();
    assert_eq!(
        run.line(),
        format!("Key {} is disabled; 2 tokens ended.", key.id)
    );
    assert_eq!(folder.number(LIVE_TOKENS), 1);
    assert_eq!(server.list(&other.secret), [kept]);
}

#[test]
fn disabling_as_json_says_what_became_of_key_and_tokens() {
    let (folder, key) = Folder::with_key();
    let disable = [
        "key",
        "disable",
        &key.id,
        "--end-tokens",
        "--format",
        "json",
    ];
    let run = folder.moneyer(&disable).run().done();
    let (id, state) = (&key.id, "disabled");
    assert_eq!(
        run.json(),
        serde_json::json!({ "key": id, "state": state, "ended": 0 })
    );
}

#[test]
fn disabling_twice_is_done_and_said() {
    let (folder, key) = Folder::with_key();
    folder.moneyer(&["key", "disable", &key.id]).run().done();
    let again = folder.moneyer(&["key", "disable", &key.id]).run().done();
    assert!(again.line().contains("was disabled before"), "{again:?}");
}

#[test]
fn tokens_can_be_ended_after_their_key_was_disabled() {
    let (folder, key) = Folder::with_key();
    folder.serve(&[]).mint(&key.secret);
    folder.moneyer(&["key", "disable", &key.id]).run().done();
    let disable = ["key", "disable", &key.id, "--end-tokens"];
    folder.moneyer(&disable).run().done();
    assert_eq!(folder.number(LIVE_TOKENS), 0);
}

#[test]
fn an_unknown_key_is_refused_and_a_malformed_id_is_a_usage_error() {
    let (folder, key) = Folder::with_key();
    let unknown = ["key", "disable", "key_0123456789abcdef"];
    let run = folder.moneyer(&unknown).run().refused();
    run.says("key_0123456789abcdef").says("moneyer key list");
    for malformed in ["key_1", "acc_0123456789abcdef", ""] {
        folder
            .moneyer(&["key", "disable", malformed])
            .run()
            .misused();
    }
    assert_eq!(folder.listed_key("acme", &key.id)["state"], "active");
}

#[test]
fn a_private_key_given_in_the_place_of_its_id_is_not_repeated() {
    let (folder, key) = Folder::with_key();
    let run = folder.moneyer(&["key", "disable", &key.secret]).run();
    run.misused().keeps_quiet_about(&key.secret);
}

#[test]
fn a_running_server_refuses_a_disabled_key_at_once() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    folder.moneyer(&["key", "disable", &key.id]).run().done();
    for query in ["", "list=1", &format!("disableToken={token}")] {
        server
            .auth(&key.secret, query)
            .refused_as(401, "invalid_key");
    }
}

#[test]
fn a_running_server_refuses_the_keys_of_a_disabled_account_at_once() {
    let (folder, key) = Folder::with_key();
    folder.account("other");
    let other = folder.key("other", &[]);
    let server = folder.serve(&[]);
    server.mint(&key.secret);
    server.mint(&other.secret);
    folder.moneyer(&["account", "disable", "acme"]).run().done();
    server.auth(&key.secret, "").refused_as(401, "invalid_key");
    server.mint(&other.secret);
}

#[test]
fn a_running_server_knows_new_keys_at_once() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    server.mint(&key.secret);
    let new = folder.key("acme", &[]);
    server.mint(&new.secret);
}

/// What such a key asks for never reaches the store, so this shows that a server also forgets keys
/// it remembers.
#[test]
fn a_running_server_forgets_a_disabled_key_within_a_second() {
    let folder = Folder::new();
    folder.account("acme");
    let key = folder.key("acme", &["--role", "verify"]);
    let server = folder.serve(&[]);
    server.auth(&key.secret, "").refused_as(403, "forbidden");
    folder.moneyer(&["key", "disable", &key.id]).run().done();
    eventually(ONE_SECOND, "the disabled key is unknown", || {
        server.auth(&key.secret, "").status == 401
    });
}
