//! `explain=1`: how a token stands by each rule.

use moneyer::{
    domain::{PrivateKey, Role},
    operator::account,
};
use serde_json::{Value, json};

use crate::{
    settings::server,
    support::{Answer, Request, Server, block_on},
};

const RULES: [&str; 9] = [
    "shown",
    "known",
    "enabled",
    "account",
    "unexpired",
    "origin",
    "address",
    "scope",
    "rate",
];

fn explained(request: Request) -> Answer {
    request.query("explain", "1").send()
}

/// The verdicts in order: `+` for pass, `-` for fail, `.` for skipped.
#[track_caller]
fn verdicts(answer: &Answer) -> String {
    let json = answer.json();
    let rules = json["rules"].as_array().expect("the rules are there");
    let names = rules.iter().map(|rule| rule["rule"].as_str().unwrap());
    assert!(names.eq(RULES), "{json}");
    let verdict = |rule: &Value| match rule["verdict"].as_str() {
        Some("pass") => '+',
        Some("fail") => '-',
        Some("skipped") => '.',
        _ => panic!("{rule}"),
    };
    let reasoned = |rule: &Value| rule["reason"].as_str().is_some_and(|text| !text.is_empty());
    assert!(rules.iter().all(reasoned), "{json}");
    rules.iter().map(verdict).collect()
}

#[test]
fn an_accepted_token_has_nine_rules_kept() {
    let (server, key) = server();
    let token = server.mint(&key);
    let answer = explained(server.verify(&token));
    assert_eq!(verdicts(&answer), "+++++++++");
    assert_eq!(answer.status(), 200);
    let restricted = server.mint_json(
        &key,
        &json!({"expire": "203001010000", "settings": {
            "scopes": ["a"], "origins": ["https://a.example"], "ips": ["127.0.0.0/8"],
            "rate_limit": {"requests": 9, "per_seconds": 60},
        }}),
    );
    let token = restricted.send().token();
    let ask = server.verify(&token).query("scope", "a");
    let answer = explained(ask.clone().header("Origin", "https://a.example"));
    assert_eq!(verdicts(&answer), "+++++++++");
    // The rest is as without it.
    let mut with = answer.json();
    with.as_object_mut().unwrap().remove("rules");
    let without = ask.header("Origin", "https://a.example").accepts();
    assert_eq!(with, without.json());
}

#[test]
fn each_refusal_shows_the_rule_that_is_broken() {
    let (server, key) = server();
    let shows = |request: Request, status: u16, expected: &str| {
        let answer = explained(request);
        assert_eq!(
            (verdicts(&answer).as_str(), answer.status()),
            (expected, status)
        );
    };
    shows(server.get("/v2/verify"), 401, "-........");
    shows(server.verify("malformed"), 401, "-........");
    shows(server.verify(&"0".repeat(32)), 401, "+-.......");
    let ended = server.mint(&key);
    server.disable(&key, &ended);
    shows(server.verify(&ended), 401, "++-......");
    let of_disabled = server.mint(&server.account("other"));
    block_on(account::disable(&server.app, "other")).unwrap();
    shows(server.verify(&of_disabled), 401, "+++-.....");
    let expired = server.mint_for_minutes(&key, 1);
    server.advance(60);
    shows(server.verify(&expired), 401, "++++-+++.");
    let token = server.mint_with(
        &key,
        json!({
            "scopes": ["a"], "origins": ["https://a.example"], "ips": ["127.0.0.0/8"],
            "rate_limit": {"requests": 1, "per_seconds": 60},
        }),
    );
    shows(server.verify(&token), 403, "+++++-++.");
    let good = server.verify(&token).header("Origin", "https://a.example");
    shows(good.clone().query("scope", "b"), 403, "+++++++-.");
    good.accepts();
    shows(good.clone(), 429, "++++++++-");
    shows(good.clone().query("status", "gateway"), 403, "++++++++-");
    server.patch(&key, &token, &json!({"ips": ["10.0.0.0/8"]}));
    shows(good, 403, "++++++-+.");
    // All that is broken is shown; the first decides.
    shows(server.verify(&token).query("scope", "b"), 403, "+++++---.");
}

#[test]
fn the_reasons_are_words_without_secrets() {
    let (server, key) = server();
    let settings = json!({"scopes": ["a"], "note": "canary-note", "tags": ["canary-tag"]});
    let token = server.mint_with(&key, settings);
    let answer = explained(server.verify(&token).query("scope", "b"));
    for secret in [token.as_str(), key.expose(), "canary-note", "canary-tag"] {
        assert!(!answer.body.contains(secret), "{}", answer.body);
    }
    assert!(answer.body.contains("tok_"), "{}", answer.body);
}

#[test]
fn only_one_and_true_ask_for_it() {
    let (server, key) = server();
    let token = server.mint(&key);
    for (value, there) in [
        ("1", true),
        ("true", true),
        ("0", false),
        ("false", false),
        ("", false),
    ] {
        let answer = server.verify(&token).query("explain", value).accepts();
        assert_eq!(answer.json().get("rules").is_some(), there, "{value:?}");
    }
}

#[test]
fn whoever_may_not_verify_is_explained_nothing() {
    let server = Server::with(|config| config.verify.trusted = Vec::new());
    let key = server.account("acme");
    let token = server.mint(&key);
    let keyed = |key: &PrivateKey| server.verify(&token).header("X-Moneyer-Key", key.expose());
    for refused in [server.verify(&token), keyed(&key)] {
        let answer = explained(refused);
        assert_eq!(answer.json().get("rules"), None, "{}", answer.body);
        assert!(!answer.body.contains("tok_"), "{}", answer.body);
    }
    let verifier = server.key("acme", Role::Verify);
    assert_eq!(verdicts(&explained(keyed(&verifier))), "+++++++++");
}
