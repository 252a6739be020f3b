//! How long a request's name holds, for whom, and what uses it up.

use std::time::Duration;

use moneyer::{
    domain::Role,
    operator::key,
    store::KeyTokens,
    sweeper::{Plan, sweep_once},
};

use crate::support::{Server, block_on};

const HEADER: &str = "Idempotency-Key";

#[test]
fn a_name_belongs_to_one_key() {
    let server = Server::start();
    let keys = [server.account("acme"), server.key("acme", Role::Mint)];
    let [first, second] = keys
        .each_ref()
        .map(|key| server.auth(key).header(HEADER, "a").send().token());
    assert_ne!(first, second);
    assert_eq!(server.list(&keys[0]), [first]);
    assert_eq!(server.list(&keys[1]), [second]);
}

#[test]
fn names_are_told_apart_to_the_letter() {
    let server = Server::start();
    let key = server.account("acme");
    for name in ["a", "A", "a,", "a,a", "\"a\""] {
        server.auth(&key).header(HEADER, name).send().token();
    }
    assert_eq!(server.count_tokens(), 5);
}

#[test]
fn a_refused_request_does_not_use_up_its_name() {
    let server = Server::start();
    let key = server.account("acme");
    let named = || server.auth(&key).header(HEADER, "a");
    named()
        .query("expire", "202611250434")
        .send()
        .refuses(400, "invalid_parameter");
    named()
        .query("cloneSettings", &"0".repeat(32))
        .send()
        .refuses(404, "unknown_token");
    let token = named().send().token();
    named()
        .query("expire", "203001010000")
        .send()
        .refuses(422, "idempotency_mismatch");
    assert_eq!(named().send().token(), token, "a mismatch changes nothing");
    assert_eq!(server.count_tokens(), 1);
}

#[test]
fn a_sweep_leaves_names_alone_while_they_hold() {
    let server = Server::start();
    let key = server.account("acme");
    let brief = server
        .auth(&key)
        .header(HEADER, "brief")
        .query("expire", "202611250435");
    let disabled = server.auth(&key).header(HEADER, "disabled");
    let tokens = [brief.send().token(), disabled.send().token()];
    server.auth(&key).query("disableToken", &tokens[1]).send();
    let sweep = || {
        let plan = Plan {
            interval: Duration::from_mins(1),
            retention: Duration::from_hours(24),
            batch: 1,
        };
        block_on(sweep_once(&server.app, &plan)).unwrap();
    };
    for seconds in [60, 3600, 24 * 3600 - 3660 - 1] {
        server.advance(seconds);
        sweep();
        assert_eq!([brief.send().token(), disabled.send().token()], tokens);
    }
    server.advance(1);
    sweep();
    // Its minute has long begun, so it can only be refused by now.
    brief.send().refuses(400, "invalid_parameter");
    assert_ne!(disabled.send().token(), tokens[1]);
}

#[test]
fn a_rotated_keys_names_go_over_to_its_successor() {
    let server = Server::start();
    let old = server.account("acme");
    let token = server.auth(&old).header(HEADER, "a").send().token();
    let new = block_on(key::rotate(
        &server.elsewhere(),
        &old,
        Some(KeyTokens::Keep),
    ))
    .unwrap()
    .new
    .key;
    let again = server.auth(&new).header(HEADER, "a").send();
    assert_eq!(again.token(), token);
    assert_eq!(server.count_tokens(), 1);
}

#[test]
fn a_name_that_cannot_be_one_matters_to_mints_alone() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server.mint(&key);
    for bad in ["", "two words", &"x".repeat(256)] {
        let named = || server.auth(&key).header(HEADER, bad);
        assert_eq!(named().query("list", "1").send().tokens(), [token.as_str()]);
    }
    let disable = server
        .auth(&key)
        .header(HEADER, "two words")
        .query("disableToken", &token);
    assert_eq!(disable.send().status(), 200);
}
