//! Logging in; creating, listing and deleting access tokens.

use std::collections::BTreeMap;

use moneyer::{
    domain::{Algorithm, Role},
    operator::account,
};
use serde_json::json;

use super::{ALL, LOGIN, PERMISSIONS, Scene, TOKENS, id_of, named, text};
use crate::support::block_on;

#[test]
fn a_login_hands_the_token_back_with_what_is_left_of_its_life() {
    let it = Scene::start();
    let body = json!({
        "access_token_name": "t", "permissions": [],
        "access_token_expiration": "2026-11-25T05:34:00",
    });
    let token = text(&it.post(it.key.expose(), TOKENS, &body).json()["data"]["access_token"]);
    it.server.advance(60);
    let answer = it.server.post(LOGIN).body(
        "application/json",
        json!({ "access_token": token }).to_string().as_bytes(),
    );
    let answer = answer.send();
    assert_eq!(answer.status(), 200);
    let expected = json!({"data": {
        "access_token": token, "token_type": "Bearer", "expires_in": "3540", "refresh_token": "",
    }});
    assert_eq!(answer.json(), expected);
    it.server.advance(3540);
    it.post("", LOGIN, &json!({ "access_token": token }))
        .fails(401, "invalid_key", None);
}

#[test]
fn a_login_with_something_else_fails() {
    let it = Scene::start();
    for (bad, status, code, field) in [
        (
            json!({ "access_token": it.key.expose() }),
            401,
            "invalid_key",
            None,
        ),
        (
            json!({ "access_token": "0".repeat(32) }),
            401,
            "invalid_key",
            None,
        ),
        (json!({ "access_token": "x" }), 401, "invalid_key", None),
        (
            json!({ "access_token": 1 }),
            400,
            "invalid_parameter",
            Some("access_token"),
        ),
        (json!({}), 400, "invalid_parameter", Some("access_token")),
        (
            json!({ "access_token": null, "user": "" }),
            400,
            "invalid_parameter",
            None,
        ),
    ] {
        it.post("", LOGIN, &bad).fails(status, code, field);
    }
}

#[test]
fn a_created_token_is_accepted_and_has_the_permissions_that_were_asked_for() {
    let it = Scene::start();
    let token = it.token(&["agents:read", "services:read", "agents:read"]);
    let verdict = it
        .server
        .verify(&token)
        .query("scope", "agents:read")
        .accepts();
    assert_eq!(verdict.json()["scope"], "agents:read services:read");
    // Sealed as any other of the key's, and so listed.
    assert_eq!(it.server.list(&it.key), [token]);
}

