//! `moneyer key`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    input, open,
    output::{self, Output, count, moment, table},
    parse_id,
};
use crate::{
    app::App,
    config::{self, API_KEY_VARIABLE, Config},
    domain::{KeyDigest, KeyId, Label, PrivateKey, Role, Timestamp},
    error::Error,
    operator::{
        account,
        key::{self, Added, Wanted},
    },
    store::{Absent, DisabledKey, KeyRow, KeyTokens},
};

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a private key, and print it: it is never shown again
    Create {
        /// The account's name or id
        account: String,
        #[command(flatten)]
        wanted: WantedArgs,
    },
    /// List an account's keys; never the keys themselves
    List {
        /// The account's name or id
        account: String,
    },
    /// Disable a key at once, also in servers that run
    Disable {
        /// The key's public id, `key_…`
        #[arg(value_name = "KEY_ID")]
        key: String,
        #[command(flatten)]
        tokens: TokensArgs,
    },
    /// Put a new key in the place of the one given on standard input or in `MONEYER_API_KEY`, which
    /// is dead then
    Rotate {
        #[command(flatten)]
        tokens: TokensArgs,
    },
    /// Take keys made elsewhere from standard input, one a line: all of them or none
    Import {
        /// The account's name or id
        account: String,
        #[command(flatten)]
        wanted: WantedArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct WantedArgs {
    /// What the key may do: mint, verify or admin
    #[arg(long, default_value_t = Role::Mint)]
    role: Role,
    /// What it is for, in your words
    #[arg(long, default_value = "", hide_default_value = true)]
    label: String,
    /// When it stops by itself: YYYYmmddHHMM, UTC [default: never]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse_minute)]
    expire: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct TokensArgs {
    /// End the key's tokens too [default: as the account's policy has it]
    #[arg(long, conflicts_with = "keep_tokens")]
    end_tokens: bool,
    /// Let the key's tokens live on: the new key takes them over, when there is one
    #[arg(long)]
    keep_tokens: bool,
}

impl WantedArgs {
    fn resolve(&self) -> Result<Wanted, Error> {
        let label = Label::parse(&self.label)
            .map_err(|why| Error::Refused(format!("This label is refused: {why}.")))?;
        Ok(Wanted {
            role: self.role,
            label,
            expires_at: self.expire,
        })
    }
}

impl TokensArgs {
    /// What is asked for, if anything is.
    const fn resolve(&self) -> Option<KeyTokens> {
        match (self.end_tokens, self.keep_tokens) {
            (true, _) => Some(KeyTokens::End),
            (false, true) => Some(KeyTokens::Keep),
            (false, false) => None,
        }
    }
}

/// A key as it is shown, once.
#[derive(Serialize)]
struct Shown<'a> {
    key: String,
    account: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    apikey: Option<&'a str>,
}

#[derive(Serialize)]
struct Listed<'a> {
    key: String,
    label: &'a str,
    role: &'static str,
    created: String,
    expires: Option<String>,
    last_used: Option<String>,
    state: &'static str,
}

impl Key {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let app = open(config, Absent::Refuse)?;
        match self {
            Self::Create { account, wanted } => {
                let added = key::create(&app, &account, wanted.resolve()?).await?;
                output.words(format_args!(
                    "Made {} ({}). Keep it safe: it is shown only now.",
                    added.id, added.role
                ));
                show(&added, output)
            }
            Self::List { account } => {
                let account = account::find(&app, &account).await?;
                let keys = app.store.list_keys(account.id).await?;
                list(&keys, app.clock.now(), output)
            }
            Self::Disable { key, tokens } => {
                disable(&app, parse_id("KEY_ID", &key), tokens.resolve(), output).await
            }
            Self::Rotate { tokens } => rotate(&app, tokens.resolve(), output).await,
            Self::Import { account, wanted } => {
                let lines = input::lines("Give the keys, one a line, and end with Ctrl-D.")?;
                let added = key::import(&app, &account, &lines, wanted.resolve()?).await?;
                imported(&added, output)
            }
        }
    }
}

fn show(added: &Added, output: Output) -> Result<(), Error> {
    let shown = Shown {
        apikey: Some(added.key.expose()),
        ..without_key(added)
    };
    output.data(added.key.expose(), &shown).map_err(|unprinted| {
        let id = added.id;
        Error::Refused(format!(
            "{unprinted} The new key {id} is lost with that: end it with `moneyer key disable {id}`, and make another."
        ))
    })
}

