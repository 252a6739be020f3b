//! Token introspection (RFC 7662): whether a token of the caller's account is active.

use std::sync::Arc;

use super::{Parameters, verify::Reach};
use crate::{
    app::App,
    domain::{Token, TokenDigest},
    error::Error,
    keyring::Caller,
    verification::{Case, Circumstances, Rule, Shown, Sight, Standing, Subject},
};

/// Ask whether a token is active.
#[derive(Debug)]
pub struct Introspect {
    /// What was given as the token, if it can be one.
    token: Option<Token>,
}

impl Introspect {
    /// Takes `token` out of `parameters`. What cannot be a token is one that is not active.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when there is none.
    pub fn parse(parameters: &mut Parameters) -> Result<Self, Error> {
        parameters.take_token().map(|token| Self { token })
    }

    /// The token, when it is good and of the caller's account. Its restrictions to origins, addresses
    /// and a rate are for whoever serves the request that shows it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the caller's role does not allow it; the store's.
    pub async fn execute(self, app: &App, caller: &Caller) -> Result<Option<Arc<Subject>>, Error> {
        if !caller.role.may_verify() {
            return Err(Error::Forbidden);
        }
        let Some(token) = self.token else {
            return Ok(None);
        };
        let digest = TokenDigest::of(&token);
        let sight = Reach::Account(caller.account).limit(app.look_up(&digest).await?);
        let case = Case {
            shown: Shown::Token(digest),
            sight: Some(&sight),
            circumstances: &Circumstances::default(),
            now: app.clock.now(),
        };
        match &sight {
            Sight::Good(subject) if lives(&case) => {
                app.verifier.note_use(subject, case.now);
                Ok(Some(Arc::clone(subject)))
            }
            _ => Ok(None),
        }
    }
}

fn lives(case: &Case<'_>) -> bool {
    Rule::OF_LIFE
        .iter()
        .all(|rule| rule.check(case) == Standing::Kept)
}
