//! `moneyer key rotate`.

use crate::support::{Folder, Key, STRANGE_KEY, is_key, minute_in};

const ROTATE: [&str; 2] = ["key", "rotate"];

/// A folder whose key has minted three tokens, which are given as the key itself lists them.
fn with_tokens() -> (Folder, Key, Vec<String>) {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let mut minted = [(); 3].map(|()| server.mint(&key.secret)).to_vec();
    minted.reverse();
    assert_eq!(server.list(&key.secret), minted);
    server.stop();
    (folder, key, minted)
}

#[test]
fn a_new_key_takes_over_the_tokens_of_the_one_on_standard_input() {
    let (folder, old, tokens) = with_tokens();
    let rotate = folder.moneyer(&ROTATE).input(old.secret.clone() + "\n");
    let run = rotate.run().done();
    let new = run.line().to_owned();
    assert!(is_key(&new) && new != old.secret, "{new}");
    assert!(!run.stderr.contains(&new), "{run:?}");
    run.says(&old.id)
        .says("3 tokens carried over, 0 tokens ended")
        .keeps_quiet_about(&old.secret);

    let server = folder.serve(&[]);
    assert_eq!(server.list(&new), tokens);
    server
        .auth(&old.secret, "list=1")
        .refused_as(401, "invalid_key");
    server
        .auth(&new, &format!("disableToken={}", tokens[0]))
        .good();
    assert_eq!(server.list(&new), tokens[1..]);
}

#[test]
fn the_old_key_may_come_from_the_environment() {
    let (folder, old, tokens) = with_tokens();
    let rotate = folder.moneyer(&ROTATE).env("MONEYER_API_KEY", &old.secret);
    let new = rotate.run().done().line().to_owned();
    assert_eq!(folder.serve(&[]).list(&new), tokens);
}

#[test]
fn two_different_old_keys_are_one_too_many() {
    let (folder, old, tokens) = with_tokens();
    let other = folder.key("acme", &[]);
    let rotate = folder
        .moneyer(&ROTATE)
        .env("MONEYER_API_KEY", &other.secret);
    let run = rotate.input(old.secret.clone()).run().refused();
    run.says("different keys").keeps_quiet_about(&old.secret);
    let server = folder.serve(&[]);
    assert_eq!(server.list(&old.secret), tokens);
    server.auth(&other.secret, "list=1").good();
}

#[test]
fn rotating_as_json_prints_the_members_of_a_new_key() {
    let folder = Folder::new();
    let account = folder.account("acme");
    let old = folder.key("acme", &["--role", "admin"]);
    let rotate = folder.moneyer(&["key", "rotate", "--format", "json"]);
    let run = rotate.input(old.secret).run().done();
    let (id, key) = (&run.json()["key"], &run.json()["apikey"]);
    let (id, key) = (id.as_str().unwrap(), key.as_str().unwrap());
    assert_ne!(id, old.id);
    let promised =
        format!(r#"{{"key":"{id}","account":"{account}","role":"admin","apikey":"{key}"}}"#);
    assert_eq!(run.line(), promised);
    assert_eq!(run.stderr, "");
}

#[test]
fn the_tokens_end_when_that_is_asked_for() {
    let (folder, old, _) = with_tokens();
    let rotate = folder.moneyer(&["key", "rotate", "--end-tokens"]);
    let run = rotate.input(old.secret).run().done();
    let new = run.line().to_owned();
    run.says("0 tokens carried over, 3 tokens ended");
    let server = folder.serve(&[]);
    assert_eq!(server.list(&new), Vec::<String>::new());
    let token = server.mint(&new);
    assert_eq!(server.list(&new), [token]);
}

#[test]
fn a_running_server_refuses_the_old_key_at_once_and_takes_the_new_one() {
    let (folder, old) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&old.secret);
    let rotate = folder.moneyer(&ROTATE).input(old.secret.clone());
    let new = rotate.run().done().line().to_owned();
    for query in ["", "list=1", &format!("disableToken={token}")] {
        server
            .auth(&old.secret, query)
            .refused_as(401, "invalid_key");
    }
    assert_eq!(server.list(&new), [&*token]);
    let second = server.mint(&new);
    assert_eq!(server.list(&new), [second, token]);
}

#[test]
fn ended_tokens_are_not_carried_over() {
    let (folder, old) = Folder::with_key();
    let server = folder.serve(&[]);
    let (kept, ended) = (server.mint(&old.secret), server.mint(&old.secret));
    server
        .auth(&old.secret, &format!("disableToken={ended}"))
        .good();
    let run = folder.moneyer(&ROTATE).input(old.secret).run().done();
    let new = run.line().to_owned();
    run.says("1 token carried over, 0 tokens ended");
    assert_eq!(server.list(&new), [kept]);
}

#[test]
fn the_new_key_has_role_label_and_expiry_of_the_old_one() {
    let folder = Folder::new();
    folder.account("acme");
    let minute = minute_in(7200);
    let options = ["--role", "admin", "--label", "backend", "--expire", &minute];
    let old = folder.key("acme", &options);
    let rotate = folder.moneyer(&["key", "rotate", "--format", "json"]);
    let new = rotate.input(old.secret).run().done().json();
    let (old, new) = (
        folder.listed_key("acme", &old.id),
        folder.listed_key("acme", new["key"].as_str().unwrap()),
    );
    for same in ["role", "label", "expires"] {
        assert_eq!(old[same], new[same], "{same}");
    }
    assert_eq!(
        (&new["role"], &new["label"]),
        (&"admin".into(), &"backend".into())
    );
    assert!(new["expires"].is_string(), "{new}");
    assert_eq!(
        (&old["state"], &new["state"]),
        (&"disabled".into(), &"active".into())
    );
}

#[test]
fn a_key_rotates_once() {
    let (folder, old) = Folder::with_key();
    let rotate = || folder.moneyer(&ROTATE).input(old.secret.clone()).run();
    rotate().done();
    rotate().refused().says("not valid");
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 2);
}

#[test]
fn a_key_that_is_not_good_does_not_rotate() {
    let (folder, key) = Folder::with_key();
    folder.moneyer(&["key", "disable", &key.id]).run().done();
    for bad in [&key.secret, STRANGE_KEY] {
        let run = folder.moneyer(&ROTATE).input(bad).run().refused();
        run.says("This private key is not valid.")
            .keeps_quiet_about(bad);
    }
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 1);
}

#[test]
fn a_mistyped_key_is_told_from_an_unknown_one() {
    let (folder, key) = Folder::with_key();
    let last = if key.secret.ends_with('0') { "1" } else { "0" };
    let mistyped = key.secret[..41].to_owned() + last;
    let run = folder.moneyer(&ROTATE).input(mistyped.clone()).run();
    run.refused().says("mistyped").keeps_quiet_about(&mistyped);
    assert_eq!(folder.listed_key("acme", &key.id)["state"], "active");
}

#[test]
fn nothing_on_standard_input_is_refused() {
    let (folder, _) = Folder::with_key();
    for nothing in ["", " \n\n"] {
        let run = folder.moneyer(&ROTATE).input(nothing).run().refused();
        run.says("private key is needed");
    }
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 1);
}
