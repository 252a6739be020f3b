//! Who may do what: by role, by permission, and by what a maker holds itself.

use moneyer::domain::{PrivateKey, Role};
use serde_json::json;

use super::{ALL, KEYS, PERMISSIONS, Scene, TOKENS, id_of, named};
use crate::support::block_on;

/// A permission, and what it allows.
const NEEDS: [(&str, &str, &str); 7] = [
    ("access-tokens:read", "GET", TOKENS),
    ("access-tokens:read", "GET", PERMISSIONS),
    ("access-tokens:write", "POST", TOKENS),
    ("access-tokens:write", "DELETE", TOKENS),
    ("api-keys:read", "GET", KEYS),
    ("api-keys:write", "POST", KEYS),
    ("api-keys:write", "DELETE", KEYS),
];

/// Tries it, and gives the status.
fn attempt(it: &Scene, shown: &str, method: &str, path: &str) -> u16 {
    let id = if path == KEYS {
        "1"
    } else {
        "tok_0123456789abcdef"
    };
    let answer = match method {
        "GET" => it.get(shown, path).send(),
        "POST" if path == KEYS => it.post(shown, path, &json!({ "api_key_name": "k" })),
        "POST" => it.post(shown, path, &named("t", &[])),
        _ => it.delete(shown, path, id),
    };
    if answer.status() == 403 {
        answer.fails(403, "forbidden", None);
    }
    answer.status()
}

/// What it comes to where it is allowed: what is deleted here was never there.
fn allowed(method: &str) -> u16 {
    match method {
        "GET" => 206,
        "POST" => 200,
        _ => 404,
    }
}

#[test]
fn a_token_may_what_its_permissions_say_and_nothing_else() {
    let it = Scene::start();
    for (needed, method, path) in NEEDS {
        let others: Vec<&str> = ALL.into_iter().filter(|name| *name != needed).collect();
        let token = it.token(&others);
        assert_eq!(attempt(&it, &token, method, path), 403, "{method} {path}");
        // An API key holds everything, and so must its maker.
        let held: &[&str] = if (method, path) == ("POST", KEYS) {
            &ALL
        } else {
            &[needed]
        };
        let token = it.token(held);
        assert_eq!(
            attempt(&it, &token, method, path),
            allowed(method),
            "{method} {path}"
        );
    }
}

#[test]
fn a_minting_key_may_everything_and_a_verifying_one_see_access_tokens() {
    let it = Scene::start();
    for (needed, method, path) in NEEDS {
        for role in [Role::Mint, Role::Admin, Role::Verify] {
            let key = it.server.key("acme", role);
            let expected = match role {
                Role::Verify if needed != "access-tokens:read" => 403,
                _ => allowed(method),
            };
            let found = attempt(&it, key.expose(), method, path);
            assert_eq!(found, expected, "{role} {method} {path}");
        }
    }
}

#[test]
fn what_is_not_declared_any_more_is_not_held_any_more() {
    let it = Scene::start();
    let token = it.token(&["access-tokens:read"]);
    for permissions in [
        json!({ "agents:read": "" }),
        json!({ "access-tokens:write": "" }),
        json!(null),
    ] {
        it.set(json!({ "permissions": permissions }));
        for shown in [&token, it.key.expose()] {
            assert_eq!(attempt(&it, shown, "GET", TOKENS), 403, "{permissions}");
        }
    }
}

#[test]
fn a_token_gives_no_permission_that_it_does_not_hold() {
    let it = Scene::start();
    let maker = it.token(&["access-tokens:write", "agents:read"]);
    let answer = it.post(
        &maker,
        TOKENS,
        &named("t", &["agents:read", "agents:write"]),
    );
    let message = answer.fails(403, "forbidden", None);
    assert!(message.contains("\"agents:write\""), "{message}");
    it.token_by(&maker, &["agents:read", "access-tokens:write"]);
    for shown in [it.key.expose(), &maker] {
        let answer = it.post(shown, TOKENS, &named("t", &["agents:fly"]));
        let message = answer.fails(400, "invalid_parameter", Some("permissions"));
        assert!(message.contains("\"agents:fly\""), "{message}");
    }
    assert_eq!(it.names("").len(), 2);
}

#[test]
fn in_an_account_that_declares_nothing_for_it_nothing_is_managed() {
    let it = Scene::start();
    let plain = it.server.account("plain");
    let minted = it.server.mint_with(&plain, json!({ "scopes": ALL }));
    let victim = it.server.key("plain", Role::Mint);
    let shown = [Role::Mint, Role::Admin, Role::Verify].map(|role| it.server.key("plain", role));
    for shown in shown.iter().map(PrivateKey::expose).chain([&*minted]) {
        for (_, method, path) in NEEDS {
            assert_eq!(attempt(&it, shown, method, path), 403, "{method} {path}");
        }
        let message = it.get(shown, TOKENS).send().fails(403, "forbidden", None);
        assert!(message.contains("operator"), "{message}");
        it.delete(shown, TOKENS, &id_of(&minted))
            .fails(403, "forbidden", None);
    }
    it.server.verify(&minted).accepts();
    it.server.mint(&victim);
}

