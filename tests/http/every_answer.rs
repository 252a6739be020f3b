//! What all answers have in common, whatever they say.

use std::collections::HashSet;

use moneyer::domain::Role;
use serde_json::json;

use crate::support::{Answer, Server};

/// One answer of each kind: done and refused, read and unread, by every layer that answers.
fn one_of_each(server: &Server) -> Vec<Answer> {
    let key = server.account("acme");
    let verifier = server.key("acme", Role::Verify);
    let token = server.mint(&key);
    let requests = [
        server.auth(&key),
        server.auth(&key).query("list", "1"),
        server.auth(&key).query("disableToken", &token),
        server.auth(&key).query("output", "yaml"),
        server.auth(&key).query("expires", "1"),
        server
            .auth(&key)
            .query("disableToken", &token)
            .query("list", "1"),
        server.auth(&key).header("Idempotency-Key", ""),
        server.auth(&verifier),
        server.get("/v2/auth"),
        server.get("/v2/auth").query("apikey", "wrong"),
        server.auth(&key).query("disableToken", &"0".repeat(32)),
        server.get("/nowhere"),
        server.request("OPTIONS", "/v2/auth"),
        server.request("HEAD", "/v2/auth"),
        server.post("/v2/auth").form(&"a".repeat(17_000)),
        server.get("/v2/auth").raw_query(&"a".repeat(9_000)),
        server.get("/v2/auth").raw_query(&"a".repeat(70_000)),
        server.get("/v2/auth").header("X-Long", &"a".repeat(17_000)),
        server.get("/v2/ auth"),
        server.get("/health/liveness"),
        server.get("/health/readiness"),
        server.post("/health/readiness"),
    ];
    let as_a_page_would = |request: &crate::support::Request| {
        request
            .clone()
            .header("Origin", "https://page.example")
            .header("Access-Control-Request-Method", "GET")
            .header("X-Request-Id", "chosen-by-the-caller")
            .query("callback", "take")
    };
    let plain = requests
        .iter()
        .map(|request| as_a_page_would(request).send());
    let xml = requests
        .iter()
        .map(|request| as_a_page_would(request).query("output", "xml").send());
    plain.chain(xml).collect()
}

/// And one of each kind where tokens are verified, changed, introspected and revoked.
fn one_of_each_verdict(server: &Server) -> Vec<Answer> {
    let key = server.account("other");
    let verifier = server.key("other", Role::Admin);
    let limit = json!({"rate_limit": {"requests": 1, "per_seconds": 60}});
    let (token, limited) = (server.mint(&key), server.mint_with(&key, limit));
    server.verify(&limited).accepts();
    let requests = [
        server.verify(&token),
        server.verify("x"),
        server.verify(&token).query("scope", "a"),
        server.verify(&token).query("explain", "1"),
        server.verify(&token).query("explain", "x"),
        server.verify(&limited),
        server.verify(&token).header("X-Moneyer-Key", "x"),
        server.verify(&token).header("X-Moneyer-Key", key.expose()),
        server.request("OPTIONS", "/v2/verify"),
        server.get("/v2/verify/a").query("token", &token),
        server.resource("GET", &key, &token),
        server.resource("GET", &key, "x"),
        server.resource("OPTIONS", &key, &token),
        server
            .resource("PUT", &key, &token)
            .body("application/json", b"{}"),
        server
            .resource("PUT", &key, &token)
            .body("application/json", b"{"),
        server
            .post("/v2/introspect")
            .key(&verifier)
            .query("token", &token),
        server
            .post("/v2/introspect")
            .key(&verifier)
            .query("token", "x"),
        server.post("/v2/introspect"),
        server.get("/v2/introspect"),
        server.post("/v2/revoke").key(&key).query("token", &token),
        server.post("/v2/revoke").key(&key),
        server.resource("DELETE", &key, &token),
    ];
    let from_a_page = |request: &crate::support::Request| {
        let origin = request.clone().header("Origin", "https://page.example");
        origin.header("X-Request-Id", "chosen-by-the-caller").send()
    };
    requests.iter().map(from_a_page).collect()
}

