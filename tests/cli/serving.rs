//! `moneyer serve` and `moneyer health`: who may serve what where, and what is left on the disk.

use std::{net::TcpListener, thread};

use crate::{
    process::PATIENCE,
    server::Server,
    support::{Folder, MONEYER, STORE, eventually},
};

const FILES: [&str; 4] = [
    "moneyer.db",
    "moneyer.db.lock",
    "moneyer.db-shm",
    "moneyer.db-wal",
];

#[test]
fn a_second_server_on_the_same_store_is_refused_and_the_first_goes_on() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let second = folder.serving(&[]).run().refused().in_one_sentence();
    second
        .says("Another moneyer serves moneyer.db")
        .says("--database");
    server.mint(&key.secret);
    server.stop();
    folder.serve(&[]).mint(&key.secret);
}

#[test]
fn a_server_that_was_killed_does_not_keep_the_next_from_starting() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    server.process.signal("KILL");
    assert_eq!(server.process.finish_within(PATIENCE).code, None);
    folder.serve(&[]).mint(&key.secret);
}

#[test]
fn of_servers_that_start_together_on_a_new_store_one_serves() {
    let folder = Folder::new();
    let mut started = [(); 3].map(|()| folder.start_serving(&["--dev"]));
    let listens = |text: &str| text.contains(r#""message":"listening""#).then_some(());
    let serving = started
        .iter_mut()
        .filter(|server| server.stderr.wait_for(listens).is_some());
    assert_eq!(serving.count(), 1);
    assert_eq!(folder.number("SELECT count(*) FROM accounts"), 1);
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = folder.moneyer(&["serve", "--listen", &address]).run();
    run.refused()
        .in_one_sentence()
        .says(&address)
        .says("--listen");
    folder.serve(&[]);
}

/// Also for someone whose umask lets others in.
#[test]
fn all_files_are_for_their_owner_alone() {
    let folder = Folder::new();
    let script = r#"umask 000; exec "$0" "$@""#;
    let careless =
        |arguments: &[&str]| folder.program("sh", &[&["-c", script, MONEYER], arguments].concat());
    careless(&["account", "create", "acme"]).run().done();
    let key = folder.key("acme", &[]);
    let server = Server::of(careless(&["serve", "--listen", "127.0.0.1:0"]).spawn());
    server.mint(&key.secret);
    for file in FILES {
        assert_eq!(folder.mode(file), 0o600, "{file}");
    }
    careless(&["backup", "copy.db"]).run().done();
    assert_eq!(folder.mode("copy.db"), 0o600);
}

#[test]
fn the_file_alone_is_the_whole_store_once_the_server_has_stopped() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    server.stop();
    assert_eq!(folder.files(), [STORE, "moneyer.db.lock"]);
    let elsewhere = Folder::new();
    std::fs::copy(folder.path(STORE), elsewhere.path(STORE)).unwrap();
    assert_eq!(elsewhere.serve(&[]).list(&key.secret), [token]);
}

#[test]
fn the_file_alone_is_the_whole_store_once_a_command_is_done() {
    let (folder, key) = Folder::with_key();
    assert_eq!(folder.files(), [STORE]);
    let elsewhere = Folder::new();
    std::fs::copy(folder.path(STORE), elsewhere.path(STORE)).unwrap();
    elsewhere.serve(&[]).mint(&key.secret);
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let acknowledged = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(token) = server.try_mint(&key.secret) {
                    acknowledged.lock().unwrap().push(token);
                }
            });
        }
        let count = || acknowledged.lock().unwrap().len();
        eventually(PATIENCE, "some tokens are minted", || count() >= 80);
        server.process.signal("KILL");
    });
    let server = folder.serve(&[]);
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 80);
    for token in acknowledged {
        let disable = format!("disableToken={token}");
        server.auth(&key.secret, &disable).good();
    }
}

#[test]
fn health_is_told_by_the_exit_code() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    let address = server.address.to_string();
    let health = |at: &str| {
        let health = folder.moneyer(&["health"]).env("MONEYER_LISTEN", at);
        health.run()
    };
    assert_eq!(health(&address).done().stderr, "");
    // Where a server listens at every address, it is asked at this machine's own.
    health(&format!("0.0.0.0:{}", server.address.port())).done();
    server.stop();
    health(&address).refused().in_one_sentence().says(&address);
}

#[test]
fn a_server_that_is_not_ready_is_not_healthy() {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 32];
        stream.read_exact(&mut asked).unwrap();
        stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&asked).into_owned()
    });
    let folder = Folder::new();
    let health = folder.moneyer(&["health"]).env("MONEYER_LISTEN", &address);
    health.run().refused().in_one_sentence().says("not ready");
    let asked = answering.join().unwrap();
    assert!(
        asked.starts_with("GET /health/readiness HTTP/1.1"),
        "{asked}"
    );
}
