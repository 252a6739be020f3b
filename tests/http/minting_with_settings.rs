//! Settings given at minting, copied, and at work from the very next verification on.

use moneyer::domain::{PrivateKey, Role};
use serde_json::{Value, json};

use crate::{
    settings::full,
    support::{Answer, Server},
};

const HEADER: &str = "Idempotency-Key";

fn server() -> (Server, PrivateKey) {
    let server = Server::start();
    let key = server.account("acme");
    (server, key)
}

/// The members that were set, of the settings that are shown.
fn shown(server: &Server, key: &PrivateKey, token: &str, given: &Value) -> Value {
    let settings = server.settings(key, token);
    let names = given.as_object().unwrap().keys();
    names
        .map(|name| (name.clone(), settings[name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn every_member_may_be_given_at_minting() {
    let (server, key) = server();
    let token = server.mint_with(&key, full());
    assert_eq!(shown(&server, &key, &token, &full()), full());
    let plain = server.mint_json(&key, &json!({})).send().token();
    let empty = server.mint_with(&key, json!({}));
    assert_eq!(server.settings(&key, &plain), server.settings(&key, &empty));
    // With the key as a parameter, and a charset.
    let body = json!({"settings": {"note": "a"}}).to_string();
    let other_way = server
        .post("/v2/auth")
        .query("apikey", key.expose())
        .body("Application/JSON; charset=utf-8", body.as_bytes());
    let token = other_way.send().token();
    assert_eq!(server.settings(&key, &token)["note"], "a");
}

#[test]
fn what_is_repeated_or_written_otherwise_is_kept_as_one() {
    let (server, key) = server();
    let token = server.mint_with(
        &key,
        json!({
            "tags": ["a", "a"],
            "origins": ["HTTPS://App.Example.org:443", "https://app.example.org"],
            "ips": ["10.0.0.7", "10.0.0.7/32", "::ffff:10.0.0.0/104"],
        }),
    );
    let expected = json!({
        "tags": ["a"], "origins": ["https://app.example.org"], "ips": ["10.0.0.7/32", "10.0.0.0/8"],
    });
    assert_eq!(shown(&server, &key, &token, &expected), expected);
}

#[test]
fn expire_may_be_twelve_digits_or_rfc_3339() {
    let (server, key) = server();
    for expire in [
        "202611250436",
        "2026-11-25T04:36:00Z",
        "2026-11-25T05:36:00+01:00",
        "2026-11-25t04:36:00.9z",
    ] {
        let body = json!({"expire": expire, "settings": {"note": "a"}});
        let token = server.mint_json(&key, &body).send().token();
        let answer = server.verify(&token).accepts();
        assert_eq!(answer.json()["exp"], 1_795_581_360, "{expire}");
    }
    // To the second, and so in the query too.
    let by_query = server.auth(&key).query("expire", "2026-11-25T04:35:07Z");
    let token = by_query.send().token();
    server.advance(66);
    server.verify(&token).accepts();
    server.advance(1);
    server.verify(&token).refuses_token(401);
}

#[test]
fn a_clone_has_all_settings_whichever_key_of_the_account_asks() {
    let (server, key) = server();
    let (sibling, stranger) = (server.key("acme", Role::Mint), server.account("stranger"));
    let source = server.mint_with(&key, full());
    server
        .verify(&source)
        .header("Origin", "https://app.example.org")
        .accepts();
    let clone = server.auth(&sibling).query("cloneSettings", &source);
    let copy = clone.send().token();
    assert_eq!(shown(&server, &sibling, &copy, &full()), full());
    let used = &server.settings(&sibling, &copy)["usage"];
    assert_eq!(used["verifications"], 0, "usage is no setting");
    // A copy is one: neither follows the other.
    server.patch(&key, &source, &json!({"note": "other"}));
    assert_eq!(shown(&server, &sibling, &copy, &full()), full());
    let foreign = server.auth(&stranger).query("cloneSettings", &source);
    foreign.send().refuses(404, "unknown_token");
    let foreign = json!({"cloneSettings": source, "settings": {"note": "x"}});
    let foreign = server.mint_json(&stranger, &foreign).send();
    foreign.refuses(404, "unknown_token");
}

#[test]
fn settings_beside_a_clone_are_merged_into_the_copy() {
    let (server, key) = server();
    let source = server.mint_with(&key, full());
    let body = json!({
        "cloneSettings": source,
        "expire": "202611250436",
        "settings": {"rate_limit": {"requests": 9}, "note": null, "scopes": ["own"]},
    });
    let token = server.mint_json(&key, &body).send().token();
    let mut expected = full();
    expected["rate_limit"]["requests"] = json!(9);
    expected["note"] = json!("");
    expected["scopes"] = json!(["own"]);
    assert_eq!(shown(&server, &key, &token, &full()), expected);
    assert_eq!(shown(&server, &key, &source, &full()), full());
    // What is whole by the source alone is not whole without it.
    let alone = json!({"settings": {"rate_limit": {"requests": 9}}});
    server
        .mint_json(&key, &alone)
        .send()
        .refuses(400, "invalid_parameter");
    server.advance(120);
    server.verify(&token).refuses_token(401);
}

#[test]
fn the_same_settings_under_the_same_name_mint_once() {
    let (server, key) = server();
    let ask = |body: &str| -> Answer {
        server
            .post("/v2/auth")
            .key(&key)
            .header(HEADER, "a")
            .body("application/json", body.as_bytes())
            .send()
    };
    let first = r#"{"settings":{"scopes":["a"],"note":"n"},"expire":"203001010000"}"#;
    let token = ask(first).token();
    // The order of members, white space and the way of writing a time are not what is asked for.
    let again =
        r#"{ "expire": "2030-01-01T00:00:00Z", "settings": {"note": "n", "scopes": ["a"]} }"#;
    assert_eq!(ask(again).token(), token);
    for other in [
        r#"{"settings":{"scopes":["b"],"note":"n"},"expire":"203001010000"}"#,
        r#"{"settings":{"scopes":["a"]},"expire":"203001010000"}"#,
        r#"{"expire":"203001010000"}"#,
        r#"{"settings":{"scopes":["a"],"note":"n"}}"#,
        "{}",
    ] {
        ask(other).refuses(422, "idempotency_mismatch");
    }
    assert_eq!(server.count_tokens(), 1);
    // What the token's settings have become meanwhile does not matter.
    server.put(&key, &token, &json!({}));
    assert_eq!(ask(first).token(), token);
}

#[test]
fn an_edit_is_at_work_at_the_very_next_verification() {
    let (server, key) = server();
    let token = server.mint(&key);
    let wanting = server.verify(&token).query("scope", "a");
    for _ in 0..20 {
        wanting.refuses_token(403);
        server.patch(&key, &token, &json!({"scopes": ["a"]}));
        wanting.accepts();
        server.patch(&key, &token, &json!({"ips": ["10.0.0.0/8"]}));
        wanting.refuses_token(403);
        server.patch(
            &key,
            &token,
            &json!({"ips": null, "origins": ["https://a.example"]}),
        );
        wanting.refuses_token(403);
        server.put(&key, &token, &json!({"scopes": ["a"]}));
        wanting.accepts();
        server.put(&key, &token, &json!({}));
    }
}

#[test]
fn an_edit_by_another_process_is_at_work_too() {
    let (server, key) = server();
    let token = server.mint(&key);
    server.verify(&token).accepts();
    let elsewhere = server.elsewhere();
    crate::support::block_on(async {
        let caller = elsewhere.authenticate(&key).await.unwrap();
        let token = moneyer::domain::Token::parse(&token).unwrap();
        let edit = moneyer::command::EditSettings::replace(&token, json!({"ips": ["10.0.0.0/8"]}));
        let command = moneyer::command::Command::EditSettings(edit.unwrap());
        command.execute(&elsewhere, &caller).await.unwrap();
        server.app.follow().await.unwrap();
    });
    server.verify(&token).refuses_token(403);
}

#[test]
fn a_patch_whose_outcome_would_be_invalid_changes_nothing() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"scopes": ["a"], "note": "n"}));
    let before = server.settings(&key, &token);
    for patch in [
        json!({"rate_limit": {"requests": 5}, "note": "other"}),
        json!({"note": "other", "scopes": ["b", 1]}),
        json!({"tags": {"a": "b"}, "note": "other"}),
        json!({"note": "other", "what": 1}),
        json!({"note": {"a": null}}),
    ] {
        server
            .patch(&key, &token, &patch)
            .refuses(400, "invalid_parameter");
        assert_eq!(server.settings(&key, &token), before, "{patch}");
    }
    server.verify(&token).query("scope", "a").accepts();
}
