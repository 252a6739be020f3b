//! Files that cannot be used: a sentence that says what to do, and the file as it was.

use std::fs;

use crate::{
    process::Invocation,
    support::{Folder, Key, MONEYER, STORE},
};

const VERBS: [&[&str]; 3] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["account", "create", "other"],
    &["key", "list", "acme"],
];

/// Each verb refuses the store in a sentence with `text`, and changes nothing in it.
#[track_caller]
fn refused_by_all(folder: &Folder, text: &str) {
    let before = fs::read(folder.path(STORE)).ok();
    for verb in VERBS {
        let run = folder.moneyer(verb).run();
        run.refused().says(text).says(STORE).in_one_sentence();
        assert_eq!(fs::read(folder.path(STORE)).ok(), before, "{verb:?}");
    }
    let doctor = folder.moneyer(&["doctor"]).run().exits_with(1);
    assert!(doctor.stdout.contains(text), "{doctor:?}");
}

/// The store of [`Folder::with_key`], all in one file.
fn in_one_file() -> (Folder, Key) {
    let (folder, key) = Folder::with_key();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let store = folder.database(STORE);
    store.query_row(checkpoint, [], |_| Ok(())).unwrap();
    (folder, key)
}

/// A program to which permissions apply, although the tests may be run by root.
fn bound_by_permissions(folder: &Folder, arguments: &[&str]) -> Invocation {
    if folder.program("id", &["-u"]).run().done().line() != "0" {
        return folder.moneyer(arguments);
    }
    let drop = ["--bounding-set", "-dac_override,-dac_read_search", MONEYER];
    folder.program("setpriv", &[&drop, arguments].concat())
}

#[test]
fn what_is_not_a_database_is_refused() {
    let folder = Folder::new();
    let text = "These are my notes, and they matter to me.\n".repeat(100);
    folder.write(STORE, &text);
    refused_by_all(
        &folder,
        "is not a database; name another store with --database",
    );
    folder.write(STORE, "short");
    refused_by_all(
        &folder,
        "is not a database; name another store with --database",
    );
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = Folder::new();
    folder
        .database(STORE)
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    refused_by_all(&folder, "a database of some other program");
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let (folder, _) = in_one_file();
    folder
        .database(STORE)
        .pragma_update(None, "user_version", 99)
        .unwrap();
    refused_by_all(&folder, "has schema version 99");
    refused_by_all(&folder, "that wrote it, or a newer one.");
}

#[test]
fn a_store_of_an_older_version_is_refused_and_no_newer_moneyer_is_named() {
    let (folder, _) = in_one_file();
    folder
        .database(STORE)
        .pragma_update(None, "user_version", 1)
        .unwrap();
    refused_by_all(&folder, "alone; use the moneyer that wrote it.");
}

#[test]
fn a_folder_in_the_place_of_the_store_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path(STORE)).unwrap();
    refused_by_all(&folder, "cannot be opened");
    assert_eq!(folder.files(), [STORE]);
}

#[test]
fn a_missing_folder_is_refused_and_named() {
    let folder = Folder::new();
    for verb in &VERBS[..2] {
        let verb = [verb, &["--database", "sqlite:no/such/moneyer.db"][..]].concat();
        let run = folder.moneyer(&verb).run().refused();
        run.says("no/such does not exist; make it")
            .in_one_sentence();
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[test]
fn a_missing_store_is_made_only_where_that_makes_sense() {
    let folder = Folder::new();
    for verb in [
        &["account", "list"][..],
        &["key", "create", "acme"],
        &["key", "rotate"],
        &["token", "disable", "tok_0123456789abcdef"],
        &["sweep"],
    ] {
        let run = folder.moneyer(verb).run().refused();
        run.says("There is no store at")
            .says("moneyer account create")
            .in_one_sentence();
    }
    assert_eq!(folder.files(), Vec::<String>::new());
    folder.serve(&[]);
    assert!(folder.path(STORE).exists());
}

#[test]
fn an_empty_file_is_taken_as_a_new_store() {
    let folder = Folder::new();
    folder.write(STORE, "");
    folder.account("acme");
    let key = folder.key("acme", &[]);
    folder.serve(&[]).mint(&key.secret);
}

#[test]
fn a_store_that_can_only_be_read_is_refused() {
    let (folder, _) = in_one_file();
    folder.set_mode(STORE, 0o400);
    let before = fs::read(folder.path(STORE)).unwrap();
    for verb in VERBS {
        let run = bound_by_permissions(&folder, verb).run().refused();
        run.says("can only be read")
            .says("write to it")
            .in_one_sentence();
    }
    assert_eq!(fs::read(folder.path(STORE)).unwrap(), before);
}

#[test]
fn a_store_that_cannot_be_read_is_refused() {
    let (folder, _) = in_one_file();
    folder.set_mode(STORE, 0o000);
    for verb in VERBS {
        let run = bound_by_permissions(&folder, verb).run().refused();
        run.says("cannot be opened")
            .says("read and write it")
            .in_one_sentence();
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path("locked")).unwrap();
    folder.set_mode("locked", 0o500);
    for verb in &VERBS[..2] {
        let verb = [verb, &["--database", "sqlite:locked/moneyer.db"][..]].concat();
        let run = bound_by_permissions(&folder, &verb).run().refused();
        run.says("locked/moneyer.db")
            .says("ermission")
            .in_one_sentence();
    }
    folder.set_mode("locked", 0o700);
}

/// Nobody but the holder gets in: what `PRAGMA locking_mode = EXCLUSIVE` does to a file.
#[test]
fn a_store_that_another_process_has_for_itself_is_refused() {
    let (folder, key) = in_one_file();
    let holder = folder.database(STORE);
    holder
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM tokens")
        .unwrap();
    for verb in VERBS {
        let run = folder
            .moneyer(verb)
            .env("MONEYER_STORE_BUSY_TIMEOUT", "50ms");
        let run = run.run().refused().says(STORE);
        run.says("locked by another process; try again")
            .in_one_sentence();
    }
    drop(holder);
    folder.serve(&[]).mint(&key.secret);
}

#[test]
fn a_change_is_refused_while_another_process_goes_on_writing() {
    let (folder, key) = in_one_file();
    let writer = folder.database(STORE);
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let create = folder.moneyer(&["key", "create", "acme"]);
    let run = create.env("MONEYER_STORE_BUSY_TIMEOUT", "50ms").run();
    run.refused().says("Try again");
    // Who only looks is not kept waiting.
    folder.listed_key("acme", &key.id);
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 1);
    folder.key("acme", &[]);
}

#[test]
fn a_database_of_a_kind_that_is_not_known_is_refused() {
    let folder = Folder::new();
    for url in ["postgres://localhost/moneyer", "moneyer.db", "sqlite:", ""] {
        let run = folder.moneyer(&["account", "create", "acme", "--database", url]);
        run.run().refused().says("sqlite:PATH").in_one_sentence();
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}
