//! `/v2/revoke`, as RFC 7009 has it.

use insta::assert_snapshot;
use moneyer::domain::Role;
use serde_json::json;

use crate::{
    introspection::{basic, refuses},
    settings::server,
};

#[test]
fn an_own_token_is_ended_at_once_and_again_is_no_failure() {
    let (server, key) = server();
    let token = server.mint(&key);
    server.verify(&token).accepts();
    assert_snapshot!(server.revoke(&key, &token).whole(), @"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 0
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003
    ");
    server.verify(&token).refuses_token(401);
    assert_eq!(server.revoke(&key, &token).status(), 200);
    assert!(server.list(&key).is_empty());
    let expired = server.mint_for_minutes(&key, 1);
    server.advance(60);
    assert_eq!(server.revoke(&key, &expired).status(), 200);
}

#[test]
fn others_tokens_and_none_are_answered_alike_and_nothing_is_done() {
    let (server, key) = server();
    let sibling = server.mint(&server.key("acme", Role::Admin));
    let foreign = server.mint(&server.account("other"));
    let own = server.revoke(&key, &server.mint(&key));
    let shape = |answer: &crate::support::Answer| {
        let whole = answer.whole();
        let lines = whole
            .lines()
            .filter(|line| !line.starts_with("x-request-id"));
        lines.collect::<Vec<_>>().join("\n")
    };
    for token in [
        &sibling,
        &foreign,
        &"0".repeat(32),
        "malformed",
        "%00",
        key.expose(),
    ] {
        let answer = server.revoke(&key, token);
        assert_eq!(shape(&answer), shape(&own), "{token}");
    }
    server.verify(&sibling).accepts();
    server.verify(&foreign).accepts();
}

#[test]
fn a_protected_token_stays() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"tags": ["protected"]}));
    assert_snapshot!(server.revoke(&key, &token).whole(), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 133
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"error":"invalid_request","error_description":"This token is tagged as protected and cannot be disabled while it carries that tag."}
    "#);
    server.verify(&token).accepts();
    // Who may not end it is not told that it is there.
    let sibling = server.key("acme", Role::Mint);
    assert_eq!(server.revoke(&sibling, &token).status(), 200);
    server.verify(&token).accepts();
}

#[test]
fn the_key_is_shown_as_for_introspection_and_its_role_matters() {
    let (server, key) = server();
    let post = || server.post("/v2/revoke");
    let with_basic = server.mint(&key);
    let form = format!("token={with_basic}&token_type_hint=access_token");
    let header = basic("client", key.expose());
    assert_eq!(
        post()
            .header("Authorization", &header)
            .form(&form)
            .send()
            .status(),
        200
    );
    server.verify(&with_basic).refuses_token(401);
    let by_parameter = server.mint(&key);
    let form = format!("token={by_parameter}&apikey={}", key.expose());
    assert_eq!(post().form(&form).send().status(), 200);
    server.verify(&by_parameter).refuses_token(401);

    let token = server.mint(&key);
    let form = format!("token={token}");
    refuses(&post().form(&form).send(), 401, "invalid_client");
    let wrong = post().header("Authorization", &basic("a", "b")).form(&form);
    refuses(&wrong.send(), 401, "invalid_client");
    let verifier = server.key("acme", Role::Verify);
    refuses(
        &server.revoke(&verifier, &token),
        403,
        "unauthorized_client",
    );
    let admin = server.key("acme", Role::Admin);
    let of_admin = server.mint(&admin);
    assert_eq!(server.revoke(&admin, &of_admin).status(), 200);
    server.verify(&of_admin).refuses_token(401);
    server.verify(&token).accepts();
}

#[test]
fn requests_that_cannot_be_understood_end_nothing() {
    let (server, key) = server();
    let token = server.mint(&key);
    for form in ["", "token=", "tokens=x", "token=%zz"] {
        let answer = server.post("/v2/revoke").key(&key).form(form).send();
        refuses(&answer, 400, "invalid_request");
    }
    let json = json!({ "token": token }).to_string();
    let json = server
        .post("/v2/revoke")
        .key(&key)
        .body("application/json", json.as_bytes());
    refuses(&json.send(), 400, "invalid_request");
    for method in ["GET", "DELETE", "HEAD", "PUT"] {
        let request = server.request(method, "/v2/revoke").key(&key);
        let answer = request.query("token", &token).send();
        let got = (answer.status(), answer.header("Allow"));
        assert_eq!(got, (405, Some("POST")), "{method}");
    }
    server.verify(&token).accepts();
}
