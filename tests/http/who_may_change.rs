//! Who may read and change a token's settings, and of which tokens.

use moneyer::domain::Role;
use serde_json::json;

use crate::settings::{full, server};

#[test]
fn the_key_may_be_shown_as_at_the_other_paths() {
    let (server, key) = server();
    let token = server.mint(&key);
    let target = format!("/v2/auth/token/{token}");
    let by_parameter = server.get(&target).query("apikey", key.expose()).send();
    assert_eq!(by_parameter.status(), 200);
    let none = server.get(&target).send();
    none.refuses(401, "missing_key");
    assert_eq!(
        none.header("www-authenticate"),
        Some("Bearer realm=\"moneyer\"")
    );
    let wrong = server.get(&target).query("apikey", "wrong").send();
    wrong.refuses(401, "invalid_key");
}

#[test]
fn any_key_of_the_account_may_read_and_the_issuing_one_alone_may_change() {
    let (server, key) = server();
    let siblings = [Role::Mint, Role::Admin, Role::Verify].map(|role| server.key("acme", role));
    let stranger = server.account("stranger");
    let token = server.mint_with(&key, full());
    let before = server.settings(&key, &token);
    for sibling in &siblings {
        assert_eq!(server.settings(sibling, &token), before);
        let patch = server.patch(sibling, &token, &json!({"note": "mine"}));
        patch.refuses(403, "forbidden");
        let put = server.put(sibling, &token, &json!({}));
        put.refuses(403, "forbidden");
    }
    // As `disableToken` has it: who may not end a token is not told whether there is one.
    let delete = |key| server.resource("DELETE", key, &token).send();
    delete(&siblings[0]).refuses(404, "unknown_token");
    delete(&siblings[1]).refuses(404, "unknown_token");
    delete(&siblings[2]).refuses(403, "forbidden");
    for method in ["GET", "PATCH", "PUT", "DELETE"] {
        let mut request = server.resource(method, &stranger, &token);
        if ["PATCH", "PUT"].contains(&method) {
            request = request.body("application/json", b"{}");
        }
        request.send().refuses(404, "unknown_token");
    }
    assert_eq!(server.settings(&key, &token), before);
}

#[test]
fn a_token_that_is_not_good_has_no_settings() {
    let (server, key) = server();
    let ended = server.mint(&key);
    server.disable(&key, &ended);
    let expired = server.mint_for_minutes(&key, 1);
    server.settings(&key, &expired);
    server.advance(60);
    for token in [&ended, &expired, &"0".repeat(32)] {
        let get = server.resource("GET", &key, token).send();
        get.refuses(404, "unknown_token");
        let patch = server.patch(&key, token, &json!({"note": "x"}));
        patch.refuses(404, "unknown_token");
        let put = server.put(&key, token, &json!({}));
        put.refuses(404, "unknown_token");
    }
}

#[test]
fn what_is_no_token_is_refused_by_its_form_and_not_repeated() {
    let (server, key) = server();
    let (short, long) = ("a".repeat(31), "a".repeat(33));
    let upper = "A".repeat(32);
    let bad = [
        "x",
        &short,
        &long,
        &upper,
        "%00",
        "%ff",
        "%zz",
        "..%2f..%2fauth",
    ];
    for bad in bad {
        for method in ["GET", "DELETE"] {
            let answer = server.resource(method, &key, bad).send();
            answer.refuses(400, "invalid_parameter");
            assert!(!answer.body.contains(bad) || bad == "x", "{}", answer.body);
        }
        let patch = server.patch(&key, bad, &json!({}));
        patch.refuses(400, "invalid_parameter");
    }
}

#[test]
fn other_methods_are_refused_and_named() {
    let (server, key) = server();
    let token = server.mint(&key);
    for method in ["POST", "HEAD", "OPTIONS", "TRACE", "MERGE"] {
        let answer = server.resource(method, &key, &token).send();
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, PATCH, PUT, DELETE"));
    }
    server.verify(&token).accepts();
}
