//! Many at once, and many tokens.

use std::{collections::HashSet, thread};

use moneyer::{
    domain::{PrivateKey, Role, Token, TokenDigest},
    store::{Minted, NewToken},
};

use crate::support::{Server, block_on};

/// Has one client for each of `keys` mint a token, all at once, and checks that each has one of its
/// own.
fn mint_at_once(server: &Server, keys: &[PrivateKey]) {
    let tokens: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = keys
            .iter()
            .map(|key| scope.spawn(|| server.mint(key)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let distinct: HashSet<&String> = tokens.iter().collect();
    assert_eq!(distinct.len(), keys.len());
    let listed: HashSet<String> = keys.iter().flat_map(|key| server.list(key)).collect();
    assert_eq!(listed, tokens.iter().cloned().collect());
}

#[test]
fn fifty_clients_with_one_cold_key() {
    let server = Server::start();
    let key = server.account("acme");
    mint_at_once(&server, &vec![key; 50]);
}

#[test]
fn fifty_clients_with_fifty_cold_keys() {
    let server = Server::start();
    server.account("acme");
    let keys: Vec<_> = (0..50).map(|_| server.key("acme", Role::Mint)).collect();
    mint_at_once(&server, &keys);
}

#[test]
fn fifty_clients_with_the_same_request_mint_once() {
    let server = Server::start();
    let key = server.account("acme");
    let request = server.auth(&key).header("Idempotency-Key", "a");
    let tokens: HashSet<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| request.send().token()))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    assert_eq!((tokens.len(), server.count_tokens()), (1, 1));
}

#[test]
fn of_ten_thousand_tokens_the_newest_hundred_are_listed() {
    let server = Server::start();
    let key = server.account("acme");
    let newest = block_on(async {
        let caller = server.app.authenticate(&key).await.unwrap();
        let mut tokens = Vec::new();
        let mut mints = Vec::new();
        for _ in 0..10_000 {
            let token = server.app.entropy.draw(Token::generate);
            let digest = TokenDigest::of(&token);
            let sealed = caller.sealing.seal(&token, &digest);
            let new = NewToken {
                key: caller.key,
                digest,
                sealed: Some(sealed),
                signer: None,
                name: None,
                expires_at: None,
                clone_of: None,
                settings: None,
                once: None,
            };
            mints.push(server.app.store.mint(new, server.app.clock.now()));
            tokens.push(token.expose().to_owned());
            if mints.len() == 1000 {
                let minted = futures_util::future::join_all(std::mem::take(&mut mints)).await;
                assert!(
                    minted
                        .iter()
                        .all(|minted| matches!(minted, Ok(Minted::Done)))
                );
            }
        }
        tokens.split_off(9_900)
    });
    let listed = server.list(&key);
    assert!(
        listed.iter().eq(newest.iter().rev()),
        "the newest hundred, newest first"
    );
    // What makes it fast whatever their number: the index gives them in order, the few that it lacks
    // come from their rows, nothing is sorted and no table is scanned.
    let file = server.file();
    let mut plan = file
        .prepare(
            "EXPLAIN QUERY PLAN SELECT digest, sealed, id FROM live_tokens WHERE key_id = 1
             AND generation = 1 AND (expires_at IS NULL OR expires_at > 1) ORDER BY id DESC LIMIT 100",
        )
        .unwrap();
    let plan = plan.query_map([], |row| row.get("detail")).unwrap();
    let plan: Vec<String> = plan.collect::<Result<_, _>>().unwrap();
    for step in [
        "SEARCH i USING PRIMARY KEY (key_id=? AND generation=?)",
        "SEARCH tokens USING INTEGER PRIMARY KEY (rowid>?)",
    ] {
        assert!(plan.iter().any(|found| found == step), "{plan:#?}");
    }
    let is_slow = |step: &String| step.contains("SCAN") || step.contains("TEMP B-TREE");
    assert!(!plan.iter().any(is_slow), "{plan:#?}");
}
