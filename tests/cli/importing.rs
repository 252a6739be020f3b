//! `moneyer key import`.

use crate::{
    process::Run,
    support::{Folder, is_id, minute_in},
};

const FIRST: &str = "first-key-from-elsewhere-17";
const SECOND: &str = "second.key/from+elsewhere=42";
const LIKE_A_TOKEN: &str = "0123456789abcdef0123456789ABCDEF";

fn with_account() -> Folder {
    let folder = Folder::new();
    folder.account("acme");
    folder
}

fn import(folder: &Folder, lines: &str) -> Run {
    let run = folder
        .moneyer(&["key", "import", "acme"])
        .input(lines)
        .run();
    lines
        .lines()
        .filter(|line| line.len() > 4)
        .fold(run, Run::keeps_quiet_about)
}

#[test]
fn imported_keys_work_as_they_are() {
    let folder = with_account();
    let run = import(&folder, &format!("{FIRST}\n{SECOND}\n")).done();
    let ids: Vec<&str> = run.stdout.lines().collect();
    assert!(
        ids.len() == 2 && ids.iter().all(|id| is_id(id, "key_")),
        "{run:?}"
    );
    run.says("Imported 2 keys").keeps_quiet_about("Beware");
    let server = folder.serve(&[]);
    let token = server.mint(FIRST);
    assert_eq!(server.list(FIRST), [token]);
    assert_eq!(server.list(SECOND), Vec::<String>::new());
}

#[test]
fn an_imported_key_rotates_into_one_of_the_programs_own_making() {
    let folder = with_account();
    import(&folder, FIRST).done();
    let server = folder.serve(&[]);
    let token = server.mint(FIRST);
    let rotate = folder.moneyer(&["key", "rotate"]).input(FIRST);
    let new = rotate.run().done().line().to_owned();
    assert_eq!(server.list(&new), [token]);
    server.auth(FIRST, "").refused_as(401, "invalid_key");
}

#[test]
fn importing_as_json_prints_ids_and_roles_and_never_a_key() {
    let folder = Folder::new();
    let account = folder.account("acme");
    let options = ["--role", "verify", "--label", "old", "--format", "json"];
    let arguments = [&["key", "import", "acme"], &options[..]].concat();
    let run = folder.moneyer(&arguments).input(FIRST).run().done();
    let id = run.json()[0]["key"].as_str().unwrap().to_owned();
    assert_eq!(
        run.line(),
        format!(r#"[{{"key":"{id}","account":"{account}","role":"verify"}}]"#)
    );
    assert_eq!(folder.listed_key("acme", &id)["label"], "old");
}

#[test]
fn blank_lines_and_surrounding_white_space_do_not_count() {
    let folder = with_account();
    import(&folder, &format!("\n  {FIRST}\r\n\n\t\n{SECOND}")).done();
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 2);
    folder.serve(&[]).mint(FIRST);
}

#[test]
fn one_bad_line_is_named_and_nothing_is_imported() {
    let folder = with_account();
    let long = "0123456789".repeat(52);
    for (bad, why) in [
        ("only-21-characters-xx", "fewer than 22 characters"),
        (&long, "more than 512 characters"),
        ("a key with spaces in the middle", "visible ASCII"),
        ("schlüssel-mit-umlauten-darin", "visible ASCII"),
        ("abababababababababababababab", "not random"),
        (
            "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
            "the form of a signed token",
        ),
    ] {
        let run = import(&folder, &format!("{FIRST}\n\n{bad}\n{SECOND}\n"));
        run.refused().says("line 3").says(why);
        assert_eq!(folder.number("SELECT count(*) FROM keys"), 0, "{bad}");
    }
    import(&folder, "exactly-22-characters!").done();
}

#[test]
fn a_key_that_is_known_already_is_refused_by_its_line() {
    let folder = with_account();
    import(&folder, FIRST).done();
    let again = import(&folder, &format!("{SECOND}\n{FIRST}\n"));
    again.refused().says("line 2").says("known already");
    let twice = import(&folder, &format!("{SECOND}\n\n{SECOND}\n"));
    twice.refused().says("line 3").says("known already");
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 1);
}

#[test]
fn a_key_of_another_account_is_known_already_too() {
    let folder = with_account();
    folder.account("other");
    import(&folder, FIRST).done();
    let other = folder.moneyer(&["key", "import", "other"]).input(FIRST);
    other.run().refused().says("line 1").says("known already");
}

#[test]
fn a_key_with_the_form_of_a_token_is_taken_with_a_warning() {
    let folder = with_account();
    import(&folder, LIKE_A_TOKEN).done().says("Beware");
    folder.serve(&[]).mint(LIKE_A_TOKEN);
}

#[test]
fn an_expiry_goes_for_imported_keys_too() {
    let folder = with_account();
    let import = |expire: &str| {
        let arguments = ["key", "import", "acme", "--expire", expire];
        folder.moneyer(&arguments).input(FIRST).run()
    };
    import("202001010000").refused().says("past");
    let id = import(&minute_in(3600)).done().line().to_owned();
    assert!(folder.listed_key("acme", &id)["expires"].is_string());
}

#[test]
fn nothing_to_import_is_refused() {
    let folder = with_account();
    import(&folder, "").refused().says("no key to import");
    import(&folder, "\n \n").refused().says("no key to import");
}

#[test]
fn what_is_no_text_is_refused() {
    let folder = with_account();
    let import = folder.moneyer(&["key", "import", "acme"]);
    import.input(b"\xff\xfe\n".to_vec()).run().refused();
}
