//! A token that has ended is not accepted once more, whoever verifies it at that moment.

use std::{sync::Arc, time::Duration};

use moneyer::{
    background,
    config::Config,
    domain::{PrivateKey, Role},
    operator::{account, key, token},
    store::KeyTokens,
};
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::{
    Connection, Server,
    Start::{Cold, Warm},
    block_on, digest, race,
};

fn server() -> (Server, PrivateKey) {
    let server = Server::start();
    let key = server.account("acme");
    (server, key)
}

fn mint(server: &Server, key: &PrivateKey, count: usize) -> Vec<String> {
    (0..count).map(|_| server.mint(key)).collect()
}

#[test]
fn disabled_by_its_key() {
    let (server, key) = server();
    let disable = |token: &str| assert_eq!(server.disable(&key, token).status(), 200);
    race(&server, &mint(&server, &key, 10), "", Warm, disable);
    race(&server, &mint(&server, &key, 60), "", Cold, disable);
}

#[test]
fn deleted() {
    let (server, key) = server();
    let delete = |token: &str| {
        let answer = server.resource("DELETE", &key, token).send();
        assert_eq!(answer.status(), 200);
    };
    race(&server, &mint(&server, &key, 10), "", Warm, delete);
    race(&server, &mint(&server, &key, 60), "", Cold, delete);
}

#[test]
fn revoked() {
    let (server, key) = server();
    let revoke = |token: &str| assert_eq!(server.revoke(&key, token).status(), 200);
    race(&server, &mint(&server, &key, 10), "", Warm, revoke);
    race(&server, &mint(&server, &key, 60), "", Cold, revoke);
}

#[test]
fn deprived_of_a_scope() {
    let (server, key) = server();
    let mint = |count| -> Vec<String> {
        let settings = json!({"scopes": ["a", "b"]});
        (0..count)
            .map(|_| server.mint_with(&key, settings.clone()))
            .collect()
    };
    let patch = |token: &str| {
        let patched = server.patch(&key, token, &json!({"scopes": ["b"]}));
        assert_eq!(patched.status(), 200);
    };
    race(&server, &mint(10), "?scope=a", Warm, patch);
    race(&server, &mint(60), "?scope=b,a", Cold, patch);
}

#[test]
fn restricted_to_other_addresses() {
    let (server, key) = server();
    let patch = |token: &str| {
        let patched = server.patch(&key, token, &json!({"ips": ["10.0.0.0/8"]}));
        assert_eq!(patched.status(), 200);
    };
    race(&server, &mint(&server, &key, 10), "", Warm, patch);
    race(&server, &mint(&server, &key, 60), "", Cold, patch);
}

#[test]
fn expired() {
    let (server, key) = server();
    let tokens: Vec<String> = (0..40)
        .map(|second| {
            let expire = format!("2026-11-25T04:34:{:02}Z", second + 1);
            server
                .mint_json(&key, &json!({ "expire": expire }))
                .send()
                .token()
        })
        .collect();
    race(&server, &tokens[..20], "", Warm, |_| server.advance(1));
    race(&server, &tokens[20..], "", Cold, |_| server.advance(1));
}

#[test]
fn ended_by_an_operator_in_the_same_process() {
    let (server, mint_key) = server();
    let disable = |token: &str| {
        let id = moneyer::domain::TokenId::of(&digest(token));
        block_on(token::disable(&server.app, id)).unwrap();
    };
    race(&server, &mint(&server, &mint_key, 20), "", Cold, disable);
    let keys: Vec<_> = (0..10).map(|_| server.key("acme", Role::Mint)).collect();
    let tokens: Vec<_> = keys.iter().map(|key| server.mint(key)).collect();
    race(&server, &tokens, "", Warm, |token| {
        let place = tokens.iter().position(|known| known == token).unwrap();
        let id = block_on(server.app.authenticate(&keys[place])).unwrap().key;
        block_on(key::disable(&server.app, id, Some(KeyTokens::End))).unwrap();
    });
    race(&server, &mint(&server, &mint_key, 1), "", Warm, |_| {
        block_on(account::disable(&server.app, "acme")).unwrap();
    });
}

#[test]
fn ended_while_memory_is_too_small_for_all_tokens() {
    let server = Server::with(|config| config.verify.cached_tokens = 2);
    let key = server.account("acme");
    let tokens = mint(&server, &key, 40);
    // Others come and go meanwhile.
    race(&server, &tokens, "", Cold, |token| {
        for other in &tokens {
            server.verify(other).send();
        }
        assert_eq!(server.disable(&key, token).status(), 200);
    });
}

#[test]
fn ended_by_another_process_within_a_second() {
    let (server, key) = server();
    let tokens = mint(&server, &key, 3);
    let (stop, stopped) = oneshot::channel::<()>();
    let app = Arc::clone(&server.app);
    let following = std::thread::spawn(move || {
        let config = Config::default();
        block_on(async {
            let plan = config.sweeper_plan();
            let run = background::run(&app, &plan, Duration::from_secs(1));
            tokio::select! { () = run => {}, _ = stopped => {} }
        });
    });
    let elsewhere = server.elsewhere();
    race(&server, &tokens, "", Warm, |token| {
        let id = moneyer::domain::TokenId::of(&digest(token));
        block_on(token::disable(&elsewhere, id)).unwrap();
        std::thread::sleep(Duration::from_secs(1));
    });
    drop(stop);
    following.join().unwrap();
}

#[test]
fn ended_by_a_caller_who_hangs_up() {
    let (server, key) = server();
    let tokens = mint(&server, &key, 60);
    let mut connection = Connection::open(server.address);
    let mut ended = 0;
    for token in &tokens {
        assert_eq!(connection.verify(token, ""), 200);
        let mut caller = Connection::open(server.address);
        let disable = format!(
            "GET /v2/auth?disableToken={token} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            key.expose()
        );
        caller.send(disable.as_bytes());
        drop(caller);
    }
    for token in &tokens {
        let is_ended: bool = server
            .file()
            .query_row(
                "SELECT ended_at IS NOT NULL FROM tokens WHERE digest = ?1",
                [digest(token).as_bytes()],
                |row| row.get(0),
            )
            .unwrap();
        if is_ended {
            // The writer comes to this once it has told what it changed before.
            server.mint(&key);
            assert_eq!(connection.verify(token, ""), 401);
            ended += 1;
        }
    }
    assert!(ended > 0, "some of the callers were heard");
}

#[test]
fn no_edit_is_undone_by_a_look_up_that_comes_late() {
    let (server, key) = server();
    let token = server.mint(&key);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut connection = Connection::open(server.address);
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    connection.verify(&token, "");
                }
            });
        }
        let mut connection = Connection::open(server.address);
        let wrong = (0..100).filter(|round| {
            let (ips, expected) = if round % 2 == 0 {
                (json!(["10.0.0.0/8"]), 403)
            } else {
                (json!([]), 200)
            };
            server.patch(&key, &token, &json!({ "ips": ips }));
            connection.verify(&token, "") != expected
        });
        let wrong = wrong.count();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(wrong, 0);
    });
}
