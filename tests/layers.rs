//! Each part of the program uses what stands below it, never what stands above.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What each part may use beside itself.
const MAY_USE: [(&str, &[&str]); 18] = [
    ("domain", &[]),
    ("error", &["domain"]),
    ("clock", &["domain"]),
    ("entropy", &[]),
    ("buckets", &["clock"]),
    ("keyring", &["domain", "error"]),
    ("store", &["domain", "error"]),
    ("signing", &["domain", "error"]),
    (
        "verification",
        &["buckets", "clock", "domain", "error", "store"],
    ),
    (
        "app",
        &[
            "clock",
            "domain",
            "entropy",
            "error",
            "keyring",
            "signing",
            "store",
            "verification",
        ],
    ),
    (
        "command",
        &[
            "app",
            "domain",
            "error",
            "keyring",
            "signing",
            "store",
            "verification",
        ],
    ),
    (
        "operator",
        &["app", "domain", "error", "keyring", "signing", "store"],
    ),
    ("sweeper", &["app", "command", "domain", "error", "store"]),
    ("background", &["app", "error", "sweeper"]),
    (
        "config",
        &[
            "domain",
            "error",
            "keyring",
            "signing",
            "store",
            "sweeper",
            "verification",
        ],
    ),
    (
        "http",
        &[
            "app",
            "buckets",
            "clock",
            "command",
            "config",
            "domain",
            "error",
            "keyring",
            "signing",
            "store",
            "verification",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "background",
            "clock",
            "config",
            "domain",
            "entropy",
            "error",
            "http",
            "keyring",
            "operator",
            "signing",
            "store",
            "sweeper",
        ],
    ),
    ("main", &["cli"]),
];

#[test]
fn no_part_uses_what_stands_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    for file in files_below(&root) {
        let part = part_of(file.strip_prefix(&root).unwrap());
        if part == "lib" {
            continue;
        }
        let may = MAY_USE.iter().find(|(name, _)| *name == part);
        let (_, may) = may.unwrap_or_else(|| panic!("{part} has no place among the layers"));
        for used in parts_used(&fs::read_to_string(&file).unwrap()) {
            let fine = used == part || may.contains(&&*used);
            assert!(fine, "{} uses {used}", file.display());
        }
        seen.insert(part);
    }
    assert_eq!(
        seen.len(),
        MAY_USE.len(),
        "not all parts are there: {seen:?}"
    );
}

#[test]
fn what_a_text_uses_is_found() {
    let text = "
        //! See [`crate::cli`].
        use crate::{app::App, error::{self, Error}, domain as d};
        pub(in crate::store) fn f() -> crate::command::Reply { moneyer::cli::run() }
    ";
    let expected = ["app", "cli", "command", "domain", "error", "store"];
    assert_eq!(parts_used(text), expected.map(str::to_owned).into());
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| files_below(folder));
    files.into_iter().chain(below).collect()
}

/// The part that a file below `src` belongs to: `http/log.rs` to `http`, `app.rs` to `app`.
fn part_of(file: &Path) -> String {
    let first = Path::new(file.components().next().unwrap().as_os_str());
    first.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The parts that a source text names in its paths, outside of comments and of the tests at its
/// foot.
fn parts_used(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod tests").next();
    let code: String = text
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let paths = ["crate::", "moneyer::"];
    paths
        .iter()
        .flat_map(|start| code.split(start).skip(1))
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => names_in_group(group),
            None => vec![first_word(rest)],
        })
        .collect()
}

/// The first words of the comma-separated paths up to the brace that closes them.
fn names_in_group(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                names.push(first_word(group[start..at].trim_start()));
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_word(text: &str) -> String {
    let word = text
        .split(|c: char| c != '_' && !c.is_alphanumeric())
        .next();
    word.unwrap_or_default().to_owned()
}