#[test]
fn no_answer_is_stored_passed_on_guessed_at_or_nameless() {
    let server = Server::start();
    let mut ids = HashSet::new();
    for answer in one_of_each(&server)
        .into_iter()
        .chain(one_of_each_verdict(&server))
    {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(
                answer.header(name),
                Some(value),
                "{name}: {}",
                answer.whole()
            );
        }
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert!(
            id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        assert!(ids.insert(id), "each has a name of its own");
    }
}

#[test]
fn no_page_in_a_browser_may_read_an_answer() {
    let server = Server::start();
    for answer in one_of_each(&server)
        .into_iter()
        .chain(one_of_each_verdict(&server))
    {
        let text = answer.whole();
        assert!(
            !text.to_ascii_lowercase().contains("access-control"),
            "{text}"
        );
        assert!(!answer.body.starts_with("take"), "{text}");
    }
}

#[test]
fn no_error_has_a_token_beside_it_and_no_success_has_an_error() {
    let server = Server::start();
    for answer in one_of_each(&server) {
        let text = answer.whole();
        let says = |name: &str| {
            answer.body.contains(&format!("\"{name}\":"))
                || answer.body.contains(&format!("<{name}"))
        };
        let done = says("TOKEN") || says("TOKENS");
        assert!(!(done && says("ERROR")), "{text}");
        assert_eq!(
            says("ERROR") || answer.body.is_empty(),
            answer.status() != 200,
            "{text}"
        );
        assert!(!done || answer.status() == 200, "{text}");
    }
}

#[test]
fn every_refusal_is_explained_in_one_sentence() {
    let server = Server::start();
    let refusals = one_of_each(&server)
        .into_iter()
        .filter(|answer| answer.header("content-type") == Some("application/json"))
        .filter(|answer| answer.body.contains("\"ERROR\""));
    for refusal in refusals {
        let json = refusal.json();
        let message = json["MESSAGE"].as_str().unwrap();
        assert!(
            message.ends_with('.') && ![". ", "? ", "! "].iter().any(|end| message.contains(end)),
            "{message}"
        );
    }
}

#[test]
fn the_rendering_is_the_one_asked_for() {
    let server = Server::start();
    for answer in one_of_each(&server)
        .iter()
        .filter(|answer| !answer.body.is_empty())
    {
        match answer.header("content-type").unwrap() {
            "application/json" => drop(answer.json()),
            "application/xml; charset=utf-8" => {
                let body = answer.body.as_str();
                assert!(
                    body.starts_with(r#"<?xml version="1.0" encoding="UTF-8"?><AUTH><"#)
                        && body.ends_with("></AUTH>"),
                    "{body}"
                );
            }
            other => panic!("{other}: {}", answer.whole()),
        }
    }
}

#[test]
fn no_answer_repeats_the_key_that_was_shown() {
    let server = Server::start();
    let key = server.account("acme");
    let shown = key.expose();
    for request in [
        server.get("/v2/auth").query("apikey", shown),
        server.get("/v2/auth").query("apikey", &format!("{shown}x")),
        server.get("/v2/auth").query("api_key", shown),
        server.get("/v2/auth").header("Authorization", shown),
        server.get(&format!("/{shown}")),
        server.request(shown, "/v2/auth"),
        server.auth(&key).query("disableToken", shown),
        server.auth(&key).query("cloneSettings", shown),
        server.auth(&key).query("expire", shown),
        server.auth(&key).query("output", shown),
        server.auth(&key).query(&format!("expire{shown}"), "1"),
        server
            .auth(&key)
            .header("Idempotency-Key", &format!("{shown} "))
            .query("expire", shown),
        server.auth(&key).header("X-Request-Id", shown),
    ] {
        for answer in [
            request.send(),
            request.clone().query("output", "xml").send(),
        ] {
            let text = answer.whole().to_ascii_lowercase();
            assert!(!text.contains(&shown.to_ascii_lowercase()), "{text}");
        }
    }
}
