//! How often a token may be used.

use moneyer::domain::Role;
use serde_json::json;

use crate::{
    settings::server,
    support::{Answer, Connection},
};

/// How many are left, until when, and how long to wait.
fn rate(answer: &Answer) -> (&str, &str, Option<&str>) {
    (
        answer.header("RateLimit").unwrap(),
        answer.header("RateLimit-Policy").unwrap(),
        answer.header("Retry-After"),
    )
}

#[test]
fn a_bucket_empties_and_fills_again_with_the_clock() {
    let (server, key) = server();
    let limit = json!({"rate_limit": {"requests": 3, "per_seconds": 60}});
    let token = server.mint_with(&key, limit);
    let policy = "\"token\";q=3;w=60";
    for expected in [
        "\"token\";r=2;t=20",
        "\"token\";r=1;t=40",
        "\"token\";r=0;t=60",
    ] {
        assert_eq!(
            rate(&server.verify(&token).accepts()),
            (expected, policy, None)
        );
    }
    let refused = server.verify(&token).refuses_token(429);
    assert_eq!(rate(&refused), ("\"token\";r=0;t=20", policy, Some("20")));
    server.advance(19);
    let refused = server.verify(&token).refuses_token(429);
    assert_eq!(rate(&refused), ("\"token\";r=0;t=1", policy, Some("1")));
    server.advance(1);
    server.verify(&token).accepts();
    server.verify(&token).refuses_token(429);
    server.advance(3600);
    (0..3).for_each(|_| drop(server.verify(&token).accepts()));
    server.verify(&token).refuses_token(429);
}

#[test]
fn each_token_has_a_bucket_of_its_own_and_refusals_take_nothing_out() {
    let (server, key) = server();
    let settings = json!({"scopes": ["a"], "rate_limit": {"requests": 1, "per_seconds": 60}});
    let token = server.mint_with(&key, settings);
    let admin = server.key("acme", Role::Admin);
    let copy = server
        .auth(&key)
        .query("cloneSettings", &token)
        .send()
        .token();
    for _ in 0..5 {
        let refused = server.verify(&token).query("scope", "b").refuses_token(403);
        assert_eq!(refused.header("RateLimit"), None);
        assert_eq!(server.introspect(&admin, &token).json()["active"], true);
    }
    server.verify(&token).accepts();
    server.verify(&token).refuses_token(429);
    // What is wrong besides comes first.
    server.verify(&token).query("scope", "b").refuses_token(403);
    server.verify(&copy).accepts();
    let unlimited = server.verify(&server.mint(&key)).accepts();
    assert_eq!(unlimited.header("RateLimit"), None);
    assert_eq!(unlimited.header("RateLimit-Policy"), None);
}

#[test]
fn another_limit_is_at_work_at_once_and_other_edits_leave_the_bucket_alone() {
    let (server, key) = server();
    let limit = |requests| json!({"rate_limit": {"requests": requests, "per_seconds": 60}});
    let token = server.mint_with(&key, limit(1));
    server.verify(&token).accepts();
    server.patch(&key, &token, &json!({"note": "a"}));
    server.verify(&token).refuses_token(429);
    server.patch(&key, &token, &limit(2));
    (0..2).for_each(|_| drop(server.verify(&token).accepts()));
    server.verify(&token).refuses_token(429);
    server.patch(&key, &token, &json!({"rate_limit": null}));
    (0..5).for_each(|_| drop(server.verify(&token).accepts()));
}

#[test]
fn a_limit_holds_however_many_ask_at_once() {
    let (server, key) = server();
    let token = server.mint_with(
        &key,
        json!({"rate_limit": {"requests": 50, "per_seconds": 86_400}}),
    );
    let accepted: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(server.address);
                    (0..20)
                        .filter(|_| connection.verify(&token, "") == 200)
                        .count()
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    assert_eq!(accepted, 50);
}
