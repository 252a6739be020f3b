//! Tokens that are signed: minted, verified, listed and ended like any others, and forged ones.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine as _};
use moneyer::{
    domain::{Algorithm, PrivateKey, Role, SigningKeyId},
    operator::account,
};
use serde_json::{Value, json};

use crate::support::{Server, block_on};

/// A server with keys for both algorithms, and an account whose tokens are signed.
struct Scene {
    server: Server,
    key: PrivateKey,
}

impl Scene {
    fn of(algorithm: Algorithm) -> Self {
        let server = Server::start();
        let key = server.account("acme");
        server.set_format("acme", &format!("jwt-{algorithm}"));
        for algorithm in Algorithm::ALL {
            server.create_signing_key(algorithm);
        }
        Self { server, key }
    }

    fn mint(&self) -> String {
        self.server.mint(&self.key)
    }

    fn refuses(&self, token: &str) {
        self.server.verify(token).refuses_token(401);
    }
}

fn signing_key_of(token: &str) -> SigningKeyId {
    part(token, 0)["kid"].as_str().unwrap().parse().unwrap()
}

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap()
}

fn with_part(token: &str, place: usize, value: &Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[place] = BASE64.encode(value.to_string());
    parts.join(".")
}

#[test]
fn a_signed_token_says_whose_it_is_and_lives_as_any_other() {
    for algorithm in Algorithm::ALL {
        let it = Scene::of(algorithm);
        let request = it.server.auth(&it.key).query("expire", "203001010000");
        let token = request.send().token();
        let header = part(&token, 0);
        let name = ["EdDSA", "HS256"][usize::from(algorithm == Algorithm::Hs256)];
        assert_eq!(
            (&header["alg"], &header["typ"]),
            (&json!(name), &json!("JWT"))
        );
        assert!(
            header["kid"]
                .as_str()
                .unwrap()
                .parse::<SigningKeyId>()
                .is_ok()
        );
        let claims = part(&token, 1);
        let introspection = it.server.verify(&token).accepts().json();
        assert_eq!(claims["sub"], introspection["sub"]);
        assert_eq!(claims["iat"], introspection["iat"]);
        assert_eq!(claims["exp"], introspection["exp"]);
        assert_eq!(claims["iss"], "moneyer");
        assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
        assert!(claims.get("scope").is_none());
        assert_eq!(it.server.list(&it.key), [token]);
    }
}

#[test]
fn its_scopes_are_those_that_it_was_minted_with() {
    let it = Scene::of(Algorithm::EdDsa);
    let settings = json!({"scopes": ["tiles", "maps"]});
    let token = it.server.mint_with(&it.key, settings);
    assert_eq!(part(&token, 1)["scope"], "tiles maps");
    it.server.verify(&token).query("scope", "maps").accepts();
    it.server
        .patch(&it.key, &token, &json!({"scopes": ["tiles"]}))
        .json();
    // Whoever checks offline sees the token as it was; Moneyer knows better.
    it.server
        .verify(&token)
        .query("scope", "maps")
        .refuses_token(403);
    let clone = it.server.auth(&it.key).query("cloneSettings", &token);
    assert_eq!(part(&clone.send().token(), 1)["scope"], "tiles");
}

#[test]
fn disabled_it_is_refused_at_once() {
    for algorithm in Algorithm::ALL {
        let it = Scene::of(algorithm);
        let (token, other) = (it.mint(), it.mint());
        it.server.verify(&token).accepts();
        let answer = it.server.auth(&it.key).query("disableToken", &token).send();
        let message = format!("Token {token} is disabled.");
        assert_eq!(answer.json(), json!({ "MESSAGE": message }));
        it.refuses(&token);
        it.server.verify(&other).accepts();
        assert_eq!(it.server.list(&it.key), [other]);
    }
}

#[test]
fn a_retry_is_answered_with_the_same_signed_token() {
    let it = Scene::of(Algorithm::EdDsa);
    let mint = || {
        let request = it.server.auth(&it.key).header("Idempotency-Key", "once");
        request.send().token()
    };
    let first = mint();
    it.server.advance(60);
    assert_eq!(mint(), first);
}

#[test]
fn introspection_and_revocation_take_signed_tokens() {
    let it = Scene::of(Algorithm::Hs256);
    let token = it.mint();
    let resource = it.server.key("acme", Role::Verify);
    let active = || it.server.introspect(&resource, &token).json()["active"].clone();
    assert_eq!(active(), true);
    assert_eq!(it.server.revoke(&it.key, &token).status(), 200);
    assert_eq!(active(), false);
}

#[test]
fn regenerating_ends_signed_tokens_too() {
    for algorithm in Algorithm::ALL {
        let it = Scene::of(algorithm);
        let before = it.mint();
        it.server.verify(&before).accepts();
        block_on(account::regenerate(&it.server.app, "acme")).unwrap();
        it.refuses(&before);
        it.server.verify(&it.mint()).accepts();
    }
}

