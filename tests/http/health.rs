//! Whether the process runs, and whether its store answers.

use crate::support::Server;

#[test]
fn a_running_server_is_alive_and_ready() {
    let server = Server::start();
    for (path, status) in [("/health/liveness", "up"), ("/health/readiness", "ready")] {
        let answer = server.get(path).send();
        assert_eq!(
            (answer.status(), answer.json()["status"].as_str()),
            (200, Some(status))
        );
        let head = server.request("HEAD", path).send();
        assert_eq!((head.status(), head.body.as_str()), (200, ""));
        let post = server.post(path).send();
        post.refuses(405, "method_not_allowed");
        assert_eq!(post.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn a_server_without_its_store_is_alive_and_not_ready() {
    let server = Server::start();
    server
        .file()
        .execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE accounts")
        .unwrap();
    assert_eq!(server.get("/health/liveness").send().status(), 200);
    let answer = server.get("/health/readiness").send();
    assert_eq!(
        (answer.status(), answer.body.as_str()),
        (503, r#"{"status":"unavailable"}"#)
    );
}
