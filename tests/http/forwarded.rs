//! Whose address a token is held to, whatever strangers write into headers.

use serde_json::json;

use crate::support::{Request, Server};

/// A server that believes these proxies, and a request with a token that may be used from
/// 192.0.2.0/24 alone.
fn restricted(proxies: &[&str]) -> (Server, Request) {
    let proxies: Vec<_> = proxies.iter().map(|net| net.parse().unwrap()).collect();
    let server = Server::with(|config| config.trusted_proxies = proxies);
    let key = server.account("acme");
    let token = server.mint_with(&key, json!({"ips": ["192.0.2.0/24"]}));
    let request = server.verify(&token);
    (server, request)
}

#[test]
fn an_untrusted_peer_speaks_for_itself_alone() {
    for proxies in [&[][..], &["10.0.0.0/8"]] {
        let (server, request) = restricted(proxies);
        for (name, value) in [
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.1, 10.0.0.1"),
            ("Forwarded", "for=192.0.2.1"),
            ("X-Real-IP", "192.0.2.1"),
            ("Client-IP", "192.0.2.1"),
            ("CF-Connecting-IP", "192.0.2.1"),
        ] {
            request.clone().header(name, value).refuses_token(403);
        }
        let key = server.account("other");
        let local = server.mint_with(&key, json!({"ips": ["127.0.0.0/8"]}));
        let forged = server
            .verify(&local)
            .header("X-Forwarded-For", "198.51.100.1");
        forged.accepts();
        server
            .verify(&local)
            .header("X-Forwarded-For", "garbage")
            .accepts();
    }
}

#[test]
fn the_rightmost_hop_that_is_not_trusted_is_the_client() {
    let (_server, request) = restricted(&["127.0.0.0/8", "10.0.0.0/8"]);
    let from = |hops: &str| request.clone().header("X-Forwarded-For", hops);
    from("192.0.2.1").accepts();
    from("198.51.100.1, 192.0.2.1, 10.0.0.2, 127.0.0.1").accepts();
    from("garbage, 192.0.2.1").accepts();
    from("192.0.2.1, 198.51.100.1").refuses_token(403);
    from("192.0.2.1, 198.51.100.1, 10.0.0.2").refuses_token(403);
    from("10.0.0.1").refuses_token(403);
    let lines = from("192.0.2.1").header("X-Forwarded-For", "10.0.0.2");
    lines.accepts();
    let lines = from("192.0.2.1").header("X-Forwarded-For", "198.51.100.1");
    lines.refuses_token(403);
}

#[test]
fn a_hop_that_is_no_address_leaves_it_open_who_the_client_is() {
    let (server, request) = restricted(&["127.0.0.0/8"]);
    for hops in [
        "192.0.2.1, garbage",
        "192.0.2.1, ",
        "192.0.2.1,",
        ",192.0.2.1,,",
        "unknown",
        "_hidden",
        "\"192.0.2.1\"",
        "192.0.2.1 198.51.100.1",
        "192.0.2.256",
        "192.0.2.1/24",
        "0192.0.2.1",
        "3221225985",
        "::ffff:192.0.2.1%eth0",
        "é",
    ] {
        let request = request.clone().header("X-Forwarded-For", hops);
        request.refuses_token(403);
    }
    for line in [
        "for=192.0.2.1, for=unknown",
        "for=\"192.0.2.1",
        "by=192.0.2.1",
        "192.0.2.1",
        "",
    ] {
        request.clone().header("Forwarded", line).refuses_token(403);
    }
    // It matters only where the address does.
    let unrestricted = server.mint(&server.account("other"));
    let garbage = server
        .verify(&unrestricted)
        .header("X-Forwarded-For", "garbage");
    garbage.accepts();
}

#[test]
fn a_thousand_hops() {
    let (_server, request) = restricted(&["127.0.0.0/8"]);
    let thousand = |hop: &str| vec![hop; 1000].join(",");
    let forged = format!("{},198.51.100.1", thousand("192.0.2.1"));
    request
        .clone()
        .header("X-Forwarded-For", &forged)
        .refuses_token(403);
    let behind = format!("192.0.2.1,{}", thousand("127.0.0.9"));
    request.clone().header("X-Forwarded-For", &behind).accepts();
    let garbage = format!("{},192.0.2.1", thousand("x"));
    request
        .clone()
        .header("X-Forwarded-For", &garbage)
        .accepts();
    let mut lines = request.clone().header("X-Forwarded-For", "192.0.2.1");
    for _ in 0..80 {
        lines = lines.header("X-Forwarded-For", "127.0.0.9, 127.0.0.8");
    }
    lines.accepts();
}

#[test]
fn two_headers_that_contradict_each_other_leave_it_open() {
    let (_server, request) = restricted(&["127.0.0.0/8"]);
    let both = |listed: &str, forwarded: &str| {
        let request = request.clone().header("X-Forwarded-For", listed);
        request.header("Forwarded", forwarded)
    };
    both("192.0.2.1", "for=192.0.2.1").accepts();
    both("192.0.2.1", "for=\"192.0.2.1:80\", for=127.0.0.9").accepts();
    both("192.0.2.1", "for=192.0.2.2").refuses_token(403);
    both("192.0.2.1", "for=198.51.100.1").refuses_token(403);
    both("198.51.100.1", "for=192.0.2.1").refuses_token(403);
    both("192.0.2.1", "for=unknown").refuses_token(403);
    both("garbage", "for=192.0.2.1").refuses_token(403);
    request
        .header("Forwarded", "for=192.0.2.1;proto=https")
        .accepts();
}

#[test]
fn names_with_underscores_say_nothing() {
    let (_server, request) = restricted(&["127.0.0.0/8"]);
    for name in [
        "X_Forwarded_For",
        "X-Forwarded_For",
        "HTTP_X_FORWARDED_FOR",
        "X-Forwarded-For_",
    ] {
        request.clone().header(name, "192.0.2.1").refuses_token(403);
        let beside = request.clone().header("X-Forwarded-For", "192.0.2.1");
        beside.header(name, "198.51.100.1").accepts();
    }
}
