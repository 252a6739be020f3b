//! `moneyer signing-key`: the file that it keeps, and what a running server makes of it.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    process::{PATIENCE, Run},
    server::{Server, lines_of},
    support::{Folder, STORE, eventually, is_id, now},
};

pub const FILE: &str = "moneyer.signing-keys.json";
/// How soon a running server has followed the file.
const FOLLOWED: Duration = Duration::from_secs(10);

pub fn signing_key(folder: &Folder, arguments: &[&str]) -> Run {
    let arguments = [&["signing-key"], arguments].concat();
    folder.moneyer(&arguments).run()
}

/// Makes a key, or rotates to a new one, and gives the id of the new key.
#[track_caller]
pub fn new_key(folder: &Folder, arguments: &[&str]) -> String {
    let run = signing_key(folder, arguments).done();
    assert!(is_id(run.line(), "sig_"), "{run:?}");
    run.line().to_owned()
}

/// The keys, with each one's algorithm and state.
#[track_caller]
fn listed(folder: &Folder) -> Vec<[String; 3]> {
    let list = signing_key(folder, &["list", "--format", "json"])
        .done()
        .json();
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let keys = list.as_array().unwrap().iter();
    keys.map(|key| ["signing_key", "algorithm", "state"].map(|name| text(key, name)))
        .collect()
}

