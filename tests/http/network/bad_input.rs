//! Bad input: a clear error in this manner's form, and nothing changed.

use serde_json::{Value, json};

use super::{ALL, KEYS, LOGIN, PERMISSIONS, Scene, TOKENS, id_of, named};

const INVALID: &str = "invalid_parameter";

#[test]
fn a_token_that_is_not_properly_described_is_not_created() {
    let it = Scene::start();
    let long = "x".repeat(129);
    let with = |name: &str, value: Value| {
        let mut body = named("t", &[]);
        body[name] = value;
        body
    };
    let (name, note, end) = (
        "access_token_name",
        "access_token_description",
        "access_token_expiration",
    );
    for (body, field) in [
        (json!([]), None),
        (json!("x"), None),
        (json!({ "permissions": [] }), Some(name)),
        (with(name, json!(null)), Some(name)),
        (with(name, json!("")), Some(name)),
        (with(name, json!("  ")), Some(name)),
        (with(name, json!(1)), Some(name)),
        (with(name, json!(long)), Some(name)),
        (with(name, json!("a\nb")), Some(name)),
        (with(note, json!({})), Some(note)),
        (with(note, json!("x".repeat(1025))), Some(note)),
        (with(note, json!("a\u{1b}b")), Some(note)),
        (json!({ "access_token_name": "t" }), Some("permissions")),
        (
            with("permissions", json!("agents:read")),
            Some("permissions"),
        ),
        (with("permissions", json!([1])), Some("permissions")),
        (with("permissions", json!(["a b"])), Some("permissions")),
        (with(end, json!(1_900_000_000)), Some(end)),
        (with(end, json!("2030-01-01")), Some(end)),
        (with(end, json!("2030-02-30T00:00:00Z")), Some(end)),
        (with(end, json!("203001010000")), Some(end)),
        (with(end, json!("")), Some(end)),
        (with(end, json!("2026-11-25T04:34:00Z")), Some(end)),
        (with(end, json!("1234-12-01T00:00:00")), Some(end)),
        (
            with("access_token_expires", json!("2030-01-01T00:00:00Z")),
            None,
        ),
        (with("Permissions", json!([])), None),
    ] {
        it.post(it.key.expose(), TOKENS, &body)
            .fails(400, INVALID, field);
    }
    assert_eq!(it.server.count_tokens(), 0);
}

#[test]
fn a_key_that_is_not_properly_described_is_not_created() {
    let it = Scene::start();
    let until = "api_key_valid_until";
    for (body, field) in [
        (json!({}), Some("api_key_name")),
        (json!({ "api_key_name": "" }), Some("api_key_name")),
        (
            json!({ "api_key_name": "x".repeat(129) }),
            Some("api_key_name"),
        ),
        (
            json!({ "api_key_name": "k", "api_key_description": 1 }),
            Some("api_key_description"),
        ),
        (json!({ "api_key_name": "k", until: "soon" }), Some(until)),
        (
            json!({ "api_key_name": "k", until: "2020-01-01T00:00:00" }),
            Some(until),
        ),
        (
            json!({ "api_key_name": "k", "api_key_allowed_tag_names": ["a"] }),
            Some("api_key_allowed_tag_names"),
        ),
        (json!({ "api_key_name": "k", "role": "admin" }), None),
    ] {
        it.post(it.key.expose(), KEYS, &body)
            .fails(400, INVALID, field);
    }
    assert_eq!(it.listed(KEYS, "", "api_key_id").len(), 1);
}

