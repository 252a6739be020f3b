//! Verifying reads memory, and writes nothing until uses are flushed.

use moneyer::{
    config::Span,
    domain::{PrivateKey, Role},
};
use serde_json::{Value, json};

use crate::{
    settings::server,
    support::{Connection, Server, block_on},
};

/// Everything that the file holds of tokens and keys.
fn rows(server: &Server) -> Vec<String> {
    let file = server.file();
    let mut rows = Vec::new();
    for table in ["tokens", "keys", "accounts", "audit", "idempotency"] {
        let mut select = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = select.column_count();
        let mut found = select.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values = (0..columns).map(|column| row.get_ref(column).unwrap());
            rows.push(format!("{table}: {:?}", values.collect::<Vec<_>>()));
        }
    }
    rows
}

fn mint(connection: &mut Connection, key: &PrivateKey) -> String {
    let key = key.expose();
    let head = format!("GET /v2/auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
    connection.send(head.as_bytes());
    let (status, body) = connection.answer();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["TOKEN"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn uses_of_more_tokens_than_a_transaction_takes_are_all_written_down() {
    const COUNT: i64 = 5_001;
    let (server, key) = server();
    let mut connection = Connection::open(server.address);
    for _ in 0..COUNT {
        let token = mint(&mut connection, &key);
        assert_eq!(connection.verify(&token, ""), 200);
    }
    block_on(server.app.flush_uses()).unwrap();
    let written = "SELECT count(*) FROM uses WHERE verifications = 1";
    let written: i64 = server
        .file()
        .query_row(written, [], |row| row.get(0))
        .unwrap();
    assert_eq!(written, COUNT);
}

#[test]
fn a_thousand_verifications_write_nothing_until_they_are_flushed() {
    let (server, key) = server();
    let token = server.mint(&key);
    let file = server.file();
    let version = || -> i64 {
        file.query_row("PRAGMA data_version", [], |row| row.get(0))
            .unwrap()
    };
    let before = (version(), rows(&server));
    let mut connection = Connection::open(server.address);
    for _ in 0..500 {
        assert_eq!(connection.verify(&token, ""), 200);
        assert_eq!(connection.verify(&"0".repeat(32), ""), 401);
    }
    assert_eq!((version(), rows(&server)), before);
    assert_eq!(server.settings(&key, &token)["usage"]["verifications"], 500);
    block_on(server.app.flush_uses()).unwrap();
    assert_ne!(version(), before.0);
    assert_eq!(server.written_uses(&token), 500);
    assert_eq!(server.settings(&key, &token)["usage"]["verifications"], 500);
}

#[test]
fn only_what_was_accepted_is_a_use() {
    let (server, key) = server();
    let verifier = server.key("acme", Role::Verify);
    let settings = json!({"scopes": ["a"], "rate_limit": {"requests": 2, "per_seconds": 60}});
    let token = server.mint_with(&key, settings);
    server.verify(&token).query("scope", "b").refuses_token(403);
    (0..2).for_each(|_| drop(server.verify(&token).accepts()));
    server.verify(&token).refuses_token(429);
    server.settings(&key, &token);
    server.advance(7);
    server.introspect(&verifier, &token);
    let used = json!({"verifications": 3, "last_used": "2026-11-25T04:34:07Z"});
    assert_eq!(server.settings(&key, &token)["usage"], used);
    block_on(server.app.flush_uses()).unwrap();
    assert_eq!(server.settings(&key, &token)["usage"], used);
}

#[test]
fn no_use_is_lost_between_edits_flushes_and_many_connections() {
    let (server, key) = server();
    let token = server.mint(&key);
    std::thread::scope(|scope| {
        let verifiers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(server.address);
                    (0..250).for_each(|_| assert_eq!(connection.verify(&token, ""), 200));
                })
            })
            .collect();
        let mut round = 0;
        while verifiers.iter().any(|verifier| !verifier.is_finished()) {
            // Each edit takes the token out of memory, with what is counted there.
            let patch = json!({ "note": round.to_string() });
            assert_eq!(server.patch(&key, &token, &patch).status(), 200);
            block_on(server.app.flush_uses()).unwrap();
            server.app.verifier.forget_all();
            round += 1;
        }
    });
    assert_eq!(
        server.settings(&key, &token)["usage"]["verifications"],
        2000
    );
    block_on(server.app.flush_uses()).unwrap();
    assert_eq!(server.written_uses(&token), 2000);
}

