//! Who may ask whether tokens are good, and about whose tokens.

use moneyer::{
    domain::{Label, PrivateKey, Role, Timestamp},
    operator::{account, key},
    store::KeyTokens,
};
use serde_json::json;

use crate::{
    settings::server,
    support::{Answer, NOW, Request, Server, block_on},
};

const UNKNOWN: &str = "00000000000000000000000000000000";
const BAD: &str = "K0000000000000000000000000000000000000000";

/// A server that trusts no address, with an account, its keys of the roles mint and verify, and a
/// token.
fn strict() -> (Server, PrivateKey, PrivateKey, String) {
    let server = Server::with(|config| config.verify.trusted = Vec::new());
    let key = server.account("acme");
    let verifier = server.key("acme", Role::Verify);
    let token = server.mint(&key);
    (server, key, verifier, token)
}

fn keyed(request: Request, key: &PrivateKey) -> Request {
    request.header("X-Moneyer-Key", key.expose())
}

/// Checks that the caller is refused, and told nothing of the token.
#[track_caller]
fn refuses_caller(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status(), status, "{}", answer.whole());
    let json = answer.json();
    assert_eq!(json["error"]["code"], code, "{json}");
    assert_eq!(json["success"], false);
    assert_eq!(json.get("rules"), None);
    let whole = answer.whole().to_ascii_lowercase();
    assert!(
        !whole.contains("x-moneyer-a") && !whole.contains("tok_"),
        "{whole}"
    );
}

#[test]
fn the_own_machine_may_where_nothing_is_set() {
    let (server, key) = server();
    server.verify(&server.mint(&key)).accepts();
    let other = server.account("other");
    server.verify(&server.mint(&other)).accepts();
}

#[test]
fn a_stranger_may_not_whatever_it_shows() {
    let (server, _, verifier, token) = strict();
    for stranger in [
        server.verify(&token),
        server.verify(&token).query("explain", "1"),
        server.verify(UNKNOWN),
        server.get("/v2/verify"),
        server.post("/v2/verify").query("token", &token),
        server.get("/v2/verify/original/a").query("token", &token),
        // A key is shown in one place alone, and an address is not chosen by who has it.
        server.verify(&token).query("apikey", verifier.expose()),
        server
            .get("/v2/verify")
            .key(&verifier)
            .query("token", &token),
        server
            .verify(&token)
            .query("X-Moneyer-Key", verifier.expose()),
        server
            .verify(&token)
            .header("X_Moneyer_Key", verifier.expose()),
        server.verify(&token).header("X-Forwarded-For", "127.0.0.1"),
        server.verify(&token).header("Forwarded", "for=127.0.0.1"),
        server.verify(&token).header("X-Real-IP", "127.0.0.1"),
    ] {
        let answer = stranger.send();
        refuses_caller(&answer, 401, "UNAUTHORIZED");
        assert!(answer.header("WWW-Authenticate").is_some());
    }
}

#[test]
fn another_network_may_be_trusted() {
    let nets = |nets: &[&str]| {
        let nets: Vec<_> = nets.iter().map(|net| net.parse().unwrap()).collect();
        let server = Server::with(|config| {
            config.verify.trusted = nets;
            // Whom a proxy speaks for does not matter here.
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        });
        let token = server.mint(&server.account("acme"));
        let verify = server.verify(&token).header("X-Forwarded-For", "10.0.0.1");
        verify.send().status()
    };
    assert_eq!(nets(&["10.0.0.0/8"]), 401);
    assert_eq!(nets(&["10.0.0.0/8", "127.0.0.1/32"]), 200);
    assert_eq!(nets(&["::/0"]), 401);
    assert_eq!(nets(&["0.0.0.0/0"]), 200);
}

#[test]
fn a_key_of_the_role_verify_or_admin_may() {
    let (server, key, verifier, token) = strict();
    keyed(server.verify(&token), &verifier).accepts();
    keyed(server.verify(&token), &server.key("acme", Role::Admin)).accepts();
    let original = server.get("/v2/verify/original/a/b").query("token", &token);
    keyed(original, &verifier).accepts();
    let other_role = keyed(server.verify(&token).query("explain", "1"), &key).send();
    refuses_caller(&other_role, 403, "FORBIDDEN");
    keyed(server.verify(UNKNOWN), &verifier).refuses_token(401);
}

