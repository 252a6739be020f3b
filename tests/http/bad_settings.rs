//! Documents of settings that must be refused by name, and change nothing.

use moneyer::domain::PrivateKey;
use serde_json::{Value, json};

use crate::support::Server;

/// A server with a token that has settings.
pub struct Scene {
    pub server: Server,
    pub key: PrivateKey,
    pub token: String,
    before: Value,
}

impl Scene {
    pub fn new() -> Self {
        let server = Server::start();
        let key = server.account("acme");
        let token = server.mint_with(&key, json!({"scopes": ["a"], "note": "n"}));
        let before = server.settings(&key, &token);
        Self {
            server,
            key,
            token,
            before,
        }
    }

    /// Checks that `document` is refused as the whole of the settings, as a patch of them and at
    /// minting, each time by a sentence that holds `named`.
    #[track_caller]
    pub fn refuses(&self, document: &str, named: &str) {
        let edit = |method, kind| {
            let request = self.server.resource(method, &self.key, &self.token);
            request.body(kind, document.as_bytes()).send()
        };
        let mint = |more: &str| {
            let body = format!("{{\"settings\":{document}{more}}}");
            let request = self.server.post("/v2/auth").key(&self.key);
            request.body("application/json", body.as_bytes()).send()
        };
        let clone = format!(",\"cloneSettings\":\"{}\"", self.token);
        let answers = [
            edit("PUT", "application/json"),
            edit("PATCH", "application/merge-patch+json"),
            mint(""),
            mint(&clone),
        ];
        for answer in answers {
            answer.refuses(400, "invalid_parameter");
            let message = answer.json()["MESSAGE"].as_str().unwrap().to_owned();
            assert!(message.contains(named), "{named}: {message}");
        }
        self.changed_nothing(document);
    }

