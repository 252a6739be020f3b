//! The rows of the table of errors that a caller can mend, in both renderings, headers included.
//! The others are in [`crate::limits`].

use insta::assert_snapshot;
use moneyer::domain::Role;

use crate::support::{Request, Server};

/// A refusal as JSON, whole, and below it the body as XML.
#[track_caller]
pub fn both(request: &Request) -> String {
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
    content-length: 138
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"invalid_parameter","MESSAGE":"expire must be 12 digits, YYYYmmddHHMM in UTC, or an RFC 3339 time such as 2030-01-02T03:04:00Z."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>invalid_parameter</ERROR><MESSAGE>expire must be 12 digits, YYYYmmddHHMM in UTC, or an RFC 3339 time such as 2030-01-02T03:04:00Z.</MESSAGE></AUTH>
    "#);
    assert_snapshot!(server.auth(&key).query("output", "yaml").send().whole(), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 69
    content-type: application/json
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
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
    content-length: 144
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"not_found","MESSAGE":"There is nothing at this path; tokens are minted, listed and disabled at /v2/auth, and verified at /v2/verify."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>not_found</ERROR><MESSAGE>There is nothing at this path; tokens are minted, listed and disabled at /v2/auth, and verified at /v2/verify.</MESSAGE></AUTH>
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
    moneyer-version: 2026-11-25
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
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    {"ERROR":"idempotency_mismatch","MESSAGE":"This Idempotency-Key was used before with other parameters; nothing was done."}
    <?xml version="1.0" encoding="UTF-8"?><AUTH><ERROR>idempotency_mismatch</ERROR><MESSAGE>This Idempotency-Key was used before with other parameters; nothing was done.</MESSAGE></AUTH>
    "#);
    assert_eq!(server.count_tokens(), 1);
}