fn without_key(added: &Added) -> Shown<'_> {
    Shown {
        key: added.id.to_string(),
        account: added.account.to_string(),
        role: added.role.as_str(),
        apikey: None,
    }
}

fn imported(added: &[Added], output: Output) -> Result<(), Error> {
    for key in added.iter().filter(|added| added.key.looks_like_a_token()) {
        output::say(format_args!(
            "Beware: {} has the form of a token, and some clients may take it for one.",
            key.id
        ));
    }
    output.words(format_args!(
        "Imported {}. They work as they are.",
        count(added.len() as u64, "key")
    ));
    let ids: Vec<String> = added.iter().map(|added| added.id.to_string()).collect();
    output.data(
        ids.join("\n"),
        &added.iter().map(without_key).collect::<Vec<_>>(),
    )
}

async fn disable(
    app: &App,
    key: KeyId,
    tokens: Option<KeyTokens>,
    output: Output,
) -> Result<(), Error> {
    let (disabled, tokens) = key::disable(app, key, tokens).await?;
    let (when, ended) = match disabled {
        DisabledKey::Done(ended) => ("is disabled", ended),
        DisabledKey::Already(ended) => ("was disabled before", ended),
        DisabledKey::Unknown => return Err(Error::UnknownKey(key)),
    };
    let fate = match tokens {
        KeyTokens::End => format!("{} ended", count(ended, "token")),
        KeyTokens::Keep => "its tokens live on".to_owned(),
    };
    output.data(
        format_args!("Key {key} {when}; {fate}."),
        &serde_json::json!({ "key": key.to_string(), "state": "disabled", "ended": ended }),
    )
}

async fn rotate(app: &App, tokens: Option<KeyTokens>, output: Output) -> Result<(), Error> {
    let old = old_key()?;
    let rotated = key::rotate(app, &old, tokens).await.map_err(|error| match error {
        Error::InvalidKey if old.looks_mistyped() => {
            Error::Refused("This private key is not valid: its checksum is wrong, so it was mistyped or cut short.".into())
        }
        error => error,
    })?;
    output.words(format_args!(
        "{} takes the place of {}, which is dead. {} carried over, {} ended. Keep the new key safe: it is shown only now.",
        rotated.new.id,
        rotated.old,
        count(rotated.carried, "token"),
        count(rotated.ended, "token"),
    ));
    show(&rotated.new, output)
}

/// The key to be rotated. A rotation cannot be taken back, so two different ones are refused.
fn old_key() -> Result<PrivateKey, Error> {
    let variable = config::api_key().and_then(|text| PrivateKey::presented(&text));
    let input = match variable {
        Some(_) if input::is_terminal() => None,
        _ => PrivateKey::presented(&input::secret("Old private key: ")?),
    };
    match (input, variable) {
        (Some(input), Some(variable)) if KeyDigest::of(&input) != KeyDigest::of(&variable) => {
            Err(Error::Refused(format!(
                "Standard input and {API_KEY_VARIABLE} hold different keys; give one of them."
            )))
        }
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => Err(Error::Refused(format!(
            "The old private key is needed, on standard input or in {API_KEY_VARIABLE}."
        ))),
    }
}

const HEADS: [&str; 7] = [
    "KEY",
    "LABEL",
    "ROLE",
    "CREATED",
    "LAST USED",
    "EXPIRES",
    "STATE",
];

fn list(keys: &[KeyRow], now: Timestamp, output: Output) -> Result<(), Error> {
    let cells = |row: &KeyRow| {
        [
            row.id.to_string(),
            row.label.clone(),
            row.role.to_string(),
            row.created_at.to_string(),
            moment(row.last_used_at),
            moment(row.expires_at),
            state(row, now).to_owned(),
        ]
    };
    let rows: Vec<_> = keys.iter().map(cells).collect();
    let json: Vec<_> = keys.iter().map(|row| Listed::of(row, now)).collect();
    output.data(table(HEADS, &rows), &json)
}

impl<'a> Listed<'a> {
    fn of(row: &'a KeyRow, now: Timestamp) -> Self {
        Self {
            key: row.id.to_string(),
            label: &row.label,
            role: row.role.as_str(),
            created: row.created_at.to_string(),
            expires: row.expires_at.map(|at| at.to_string()),
            last_used: row.last_used_at.map(|at| at.to_string()),
            state: state(row, now),
        }
    }
}

fn state(row: &KeyRow, now: Timestamp) -> &'static str {
    match (row.disabled_at, row.expires_at) {
        (Some(_), _) => "disabled",
        (None, Some(at)) if at <= now => "expired",
        (None, _) => "active",
    }
}
