//! A token's own resource: reading, changing and ending it.

use insta::assert_snapshot;
use moneyer::{domain::PrivateKey, operator::token};
use serde_json::{Value, json};

use crate::support::{Server, block_on};

/// A document with every member.
pub fn full() -> Value {
    json!({
        "tags": ["mobile", "beta"],
        "scopes": ["tiles:read", "search"],
        "origins": ["https://app.example.org", "https://*.example.net"],
        "ips": ["127.0.0.0/8", "2001:db8::/32"],
        "rate_limit": {"requests": 5, "per_seconds": 60},
        "note": "für <Anna> & \"Bob\"",
    })
}

/// The document without the usage that is shown beside it.
fn without_usage(mut document: Value) -> Value {
    document.as_object_mut().unwrap().remove("usage").unwrap();
    document
}

pub fn server() -> (Server, PrivateKey) {
    let server = Server::start();
    let key = server.account("acme");
    (server, key)
}

#[test]
fn settings_as_they_are_shown() {
    let (server, key) = server();
    let plain = server.mint(&key);
    assert_snapshot!(server.resource("GET", &key, &plain).send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 118
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"tags":[],"scopes":[],"origins":[],"ips":[],"rate_limit":null,"note":"","usage":{"verifications":0,"last_used":null}}
    "#);
    let token = server.mint_with(&key, full());
    let get = server.resource("GET", &key, &token);
    assert_snapshot!(get.send().body, @r#"{"tags":["mobile","beta"],"scopes":["tiles:read","search"],"origins":["https://app.example.org","https://*.example.net"],"ips":["127.0.0.0/8","2001:db8::/32"],"rate_limit":{"requests":5,"per_seconds":60},"note":"für <Anna> & \"Bob\"","usage":{"verifications":0,"last_used":null}}"#);
    assert_snapshot!(get.query("output", "xml").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 496
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000005

    <?xml version="1.0" encoding="UTF-8"?><AUTH><tags><tag>mobile</tag><tag>beta</tag></tags><scopes><scope>tiles:read</scope><scope>search</scope></scopes><origins><origin>https://app.example.org</origin><origin>https://*.example.net</origin></origins><ips><ip>127.0.0.0/8</ip><ip>2001:db8::/32</ip></ips><rate_limit><requests>5</requests><per_seconds>60</per_seconds></rate_limit><note>für &lt;Anna&gt; &amp; &quot;Bob&quot;</note><usage><verifications>0</verifications><last_used/></usage></AUTH>
    "#);
    let plain = server.resource("GET", &key, &plain).query("output", "xml");
    assert_snapshot!(plain.send().body, @r#"<?xml version="1.0" encoding="UTF-8"?><AUTH><tags/><scopes/><origins/><ips/><rate_limit/><note></note><usage><verifications>0</verifications><last_used/></usage></AUTH>"#);
}

#[test]
fn every_change_is_answered_with_all_settings_in_either_rendering() {
    let (server, key) = server();
    let token = server.mint_with(&key, full());
    let patched = server.patch(&key, &token, &json!({"note": "new"}));
    assert_eq!(patched.json(), server.settings(&key, &token));
    let put = server.put(&key, &token, &json!({"tags": ["x"]}));
    assert_eq!(put.json(), server.settings(&key, &token));
    let xml = server
        .resource("PATCH", &key, &token)
        .query("output", "XML")
        .body("application/json", b"{}")
        .send();
    assert!(
        xml.body.contains("<tags><tag>x</tag></tags>"),
        "{}",
        xml.body
    );
    let delete = server.resource("DELETE", &key, &token);
    let xml = delete.query("output", "xml").send();
    let ended = format!("<MESSAGE>Token {token} is disabled.</MESSAGE>");
    assert!(xml.body.contains(&ended), "{}", xml.body);
}

#[test]
fn both_paths_are_the_same_resource() {
    let (server, key) = server();
    let token = server.mint(&key);
    for path in [
        "/v2/auth/token",
        "/auth/v2/token",
        "//auth/v2//token",
        "/v2//auth/token/",
    ] {
        let target = format!("{path}/{token}");
        let note = json!({"note": path}).to_string();
        let patch = server.request("PATCH", &target).key(&key);
        let patched = patch.body("application/json", note.as_bytes()).send();
        assert_eq!(patched.json()["note"], path);
        let slash = server.get(&format!("{target}/")).key(&key).send();
        assert_eq!(slash.json()["note"], path);
    }
    let target = format!("/auth/v2/token/{token}");
    let deleted = server.request("DELETE", &target).key(&key).send();
    assert_eq!(deleted.status(), 200);
    server.verify(&token).refuses_token(401);
}

#[test]
fn a_patch_merges_and_a_put_replaces() {
    let (server, key) = server();
    let token = server.mint_with(&key, full());
    let patch = json!({
        "tags": ["b"], "note": null, "rate_limit": {"requests": 9}, "origins": [],
    });
    let mut expected = full();
    expected["tags"] = json!(["b"]);
    expected["note"] = json!("");
    expected["rate_limit"]["requests"] = json!(9);
    expected["origins"] = json!([]);
    server.patch(&key, &token, &patch);
    assert_eq!(without_usage(server.settings(&key, &token)), expected);
    let unlimited = server.patch(&key, &token, &json!({"rate_limit": null}));
    assert_eq!(unlimited.json()["rate_limit"], Value::Null);
    let before = server.settings(&key, &token);
    assert_eq!(server.patch(&key, &token, &json!({})).json(), before);
    let put = server.put(&key, &token, &json!({"scopes": ["a"]})).json();
    let empty = json!({
        "tags": [], "scopes": ["a"], "origins": [], "ips": [], "rate_limit": null, "note": "",
    });
    assert_eq!(without_usage(put), empty);
}

#[test]
fn patches_at_once_lose_nothing_of_each_other() {
    let (server, key) = server();
    let token = server.mint(&key);
    let patches = [
        json!({"tags": ["a"]}),
        json!({"scopes": ["a"]}),
        json!({"ips": ["10.0.0.0/8"]}),
        json!({"note": "a"}),
        json!({"rate_limit": {"requests": 1, "per_seconds": 1}}),
    ];
    std::thread::scope(|scope| {
        for patch in &patches {
            scope.spawn(|| assert_eq!(server.patch(&key, &token, patch).status(), 200));
        }
    });
    let settings = server.settings(&key, &token);
    for (name, value) in patches.iter().flat_map(|patch| patch.as_object().unwrap()) {
        assert_eq!(
            &settings[name],
            if name == "usage" { &Value::Null } else { value }
        );
    }
}

#[test]
fn what_was_read_may_be_written_back_as_it_is() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"scopes": ["a"]}));
    (0..3).for_each(|_| drop(server.verify(&token).accepts()));
    server.advance(60);
    server.verify(&token).accepts();
    let read = server.settings(&key, &token);
    let used = json!({"verifications": 4, "last_used": "2026-11-25T04:35:00Z"});
    assert_eq!(read["usage"], used);
    assert_eq!(server.put(&key, &token, &read).json(), read);
    assert_eq!(server.patch(&key, &token, &read).json(), read);
    let other = server.patch(&key, &token, &json!({"usage": {"verifications": 0}}));
    assert_eq!(other.json(), read);
    for usage in [json!(null), json!(7), json!([])] {
        let refused = server.patch(&key, &token, &json!({ "usage": usage }));
        refused.refuses(400, "invalid_parameter");
    }
    block_on(server.app.flush_uses()).unwrap();
    assert_eq!(server.settings(&key, &token), read);
    assert_eq!(server.written_uses(&token), 4);
}

