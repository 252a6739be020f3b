//! Bodies that are no documents of settings at all, and JSON bodies at `/v2/auth` that ask for too
//! much.

use serde_json::json;

use crate::{
    bad_settings::Scene,
    support::{Answer, Server, send_raw},
};

#[test]
fn documents_that_are_no_objects() {
    let scene = Scene::new();
    for bad in [
        "null",
        "[]",
        "[{}]",
        "\"tags\"",
        "5",
        "true",
        "[[\"tags\",[]]]",
    ] {
        scene.refuses(bad, "settings must be a JSON object");
    }
}

#[test]
fn bodies_that_are_no_json() {
    let scene = Scene::new();
    let deep = format!("{{\"note\":{}1{}}}", "[".repeat(2000), "]".repeat(2000));
    let objects = format!("{}1{}", "{\"a\":".repeat(2000), "}".repeat(2000));
    for bad in [
        "{",
        "{]",
        "{\"note\":\"a\"}}",
        "{\"note\":\"a\",}",
        "{note:\"a\"}",
        "{'note':'a'}",
        "{\"note\":\"\\ud800\"}",
        "{\"note\":\"a\u{0}\"}",
        "{\"note\":NaN}",
        "{\"note\":01}",
        "// a\n{}",
        "\u{feff}{}",
        &deep,
        &objects,
        "note=a",
        "{\"note\":\"a\"} {}",
    ] {
        scene.refuses(bad, "is not proper JSON");
    }
    for bad in [
        &b"{\"note\":\"\xff\"}"[..],
        b"{\"note\":\"\xc3\x28\"}",
        b"\xff\xfe{\x00}\x00",
    ] {
        for (method, target) in [("PUT", "token/"), ("PATCH", "token/"), ("POST", "")] {
            let token = if method == "POST" { "" } else { &scene.token };
            let target = format!("/v2/auth/{target}{token}");
            let request = scene.server.request(method, &target).key(&scene.key);
            let answer = request.body("application/json", bad).send();
            answer.refuses(400, "invalid_parameter");
        }
    }
    scene.changed_nothing("invalid UTF-8");
}

