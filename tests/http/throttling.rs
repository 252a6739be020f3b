//! Failed authentication, slowed down by address.

use std::{
    thread,
    time::{Duration, Instant},
};

use moneyer::{config::Span, domain::Role, operator::account};
use serde_json::json;

use crate::support::{Answer, Server, block_on};

fn bad(server: &Server, from: &str) -> Answer {
    server
        .get("/v2/auth")
        .query("apikey", "K0000000000000000000000000000000000000000")
        .header("X-Forwarded-For", from)
        .send()
}

fn with_burst(burst: u32) -> Server {
    Server::with(|config| {
        config.throttle.burst = burst;
        config.throttle.failures_per_second = 1;
    })
}

#[test]
fn past_the_burst_bad_keys_are_told_to_wait_and_good_ones_are_not() {
    let server = with_burst(3);
    let warm = server.account("acme");
    let cold = server.key("acme", Role::Mint);
    server.mint(&warm);
    (0..3).for_each(|_| bad(&server, "").refuses(401, "invalid_key"));
    let slowed = bad(&server, "");
    slowed.refuses(429, "too_many_requests");
    assert_eq!(slowed.header("retry-after"), Some("1"));
    server
        .get("/v2/auth")
        .send()
        .refuses(429, "too_many_requests");
    server.mint(&warm);
    server.mint(&cold);
    server.advance(1);
    bad(&server, "").refuses(401, "invalid_key");
    bad(&server, "").refuses(429, "too_many_requests");
}

#[test]
fn a_hundred_may_fail_at_once_where_nothing_is_set() {
    let server = Server::start();
    (0..100).for_each(|_| bad(&server, "").refuses(401, "invalid_key"));
    bad(&server, "").refuses(429, "too_many_requests");
}

#[test]
fn a_stranger_does_not_choose_its_address() {
    let server = with_burst(1);
    bad(&server, "198.51.100.1").refuses(401, "invalid_key");
    bad(&server, "198.51.100.2").refuses(429, "too_many_requests");
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own_measure() {
    let server = Server::with(|config| {
        config.throttle.burst = 1;
        config.throttle.failures_per_second = 1;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    bad(&server, "198.51.100.1").refuses(401, "invalid_key");
    bad(&server, "198.51.100.2").refuses(401, "invalid_key");
    bad(&server, "203.0.113.9, 198.51.100.1").refuses(429, "too_many_requests");
    bad(&server, "198.51.100.2, 127.0.0.9").refuses(429, "too_many_requests");
}

#[test]
fn only_failing_to_say_who_one_is_counts() {
    let server = with_burst(1);
    let (key, verifier) = (server.account("acme"), server.key("acme", Role::Verify));
    for _ in 0..3 {
        let refused = |status, code, name, value| {
            let request = server.auth(&key).query(name, value);
            request.send().refuses(status, code);
        };
        refused(400, "invalid_parameter", "output", "yaml");
        refused(400, "unknown_parameter", "expires", "1");
        refused(404, "unknown_token", "disableToken", &"0".repeat(32));
        server.auth(&verifier).send().refuses(403, "forbidden");
        server.get("/nowhere").send().refuses(404, "not_found");
        let broken = server.get("/v2/auth").raw_query("x=%");
        broken.send().refuses(400, "invalid_parameter");
    }
    bad(&server, "").refuses(401, "invalid_key");
    bad(&server, "").refuses(429, "too_many_requests");
    // Nor are such refusals slowed by failures.
    let yaml = server.auth(&key).query("output", "yaml");
    yaml.send().refuses(400, "invalid_parameter");
}

#[test]
fn a_key_that_has_just_been_disabled_counts_as_a_bad_one() {
    let server = with_burst(1);
    let key = server.account("acme");
    server.mint(&key);
    block_on(account::disable(&server.elsewhere(), "acme")).unwrap();
    server.auth(&key).send().refuses(401, "invalid_key");
    server.auth(&key).send().refuses(429, "too_many_requests");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "an answer is held back by the machine's time, not by the app's"
)]
fn the_answer_to_one_too_many_is_held_back_and_good_keys_are_served_meanwhile() {
    let server = Server::with(|config| {
        config.throttle.burst = 1;
        config.throttle.delay = Span::seconds(1);
    });
    let key = server.account("acme");
    bad(&server, "").refuses(401, "invalid_key");
    let (began, mut minted) = (Instant::now(), 0);
    thread::scope(|scope| {
        let slowed = scope.spawn(|| bad(&server, "").refuses(429, "too_many_requests"));
        while !slowed.is_finished() {
            server.mint(&key);
            minted += 1;
        }
    });
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(minted > 1, "no key is good while an answer is held back");
}

#[test]
fn no_other_refusal_is_held_back() {
    let server = Server::with(|config| {
        config.throttle.burst = 1;
        config.throttle.delay = Span::seconds(60);
    });
    let key = server.account("acme");
    server.get("/nowhere").send().refuses(404, "not_found");
    let limit = json!({"rate_limit": {"requests": 1, "per_seconds": 60}});
    let token = server.mint_with(&key, limit);
    server.verify(&token).accepts();
    server.verify(&token).refuses_token(429);
    bad(&server, "").refuses(401, "invalid_key");
    server.verify(&token).refuses_token(429);
}
