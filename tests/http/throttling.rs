//! Failed authentication, slowed down by address.

use moneyer::{config::Span, domain::Role, operator::account};
use serde_json::json;

use crate::support::{Answer, Connection, Server, block_on};

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

const BAD: &[u8] = b"GET /v2/auth HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server of one thread that holds an answer back for so long, from the second failure on.
fn holding(seconds: u64) -> Server {
    let server = Server::with(|config| {
        config.workers = 1;
        config.limits.shutdown_timeout = Span::seconds(1);
        config.throttle.burst = 1;
        config.throttle.delay = Span::seconds(seconds);
    });
    bad(&server, "").refuses(401, "invalid_key");
    server
}

#[test]
fn the_answer_to_one_too_many_is_held_back_and_others_are_served_meanwhile() {
    let server = holding(60);
    let key = server.account("acme");
    let mut stranger = Connection::open(server.address);
    stranger.send(BAD);
    for _ in 0..3 {
        server.verify(&server.mint(&key)).accepts();
    }
    assert!(stranger.is_quiet());
}

#[test]
fn a_connection_goes_on_after_an_answer_that_was_held_back() {
    let server = holding(1);
    let key = server.account("acme");
    let good = format!(
        "GET /v2/auth HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        key.expose()
    );
    let mut connection = Connection::open(server.address);
    connection.send(BAD);
    // The next request comes while the answer is held back.
    server.mint(&key);
    connection.send(good.as_bytes());
    assert_eq!([connection.answer().0, connection.answer().0], [429, 200]);
    connection.send(BAD);
    assert_eq!(connection.answer().0, 429);
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
