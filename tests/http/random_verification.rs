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

/// JSON that has to do with settings now and then.
fn document() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,8}",
        "[a-z:]{1,8}",
        "https://[a-z]{1,5}\\.[a-z]{1,5}(:[0-9]{1,5})?",
        "[0-9]{1,2}\\.0\\.0\\.0/[0-9]{1,2}",
        Just("protected".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u32..100).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "tags",
        "scopes",
        "origins",
        "ips",
        "rate_limit",
        "note",
        "requests",
        "per_seconds",
        "usage",
        "other",
    ]);
    leaf.prop_recursive(3, 20, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..4).prop_map(|members| {
                let members = members.into_iter();
                members
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

#[test]
fn what_is_taken_is_kept_and_what_is_refused_changes_nothing() {
    let (server, key) = server();
    let token = server.mint(&key);
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
}