/// The ids of the public keys that a server shows.
#[track_caller]
pub fn published(server: &Server) -> Vec<String> {
    let keys = server.get("/.well-known/jwks.json").good();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_key_is_made_in_a_file_for_its_owner_alone_and_never_shown() {
    let folder = Folder::new();
    let run = signing_key(&folder, &["create"]).done();
    let run = run
        .says(FILE)
        .says("within half a second")
        .says("jwks.json");
    assert_eq!(
        (folder.files(), folder.mode(FILE)),
        (vec![FILE.into()], 0o600)
    );
    let content: Value = serde_json::from_slice(&fs::read(folder.path(FILE)).unwrap()).unwrap();
    assert_eq!(content["keys"][0]["id"], run.line());
    let secret = content["keys"][0]["secret"].as_str().unwrap();
    let run = run.keeps_quiet_about(secret);
    assert_eq!(listed(&folder), [[run.line(), "eddsa", "signing"]]);
    let list = signing_key(&folder, &["list"]).done();
    let list = list.keeps_quiet_about(secret);
    assert!(list.stdout.starts_with("SIGNING KEY "), "{list:?}");
    signing_key(&folder, &["list", "--format", "json"]).keeps_quiet_about(secret);
}

#[test]
fn each_algorithm_has_one_key_that_signs() {
    let folder = Folder::new();
    let eddsa = new_key(&folder, &["create"]);
    let hs256 = new_key(&folder, &["create", "--algorithm", "hs256"]);
    for algorithm in ["eddsa", "hs256"] {
        let again = signing_key(&folder, &["create", "--algorithm", algorithm]).refused();
        again.in_one_sentence().says("rotate").says(algorithm);
    }
    let keys = [[&*eddsa, "eddsa", "signing"], [&hs256, "hs256", "signing"]];
    assert_eq!(listed(&folder), keys);
    signing_key(&folder, &["create", "--algorithm", "rs256"]).misused();
}

#[test]
fn a_rotation_has_a_new_key_sign_and_the_old_one_verify_until_it_is_retired() {
    let folder = Folder::new();
    let nothing = signing_key(&folder, &["rotate"]).refused();
    nothing.in_one_sentence().says("create");
    let old = new_key(&folder, &["create"]);
    let signs = signing_key(&folder, &["retire", &old]).refused();
    signs.in_one_sentence().says("rotate");
    let run = signing_key(&folder, &["rotate"]).done();
    let run = run.says(&format!("retire {old}"));
    let new = run.line();
    let keys = [[&*old, "eddsa", "verifying"], [new, "eddsa", "signing"]];
    assert_eq!(listed(&folder), keys);
    for when in ["is retired", "was retired before"] {
        let run = signing_key(&folder, &["retire", &old]).done();
        assert!(run.line().contains(when), "{run:?}");
    }
    let keys = [[&*old, "eddsa", "retired"], [new, "eddsa", "signing"]];
    assert_eq!(listed(&folder), keys);
}

#[test]
fn retiring_ends_what_the_key_signed_and_finishes_what_was_interrupted() {
    let (folder, key) = Folder::with_key();
    let [old, new] = [&["create"][..], &["rotate"]].map(|verb| new_key(&folder, verb));
    let signed_by = |id: &str, tokens: &str| {
        let id = u64::from_str_radix(&id["sig_".len()..], 16).unwrap();
        let sql = format!("UPDATE tokens SET signing_key = ?1 WHERE {tokens}");
        folder.change(&sql, [id.cast_signed()]);
    };
    let server = folder.serve(&[]);
    (0..3).for_each(|_| drop(server.mint(&key.secret)));
    server.stop();
    signed_by(&old, "1");
    signed_by(&new, "id = 2");
    // More than end in one transaction.
    let more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO tokens (digest, key_id, signing_key, created_at)
        SELECT randomblob(32), key_id, signing_key, created_at FROM n, tokens WHERE tokens.id = 1";
    folder.change(more, []);
    let retire = || signing_key(&folder, &["retire", &old]);
    let whole = fs::read(folder.path(STORE)).unwrap();
    folder.write(STORE, "nonsense nonsense nonsense");
    retire()
        .refused()
        .says("is retired")
        .says("Run this again.");
    folder.write(STORE, whole);
    let run = retire().done();
    assert!(
        run.line()
            .ends_with("was retired before; 1002 tokens ended."),
        "{run:?}"
    );
    let run = retire().done();
    assert!(run.line().ends_with("; 0 tokens ended."), "{run:?}");
    assert_eq!(
        folder.number("SELECT count(*) FROM tokens WHERE ended_at IS NULL"),
        1
    );
    folder.moneyer(&["audit", "verify"]).run().done();
    let audit = folder.moneyer(&["audit", "export"]).run().done().stdout;
    let ended = audit.lines().filter(|line| line.contains("token.disabled"));
    assert_eq!(ended.count(), 11, "{audit}");
}

#[test]
fn programs_are_answered_in_json_and_in_silence() {
    let folder = Folder::new();
    let silent = |arguments: &[&str]| {
        let run = signing_key(&folder, &[arguments, &["--format", "json"]].concat()).done();
        assert_eq!(run.stderr, "");
        run.json()
    };
    let id = |run: &Value| run["signing_key"].as_str().unwrap().to_owned();
    let made = silent(&["create", "--algorithm", "hs256"]);
    let first = id(&made);
    let expected = json!({"signing_key": first, "algorithm": "hs256", "state": "signing"});
    assert_eq!(made, expected);
    let rotated = silent(&["rotate", "--algorithm", "hs256"]);
    let expected = json!({"signing_key": id(&rotated), "algorithm": "hs256", "state": "signing",
        "verifying": first});
    assert_eq!(rotated, expected);
    let retired = silent(&["retire", &first]);
    assert_eq!(
        retired,
        json!({"signing_key": first, "state": "retired", "ended": null})
    );
    let list = silent(&["list"]);
    let created = list[0]["created"].as_str().unwrap();
    let created = chrono::DateTime::parse_from_rfc3339(created).unwrap();
    assert!((now() - created.timestamp()).abs() < 60, "{list}");
}

#[test]
fn a_key_that_is_not_there_and_an_id_that_is_none_are_told_apart() {
    let folder = Folder::new();
    assert_eq!(listed(&folder), Vec::<[String; 3]>::new());
    let unknown = signing_key(&folder, &["retire", "sig_0123456789abcdef"]).refused();
    unknown.in_one_sentence().says("signing-key list");
    let malformed = signing_key(&folder, &["retire", "key_0123456789abcdef"]).misused();
    malformed.keeps_quiet_about("0123456789abcdef");
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[test]
fn commands_at_once_lose_nothing() {
    let folder = Folder::new();
    let start = |arguments: &[&str]| {
        let arguments = [&["signing-key"], arguments].concat();
        folder.moneyer(&arguments).spawn()
    };
    let both = [start(&["create"]), start(&["create"])];
    let codes = both.map(|process| process.finish_within(PATIENCE).code);
    assert!(
        codes == [Some(0), Some(1)] || codes == [Some(1), Some(0)],
        "{codes:?}"
    );
    let many: Vec<_> = (0..8).map(|_| start(&["rotate"])).collect();
    for process in many {
        process.finish_within(PATIENCE).done();
    }
    let keys = listed(&folder);
    let verifying = keys.iter().filter(|[_, _, state]| state == "verifying");
    assert_eq!((keys.len(), verifying.count()), (9, 8), "{keys:?}");
    assert_eq!(folder.files(), [FILE]);
}

/// What is refused, by commands and by a server that would start, with words that say why.
#[test]
fn a_running_server_follows_the_file_and_survives_a_broken_one() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    assert_eq!(published(&server), Vec::<String>::new());
    let first = new_key(&folder, &["create"]);
    let becomes = |ids: &[&str]| {
        eventually(FOLLOWED, "the keys are followed", || {
            published(&server) == ids
        });
    };
    becomes(&[&first]);
    let second = new_key(&folder, &["rotate"]);
    becomes(&[&first, &second]);
    let good = fs::read(folder.path(FILE)).unwrap();
    folder.write(FILE, "nonsense");
    let log = || server.process.stderr.text();
    let kept = "the signing keys stay as they were";
    eventually(FOLLOWED, "the log tells", || {
        !lines_of(&log(), kept).is_empty()
    });
    assert_eq!(published(&server), [&*first, &second]);
    folder.write(FILE, good);
    signing_key(&folder, &["retire", &first]).done();
    becomes(&[&second]);
    let told = lines_of(&server.stop().stderr, kept);
    assert_eq!((told.len(), &told[0]["level"]), (1, &json!("ERROR")));
}

#[test]
fn the_doctor_counts_the_keys_and_finds_a_broken_file() {
    let (folder, _) = Folder::with_key();
    let doctor = || folder.moneyer(&["doctor"]).run();
    assert!(
        doctor()
            .done()
            .stdout
            .contains("signing keys  there are none")
    );
    let old = new_key(&folder, &["create"]);
    new_key(&folder, &["rotate"]);
    new_key(&folder, &["rotate"]);
    signing_key(&folder, &["retire", &old]).done();
    let run = doctor().done();
    let counted = run.stdout.contains("signing: 1, verifying: 1, retired: 1");
    assert!(counted, "{run:?}");
    folder.set_mode(FILE, 0o644);
    let run = doctor().exits_with(1);
    let bad = run.stdout.lines().filter(|line| line.starts_with("BAD"));
    let bad: Vec<_> = bad.collect();
    assert!(bad.len() == 1 && bad[0].contains("chmod 600"), "{run:?}");
}

#[test]
fn a_lost_file_is_told_of_when_tokens_were_signed_with_its_keys() {
    let (folder, key) = Folder::with_key();
    let id = new_key(&folder, &["create"]);
    let set = ["account", "policy", "acme", "--set", "format=jwt-eddsa"];
    folder.moneyer(&set).run().done();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    server.stop();
    let reset = ["account", "policy", "acme", "--set", "format=opaque"];
    folder.moneyer(&reset).run().done();
    folder.moneyer(&["doctor"]).run().done();
    let file = folder.path("moneyer.signing-keys.json");
    fs::rename(&file, folder.path("lost")).unwrap();
    let said = folder.moneyer(&["doctor"]).run().exits_with(1).stdout;
    assert!(said.contains(&format!("that {id} signed")), "{said}");
    let server = folder.serve(&[]);
    assert_eq!(server.get(&format!("/v2/verify?token={token}")).status, 401);
    let log = server.stop().stderr;
    assert!(
        log.contains("not in the file") && log.contains(&id),
        "{log}"
    );
    fs::rename(folder.path("lost"), file).unwrap();
    let server = folder.serve(&[]);
    assert_eq!(server.get(&format!("/v2/verify?token={token}")).status, 200);
}
