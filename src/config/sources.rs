//! Where settings come from, and in which order they win.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize as _;
use toml::{Table, Value};
use zeroize::Zeroizing;

use super::{
    Config,
    signing::{KeysFile, Surroundings},
};
use crate::error::Error;

/// The variable from which a private key may be read.
pub const API_KEY_VARIABLE: &str = "MONEYER_API_KEY";

const PREFIX: &str = "MONEYER_";
const FILE_VARIABLE: &str = "MONEYER_CONFIG";
const DATABASE_VARIABLE: &str = "MONEYER_DATABASE_URL";
/// Read when it is there and no other file is named.
const DEFAULT_FILE: &str = "moneyer.toml";
/// The settings that stand for themselves; those of the tables are `table.name`.
const TABLES: [&str; 8] = [
    "limits", "keyring", "throttle", "verify", "signing", "sweeper", "store", "log",
];

/// What the command line says: it wins over everything else.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// The store.
    pub database: Option<String>,
    /// The address to serve at.
    pub listen: Option<String>,
}

/// Reads the configuration from all its sources.
///
/// # Errors
/// [`Error::Configuration`] with a sentence that names the key or the file at fault.
pub fn load(overrides: &Overrides) -> Result<Config, Error> {
    let environment: BTreeMap<String, String> = environment();
    let file = overrides
        .file
        .clone()
        .or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from))
        .or_else(|| Some(DEFAULT_FILE.into()).filter(|file: &PathBuf| file.exists()));
    let mut table = file.as_deref().map_or_else(|| Ok(Table::new()), read)?;
    let mut config = resolve(&mut table, &environment, overrides)?;
    let surroundings = Surroundings::of(file.as_deref());
    config.signing.settle(KeysFile::of(&table), &surroundings);
    Ok(config)
}