#[test]
fn a_token_is_listed_with_what_it_was_given() {
    let it = Scene::start();
    let body = json!({
        "access_token_name": " for Anna ", "access_token_description": "tiles & maps", "permissions": [],
        "access_token_expiration": "2027-01-01T01:00:00.5+01:00",
    });
    let token = text(&it.post(it.key.expose(), TOKENS, &body).json()["data"]["access_token"]);
    let plain = it.server.mint(&it.key);
    let answer = it.get(it.key.expose(), TOKENS).send();
    assert_eq!(answer.status(), 206);
    let expected = json!({"data": [
        {
            "access_token_id": id_of(&token), "access_token_name": "for Anna",
            "access_token_description": "tiles & maps",
            "access_token_expiration": "2027-01-01T00:00:00Z",
        },
        {
            "access_token_id": id_of(&plain), "access_token_name": "",
            "access_token_description": "", "access_token_expiration": "9999-12-31T23:59:59Z",
        },
    ]});
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_list_has_the_good_tokens_of_the_whole_account_and_of_no_other() {
    let it = Scene::start();
    let second = it.server.key("acme", Role::Mint);
    it.token_by(second.expose(), &[]);
    let other = Scene::account(&it.server, "other");
    it.token_by(other.expose(), &[]);
    assert_eq!(it.names(""), ["t"]);
    it.server.mint_for_minutes(&it.key, 1);
    let ended = it.server.mint(&it.key);
    assert_eq!(it.names("").len(), 3);
    it.server.disable(&it.key, &ended);
    it.server.advance(60);
    assert_eq!(it.names(""), ["t"]);
    block_on(account::regenerate(&it.server.app, "acme")).unwrap();
    assert!(it.names("").is_empty());
}

#[test]
fn a_deleted_token_is_refused_at_once_and_deleting_it_again_changes_nothing() {
    let it = Scene::start();
    let token = it.token(&["access-tokens:read"]);
    it.server.verify(&token).accepts();
    for _ in 0..2 {
        let answer = it.delete(it.key.expose(), TOKENS, &id_of(&token));
        assert_eq!((answer.status(), &*answer.body), (204, ""));
        it.server.verify(&token).refuses_token(401);
        it.get(&token, TOKENS)
            .send()
            .fails(401, "invalid_key", None);
    }
    assert!(it.names("").is_empty());
}

#[test]
fn a_token_of_another_account_is_as_good_as_unknown() {
    let it = Scene::start();
    let other = Scene::account(&it.server, "other");
    let token = it.token_by(other.expose(), &[]);
    let unknown = it
        .delete(it.key.expose(), TOKENS, "tok_0123456789abcdef")
        .fails(404, "unknown_token", Some("access_token_id"));
    let foreign = it.delete(it.key.expose(), TOKENS, &id_of(&token)).fails(
        404,
        "unknown_token",
        Some("access_token_id"),
    );
    assert_eq!(
        foreign.replace(&id_of(&token), "tok_0123456789abcdef"),
        unknown
    );
    it.server.verify(&token).accepts();
}

#[test]
fn a_protected_token_is_not_deleted() {
    let it = Scene::start();
    let token = it
        .server
        .mint_with(&it.key, json!({ "tags": ["protected"] }));
    it.delete(it.key.expose(), TOKENS, &id_of(&token))
        .fails(400, "protected_token", None);
    it.server.verify(&token).accepts();
}

#[test]
fn the_permissions_are_those_that_the_account_declares() {
    let it = Scene::start();
    assert_eq!(it.listed(PERMISSIONS, "", "permission_name"), ALL);
    it.set(json!({ "permissions": { "access-tokens:read": "", "a": "do a" } }));
    let answer = it.get(it.key.expose(), PERMISSIONS).send();
    insta::assert_snapshot!(answer.body, @r#"{"data":[{"permission_id":3110483391174217,"permission_name":"a","permission_description":"do a"},{"permission_id":1267842825188581,"permission_name":"access-tokens:read","permission_description":""}]}"#);
}

#[test]
fn the_accounts_policy_is_obeyed() {
    let it = Scene::start();
    it.set(json!({ "default_ttl": "1h", "max_ttl": "2h", "max_active_tokens": 2 }));
    let until = |at: &str| {
        let mut body = named("t", &[]);
        body["access_token_expiration"] = at.into();
        it.post(it.key.expose(), TOKENS, &body)
    };
    let message = until("2026-11-25T06:34:01Z").fails(
        400,
        "invalid_parameter",
        Some("access_token_expiration"),
    );
    assert!(message.contains("2h at most"), "{message}");
    it.token(&[]);
    assert_eq!(
        it.listed(TOKENS, "", "access_token_expiration"),
        ["2026-11-25T05:34:00Z"]
    );
    assert_eq!(until("2026-11-25T06:34:00Z").status(), 200);
    until("2026-11-25T06:34:00Z").fails(409, "too_many_tokens", None);
    it.set(json!({ "default_ttl": null, "max_active_tokens": null, "require_expire": true }));
    it.post(it.key.expose(), TOKENS, &named("t", &[])).fails(
        400,
        "invalid_parameter",
        Some("access_token_expiration"),
    );
    assert_eq!(it.names("").len(), 2);
}

#[test]
fn a_signed_token_is_created_shown_and_deleted_as_any_other() {
    let it = Scene::start();
    it.server.set_format("acme", "jwt-eddsa");
    it.post(it.key.expose(), TOKENS, &named("t", &[]))
        .fails(503, "no_signing_key", None);
    it.server.create_signing_key(Algorithm::EdDsa);
    let maker = it.token(&["access-tokens:read", "access-tokens:write"]);
    assert!(maker.starts_with("ey"), "{maker}");
    let made = it.token_by(&maker, &[]);
    assert!(made.starts_with("ey"), "{made}");
    assert_eq!(it.server.list(&it.key), std::slice::from_ref(&maker));
    assert_eq!(it.get(&maker, TOKENS).send().status(), 206);
    assert_eq!(it.delete(&maker, TOKENS, &id_of(&made)).status(), 204);
    it.server.verify(&made).refuses_token(401);
}

#[test]
fn what_a_policy_gives_new_tokens_they_get_but_for_its_scopes() {
    let it = Scene::start();
    let given = json!({ "scopes": ["agents:read"], "ips": ["10.0.0.0/8"], "note": "usual" });
    it.set(json!({ "token_settings": given }));
    let token = it.token(&["services:read"]);
    let settings = it.server.settings(&it.key, &token);
    let found = ["scopes", "ips", "note"].map(|name| (name.to_owned(), settings[name].clone()));
    let expected = json!({ "scopes": ["services:read"], "ips": ["10.0.0.0/8"], "note": "usual" });
    let found = json!(found.into_iter().collect::<BTreeMap<_, _>>());
    assert_eq!(found, expected);
}
