//! `/v2/verify`: what a gateway is told of tokens that are good, and of those that are not.

use insta::assert_snapshot;
use moneyer::{
    domain::{PrivateKey, Role},
    operator::{account, key},
    store::KeyTokens,
};
use serde_json::json;

use crate::{
    settings::server,
    support::{Server, block_on},
};

fn key_id(server: &Server, key: &PrivateKey) -> moneyer::domain::KeyId {
    block_on(server.app.authenticate(key)).unwrap().key
}

#[test]
fn a_good_token() {
    let (server, key) = server();
    let body = json!({"expire": "203001010000", "settings": {
        "scopes": ["tiles:read", "search"], "note": "not shown", "tags": ["neither"],
        "rate_limit": {"requests": 5, "per_seconds": 60},
    }});
    let token = server.mint_json(&key, &body).send().token();
    assert_snapshot!(server.verify(&token).accepts().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    content-length: 192
    content-type: application/json
    ratelimit-policy: "token";q=5;w=60
    ratelimit: "token";r=4;t=12
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-moneyer-account: acc_a1b770c69e636045
    x-moneyer-key: key_96f26459d5b8969f
    x-moneyer-scopes: tiles:read search
    x-moneyer-token: tok_1ada775b314cdc7e
    x-request-id: 5044379a000000000002

    {"active":true,"scope":"tiles:read search","client_id":"key_96f26459d5b8969f","sub":"acc_a1b770c69e636045","iat":1795581240,"exp":1893456000,"jti":"tok_1ada775b314cdc7e","token_type":"Bearer"}
    "#);
    let plain = server.mint(&key);
    assert_snapshot!(server.verify(&plain).accepts().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    content-length: 158
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-moneyer-account: acc_a1b770c69e636045
    x-moneyer-key: key_96f26459d5b8969f
    x-moneyer-scopes: 
    x-moneyer-token: tok_fba6c7c02451ee8c
    x-request-id: 5044379a000000000004

    {"active":true,"scope":"","client_id":"key_96f26459d5b8969f","sub":"acc_a1b770c69e636045","iat":1795581240,"jti":"tok_fba6c7c02451ee8c","token_type":"Bearer"}
    "#);
}

#[test]
fn refusals() {
    let (server, key) = server();
    assert_snapshot!(server.get("/v2/verify").refuses_token(401).whole(), @r#"
    HTTP/1.1 401 Unauthorized
    cache-control: no-store
    content-length: 161
    content-type: application/json
    referrer-policy: no-referrer
    www-authenticate: Bearer error="invalid_request", realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"success":false,"error":{"code":"UNAUTHORIZED","message":"A token is needed: give it as Authorization: Bearer TOKEN, as X-Api-Key, or as the parameter token."}}
    "#);
    assert_snapshot!(server.verify(&"0".repeat(32)).refuses_token(401).whole(), @r#"
    HTTP/1.1 401 Unauthorized
    cache-control: no-store
    content-length: 143
    content-type: application/json
    referrer-policy: no-referrer
    www-authenticate: Bearer error="invalid_token", realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"success":false,"error":{"code":"UNAUTHORIZED","message":"This token is not good: it is malformed or unknown, has expired, or was disabled."}}
    "#);
    let settings = json!({"scopes": ["a"], "rate_limit": {"requests": 1, "per_seconds": 60}});
    let token = server.mint_with(&key, settings);
    let wanting = server.verify(&token).query("scope", "a b");
    assert_snapshot!(wanting.refuses_token(403).whole(), @r#"
    HTTP/1.1 403 Forbidden
    cache-control: no-store
    content-length: 114
    content-type: application/json
    referrer-policy: no-referrer
    www-authenticate: Bearer error="insufficient_scope", realm="moneyer", scope="a b"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000004

    {"success":false,"error":{"code":"FORBIDDEN","message":"This token does not have the scope that is needed here."}}
    "#);
    let elsewhere = server.mint_with(&key, json!({"origins": ["https://a.example"]}));
    assert_snapshot!(server.verify(&elsewhere).refuses_token(403).whole(), @r#"
    HTTP/1.1 403 Forbidden
    cache-control: no-store
    content-length: 107
    content-type: application/json
    referrer-policy: no-referrer
    www-authenticate: Bearer error="access_denied", realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000006

    {"success":false,"error":{"code":"FORBIDDEN","message":"This token may not be used from this web origin."}}
    "#);
    let elsewhere = server.mint_with(&key, json!({"ips": ["10.0.0.0/8"]}));
    assert_snapshot!(server.verify(&elsewhere).refuses_token(403).body, @r#"{"success":false,"error":{"code":"FORBIDDEN","message":"This token may not be used from this address."}}"#);
    server.verify(&token).accepts();
    assert_snapshot!(server.verify(&token).refuses_token(429).whole(), @r#"
    HTTP/1.1 429 Too Many Requests
    cache-control: no-store
    content-length: 117
    content-type: application/json
    ratelimit-policy: "token";q=1;w=60
    ratelimit: "token";r=0;t=60
    referrer-policy: no-referrer
    retry-after: 60
    x-content-type-options: nosniff
    x-request-id: 5044379a00000000000a

    {"success":false,"error":{"code":"RATE_LIMITED","message":"This token is used too often; wait before trying again."}}
    "#);
    let gateway = server.verify(&token).query("status", "gateway");
    assert_snapshot!(gateway.refuses_token(403).whole(), @r#"
    HTTP/1.1 403 Forbidden
    cache-control: no-store
    content-length: 117
    content-type: application/json
    ratelimit-policy: "token";q=1;w=60
    ratelimit: "token";r=0;t=60
    referrer-policy: no-referrer
    retry-after: 60
    www-authenticate: Bearer error="slow_down", realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a00000000000b

    {"success":false,"error":{"code":"RATE_LIMITED","message":"This token is used too often; wait before trying again."}}
    "#);
}

#[test]
fn why_a_token_is_not_good_is_not_said() {
    let (server, key) = server();
    let (disabled, expired) = (server.mint(&key), server.mint_for_minutes(&key, 1));
    let other = server.account("other");
    let of_disabled_account = server.mint(&other);
    for token in [&disabled, &expired, &of_disabled_account] {
        server.verify(token).accepts();
    }
    server.disable(&key, &disabled);
    server.advance(60);
    block_on(account::disable(&server.app, "other")).unwrap();
    let unknown = server.verify(&"0".repeat(32)).refuses_token(401);
    for token in [
        disabled.as_str(),
        &expired,
        &of_disabled_account,
        "malformed",
    ] {
        let refused = server.verify(token).refuses_token(401);
        assert_eq!(refused.body, unknown.body);
        let challenge = refused.header("WWW-Authenticate");
        assert_eq!(challenge, unknown.header("WWW-Authenticate"));
    }
}

#[test]
fn questions_that_are_too_large_are_refused_in_the_gateways_form() {
    let (server, _) = server();
    let long = "x".repeat(9000);
    let targets = [
        server.get("/v2/verify").query("token", &long),
        server.get("/v2/verify/original/a").query("token", &long),
    ];
    let headers = server
        .get("/v2/verify")
        .header("X-Api-Key", &long.repeat(2));
    for (request, status) in targets
        .into_iter()
        .map(|it| (it, 414))
        .chain([(headers, 431)])
    {
        let answer = request.send();
        assert_eq!(answer.status(), status);
        assert_eq!(
            answer.json()["error"]["code"],
            "TOO_LARGE",
            "{}",
            answer.body
        );
    }
}

#[test]
fn malformed_tokens() {
    let (server, key) = server();
    let token = server.mint(&key);
    let id = server.verify(&token).accepts();
    let id = id.header("X-Moneyer-Token").unwrap();
    for bad in [
        &token[1..],
        &format!("{token}0"),
        &token.to_ascii_uppercase(),
        &format!("{} {}", &token[..16], &token[16..]),
        &format!("{token}\u{0}").replace('\u{0}', "%00"),
        &format!("{{{token}}}"),
        &format!("0x{token}"),
        &format!("{token},{token}"),
        "é",
        "' OR 1=1 --",
        id,
        key.expose(),
    ] {
        server.verify(bad).refuses_token(401);
        server
            .get("/v2/verify")
            .header("X-Api-Key", bad)
            .refuses_token(401);
        server
            .get("/v2/verify")
            .query("token", bad)
            .refuses_token(401);
    }
}

#[test]
fn a_token_expires_to_the_second_and_needs_no_sweeper_for_it() {
    let (server, key) = server();
    let (cold, warm) = (
        server.mint_for_minutes(&key, 1),
        server.mint_for_minutes(&key, 1),
    );
    server.verify(&warm).accepts();
    server.advance(59);
    server.verify(&warm).accepts();
    server.advance(1);
    server.verify(&warm).refuses_token(401);
    server.verify(&cold).refuses_token(401);
}

#[test]
fn a_disabled_account_has_no_good_tokens() {
    let (server, key) = server();
    let (cold, warm) = (server.mint(&key), server.mint(&key));
    let other = server.mint(&server.account("other"));
    server.verify(&warm).accepts();
    block_on(account::disable(&server.app, "acme")).unwrap();
    server.verify(&warm).refuses_token(401);
    server.verify(&cold).refuses_token(401);
    server.verify(&other).accepts();
}

#[test]
fn a_disabled_key_leaves_its_tokens_or_takes_them_along() {
    let (server, key) = server();
    let (cold, warm) = (server.mint(&key), server.mint(&key));
    let sibling = server.mint(&server.key("acme", Role::Mint));
    server.verify(&warm).accepts();
    let id = key_id(&server, &key);
    block_on(key::disable(&server.app, id, Some(KeyTokens::Keep))).unwrap();
    server.verify(&warm).accepts();
    server.verify(&cold).accepts();
    block_on(key::disable(&server.app, id, Some(KeyTokens::End))).unwrap();
    server.verify(&warm).refuses_token(401);
    server.verify(&cold).refuses_token(401);
    server.verify(&sibling).accepts();
}

#[test]
fn a_rotated_keys_tokens_stay_good_and_show_the_new_key() {
    let (server, key) = server();
    let (cold, warm) = (server.mint(&key), server.mint(&key));
    server.verify(&warm).accepts();
    let rotated = block_on(key::rotate(&server.app, &key, Some(KeyTokens::Keep))).unwrap();
    for token in [&cold, &warm] {
        let answer = server.verify(token).accepts();
        let id = rotated.new.id.to_string();
        assert_eq!(answer.header("X-Moneyer-Key"), Some(id.as_str()));
        assert_eq!(answer.json()["client_id"], id);
    }
    block_on(key::rotate(
        &server.app,
        &rotated.new.key,
        Some(KeyTokens::End),
    ))
    .unwrap();
    server.verify(&cold).refuses_token(401);
    server.verify(&warm).refuses_token(401);
}
