//! The credential API.

use moneyer::domain::{Role, TokenId};
use serde_json::json;

use super::Promise;
use crate::support::{block_on, digest};

pub const PROMISES: [Promise; 13] = [
    ("apikey (required), your private API key", |it| {
        it.server.get("/v2/auth").send().refuses(401, "missing_key");
        let request = it.server.get("/v2/auth").query("apikey", it.key.expose());
        request.send().token();
    }),
    ("uses any of the active API keys on your account", |it| {
        let other = it.server.key("acme", Role::Mint);
        it.server.mint(&other);
    }),
    ("list active tokens (limited to 100)", |it| {
        let tokens: Vec<String> = (0..101).map(|_| it.mint()).collect();
        let listed = it.server.list(&it.key);
        assert_eq!((listed.len(), &listed[0]), (100, &tokens[100]));
    }),
    (
        "all tokens created with this key will be associated with this key",
        |it| {
            let other = it.server.key("acme", Role::Mint);
            let token = it.mint();
            assert_eq!(it.server.list(&it.key), [token]);
            assert!(it.server.list(&other).is_empty());
        },
    ),
    (
        "only the private key used to generate a token can act on it",
        |it| {
            let (other, token) = (it.server.key("acme", Role::Admin), it.mint());
            let disable = it.server.auth(&other).query("disableToken", &token);
            disable.send().refuses(404, "unknown_token");
            assert!(it.accepts(&token));
        },
    ),
    (
        "only the private key used to generate a token can act on it, at any path",
        |it| {
            let token = it.mint();
            let id = TokenId::of(&digest(&token));
            let own = block_on(it.server.app.authenticate(&it.key)).unwrap().key;
            for role in [Role::Mint, Role::Admin] {
                let other = it.server.key("acme", role);
                for path in [
                    format!("/v1/network/auth/access-tokens/{id}"),
                    format!("/v1/network/auth/api-keys/{}", own.to_i64().cast_unsigned()),
                ] {
                    let delete = it.server.request("DELETE", &path).key(&other);
                    assert_eq!(delete.send().status(), 403, "{path}");
                }
            }
            assert!(it.accepts(&token));
            it.mint();
        },
    ),
    (
        "disableToken permanently deletes the token; this action is irrevocable",
        |it| {
            let token = it.mint();
            let answer = it.server.auth(&it.key).query("disableToken", &token).send();
            assert_eq!(
                answer.json(),
                json!({"MESSAGE": format!("Token {token} is disabled.")})
            );
            assert!(!it.accepts(&token) && it.server.list(&it.key).is_empty());
        },
    ),
    (
        "list with any value gives a list; no tokens are created",
        |it| {
            for value in ["1", "0", "", "no"] {
                assert_eq!(it.status("list", value), 200);
            }
            assert_eq!(it.server.count_tokens(), 0);
        },
    ),
    (
        "expire: YYYYmmddHHMM (UTC) when the token should become disabled",
        |it| {
            let expiring = it.server.auth(&it.key).query("expire", "202611250436");
            let token = expiring.send().token();
            it.server.advance(119);
            assert!(it.accepts(&token));
            it.server.advance(1);
            assert!(!it.accepts(&token), "not only within the hour, but at once");
        },
    ),
    (
        "after creation this time cannot be changed, and cannot be queried",
        |it| {
            let expiring = it.server.auth(&it.key).query("expire", "202611250436");
            let token = expiring.send().token();
            let settings = it.server.settings(&it.key, &token);
            assert!(!settings.to_string().contains("expir"), "{settings}");
            let later = it
                .server
                .patch(&it.key, &token, &json!({"expire": "203001010000"}));
            later.refuses(400, "invalid_parameter");
        },
    ),
    (
        "cloneSettings: copy the settings from an existing token in your account",
        |it| {
            let other = it.server.key("acme", Role::Mint);
            let source = it
                .server
                .mint_with(&other, json!({"scopes": ["a"], "note": "n"}));
            let clone = it.server.auth(&it.key).query("cloneSettings", &source);
            let clone = clone.send().token();
            let of = |key, token| it.server.settings(key, token);
            assert_eq!(of(&it.key, &clone), of(&other, &source));
        },
    ),
    (
        "if the settings token is invalid, deleted or expired: 404 not found",
        |it| {
            let (ended, expiring) = (it.mint(), it.server.auth(&it.key));
            let expired = expiring.query("expire", "202611250435").send().token();
            it.status("disableToken", &ended);
            it.server.advance(60);
            for token in [&ended, &expired, &"0".repeat(32)] {
                assert_eq!(it.status("cloneSettings", token), 404, "{token}");
            }
        },
    ),
    ("output: json [default] or xml", |it| {
        let body = |output: &str| {
            let request = it.server.auth(&it.key).query("list", "1");
            request.raw_query(output).send().body
        };
        assert_eq!(body(""), r#"{"TOKENS":[]}"#);
        assert_eq!(body("output=json"), r#"{"TOKENS":[]}"#);
        assert!(body("output=xml").starts_with("<?xml"));
    }),
];
