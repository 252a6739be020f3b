//! `moneyer token import`: what is refused, by its line, and that nothing is imported then.

use serde_json::json;

use crate::{
    support::{Folder, Key},
    token_importing::{FIRST, SECOND, digest_of, import, importing},
};

/// The input is refused, `why` is said, and nothing is imported.
#[track_caller]
fn refused(folder: &Folder, key: &Key, input: &str, why: &str) {
    import(folder, key, input).refused().says(why);
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0, "{why}");
}

#[test]
fn what_is_no_token_is_refused_by_its_line() {
    let (folder, key) = Folder::with_key();
    for (bad, why) in [
        ("abcdefghijklmnopqrs", "has fewer than 20 characters"),
        (&"0123456789".repeat(615), "has more than 6144 characters"),
        ("1|abcdefghijklmnopqrstuv", "letters, digits and -._~+/="),
        (
            "ghghghghghghghghghghghgh",
            "fewer than 6 different characters",
        ),
        (
            "0123456789ABCDEF0123456789ABCDEF",
            "hexadecimal digits alone",
        ),
        (&key.secret, "is a private key"),
    ] {
        let csv = format!("token\n{FIRST}\n\n{bad}\n{SECOND}\n");
        let run = import(&folder, &key, &csv).refused().says(why);
        run.says("line 4: the token ")
            .says("1 of 3 tokens")
            .keeps_quiet_about(bad);
        let line = json!({ "token": bad });
        refused(
            &folder,
            &key,
            &format!("{{\"token\":\"{FIRST}\"}}\n{line}\n"),
            "line 2: the token ",
        );
    }
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0);
}

#[test]
fn what_is_said_of_a_token_must_make_sense() {
    let (folder, key) = Folder::with_key();
    let digest = digest_of(SECOND);
    for (bad, why) in [
        (json!({}), "it has neither token nor sha256"),
        (
            json!({ "token": "", "sha256": null }),
            "it has neither token nor sha256",
        ),
        (
            json!({ "token": FIRST, "sha256": digest }),
            "token and sha256 cannot both be given",
        ),
        (json!({ "token": 5 }), "token must be a text"),
        (
            json!({ "sha256": &digest[1..] }),
            "sha256 must be 64 hexadecimal digits",
        ),
        (
            json!({ "token": FIRST, "expire": 5 }),
            "there is no \"expire\"; the names are token,",
        ),
        (
            json!({ "token": FIRST, "expires_at": "202001010000" }),
            "expires_at lies in the past",
        ),
        (
            json!({ "token": FIRST, "expires_at": 1_577_836_800 }),
            "expires_at lies in the past",
        ),
        (
            json!({ "token": FIRST, "expires_at": "tomorrow" }),
            "expires_at must be 12 digits",
        ),
        (
            json!({ "token": FIRST, "expires_at": 4_102_444_800_000_u64 }),
            "expires_at must be 12 digits",
        ),
        (
            json!({ "token": FIRST, "expires_at": "209902310000" }),
            "expires_at is not a real date",
        ),
        (
            json!({ "token": FIRST, "created_at": 20_240_101 }),
            "created_at must be 12 digits, YYYYmmddHHMM in UTC, or an RFC 3339 time such as \
             2030-01-02T03:04:00Z, or seconds since 1970, of 9 to 11 digits",
        ),
        (
            json!({ "token": FIRST, "created_at": "020240101" }),
            "created_at must be 12 digits",
        ),
        (
            json!({ "token": FIRST, "expires_at": true }),
            "expires_at must be a time",
        ),
        (
            json!({ "token": FIRST, "created_at": "209901010000" }),
            "created_at lies in the future",
        ),
        (
            json!({ "token": FIRST, "settings": [] }),
            "settings must be a JSON object",
        ),
        (
            json!({ "token": FIRST, "settings": { "tag": [] } }),
            "settings have no member \"tag\"",
        ),
        (
            json!({ "token": FIRST, "settings": { "ips": ["x"] } }),
            "ips[0] must be",
        ),
        (
            json!({ "token": FIRST, "tags": "a" }),
            "tags must be a list",
        ),
        (
            json!({ "token": FIRST, "note": "a", "settings": { "note": "b" } }),
            "note and settings.note cannot both be given",
        ),
    ] {
        let input = format!("{{\"token\":\"{SECOND}\"}}\n{bad}\n");
        refused(&folder, &key, &input, &format!("line 2: {why}"));
    }
}

#[test]
fn what_is_no_json_is_refused_and_not_repeated() {
    let (folder, key) = Folder::with_key();
    for (bad, why) in [
        (
            format!("{{\"token\":\"{FIRST}\""),
            "it is not JSON, at column",
        ),
        (format!("\"{FIRST}\""), "it must be a JSON object"),
        (
            format!("{{\"token\":\"{FIRST}\",\"token\":\"{SECOND}\"}}"),
            "it has the member \"token\" twice",
        ),
        (
            format!("{{\"{FIRST}\":1,\"{FIRST}\":2}}"),
            "it has a member twice",
        ),
        (
            format!(
                "{{\"token\":\"{FIRST}\",\"settings\":{{\"ips\":[\"10.0.0.0/8\"],\"ips\":[]}}}}"
            ),
            "it has the member \"ips\" twice",
        ),
        (
            format!("{{\"{FIRST}\":1}}"),
            "it has a name that is none of token,",
        ),
    ] {
        let input = format!("{{\"token\":\"{SECOND}\"}}\n{bad}\n");
        refused(&folder, &key, &input, &format!("line 2: {why}"));
    }
}

