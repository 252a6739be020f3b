//! Signed tokens that others check offline: the examples for `PyJWT` and jose, against a real server.

use std::{os::unix::fs::symlink, path::Path};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::{
    server::Server,
    support::{Folder, Key},
};

/// A server whose one account has its tokens signed with Ed25519.
struct Issuer {
    folder: Folder,
    key: Key,
    server: Server,
}

impl Issuer {
    fn start() -> Self {
        let (folder, key) = Folder::with_key();
        folder.moneyer(&["signing-key", "create"]).run().done();
        let policy = ["account", "policy", "acme", "--set", "format=jwt-eddsa"];
        folder.moneyer(&policy).run().done();
        let server = folder.serve(&[]);
        Self {
            folder,
            key,
            server,
        }
    }

    fn mint(&self) -> String {
        let settings = json!({"settings": {"scopes": ["maps", "tiles"]}});
        self.server.mint_by_json(&self.key.secret, &settings)
    }

    /// What a checker says of each token.
    fn check(&self, checker: &Checker, tokens: &[String]) -> Vec<String> {
        let folder = Folder::new();
        // Node looks for packages beside the script.
        let script = folder.path(checker.file);
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        std::fs::copy(examples.join(checker.file), &script).unwrap();
        symlink(installed("node/node_modules"), folder.path("node_modules")).unwrap();
        let run = folder
            .program(&checker.program, &[script.to_str().unwrap()])
            .env("MONEYER_URL", self.server.url())
            .env("no_proxy", "127.0.0.1")
            .input(tokens.join("\n"))
            .run()
            .done();
        run.stdout.lines().map(str::to_owned).collect()
    }
}

struct Checker {
    program: String,
    file: &'static str,
}

/// `PyJWT` and jose.
fn checkers() -> [Checker; 2] {
    [
        Checker {
            program: installed("venv/bin/python"),
            file: "verify_offline.py",
        },
        Checker {
            program: "node".into(),
            file: "verify_offline.mjs",
        },
    ]
}

/// What `scripts/test.sh` has put into `target/`.
#[track_caller]
fn installed(path: &str) -> String {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let path = target.join(path);
    assert!(
        path.exists(),
        "{}: scripts/test.sh installs it",
        path.display()
    );
    path.to_str().unwrap().to_owned()
}

fn encode(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Forgeries of a good token, each by its name.
fn forgeries(good: &str, public_key: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{good} has not three parts");
    };
    let with_header = |name: &str, value: &str| {
        let mut changed = decode(header);
        changed[name] = json!(value);
        format!("{}.{claims}.{signature}", encode(&changed))
    };
    let mut other_claims = decode(claims);
    other_claims["scope"] = json!("maps tiles admin");
    let mut unsigned = decode(header);
    unsigned["alg"] = json!("none");
    vec![
        (
            "other claims",
            format!("{header}.{}.{signature}", encode(&other_claims)),
        ),
        ("no signature", format!("{}.{claims}.", encode(&unsigned))),
        ("another algorithm", with_header("alg", "HS256")),
        ("an unknown key", with_header("kid", "sig_0000000000000000")),
        (
            "signed with the public key",
            hs256(&with_header("alg", "HS256"), public_key),
        ),
        ("cut off", good[..good.len() - 2].to_owned()),
    ]
}

/// The token with another signature: HMAC by a key that everyone has.
fn hs256(token: &str, key: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let (signed, _) = token.rsplit_once('.').unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = mac.finalize().into_bytes();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_signed_token_is_checked_offline_and_a_forged_one_is_not_taken() {
    let issuer = Issuer::start();
    let good = issuer.mint();
    let keys: Value =
        serde_json::from_str(&issuer.server.get("/.well-known/jwks.json").body).unwrap();
    let public_key = keys["keys"][0]["x"].as_str().unwrap();
    let forged = forgeries(&good, public_key);
    let tokens: Vec<String> = [&good]
        .into_iter()
        .chain(forged.iter().map(|(_, token)| token))
        .cloned()
        .collect();
    for checker in checkers() {
        let answers = issuer.check(&checker, &tokens);
        let claims = answers[0].strip_prefix("good ").unwrap();
        let claims: Value = serde_json::from_str(claims).unwrap();
        assert_eq!(claims["iss"], "moneyer");
        assert_eq!(claims["scope"], "maps tiles");
        for ((name, _), answer) in forged.iter().zip(&answers[1..]) {
            assert!(
                answer.starts_with("bad "),
                "{}: {name}: {answer}",
                checker.file
            );
        }
        assert_eq!(answers.len(), tokens.len());
    }
    for (name, token) in &forged {
        let asked = format!("/v2/verify?token={token}");
        assert_eq!(issuer.server.get(&asked).status, 401, "{name}");
    }
}

#[test]
fn tokens_of_a_rotated_key_are_checked_offline_until_it_is_retired() {
    let issuer = Issuer::start();
    let before = issuer.mint();
    let rotate = ["signing-key", "rotate", "--format", "json"];
    let rotated = issuer.folder.moneyer(&rotate).run().done().json();
    crate::support::eventually(crate::process::PATIENCE, "the new key signs", || {
        decode(issuer.mint().split('.').next().unwrap())["kid"] == rotated["signing_key"]
    });
    let tokens = [before, issuer.mint()];
    for checker in checkers() {
        let answers = issuer.check(&checker, &tokens);
        assert!(
            answers.iter().all(|answer| answer.starts_with("good ")),
            "{answers:?}"
        );
    }
    let old = rotated["verifying"].as_str().unwrap();
    issuer
        .folder
        .moneyer(&["signing-key", "retire", old])
        .run()
        .done();
    let asked = |token: &str| {
        issuer
            .server
            .get(&format!("/v2/verify?token={token}"))
            .status
    };
    crate::support::eventually(crate::process::PATIENCE, "the old key is gone", || {
        let shown = issuer.server.get("/.well-known/jwks.json").body;
        !shown.contains(old)
    });
    assert_eq!(asked(&tokens[0]), 401);
    assert_eq!(asked(&tokens[1]), 200);
    for checker in checkers() {
        let answers = issuer.check(&checker, &tokens);
        assert!(answers[0].starts_with("bad "), "{answers:?}");
        assert!(answers[1].starts_with("good "), "{answers:?}");
    }
}
