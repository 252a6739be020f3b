//! The REST API with signed tokens.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use moneyer::operator::account;
use serde_json::{Value, json};

use super::Promise;
use crate::support::block_on;

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

pub const PROMISES: [Promise; 7] = [
    ("uses JWT for authentication", |it| {
        let token = it.mint();
        assert!(token.starts_with("eyJ") && token.split('.').count() == 3);
        assert!(it.accepts(&token));
    }),
    (
        "each user has a unique secret key used to sign tokens",
        |it| {
            // The same claims give another signature, and nobody is shown a key.
            let other = it.server.account("other");
            it.server.set_format("other", "jwt-hs256");
            let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
            let tokens = [it.mint(), it.server.mint(&other)];
            assert_ne!(signature(&tokens[0]), signature(&tokens[1]));
            let shown = it.server.get("/.well-known/jwks.json").send().json();
            assert_eq!(shown, json!({"keys": []}));
        },
    ),
    (
        "claims: sub, your user id; iat, when the token was issued; iss, the issuer",
        |it| {
            let token = it.mint();
            let claims = claims(&token);
            let introspection = it.server.verify(&token).accepts().json();
            assert_eq!(claims["sub"], introspection["sub"]);
            assert_eq!(claims["iat"], introspection["iat"]);
            assert_eq!(claims["iss"], "moneyer");
        },
    ),
    ("tokens do not expire", |it| {
        let token = it.mint();
        assert!(claims(&token).get("exp").is_none());
        it.server.advance(100 * 365 * 24 * 3600);
        assert!(it.accepts(&token));
    }),
    (
        "regenerate: this invalidates all previously issued tokens",
        |it| {
            let before = [it.mint(), it.mint()];
            block_on(account::regenerate(&it.server.app, "acme")).unwrap();
            assert!(before.iter().all(|token| !it.accepts(token)));
            let token = it.mint();
            assert!(it.accepts(&token));
            it.rotate();
            assert!(!it.accepts(&token));
        },
    ),
    (
        "401 when the Authorization header is missing or malformed",
        |it| {
            let missing = it.server.get("/v2/verify").send();
            let malformed = it
                .server
                .get("/v2/verify")
                .header("Authorization", "Bearer x");
            for answer in [missing, malformed.send()] {
                assert_eq!(answer.status(), 401);
                let body = answer.json();
                assert_eq!(body["success"], false);
                assert_eq!(body["error"]["code"], "UNAUTHORIZED");
                assert!(body["error"]["message"].is_string());
            }
        },
    ),
    ("403 when the token is valid but lacks permissions", |it| {
        let token = it.mint();
        let answer = it.server.verify(&token).query("scope", "admin").send();
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.json()["error"]["code"], "FORBIDDEN");
    }),
];
