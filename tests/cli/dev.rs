//! `moneyer serve --dev`: what a newcomer sees first.

use crate::{
    process::Run,
    server::Server,
    support::{Folder, is_key, is_token},
};

const DEV: [&str; 1] = ["--dev"];

/// What the server has printed on standard output, up to the last thing that it says there.
#[track_caller]
fn printed(server: &Server) -> String {
    let last =
        |text: &str| text.matches("\"$VERIFY\"\n").count() == 2 || text.contains(" key create ");
    let all = |text: &str| last(text).then(|| text.to_owned());
    let stdout = &server.process.stdout;
    let printed = stdout.wait_for(all);
    printed.unwrap_or_else(|| panic!("not all was printed: {}", stdout.text()))
}

/// The lines that the server wants to be pasted.
#[track_caller]
fn block(printed: &str) -> &str {
    let start = printed
        .find("\nAUTH=")
        .unwrap_or_else(|| panic!("no block: {printed}"));
    &printed[start + 1..]
}

/// The private key in the printed lines.
#[track_caller]
fn key_in(printed: &str) -> &str {
    let quoted = printed.split('\'').find(|part| is_key(part));
    quoted.unwrap_or_else(|| panic!("no key: {printed}"))
}

/// Pastes lines into a shell.
fn paste(folder: &Folder, lines: &str) -> Run {
    let shell = folder.program("bash", &[]).input(lines);
    shell.env("no_proxy", "127.0.0.1").run()
}

#[test]
fn the_printed_lines_work_as_printed_when_they_are_pasted() {
    let folder = Folder::new();
    let server = folder.serve(&DEV);
    let printed = printed(&server);
    let run = paste(&folder, block(&printed)).done();
    assert_eq!(run.stderr, "", "{run:?}");
    let answers: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, expiring, list, verified, disabled, refused] = &answers[..] else {
        panic!("not six answers: {run:#?}");
    };
    assert_eq!(
        (&verified["active"], &refused["success"]),
        (&true.into(), &false.into())
    );
    let token = |answer: &serde_json::Value| answer["TOKEN"].as_str().unwrap().to_owned();
    let listed = list["TOKENS"].as_array().unwrap();
    assert!(is_token(&token(first)) && is_token(&token(expiring)));
    // Newest first: the one that was kept in a variable, and then those before it.
    assert_eq!(listed.len(), 3, "{run:?}");
    assert_eq!(
        listed[1..],
        [expiring["TOKEN"].clone(), first["TOKEN"].clone()]
    );
    let ended = listed[0].as_str().unwrap();
    assert_eq!(disabled["MESSAGE"], format!("Token {ended} is disabled."));
    let key = key_in(&printed);
    assert_eq!(server.list(key), [token(expiring), token(first)]);
    assert_eq!(
        folder.number("SELECT count(*) FROM tokens WHERE expires_at IS NOT NULL"),
        1
    );
}

#[test]
fn an_empty_store_is_given_an_account_and_one_key_that_is_printed_once() {
    let folder = Folder::new();
    let server = folder.serve(&DEV);
    let printed = printed(&server);
    let key = key_in(&printed);
    assert_eq!(printed.matches(key).count(), 1, "{printed}");
    let keys = folder.moneyer(&["key", "list", "dev", "--format", "json"]);
    let keys = keys.run().done().json();
    assert_eq!(keys.as_array().unwrap().len(), 1);
    assert_eq!(
        (&keys[0]["role"], &keys[0]["state"]),
        (&"mint".into(), &"active".into())
    );
    let key = key.to_owned();
    server
        .stop()
        .says("stopped")
        .keeps_quiet_on_stderr_about(&key);
}

#[test]
fn a_second_start_says_that_the_key_was_shown_and_how_to_make_another() {
    let folder = Folder::new();
    let first = folder.serve(&DEV);
    let key = key_in(&printed(&first)).to_owned();
    first.stop();

    let second = folder.serve(&DEV);
    let printed = printed(&second);
    assert!(printed.contains("shown once"), "{printed}");
    assert!(
        !printed.contains(&key) && !printed.contains("AUTH="),
        "{printed}"
    );
    let command = printed.lines().find(|line| line.contains(" key create "));
    let command = command.unwrap_or_else(|| panic!("no command: {printed}"));
    let new = paste(&folder, command).done().line().to_owned();
    assert!(is_key(&new) && new != key, "{new}");
    second.mint(&new);
    second.mint(&key);
}

#[test]
fn the_command_that_is_printed_works_for_a_store_whose_name_has_a_space() {
    let folder = Folder::new();
    let arguments = ["--dev", "--database", "sqlite:my store.db"];
    folder.serve(&arguments).stop();
    let server = folder.serve(&arguments);
    let printed = printed(&server);
    let command = printed.lines().find(|line| line.contains(" key create "));
    let new = paste(&folder, command.unwrap()).done().line().to_owned();
    server.mint(&new);
}

#[test]
fn a_store_with_accounts_is_given_none() {
    let (folder, _) = Folder::with_key();
    let server = folder.serve(&DEV);
    assert!(!printed(&server).contains("AUTH="));
    assert_eq!(folder.number("SELECT count(*) FROM accounts"), 1);
    assert_eq!(folder.number("SELECT count(*) FROM keys"), 1);
}

#[test]
fn nothing_is_made_or_printed_unless_that_is_asked_for() {
    let folder = Folder::new();
    let run = folder.serve(&[]).stop();
    assert_eq!(run.stdout, "");
    assert_eq!(folder.number("SELECT count(*) FROM accounts"), 0);
}

impl Run {
    #[track_caller]
    fn keeps_quiet_on_stderr_about(self, secret: &str) -> Self {
        assert!(!self.stderr.contains(secret), "{self:#?}");
        self
    }
}
