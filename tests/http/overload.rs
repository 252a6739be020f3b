//! When there is more to do than can be done, and when others hold the store.

use std::thread;

use moneyer::{config::Span, domain::Role};

use crate::support::{Answer, Server};

#[test]
fn keys_that_find_no_place_in_the_queue_are_told_to_come_back() {
    let server = Server::with(|config| {
        config.keyring.argon2_workers = 1;
        config.keyring.argon2_queue = 0;
    });
    server.account("acme");
    let keys: Vec<_> = (0..16).map(|_| server.key("acme", Role::Mint)).collect();
    let answers: Vec<Answer> = thread::scope(|scope| {
        let clients: Vec<_> = keys
            .iter()
            .map(|key| scope.spawn(|| server.auth(key).send()))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let (done, refused): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status() == 200);
    assert!(!done.is_empty());
    for answer in refused {
        answer.refuses(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(usize::try_from(server.count_tokens()), Ok(done.len()));
    // One by one, all of them are served.
    for key in &keys {
        server.mint(key);
    }
}

#[test]
fn a_store_that_another_process_writes_to_can_still_be_read() {
    let server = Server::with(|config| config.store.busy_timeout = Span::seconds(0));
    let (warm, cold) = (server.account("acme"), server.key("acme", Role::Mint));
    let token = server.mint(&warm);
    let holder = server.file();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(server.list(&warm), [token.as_str()]);
    assert!(server.list(&cold).is_empty());
    assert_eq!(server.get("/health/readiness").send().status(), 200);
    let disable = server.auth(&warm).query("disableToken", &token);
    disable.send().refuses(503, "unavailable");
    server.auth(&cold).send().refuses(503, "unavailable");
    assert_eq!(server.list(&warm), [token.as_str()], "nothing was done");
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(disable.send().status(), 200);
    assert!(server.list(&warm).is_empty());
}

#[test]
fn a_mint_that_found_the_store_away_is_done_under_the_same_name_later() {
    let server = Server::with(|config| config.store.busy_timeout = Span::seconds(0));
    let key = server.account("acme");
    let request = server.auth(&key).header("Idempotency-Key", "a");
    let holder = server.file();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    request.send().refuses(503, "unavailable");
    holder.execute_batch("ROLLBACK").unwrap();
    let token = request.send().token();
    assert_eq!(request.send().token(), token);
    assert_eq!(server.count_tokens(), 1);
}
