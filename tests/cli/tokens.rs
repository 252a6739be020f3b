//! `moneyer token`.

use crate::support::{Folder, token_id};

#[test]
fn a_token_is_ended_by_its_public_id_and_a_running_server_knows() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let (kept, ended) = (server.mint(&key.secret), server.mint(&key.secret));
    let id = token_id(&ended);
    let run = folder.moneyer(&["token", "disable", &id]).run().done();
    assert_eq!(run.line(), format!("Token {id} is disabled."));
    assert_eq!(server.list(&key.secret), [kept]);
}

#[test]
fn ending_a_token_as_json_says_what_became_of_it() {
    let (folder, key) = Folder::with_key();
    let id = token_id(&folder.serve(&[]).mint(&key.secret));
    let disable = ["token", "disable", &id, "--format", "json"];
    for _ in 0..2 {
        let run = folder.moneyer(&disable).run().done();
        assert_eq!(
            run.json(),
            serde_json::json!({ "token": id, "state": "disabled" })
        );
    }
}

#[test]
fn ending_a_token_twice_is_done_and_said() {
    let (folder, key) = Folder::with_key();
    let id = token_id(&folder.serve(&[]).mint(&key.secret));
    folder.moneyer(&["token", "disable", &id]).run().done();
    let again = folder.moneyer(&["token", "disable", &id]).run().done();
    assert_eq!(again.line(), format!("Token {id} had ended before."));
}

#[test]
fn an_unknown_token_is_refused() {
    let (folder, _) = Folder::with_key();
    let disable = ["token", "disable", "tok_0123456789abcdef"];
    let run = folder.moneyer(&disable).run();
    run.refused().says("tok_0123456789abcdef");
}

/// It may be the token itself, which does not belong on a screen or in a log.
#[test]
fn a_malformed_id_is_a_usage_error_that_does_not_repeat_it() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    let id = token_id(&token);
    for malformed in [&*token, &id[4..], &id.to_uppercase(), &id[..19], "tok_"] {
        let run = folder.moneyer(&["token", "disable", malformed]).run();
        let run = run.misused().says("TOKEN_ID");
        if malformed != "tok_" {
            run.keeps_quiet_about(malformed);
        }
    }
    assert_eq!(server.list(&key.secret), [token]);
}

#[test]
fn a_protected_token_is_not_ended() {
    let (folder, key) = Folder::with_key();
    let server = folder.serve(&[]);
    let token = server.mint(&key.secret);
    folder.change(
        "UPDATE tokens SET settings = ?1",
        [r#"{"tags":["protected"]}"#],
    );
    let run = folder
        .moneyer(&["token", "disable", &token_id(&token)])
        .run();
    run.refused().says("protected");
    assert_eq!(server.list(&key.secret), [token]);
}