    #[track_caller]
    pub fn changed_nothing(&self, after: &str) {
        let now = self.server.settings(&self.key, &self.token);
        let shown: String = after.chars().take(80).collect();
        assert_eq!(now, self.before, "{shown}");
        assert_eq!(self.server.count_tokens(), 1, "{shown}");
    }
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn members_of_a_wrong_type() {
    let scene = Scene::new();
    for list in ["tags", "scopes", "origins", "ips"] {
        for wrong in ["1", "\"a\"", "true", "{}", "{\"a\":\"b\"}", "1.5"] {
            scene.refuses(
                &format!("{{\"{list}\":{wrong}}}"),
                &format!("{list} must be a list"),
            );
        }
        for wrong in ["1", "null", "[]", "{}", "false"] {
            let document = format!("{{\"{list}\":[{wrong}]}}");
            scene.refuses(&document, &format!("{list}[0] must be a text"));
        }
    }
    for wrong in ["1", "\"5/60\"", "[]", "true"] {
        scene.refuses(
            &format!("{{\"rate_limit\":{wrong}}}"),
            "rate_limit must be an object",
        );
    }
    for wrong in ["1", "[]", "{}", "true"] {
        scene.refuses(&format!("{{\"note\":{wrong}}}"), "note must be a text");
    }
}

#[test]
fn members_that_there_are_not() {
    let scene = Scene::new();
    for name in [
        "tag",
        "Tags",
        "scope",
        "ip",
        "origin",
        "rateLimit",
        "expire",
        "TOKEN",
        "",
    ] {
        scene.refuses(
            &json!({ name: [] }).to_string(),
            &format!("no member \"{name}\""),
        );
    }
    let hostile = json!({ "<script>\u{1b}[2J\u{202e}é": 1 }).to_string();
    scene.refuses(&hostile, "no member \"<script>[2J\"");
    let long = json!({ "x".repeat(5000): 1 }).to_string();
    scene.refuses(&long, &format!("no member \"{}\"", "x".repeat(32)));
}

#[test]
fn entries_out_of_bounds() {
    let scene = Scene::new();
    for (document, named) in [
        (json!({"tags": many(10_000)}), "tags must have at most 64"),
        (json!({"tags": many(65)}), "tags must have at most 64"),
        (json!({"scopes": many(33)}), "scopes must have at most 32"),
        (json!({"origins": many(33)}), "origins must have at most 32"),
        (json!({"ips": many(65)}), "ips must have at most 64"),
        (
            json!({"note": "x".repeat(1 << 20)}),
            "note must have at most 1024",
        ),
        (
            json!({"note": "é".repeat(1025)}),
            "note must have at most 1024",
        ),
        (json!({"note": "a\u{0}b"}), "note must not hold control"),
        (json!({"note": "a\nb"}), "note must not hold control"),
        (json!({"tags": [""]}), "tags[0] must be"),
        (json!({"tags": ["a", " b"]}), "tags[1] must be"),
        (json!({"tags": ["x".repeat(65)]}), "tags[0] must be"),
        (json!({"tags": ["a\u{7}"]}), "tags[0] must be"),
        (json!({"scopes": ["a b"]}), "scopes[0] must be"),
        (json!({"scopes": ["a,b"]}), "scopes[0] must be"),
        (json!({"scopes": ["a\r\nX-Evil: 1"]}), "scopes[0] must be"),
        (json!({"scopes": ["a\"b"]}), "scopes[0] must be"),
        (json!({"scopes": ["x".repeat(97)]}), "scopes[0] must be"),
        (json!({"scopes": ["ok", "é"]}), "scopes[1] must be"),
    ] {
        scene.refuses(&document.to_string(), named);
    }
}

#[test]
fn networks_that_are_none() {
    let scene = Scene::new();
    for bad in [
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0/8",
        "010.0.0.0/8",
        "10.0.0.0 /8",
        "2001:db8::/129",
        "2001:db8::g/32",
        "[2001:db8::]/32",
        "localhost",
        "",
        "*",
        "10.0.0.0:80",
        "fe80::1%eth0",
        "10.0.0.0/255.0.0.0",
        "0x0a000001",
    ] {
        scene.refuses(
            &json!({"ips": ["10.0.0.0/8", bad]}).to_string(),
            "ips[1] must be a network",
        );
    }
    for (bad, meant) in [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("1.2.3.4/0", "0.0.0.0/0"),
        ("::ffff:10.0.0.1/104", "::ffff:10.0.0.0/104"),
    ] {
        let named = format!("{meant} may be meant");
        scene.refuses(&json!({"ips": [bad]}).to_string(), &named);
    }
}

#[test]
fn origins_that_are_none() {
    let scene = Scene::new();
    for bad in [
        "*",
        "https://*",
        "https://*.org",
        "null",
        "",
        "app.example.org",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?q",
        "https://a.example#f",
        "https://u@a.example",
        "https://a.example, https://b.example",
        "https://a.*.example",
        "https://*a.example.org",
        "ftp://a.example",
        "file:///etc/passwd",
        "https://a.example:99999",
        "https://*.10.0.0.1",
        "https://a.example\r\nX: y",
        "javascript:alert(1)",
        "//a.example",
        "https:a.example",
    ] {
        scene.refuses(
            &json!({"origins": [bad]}).to_string(),
            "origins[0] must be an origin",
        );
    }
}

#[test]
fn rate_limits_that_are_none() {
    let scene = Scene::new();
    for bad in [
        "0",
        "-1",
        "1.5",
        "\"5\"",
        "null",
        "1000001",
        "1e300",
        "4294967297",
        "[1]",
    ] {
        let requests = format!("{{\"rate_limit\":{{\"requests\":{bad},\"per_seconds\":1}}}}");
        scene.refuses(&requests, "rate_limit.requests must be a whole number");
        let seconds = format!("{{\"rate_limit\":{{\"requests\":1,\"per_seconds\":{bad}}}}}");
        scene.refuses(&seconds, "rate_limit.per_seconds must be a whole number");
    }
    let over_a_day = json!({"rate_limit": {"requests": 1, "per_seconds": 86_401}});
    scene.refuses(&over_a_day.to_string(), "rate_limit.per_seconds must be");
    let more = json!({"rate_limit": {"requests": 1, "per_seconds": 1, "burst": 2}});
    scene.refuses(&more.to_string(), "rate_limit has an unknown member");
    scene.refuses("{\"rate_limit\":{}}", "rate_limit.requests must be");
}
