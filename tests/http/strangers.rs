//! A flood of made-up keys from an address that is slowed down, and the good keys beside it.

use std::{collections::HashSet, time::Duration};

use futures_util::FutureExt as _;
use moneyer::{
    app::App,
    background,
    config::Config,
    domain::{Label, PrivateKey, Role, Selector},
    operator::key::{self, Wanted},
};

use crate::support::{Server, block_on};

const MADE_UP: &str = "K0000000000000000000000000000000000000000";

#[track_caller]
fn try_made_up(server: &Server, status: u16, code: &str) {
    let request = server.get("/v2/auth").query("apikey", MADE_UP);
    request.send().refuses(status, code);
}

/// A server that slows this address down from the second failure on, for ever.
fn server() -> Server {
    Server::with(|config| {
        config.throttle.burst = 1;
        config.throttle.failures_per_second = 1;
    })
}

/// Has this address slowed down, and made-up keys told by what is in memory.
fn slow_down(server: &Server) {
    try_made_up(server, 401, "invalid_key");
    try_made_up(server, 429, "too_many_requests");
    block_on(server.app.learn_selectors()).unwrap();
    assert!(rules_out(server, MADE_UP));
    try_made_up(server, 429, "too_many_requests");
}

fn rules_out(server: &Server, key: &str) -> bool {
    let selector = Selector::of(&PrivateKey::presented(key).unwrap());
    let changes = server.app.store.foreign_changes();
    server.app.keyring.selectors.rule_out(selector, changes)
}

/// A key that another process makes, `elsewhere`, which the server has noticed.
fn key_from(elsewhere: &App, server: &Server) -> PrivateKey {
    let wanted = Wanted {
        role: Role::Mint,
        label: Label::default(),
        expires_at: None,
    };
    let before = server.app.store.foreign_changes();
    let added = block_on(key::create(elsewhere, "acme", wanted)).unwrap();
    while server.app.store.foreign_changes() == before {
        std::thread::sleep(Duration::from_millis(10));
    }
    added.key
}

#[test]
fn a_key_that_this_process_makes_works_at_once() {
    let server = server();
    let old = server.account("acme");
    slow_down(&server);
    server.mint(&server.key("acme", Role::Mint));
    let new = block_on(key::rotate(&server.app, &old, None)).unwrap().new;
    server.mint(&new.key);
    assert!(rules_out(&server, MADE_UP));
    server.auth(&old).send().refuses(429, "too_many_requests");
    try_made_up(&server, 429, "too_many_requests");
}

#[test]
fn a_key_that_another_process_makes_works_once_that_is_noticed_and_from_then_on() {
    let server = server();
    server.account("acme");
    let elsewhere = server.elsewhere();
    slow_down(&server);
    server.mint(&key_from(&elsewhere, &server));
    try_made_up(&server, 429, "too_many_requests");
    let second = key_from(&elsewhere, &server);
    block_on(server.app.learn_selectors()).unwrap();
    assert!(rules_out(&server, MADE_UP));
    server.mint(&second);
    try_made_up(&server, 429, "too_many_requests");
}

#[test]
fn only_from_a_slowed_address_is_a_key_told_by_what_is_in_memory_and_a_known_key_never() {
    let server = server();
    let (known, unknown) = (server.account("acme"), server.key("acme", Role::Mint));
    server.mint(&known);
    // As if there were no keys at all.
    let changes = server.app.store.foreign_changes();
    let none = async || Ok(HashSet::new());
    block_on(server.app.keyring.selectors.learn(changes, none)).unwrap();
    try_made_up(&server, 401, "invalid_key");
    try_made_up(&server, 429, "too_many_requests");
    let refused = server.auth(&unknown).send();
    refused.refuses(429, "too_many_requests");
    server.mint(&known);
    server.advance(1);
    server.mint(&unknown);
}

#[test]
fn a_server_learns_by_itself_which_keys_there_are() {
    let server = server();
    let key = server.account("acme");
    let missed = || server.app.keyring.selectors.missed().now_or_never();
    try_made_up(&server, 401, "invalid_key");
    try_made_up(&server, 429, "too_many_requests");
    assert_eq!(missed(), None);
    for _ in 0..2 {
        try_made_up(&server, 429, "too_many_requests");
        assert_eq!(missed(), Some(()));
    }
    try_made_up(&server, 429, "too_many_requests");
    let plan = Config::default().sweeper_plan();
    let flush_interval = Duration::from_secs(1);
    let learnt = async {
        while !rules_out(&server, MADE_UP) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    block_on(async {
        tokio::select! {
            () = background::run(&server.app, &plan, flush_interval) => {}
            learnt = tokio::time::timeout(Duration::from_secs(30), learnt) => learnt.unwrap(),
        }
    });
    assert!(!rules_out(&server, key.expose()));
    server.mint(&key);
}
