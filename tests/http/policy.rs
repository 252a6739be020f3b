//! Minting within an account's policy.

use std::collections::BTreeMap;

use moneyer::{
    domain::{PrivateKey, Role},
    operator::account,
};
use serde_json::{Value, json};

use crate::support::{Answer, Server, block_on};

/// An account with a key, and this policy.
fn held_to(policy: Value) -> (Server, PrivateKey) {
    let server = Server::start();
    let key = server.account("acme");
    set(&server, policy);
    (server, key)
}

fn set(server: &Server, policy: Value) {
    let changes: BTreeMap<String, Value> = serde_json::from_value(policy).unwrap();
    block_on(account::edit_policy(&server.app, "acme", None, changes)).unwrap();
}

fn mint(server: &Server, key: &PrivateKey, body: &Value) -> Answer {
    let request = server.post("/v2/auth").key(key);
    let body = body.to_string();
    request.body("application/json", body.as_bytes()).send()
}

#[track_caller]
fn refuses_outside(answer: &Answer, named: &str) {
    answer.refuses(400, "outside_policy");
    let message = answer.json()["MESSAGE"].as_str().unwrap().to_owned();
    assert!(message.contains(named), "{message}");
}

#[test]
fn a_token_is_given_the_accounts_lifetime_where_it_asks_for_none() {
    for member in ["default_ttl", "max_ttl"] {
        let (server, key) = held_to(json!({ member: "1h" }));
        let token = server.mint(&key);
        server.advance(3599);
        server.verify(&token).accepts();
        server.advance(1);
        server.verify(&token).refuses_token(401);
    }
}

#[test]
fn a_token_that_would_live_too_long_is_refused() {
    let (server, key) = held_to(json!({"max_ttl": "180d"}));
    let until = |at: &str| server.auth(&key).query("expire", at).send();
    refuses_outside(&until("2027-05-24T04:34:01Z"), "180d at most");
    refuses_outside(&until("299901010000"), "180d at most");
    assert_eq!(server.count_tokens(), 0);
    assert_eq!(until("2027-05-24T04:34:00Z").status(), 200);
}

#[test]
fn an_expiry_may_be_required() {
    let (server, key) = held_to(json!({"require_expire": true}));
    refuses_outside(&server.auth(&key).send(), "expire must be given");
    let until = server.auth(&key).query("expire", "203001010000").send();
    assert_eq!(until.status(), 200);
    assert_eq!(server.list(&key).len(), 1);
}

#[test]
fn tokens_start_with_the_accounts_settings() {
    let start = json!({"tags": ["new"], "rate_limit": {"requests": 3, "per_seconds": 1}});
    let (server, key) = held_to(json!({ "token_settings": start }));
    let token = server.mint(&key);
    let settings = server.settings(&key, &token);
    assert_eq!(
        (&settings["tags"], &settings["rate_limit"]),
        (&start["tags"], &start["rate_limit"])
    );
    (0..3).for_each(|_| drop(server.verify(&token).accepts()));
    server.verify(&token).refuses_token(429);

    let own = json!({"settings": {"rate_limit": {"requests": 9}, "note": "n"}});
    let other = server.settings(&key, &mint(&server, &key, &own).token());
    assert_eq!(
        other["rate_limit"],
        json!({"requests": 9, "per_seconds": 1})
    );
    assert_eq!(
        (&other["tags"], &other["note"]),
        (&json!(["new"]), &json!("n"))
    );

    // What the policy gives is written down with the policy, not with each token.
    let file = server.file();
    let entries = "SELECT count(*) FROM audit WHERE entry LIKE '%token.settings%'";
    let entries: i64 = file.query_row(entries, [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 1, "that of the token with settings of its own");

    // A clone has what its source has, and no more.
    server.put(&key, &token, &json!({"note": "bare"}));
    let clone = server
        .auth(&key)
        .query("cloneSettings", &token)
        .send()
        .token();
    assert_eq!(server.settings(&key, &clone)["tags"], json!([]));
}

#[test]
fn scopes_must_be_declared() {
    let (server, key) = held_to(json!({"permissions": {"read": "", "write": ""}}));
    let with = |scopes: Value| mint(&server, &key, &json!({"settings": {"scopes": scopes}}));
    let token = with(json!(["read"])).token();
    refuses_outside(&with(json!(["read", "erase"])), "\"erase\" is not");
    let before = server.settings(&key, &token);
    refuses_outside(
        &server.patch(&key, &token, &json!({"scopes": ["erase"]})),
        "\"erase\"",
    );
    refuses_outside(
        &server.put(&key, &token, &json!({"scopes": ["erase"]})),
        "\"erase\"",
    );
    assert_eq!(server.settings(&key, &token), before);
    assert_eq!(
        server
            .patch(&key, &token, &json!({"scopes": ["write"]}))
            .status(),
        200
    );
    assert_eq!(server.count_tokens(), 1);
}

#[test]
fn a_token_that_is_older_than_the_declaration_can_still_be_changed() {
    let (server, key) = held_to(json!({}));
    let old = json!({"scopes": ["old", "older", "read"], "tags": ["protected"]});
    let token = server.mint_with(&key, old);
    set(&server, json!({"permissions": {"read": "", "write": ""}}));
    for patch in [
        json!({"note": "x"}),
        json!({"ips": ["192.0.2.0/24"]}),
        json!({"scopes": ["old", "write"]}),
        json!({"tags": null}),
    ] {
        assert_eq!(server.patch(&key, &token, &patch).status(), 200, "{patch}");
    }
    let back = server.patch(&key, &token, &json!({"scopes": ["older"]}));
    refuses_outside(&back, "\"older\"");
    let clone = server.auth(&key).query("cloneSettings", &token).send();
    refuses_outside(&clone, "\"old\"");
    assert_eq!(
        server
            .auth(&key)
            .query("disableToken", &token)
            .send()
            .status(),
        200
    );
}

#[test]
fn so_many_tokens_may_be_active_in_an_account() {
    let (server, key) = held_to(json!({"max_active_tokens": 2}));
    let sibling = server.key("acme", Role::Mint);
    let first = server.mint(&key);
    server
        .auth(&sibling)
        .query("expire", "202611250435")
        .send()
        .token();
    for key in [&key, &sibling] {
        server.auth(key).send().refuses(409, "too_many_tokens");
    }
    // One that has ended makes room, and a retry of a mint is answered all the same.
    server.auth(&key).query("disableToken", &first).send();
    let named = || server.auth(&key).header("Idempotency-Key", "a").send();
    let third = named().token();
    assert_eq!(named().token(), third);
    server.auth(&key).send().refuses(409, "too_many_tokens");
    server.advance(60);
    server.mint(&key);
    let other = server.account("other");
    (0..3).for_each(|_| drop(server.mint(&other)));
}

#[test]
fn a_policy_holds_for_what_is_minted_from_then_on() {
    let (server, key) = held_to(json!({}));
    let before = server.mint(&key);
    set(
        &server,
        json!({"default_ttl": "1m", "permissions": {"a": ""}}),
    );
    let after = server.mint(&key);
    server.advance(60);
    server.verify(&before).accepts();
    server.verify(&after).refuses_token(401);
    set(&server, json!({"default_ttl": null, "permissions": null}));
    let last = server.mint(&key);
    server.advance(3600);
    server.verify(&last).accepts();
}
