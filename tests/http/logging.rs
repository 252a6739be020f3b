//! Nothing secret ever stands in the log, wherever a caller puts it.

use std::{
    io::Write,
    sync::{Arc, Mutex, OnceLock},
};

use moneyer::domain::Role;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::{introspection::basic, support::Server};

#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The lines of the whole process, since servers log from threads of their own. Other tests' lines
/// do no harm.
pub fn lines() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(lines.clone());
        subscriber.init();
        lines
    })
}

impl Lines {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Checks that none of `secrets` is in the log, and that each of the requests with these ids has one
/// line.
#[track_caller]
pub fn log_is_clean(log: &str, secrets: &[&str], ids: &[String]) {
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{line:?}");
    }
    for id in ids {
        let count = log.matches(id.as_str()).count();
        assert_eq!(count, 1, "one line for each request");
    }
}

#[test]
fn no_secret_reaches_the_log_and_each_request_has_its_line() {
    let lines = lines();
    let server = Server::seeded(7, |_| {});
    let key = server.account("acme");
    let token = server.mint(&key);
    let secrets = [key.expose(), token.as_str()];
    let mut ids = Vec::new();
    for secret in secrets {
        let requests = [
            server.get("/v2/auth").query("apikey", secret),
            server
                .get("/v2/auth")
                .header("Authorization", &format!("Bearer {secret}")),
            server.get("/v2/auth").header("Authorization", secret),
            server
                .post("/v2/auth")
                .form(&format!("apikey={secret}&list=1")),
            server.auth(&key).query("disableToken", secret),
            server.auth(&key).query("cloneSettings", secret),
            server.auth(&key).query("expire", secret),
            server.auth(&key).query(&format!("expires{secret}"), "1"),
            server.auth(&key).query("output", secret),
            server.auth(&key).header("Idempotency-Key", secret),
            server
                .auth(&key)
                .header("User-Agent", secret)
                .header("X-Request-Id", secret)
                .header("Referer", secret),
            server.auth(&key).header("X-Forwarded-For", secret),
            server.get(&format!("/{secret}/{secret}")),
            server.request(secret, "/v2/auth"),
            server
                .get("/v2/auth")
                .header("Cookie", &format!("key={secret}")),
            server.get("/health/liveness").query("token", secret),
            server
                .post("/v2/auth")
                .body("application/json", format!("\"{secret}\"").as_bytes()),
            server.post("/v2/auth").form(&format!("%zz={secret}")),
            // Not HTTP at all, and too much of it.
            server.get(&format!("/{secret} {secret}")),
            server.get(&format!("/v2/auth?{secret}{}", "a".repeat(70_000))),
            server.auth(&key).header("X-Long", &secret.repeat(600)),
        ];
        for request in requests {
            ids.push(request.send().header("x-request-id").unwrap().to_owned());
        }
    }
    server
        .file()
        .execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE tokens")
        .unwrap();
    let failed = server.auth(&key).query("disableToken", &token).send();
    failed.refuses(500, "internal");

    let log = lines.text();
    log_is_clean(&log, &secrets, &ids);
    let cause = log
        .lines()
        .find(|line| line.contains(failed.header("x-request-id").unwrap()))
        .unwrap();
    assert!(
        cause.contains("no such table") && !failed.body.contains("table"),
        "{cause}"
    );
}

#[test]
fn a_verification_is_logged_by_its_route_however_the_path_is_written() {
    let lines = lines();
    let server = Server::seeded(9, |_| {});
    let key = server.account("acme");
    let token = server.mint(&key);
    for path in ["/v2/verify", "/v2//verify/", "/v2/%76erify"] {
        let answer = server.get(path).query("token", &token).send();
        assert_eq!(answer.status(), 200, "{path}");
        let id = answer.header("x-request-id").unwrap();
        let log = lines.text();
        let line = log.lines().find(|line| line.contains(id)).unwrap();
        for said in ["DEBUG", r#"route="/v2/verify""#, "token=tok_", "micros="] {
            assert!(line.contains(said), "{line}");
        }
    }
}

#[test]
fn no_secret_of_a_verification_or_of_settings_reaches_the_log() {
    let lines = lines();
    let server = Server::seeded(8, |_| {});
    let key = server.account("acme");
    let verifier = server.key("acme", Role::Admin);
    let [note, tag, scope, origin] = ["canarynote", "canarytag", "canaryscope", "canaryhost"];
    let settings = json!({
        "note": note, "tags": [tag], "scopes": [scope],
        "origins": [format!("https://{origin}.example")],
        "rate_limit": {"requests": 9, "per_seconds": 60},
    });
    let token = server.mint_with(&key, settings.clone());
    let ended = server.mint(&key);
    server.disable(&key, &ended);
    let secrets = [
        key.expose(),
        verifier.expose(),
        &token,
        &ended,
        note,
        tag,
        scope,
        origin,
    ];
    let body = settings.to_string();
    let patch = |text: &str| {
        let patch = server.resource("PATCH", &key, &token);
        patch.body("application/json", text.as_bytes())
    };
    let mut requests = vec![
        server.verify(&token),
        server
            .verify(&token)
            .header("Origin", &format!("https://{origin}.example")),
        server.verify(&ended).query("explain", "1"),
        server.resource("GET", &key, &token),
        server.resource("GET", &key, &ended),
        server.mint_json(&key, &json!({ "settings": settings })),
        patch(&body),
        patch(&format!("{body}{{")),
        server.mint_json(
            &verifier,
            &json!({"cloneSettings": token, "settings": {"note": note}}),
        ),
        server.mint_json(&key, &json!({ "expire": note })),
        server
            .post("/v2/revoke")
            .header("Authorization", &basic(&token, key.expose()))
            .form(&format!("token={ended}")),
    ];
    for secret in secrets {
        let bearer = format!("Bearer {secret}");
        let target = format!("/a?token={secret}");
        let form = format!("token={secret}");
        requests.extend([
            server.get("/v2/verify").header("Authorization", &bearer),
            server.get("/v2/verify").header("X-Api-Key", secret),
            server.get("/v2/verify").query("token", secret),
            server.get("/v2/verify").header("X-Original-URI", &target),
            server.get("/v2/verify").header("X-Forwarded-Uri", &target),
            server
                .get(&format!("/v2/verify/original/{secret}"))
                .query("token", secret),
            server.verify(&token).header("X-Moneyer-Key", secret),
            server
                .verify(&token)
                .query("scope", secret)
                .query("explain", "1"),
            server.verify(&token).query("status", secret),
            server
                .verify(&token)
                .header("Referer", &format!("https://x.example/{secret}")),
            server.request(secret, "/v2/verify"),
            server.post("/v2/introspect").key(&verifier).form(&form),
            server
                .post("/v2/introspect")
                .header("Authorization", &basic(secret, secret))
                .form(&form),
            server
                .post("/v2/introspect")
                .form(&format!("{form}&apikey={secret}&%zz")),
            server.post("/v2/revoke").key(&verifier).form(&form),
            server.resource("GET", &key, secret),
            server.resource("DELETE", &verifier, secret),
            server.resource("GET", &key, &token).query("output", secret),
            patch(&json!({ secret: secret }).to_string()),
            patch(&json!({ "note": [secret], "ips": [secret] }).to_string()),
            patch(&format!("{{\"{secret}\":1,\"{secret}\":2}}")),
            patch(secret),
        ]);
    }
    let mut ids = Vec::new();
    for request in requests {
        ids.push(request.send().header("x-request-id").unwrap().to_owned());
    }
    log_is_clean(&lines.text(), &secrets, &ids);
}