#[test]
fn a_member_that_is_there_twice() {
    let scene = Scene::new();
    // Whichever was meant, the other would be passed over.
    for (bad, named) in [
        (r#"{"ips":["10.0.0.0/8"],"ips":[]}"#, "ips"),
        (r#"{"note":"a","tags":[],"note":"a"}"#, "note"),
        (
            r#"{"rate_limit":{"requests":1,"per_seconds":1,"requests":9}}"#,
            "requests",
        ),
        (r#"{"not\u0065":"a","note":"b"}"#, "note"),
    ] {
        scene.refuses(bad, &format!("\"{named}\" twice"));
    }
    let mint = r#"{"settings":{"ips":["10.0.0.0/8"]},"settings":{}}"#;
    let request = scene.server.post("/v2/auth").key(&scene.key);
    let answer = request.body("application/json", mint.as_bytes()).send();
    answer.refuses(400, "invalid_parameter");
    scene.changed_nothing(mint);
}

#[test]
fn bodies_of_a_wrong_type_and_none_at_all() {
    let scene = Scene::new();
    for method in ["PUT", "PATCH"] {
        let resource = || scene.server.resource(method, &scene.key, &scene.token);
        for kind in [
            "application/x-www-form-urlencoded",
            "text/plain",
            "application/jsonp",
            "application/json-patch+json",
            "multipart/form-data; boundary=x",
            "application/xml",
        ] {
            let answer = resource().body(kind, b"{\"note\":\"x\"}").send();
            answer.refuses(400, "invalid_parameter");
        }
        let empty = resource().body("application/json", b"").send();
        empty.refuses(400, "invalid_parameter");
        resource().send().refuses(400, "invalid_parameter");
    }
    scene.changed_nothing("no document");
}

#[test]
fn bodies_that_are_too_long() {
    let server = Server::with(|config| config.limits.settings_body = 1000);
    let key = server.account("acme");
    let token = server.mint(&key);
    let before = server.settings(&key, &token);
    for method in ["PUT", "PATCH"] {
        let put = |length: usize| {
            let document = json!({"note": "x".repeat(length - 11)}).to_string();
            assert_eq!(document.len(), length);
            let request = server.resource(method, &key, &token);
            request.body("application/json", document.as_bytes()).send()
        };
        put(1001).refuses(413, "too_large");
        put(1 << 20).refuses(413, "too_large");
        assert_eq!(server.settings(&key, &token), before);
        assert_eq!(put(1000).status(), 200);
        server.put(&key, &token, &json!({}));
    }
}

#[test]
fn a_json_body_is_read_only_once_it_is_known_who_asks() {
    let server = Server::start();
    server.account("acme");
    let endless = "POST /v2/auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n{";
    let answer = send_raw(server.address, endless.as_bytes());
    answer.refuses(401, "missing_key");
}

#[test]
fn an_empty_json_body_is_no_mint() {
    let server = Server::start();
    let key = server.account("acme");
    let empty = server.post("/v2/auth").key(&key);
    let empty = empty.body("application/json", b"").send();
    empty.refuses(400, "invalid_parameter");
    assert_eq!(server.count_tokens(), 0);
}

/// Checks that the JSON body is refused at `/v2/auth`, and does nothing.
#[track_caller]
fn refuses_body(scene: &Scene, body: &str, code: &str, named: &str) {
    let request = scene.server.post("/v2/auth").key(&scene.key);
    let answer: Answer = request.body("application/json", body.as_bytes()).send();
    answer.refuses(400, code);
    let message = answer.json()["MESSAGE"].as_str().unwrap().to_owned();
    assert!(message.contains(named), "{body}: {message}");
    scene.changed_nothing(body);
}

#[test]
fn json_bodies_that_ask_for_what_they_may_not() {
    let scene = Scene::new();
    let token = &scene.token;
    for member in [
        "disableToken",
        "disabletoken",
        "list",
        "apikey",
        "output",
        "Expire",
        "Settings",
        "clonesettings",
        "expires",
        "TOKEN",
        "scopes",
        "",
    ] {
        let body = json!({ member: token }).to_string();
        refuses_body(
            &scene,
            &body,
            "invalid_parameter",
            "expire, cloneSettings and settings alone",
        );
    }
    for wrong in [
        "203001010000",
        "null",
        "true",
        "[]",
        "{}",
        "1893456000",
        "1e400",
    ] {
        for name in ["expire", "cloneSettings"] {
            let body = format!("{{\"{name}\":{wrong}}}");
            let named = if wrong == "1e400" {
                "proper JSON"
            } else {
                name
            };
            refuses_body(&scene, &body, "invalid_parameter", named);
        }
    }
    for wrong in [
        "",
        " ",
        "2030-01-01",
        "2026-11-25T04:34:00Z",
        "2026-02-30T00:00:00Z",
        "2030-01-01T00:00:00",
        "2030-01-01T24:00:00Z",
        "202611250434",
        "1893456000",
    ] {
        refuses_body(
            &scene,
            &json!({ "expire": wrong }).to_string(),
            "invalid_parameter",
            "expire",
        );
    }
    for wrong in ["null", "[]", "\"{}\"", "1"] {
        let body = format!("{{\"settings\":{wrong}}}");
        refuses_body(
            &scene,
            &body,
            "invalid_parameter",
            "settings must be a JSON object",
        );
    }
    for wrong in [
        "null",
        "[]",
        "\"a\"",
        "[{\"expire\":\"203001010000\"}]",
        "1",
    ] {
        refuses_body(&scene, wrong, "invalid_parameter", "must be a JSON object");
    }
}

#[test]
fn settings_elsewhere_than_in_a_json_body_are_not_passed_over() {
    let scene = Scene::new();
    let (server, key) = (&scene.server, &scene.key);
    for name in ["settings", "SETTINGS"] {
        let query = server.auth(key).query(name, "{}").send();
        query.refuses(400, "invalid_parameter");
        let form = server
            .post("/v2/auth")
            .key(key)
            .form(&format!("{name}=%7B%7D"));
        form.send().refuses(400, "invalid_parameter");
        let beside = server
            .mint_json(key, &json!({"settings": {}}))
            .query(name, "");
        beside.send().refuses(400, "invalid_parameter");
    }
    for near in ["setting", "Settings_"] {
        let near = server.auth(key).query(near, "{}").send();
        near.refuses(400, "unknown_parameter");
    }
    scene.changed_nothing("settings in a query");
}

#[test]
fn disabling_beside_a_json_body_does_neither() {
    let scene = Scene::new();
    let (server, key, token) = (&scene.server, &scene.key, &scene.token);
    for body in [json!({"settings": {}}), json!({"expire": "203001010000"})] {
        let both = server
            .mint_json(key, &body)
            .query("disableToken", token)
            .send();
        both.refuses(400, "conflicting_parameters");
    }
    scene.changed_nothing("disableToken beside settings");
    // A list never mints, whatever is beside it.
    let list = server
        .mint_json(key, &json!({"settings": {}}))
        .query("list", "");
    assert_eq!(list.send().tokens(), [token.as_str()]);
    scene.changed_nothing("list beside settings");
}