#[test]
fn what_a_retired_key_signed_is_refused_and_what_a_rotated_one_signed_is_not() {
    let it = Scene::of(Algorithm::EdDsa);
    let before = it.mint();
    let old = it.server.rotate_signing_key(Algorithm::EdDsa);
    let after = it.mint();
    assert_ne!(part(&before, 0)["kid"], part(&after, 0)["kid"]);
    it.server.verify(&before).accepts();
    it.server.retire_signing_key(old);
    it.refuses(&before);
    it.server.verify(&after).accepts();
}

#[test]
fn without_a_key_to_sign_with_nothing_is_minted_and_opaque_tokens_work_as_ever() {
    let server = Server::start();
    let (signed, opaque) = (server.account("signed"), server.account("opaque"));
    server.set_format("signed", "jwt-hs256");
    let refused = server.auth(&signed).send();
    refused.refuses(503, "no_signing_key");
    assert_eq!(refused.header("retry-after"), None);
    assert!(
        refused
            .body
            .contains("signing-key create --algorithm hs256")
    );
    assert_eq!(server.count_tokens(), 0);
    let token = server.mint(&opaque);
    server.verify(&token).accepts();
}

#[test]
fn tokens_of_one_account_may_be_of_several_formats() {
    let it = Scene::of(Algorithm::EdDsa);
    let first = it.mint();
    for format in ["opaque", "jwt-hs256"] {
        it.server.set_format("acme", format);
        it.server.verify(&it.mint()).accepts();
    }
    it.server.verify(&first).accepts();
    assert_eq!(it.server.list(&it.key).len(), 3);
}

#[test]
fn a_forged_token_is_refused_whatever_is_wrong_with_it() {
    for algorithm in Algorithm::ALL {
        let it = Scene::of(algorithm);
        let token = it.mint();
        it.server.verify(&token).accepts();
        let (header, claims) = (part(&token, 0), part(&token, 1));
        let with = |place: usize, name: &str, value: Value| {
            let mut document = [&header, &claims][place].clone();
            document[name] = value;
            with_part(&token, place, &document)
        };
        let without = |name: &str| {
            let mut document = claims.clone();
            document.as_object_mut().unwrap().remove(name);
            with_part(&token, 1, &document)
        };
        let unsigned = token.rsplit_once('.').unwrap().0;
        let forged = [
            with(0, "alg", json!("none")),
            with(0, "alg", json!("HS256")),
            with(0, "alg", json!("EdDSA")),
            with(0, "alg", json!("RS256")),
            with(0, "kid", json!("sig_0000000000000000")),
            with(0, "jku", json!("http://127.0.0.1/keys")),
            with(1, "sub", json!("acc_0000000000000000")),
            with(1, "iat", json!(4_102_444_800_i64)),
            with(1, "exp", json!(4_102_444_800_i64)),
            with(1, "scope", json!("admin")),
            with(1, "iss", json!(7)),
            without("iss"),
            without("sub"),
            without("jti"),
            format!("{unsigned}."),
            format!("{unsigned}.AAAA"),
            unsigned.to_owned(),
            format!("{token}="),
            format!("{token}.{}", "A".repeat(20)),
            format!("{unsigned}.{}", "A".repeat(6200)),
        ];
        // Of the changes, one gives the token as it was.
        for forged in forged.iter().filter(|forged| **forged != token) {
            it.refuses(forged);
            let answer = it.server.auth(&it.key).query("disableToken", forged).send();
            assert!([400, 404].contains(&answer.status()), "{}", answer.whole());
        }
        it.server.verify(&token).accepts();
    }
}

#[test]
fn another_accounts_signed_token_is_unknown() {
    let it = Scene::of(Algorithm::EdDsa);
    let token = it.mint();
    let stranger = it.server.account("stranger");
    for name in ["disableToken", "cloneSettings"] {
        let request = it.server.auth(&stranger).query(name, &token);
        request.send().refuses(404, "unknown_token");
    }
}

#[test]
fn what_a_retired_key_signed_is_listed_no_more_once_it_is_swept() {
    let it = Scene::of(Algorithm::EdDsa);
    let old = signing_key_of(&it.mint());
    // Minted between the end of the key and the moment at which the server sees it.
    it.server.rotate_signing_key(Algorithm::EdDsa);
    it.server.retire_signing_key(old);
    assert_eq!(it.server.list(&it.key).len(), 1);
    assert_eq!(it.server.sweep().expired, 1);
    assert!(it.server.list(&it.key).is_empty());
    assert_eq!(it.server.sweep().expired, 0);
}

#[test]
fn a_signed_token_of_the_future_is_refused_until_its_time() {
    let it = Scene::of(Algorithm::EdDsa);
    it.server.advance(120);
    let token = it.mint();
    let id = "UPDATE tokens SET created_at = created_at + 120";
    it.server.file().execute(id, []).unwrap();
    it.refuses(&token);
    let explained = it.server.verify(&token).query("explain", "1").send().body;
    assert!(explained.contains("minted in the future"), "{explained}");
    it.server.advance(60);
    it.server.verify(&token).accepts();
}
