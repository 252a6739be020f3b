//! The rules that a token is held to, each in one place, and why each holds or does not.

use std::net::IpAddr;

use super::{Counted, Gone, Sight, Subject};
use crate::domain::{Origin, Timestamp, TokenDigest};

/// What was shown as a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// Something that cannot be a token.
    Malformed,
    /// A token, by its digest.
    Token(TokenDigest),
}

/// The circumstances under which a token is shown.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// The page that the request comes from, if it is known.
    pub origin: Option<Origin>,
    /// The client's address, if it is known for certain.
    pub client: Option<IpAddr>,
    /// The scopes that are wanted.
    pub scopes: Vec<String>,
}

/// All that the rules look at.
#[derive(Debug)]
pub struct Case<'a> {
    /// What was shown.
    pub shown: Shown,
    /// What is known of it, if a token was shown.
    pub sight: Option<&'a Sight>,
    /// The circumstances.
    pub circumstances: &'a Circumstances,
    /// The time.
    pub now: Timestamp,
}

/// A rule; all but the last are free of effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A token was shown.
    Shown,
    /// It was minted here.
    Known,
    /// It was not disabled.
    Enabled,
    /// Its account is not disabled.
    Account,
    /// Its time has not come.
    Unexpired,
    /// It may be used from this page.
    Origin,
    /// It may be used from this address.
    Address,
    /// It has the scopes that are wanted.
    Scope,
    /// It is not used too often.
    Rate,
}

/// How a case stands by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The rule is kept.
    Kept,
    /// The rule is broken.
    Broken,
    /// The rule could not be asked, since an earlier one is broken.
    Open,
}

/// A rule, how a case stands by it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The standing.
    pub standing: Standing,
    /// The reason, for people.
    pub reason: String,
}

/// Why a token is not accepted, as far as whoever shows it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None was shown.
    #[error(
        "A token is needed: give it as Authorization: Bearer TOKEN, as X-Api-Key, or as the parameter token."
    )]
    Missing,
    /// It is malformed, unknown, expired or disabled; which, is not said.
    #[error("This token is not good: it is malformed or unknown, has expired, or was disabled.")]
    NotGood,
    /// It may not be used from there.
    #[error("This token may not be used from this web origin.")]
    Origin,
    /// It may not be used from there.
    #[error("This token may not be used from this address.")]
    Address,
    /// It lacks a scope.
    #[error("This token does not have the scope that is needed here.")]
    Scope,
    /// It is used too often.
    #[error("This token is used too often; wait before trying again.")]
    Rate,
}

impl Rule {
    /// Every rule but [`Rule::Rate`], in the order in which they are asked.
    pub const PURE: [Self; 8] = [
        Self::Shown,
        Self::Known,
        Self::Enabled,
        Self::Account,
        Self::Unexpired,
        Self::Origin,
        Self::Address,
        Self::Scope,
    ];

    /// The rule's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Known => "known",
            Self::Enabled => "enabled",
            Self::Account => "account",
            Self::Unexpired => "unexpired",
            Self::Origin => "origin",
            Self::Address => "address",
            Self::Scope => "scope",
            Self::Rate => "rate",
        }
    }

    /// How `case` stands by this rule. [`Rule::Rate`] is open here: see [`Rule::by_count`].
    #[must_use]
    pub fn check(self, case: &Case<'_>) -> Standing {
        let gone = match case.sight {
            Some(Sight::Gone(gone)) => Some(*gone),
            _ => None,
        };
        let of_subject = |kept: fn(&Subject, &Case<'_>) -> bool| match case.sight {
            Some(Sight::Good(subject)) => standing(kept(subject, case)),
            _ => Standing::Open,
        };
        match (self, gone) {
            (Self::Shown, _) => standing(matches!(case.shown, Shown::Token(_))),
            (Self::Known, _) if case.sight.is_some() => standing(gone != Some(Gone::Unknown)),
            (Self::Enabled, Some(Gone::Ended)) => Standing::Broken,
            (Self::Enabled | Self::Account, Some(Gone::AccountDisabled)) => {
                standing(self == Self::Enabled)
            }
            (Self::Enabled | Self::Account, _) => of_subject(|_, _| true),
            (Self::Unexpired, _) => of_subject(is_unexpired),
            (Self::Origin, _) => of_subject(origin_fits),
            (Self::Address, _) => of_subject(address_fits),
            (Self::Scope, _) => of_subject(|subject, case| missing_scope(subject, case).is_none()),
            (Self::Known | Self::Rate, _) => Standing::Open,
        }
    }

    /// How a request stands by [`Rule::Rate`].
    #[must_use]
    pub const fn by_count(counted: Counted) -> Standing {
        match counted {
            Counted::No => Standing::Open,
            Counted::Unlimited => Standing::Kept,
            Counted::Limited(rate) => standing(rate.wait.is_none()),
        }
    }

    /// What whoever shows the token is told when this rule is broken.
    #[must_use]
    pub fn refusal(self, case: &Case<'_>) -> Refusal {
        match self {
            Self::Shown if case.shown == Shown::Nothing => Refusal::Missing,
            Self::Shown | Self::Known | Self::Enabled | Self::Account | Self::Unexpired => {
                Refusal::NotGood
            }
            Self::Origin => Refusal::Origin,
            Self::Address => Refusal::Address,
            Self::Scope => Refusal::Scope,
            Self::Rate => Refusal::Rate,
        }
    }
}

