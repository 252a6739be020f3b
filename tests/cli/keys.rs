//! `moneyer key create` and `moneyer key list`.

use crate::support::{Folder, is_id, is_key, minute_in, now};

/// 35 random characters and the CRC-32 of what precedes it, as the last six.
fn checksum_of(key: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let crc = crc32fast::hash(&key.as_bytes()[..36]);
    let place = |power: u32| char::from(DIGITS[(crc / 62_u32.pow(power) % 62) as usize]);
    (0..6).rev().map(place).collect()
}

#[test]
fn the_key_alone_goes_to_standard_output_and_the_words_beside_it() {
    let folder = Folder::new();
    folder.account("acme");
    let run = folder.moneyer(&["key", "create", "acme"]).run().done();
    let key = run.line().to_owned();
    assert!(is_key(&key), "{key}");
    assert!(!run.stderr.contains(&key), "{run:?}");
    run.says("key_").says("shown only now");
}

#[test]
fn creating_a_key_as_json_prints_the_promised_members_and_no_words() {
    let folder = Folder::new();
    let account = folder.account("acme");
    let create = ["key", "create", "acme", "--format", "json"];
    let run = folder.moneyer(&create).run().done();
    let (id, key) = (&run.json()["key"], &run.json()["apikey"]);
    let (id, key) = (id.as_str().unwrap(), key.as_str().unwrap());
    assert!(is_id(id, "key_") && is_key(key), "{run:?}");
    let promised =
        format!(r#"{{"key":"{id}","account":"{account}","role":"mint","apikey":"{key}"}}"#);
    assert_eq!(run.line(), promised);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_new_key_ends_with_the_checksum_of_what_precedes() {
    let (_folder, key) = Folder::with_key();
    assert_eq!(key.secret[36..], checksum_of(&key.secret));
}

#[test]
fn an_account_is_named_by_its_id_as_well() {
    let folder = Folder::new();
    let account = folder.account("acme");
    let key = folder.key(&account, &[]);
    folder.listed_key("acme", &key.id);
}

#[test]
fn each_key_is_another() {
    let (folder, first) = Folder::with_key();
    let second = folder.key("acme", &[]);
    assert_ne!(first.secret, second.secret);
    assert_ne!(first.id, second.id);
}

#[test]
fn a_key_is_listed_with_its_role_label_and_state() {
    let folder = Folder::new();
    folder.account("acme");
    for role in ["mint", "verify", "admin"] {
        let label = format!("the one to {role} with");
        let key = folder.key("acme", &["--role", role, "--label", &label]);
        let listed = folder.listed_key("acme", &key.id);
        assert_eq!(listed["role"], role);
        assert_eq!(listed["label"], label);
        assert_eq!(listed["state"], "active");
        assert!(listed["created"].as_str().unwrap().ends_with('Z'));
        assert!(listed["last_used"].is_null() && listed["expires"].is_null());
    }
}

#[test]
fn keys_are_listed_oldest_first_in_a_table() {
    let (folder, key) = Folder::with_key();
    folder.change("UPDATE keys SET created_at = created_at - 1", []);
    let labelled = folder.key("acme", &["--label", "backend"]);
    folder.moneyer(&["key", "disable", &key.id]).run().done();
    let text = folder.moneyer(&["key", "list", "acme"]).run().done().stdout;
    let lines: Vec<&str> = text.lines().collect();
    let heads: Vec<&str> = lines[0]
        .split("  ")
        .filter(|head| !head.is_empty())
        .collect();
    let heads: Vec<&str> = heads.into_iter().map(str::trim).collect();
    assert_eq!(
        heads,
        [
            "KEY",
            "LABEL",
            "ROLE",
            "CREATED",
            "LAST USED",
            "EXPIRES",
            "STATE"
        ]
    );
    assert!(
        lines[1].starts_with(&key.id) && lines[1].ends_with("disabled"),
        "{text}"
    );
    assert!(
        lines[2].starts_with(&labelled.id) && lines[2].ends_with("active"),
        "{text}"
    );
    assert!(lines[2].contains("backend"), "{text}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_list_never_holds_a_key() {
    let (folder, key) = Folder::with_key();
    for format in ["text", "json"] {
        let list = ["key", "list", "acme", "--format", format];
        let run = folder.moneyer(&list).run().done();
        run.keeps_quiet_about(&key.secret)
            .keeps_quiet_about(&key.secret[1..20]);
    }
}

#[test]
fn no_file_ever_holds_a_key() {
    let (folder, key) = Folder::with_key();
    folder.serve(&[]).mint(&key.secret);
    let holds = |text: &str| {
        folder
            .files()
            .iter()
            .any(|file| contains(&std::fs::read(folder.path(file)).unwrap(), text))
    };
    assert!(holds("acme") && !holds(&key.secret) && !holds(&key.secret[1..20]));
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn an_account_without_keys_has_an_empty_list() {
    let folder = Folder::new();
    folder.account("acme");
    let list = ["key", "list", "acme", "--format", "json"];
    assert_eq!(folder.moneyer(&list).run().done().line(), "[]");
}

#[test]
fn a_role_that_does_not_exist_is_a_usage_error() {
    let folder = Folder::new();
    folder.account("acme");
    let create = ["key", "create", "acme", "--role", "god"];
    let run = folder.moneyer(&create).run().misused();
    run.says("mint, verify and admin");
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 0);
}

#[test]
fn an_expiry_is_shown_in_the_list_and_comes() {
    let (folder, _) = Folder::with_key();
    let minute = minute_in(3600);
    let key = folder.key("acme", &["--expire", &minute]);
    let listed = folder.listed_key("acme", &key.id);
    let shown = listed["expires"].as_str().unwrap();
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(digits, minute + "00");
    assert_eq!(listed["state"], "active");

    folder.change(
        "UPDATE keys SET expires_at = ?1 WHERE expires_at IS NOT NULL",
        [now() - 1],
    );
    assert_eq!(folder.listed_key("acme", &key.id)["state"], "expired");
    let server = folder.serve(&[]);
    server.auth(&key.secret, "").refused_as(401, "invalid_key");
}

#[test]
fn an_expiry_in_the_past_is_refused_and_one_that_is_no_time_is_a_usage_error() {
    let folder = Folder::new();
    folder.account("acme");
    let create = |expire: &str| folder.moneyer(&["key", "create", "acme", "--expire", expire]);
    create("202001010000").run().refused().says("past");
    create(&minute_in(0)).run().refused().says("past");
    create("20300101").run().misused().says("12 digits");
    create("203002310000").run().misused().says("real date");
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 0);
}

#[test]
fn a_label_is_one_line_of_bounded_length() {
    let folder = Folder::new();
    folder.account("acme");
    let create = |label: &str| folder.moneyer(&["key", "create", "acme", "--label", label]);
    create(&"x".repeat(129)).run().refused().says("label");
    create("two\nlines").run().refused().says("label");
    create(&"x".repeat(128)).run().done();
}

#[test]
fn the_last_use_is_listed_once_the_server_that_saw_it_has_stopped() {
    let (folder, used) = Folder::with_key();
    let unused = folder.key("acme", &[]);
    let server = folder.serve(&[]);
    let before = now();
    server.mint(&used.secret);
    server.stop();
    let listed = folder.listed_key("acme", &used.id);
    let at = chrono::DateTime::parse_from_rfc3339(listed["last_used"].as_str().unwrap());
    let at = at.unwrap().timestamp();
    assert!((before..=now()).contains(&at), "{listed}");
    assert!(folder.listed_key("acme", &unused.id)["last_used"].is_null());
}
