//! What a holder of a private key may ask for: one file per command, with its type, its parser and
//! its executor.
//!
//! A [`Command`] is parsed from [`Parameters`], which refuse what they do not know, and executed
//! for a [`Caller`] against the [`App`]. There is no HTTP in sight. What manages an account's
//! access tokens and API keys is in [`management`].

mod create;
mod disable;
mod introspect;
mod list;
pub mod management;
mod parameters;
mod revoke;
mod settings;
mod signer;
mod verify;

use std::sync::Arc;

pub use self::{
    create::{Create, RETRY_WINDOW, RequestName},
    disable::Disable,
    introspect::Introspect,
    list::{LIST_LIMIT, List},
    parameters::Parameters,
    revoke::Revoke,
    settings::{EditSettings, ReadSettings},
    verify::{Detail, Reach, Verdict, Verify},
};
use crate::{
    app::App,
    domain::{Token, TokenDigest, TokenId},
    error::Error,
    keyring::Caller,
    store::SettingsRow,
};

/// A request, understood.
#[derive(Debug)]
pub enum Command {
    /// Mint a token.
    Create(Create),
    /// List the key's tokens.
    List(List),
    /// End a token.
    Disable(Disable),
    /// Read a token's settings.
    ReadSettings(ReadSettings),
    /// Change a token's settings.
    EditSettings(EditSettings),
}

/// What a command answers with.
#[derive(Debug)]
pub enum Reply {
    /// A new token, or the one that the same request minted before.
    Minted(Token),
    /// The key's tokens, newest first.
    Listed(Vec<Token>),
    /// This token has ended.
    Disabled(Token),
    /// A token's settings, and how it was used.
    Settings(Box<SettingsRow>),
}

impl Command {
    /// Finds out which command `parameters` are: `disableToken` makes it [`Disable`], `list`
    /// [`List`], and without either it is [`Create`].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`], [`Error::UnknownParameter`] or
    /// [`Error::ConflictingParameters`].
    pub fn parse(mut parameters: Parameters) -> Result<Self, Error> {
        let command = if let Some(disable) = Disable::parse(&mut parameters)? {
            Self::Disable(disable)
        } else if let Some(list) = List::parse(&mut parameters) {
            Self::List(list)
        } else {
            Self::Create(Create::parse(&mut parameters)?)
        };
        parameters.finish()?;
        Ok(command)
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the caller's role does not allow it, [`Error::InvalidKey`] when
    /// the key has stopped meanwhile, and what the command itself fails with. Nothing was changed
    /// then.
    pub async fn execute(self, app: &App, caller: &Arc<Caller>) -> Result<Reply, Error> {
        if !caller.role.may_mint() && !matches!(self, Self::ReadSettings(_)) {
            return Err(Error::Forbidden);
        }
        let reply = match self {
            Self::Create(create) => create.execute(app, caller).await,
            Self::List(list) => list.execute(app, caller).await,
            Self::Disable(disable) => disable.execute(app, caller).await,
            Self::ReadSettings(read) => read.execute(app, caller).await,
            Self::EditSettings(edit) => edit.execute(app, caller).await,
        };
        if matches!(reply, Err(Error::InvalidKey)) {
            app.keyring.forget(caller);
        }
        reply
    }
}

impl Reply {
    /// The public id of the one token that the reply is about, if it is about one.
    #[must_use]
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Minted(token) | Self::Disabled(token) => {
                Some(TokenId::of(&TokenDigest::of(token)))
            }
            Self::Listed(_) | Self::Settings(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Command, Error> {
        Command::parse(pairs.iter().copied().collect())
    }

    const TOKEN: &str = "1672c91e97a7421f8ac67f7681d5810a";

    #[test]
    fn nothing_at_all_is_a_mint() {
        assert!(matches!(parse(&[]), Ok(Command::Create(_))));
        assert!(matches!(
            parse(&[("token", "x"), ("units", "metric")]),
            Ok(Command::Create(_))
        ));
    }

    #[test]
    fn list_with_any_value_lists_and_never_mints() {
        for value in ["1", "0", "", "false"] {
            assert!(matches!(
                parse(&[
                    ("LIST", value),
                    ("expire", "nonsense"),
                    ("cloneSettings", "")
                ]),
                Ok(Command::List(_))
            ));
        }
    }

    #[test]
    fn disabling_stands_alone() {
        assert!(matches!(
            parse(&[("disabletoken", TOKEN)]),
            Ok(Command::Disable(_))
        ));
        for other in ["list", "expire", "cloneSettings"] {
            for value in [TOKEN, ""] {
                let verdict = parse(&[("disableToken", value), (other, "1")]);
                assert!(
                    matches!(verdict, Err(Error::ConflictingParameters { .. })),
                    "{other} {value:?}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn an_empty_value_is_no_mint() {
        for name in ["disableToken", "expire", "cloneSettings"] {
            assert!(
                matches!(parse(&[(name, " ")]), Err(Error::InvalidParameter { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn a_near_miss_is_no_mint() {
        for name in ["expires", "disable_token", "clonesetting"] {
            assert!(
                matches!(parse(&[(name, "1")]), Err(Error::UnknownParameter { .. })),
                "{name}"
            );
        }
    }
}
