//! `moneyer token disable` with filters.

use std::time::Duration;

use serde_json::json;

use crate::{
    process::Run,
    server::Server,
    support::{Folder, Key, eventually},
};

fn disable(folder: &Folder, arguments: &[&str]) -> Run {
    folder
        .moneyer(&[&["token", "disable"], arguments].concat())
        .run()
}

fn tagged(server: &Server, key: &Key, tags: &[&str]) -> String {
    server.mint_by_json(&key.secret, &json!({"settings": {"tags": tags}}))
}

fn is_good(server: &Server, token: &str) -> bool {
    server.get(&format!("/v2/verify?token={token}")).status == 200
}

#[test]
fn what_carries_a_tag_is_ended_and_a_running_server_follows() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let ended = [
        tagged(&server, &key, &["a"]),
        tagged(&server, &key, &["b", "a"]),
    ];
    let kept = [
        tagged(&server, &key, &["b"]),
        tagged(&server, &key, &["a", "protected"]),
    ];
    assert!(
        ended
            .iter()
            .chain(&kept)
            .all(|token| is_good(&server, token))
    );

    let run = disable(&folder, &["--tag", "a", "--confirm", "2"]).done();
    assert_eq!(run.line(), "Ended 2 tokens; 1 is protected and stays.");
    eventually(Duration::from_secs(10), "the server follows", || {
        !ended.iter().any(|token| is_good(&server, token))
    });
    assert!(kept.iter().all(|token| is_good(&server, token)));
    assert_eq!(server.list(&key.secret).len(), 2);
}

#[test]
fn filters_are_taken_together() {
    let (folder, key) = Folder::with_key();
    let other = folder.key("acme", &[]);
    folder.account("stranger");
    let stranger = folder.key("stranger", &[]);
    let server = folder.serve(&[]);
    for key in [&key, &other, &stranger] {
        tagged(&server, key, &["a"]);
        server.mint(&key.secret);
    }
    let count = |arguments: &[&str]| {
        let dry = [arguments, &["--dry-run", "--format", "json"]].concat();
        disable(&folder, &dry).done().json()["would_end"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(count(&["--tag", "a"]), 3);
    assert_eq!(count(&["--account", "acme"]), 4);
    assert_eq!(count(&["--account", "acme", "--tag", "a"]), 2);
    assert_eq!(count(&["--key", &key.id, "--tag", "a"]), 1);
    assert_eq!(count(&["--key", &key.id, "--account", "stranger"]), 0);
    assert_eq!(count(&["--unused-for", "1d"]), 0);
    folder.change("UPDATE tokens SET created_at = created_at - 200000", []);
    assert_eq!(count(&["--unused-for", "1d"]), 6);
    assert_eq!(
        folder.number("SELECT count(*) FROM tokens WHERE ended_at IS NULL"),
        6
    );

    let end = ["--account", "acme", "--confirm", "4", "--format", "json"];
    assert_eq!(
        disable(&folder, &end).done().json(),
        json!({"ended": 4, "protected": 0})
    );
    assert_eq!(server.list(&stranger.secret).len(), 2);
    assert!(server.list(&key.secret).is_empty() && server.list(&other.secret).is_empty());
}

#[test]
fn nothing_is_ended_unless_the_count_is_confirmed() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let tokens = [(); 2].map(|()| tagged(&server, &key, &["a"]));
    disable(&folder, &["--tag", "a"])
        .refused()
        .says("--confirm 2");
    let wrong = disable(&folder, &["--tag", "a", "--confirm", "3"]).refused();
    wrong.says("The count of such tokens is 2 now, not 3; nothing was changed.");
    let dry = disable(&folder, &["--tag", "a", "--dry-run"]).done();
    assert_eq!(dry.line(), "Would end 2 tokens.");
    assert_eq!(server.list(&key.secret).len(), tokens.len());
}

/// Else a slip would end every token that there is.
#[test]
fn without_a_filter_nothing_is_selected() {
    let (folder, key) = Folder::with_key();
    folder.serve(&[]).mint(&key.secret);
    for misuse in [
        vec![],
        vec!["--dry-run"],
        vec!["--confirm", "1"],
        vec!["tok_0123456789abcdef", "--tag", "a"],
        vec!["tok_0123456789abcdef", "--dry-run"],
        vec!["--tag", "a", "--dry-run", "--confirm", "1"],
        vec!["--unused-for", "x"],
        vec!["--key", "x"],
    ] {
        disable(&folder, &misuse).misused();
    }
    disable(&folder, &["--account", "nobody", "--confirm", "1"])
        .refused()
        .says("nobody");
    let live = "SELECT count(*) FROM tokens WHERE ended_at IS NULL";
    assert_eq!(folder.number(live), 1);
}
