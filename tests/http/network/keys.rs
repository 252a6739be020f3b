//! Creating, listing and deleting API keys.

use moneyer::{domain::PrivateKey, operator::key};
use serde_json::{Value, json};

use super::{ALL, KEYS, Scene, TOKENS, id_of, named, text};
use crate::support::{Server, block_on};

#[test]
fn a_created_key_mints_and_is_shown_this_once() {
    let it = Scene::start();
    let body = json!({
        "api_key_name": "deploy", "api_key_description": "from the pipeline",
        "api_key_valid_until": "2027-01-01T00:00:00", "api_key_allowed_tag_names": [],
    });
    let answer = it.post(it.key.expose(), KEYS, &body);
    assert_eq!(answer.status(), 200, "{}", answer.whole());
    insta::assert_snapshot!(answer.body, @r#"{"data":{"api_key_id":17257835920504186485,"api_key_name":"deploy","api_key_description":"from the pipeline","api_key_valid_until":"2027-01-01T00:00:00Z","api_key_created_at":"2026-11-25T04:34:00Z","api_key_updated_at":"2026-11-25T04:34:00Z","api_key_allowed_tag_names":[],"api_key_secret":"KtmD8tkoYQWKjwTgVndrYXkER3qVH4rugjgb1nYjIJ","user_id":11652906559207596101}}"#);
    let created = answer.json()["data"].clone();
    let secret = text(&created["api_key_secret"]);
    it.token_by(&secret, &ALL);

    let answer = it.get(it.key.expose(), KEYS).query("order", "DESC").send();
    assert_eq!(answer.status(), 206);
    assert!(!answer.body.contains(&secret));
    let rows = answer.json()["data"].as_array().unwrap().clone();
    let row = rows
        .iter()
        .find(|row| row["api_key_id"] == created["api_key_id"]);
    let expected = json!({
        "api_key_id": created["api_key_id"], "api_key_name": "deploy",
        "api_key_description": "from the pipeline", "api_key_status": true,
        "api_key_valid_until": "2027-01-01T00:00:00Z",
        "api_key_created_at": "2026-11-25T04:34:00Z", "api_key_updated_at": "2026-11-25T04:34:00Z",
    });
    assert_eq!(row, Some(&expected));
}

#[test]
fn a_created_key_works_at_once_where_wrong_keys_are_slowed_down() {
    let it = Scene::on(Server::with(|config| config.throttle.burst = 1));
    let wrong = || it.get("wrong", KEYS).send();
    wrong().fails(401, "invalid_key", None);
    wrong().fails(429, "too_many_requests", None);
    block_on(it.server.app.learn_selectors()).unwrap();
    wrong().fails(429, "too_many_requests", None);
    let (_, secret) = it.api_key_by(it.key.expose(), "k");
    assert_eq!(it.get(&secret, KEYS).send().status(), 206);
    wrong().fails(429, "too_many_requests", None);
}

#[test]
fn no_listed_key_lacks_a_member() {
    let it = Scene::start();
    let rows = it.get(it.key.expose(), KEYS).send().json();
    let [row] = &rows["data"].as_array().unwrap()[..] else {
        panic!("{rows}");
    };
    let members: Vec<(&String, &Value)> = row.as_object().unwrap().iter().collect();
    assert_eq!(members.len(), 7);
    assert!(members.iter().all(|(_, value)| !value.is_null()), "{row}");
    assert_eq!(row["api_key_valid_until"], "9999-12-31T23:59:59Z");
}

#[test]
fn a_key_stops_when_its_time_comes_and_is_listed_so() {
    let it = Scene::start();
    let body = json!({ "api_key_name": "k", "api_key_valid_until": "2026-11-25T04:35:00Z" });
    let created = it.post(it.key.expose(), KEYS, &body).json()["data"].clone();
    let secret = text(&created["api_key_secret"]);
    assert_eq!(it.get(&secret, KEYS).send().status(), 206);
    it.server.advance(60);
    it.get(&secret, KEYS).send().fails(401, "invalid_key", None);
    let only = format!("filter={}", created["api_key_id"]);
    assert_eq!(it.listed(KEYS, &only, "api_key_status"), ["false"]);
}

#[test]
fn a_deleted_key_is_refused_at_once_and_deleting_it_again_changes_nothing() {
    let it = Scene::start();
    let (id, secret) = it.api_key_by(it.key.expose(), "k");
    let token = it.token_by(&secret, &[]);
    for _ in 0..2 {
        let answer = it.delete(it.key.expose(), KEYS, &id);
        assert_eq!((answer.status(), &*answer.body), (204, ""));
        it.get(&secret, KEYS).send().fails(401, "invalid_key", None);
        assert_eq!(it.listed(KEYS, "", "api_key_id").len(), 1);
    }
    it.server.verify(&token).accepts();
}

#[test]
fn a_verifying_key_that_is_deleted_verifies_no_more() {
    let it = Scene::start();
    let verifier = it.server.key("acme", moneyer::domain::Role::Verify);
    let token = it.token(&[]);
    let ask = || {
        it.server
            .verify(&token)
            .header("X-Moneyer-Key", verifier.expose())
            .send()
    };
    assert_eq!(ask().status(), 200);
    let ids = it.listed(KEYS, "", "api_key_id");
    for id in ids {
        let _ = it.delete(it.key.expose(), KEYS, &id);
    }
    assert_eq!(ask().status(), 401);
}

#[test]
fn a_deleted_keys_tokens_end_where_the_policy_says_so() {
    let it = Scene::start();
    it.set(json!({ "on_key_disable": "end" }));
    let (id, secret) = it.api_key_by(it.key.expose(), "k");
    let (own, others) = (it.token_by(&secret, &[]), it.token(&[]));
    it.server.verify(&own).accepts();
    assert_eq!(it.delete(it.key.expose(), KEYS, &id).status(), 204);
    it.server.verify(&own).refuses_token(401);
    it.server.verify(&others).accepts();
}

#[test]
fn a_rotated_key_keeps_its_name_and_description() {
    let it = Scene::start();
    let body = json!({ "api_key_name": "k", "api_key_description": "from the pipeline" });
    let created = it.post(it.key.expose(), KEYS, &body).json()["data"].clone();
    let secret = PrivateKey::presented(&text(&created["api_key_secret"])).unwrap();
    let token = it.token_by(secret.expose(), &["api-keys:read"]);
    block_on(key::rotate(&it.server.app, &secret, None)).unwrap();
    let rows = it.get(&token, KEYS).query("order", "DESC").send().json();
    let rows = rows["data"].as_array().unwrap().clone();
    let row = rows.iter().find(|row| row["api_key_name"] == "k").unwrap();
    assert_eq!(row["api_key_description"], "from the pipeline");
    assert_ne!(row["api_key_id"], created["api_key_id"]);
}

#[test]
fn nobody_deletes_the_key_that_it_acts_by() {
    let it = Scene::start();
    let own = it.listed(KEYS, "", "api_key_id").remove(0);
    let token = it.token(&["api-keys:write"]);
    for shown in [it.key.expose(), &token] {
        it.delete(shown, KEYS, &own).fails(403, "forbidden", None);
    }
    it.server.mint(&it.key);
    let (_, second) = it.api_key_by(it.key.expose(), "k");
    assert_eq!(it.delete(&second, KEYS, &own).status(), 204);
}

#[test]
fn a_key_of_another_account_is_as_good_as_unknown() {
    let it = Scene::start();
    let other = Scene::account(&it.server, "other");
    let (id, secret) = it.api_key_by(other.expose(), "k");
    let unknown =
        it.delete(it.key.expose(), KEYS, "1")
            .fails(404, "unknown_key", Some("api_key_id"));
    let foreign =
        it.delete(it.key.expose(), KEYS, &id)
            .fails(404, "unknown_key", Some("api_key_id"));
    assert_eq!(foreign, unknown.replace('1', &id));
    assert!(
        it.listed(KEYS, &format!("filter={id}"), "api_key_id")
            .is_empty()
    );
    it.token_by(&secret, &[]);
}

#[test]
fn every_change_is_written_down_with_who_made_it() {
    let it = Scene::start();
    let maker = it.token(&ALL);
    let made = it.token_by(&maker, &[]);
    let (id, _) = it.api_key_by(&maker, "k");
    it.delete(&maker, KEYS, &id);
    it.delete(&maker, TOKENS, &id_of(&made));
    let entries = block_on(it.server.app.store.audit_entries(0, 100)).unwrap();
    let texts: Vec<Value> = entries
        .iter()
        .map(|entry| serde_json::from_str(&entry.text).unwrap())
        .collect();
    let by_maker: Vec<&str> = texts
        .iter()
        .filter(|entry| entry["by"] == id_of(&maker))
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let expected = [
        "token.minted",
        "key.added",
        "key.disabled",
        "token.disabled",
    ];
    assert_eq!(by_maker, expected, "{texts:#?}");
    // The names that people gave are not among it.
    it.post(it.key.expose(), TOKENS, &named("a private remark", &[]));
    let entries = block_on(it.server.app.store.audit_entries(0, 100)).unwrap();
    assert!(entries.iter().all(|entry| !entry.text.contains("remark")));
}