/// The private key that the environment gives, if it does.
#[must_use]
pub fn api_key() -> Option<Zeroizing<String>> {
    environment().remove(API_KEY_VARIABLE).map(Zeroizing::new)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn environment() -> BTreeMap<String, String> {
    let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok().filter(|name| is_setting(name))?;
        Some((name, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(ours).collect()
}

/// Whether a variable is meant for the configuration: examples read `MONEYER_URL`, and Kubernetes
/// tells every container of a service named `moneyer` by the others.
fn is_setting(name: &str) -> bool {
    let others = ["MONEYER_SERVICE_", "MONEYER_PORT_"];
    name.starts_with(PREFIX)
        && !["MONEYER_URL", "MONEYER_PORT"].contains(&name)
        && !others.iter().any(|prefix| name.starts_with(prefix))
}

fn read(file: &Path) -> Result<Table, Error> {
    let unusable = |cause: &dyn std::fmt::Display| {
        Error::Configuration(format!(
            "The configuration file {} cannot be used: {cause}",
            file.display()
        ))
    };
    let text = std::fs::read_to_string(file).map_err(|cause| unusable(&format!("{cause}.")))?;
    let table: Table = text
        .parse()
        .map_err(|cause: toml::de::Error| unusable(&cause))?;
    // Read once as it stands, so that an error shows the line that it is in.
    toml::from_str::<Config>(&text).map_err(|cause| unusable(&cause))?;
    Ok(table)
}

fn resolve(
    table: &mut Table,
    environment: &BTreeMap<String, String>,
    overrides: &Overrides,
) -> Result<Config, Error> {
    for (variable, text) in environment {
        match variable.as_str() {
            FILE_VARIABLE | API_KEY_VARIABLE => {}
            DATABASE_VARIABLE => put(table, "database", Value::String(text.clone())),
            _ => {
                let name = variable[PREFIX.len()..].to_ascii_lowercase();
                put(table, &name, value_of(text));
                interpret(table, &format!("The environment variable {variable}"))?;
            }
        }
    }
    for (name, flag) in [
        ("database", &overrides.database),
        ("listen", &overrides.listen),
    ] {
        if let Some(text) = flag {
            put(table, name, Value::String(text.clone()));
            interpret(table, &format!("The flag --{name}"))?;
        }
    }
    let config = interpret(table, "The configuration")?;
    config.check()?;
    Ok(config)
}

/// Reads the settings as they are so far; an error names `latest`, which brought it.
fn interpret(table: &Table, latest: &str) -> Result<Config, Error> {
    Config::deserialize(table.clone()).map_err(|cause| {
        Error::Configuration(format!("{latest} cannot be used: {}.", one_line(&cause)))
    })
}

/// Puts a setting into its place: `limits_body` is `body` in the table `limits`.
fn put(table: &mut Table, name: &str, value: Value) {
    let place = TABLES
        .iter()
        .find_map(|part| Some((*part, name.strip_prefix(part)?.strip_prefix('_')?)));
    match place {
        None => drop(table.insert(name.to_owned(), value)),
        Some((part, name)) => {
            let inner = table
                .entry(part)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                inner.insert(name.to_owned(), value);
            }
        }
    }
}

/// A variable's text as a value: a number or a list where it is one, else the text itself.
fn value_of(text: &str) -> Value {
    let parsed = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"));
    match parsed {
        Some(value @ (Value::Integer(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

fn one_line(cause: &toml::de::Error) -> String {
    cause.message().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Span;

    fn with(
        file: &str,
        environment: &[(&str, &str)],
        overrides: &Overrides,
    ) -> Result<Config, Error> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        resolve(&mut file.parse().unwrap(), &environment, overrides)
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let file =
            "listen = '127.0.0.1:1'\ndatabase = 'sqlite:file'\n[limits]\nbody = 1\ntarget = 100";
        let environment = [
            ("MONEYER_LISTEN", "127.0.0.1:2"),
            ("MONEYER_DATABASE_URL", "sqlite:env"),
            ("MONEYER_LIMITS_BODY", "2"),
        ];
        let flags = Overrides {
            listen: Some("127.0.0.1:3".into()),
            ..Overrides::default()
        };
        let config = with(file, &environment, &flags).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.database, "sqlite:env");
        assert_eq!((config.limits.body, config.limits.target), (2, 100));
        assert_eq!(config.limits.keep_alive, Span::seconds(75));
    }

    #[test]
    fn lists_and_spans_come_from_the_environment_too() {
        let environment = [
            (
                "MONEYER_TRUSTED_PROXIES",
                "['10.0.0.0/8', '::ffff:192.0.2.1']",
            ),
            ("MONEYER_SWEEPER_INTERVAL", "15m"),
        ];
        let config = with("", &environment, &Overrides::default()).unwrap();
        let proxies = ["10.0.0.0/8", "192.0.2.1/32"].map(|net| net.parse().unwrap());
        assert_eq!(config.trusted_proxies, proxies);
        assert_eq!(config.sweeper.interval, Span::seconds(900));
    }

    #[test]
    fn an_unknown_name_is_an_error_that_repeats_it() {
        for (file, environment, name) in [
            ("lisen = 'x'", vec![], "lisen"),
            ("[limits]\nbodi = 1", vec![], "bodi"),
            ("", vec![("MONEYER_LISEN", "x")], "MONEYER_LISEN"),
            (
                "",
                vec![("MONEYER_LIMITS_BODI", "1")],
                "MONEYER_LIMITS_BODI",
            ),
        ] {
            let message = with(file, &environment, &Overrides::default())
                .unwrap_err()
                .to_string();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn a_value_without_sense_is_an_error_that_names_its_key() {
        for (file, name) in [
            ("[sweeper]\ninterval = '2h'", "sweeper.interval"),
            ("[sweeper]\nretention = '1h'", "sweeper.retention"),
            ("[store]\nreaders = 0", "store.readers"),
            ("[store]\nqueue = 9223372036854775807", "store.queue"),
            ("[store]\nbusy_timeout = '30d'", "store.busy_timeout"),
            (
                "[limits]\nshutdown_timeout = '500ms'",
                "limits.shutdown_timeout",
            ),
            ("[limits]\nkeep_alive = 'long'", "\"long\""),
            (
                "trusted_proxies = ['10.0.0.0/33']",
                "must be a network like",
            ),
        ] {
            let message = with(file, &[], &Overrides::default())
                .unwrap_err()
                .to_string();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn variables_that_others_set_are_left_alone() {
        for other in [
            "MONEYER_URL",
            "MONEYER_PORT",
            "MONEYER_PORT_8080_TCP",
            "MONEYER_SERVICE_HOST",
            "PATH",
        ] {
            assert!(!is_setting(other), "{other}");
        }
        assert!(is_setting("MONEYER_LISTEN") && is_setting("MONEYER_STORE_QUEUE"));
    }

    #[test]
    fn the_example_file_says_what_the_defaults_are() {
        let example: Config = toml::from_str(include_str!("../../moneyer.example.toml")).unwrap();
        assert_eq!(example, Config::default());
    }
}
