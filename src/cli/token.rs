//! `moneyer token`.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;

use super::{
    input, open,
    output::{Output, count, moment, say, table},
    parse_id,
    token_import::Import,
};
use crate::{
    app::App,
    config::Config,
    domain::{KeyId, TokenId},
    error::Error,
    operator::token::{self, Ended, Wanted},
    store::{Absent, Selected, TokenRow},
};

/// What says which tokens are to be ended: one at least must be given.
const FILTERS: [&str; 5] = ["token", "tag", "key", "account", "unused_for"];

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// List the good tokens of an account or a key, newest first by key; never the tokens themselves
    List(List),
    /// End tokens for ever, also in servers that run: one by its public id, or all that every
    /// given filter fits
    Disable(Disable),
    /// Take tokens made elsewhere, or their SHA-256 digests, as those of a key: all of them or none
    Import(Import),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// The account's name or id, or a key's id
    #[arg(value_name = "ACCOUNT|KEY_ID")]
    owner: String,
    /// Only those that were not used for so long, such as 90d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    unused_for: Option<Duration>,
    /// Only those that expire within so long, such as 2w
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    expiring_within: Option<Duration>,
    /// Only those that carry this tag
    #[arg(long)]
    tag: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on after this token: the last of the page before
    #[arg(long, value_name = "TOKEN_ID")]
    after: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(FILTERS)))]
pub(super) struct Disable {
    /// The token's public id, `tok_…`: the log and `token list` name it
    #[arg(value_name = "TOKEN_ID", conflicts_with_all = ["tag", "key", "account", "unused_for", "dry_run", "confirm"])]
    token: Option<String>,
    /// Those that carry this tag
    #[arg(long)]
    tag: Option<String>,
    /// Those that this key minted
    #[arg(long, value_name = "KEY_ID")]
    key: Option<String>,
    /// Those of this account: its name or id
    #[arg(long)]
    account: Option<String>,
    /// Those that were not used for so long, such as 90d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    unused_for: Option<Duration>,
    /// Say how many there are, and end none
    #[arg(long, conflicts_with = "confirm")]
    dry_run: bool,
    /// Go on without asking, if there are exactly so many
    #[arg(long, value_name = "COUNT")]
    confirm: Option<u64>,
}

/// A token as it is listed.
#[derive(Serialize)]
struct Listed<'a> {
    token: TokenId,
    key: KeyId,
    tags: &'a [String],
    note: &'a str,
    created: String,
    expires: Option<String>,
    last_used: Option<String>,
    verifications: u64,
}

#[derive(Serialize)]
struct Page<'a> {
    tokens: Vec<Listed<'a>>,
    /// What `--after` takes for the next page.
    next: Option<TokenId>,
}

impl Token {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        match self {
            Self::List(list) => list.run(config, output).await,
            Self::Disable(disable) => disable.run(config, output).await,
            Self::Import(import) => import.run(config, output).await,
        }
    }
}

impl List {
    async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let after = self.after.map(|text| parse_id("--after", &text));
        let (key, account) = match self.owner.parse() {
            Ok(key) => (Some(key), None),
            Err(_) => (None, Some(self.owner)),
        };
        let wanted = Wanted {
            key,
            account,
            tag: self.tag,
            unused_for: self.unused_for,
            expiring_within: self.expiring_within,
        };
        let app = open(config, Absent::Refuse)?;
        let selection = token::select(&app, wanted).await?;
        // One more, to know whether there is a next page.
        let mut rows = token::list(&app, selection, after, self.limit + 1).await?;
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let next = rows.last().map(|row| row.id).filter(|_| more);
        print_page(&rows, next, output)
    }
}

fn print_page(rows: &[TokenRow], next: Option<TokenId>, output: Output) -> Result<(), Error> {
    let cells: Vec<_> = rows.iter().map(cells_of).collect();
    let tokens = rows.iter().map(listed).collect();
    let heads = [
        "TOKEN",
        "KEY",
        "CREATED",
        "EXPIRES",
        "LAST USED",
        "USES",
        "TAGS",
        "NOTE",
    ];
    output.data(table(heads, &cells), &Page { tokens, next })?;
    if let Some(next) = next {
        output.words(format_args!("There are more: go on with --after {next}."));
    }
    Ok(())
}