#[test]
fn a_protected_token_is_ended_in_no_way_until_the_tag_is_taken_off() {
    let (server, key) = server();
    let token = server.mint_with(&key, json!({"tags": ["protected"]}));
    let id = moneyer::domain::TokenId::of(&crate::support::digest(&token));
    server.disable(&key, &token).refuses(400, "protected_token");
    let delete = server.resource("DELETE", &key, &token);
    delete.send().refuses(400, "protected_token");
    let revoked = server.revoke(&key, &token);
    assert_eq!(revoked.status(), 400, "{}", revoked.body);
    let by_operator = block_on(token::disable(&server.app, id));
    assert_eq!(by_operator.unwrap_err().code(), "protected_token");
    server.verify(&token).accepts();
    server.patch(&key, &token, &json!({"tags": ["Protected"]}));
    assert_eq!(delete.send().status(), 200);
    server.verify(&token).refuses_token(401);
    // A retry after a lost answer is no failure.
    assert_eq!(delete.send().status(), 200);
}

#[test]
fn parameters_of_other_commands_are_not_passed_over() {
    let (server, key) = server();
    let token = server.mint(&key);
    for name in [
        "expire",
        "list",
        "cloneSettings",
        "disableToken",
        "settings",
    ] {
        for method in ["GET", "DELETE"] {
            let request = server.resource(method, &key, &token).query(name, "1");
            request.send().refuses(400, "invalid_parameter");
        }
    }
    let with_body = server.resource("DELETE", &key, &token).form("x=y");
    with_body.send().refuses(400, "invalid_parameter");
    server.verify(&token).accepts();
}

#[test]
fn texts_that_xml_cannot_hold_are_refused() {
    let (server, key) = server();
    let token = server.mint(&key);
    for bad in ["a\u{fffe}", "\u{ffff}b"] {
        for document in [json!({ "note": bad }), json!({ "tags": [bad] })] {
            let put = server.put(&key, &token, &document);
            put.refuses(400, "invalid_parameter");
        }
    }
    let widest = "\u{a0}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}]]>";
    assert_eq!(
        server
            .put(&key, &token, &json!({ "note": widest }))
            .status(),
        200
    );
    let get = server.resource("GET", &key, &token).query("output", "xml");
    let held = format!("<note>{}</note>", widest.replace('>', "&gt;"));
    assert!(get.send().body.contains(&held));
}
