//! What the services promise that Moneyer can stand in for: a row for each promise, in their words.

use std::collections::BTreeMap;

use moneyer::{
    domain::{Preset, PrivateKey, Role, TokenId},
    operator::{account, key},
};
use serde_json::{Value, json};

use crate::support::{Server, block_on, digest};

const ACCESS_TOKENS: &str = "/v1/network/auth/access-tokens";

/// A server with an account that is held to a preset, and a key of it.
struct Scene {
    server: Server,
    key: PrivateKey,
}

impl Scene {
    fn of(preset: Preset) -> Self {
        let server = Server::start();
        let key = server.account("acme");
        let base = Some(preset.policy());
        block_on(account::edit_policy(
            &server.app,
            "acme",
            base,
            BTreeMap::new(),
        ))
        .unwrap();
        Self { server, key }
    }

    fn mint(&self) -> String {
        self.server.mint(&self.key)
    }

    fn accepts(&self, token: &str) -> bool {
        self.server.verify(token).send().status() == 200
    }

    /// A token as it is created at `/v1/network/auth`.
    fn access_token(&self, mut body: Value) -> String {
        body["access_token_name"] = "t".into();
        let request = self.server.post(ACCESS_TOKENS).key(&self.key);
        let body = body.to_string();
        let answer = request.body("application/json", body.as_bytes()).send();
        let token = answer.json()["data"]["access_token"].clone();
        token.as_str().unwrap().to_owned()
    }

    fn status(&self, name: &str, value: &str) -> u16 {
        let request = self.server.auth(&self.key).query(name, value);
        request.send().status()
    }
}

type Promise = (&'static str, fn(&Scene));

#[track_caller]
fn keeps(preset: Preset, promises: &[Promise]) {
    for (promise, check) in promises {
        let kept = std::panic::catch_unwind(|| check(&Scene::of(preset)));
        assert!(kept.is_ok(), "{} does not keep: {promise}", preset.name());
    }
}

#[test]
fn synoptic() {
    keeps(Preset::Synoptic, &SYNOPTIC);
}

#[test]
fn synkrato() {
    keeps(Preset::Synkrato, &SYNKRATO);
}

#[test]
fn syntropy() {
    keeps(Preset::Syntropy, &SYNTROPY);
}

const SYNOPTIC: [Promise; 12] = [
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

const SYNKRATO: [Promise; 5] = [
    ("tokens expire after 180 days", |it| {
        let token = it.mint();
        it.server.advance(180 * 24 * 3600 - 1);
        assert!(it.accepts(&token));
        it.server.advance(1);
        assert!(!it.accepts(&token));
        assert_eq!(it.status("expire", "299901010000"), 400);
    }),
    (
        "the API enforces a rate limit of 3 requests per second",
        |it| {
            let token = it.mint();
            for _ in 0..5 {
                assert!((0..3).all(|_| it.accepts(&token)));
                it.server.verify(&token).refuses_token(429);
                it.server.advance(1);
            }
        },
    ),
    (
        "all tokens are invalid when the private key is changed",
        |it| {
            let token = it.mint();
            let rotated = block_on(key::rotate(&it.server.app, &it.key, None)).unwrap();
            assert!(!it.accepts(&token));
            it.server.mint(&rotated.new.key);
        },
    ),
    ("tokens are encrypted", |it| {
        let token = it.mint();
        let file = std::fs::read(it.server.app.store.path()).unwrap();
        let log = it.server.app.store.path().with_extension("db-wal");
        let all = [file, std::fs::read(log).unwrap_or_default()].concat();
        let bytes = token.as_bytes();
        assert!(!all.windows(bytes.len()).any(|window| window == bytes));
    }),
    ("GET …/health/readiness with a Bearer token", |it| {
        let token = it.mint();
        let ready = it.server.get("/health/readiness");
        let ready = ready.header("Authorization", &format!("Bearer {token}"));
        assert_eq!(ready.send().status(), 200);
    }),
];

const SYNTROPY: [Promise; 4] = [
    (
        "authentication to the API is performed via Bearer Authentication; without, an error",
        |it| {
            let ask = |shown: &str| {
                let request = it.server.get(ACCESS_TOKENS).header("Authorization", shown);
                request.send().status()
            };
            assert_eq!(ask(&format!("Bearer {}", it.key.expose())), 206);
            assert_eq!(ask("Bearer 0123456789abcdef0123456789abcdef"), 401);
            assert_eq!(it.server.get(ACCESS_TOKENS).send().status(), 401);
        },
    ),
    (
        "multiple access tokens with different permissions; scopes which it has access to",
        |it| {
            for (given, other) in [
                ("agents:read", "agents:write"),
                ("agents:write", "agents:read"),
            ] {
                let token = it.access_token(json!({"permissions": [given]}));
                let ask = |scope| it.server.verify(&token).query("scope", scope);
                ask(given).accepts();
                ask(other).refuses_token(403);
            }
        },
    ),
    (
        "you can set its validity period by setting the expiry date",
        |it| {
            let body = json!({"permissions": [], "access_token_expiration": "2026-11-25T04:36:00"});
            let token = it.access_token(body);
            it.server.advance(119);
            assert!(it.accepts(&token));
            it.server.advance(1);
            assert!(!it.accepts(&token));
        },
    ),
    (
        "a deleted token is deleted immediately; a new one can be used immediately",
        |it| {
            let token = it.access_token(json!({"permissions": []}));
            assert!(it.accepts(&token));
            let id = TokenId::of(&digest(&token));
            let request = it
                .server
                .request("DELETE", &format!("{ACCESS_TOKENS}/{id}"));
            assert_eq!(request.key(&it.key).send().status(), 204);
            assert!(!it.accepts(&token));
        },
    ),
];