fn cells_of(row: &TokenRow) -> [String; 8] {
    [
        row.id.to_string(),
        row.key.to_string(),
        row.created_at.to_string(),
        moment(row.expires_at),
        moment(row.usage.last_used_at),
        row.usage.verifications.to_string(),
        row.tags.join(","),
        row.note.clone(),
    ]
}

fn listed(row: &TokenRow) -> Listed<'_> {
    Listed {
        token: row.id,
        key: row.key,
        tags: &row.tags,
        note: &row.note,
        created: row.created_at.to_string(),
        expires: row.expires_at.map(|at| at.to_string()),
        last_used: row.usage.last_used_at.map(|at| at.to_string()),
        verifications: row.usage.verifications,
    }
}

impl Disable {
    async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        if let Some(token) = &self.token {
            let id = parse_id("TOKEN_ID", token);
            return disable_one(&open(config, Absent::Refuse)?, id, output).await;
        }
        let wanted = Wanted {
            key: self.key.map(|text| parse_id("--key", &text)),
            account: self.account,
            tag: self.tag,
            unused_for: self.unused_for,
            expiring_within: None,
        };
        check_unused_for(wanted.unused_for, config)?;
        let app = open(config, Absent::Refuse)?;
        let selection = token::select(&app, wanted).await?;
        let found = app
            .store
            .count_selected(selection.clone(), app.clock.now())
            .await?;
        if self.dry_run {
            return print_count("Would end", "would_end", found, output);
        }
        let expected = match self.confirm {
            Some(expected) => expected,
            None if found.endable == 0 => return print_count("Ended", "ended", found, output),
            None => ask(found)?,
        };
        let ended = token::disable_selected(&app, selection, expected).await?;
        print_count("Ended", "ended", ended, output)
    }
}

async fn disable_one(app: &App, id: TokenId, output: Output) -> Result<(), Error> {
    let when = match token::disable(app, id).await? {
        Ended::Now => "is disabled",
        Ended::Before => "had ended before",
    };
    output.data(
        format_args!("Token {id} {when}."),
        &serde_json::json!({ "token": id, "state": "disabled" }),
    )
}

/// Refuses a time in which a running server may not have written every use down: tokens in use would
/// seem unused, and end.
fn check_unused_for(span: Option<Duration>, config: &Config) -> Result<(), Error> {
    let least = Duration::from_mins(1).max(2 * config.verify.usage_interval.get());
    if span.is_none_or(|span| span >= least) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "--unused-for must be at least {}: what was used since may not be written down yet.",
        humantime::format_duration(least)
    )))
}

/// Has a person confirm how many tokens are to be ended; a program must have said it beforehand.
fn ask(found: Selected) -> Result<u64, Error> {
    let endable = found.endable;
    if !input::is_terminal() {
        return Err(Error::Refused(format!(
            "This would end {}; give --confirm {endable} to do it. Nothing was changed.",
            count(endable, "token")
        )));
    }
    say(format_args!(
        "This ends {} for ever. Type {endable} to go on:",
        count(endable, "token")
    ));
    let typed = input::line()?;
    if typed.trim() == endable.to_string() {
        Ok(endable)
    } else {
        Err(Error::Refused(
            "That is not the count; nothing was changed.".into(),
        ))
    }
}

fn print_count(done: &str, member: &str, selected: Selected, output: Output) -> Result<(), Error> {
    let protected = match selected.protected {
        0 => String::new(),
        1 => "; 1 is protected and stays".to_owned(),
        protected => format!("; {protected} are protected and stay"),
    };
    output.data(
        format_args!("{done} {}{protected}.", count(selected.endable, "token")),
        &serde_json::json!({ member: selected.endable, "protected": selected.protected }),
    )
}
