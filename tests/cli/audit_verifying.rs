//! `moneyer audit verify`, and checking an export without Moneyer.

use std::fs;

use serde_json::json;

use crate::{
    auditing::{audit, audited, export, head, verify},
    support::{Folder, STORE},
};

#[test]
fn a_whole_audit_is_found_so_also_while_a_server_adds_to_it() {
    let (folder, key) = Folder::with_key();
    let text = audit(&folder, &["verify"]).run().done();
    let first = head(&folder);
    let expected = format!("The audit is whole: 2 entries, the last with the hash {first}.");
    assert_eq!(text.line(), expected);
    let server = folder.serve(&[]);
    for _ in 0..5 {
        server.mint(&key.secret);
    }
    let verdict = verify(&folder, &["--head", &first]).done().json();
    assert_eq!(
        (&verdict["ok"], &verdict["entries"]),
        (&json!(true), &json!(7))
    );
    assert_eq!(
        (&verdict["fault"], &verdict["seq"]),
        (&json!(null), &json!(null))
    );
    assert_ne!(verdict["head"], first);
}

#[test]
fn an_audit_that_is_empty_beside_accounts_is_not_whole() {
    let folder = audited();
    folder.change("DELETE FROM audit", []);
    let run = audit(&folder, &["verify"]).run().exits_with(1);
    assert_eq!(
        run.line(),
        "The audit is empty, though there are accounts: it was taken out."
    );
}

#[test]
fn the_audit_of_a_new_store_is_whole() {
    let folder = Folder::new();
    folder.serve(&[]).stop();
    let run = audit(&folder, &["verify"]).run().done();
    assert_eq!(run.line(), "The audit is whole: there is no entry yet.");
    // Whoever noted the hash of an audit without entries has it still.
    let zeros = "0".repeat(64);
    assert_eq!(
        verify(&folder, &["--head", &zeros]).done().json()["head"],
        zeros
    );
    assert_eq!(export(&folder, &[]).len(), 0);
}

#[test]
fn the_first_entry_at_fault_is_named() {
    for (sql, seq, says) in [
        (
            "UPDATE audit SET entry = replace(entry, 'mint', 'verify') WHERE seq = 3",
            3,
            "not what was written",
        ),
        ("DELETE FROM audit WHERE seq = 2", 2, "is missing"),
        (
            "UPDATE audit SET seq = 9 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; \
             UPDATE audit SET seq = 3 WHERE seq = 9",
            2,
            "not what was written",
        ),
        (
            "INSERT INTO audit SELECT 5, replace(entry, '\"seq\":4', '\"seq\":5'), hash FROM audit WHERE seq = 4",
            5,
            "not what was written",
        ),
        (
            "INSERT INTO audit SELECT -5, entry, hash FROM audit WHERE seq = 4",
            -5,
            "numbered from 1",
        ),
    ] {
        let folder = audited();
        folder.database(STORE).execute_batch(sql).unwrap();
        let verdict = verify(&folder, &[]).exits_with(1).json();
        assert_eq!(
            (&verdict["ok"], &verdict["seq"]),
            (&json!(false), &json!(seq))
        );
        let text = audit(&folder, &["verify"]).run().exits_with(1);
        let named = text.line().starts_with(&format!("Entry {seq} "));
        assert!(named && text.line().contains(says), "{text:#?}");
    }
}

#[test]
fn an_end_that_was_cut_off_is_noticed_by_who_kept_its_hash() {
    let folder = audited();
    let last = head(&folder);
    verify(&folder, &["--head", &last]).done();
    verify(&folder, &["--head", &last.to_uppercase()]).done();
    folder.change("DELETE FROM audit WHERE seq = 4", []);
    verify(&folder, &[]).done();
    let run = audit(&folder, &["verify", "--head", &last])
        .run()
        .exits_with(1);
    assert!(
        run.line()
            .starts_with(&format!("No entry has the hash {last}")),
        "{run:?}"
    );
    let verdict = verify(&folder, &["--head", &last]).exits_with(1).json();
    assert_eq!(
        (&verdict["ok"], &verdict["entries"]),
        (&json!(false), &json!(3))
    );
}

/// The program in the manual, from its file.
fn program_in_the_manual() -> String {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md");
    let manual = fs::read_to_string(manual).unwrap();
    let (_, rest) = manual.split_once("```python\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_program_in_the_manual_checks_an_export() {
    let folder = Folder::new();
    folder.account("Wetter & \"Söhne\" = \\1");
    folder.key("Wetter & \"Söhne\" = \\1", &[]);
    folder.account("other");
    folder.write("check.py", program_in_the_manual());
    let check = |export: String| folder.program("python3", &["check.py"]).input(export).run();
    let good = audit(&folder, &["export"]).run().done().stdout;
    assert_eq!(check(good.clone()).done().line(), head(&folder));
    let lines: Vec<&str> = good.lines().collect();
    for (bad, seq) in [
        (good.replace("\"mint\"", "\"admin\""), 2),
        ([lines[0], lines[2]].join("\n"), 2),
        ([lines[0], lines[1], lines[1], lines[2]].join("\n"), 3),
        ([lines[1], lines[0], lines[2]].join("\n"), 1),
    ] {
        let run = check(bad).exits_with(1);
        run.says(&format!("Entry {seq} is not what was written."));
    }
}