const fn standing(kept: bool) -> Standing {
    if kept {
        Standing::Kept
    } else {
        Standing::Broken
    }
}

fn is_unexpired(subject: &Subject, case: &Case<'_>) -> bool {
    subject.record.expires_at.is_none_or(|at| at > case.now)
}

fn origin_fits(subject: &Subject, case: &Case<'_>) -> bool {
    let patterns = subject.record.settings.origins();
    let origin = case.circumstances.origin.as_ref();
    patterns.is_empty()
        || origin.is_some_and(|origin| patterns.iter().any(|pattern| pattern.matches(origin)))
}

fn address_fits(subject: &Subject, case: &Case<'_>) -> bool {
    let nets = subject.record.settings.ips();
    let client = case.circumstances.client;
    nets.is_empty() || client.is_some_and(|client| nets.iter().any(|net| net.contains(&client)))
}

/// The first wanted scope that the token does not have.
fn missing_scope<'a>(subject: &Subject, case: &'a Case<'_>) -> Option<&'a str> {
    let held = subject.record.settings.scopes();
    let wanted = case.circumstances.scopes.iter();
    wanted
        .map(String::as_str)
        .find(|scope| !held.iter().any(|held| held == scope))
}

impl Finding {
    /// How `case` stands by each rule, in words.
    #[must_use]
    pub fn all(case: &Case<'_>, counted: Counted) -> Vec<Self> {
        let pure = Rule::PURE.map(|rule| {
            let standing = rule.check(case);
            let reason = reason(rule, standing, case);
            Self {
                rule,
                standing,
                reason,
            }
        });
        let rate = Self {
            rule: Rule::Rate,
            standing: Rule::by_count(counted),
            reason: rate_reason(counted),
        };
        pure.into_iter().chain([rate]).collect()
    }
}

fn reason(rule: Rule, standing: Standing, case: &Case<'_>) -> String {
    let Some(Sight::Good(subject)) = case.sight else {
        return reason_without_subject(rule, standing, case.shown).to_owned();
    };
    let (settings, asked) = (&subject.record.settings, case.circumstances);
    let broken = standing == Standing::Broken;
    match rule {
        Rule::Shown => format!("{} was shown", subject.id()),
        Rule::Known => format!("it was minted at {}", subject.record.created_at),
        Rule::Enabled => "it was not disabled".into(),
        Rule::Account => format!("its account {} is active", subject.record.account),
        Rule::Unexpired => match subject.record.expires_at {
            None => "it does not expire".into(),
            Some(at) if broken => format!("it expired at {at}"),
            Some(at) => format!("it expires at {at}"),
        },
        Rule::Origin if settings.origins().is_empty() => "it is not bound to web origins".into(),
        Rule::Origin => match &asked.origin {
            None => "neither Origin nor Referer names a web origin, and it is bound to some".into(),
            Some(origin) if broken => format!("{origin} is none of its web origins"),
            Some(origin) => format!("{origin} is one of its web origins"),
        },
        Rule::Address if settings.ips().is_empty() => "it is not bound to addresses".into(),
        Rule::Address => match asked.client {
            None => "the client's address is not certain, and it is bound to some".into(),
            Some(client) if broken => format!("{client} is in none of its networks"),
            Some(client) => format!("{client} is in one of its networks"),
        },
        Rule::Scope => match missing_scope(subject, case) {
            Some(_) => format!("it has only the scopes [{}]", settings.scopes().join(" ")),
            None if asked.scopes.is_empty() => "no scope was asked for".into(),
            None => "it has every scope that was asked for".into(),
        },
        Rule::Rate => String::new(),
    }
}

fn reason_without_subject(rule: Rule, standing: Standing, shown: Shown) -> &'static str {
    match (rule, standing) {
        (Rule::Shown, Standing::Kept) => "something with the form of a token was shown",
        (Rule::Shown, _) if shown == Shown::Nothing => "no token was shown",
        (Rule::Shown, _) => "what was shown is no token: 32 lower-case hexadecimal digits, once",
        (Rule::Known, Standing::Kept) => "it was minted here",
        (Rule::Known, Standing::Broken) => {
            "it was never minted, ended long ago, or is none that the caller may ask about"
        }
        (Rule::Enabled, Standing::Broken) => "it was disabled, or expired some time ago",
        (Rule::Enabled, Standing::Kept) => "it was not disabled",
        (Rule::Account, Standing::Broken) => "its account is disabled",
        _ => "not asked, since an earlier rule is broken",
    }
}

fn rate_reason(counted: Counted) -> String {
    match counted {
        Counted::No => "not counted, since another rule is broken".into(),
        Counted::Unlimited => "it has no rate limit".into(),
        Counted::Limited(rate) => {
            let (requests, seconds) = (rate.limit.requests, rate.limit.per_seconds);
            format!(
                "of {requests} requests in {seconds} s, {} are left",
                rate.remaining
            )
        }
    }
}
