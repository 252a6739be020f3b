//! How the program may be called, and what it says when it is called otherwise.

use crate::support::{Folder, is_key};

const VERBS: [&str; 10] = [
    "serve",
    "account",
    "key",
    "token",
    "audit",
    "sweep",
    "backup",
    "doctor",
    "health",
    "completions",
];

#[test]
fn a_call_that_is_not_known_is_a_usage_error() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["mint"],
        &["account"],
        &["account", "remove", "acme"],
        &["account", "create"],
        &["account", "create", "one", "two"],
        &["account", "list", "--format", "yaml"],
        &["key", "disable"],
        &["key", "rotate", "--drop-tokens"],
        &["backup"],
        &["serve", "--port", "8080"],
        &["completions", "cobol"],
    ] {
        let run = folder.moneyer(arguments).run();
        run.exits_with(2).says("--help");
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[test]
fn help_goes_to_standard_output_and_names_every_verb() {
    let folder = Folder::new();
    let run = folder.moneyer(&["--help"]).run().done();
    assert_eq!(run.stderr, "");
    for verb in VERBS {
        let named = run
            .stdout
            .lines()
            .any(|line| line.trim_start().starts_with(verb));
        assert!(named, "{verb} is not in {}", run.stdout);
        folder.moneyer(&[verb, "--help"]).run().done();
    }
}

#[test]
fn help_says_what_the_defaults_are() {
    let folder = Folder::new();
    let help = folder.moneyer(&["serve", "--help"]).run().done().stdout;
    let words: Vec<&str> = help.split_whitespace().collect();
    let help = words.join(" ");
    for default in [
        "127.0.0.1:8080",
        "MONEYER_LISTEN",
        "sqlite:moneyer.db",
        "MONEYER_DATABASE_URL",
        "moneyer.toml",
        "MONEYER_CONFIG",
    ] {
        assert!(help.contains(default), "{default} is not in {help}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let run = Folder::new().moneyer(&["--version"]).run().done();
    assert_eq!(run.line(), concat!("moneyer ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn flags_for_every_verb_may_stand_before_or_after_it() {
    let folder = Folder::new();
    let before = ["--format", "json", "--database", "sqlite:x.db", "account"];
    let run = folder.moneyer(&[&before[..], &["create", "acme"]].concat());
    assert_eq!(run.run().done().json()["name"], "acme");
    let after = [
        "account",
        "list",
        "--database",
        "sqlite:x.db",
        "--format",
        "json",
    ];
    assert_eq!(
        folder.moneyer(&after).run().done().json()[0]["name"],
        "acme"
    );
}

#[test]
fn shells_are_given_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = folder.moneyer(&["completions", shell]).run().done();
        for word in ["rotate", "--end-tokens", "doctor"] {
            let word = if shell == "fish" {
                word.trim_start_matches('-')
            } else {
                word
            };
            assert!(run.stdout.contains(word), "{shell} does not know {word}");
        }
        folder.write(shell, run.stdout);
    }
    folder.program("bash", &["-n", "bash"]).run().done();
    // Loaded into a shell, it completes.
    let completing = "source ./bash; COMP_WORDS=(moneyer ac); COMP_CWORD=1; \
                      _moneyer moneyer ac moneyer; echo \"${COMPREPLY[@]}\"";
    let run = folder.program("bash", &["-c", completing]).run().done();
    assert_eq!(run.line(), "account");
}

#[test]
fn completions_do_not_need_a_configuration() {
    let folder = Folder::new();
    folder.write("moneyer.toml", "nonsense");
    folder.moneyer(&["completions", "bash"]).run().done();
}

#[test]
fn a_terminal_that_is_gone_breaks_nothing_off() {
    let folder = Folder::new();
    folder.account("acme");
    // What is said to a person is lost; the key, which is shown only once, must not be with it.
    let script = format!(
        "'{program}' key create acme 2>/dev/full && ! '{program}' key list nobody 2>/dev/full",
        program = env!("CARGO_BIN_EXE_moneyer")
    );
    let run = folder.program("sh", &["-c", &script]).run().done();
    assert!(is_key(run.line()), "{run:?}");
    let deaf = format!(
        "'{}' key list acme >/dev/full",
        env!("CARGO_BIN_EXE_moneyer")
    );
    folder
        .program("sh", &["-c", &deaf])
        .run()
        .exits_with(1)
        .says("Cannot print the result");
}
