//! Where from, and for what a token may be used.

use moneyer::domain::PrivateKey;
use serde_json::json;

use crate::{settings::server, support::Server};

/// A server behind a proxy that is trusted.
fn behind_a_proxy() -> (Server, PrivateKey) {
    let server = Server::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let key = server.account("acme");
    (server, key)
}

#[test]
fn origins_are_matched_whole_or_below_a_domain() {
    let (server, key) = server();
    let token = server.mint_with(
        &key,
        json!({"origins": ["https://app.example.org", "https://*.example.net:8443"]}),
    );
    for good in [
        "https://app.example.org",
        "https://APP.example.org",
        "https://app.example.org:443",
        "https://a.example.net:8443",
        "https://a.b.example.net:8443",
    ] {
        server.verify(&token).header("Origin", good).accepts();
    }
    for bad in [
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org.evil.example",
        "https://x.app.example.org",
        "https://app.example.org@evil.example",
        "https://app.example.org/",
        "https://app.example.org https://evil.example",
        "https://example.net:8443",
        "https://a.example.net",
        "https://aexample.net:8443",
        "https://*.example.net:8443",
        "https://.example.net:8443",
        "null",
        "",
        "*",
        "app.example.org",
        "é",
    ] {
        server
            .verify(&token)
            .header("Origin", bad)
            .refuses_token(403);
    }
    server.verify(&token).refuses_token(403);
    let unrestricted = server.mint(&key);
    server
        .verify(&unrestricted)
        .header("Origin", "null")
        .accepts();
}

#[test]
fn the_referer_counts_where_there_is_no_origin() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"origins": ["https://app.example.org"]}));
    let from = |referer| server.verify(&token).header("Referer", referer);
    from("https://app.example.org/a/b?c=d").accepts();
    from("https://app.example.org").accepts();
    for bad in [
        "https://evil.example/?https://app.example.org",
        "https://app.example.org@evil.example/",
        "https://app.example.org.evil.example/",
        "about:blank",
        "data:text/html,https://app.example.org",
        "",
        "/a",
    ] {
        from(bad).refuses_token(403);
    }
    let good = from("https://app.example.org/");
    good.clone().header("Origin", "null").refuses_token(403);
    good.clone()
        .header("Origin", "https://evil.example")
        .refuses_token(403);
    good.clone().header("Origin", "").refuses_token(403);
    let origin = "https://app.example.org";
    from("https://evil.example/")
        .header("Origin", origin)
        .accepts();
    let twice = server.verify(&token).header("Origin", origin);
    twice.clone().header("Origin", origin).refuses_token(403);
    twice
        .header("Origin", "https://evil.example")
        .refuses_token(403);
}

#[test]
fn addresses_must_lie_in_a_network() {
    let (server, key) = behind_a_proxy();
    let token = server.mint_with(
        &key,
        json!({"ips": ["192.0.2.0/25", "2001:db8::/32", "::ffff:198.51.100.0/120", "203.0.113.9"]}),
    );
    let from = |hops: &str| server.verify(&token).header("X-Forwarded-For", hops);
    for good in [
        "192.0.2.0",
        "192.0.2.127",
        "192.0.2.1:4711",
        "::ffff:192.0.2.1",
        "2001:db8::1",
        "[2001:DB8::1]:443",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "198.51.100.7",
        "::ffff:198.51.100.7",
        "203.0.113.9",
        "10.9.9.9, 192.0.2.1, 127.0.0.3",
    ] {
        from(good).accepts();
    }
    for bad in [
        "192.0.2.128",
        "192.0.1.255",
        "2001:db9::1",
        "::192.0.2.1",
        "203.0.113.8",
        "192.0.2.1, 198.51.101.1",
        "192.0.2.1, unknown",
        "192.0.2.1, ",
        "192.0.2.1;",
        "192.0.2.001",
        "",
    ] {
        from(bad).refuses_token(403);
    }
    // Nobody in front: the proxy itself is the client.
    server.verify(&token).refuses_token(403);
    let forwarded = server.verify(&token).header("Forwarded", "for=192.0.2.1");
    forwarded.accepts();
}

#[test]
fn every_wanted_scope_must_be_held() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"scopes": ["tiles:read", "search", "A"]}));
    let wanting = |scopes| server.verify(&token).query("scope", scopes);
    for good in [
        "search",
        "search tiles:read",
        "search,tiles:read",
        " search , tiles:read,,A ",
        "search search",
    ] {
        wanting(good).accepts();
    }
    let plus = server.verify(&token).raw_query("scope=search+tiles:read");
    plus.accepts();
    for bad in [
        "tiles",
        "tiles:read:all",
        "Search",
        "a",
        "*",
        "search write",
        "write,search",
        "search;A",
        "sea",
        "\u{e9}",
    ] {
        wanting(bad).refuses_token(403);
    }
    // What is nearly a wish, or there twice, or names nothing, must not be taken for no wish.
    for query in [
        "scope=search&scope=write",
        "scope=write&Scope=search",
        "scope=search&scope=",
        "scope=",
        "scope=%20,",
        "scopes=write",
        "scope%5B%5D=write",
        "status=gateway&amp;scope=write",
    ] {
        let answer = server.verify(&token).raw_query(query).send();
        assert_eq!(answer.status(), 400, "{query}");
        assert_eq!(answer.json()["error"]["code"], "BAD_REQUEST", "{query}");
    }
    let plain = server.mint(&key);
    server
        .verify(&plain)
        .query("scope", "search")
        .refuses_token(403);
    server.verify(&plain).accepts();
}

#[test]
fn a_wanted_scope_cannot_break_out_of_the_challenge() {
    let (server, key) = server();
    let token = server.mint(&key);
    let hostile = "a \"b\\ \r\nX-Evil: 1 \u{0}c é d";
    let refused = server
        .verify(&token)
        .query("scope", hostile)
        .refuses_token(403);
    assert_eq!(refused.header("X-Evil"), None);
    let challenge = refused.header("WWW-Authenticate").unwrap();
    assert!(challenge.ends_with("scope=\"a 1 d\""), "{challenge}");
}
