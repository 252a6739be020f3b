//! The rows of the table of errors that say how much, how long and how often, and what failed on
//! this side, in both renderings, headers included.

use insta::assert_snapshot;
use moneyer::config::Span;

use crate::{errors::both, support::Server};

#[test]
fn too_large() {
    let server = Server::start();
    let key = server.account("acme");
    assert_snapshot!(both(&server.post("/v2/auth").key(&key).form(&"a".repeat(16 * 1024 + 1))), @r#"
    HTTP/1.1 413 Payload Too Large
    cache-control: no-store
    connection: close
    content-length: 98
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"too_large","MESSAGE":"The request's body is longer than 16384 bytes; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>too_large</ERROR><MESSAGE>The request&apos;s body is longer than 16384 bytes; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_snapshot!(both(&server.auth(&key).raw_query(&"a".repeat(8 * 1024))), @r#"
    HTTP/1.1 414 URI Too Long
    cache-control: no-store
    connection: close
    content-length: 99
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000004

    {"ERROR":"too_large","MESSAGE":"The request's target is longer than 8192 bytes; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>too_large</ERROR><MESSAGE>The request&apos;s target is longer than 8192 bytes; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_snapshot!(both(&server.auth(&key).header("X-Long", &"a".repeat(16 * 1024))), @r#"
    HTTP/1.1 431 Request Header Fields Too Large
    cache-control: no-store
    connection: close
    content-length: 135
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000006

    {"ERROR":"too_large","MESSAGE":"The request has more than 96 headers, or they are longer than 16384 bytes together; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>too_large</ERROR><MESSAGE>The request has more than 96 headers, or they are longer than 16384 bytes together; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.count_tokens(), 0);
    let fits = server
        .post("/v2/auth")
        .key(&key)
        .form(&"a".repeat(16 * 1024))
        .send();
    assert_eq!(fits.status(), 200);
}

#[test]
fn request_timeout() {
    let server = Server::with(|config| config.limits.body_timeout = Span::seconds(0));
    let key = server.account("acme");
    // Announces one byte more than it sends.
    let promise = server
        .post("/v2/auth")
        .key(&key)
        .header("Content-Length", "1");
    assert_snapshot!(both(&promise), @r#"
    HTTP/1.1 408 Request Timeout
    cache-control: no-store
    connection: close
    content-length: 109
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"request_timeout","MESSAGE":"The request's body did not arrive within 0 seconds; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>request_timeout</ERROR><MESSAGE>The request&apos;s body did not arrive within 0 seconds; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn too_many_requests() {
    let server = Server::with(|config| {
        config.throttle.burst = 1;
        config.throttle.failures_per_second = 1;
    });
    server.get("/v2/auth").send().refuses(401, "missing_key");
    assert_snapshot!(both(&server.get("/v2/auth")), @r#"
    HTTP/1.1 429 Too Many Requests
    cache-control: no-store
    connection: close
    content-length: 116
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    retry-after: 1
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"too_many_requests","MESSAGE":"Too many requests from this address have failed; wait before trying again."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>too_many_requests</ERROR><MESSAGE>Too many requests from this address have failed; wait before trying again.</MESSAGE></AUTH>
    "#);
}

#[test]
fn internal() {
    let server = Server::start();
    let key = server.account("acme");
    server.mint(&key);
    server
        .file()
        .execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE tokens")
        .unwrap();
    assert_snapshot!(both(&server.auth(&key)), @r#"
    HTTP/1.1 500 Internal Server Error
    cache-control: no-store
    connection: close
    content-length: 97
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"internal","MESSAGE":"Moneyer failed; the cause is in its log under this request's id."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>internal</ERROR><MESSAGE>Moneyer failed; the cause is in its log under this request&apos;s id.</MESSAGE></AUTH>
    "#);
}

#[test]
fn unavailable() {
    let server = Server::with(|config| config.store.busy_timeout = Span::seconds(0));
    let key = server.account("acme");
    server.mint(&key);
    let holder = server.file();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_snapshot!(both(&server.auth(&key)), @r#"
    HTTP/1.1 503 Service Unavailable
    cache-control: no-store
    connection: close
    content-length: 101
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    retry-after: 1
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"unavailable","MESSAGE":"The store is unavailable and nothing was done; try again shortly."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>unavailable</ERROR><MESSAGE>The store is unavailable and nothing was done; try again shortly.</MESSAGE></AUTH>
    "#);
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(server.count_tokens(), 1);
    server.mint(&key);
}