#[test]
fn a_body_that_is_no_json_is_refused() {
    let it = Scene::start();
    let send = |content_type: &str, body: &[u8]| {
        let request = it.server.post(TOKENS).header("api-key", it.key.expose());
        request.body(content_type, body).send()
    };
    for body in [
        "",
        "{",
        "{\"a\":1,\"a\":1}",
        "\u{feff}{}",
        "access_token_name=t",
    ] {
        send("application/json", body.as_bytes()).fails(400, INVALID, None);
    }
    send("application/json", b"\xff").fails(400, INVALID, None);
    let good = named("t", &[]).to_string();
    send("text/plain", good.as_bytes()).fails(400, INVALID, None);
    send("application/json", "[".repeat(10_000).as_bytes()).fails(400, INVALID, None);
    send("application/json", " ".repeat(16_385).as_bytes()).fails(413, "too_large", None);
    assert_eq!(
        send("application/json; charset=utf-8", good.as_bytes()).status(),
        200
    );
    let request = it
        .get(it.key.expose(), TOKENS)
        .body("application/json", b"{}");
    request.send().fails(400, INVALID, None);
}

#[test]
fn deleting_takes_an_id_and_nothing_else() {
    let it = Scene::start();
    let token = it.token(&[]);
    let id = id_of(&token);
    for bad in [
        "x",
        "1",
        &*token,
        "tok_0",
        "tok_%30",
        "key_0123456789abcdef",
    ] {
        it.delete(it.key.expose(), TOKENS, bad)
            .fails(400, INVALID, Some("access_token_id"));
    }
    for bad in [
        "x",
        "-1",
        "1.0",
        "18446744073709551616",
        "key_0123456789abcdef",
    ] {
        it.delete(it.key.expose(), KEYS, bad)
            .fails(400, INVALID, Some("api_key_id"));
    }
    let delete = || {
        let request = it.server.request("DELETE", &format!("{TOKENS}/{id}"));
        request.header("api-key", it.key.expose())
    };
    let with = |body: &[u8]| delete().body("application/json", body).send();
    with(b"{\"a\":1}").fails(400, INVALID, None);
    with(b"[]").fails(400, INVALID, None);
    delete()
        .query("force", "1")
        .send()
        .fails(400, INVALID, None);
    it.server.verify(&token).accepts();
    assert_eq!(delete().send().status(), 204);
}

#[test]
fn other_methods_and_paths_are_refused_in_the_same_form() {
    let it = Scene::start();
    for (path, methods) in [
        (LOGIN, "POST"),
        (TOKENS, "GET, POST"),
        (PERMISSIONS, "GET"),
        (KEYS, "GET, POST"),
        (
            "/v1/network/auth/access-tokens/tok_0123456789abcdef",
            "DELETE",
        ),
        ("/v1/network/auth/api-keys/1", "DELETE"),
    ] {
        let request = it.server.request("PATCH", path);
        let answer = request.header("api-key", it.key.expose()).send();
        answer.fails(405, "method_not_allowed", None);
        assert_eq!(answer.header("Allow"), Some(methods));
    }
    for path in [
        "/v1/network/agents",
        "/v1/network/auth",
        "/v1/network/auth/api-keys/1/2",
    ] {
        it.server.get(path).send().fails(404, "not_found", None);
    }
    let long = it.server.get(TOKENS).raw_query(&"a".repeat(9000));
    long.send().fails(414, "too_large", None);
    let slashes = it.get(it.key.expose(), "/v1//network/auth/api-keys/");
    assert_eq!(slashes.send().status(), 206);
}

#[test]
fn a_stranger_learns_nothing_of_what_else_is_wrong() {
    let it = Scene::start();
    it.post("wrong", TOKENS, &json!([]))
        .fails(401, "invalid_key", None);
    it.delete("wrong", KEYS, "x")
        .fails(401, "invalid_key", None);
    let query = it.get("wrong", TOKENS).query("take", "0");
    query.send().fails(401, "invalid_key", None);
}

#[test]
fn no_secret_is_repeated() {
    let it = Scene::start();
    let secret = it.token(&ALL);
    for answer in [
        it.delete(it.key.expose(), TOKENS, &secret),
        it.post("", LOGIN, &json!({ "access_token": format!("{secret}0") })),
        it.get(it.key.expose(), TOKENS)
            .query("skip", &secret)
            .send(),
        it.get(it.key.expose(), TOKENS)
            .query("order", &secret)
            .send(),
    ] {
        assert!(!answer.body.contains(&secret[16..]), "{}", answer.body);
    }
}
