//! Ending every token of an account at once.

use moneyer::{
    domain::{PrivateKey, Role},
    operator::account,
};
use serde_json::json;

use crate::support::{Server, block_on};

fn regenerate(server: &Server, account: &str) {
    block_on(account::regenerate(&server.app, account)).unwrap();
}

#[test]
fn every_token_of_every_key_is_refused_at_once_and_protected_ones_too() {
    let server = Server::start();
    let (key, stranger) = (server.account("acme"), server.account("stranger"));
    let sibling = server.key("acme", Role::Admin);
    let protected = server.mint_with(&key, json!({"tags": ["protected"]}));
    let tokens = [server.mint(&key), server.mint(&sibling), protected];
    let kept = server.mint(&stranger);
    for token in &tokens {
        server.verify(token).accepts();
    }
    regenerate(&server, "acme");
    for token in &tokens {
        server.verify(token).refuses_token(401);
    }
    server.verify(&kept).accepts();
    assert!(server.list(&key).is_empty() && server.list(&sibling).is_empty());
}

#[test]
fn keys_work_as_before_and_what_they_mint_is_good() {
    let server = Server::start();
    let key = server.account("acme");
    let before = server.mint(&key);
    for _ in 0..3 {
        regenerate(&server, "acme");
        let after = server.mint(&key);
        server.verify(&after).accepts();
        server.verify(&before).refuses_token(401);
        assert_eq!(server.list(&key), [after.as_str()]);
        assert_eq!(
            server.patch(&key, &after, &json!({"note": "n"})).status(),
            200
        );
    }
}

#[test]
fn such_a_token_has_ended_whatever_is_asked() {
    let server = Server::start();
    let key = server.account("acme");
    let verifier = server.key("acme", Role::Verify);
    let token = server.mint(&key);
    regenerate(&server, "acme");
    let clone = server.auth(&key).query("cloneSettings", &token).send();
    clone.refuses(404, "unknown_token");
    server
        .resource("GET", &key, &token)
        .send()
        .refuses(404, "unknown_token");
    server
        .patch(&key, &token, &json!({"note": "n"}))
        .refuses(404, "unknown_token");
    let again = server.auth(&key).query("disableToken", &token).send();
    assert_eq!(again.status(), 200, "as for any that has ended");
    let introspect = server.post("/v2/introspect").key(&verifier);
    let answer = introspect.form(&format!("token={token}")).send();
    assert_eq!(answer.body, r#"{"active":false}"#);
}

#[test]
fn it_changes_one_row_however_many_tokens_there_are() {
    let server = Server::start();
    let key = server.account("acme");
    (0..20).for_each(|_| drop(server.mint(&key)));
    regenerate(&server, "acme");
    let file = server.file();
    let number = |sql| -> i64 { file.query_row(sql, [], |row| row.get(0)).unwrap() };
    let live = "SELECT count(*) FROM tokens WHERE ended_at IS NULL";
    assert_eq!(number(live), 20);
    assert_eq!(number("SELECT generation FROM accounts"), 1);
    let entries = "SELECT count(*) FROM audit WHERE entry LIKE '%account.regenerated%'";
    assert_eq!(number(entries), 1);
}

#[test]
fn active_tokens_are_counted_within_the_generation() {
    let server = Server::start();
    let key = server.account("acme");
    let policy = serde_json::from_value(json!({"max_active_tokens": 2})).unwrap();
    block_on(account::edit_policy(&server.app, "acme", None, policy)).unwrap();
    (0..2).for_each(|_| drop(server.mint(&key)));
    server.auth(&key).send().refuses(409, "too_many_tokens");
    regenerate(&server, "acme");
    server.mint(&key);
}

#[test]
fn a_retry_and_a_disabling_are_answered_even_after_the_key_was_rotated() {
    let server = Server::start();
    let key = server.account("acme");
    let mint = |key: &PrivateKey| {
        let request = server.auth(key).header("Idempotency-Key", "once");
        request.send().token()
    };
    let token = mint(&key);
    regenerate(&server, "acme");
    let rotated = block_on(moneyer::operator::key::rotate(&server.app, &key, None)).unwrap();
    let new = rotated.new.key;
    assert_eq!(mint(&new), token);
    let again = server.auth(&new).query("disableToken", &token).send();
    assert_eq!(again.status(), 200);
    server.verify(&token).refuses_token(401);
}
