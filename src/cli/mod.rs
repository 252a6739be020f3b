//! The command line: one file per group of verbs, each with its definition and what it does.
//!
//! Data goes to standard output, words go to standard error. Secrets come from standard input or
//! the environment. Exit codes: 0 done, 1 refused or failed, 2 usage.

mod account;
mod audit;
mod backup;
mod dev;
mod doctor;
mod health;
mod input;
mod key;
mod log;
mod output;
mod policy;
mod serve;
mod signing_key;
mod sweep;
mod token;
mod token_import;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

use self::output::Output;
use crate::{
    app::App,
    clock::Clock,
    config::{self, Config, Overrides},
    entropy::Entropy,
    error::Error,
    keyring::Keyring,
    signing::Signing,
    store::{Absent, Store},
};

const USAGE: u8 = 2;

/// Mints, lists, verifies and disables access tokens.
#[derive(Debug, Parser)]
#[command(name = "moneyer", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Debug, clap::Args)]
struct Common {
    /// The store [default: sqlite:moneyer.db] [env: MONEYER_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// The configuration file [default: moneyer.toml, if there is one] [env: MONEYER_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: JSON
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Serve),
    /// Accounts: who private keys belong to
    #[command(subcommand)]
    Account(account::Account),
    /// Private keys: what tokens are minted with
    #[command(subcommand)]
    Key(key::Key),
    /// Tokens, by their public ids
    #[command(subcommand)]
    Token(token::Token),
    /// The server's signing keys: what signed tokens are signed with
    #[command(subcommand)]
    SigningKey(signing_key::SigningKey),
    /// The audit: what was changed, by whom and when
    #[command(subcommand)]
    Audit(audit::Audit),
    Sweep(sweep::Sweep),
    Backup(backup::Backup),
    Doctor(doctor::Doctor),
    Health(health::Health),
    /// Print a script that completes moneyer's commands in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command line `arguments`, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version come this way too; nothing can be done about a terminal that is
            // gone.
            let _ = usage.print();
            return if usage.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            output::say(format_args!("moneyer: {}", sentence(&error)));
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    fn run(self) -> Result<ExitCode, Error> {
        let output = Output::new(self.common.format);
        let mut overrides = Overrides {
            file: self.common.config,
            database: self.common.database,
            listen: None,
        };
        if let Verb::Completions { shell } = self.verb {
            return completions(shell);
        }
        if let Verb::Serve(serve) = &self.verb {
            overrides.listen.clone_from(&serve.listen);
        }
        let config = config::load(&overrides)?;
        match self.verb {
            Verb::Serve(serve) => serve.run(&config),
            Verb::Account(account) => block_on(account.run(&config, output)),
            Verb::Key(key) => block_on(key.run(&config, output)),
            Verb::Token(token) => block_on(token.run(&config, output)),
            Verb::SigningKey(signing_key) => block_on(signing_key.run(&config, output)),
            Verb::Audit(audit) => return block_on(audit.run(&config, output)),
            Verb::Sweep(sweep) => block_on(sweep.run(&config, output)),
            Verb::Backup(backup) => backup.run(&config, output),
            Verb::Doctor(doctor) => return block_on(doctor.run(&config, output)),
            Verb::Health(_) => health::Health::run(&config),
            Verb::Completions { .. } => Ok(()),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// What went wrong, for an operator: who sees the log sees the cause.
fn sentence(error: &Error) -> String {
    match error {
        Error::Internal(cause) => {
            format!("Moneyer failed: {cause}. `moneyer doctor` may say more.")
        }
        Error::Unavailable(cause) => {
            format!("The store is unavailable: {cause}. Try again shortly.")
        }
        error => error.to_string(),
    }
}

/// Reads an id, or ends the program with a usage error that does not repeat what was given: it may
/// be a secret.
fn parse_id<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> T {
    text.parse().unwrap_or_else(|malformed| {
        Cli::command()
            .error(
                ErrorKind::ValueValidation,
                format!("{name} is malformed: {malformed}"),
            )
            .exit()
    })
}

fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "moneyer", &mut script);
    output::raw(&script)?;
    Ok(ExitCode::SUCCESS)
}

fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::Internal(cause.into()))?
        .block_on(work)
}

/// The app over the store that `config` names, without signing keys: what does not serve signs
/// nothing, and works when their file does not.
fn open(config: &Config, absent: Absent) -> Result<App, Error> {
    let issuer = config.signing.issuer.clone();
    let signing = Signing::without_keys(config.signing_key_file(), issuer);
    open_with(signing, config, absent)
}

/// The app over the store that `config` names.
fn open_with(signing: Signing, config: &Config, absent: Absent) -> Result<App, Error> {
    Ok(App::new(
        Store::open(&config.store_options(absent))?,
        Keyring::new(config.keyring_limits()),
        signing,
        config.verification_limits(),
        Clock::system(),
        Entropy::Os,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }
}
