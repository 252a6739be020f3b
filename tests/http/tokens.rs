//! How tokens live and end.

use moneyer::domain::Role;

use crate::support::Server;

#[test]
fn a_token_has_the_promised_form_and_no_two_are_alike() {
    let server = Server::start();
    let key = server.account("acme");
    let tokens: std::collections::HashSet<String> = (0..50).map(|_| server.mint(&key)).collect();
    assert_eq!(tokens.len(), 50);
    assert!(
        tokens
            .iter()
            .all(|token| token.len() == 32
                && token.bytes().all(|b| b"0123456789abcdef".contains(&b)))
    );
}

#[test]
fn a_token_is_good_until_its_minute_begins() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server
        .auth(&key)
        .query("expire", "202611250436")
        .send()
        .token();
    server.advance(119);
    assert_eq!(server.list(&key), [token]);
    server.advance(1);
    assert!(server.list(&key).is_empty());
}

#[test]
fn a_list_is_of_the_keys_own_tokens_newest_first() {
    let server = Server::start();
    let key = server.account("acme");
    let other = server.key("acme", Role::Admin);
    let (first, second, third) = (server.mint(&key), server.mint(&other), server.mint(&key));
    assert_eq!(server.list(&key), [third, first]);
    assert_eq!(server.list(&other), [second]);
}

#[test]
fn a_token_is_ended_by_its_own_key_alone_and_for_ever() {
    let server = Server::start();
    let key = server.account("acme");
    let (sibling, stranger) = (server.key("acme", Role::Admin), server.account("stranger"));
    let token = server.mint(&key);
    let end = |by| server.auth(by).query("disableToken", &token).send();
    end(&sibling).refuses(404, "unknown_token");
    end(&stranger).refuses(404, "unknown_token");
    assert_eq!(server.list(&key), [token.as_str()]);
    assert_eq!(end(&key).status(), 200);
    assert_eq!(
        end(&key).json()["MESSAGE"],
        format!("Token {token} is disabled.")
    );
    server.advance(3600);
    assert!(server.list(&key).is_empty());
}

#[test]
fn disabling_an_expired_token_is_no_failure() {
    let server = Server::start();
    let key = server.account("acme");
    let token = server
        .auth(&key)
        .query("expire", "202611250435")
        .send()
        .token();
    server.advance(60);
    assert_eq!(
        server
            .auth(&key)
            .query("disableToken", &token)
            .send()
            .status(),
        200
    );
}

#[test]
fn settings_are_cloned_within_an_account_from_good_tokens_alone() {
    let server = Server::start();
    let key = server.account("acme");
    let (sibling, stranger) = (server.key("acme", Role::Mint), server.account("stranger"));
    let source = server.mint(&key);
    let clone = |by, of: &str| server.auth(by).query("cloneSettings", of).send();
    server.protect(&source);
    let copy = clone(&sibling, &source).token();
    server
        .auth(&sibling)
        .query("disableToken", &copy)
        .send()
        .refuses(400, "protected_token");
    clone(&stranger, &source).refuses(404, "unknown_token");

    let ended = server.mint(&key);
    server.auth(&key).query("disableToken", &ended).send();
    clone(&key, &ended).refuses(404, "unknown_token");
    let expired = server
        .auth(&key)
        .query("expire", "202611250435")
        .send()
        .token();
    server.advance(60);
    clone(&key, &expired).refuses(404, "unknown_token");
}
