//! Whole answers, headers included.

use insta::assert_snapshot;

use crate::support::Server;

#[test]
fn a_mint() {
    let server = Server::start();
    let key = server.account("acme");
    assert_snapshot!(server.auth(&key).send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 44
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"TOKEN":"060b7bb40d0294fd31d2ba98964f430c"}
    "#);
    assert_snapshot!(server.auth(&key).query("output", "XML").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 98
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    <?xml version="1.0" encoding="UTF-8"?><AUTH><TOKEN>152f1ef08a712eb746b8d892eab8f4a2</TOKEN></AUTH>
    "#);
}

#[test]
fn a_mint_that_expires() {
    let server = Server::start();
    let key = server.account("acme");
    let mint = server.auth(&key).query("expire", "202611250435");
    assert_snapshot!(mint.send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 44
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"TOKEN":"060b7bb40d0294fd31d2ba98964f430c"}
    "#);
    assert_snapshot!(mint.query("output", "xml").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 98
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    <?xml version="1.0" encoding="UTF-8"?><AUTH><TOKEN>152f1ef08a712eb746b8d892eab8f4a2</TOKEN></AUTH>
    "#);
}

#[test]
fn a_clone() {
    let server = Server::start();
    let key = server.account("acme");
    let clone = server.auth(&key).query("cloneSettings", &server.mint(&key));
    assert_snapshot!(clone.send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 44
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"TOKEN":"152f1ef08a712eb746b8d892eab8f4a2"}
    "#);
    assert_snapshot!(clone.query("output", "xml").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 98
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    <?xml version="1.0" encoding="UTF-8"?><AUTH><TOKEN>72a22e6128f4d4431fdae55991273828</TOKEN></AUTH>
    "#);
}

#[test]
fn an_empty_list() {
    let server = Server::start();
    let key = server.account("acme");
    let list = server.auth(&key).query("list", "1");
    assert_snapshot!(list.send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 13
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"TOKENS":[]}
    "#);
    assert_snapshot!(list.query("output", "xml").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 60
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    <?xml version="1.0" encoding="UTF-8"?><AUTH><TOKENS/></AUTH>
    "#);
}

#[test]
fn a_list() {
    let server = Server::start();
    let key = server.account("acme");
    let list = || server.auth(&key).query("list", "1");
    server.mint(&key);
    assert_snapshot!(list().send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 47
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"TOKENS":["060b7bb40d0294fd31d2ba98964f430c"]}
    "#);
    server.mint(&key);
    assert_snapshot!(list().send().body, @r#"{"TOKENS":["152f1ef08a712eb746b8d892eab8f4a2","060b7bb40d0294fd31d2ba98964f430c"]}"#);
    assert_snapshot!(list().query("output", "xml").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 162
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000005

    <?xml version="1.0" encoding="UTF-8"?><AUTH><TOKENS><TOKEN>152f1ef08a712eb746b8d892eab8f4a2</TOKEN><TOKEN>060b7bb40d0294fd31d2ba98964f430c</TOKEN></TOKENS></AUTH>
    "#);
}

#[test]
fn a_token_disabled() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    let disable = server.auth(&key).query("disableToken", &token);
    assert_snapshot!(disable.send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 65
    content-type: application/json
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"MESSAGE":"Token 060b7bb40d0294fd31d2ba98964f430c is disabled."}
    "#);
    assert_snapshot!(disable.query("output", "xml").send().whole(), @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 121
    content-type: application/xml; charset=utf-8
    moneyer-version: 2026-11-25
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000003

    <?xml version="1.0" encoding="UTF-8"?><AUTH><MESSAGE>Token 060b7bb40d0294fd31d2ba98964f430c is disabled.</MESSAGE></AUTH>
    "#);
}
