//! Whatever comes in at random where tokens are verified and changed: nothing breaks, nothing is
//! accepted that should not be, and what is kept can be written back.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    random_input::always,
    settings::server,
    support::{Server, send_raw},
};

/// A header that is read before anybody is known, with a value of any bytes that it may have.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "Authorization",
        "X-Api-Key",
        "X-Original-URI",
        "X-Forwarded-Uri",
        "Origin",
        "Referer",
        "X-Forwarded-For",
        "Forwarded",
        "X-Moneyer-Key",
    ]);
    let start = prop::sample::select(vec![
        "",
        "Bearer ",
        "/a?token=",
        "https://",
        "https://app.example.org",
        "for=",
        "192.0.2.1",
        "192.0.2.1, ",
        "[::ffff:192.0.2.1",
    ]);
    let byte = any::<u8>().prop_filter("ends the line", |byte| !b"\r\n\0".contains(byte));
    (name, start, proptest::collection::vec(byte, 1..40)).prop_map(|(name, start, bytes)| {
        [name.as_bytes(), b": ", start.as_bytes(), &bytes, b"\r\n"].concat()
    })
}

fn behind_a_proxy() -> Server {
    Server::with(|config| {
        config.throttle.burst = 1000;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
}

#[test]
fn random_headers_show_no_good_token_and_break_nothing() {
    let server = behind_a_proxy();
    always(&proptest::collection::vec(header(), 1..5), |headers| {
        let head = b"GET /v2/verify?explain=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        let request = [head.as_slice(), &headers.concat(), b"\r\n"].concat();
        let answer = send_raw(server.address, &request);
        let statuses = [400, 401, 403];
        prop_assert!(statuses.contains(&answer.status()), "{}", answer.whole());
        Ok(())
    });
}

#[test]
fn random_headers_do_not_lift_a_restriction() {
    let server = behind_a_proxy();
    let key = server.account("acme");
    // No address in this network can be written behind the beginnings above.
    let token = server.mint_with(&key, json!({"ips": ["198.18.0.0/31"]}));
    let head = format!("GET /v2/verify?token={token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    always(&proptest::collection::vec(header(), 1..5), |headers| {
        let request = [head.as_bytes(), &headers.concat(), b"\r\n"].concat();
        let answer = send_raw(server.address, &request);
        prop_assert_ne!(answer.status(), 200, "{}", answer.whole());
        prop_assert!(answer.status() < 500, "{}", answer.whole());
        Ok(())
    });
}

/// The value of a member: a good one most of the time.
fn value(name: &'static str) -> BoxedStrategy<Value> {
    let texts = |text: &'static str| {
        proptest::collection::vec(text, 0..4)
            .prop_map(Value::from)
            .boxed()
    };
    let good = match name {
        "tags" => texts("\\PC{1,4}"),
        "scopes" => texts("[!-~]{1,4}"),
        "origins" => texts("https?://(\\*\\.)?[A-Za-z0-9]{1,5}\\.[a-z]{1,5}(:[0-9]{1,4})?"),
        "ips" => texts(
            "([0-9]{1,3}\\.0\\.0\\.0/(8|16|7)|(::ffff:)?10\\.[0-9]\\.0\\.[0-9]|2001:[a-f]::/(32|31))",
        ),
        "note" => "\\PC{0,8}".prop_map(Value::from).boxed(),
        "rate_limit" => (0_u32..9, 0_u32..9)
            .prop_map(
                |(requests, per_seconds)| json!({"requests": requests, "per_seconds": per_seconds}),
            )
            .boxed(),
        _ => any::<bool>().prop_map(Value::from).boxed(),
    };
    let odd = prop_oneof![
        Just(Value::Null),
        Just(json!([null])),
        Just(json!({"requests": 3})),
        any::<i64>().prop_map(Value::from),
    ];
    prop_oneof![8 => good, 1 => odd].boxed()
}

/// A document that is one of settings most of the time.
fn document() -> impl Strategy<Value = Value> {
    let names = [
        "tags",
        "scopes",
        "origins",
        "ips",
        "rate_limit",
        "note",
        "usage",
    ];
    let names = proptest::sample::subsequence(names.to_vec(), 0..4);
    let members = names.prop_flat_map(|names| {
        let each = names
            .into_iter()
            .map(|name| (Just(name.to_owned()), value(name)));
        each.collect::<Vec<_>>()
    });
    members.prop_map(|members| members.into_iter().collect())
}

#[test]
fn what_is_taken_is_kept_and_what_is_refused_changes_nothing() {
    let (server, key) = server();
    let token = server.mint(&key);
    let changes = std::cell::Cell::new(0);
    always(&(any::<bool>(), document()), |(whole, document)| {
        let before = server.settings(&key, &token);
        let answer = if whole {
            server.put(&key, &token, &document)
        } else {
            server.patch(&key, &token, &document)
        };
        let after = server.settings(&key, &token);
        match answer.status() {
            200 => {
                prop_assert_eq!(&after, &answer.json());
                changes.set(changes.get() + usize::from(after != before));
                let again = server.put(&key, &token, &after).json();
                prop_assert_eq!(&again, &after, "what is shown may be written back");
            }
            400 => prop_assert_eq!(&after, &before),
            _ => prop_assert!(false, "{document}: {}", answer.whole()),
        }
        let xml = server.resource("GET", &key, &token).query("output", "xml");
        prop_assert_eq!(xml.send().status(), 200);
        prop_assert!(server.verify(&token).send().status() < 500);
        Ok(())
    });
    // Otherwise little was tried.
    assert!(changes.get() > 30, "{changes:?}");
}
