//! Requests that may arrive more than once.

use moneyer::domain::Role;

use crate::support::Server;

const HEADER: &str = "Idempotency-Key";

#[test]
fn the_same_request_is_answered_with_the_same_token() {
    let server = Server::start();
    let key = server.account("acme");
    let source = server.mint(&key);
    let request = server
        .auth(&key)
        .header(HEADER, "a")
        .query("expire", "202611250435")
        .query("cloneSettings", &source);
    let token = request.send().token();
    // Neither the rendering nor the way the key is shown is part of what is asked for.
    let again = server
        .post("/v2/auth")
        .header(HEADER, "a")
        .query("output", "json")
        .form(&format!(
            "apikey={}&expire=202611250435&clonesettings={source}",
            key.expose()
        ));
    assert_eq!(again.send().token(), token);
    // Nor does it matter that the request could not mint any more.
    server.auth(&key).query("disableToken", &source).send();
    server.auth(&key).query("disableToken", &token).send();
    server.advance(3600);
    assert_eq!(request.send().token(), token);
    assert_eq!(server.count_tokens(), 2);
}

#[test]
fn other_parameters_under_the_same_name_are_refused() {
    let server = Server::start();
    let key = server.account("acme");
    server.auth(&key).header(HEADER, "a").send().token();
    let other = server
        .auth(&key)
        .header(HEADER, "a")
        .query("expire", "203001010000");
    other.send().refuses(422, "idempotency_mismatch");
    server
        .auth(&key)
        .header(HEADER, "b")
        .query("expire", "203001010000")
        .send()
        .token();
    server.key("acme", Role::Mint);
    let other_key = server.key("acme", Role::Mint);
    server
        .auth(&other_key)
        .header(HEADER, "a")
        .query("expire", "203001010000")
        .send()
        .token();
}

#[test]
fn a_name_is_forgotten_after_a_day() {
    let server = Server::start();
    let key = server.account("acme");
    let request = server.auth(&key).header(HEADER, "a");
    let token = request.send().token();
    server.advance(24 * 3600 - 1);
    assert_eq!(request.send().token(), token);
    server.advance(1);
    assert_ne!(request.send().token(), token);
}

#[test]
fn malformed_names_are_refused() {
    let server = Server::start();
    let key = server.account("acme");
    for bad in ["", "two words", "é", &"x".repeat(256)] {
        server
            .auth(&key)
            .header(HEADER, bad)
            .send()
            .refuses(400, "invalid_parameter");
    }
    server
        .auth(&key)
        .header(HEADER, "a")
        .header(HEADER, "b")
        .send()
        .refuses(400, "invalid_parameter");
    assert_eq!(server.count_tokens(), 0);
    server
        .auth(&key)
        .header(HEADER, &"x".repeat(255))
        .send()
        .token();
}

#[test]
fn listing_and_disabling_need_no_name_and_take_no_harm_of_one() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.auth(&key).header(HEADER, "a").send().token();
    assert_eq!(
        server
            .auth(&key)
            .header(HEADER, "a")
            .query("list", "1")
            .send()
            .tokens(),
        [token.as_str()]
    );
    assert_eq!(
        server
            .auth(&key)
            .header(HEADER, "a")
            .query("disableToken", &token)
            .send()
            .status(),
        200
    );
}
