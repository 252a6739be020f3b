//! `moneyer backup`.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::{
    process::PATIENCE,
    support::{Folder, STORE, eventually},
};

/// So that a test that goes wrong does not fill the disk.
const MOST_TOKENS: usize = 5000;

#[test]
fn a_copy_made_while_a_server_mints_is_whole_and_holds_all_that_was_acknowledged() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let (acknowledged, enough) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let before = thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::SeqCst) && acknowledged.lock().unwrap().len() < MOST_TOKENS
            {
                let token = server.mint(&key.secret);
                acknowledged.lock().unwrap().push(token);
            }
        });
        let count = || acknowledged.lock().unwrap().len();
        eventually(PATIENCE, "some tokens are minted", || count() >= 30);
        let before = acknowledged.lock().unwrap().clone();
        let backup = folder.moneyer(&["backup", "copy.db"]).run();
        let after = count();
        eventually(PATIENCE, "minting goes on", || count() > after);
        enough.store(true, Ordering::SeqCst);
        backup.done();
        before
    });
    let doctor = ["doctor", "--database", "sqlite:copy.db"];
    folder.moneyer(&doctor).run().done();
    assert_eq!(folder.mode("copy.db"), 0o600);
    for token in &before {
        assert!(
            folder.holds("copy.db", token),
            "an acknowledged token is missing"
        );
    }
}

#[test]
fn a_copy_serves_in_the_place_of_the_store() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    folder.moneyer(&["backup", "copy.db"]).run().done();
    server.mint(&key.secret);
    let copy = folder.serve(&["--database", "sqlite:copy.db"]);
    assert_eq!(copy.list(&key.secret), [token]);
    copy.mint(&key.secret);
}

#[test]
fn what_was_copied_is_said_and_no_bar_is_drawn_where_nobody_sees_it() {
    let (folder, _) = Folder::with_key();
    let run = folder.moneyer(&["backup", "first.db"]).run().done();
    assert!(run.line().ends_with("pages to first.db."), "{run:?}");
    assert_eq!(run.stderr, "");
    let backup = ["backup", "second.db", "--format", "json"];
    let json = folder.moneyer(&backup).run().done().json();
    assert_eq!(json["file"], "second.db");
    assert!(json["pages"].as_u64().unwrap() > 1, "{json}");
}

#[test]
fn a_file_that_exists_is_refused_and_left_as_it_is() {
    let (folder, _) = Folder::with_key();
    folder.write("precious.txt", "do not lose this");
    let run = folder.moneyer(&["backup", "precious.txt"]).run();
    run.refused().says("precious.txt").says("exists");
    let content = fs::read_to_string(folder.path("precious.txt"));
    assert_eq!(content.unwrap(), "do not lose this");
}

#[test]
fn the_store_is_not_copied_onto_itself() {
    let (folder, key) = Folder::with_key();
    folder.moneyer(&["backup", STORE]).run().refused();
    folder.serve(&[]).mint(&key.secret);
}

#[test]
fn a_missing_folder_is_refused() {
    let (folder, _) = Folder::with_key();
    let run = folder.moneyer(&["backup", "nowhere/copy.db"]).run();
    run.refused().says("nowhere/copy.db");
    assert!(!folder.path("nowhere").exists());
}

#[test]
fn a_missing_store_is_refused_and_neither_file_is_made() {
    let folder = Folder::new();
    folder.moneyer(&["backup", "copy.db"]).run().refused();
    assert_eq!(folder.files(), Vec::<String>::new());
}
