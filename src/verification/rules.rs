//! The rules that a token is held to, each in one place.

use std::{cmp::Ordering, net::IpAddr, time::Duration};

use super::{Counted, Gone, Sight, Subject};
use crate::domain::{Origin, Timestamp, TokenDigest};

/// How far two clocks may differ.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

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

impl Shown {
    /// This, or where nothing is shown, what `next` finds.
    #[must_use]
    pub fn or_else(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Nothing => next(),
            Self::Malformed | Self::Token(_) => self,
        }
    }
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

/// A rule, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// It may not be used from this page.
    #[error("This token may not be used from this web origin.")]
    Origin,
    /// It may not be used from this address.
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
    /// Whether a token lives, whatever it is used for.
    pub const OF_LIFE: [Self; 5] = [
        Self::Shown,
        Self::Known,
        Self::Enabled,
        Self::Account,
        Self::Unexpired,
    ];

    /// Every rule but [`Rule::Rate`], in the order in which they are asked.
    pub const PURE: [Self; 8] = [
        Self::OF_LIFE[0],
        Self::OF_LIFE[1],
        Self::OF_LIFE[2],
        Self::OF_LIFE[3],
        Self::OF_LIFE[4],
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
        match self {
            Self::Shown => standing(matches!(case.shown, Shown::Token(_))),
            Self::Known | Self::Enabled | Self::Account => match case.sight {
                None => Standing::Open,
                Some(Sight::Good(_)) => Standing::Kept,
                Some(Sight::Gone(gone)) => match self.cmp(&Self::broken_by(*gone)) {
                    Ordering::Less => Standing::Kept,
                    Ordering::Equal => Standing::Broken,
                    Ordering::Greater => Standing::Open,
                },
            },
            Self::Unexpired => case.standing_of_subject(is_unexpired),
            Self::Origin => case.standing_of_subject(origin_fits),
            Self::Address => case.standing_of_subject(address_fits),
            Self::Scope => case.standing_of_subject(scopes_suffice),
            Self::Rate => Standing::Open,
        }
    }

    const fn broken_by(gone: Gone) -> Self {
        match gone {
            Gone::Unknown => Self::Known,
            Gone::Ended | Gone::SignerUnknown => Self::Enabled,
            Gone::AccountDisabled => Self::Account,
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

impl Case<'_> {
    fn standing_of_subject(&self, kept: fn(&Subject, &Self) -> bool) -> Standing {
        match self.sight {
            Some(Sight::Good(subject)) => standing(kept(subject, self)),
            _ => Standing::Open,
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

/// Whether it has not expired; and of a signed token, whether its `iat` is not to come, as others who
/// check it want it.
fn is_unexpired(subject: &Subject, case: &Case<'_>) -> bool {
    let record = &subject.record;
    let has_begun = record.signing_key.is_none() || record.created_at <= case.now.after(CLOCK_SKEW);
    has_begun && record.expires_at.is_none_or(|at| at > case.now)
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

fn scopes_suffice(subject: &Subject, case: &Case<'_>) -> bool {
    missing_scope(subject, case).is_none()
}

/// The first wanted scope that the token does not have.
pub(super) fn missing_scope<'a>(subject: &Subject, case: &'a Case<'_>) -> Option<&'a str> {
    let held = subject.record.settings.scopes();
    let wanted = case.circumstances.scopes.iter();
    wanted
        .map(String::as_str)
        .find(|scope| !held.iter().any(|held| held == scope))
}
