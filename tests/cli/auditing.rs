//! `moneyer audit`.

use moneyer::domain::{AccountId, Actor, AuditChain, Change, Event, Timestamp};
use serde_json::{Value, json};

use crate::{
    process::{Invocation, Run},
    support::{Folder, MONEYER, STORE, token_id},
};

/// An account, its three keys, and the entries of those: four.
pub fn audited() -> Folder {
    let folder = Folder::new();
    folder.account("acme");
    for _ in 0..3 {
        folder.key("acme", &[]);
    }
    folder
}

pub fn audit(folder: &Folder, arguments: &[&str]) -> Invocation {
    folder.moneyer(&[&["audit"], arguments].concat())
}

/// The exported entries.
#[track_caller]
pub fn export(folder: &Folder, options: &[&str]) -> Vec<Value> {
    let run = audit(folder, &[&["export"], options].concat()).run().done();
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[track_caller]
pub fn verify(folder: &Folder, options: &[&str]) -> Run {
    audit(folder, &[&["verify", "--format", "json"], options].concat()).run()
}

/// The hash of the last entry.
#[track_caller]
pub fn head(folder: &Folder) -> String {
    let verdict = verify(folder, &[]).done().json();
    verdict["head"].as_str().unwrap().to_owned()
}

/// Makes the audit `count` entries long, by entries as the program writes them.
pub fn lengthen(folder: &Folder, count: i64) {
    let mut chain = AuditChain::EMPTY;
    let mut store = folder.database(STORE);
    let write = store.transaction().unwrap();
    write.execute("DELETE FROM audit", []).unwrap();
    for id in 1..=count {
        let account = AccountId::from_i64(id);
        let entry = chain.extend(&Change {
            at: Timestamp::from_seconds(1_800_000_000),
            by: Actor::CommandLine,
            event: Event::AccountDisabled { account },
        });
        let row = (entry.seq, entry.text, entry.hash.as_bytes());
        write
            .execute("INSERT INTO audit VALUES (?1, ?2, ?3)", row)
            .unwrap();
    }
    write.commit().unwrap();
}

#[test]
fn entries_are_listed_newest_first_in_a_table() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    let text = audit(&folder, &["list"]).run().done().stdout;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["SEQ", "AT", "BY", "ACTION", "WHAT"]);
    let what = format!("tokens={}", token_id(&token));
    assert_eq!(rows[1][0], "3");
    assert_eq!(rows[1][2..], [&*key.id, "token.minted", &what]);
    assert_eq!(rows[2][2..5], ["command", "line", "key.added"]);
    assert_eq!(rows[3][4..], ["account.created", rows[3][5], "name=acme"]);
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_part_of_the_entries_is_listed_when_asked_for() {
    let folder = audited();
    let seqs = |options: &[&str]| -> Vec<i64> {
        let list = [&["list", "--format", "json"], options].concat();
        let listed = audit(&folder, &list).run().done().json();
        let entries = listed.as_array().unwrap().iter();
        entries.map(|e| e["seq"].as_i64().unwrap()).collect()
    };
    assert_eq!(seqs(&[]), [4, 3, 2, 1]);
    assert_eq!(seqs(&["--limit", "2"]), [4, 3]);
    assert_eq!(seqs(&["--limit", "2", "--before", "3"]), [2, 1]);
    assert_eq!(seqs(&["--before", "1"]), [0; 0]);
    lengthen(&folder, 30);
    assert_eq!(seqs(&[]).len(), 20);
}

#[test]
fn listed_and_exported_entries_are_the_same_and_bear_their_hashes() {
    let folder = audited();
    let list = audit(&folder, &["list", "--format", "json"]).run().done();
    let mut listed: Vec<Value> = serde_json::from_str(list.line()).unwrap();
    listed.reverse();
    let exported = export(&folder, &[]);
    assert_eq!(listed, exported);
    assert_eq!(exported[3]["hash"], head(&folder));
    assert_eq!(export(&folder, &["--after", "3"]), exported[3..]);
    assert_eq!(export(&folder, &["--after", "4"]).len(), 0);
}

