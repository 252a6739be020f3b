//! Whatever comes in, at random: nothing breaks, and nothing is minted that was not asked for.

use moneyer::domain::Role;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::support::{Server, send_raw};

/// Has `check` hold for whatever `strategy` comes up with.
pub fn always<S: Strategy>(strategy: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config).run(strategy, check).unwrap();
}

#[test]
fn random_bytes_without_a_key_mint_nothing_and_break_nothing() {
    let server = Server::with(|config| config.throttle.burst = 1000);
    always(&proptest::collection::vec(any::<u8>(), 0..200), |bytes| {
        let answer = server
            .post("/v2/auth")
            .body("application/x-www-form-urlencoded", &bytes)
            .send();
        prop_assert!([400, 401].contains(&answer.status()), "{}", answer.whole());
        Ok(())
    });
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn a_soup_of_parameters_gets_a_status_of_the_table() {
    let server = Server::start();
    let key = server.account("acme");
    let soup = "((expire|list|disableToken|cloneSettings|output|x|expires)(=([0-9]{12}|[0-9a-f]{32}|xml|%[0-9a-f]{2}|))?&){0,5}";
    always(&soup, |soup| {
        let before = server.count_tokens();
        let answer = server.auth(&key).raw_query(&soup).send();
        prop_assert!(
            [200, 400, 404].contains(&answer.status()),
            "{}",
            answer.whole()
        );
        let minted = answer.status() == 200
            && answer.body.contains("TOKEN")
            && !answer.body.contains("TOKENS");
        prop_assert_eq!(
            server.count_tokens() - before,
            i64::from(minted),
            "{}",
            answer.whole()
        );
        Ok(())
    });
}

#[test]
fn random_bytes_in_a_target_mint_nothing_and_break_nothing() {
    let server = Server::with(|config| config.throttle.burst = 1000);
    always(&proptest::collection::vec(any::<u8>(), 0..100), |bytes| {
        let request = [
            b"GET /v2/auth?".as_slice(),
            &bytes,
            b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ];
        let answer = send_raw(server.address, &request.concat());
        prop_assert!((400..500).contains(&answer.status()), "{}", answer.whole());
        Ok(())
    });
    assert_eq!(server.count_tokens(), 0);
}

/// A header that the service reads, with a value of any bytes that a header may have.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "Authorization",
        "Idempotency-Key",
        "Content-Type",
        "X-Forwarded-For",
        "X-Request-Id",
        "Accept",
        "Cookie",
    ]);
    let start = prop::sample::select(vec!["", "Bearer ", "127.0.0.1, "]);
    let byte = any::<u8>().prop_filter("ends the line", |byte| !b"\r\n\0".contains(byte));
    (name, start, proptest::collection::vec(byte, 0..60)).prop_map(|(name, start, bytes)| {
        [name.as_bytes(), b": ", start.as_bytes(), &bytes, b"\r\n"].concat()
    })
}

#[test]
fn random_headers_mint_nothing_and_break_nothing() {
    let server = Server::with(|config| {
        config.throttle.burst = 1000;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    server.account("acme");
    // May be shown, and may mint nothing.
    let key = server.key("acme", Role::Verify);
    let head = format!(
        "GET /v2/auth?apikey={} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
        key.expose()
    );
    always(&proptest::collection::vec(header(), 1..4), |headers| {
        let request = [head.as_bytes(), &headers.concat(), b"\r\n"].concat();
        let answer = send_raw(server.address, &request);
        prop_assert!(
            [400, 401, 403].contains(&answer.status()),
            "{}",
            answer.whole()
        );
        Ok(())
    });
    assert_eq!(server.count_tokens(), 0);
}
