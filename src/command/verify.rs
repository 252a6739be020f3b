//! Judging a token that was shown to a gateway.

use std::sync::Arc;

use crate::{
    app::App,
    domain::{AccountId, TokenId},
    error::Error,
    verification::{
        Case, Circumstances, Counted, Finding, Gone, Rate, Refusal, Rule, Shown, Sight, Standing,
        Subject,
    },
};

/// Whose tokens the caller may ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every account's.
    Everyone,
    /// This account's; any other's is as good as unknown.
    Account(AccountId),
}

/// How much the caller wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The verdict.
    Verdict,
    /// And how the token stands by each rule.
    Rules,
}

/// Judge a token.
#[derive(Debug)]
pub struct Verify {
    /// What was shown.
    pub shown: Shown,
    /// Under which circumstances.
    pub circumstances: Circumstances,
    /// Whose tokens may be asked about.
    pub reach: Reach,
    /// How much is to be told.
    pub detail: Detail,
}

/// What came of it.
#[derive(Debug)]
pub struct Verdict {
    /// The token that was accepted, or why none was.
    pub outcome: Result<Arc<Subject>, Refusal>,
    /// How the token stands against its rate limit, if it has one and came so far.
    pub rate: Option<Rate>,
    /// The token that was judged, if it is known to the caller.
    pub token: Option<TokenId>,
    /// Every rule, when it was asked for.
    pub findings: Vec<Finding>,
}

impl Verify {
    /// Judges the token: from memory, or by one look-up in the store. Nothing is written.
    ///
    /// # Errors
    /// The store's, when it has to be asked.
    pub async fn execute(self, app: &App) -> Result<Verdict, Error> {
        let sight = match &self.shown {
            Shown::Token(digest) => Some(self.reach.limit(app.look_up(digest).await?)),
            Shown::Nothing | Shown::Malformed => None,
        };
        let case = Case {
            shown: self.shown,
            sight: sight.as_ref(),
            circumstances: &self.circumstances,
            now: app.clock.now(),
        };
        let broken = Rule::PURE
            .into_iter()
            .find(|rule| rule.check(&case) == Standing::Broken);
        let subject = match &sight {
            Some(Sight::Good(subject)) if broken.is_none() => Some(subject),
            _ => None,
        };
        let counted = subject.map_or(Counted::No, |subject| app.verifier.count(subject));
        let refusal = match broken {
            None if Rule::by_count(counted) == Standing::Kept => None,
            None => Some(Rule::Rate.refusal(&case)),
            Some(rule) => Some(rule.refusal(&case)),
        };
        let findings = match self.detail {
            Detail::Verdict => Vec::new(),
            Detail::Rules => Finding::all(&case, counted),
        };
        let (now, mut token) = (case.now, None);
        if let Some(Sight::Good(subject)) = &sight {
            token = Some(subject.id());
        }
        let outcome = match (refusal, sight) {
            (None, Some(Sight::Good(subject))) => {
                app.verifier.note_use(&subject, now);
                Ok(subject)
            }
            (refusal, _) => Err(refusal.unwrap_or(Refusal::NotGood)),
        };
        Ok(Verdict {
            outcome,
            token,
            rate: counted.rate(),
            findings,
        })
    }
}

impl Reach {
    /// What a caller of this reach sees of a token.
    pub(super) fn limit(self, sight: Sight) -> Sight {
        match (self, sight) {
            (Self::Everyone, sight) => sight,
            (Self::Account(account), Sight::Good(subject)) if subject.record.account == account => {
                Sight::Good(subject)
            }
            // Why another's token is not good is nobody else's business, nor whose it was.
            (Self::Account(_), _) => Sight::Gone(Gone::Unknown),
        }
    }
}
