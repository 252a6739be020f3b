//! Opening, claiming and closing.

use moneyer::store::{Absent, Options, Store};

use crate::support::{Fixture, NOW, options};

#[tokio::test]
async fn what_was_kept_is_there_after_closing_and_opening() {
    let it = Fixture::new();
    let (_, key) = it.account_and_key().await;
    let digest = it.token(key).await;
    let Fixture { store, folder, .. } = it;
    drop(store);
    let store = Store::open(&options(folder.path())).unwrap();
    let moneyer::store::Listed::Tokens(rows) = store.list_tokens(key, 100, NOW).await.unwrap()
    else {
        panic!("the key is dead")
    };
    assert_eq!(rows[0].digest, digest);
}

#[test]
fn a_second_server_on_the_same_store_is_refused_until_the_first_lets_go() {
    let it = Fixture::new();
    let claim = it.store.claim().unwrap();
    let other = it.again();
    let refusal = other.claim().unwrap_err().to_string();
    assert!(
        refusal.contains("serves") && refusal.contains("--database"),
        "{refusal}"
    );
    drop(claim);
    assert!(other.claim().is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_to_the_store_does_not_get_a_second_server_past_the_first() {
    let it = Fixture::new();
    let _claim = it.store.claim().unwrap();
    let link = it.folder.path().join("link.db");
    std::os::unix::fs::symlink(it.store.path(), &link).unwrap();
    let url = format!("sqlite:{}", link.display());
    let linked = Store::open(&Options {
        url,
        ..options(it.folder.path())
    })
    .unwrap();
    assert!(linked.is_claimed() && linked.claim().is_err());
}

#[test]
fn looking_for_a_claim_leaves_nothing_behind() {
    let it = Fixture::new();
    assert!(!it.store.is_claimed());
    assert!(!it.folder.path().join("moneyer.db.lock").exists());
    drop(it.store.claim().unwrap());
    assert!(!it.store.is_claimed());
}

#[test]
fn urls_that_name_no_file_are_refused() {
    let it = Fixture::new();
    for url in [
        "sqlite:",
        "sqlite::memory:",
        "sqlite://host/path",
        "postgres://x",
        "moneyer.db",
        "",
    ] {
        let refusal = Store::open(&Options {
            url: url.into(),
            ..options(it.folder.path())
        })
        .unwrap_err();
        assert!(
            refusal.to_string().contains("sqlite:PATH"),
            "{url}: {refusal}"
        );
    }
}

#[test]
fn an_absent_store_is_made_only_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = Store::open(&Options {
        absent: Absent::Refuse,
        ..options(folder.path())
    })
    .unwrap_err()
    .to_string();
    assert!(refusal.contains("moneyer account create"), "{refusal}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    Store::open(&options(folder.path())).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_of_the_store_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let it = Fixture::new();
    it.account_and_key().await;
    let _claim = it.store.claim().unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(it.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.file_name()
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "moneyer.db",
            "moneyer.db-shm",
            "moneyer.db-wal",
            "moneyer.db.lock"
        ]
    );
}

#[test]
fn the_store_is_in_wal_mode() {
    let it = Fixture::new();
    let mode: String = it
        .file()
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}
