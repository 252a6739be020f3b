//! `moneyer account`.

use clap::Subcommand;
use serde::Serialize;

use super::{
    open,
    output::{Output, table},
    policy,
};
use crate::{
    app::App,
    config::Config,
    error::Error,
    operator::account,
    store::{Absent, AccountRow, DisabledAccount},
};

#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// Create an account, and the store if there is none yet
    Create {
        /// 1 to 64 characters
        name: String,
    },
    /// List the accounts
    List,
    /// Show an account's policy, or change it: what its tokens are held to when they are minted
    Policy(policy::PolicyArgs),
    /// End every token of an account at once, however many there are; its keys work as before
    Regenerate {
        /// The account's name or id
        account: String,
    },
    /// Disable an account: its keys stop at once
    Disable {
        /// The account's id or name
        #[arg(value_name = "ID")]
        account: String,
    },
}

#[derive(Serialize)]
struct Created {
    account: String,
    name: String,
}

#[derive(Serialize)]
struct Listed {
    account: String,
    name: String,
    keys: u64,
    created: String,
    disabled: Option<String>,
}

impl Account {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        match self {
            Self::Create { name } => {
                let app = open(config, Absent::Create)?;
                let (id, name) = account::create(&app, &name).await?;
                output.words(format_args!("Created the account \"{name}\". `moneyer key create {id}` makes a private key for it."));
                output.data(
                    id,
                    &Created {
                        account: id.to_string(),
                        name: name.to_string(),
                    },
                )
            }
            Self::List => list(
                &open(config, Absent::Refuse)?.store.list_accounts().await?,
                output,
            ),
            Self::Policy(policy) => policy.run(config, output).await,
            Self::Regenerate { account } => {
                let app = open(config, Absent::Refuse)?;
                let (row, generation) = account::regenerate(&app, &account).await?;
                output.data(
                    format_args!(
                        "Every token of account {} (\"{}\") has ended.",
                        row.id, row.name
                    ),
                    &serde_json::json!({ "account": row.id, "generation": generation }),
                )
            }
            Self::Disable { account } => {
                disable(&open(config, Absent::Refuse)?, &account, output).await
            }
        }
    }
}

async fn disable(app: &App, account: &str, output: Output) -> Result<(), Error> {
    let (row, outcome) = account::disable(app, account).await?;
    let when = if outcome == DisabledAccount::Already {
        "was disabled before"
    } else {
        "is disabled"
    };
    output.data(
        format_args!(
            "Account {} (\"{}\") {when}; none of its keys works.",
            row.id, row.name
        ),
        &serde_json::json!({ "account": row.id.to_string(), "state": "disabled" }),
    )
}

fn list(accounts: &[AccountRow], output: Output) -> Result<(), Error> {
    let rows: Vec<_> = accounts
        .iter()
        .map(|row| {
            let state = if row.disabled_at.is_some() {
                "disabled"
            } else {
                "active"
            };
            [
                row.id.to_string(),
                row.name.clone(),
                row.keys.to_string(),
                row.created_at.to_string(),
                state.to_owned(),
            ]
        })
        .collect();
    let json: Vec<_> = accounts
        .iter()
        .map(|row| Listed {
            account: row.id.to_string(),
            name: row.name.clone(),
            keys: row.keys,
            created: row.created_at.to_string(),
            disabled: row.disabled_at.map(|at| at.to_string()),
        })
        .collect();
    output.data(
        table(["ACCOUNT", "NAME", "KEYS", "CREATED", "STATE"], &rows),
        &json,
    )
}