#[test]
fn a_token_is_looked_up_once() {
    let (server, key) = server();
    let (seen, unseen) = (server.mint(&key), server.mint(&key));
    server.verify(&seen).accepts();
    server.delete_row(&seen);
    server.delete_row(&unseen);
    (0..10).for_each(|_| drop(server.verify(&seen).accepts()));
    server.verify(&unseen).refuses_token(401);
    block_on(server.app.follow()).unwrap();
    server.verify(&seen).refuses_token(401);
    // Its uses have nowhere to go, which harms nobody.
    block_on(server.app.flush_uses()).unwrap();
}

#[test]
fn what_is_unknown_is_looked_up_once_too() {
    let (server, key) = server();
    let token = server.mint(&key);
    let file = server.file();
    let row = |sql: &str| file.execute_batch(sql).unwrap();
    row("PRAGMA foreign_keys = OFF; CREATE TABLE kept AS SELECT * FROM tokens; DELETE FROM tokens");
    server.verify(&token).refuses_token(401);
    row("INSERT INTO tokens SELECT * FROM kept");
    server.verify(&token).refuses_token(401);
    block_on(server.app.follow()).unwrap();
    server.verify(&token).accepts();
}

#[test]
fn a_token_is_good_as_soon_as_its_minting_is_answered_wherever_it_is_asked_for() {
    let (server, key) = server();
    let mut connection = Connection::open(server.address);
    for _ in 0..200 {
        let token = server.mint(&key);
        assert_eq!(connection.verify(&token, ""), 200);
    }
}

#[test]
fn strangers_tokens_do_not_drive_good_ones_out_of_memory() {
    let server = Server::with(|config| {
        config.verify.cached_tokens = 10;
        config.verify.cached_unknown = 10;
    });
    let token = server.mint(&server.account("acme"));
    server.verify(&token).accepts();
    server.delete_row(&token);
    let mut connection = Connection::open(server.address);
    for number in 0..1000 {
        assert_eq!(connection.verify(&format!("{number:032x}"), ""), 401);
    }
    server.verify(&token).accepts();
}

#[test]
fn a_store_that_cannot_be_asked_is_no_verdict() {
    let (server, key) = server();
    let (seen, unseen) = (server.mint(&key), server.mint(&key));
    server.verify(&seen).accepts();
    let broken = "PRAGMA foreign_keys = OFF; ALTER TABLE tokens RENAME TO away";
    server.file().execute_batch(broken).unwrap();
    server.verify(&seen).accepts();
    let answer = server.verify(&unseen).query("explain", "1").send();
    assert_eq!(answer.status(), 500, "{}", answer.whole());
    let json = answer.json();
    assert_eq!(
        (&json["success"], json.get("rules")),
        (&Value::Bool(false), None)
    );
    assert!(!answer.body.contains("table"), "{}", answer.body);
}

#[test]
fn uses_that_cannot_be_written_down_now_are_later() {
    let server = Server::with(|config| {
        config.store.busy_timeout = Span::seconds(0);
    });
    let key = server.account("acme");
    let token = server.mint(&key);
    (0..3).for_each(|_| drop(server.verify(&token).accepts()));
    let other = server.file();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let failed = block_on(server.app.flush_uses()).unwrap_err();
    assert_eq!(failed.code(), "unavailable");
    server.verify(&token).accepts();
    assert_eq!(server.settings(&key, &token)["usage"]["verifications"], 4);
    other.execute_batch("ROLLBACK").unwrap();
    block_on(server.app.flush_uses()).unwrap();
    assert_eq!(server.written_uses(&token), 4);
}
