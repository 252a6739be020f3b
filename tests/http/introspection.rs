//! `/v2/introspect`, as RFC 7662 has it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use insta::assert_snapshot;
use moneyer::{
    domain::{PrivateKey, Role},
    operator::account,
};
use serde_json::json;

use crate::{
    settings::{full, server},
    support::{Answer, Server, block_on},
};

const INACTIVE: &str = r#"{"active":false}"#;

/// A server with an account and its keys of the roles mint and verify.
fn with_verifier() -> (Server, PrivateKey, PrivateKey) {
    let (server, key) = server();
    let verifier = server.key("acme", Role::Verify);
    (server, key, verifier)
}

pub fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

/// Checks that the answer is this error of OAuth 2.0 (RFC 6749, section 5.2).
#[track_caller]
pub fn refuses(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status(), status, "{}", answer.whole());
    let json = answer.json();
    assert_eq!(json["error"], code, "{json}");
    let description = json["error_description"].as_str();
    assert!(
        description.is_some_and(|text| text.ends_with('.')),
        "{json}"
    );
    assert_eq!(json.as_object().unwrap().len(), 2, "{json}");
}

#[test]
fn an_active_token() {
    let (server, key, verifier) = with_verifier();
    let body = json!({"expire": "203001010000", "settings": full()});
    let token = server.mint_json(&key, &body).send().token();
    assert_snapshot!(server.introspect(&verifier, &token).whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 192
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"active":true,"scope":"tiles:read search","client_id":"key_96f26459d5b8969f","sub":"acc_a1b770c69e636045","iat":1795581240,"exp":1893456000,"jti":"tok_c1c50b5d1b704f9b","token_type":"Bearer"}
    "#);
    let plain = server.mint(&key);
    assert_snapshot!(server.introspect(&verifier, &plain).body, @r#"{"active":true,"scope":"","client_id":"key_96f26459d5b8969f","sub":"acc_a1b770c69e636045","iat":1795581240,"jti":"tok_bcb6f85f677bd373","token_type":"Bearer"}"#);
}

#[test]
fn a_token_that_is_not_active() {
    let (server, key, verifier) = with_verifier();
    let (ended, expired) = (server.mint(&key), server.mint_for_minutes(&key, 1));
    assert_eq!(server.introspect(&verifier, &ended).json()["active"], true);
    assert_eq!(
        server.introspect(&verifier, &expired).json()["active"],
        true
    );
    server.disable(&key, &ended);
    server.advance(60);
    assert_snapshot!(server.introspect(&verifier, &ended).whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 16
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000006

    {"active":false}
    "#);
    let foreign = server.mint(&server.account("other"));
    server.verify(&foreign).accepts();
    let long = "a".repeat(10_000);
    for token in [
        &expired,
        &foreign,
        &"0".repeat(32),
        "malformed",
        "%00",
        "%C3%A9",
        &long,
        key.expose(),
    ] {
        let answer = server.introspect(&verifier, token);
        assert_eq!(
            (answer.status(), answer.body.as_str()),
            (200, INACTIVE),
            "{token}"
        );
    }
    block_on(account::disable(&server.app, "other")).unwrap();
    assert_eq!(server.introspect(&verifier, &foreign).body, INACTIVE);
}

#[test]
fn restrictions_are_for_whoever_serves_the_request() {
    let (server, key, verifier) = with_verifier();
    let token = server.mint_with(
        &key,
        json!({
            "origins": ["https://a.example"], "ips": ["10.0.0.0/8"],
            "rate_limit": {"requests": 1, "per_seconds": 86_400},
        }),
    );
    for _ in 0..3 {
        assert_eq!(server.introspect(&verifier, &token).json()["active"], true);
    }
}

#[test]
fn any_key_of_the_account_with_the_role_may_ask() {
    let (server, key, verifier) = with_verifier();
    let token = server.mint(&key);
    let admin = server.key("acme", Role::Admin);
    for by in [&verifier, &admin] {
        assert_eq!(server.introspect(by, &token).json()["active"], true);
    }
    let mint = server.introspect(&key, &token);
    refuses(&mint, 403, "unauthorized_client");
    let other = server.account("other");
    let unknown = server.introspect(&other, &"0".repeat(32));
    refuses(&unknown, 403, "unauthorized_client");
}

#[test]
fn the_key_is_shown_as_bearer_as_basic_or_as_a_parameter() {
    let (server, key, verifier) = with_verifier();
    let token = server.mint(&key);
    let secret = verifier.expose();
    let post = || server.post("/v2/introspect");
    let form = format!("token={token}");
    for header in [
        format!("bearer {secret}"),
        basic("", secret),
        basic("gateway", secret),
        basic("gateway", &format!("{secret}\n")).replace("Basic", "bAsIc"),
    ] {
        let answer = post().header("Authorization", &header).form(&form).send();
        assert_eq!(answer.json()["active"], true, "{header}");
    }
    // A user has no colon; what is behind the first is the password.
    let colon = post()
        .header("Authorization", &basic("a:b", secret))
        .form(&form);
    refuses(&colon.send(), 401, "invalid_client");
    let parameter = post().form(&format!("{form}&apikey={secret}")).send();
    assert_eq!(parameter.json()["active"], true);
    let in_query = post().query("apikey", secret).form(&form);
    assert_eq!(in_query.send().json()["active"], true);
    // A header that is there counts alone.
    let beside = post().header("Authorization", &basic("a", "wrong"));
    let beside = beside.form(&format!("{form}&apikey={secret}")).send();
    refuses(&beside, 401, "invalid_client");
}

#[test]
fn no_key_and_bad_ones() {
    let (server, key, verifier) = with_verifier();
    let token = server.mint(&key);
    let form = format!("token={token}");
    let post = |header: &str| {
        let post = server
            .post("/v2/introspect")
            .header("Authorization", header);
        post.form(&form).send()
    };
    assert_snapshot!(server.post("/v2/introspect").form(&form).send().whole(), @r#"
    HTTP/1.1 401 Unauthorized
    cache-control: no-store
    connection: close
    content-length: 172
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    www-authenticate: Bearer realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"error":"invalid_client","error_description":"A private key is needed: as the password of Authorization: Basic, as Authorization: Bearer KEY, or as the parameter apikey."}
    "#);
    for bad in [
        "Bearer wrong",
        "Bearer",
        "Basic",
        "Basic !",
        "Basic YTpi",
        &format!("Basic {}", BASE64_STANDARD.encode(verifier.expose())),
        &basic(verifier.expose(), ""),
        "Digest a=b",
        "",
    ] {
        let answer = post(bad);
        refuses(&answer, 401, "invalid_client");
        assert!(answer.header("WWW-Authenticate").is_some());
    }
    let by_verifying_header = server
        .post("/v2/introspect")
        .header("X-Moneyer-Key", verifier.expose())
        .form(&form);
    refuses(&by_verifying_header.send(), 401, "invalid_client");
}

#[test]
fn a_refused_client_is_challenged_by_the_scheme_that_it_used() {
    let (server, _, _) = with_verifier();
    let ask = |header: &str| {
        let request = server
            .post("/v2/introspect")
            .header("Authorization", header);
        let answer = request.form("token=x").send();
        refuses(&answer, 401, "invalid_client");
        answer.header("WWW-Authenticate").unwrap().to_owned()
    };
    assert_eq!(ask(&basic("a", "wrong")), "Basic realm=\"moneyer\"");
    assert_eq!(ask("Bearer wrong"), "Bearer realm=\"moneyer\"");
}

#[test]
fn requests_that_cannot_be_understood() {
    let (server, key, verifier) = with_verifier();
    let token = server.mint(&key);
    let post = || server.post("/v2/introspect").key(&verifier);
    assert_snapshot!(post().form("x=y").send().whole(), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 70
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"error":"invalid_request","error_description":"token must be given."}
    "#);
    for form in [
        "token=",
        "token=+",
        "tokens=x",
        "token=%zz",
        "token=%ff",
        "",
    ] {
        refuses(&post().form(form).send(), 400, "invalid_request");
    }
    // What stands in an address ends up in logs.
    let in_query = post().query("token", &token).form("x=y").send();
    refuses(&in_query, 400, "invalid_request");
    let json = json!({ "token": token }).to_string();
    let json = post().body("application/json", json.as_bytes()).send();
    refuses(&json, 400, "invalid_request");
    let long = post().form(&format!("token={}", "a".repeat(17_000))).send();
    refuses(&long, 413, "invalid_request");
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let request = server.request(method, "/v2/introspect").key(&verifier);
        let answer = request.query("token", &token).send();
        let got = (answer.status(), answer.header("Allow"));
        assert_eq!(got, (405, Some("POST")), "{method}");
        assert!(!answer.body.contains("active"), "{}", answer.body);
    }
}
