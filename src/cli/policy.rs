//! `moneyer account policy`.

use std::collections::BTreeMap;

use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use serde_json::Value;

use super::{
    open,
    output::{Output, table},
};
use crate::{
    config::Config,
    domain::{Format, Policy, Preset, UnreadableJson, parse_json},
    error::Error,
    operator::account,
    store::{Absent, EditedPolicy},
};

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// The account's name or id
    account: String,
    /// Begin with this policy instead of the one that the account has; its API version stays
    #[arg(long, value_parser = presets())]
    preset: Option<Preset>,
    /// Give a member a value, such as `max_ttl=180d`, `max_active_tokens=5` or
    /// `permissions={"tiles:read":"see tiles"}`; `null` resets it
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_change)]
    changes: Vec<(String, Value)>,
}

fn presets() -> impl clap::builder::TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name)).map(|name| {
        let named = |preset: &Preset| preset.name() == name;
        Preset::ALL
            .into_iter()
            .find(named)
            .expect("clap has checked the name")
    })
}

/// A value is JSON where it is a number, an object or the like, and else a text.
fn parse_change(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("it must be NAME=VALUE, such as max_ttl=180d")?;
    let value = match parse_json(value.as_bytes()) {
        Ok(json) => json,
        Err(UnreadableJson::Broken { .. }) if !value.starts_with(['{', '[']) => value.into(),
        Err(unreadable) => return Err(format!("the value {unreadable}")),
    };
    Ok((name.trim().to_owned(), value))
}

impl PolicyArgs {
    pub(super) async fn run(self, config: &Config, output: Output) -> Result<(), Error> {
        let app = &open(config, Absent::Refuse)?;
        if self.preset.is_none() && self.changes.is_empty() {
            return print(&account::policy(app, &self.account).await?, output);
        }
        let mut changes = BTreeMap::new();
        for (name, value) in self.changes {
            if changes.insert(name.clone(), value).is_some() {
                return Err(Error::Refused(format!("--set {name} is given twice.")));
            }
        }
        let base = self.preset.map(Preset::policy);
        match account::edit_policy(app, &self.account, base, changes).await? {
            EditedPolicy::Done(policy) => {
                output.words("The policy is changed. Tokens are minted by it from now on.");
                warn_unsigned(&policy, config, output);
                print(&policy, output)
            }
            EditedPolicy::Already(policy) => {
                output.words("The policy was like this before.");
                print(&policy, output)
            }
            EditedPolicy::Invalid(invalid) => Err(invalid.into()),
            EditedPolicy::Unknown => Err(Error::UnknownAccount(self.account)),
        }
    }
}

/// Says so when tokens are to be signed, and there is no key for that.
fn warn_unsigned(policy: &Policy, config: &Config, output: Output) {
    let Format::Jwt(algorithm) = policy.format() else {
        return;
    };
    let keys = config.signing_key_file().read();
    if !matches!(keys, Ok(Some(keys)) if keys.signer(algorithm).is_some()) {
        output.words(format_args!("They are to be signed, and there is no key for that yet: `moneyer signing-key create --algorithm {algorithm}` makes one. Until then none is minted."));
    }
}

fn print(policy: &Policy, output: Output) -> Result<(), Error> {
    let document = policy.to_value();
    let members = document.as_object().into_iter().flatten();
    let rows: Vec<_> = members
        .map(|(name, value)| {
            let shown = match value {
                Value::Null => "-".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            [name.clone(), shown]
        })
        .collect();
    output.data(table(["MEMBER", "VALUE"], &rows), &document)
}