#[test]
fn a_key_of_the_role_admin_is_deleted_by_another_alone() {
    let it = Scene::start();
    let (admin, second) = (
        it.server.key("acme", Role::Admin),
        it.server.key("acme", Role::Admin),
    );
    let ids = it.listed(KEYS, "", "api_key_id");
    let of = |key: &PrivateKey| {
        let caller = block_on(it.server.app.authenticate(key)).unwrap();
        let id = caller.key.to_i64().cast_unsigned().to_string();
        assert!(ids.contains(&id));
        id
    };
    let (admin_id, second_id) = (of(&admin), of(&second));
    let tokens = [it.token(&ALL), it.token_by(second.expose(), &ALL)];
    for shown in [it.key.expose(), &tokens[0], &tokens[1]] {
        let message = it
            .delete(shown, KEYS, &admin_id)
            .fails(403, "forbidden", None);
        assert!(message.contains("admin"), "{message}");
    }
    it.server.mint(&admin);
    assert_eq!(it.delete(admin.expose(), KEYS, &second_id).status(), 204);
    it.get(second.expose(), KEYS)
        .send()
        .fails(401, "invalid_key", None);
}

#[test]
fn a_tokens_token_belongs_to_the_same_key_but_is_not_listed_there() {
    let it = Scene::start();
    let maker = it.token(&["access-tokens:write", "agents:read"]);
    let made = it.token_by(&maker, &["agents:read"]);
    let identity = it.server.verify(&made).accepts().json();
    assert_eq!(
        identity["client_id"],
        it.server.verify(&maker).accepts().json()["client_id"]
    );
    assert_eq!(it.server.list(&it.key), [maker]);
    assert_eq!(it.names("").len(), 2);
    it.server.disable(&it.key, &made).json();
    it.server.verify(&made).refuses_token(401);
}

#[test]
fn a_tokens_bounds_are_its_tokens_bounds() {
    let it = Scene::start();
    let maker = it.server.mint_with(
        &it.key,
        json!({
            "scopes": ["access-tokens:write"], "ips": ["127.0.0.0/8"],
            "origins": ["https://a.example"], "tags": ["x"],
        }),
    );
    let answer = it.server.post(TOKENS).header("api-key", &maker);
    let answer = answer.header("Origin", "https://a.example");
    let body = named("t", &[]).to_string();
    let answer = answer.body("application/json", body.as_bytes()).send();
    let made = answer.json()["data"]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let settings = it.server.settings(&it.key, &made);
    assert_eq!(settings["ips"], json!(["127.0.0.0/8"]));
    assert_eq!(settings["origins"], json!(["https://a.example"]));
    assert_eq!(settings["tags"], json!([]));
}

#[test]
fn a_token_with_a_rate_limit_creates_no_token_with_a_rate_of_its_own() {
    let it = Scene::start();
    let rate = json!({ "requests": 7, "per_seconds": 60 });
    let settings = json!({ "scopes": ["access-tokens:write"], "rate_limit": rate });
    let maker = it.server.mint_with(&it.key, settings);
    let refused = it.post(&maker, TOKENS, &named("t", &[]));
    refused.fails(403, "forbidden", None);
    assert_eq!(it.server.count_tokens(), 1);
}

#[test]
fn a_token_that_is_bound_creates_no_key() {
    let it = Scene::start();
    for bound in [
        json!({ "scopes": ALL, "ips": ["127.0.0.0/8"] }),
        json!({ "scopes": ALL, "rate_limit": { "requests": 9, "per_seconds": 1 } }),
    ] {
        let bound = it.server.mint_with(&it.key, bound);
        let message = it
            .post(&bound, KEYS, &json!({ "api_key_name": "k" }))
            .fails(403, "forbidden", None);
        assert!(message.contains("bound"), "{message}");
    }
    assert_eq!(it.listed(KEYS, "", "api_key_id").len(), 1);
}

#[test]
fn a_token_whose_key_is_dead_makes_nothing_new_but_may_tidy_up() {
    let it = Scene::start();
    let (id, secret) = it.api_key_by(it.key.expose(), "k");
    let orphan = it.token_by(&secret, &ALL);
    let victim = it.token(&[]);
    assert_eq!(it.delete(it.key.expose(), KEYS, &id).status(), 204);
    it.post(&orphan, TOKENS, &named("t", &[]))
        .fails(403, "forbidden", None);
    it.post(&orphan, KEYS, &json!({ "api_key_name": "k" }))
        .fails(403, "forbidden", None);
    assert_eq!(it.get(&orphan, TOKENS).send().status(), 206);
    assert_eq!(it.delete(&orphan, TOKENS, &id_of(&victim)).status(), 204);
}
