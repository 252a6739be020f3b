//! What the HTTP parser refuses by itself is answered with a code and a sentence too.

use insta::assert_snapshot;
use moneyer::config::Span;

use crate::support::{Server, send_raw};

#[test]
fn what_is_not_http() {
    let server = Server::start();
    assert_snapshot!(send_raw(server.address, b"\x16\x03\x01\x02\x00\r\n\r\n").whole(), @r#"
    HTTP/1.1 400 Bad Request
    cache-control: no-store
    connection: close
    content-length: 92
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"ERROR":"invalid_request","MESSAGE":"This is not a proper HTTP request; nothing was done."}
    "#);
    for bytes in [
        "GET /v2/\0auth HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v2/auth HTTP/1.1\r\n\r\n",
        "HELLO\r\n\r\n",
    ] {
        send_raw(server.address, bytes.as_bytes()).refuses(400, "invalid_request");
    }
}

#[test]
fn a_head_beyond_the_parsers_limits() {
    let server = Server::start();
    let target = format!(
        "GET /v2/auth?x={} HTTP/1.1\r\nHost: x\r\n\r\n",
        "a".repeat(70_000)
    );
    assert_snapshot!(send_raw(server.address, target.as_bytes()).whole(), @r#"
    HTTP/1.1 414 URI Too Long
    cache-control: no-store
    connection: close
    content-length: 99
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"ERROR":"too_large","MESSAGE":"The request's target is longer than 8192 bytes; nothing was done."}
    "#);
    let headers: String = (0..200).fold(String::new(), |all, place| {
        all + &format!("x-{place}: y\r\n")
    });
    let head = format!("GET /v2/auth HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    assert_snapshot!(send_raw(server.address, head.as_bytes()).whole(), @r#"
    HTTP/1.1 431 Request Header Fields Too Large
    cache-control: no-store
    connection: close
    content-length: 135
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000002

    {"ERROR":"too_large","MESSAGE":"The request has more than 96 headers, or they are longer than 16384 bytes together; nothing was done."}
    "#);
}

#[test]
fn a_head_that_does_not_come() {
    let server = Server::with(|config| config.limits.head_timeout = Span::seconds(1));
    assert_snapshot!(send_raw(server.address, b"GET /v2/auth HTTP/1.1\r\n").whole(), @r#"
    HTTP/1.1 408 Request Timeout
    cache-control: no-store
    connection: close
    content-length: 109
    content-type: application/json
    referrer-policy: no-referrer
    x-content-type-options: nosniff
    x-request-id: 5044379a000000000001

    {"ERROR":"request_timeout","MESSAGE":"The request's head did not arrive within 1 seconds; nothing was done."}
    "#);
}

#[test]
fn a_body_is_read_once_and_by_one_measure() {
    let server = Server::start();
    let both = "POST /v2/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    send_raw(server.address, both.as_bytes()).refuses(400, "invalid_request");
}