#[test]
fn a_csv_is_refused_where_it_does_not_fit_its_header() {
    let (folder, key) = Folder::with_key();
    for (csv, why) in [
        (
            format!("{FIRST}\n{SECOND}\n"),
            "Line 1 must name the columns: it has a name that is none of",
        ),
        (
            format!("token,valid\n{FIRST},x\n"),
            "Line 1 must name the columns: there is no \"valid\"",
        ),
        (
            format!("token,token\n{FIRST},x\n"),
            "Line 1 must name the columns: it has token twice",
        ),
        (
            format!("token,note\n{FIRST}\n"),
            "line 2: it has 1 fields, and the header names 2",
        ),
        (
            format!("token\n{FIRST},\n"),
            "line 2: it has 2 fields, and the header names 1",
        ),
        (
            format!("token,settings\n{FIRST},{{x\n"),
            "line 2: settings must be a JSON object",
        ),
        (
            format!(
                "token,settings\n{FIRST},\"{{\"\"rate_limit\"\":{{\"\"requests\"\":1,\"\"requests\"\":9}}}}\"\n"
            ),
            "line 2: settings have the member \"requests\" twice",
        ),
        (
            format!("token,note\n{FIRST},\"a\nb\"\n"),
            "line 2: note must not hold control characters",
        ),
        (
            format!("token,note\r\n\r\n{FIRST},\"a\r\n\r\nb\"\r\n\r\nshort,\r\n"),
            "line 7: the token has fewer",
        ),
        ("token\n".into(), "There was no token to import"),
        ("\n\n".into(), "There was no token to import"),
        (String::new(), "There was no token to import"),
    ] {
        refused(&folder, &key, &csv, why);
    }
    let input = [b"token,note\n", FIRST.as_bytes(), b",\xff\n"].concat();
    let run = folder
        .moneyer(&["token", "import", &key.id])
        .input(input)
        .run();
    run.refused().says("line 2: it is not UTF-8");
}

#[test]
fn a_token_that_is_there_twice_or_known_already_is_refused() {
    let (folder, key) = Folder::with_key();
    let twice = format!("token,sha256\n{FIRST},\n{SECOND},\n,{}\n", digest_of(FIRST));
    refused(
        &folder,
        &key,
        &twice,
        "line 4: it is the token of line 2 again",
    );
    import(&folder, &key, &format!("token\n{FIRST}\n")).done();
    let ended = folder.serve(&[]).mint(&key.secret);
    folder.change("UPDATE tokens SET ended_at = 1 WHERE digest <> x''", []);
    let other = folder.key("acme", &[]);
    let run = import(
        &folder,
        &other,
        &format!("token\n{FIRST}\n{SECOND}\n{ended}\n"),
    )
    .refused();
    run.says("2 of 3 tokens")
        .says("line 2: the token is known already")
        .says("line 4: the token is known already");
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 2);
}

#[test]
fn past_a_hundred_refused_lines_are_counted() {
    let (folder, key) = Folder::with_key();
    let csv = "token\n".to_owned() + &"short\n".repeat(150);
    let run = import(&folder, &key, &csv)
        .refused()
        .says("150 of 150 tokens");
    let run = run.says("line 101: ").says("and 50 more.");
    assert_eq!(run.stderr.lines().count(), 102);
}

#[test]
fn a_dry_run_checks_everything_and_changes_nothing() {
    let (folder, key) = Folder::with_key();
    let dry = |input: &str| importing(&folder, &key, &["--dry-run"], input).run();
    let run = dry(&format!("token\n{FIRST}\n{SECOND}\n")).done();
    assert_eq!(run.line(), format!("Would import 2 tokens of {}.", key.id));
    dry(&format!("token\n{FIRST}\n{FIRST}\n"))
        .refused()
        .says("line 3");
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0);
    assert_eq!(
        folder.number("SELECT count(*) FROM audit WHERE entry LIKE '%imported%'"),
        0
    );
}

#[test]
fn one_bad_line_among_very_many_is_named_and_nothing_is_imported() {
    const LINES: usize = 50_000;
    let (folder, key) = Folder::with_key();
    let good = |line| format!("token-number-{line:06}-from-elsewhere\n");
    let mut lines: Vec<String> = (2..LINES).map(good).collect();
    let all = format!("token\n{}", lines.concat());
    lines[LINES / 2] = "short\n".into();
    let run = import(&folder, &key, &format!("token\n{}", lines.concat())).refused();
    run.says(&format!(
        "line {}: the token has fewer than 20",
        LINES / 2 + 2
    ));
    assert_eq!(folder.number("SELECT count(*) FROM tokens"), 0);
    import(&folder, &key, &all).done();
    let kept = folder.number("SELECT count(*) FROM tokens");
    assert_eq!(usize::try_from(kept), Ok(LINES - 2));
}
