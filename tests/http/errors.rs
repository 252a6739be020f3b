//! Every row of the table of errors, in both renderings, headers included.

use insta::assert_snapshot;
use moneyer::{config::Span, domain::Role};

use crate::support::{Request, Server};

/// A refusal as JSON, whole, and below it the body as XML.
#[track_caller]
fn both(request: &Request) -> String {
    let xml = request.clone().query("output", "xml").send();
    assert_eq!(
        xml.header("content-type"),
        Some("application/xml; charset=utf-8"),
        "{}",
        xml.whole()
    );
    let json = request.send();
    assert_eq!(json.status(), xml.status());
    format!("{}\n{}", json.whole(), xml.body)
}

#[test]
fn invalid_parameter() {
    let server = Server::start();
    let key = server.account("acme");
    assert_snapshot!(both(&server.auth(&key).query("expire", "tomorrow")), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 88
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"invalid_parameter","MESSAGE":"expire must be 12 digits, YYYYmmddHHMM in UTC."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>invalid_parameter</ERROR><MESSAGE>expire must be 12 digits, YYYYmmddHHMM in UTC.</MESSAGE></AUTH>
    "#);
    assert_snapshot!(server.auth(&key).query("output", "yaml").send().whole(), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 69
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"invalid_parameter","MESSAGE":"output must be json or xml."}
    "#);
}

#[test]
fn unknown_parameter() {
    let server = Server::start();
    let key = server.account("acme");
    assert_snapshot!(both(&server.auth(&key).query("expires", "203001010000")), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 120
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"unknown_parameter","MESSAGE":"There is no parameter \"expires\" (did you mean expire?), so nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>unknown_parameter</ERROR><MESSAGE>There is no parameter &quot;expires&quot; (did you mean expire?), so nothing was done.</MESSAGE></AUTH>
    "#);
}

#[test]
fn conflicting_parameters() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    assert_snapshot!(both(&server.auth(&key).query("disableToken", &token).query("list", "0")), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 112
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"conflicting_parameters","MESSAGE":"disableToken and list cannot be given together; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>conflicting_parameters</ERROR><MESSAGE>disableToken and list cannot be given together; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.list(&key), [token]);
}

#[test]
fn protected_token() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    server.protect(&token);
    assert_snapshot!(both(&server.auth(&key).query("disableToken", &token)), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 123
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"protected_token","MESSAGE":"This token is tagged as protected and cannot be disabled while it carries that tag."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>protected_token</ERROR><MESSAGE>This token is tagged as protected and cannot be disabled while it carries that tag.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.list(&key), [token]);
}

#[test]
fn missing_key() {
    let server = Server::start();
    assert_snapshot!(both(&server.get("/v2/auth")), @r#"
    HTTP/1.1 401 Unauthorized
    cache-control: no-store
    connection: close
    content-length: 125
    content-type: application/json
    referrer-policy: no-referrer
    www-authenticate: Bearer realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"missing_key","MESSAGE":"A private key is needed: give it as Authorization: Bearer KEY or as the parameter apikey."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>missing_key</ERROR><MESSAGE>A private key is needed: give it as Authorization: Bearer KEY or as the parameter apikey.</MESSAGE></AUTH>
    "#);
}

#[test]
fn invalid_key() {
    let server = Server::start();
    assert_snapshot!(both(&server.get("/v2/auth").query("apikey", "K0000000000000000000000000000000000000000")), @r#"
    HTTP/1.1 401 Unauthorized
    cache-control: no-store
    connection: close
    content-length: 66
    content-type: application/json
    referrer-policy: no-referrer
    www-authenticate: Bearer realm="moneyer"
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"invalid_key","MESSAGE":"This private key is not valid."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>invalid_key</ERROR><MESSAGE>This private key is not valid.</MESSAGE></AUTH>
    "#);
}

#[test]
fn forbidden() {
    let server = Server::start();
    server.account("acme");
    let key = server.key("acme", Role::Verify);
    assert_snapshot!(both(&server.auth(&key)), @r#"
    HTTP/1.1 403 Forbidden
    cache-control: no-store
    connection: close
    content-length: 78
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"forbidden","MESSAGE":"This private key's role does not allow that."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>forbidden</ERROR><MESSAGE>This private key&apos;s role does not allow that.</MESSAGE></AUTH>
    "#);
    for command in [
        ("list", "1"),
        ("disableToken", "1672c91e97a7421f8ac67f7681d5810a"),
        ("expire", "203001010000"),
    ] {
        server
            .auth(&key)
            .query(command.0, command.1)
            .send()
            .refuses(403, "forbidden");
    }
}

#[test]
fn unknown_token() {
    let server = Server::start();
    let key = server.account("acme");
    assert_snapshot!(both(&server.auth(&key).query("disableToken", "1672c91e97a7421f8ac67f7681d5810a")), @r#"
    HTTP/1.1 404 Not Found
    cache-control: no-store
    connection: close
    content-length: 97
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"unknown_token","MESSAGE":"There is no such token, or this private key may not use it."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>unknown_token</ERROR><MESSAGE>There is no such token, or this private key may not use it.</MESSAGE></AUTH>
    "#);
    let clone = server
        .auth(&key)
        .query("cloneSettings", "1672c91e97a7421f8ac67f7681d5810a")
        .send();
    clone.refuses(404, "unknown_token");
}

#[test]
fn not_found() {
    let server = Server::start();
    assert_snapshot!(both(&server.get("/v2/other")), @r#"
    HTTP/1.1 404 Not Found
    cache-control: no-store
    connection: close
    content-length: 116
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"not_found","MESSAGE":"There is nothing at this path; tokens are minted, listed and disabled at /v2/auth."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>not_found</ERROR><MESSAGE>There is nothing at this path; tokens are minted, listed and disabled at /v2/auth.</MESSAGE></AUTH>
    "#);
}

#[test]
fn method_not_allowed() {
    let server = Server::start();
    let key = server.account("acme");
    assert_snapshot!(both(&server.request("PUT", "/v2/auth").key(&key)), @r#"
    HTTP/1.1 405 Method Not Allowed
    allow: GET, POST
    cache-control: no-store
    connection: close
    content-length: 104
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"method_not_allowed","MESSAGE":"This path takes the methods GET, POST only; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>method_not_allowed</ERROR><MESSAGE>This path takes the methods GET, POST only; nothing was done.</MESSAGE></AUTH>
    "#);
    for method in ["DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "MINT"] {
        let answer = server.request(method, "/v2/auth").key(&key).send();
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("GET, POST")),
            "{method}"
        );
        assert_eq!(answer.body.is_empty(), method == "HEAD", "{method}");
    }
    assert_eq!(server.count_tokens(), 0);
}

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
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000006

    {"ERROR":"too_large","MESSAGE":"The request has more than 96 headers, or they are longer than 16384 bytes together. Nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>too_large</ERROR><MESSAGE>The request has more than 96 headers, or they are longer than 16384 bytes together. Nothing was done.</MESSAGE></AUTH>
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
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"request_timeout","MESSAGE":"The request's body did not arrive within 0 seconds; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>request_timeout</ERROR><MESSAGE>The request&apos;s body did not arrive within 0 seconds; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.count_tokens(), 0);
}

#[test]
fn idempotency_mismatch() {
    let server = Server::start();
    let key = server.account("acme");
    let named = server.auth(&key).header("Idempotency-Key", "a");
    named.send().token();
    assert_snapshot!(both(&named.query("expire", "203001010000")), @r#"
    HTTP/1.1 422 Unprocessable Entity
    cache-control: no-store
    connection: close
    content-length: 122
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"idempotency_mismatch","MESSAGE":"This Idempotency-Key was used before with other parameters; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>idempotency_mismatch</ERROR><MESSAGE>This Idempotency-Key was used before with other parameters; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.count_tokens(), 1);
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
