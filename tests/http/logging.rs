//! Nothing secret ever stands in the log, wherever a caller puts it.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use crate::support::Server;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

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

#[test]
fn no_secret_reaches_the_log_and_each_request_has_its_line() {
    let lines = Lines::default();
    // For the whole process: the server logs from threads of its own. Other tests' lines do no
    // harm.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone());
    subscriber.init();
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

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for secret in secrets {
        assert!(
            !log.contains(secret),
            "{}",
            log.lines()
                .find(|line| line.contains(secret))
                .unwrap_or_default()
        );
    }
    for id in ids {
        assert_eq!(
            log.matches(id.as_str()).count(),
            1,
            "one line for each request"
        );
    }
    let cause = log
        .lines()
        .find(|line| line.contains(failed.header("x-request-id").unwrap()))
        .unwrap();
    assert!(
        cause.contains("no such table") && !failed.body.contains("table"),
        "{cause}"
    );
}
