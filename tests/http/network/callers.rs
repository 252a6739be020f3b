//! Who asks, and how that is shown.

use moneyer::{
    domain::{Label, Role},
    operator::{account, key},
};
use serde_json::json;

use super::{KEYS, LOGIN, Scene, TOKENS};
use crate::support::{Server, block_on};

#[test]
fn a_key_or_a_token_is_shown_in_either_header_with_or_without_a_word_before_it() {
    let it = Scene::start();
    let token = it.token(&["access-tokens:read"]);
    for shown in [it.key.expose(), &token] {
        for (name, value) in [
            ("api-key", shown.to_owned()),
            ("API-Key", format!("Bearer {shown}")),
            ("Authorization", format!("Bearer {shown}")),
            ("Authorization", format!("bearer  {shown} ")),
            ("Authorization", shown.to_owned()),
        ] {
            let answer = it.server.get(TOKENS).header(name, &value).send();
            assert_eq!(answer.status(), 206, "{name}: {value}");
        }
    }
}

#[test]
fn a_key_from_elsewhere_is_known_though_it_looks_like_a_token() {
    let it = Scene::start();
    let text = "from-elsewhere.0123456789";
    let wanted = key::Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at: None,
    };
    it.get(text, KEYS).send().fails(401, "invalid_key", None);
    block_on(key::import(&it.server.app, "acme", text, wanted)).unwrap();
    assert_eq!(it.get(text, KEYS).send().status(), 206);
}

#[test]
fn the_first_header_that_shows_anything_counts_alone() {
    let it = Scene::start();
    let good = it.key.expose();
    let ask = |api_key: &str, authorization: &str| {
        let request = it.server.get(TOKENS).header("api-key", api_key);
        request.header("Authorization", authorization).send()
    };
    assert_eq!(ask(good, "Bearer x").status(), 206);
    assert_eq!(ask("", good).status(), 206);
    assert_eq!(ask("Bearer", good).status(), 206);
    ask("wrong", good).fails(401, "invalid_key", None);
    let twice = it.get(good, TOKENS).header("api-key", good).send();
    twice.fails(401, "invalid_key", None);
}

#[test]
fn what_is_not_good_is_refused_without_a_hint() {
    let it = Scene::start();
    let (unknown, expired) = ("0".repeat(32), it.server.mint_for_minutes(&it.key, 1));
    it.server.advance(60);
    let mut messages = Vec::new();
    for bad in [
        "x",
        &*unknown,
        &*expired,
        "K0000000000000000000000000000000000000000",
        "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        "Basic YTpi",
        "Bearer a b",
        &"x".repeat(5000),
    ] {
        let answer = it.get(bad, KEYS).send();
        messages.push(answer.fails(401, "invalid_key", None));
        let challenge = answer.header("WWW-Authenticate");
        assert_eq!(challenge, Some("Bearer realm=\"moneyer\""));
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
    it.server.get(KEYS).send().fails(401, "missing_key", None);
    it.get("", KEYS).send().fails(401, "missing_key", None);
}

#[test]
fn a_token_is_held_to_its_circumstances_and_its_rate() {
    let it = Scene::start();
    let with = |more: serde_json::Value| {
        let mut settings = json!({ "scopes": ["access-tokens:read"] });
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        it.server.mint_with(&it.key, settings)
    };
    let elsewhere = with(json!({ "ips": ["10.0.0.0/8"] }));
    it.get(&elsewhere, TOKENS)
        .send()
        .fails(403, "forbidden", None);
    it.post("", LOGIN, &json!({ "access_token": elsewhere }))
        .fails(403, "forbidden", None);
    let page = with(json!({ "origins": ["https://a.example"] }));
    it.get(&page, TOKENS).send().fails(403, "forbidden", None);
    let from = it.get(&page, TOKENS).header("Origin", "https://a.example");
    assert_eq!(from.send().status(), 206);

    let limited = with(json!({ "rate_limit": { "requests": 2, "per_seconds": 60 } }));
    assert_eq!(it.get(&limited, TOKENS).send().status(), 206);
    it.server.verify(&limited).accepts();
    let answer = it.get(&limited, TOKENS).send();
    answer.fails(429, "too_many_requests", None);
    assert_eq!(answer.header("Retry-After"), Some("30"));
}

#[test]
fn a_disabled_account_stops_here_too() {
    let it = Scene::start();
    let token = it.token(&["access-tokens:read"]);
    block_on(account::disable(&it.server.app, "acme")).unwrap();
    it.get(&token, TOKENS)
        .send()
        .fails(401, "invalid_key", None);
    it.get(it.key.expose(), TOKENS)
        .send()
        .fails(401, "invalid_key", None);
}

#[test]
fn what_another_process_ended_is_refused_where_it_would_have_an_effect() {
    let it = Scene::start();
    let (id, secret) = it.api_key_by(it.key.expose(), "k");
    let token = it.token_by(&secret, &["access-tokens:write"]);
    it.server.verify(&token).accepts();
    let elsewhere = it.server.elsewhere();
    let key = moneyer::domain::KeyId::from_i64(id.parse::<u64>().unwrap().cast_signed());
    let tokens = moneyer::store::KeyTokens::End;
    block_on(
        elsewhere
            .store
            .disable_key(key, tokens, elsewhere.clock.now()),
    )
    .unwrap();
    for shown in [&secret, &token] {
        it.post(shown, TOKENS, &super::named("t", &[]))
            .fails(401, "invalid_key", None);
    }
    assert!(it.names("").is_empty());
}

#[test]
fn those_who_fail_too_often_are_told_to_wait() {
    let server = Server::with(|config| {
        config.throttle.burst = 3;
        config.throttle.failures_per_second = 1;
    });
    let it = Scene::on(server);
    it.server.get(KEYS).send().fails(401, "missing_key", None);
    it.get("wrong", KEYS).send().fails(401, "invalid_key", None);
    it.post("", LOGIN, &json!({ "access_token": "0".repeat(32) }))
        .fails(401, "invalid_key", None);
    let slowed = it.get("wrong", KEYS).send();
    slowed.fails(429, "too_many_requests", None);
    assert_eq!(slowed.header("Retry-After"), Some("1"));
    assert_eq!(it.get(it.key.expose(), KEYS).send().status(), 206);
}
