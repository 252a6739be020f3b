//! How a case stands by each rule, in words.

use super::{Case, Counted, Rule, Shown, Sight, Standing, rules::missing_scope};

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
            None if broken => "it was minted in the future: a clock was wrong".into(),
            None => "it does not expire".into(),
            Some(at) if broken && at > case.now => {
                "it was minted in the future: a clock was wrong".into()
            }
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
        (Rule::Shown, _) => "what was shown has not the form of a token, or is more than one",
        (Rule::Known, Standing::Kept) => "it was minted here",
        (Rule::Known, Standing::Broken) => {
            "it was never minted, ended long ago, or is none that the caller may ask about"
        }
        (Rule::Enabled, Standing::Broken) => {
            "it was disabled, expired some time ago, or was signed with a key that is retired or unknown"
        }
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
