//! `moneyer sweep`, and that a server sweeps by itself.

use serde_json::json;

use crate::{
    process::PATIENCE,
    support::{Folder, Key, eventually, minute_in, now},
};

const HOUR: i64 = 3600;
const SWEEP_AS_JSON: [&str; 3] = ["sweep", "--format", "json"];

/// A store with `count` tokens that expired ten seconds ago, and a last one that goes on.
fn with_expired(count: usize) -> (Folder, Key) {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let query = format!("expire={}", minute_in(HOUR));
    (0..count).for_each(|_| drop(server.mint_with(&key.secret, &query)));
    server.mint(&key.secret);
    server.stop();
    let expire = "UPDATE tokens SET expires_at = ?1 WHERE expires_at IS NOT NULL";
    folder.change(expire, [now() - 10]);
    (folder, key)
}

fn sweep(folder: &Folder) -> serde_json::Value {
    folder.moneyer(&SWEEP_AS_JSON).run().done().json()
}

fn ended_hours_ago(folder: &Folder, hours: i64) {
    let end = "UPDATE tokens SET ended_at = ?1 WHERE ended_at IS NOT NULL";
    folder.change(end, [now() - hours * HOUR]);
}

#[test]
fn what_was_reclaimed_is_said_in_words() {
    let (folder, _) = with_expired(1);
    let run = folder.moneyer(&["sweep"]).run().done();
    assert_eq!(
        run.line(),
        "Ended tokens put away: 1. Long-ended tokens deleted: 0. Retry records deleted: 0."
    );
}

#[test]
fn an_expired_token_is_put_away_once_and_the_others_are_left_alone() {
    let (folder, key) = with_expired(1);
    let one = json!({ "expired": 1, "purged": 0, "forgotten": 0 });
    assert_eq!(sweep(&folder), one);
    let none = json!({ "expired": 0, "purged": 0, "forgotten": 0 });
    assert_eq!(sweep(&folder), none);
    assert_eq!(folder.serve(&[]).list(&key.secret).len(), 1);
}

#[test]
fn an_ended_token_is_deleted_only_after_the_retention() {
    let (folder, _) = with_expired(1);
    sweep(&folder);
    ended_hours_ago(&folder, 23);
    assert_eq!(sweep(&folder)["purged"], 0);
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 2);
    ended_hours_ago(&folder, 25);
    assert_eq!(sweep(&folder)["purged"], 1);
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 1);
}

#[test]
fn the_retention_is_configurable() {
    let (folder, _) = with_expired(1);
    sweep(&folder);
    ended_hours_ago(&folder, 47);
    let sweep = || {
        let sweep = folder.moneyer(&SWEEP_AS_JSON);
        sweep.env("MONEYER_SWEEPER_RETENTION", "2d").run().done()
    };
    assert_eq!(sweep().json()["purged"], 0);
    ended_hours_ago(&folder, 49);
    assert_eq!(sweep().json()["purged"], 1);
}

#[test]
fn one_sweep_reclaims_everything_however_small_its_batches() {
    let (folder, _) = with_expired(7);
    let sweep = folder.moneyer(&SWEEP_AS_JSON);
    let run = sweep.env("MONEYER_SWEEPER_BATCH", "2").run().done();
    assert_eq!(run.json()["expired"], 7);
}

#[test]
fn a_retry_is_forgotten_after_a_day_and_its_token_stays() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let mint = || {
        let request = ureq::http::Request::get(server.url() + "/v2/auth");
        let request = request.header("Authorization", format!("Bearer {}", key.secret));
        server
            .send(request.header("Idempotency-Key", "once"))
            .good()
    };
    let first = mint();
    assert_eq!(mint(), first);
    assert_eq!(sweep(&folder)["forgotten"], 0);
    folder.change(
        "UPDATE idempotency SET created_at = ?1",
        [now() - 25 * HOUR],
    );
    assert_eq!(sweep(&folder)["forgotten"], 1);
    assert_eq!(server.list(&key.secret), [first["TOKEN"].as_str().unwrap()]);
    assert_ne!(mint(), first);
}

#[test]
fn an_empty_store_has_nothing_to_reclaim_and_a_missing_one_is_refused() {
    let folder = Folder::new();
    folder.moneyer(&["sweep"]).run().refused().says("no store");
    folder.account("acme");
    let none = json!({ "expired": 0, "purged": 0, "forgotten": 0 });
    assert_eq!(sweep(&folder), none);
}

#[test]
fn a_server_sweeps_by_itself() {
    let (folder, _) = with_expired(1);
    let server = folder.serving(&[]).env("MONEYER_SWEEPER_INTERVAL", "1s");
    let server = crate::server::Server::of(server.spawn());
    let ended = "SELECT count(*) FROM tokens WHERE ended_at IS NOT NULL";
    eventually(PATIENCE, "the expired token is put away", || {
        folder.number(ended) == 1
    });
    // And once more, so that it was not only the sweep at the start.
    let revive = "UPDATE tokens SET ended_at = NULL WHERE ended_at IS NOT NULL";
    folder.change(revive, []);
    eventually(PATIENCE, "it is put away again", || {
        folder.number(ended) == 1
    });
    server.stop();
}