#[test]
fn a_long_audit_is_read_to_its_end_and_a_reader_may_leave_early() {
    let folder = audited();
    lengthen(&folder, 2050);
    assert_eq!(verify(&folder, &[]).done().json()["entries"], 2050);
    let all = export(&folder, &[]);
    let in_order = all.iter().zip(1..).all(|(entry, seq)| entry["seq"] == seq);
    assert!(in_order && all.len() == 2050);
    folder.change("DELETE FROM audit WHERE seq = 2049", []);
    assert_eq!(verify(&folder, &[]).exits_with(1).json()["seq"], 2049);

    let script =
        format!("'{MONEYER}' audit export | head -n 1; '{MONEYER}' audit export >/dev/full");
    let run = folder.program("sh", &["-c", &script]).run().exits_with(1);
    assert_eq!(run.line().split(',').next(), Some("{\"seq\":1"));
    run.says("Cannot print the result");
}

#[test]
fn an_entry_that_is_no_json_is_listed_and_exported_all_the_same() {
    let folder = audited();
    folder.change(
        "UPDATE audit SET entry = 'no' || char(10) || 'JSON' WHERE seq = 2",
        [],
    );
    let exported = export(&folder, &[]);
    assert_eq!(
        (&exported[1]["seq"], &exported[1]["damaged"]),
        (&json!(2), &json!("no\nJSON"))
    );
    let text = audit(&folder, &["list"]).run().done().stdout;
    assert_eq!(text.lines().count(), 5, "{text}");
}

#[test]
fn no_secret_is_ever_in_the_audit() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let tokens = [server.mint(&key.secret), server.mint(&key.secret)];
    server.list(&key.secret);
    server
        .auth(&key.secret, &format!("disableToken={}", tokens[0]))
        .good();
    let rotate = folder.moneyer(&["key", "rotate"]).input(key.secret.clone());
    let new = rotate.run().done().line().to_owned();
    server.mint_with(&new, &format!("cloneSettings={}", tokens[1]));
    let import = folder.moneyer(&["key", "import", "acme"]);
    import.input("a-key-from-some-other-place-1\n").run().done();

    let stored: Vec<u8> = folder
        .database(STORE)
        .query_row(
            "SELECT CAST(group_concat(entry, char(10)) AS BLOB) FROM audit",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let stored = String::from_utf8(stored).unwrap();
    let export = audit(&folder, &["export"]).run().done().stdout;
    assert!(
        stored.lines().count() == 8 && stored.contains(&token_id(&tokens[0])),
        "{stored}"
    );
    for text in [stored, export] {
        let secrets = [
            &key.secret,
            &new,
            &tokens[0],
            &tokens[1],
            "from-some-other-place",
        ];
        for secret in secrets {
            let parts = [secret, &secret[1..17]];
            assert!(
                !parts.iter().any(|part| text.contains(part)),
                "{secret} is in {text}"
            );
        }
    }
}

#[test]
fn bad_arguments_are_usage_errors() {
    let folder = audited();
    let long = "1".repeat(65);
    for arguments in [
        &[][..],
        &["delete"],
        &["list", "--limit", "0"],
        &["list", "--limit", "1001"],
        &["list", "--before", "x"],
        &["export", "--after", "1.5"],
        &["export", "--after"],
        &["verify", "--head", ""],
        &["verify", "--head", &long],
    ] {
        audit(&folder, arguments).run().misused();
    }
    let token = "0123456789abcdef0123456789abcdef";
    let run = audit(&folder, &["verify", "--head", token]).run().misused();
    run.says("HASH is malformed").keeps_quiet_about(token);
}

#[test]
fn without_a_store_there_is_no_audit_and_none_is_made() {
    let folder = Folder::new();
    for verb in ["list", "verify", "export"] {
        audit(&folder, &[verb]).run().refused().says("no store");
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}