#[test]
fn a_key_that_is_shown_counts_alone_even_where_the_address_is_trusted() {
    let (server, mint_key) = server();
    let token = server.mint(&mint_key);
    let verify = || server.verify(&token).query("explain", "1");
    let verifier = server.key("acme", Role::Verify);
    for bad in [BAD, "", " ", "é", "x", &token] {
        let answer = verify().header("X-Moneyer-Key", bad).send();
        refuses_caller(&answer, 401, "UNAUTHORIZED");
    }
    refuses_caller(&keyed(verify(), &mint_key).send(), 403, "FORBIDDEN");
    let twice = keyed(keyed(verify(), &verifier), &verifier).send();
    refuses_caller(&twice, 401, "UNAUTHORIZED");
    keyed(verify(), &verifier).accepts();
}

#[test]
fn a_key_that_has_stopped_may_not() {
    let (server, mint_key) = server();
    let token = server.mint(&mint_key);
    let wanted = key::Wanted {
        role: Role::Verify,
        label: Label::default(),
        expires_at: Some(Timestamp::from_seconds(NOW.seconds() + 60)),
    };
    let expiring = block_on(key::create(&server.app, "acme", wanted))
        .unwrap()
        .key;
    let disabled = server.key("acme", Role::Verify);
    let id = block_on(server.app.authenticate(&disabled)).unwrap().key;
    keyed(server.verify(&token), &expiring).accepts();
    keyed(server.verify(&token), &disabled).accepts();
    block_on(async {
        let elsewhere = server.elsewhere();
        key::disable(&elsewhere, id, Some(KeyTokens::Keep))
            .await
            .unwrap();
        server.app.follow().await.unwrap();
    });
    server.advance(60);
    for stopped in [&expiring, &disabled] {
        let answer = keyed(server.verify(&token), stopped).send();
        refuses_caller(&answer, 401, "UNAUTHORIZED");
    }
    server.verify(&token).accepts();
}

#[test]
fn tokens_of_another_account_are_as_good_as_unknown() {
    let (server, key) = server();
    let other = server.account("other");
    let verifier = server.key("other", Role::Verify);
    let own = server.mint(&other);
    let (good, ended) = (server.mint(&key), server.mint(&key));
    let expired = server.mint_for_minutes(&key, 1);
    let elsewhere = server.mint_with(&key, json!({"ips": ["10.0.0.0/8"]}));
    let limited = json!({"rate_limit": {"requests": 1, "per_seconds": 60}});
    let limited = server.mint_with(&key, limited);
    let third = server.mint(&server.account("third"));
    server.disable(&key, &ended);
    server.advance(60);
    block_on(account::disable(&server.app, "third")).unwrap();
    let tokens = [&good, &ended, &expired, &elsewhere, &limited, &third];
    for explain in ["0", "1"] {
        let ask = |token: &str| keyed(server.verify(token).query("explain", explain), &verifier);
        let unknown = ask(UNKNOWN).refuses_token(401);
        for warm in [false, true] {
            for token in tokens {
                let answer = ask(token).refuses_token(401);
                assert_eq!(answer.body, unknown.body, "warm: {warm}");
                assert_eq!(answer.header("RateLimit"), None);
                // Whoever may ask about all tokens has it looked up.
                server.verify(token).send();
            }
        }
        ask(&own).accepts();
    }
}

#[test]
fn failing_to_say_who_one_is_is_slowed_down_and_bad_tokens_are_not() {
    let server = Server::with(|config| {
        config.throttle.burst = 3;
        config.throttle.failures_per_second = 1;
        config.verify.trusted = Vec::new();
    });
    let key = server.account("acme");
    let (warm, cold) = (
        server.key("acme", Role::Verify),
        server.key("acme", Role::Verify),
    );
    let token = server.mint(&key);
    for _ in 0..20 {
        keyed(server.verify(UNKNOWN), &warm).refuses_token(401);
        let other_role = keyed(server.verify(&token), &key).send();
        refuses_caller(&other_role, 403, "FORBIDDEN");
    }
    let bad = || server.verify(&token).header("X-Moneyer-Key", BAD).send();
    refuses_caller(&bad(), 401, "UNAUTHORIZED");
    let none = || server.verify(&token).send();
    refuses_caller(&none(), 401, "UNAUTHORIZED");
    refuses_caller(&bad(), 401, "UNAUTHORIZED");
    for slowed in [bad(), none(), server.introspect(&warm_but_wrong(), &token)] {
        assert_eq!(slowed.status(), 429, "{}", slowed.whole());
        assert_eq!(slowed.header("Retry-After"), Some("1"));
    }
    refuses_caller(&bad(), 429, "RATE_LIMITED");
    keyed(server.verify(&token), &warm).accepts();
    keyed(server.verify(&token), &cold).accepts();
    server.advance(1);
    refuses_caller(&bad(), 401, "UNAUTHORIZED");
}

fn warm_but_wrong() -> PrivateKey {
    PrivateKey::presented(BAD).unwrap()
}
