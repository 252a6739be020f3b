//! Listing a key's tokens.

use super::{Parameters, Reply, create::SETTINGS};
use crate::{app::App, error::Error, keyring::Caller, store::Listed};

/// How many tokens a list holds at most.
pub const LIST_LIMIT: u32 = 100;

/// List the key's tokens.
#[derive(Debug)]
pub struct List;

impl List {
    /// Takes `list` out of `parameters`, with whatever value, and with it what has no meaning
    /// beside it.
    pub fn parse(parameters: &mut Parameters) -> Option<Self> {
        parameters.take("list")?;
        for ignored in ["expire", "cloneSettings", SETTINGS] {
            parameters.take(ignored);
        }
        parameters.take_settings();
        Some(Self)
    }

    pub(super) async fn execute(self, app: &App, caller: &Caller) -> Result<Reply, Error> {
        match app
            .store
            .list_tokens(caller.key, LIST_LIMIT, app.clock.now())
            .await?
        {
            Listed::KeyDead => Err(Error::InvalidKey),
            Listed::Tokens(rows) => {
                let tokens = rows
                    .iter()
                    .map(|row| caller.sealing.open(&row.sealed, &row.digest));
                tokens
                    .collect::<Result<_, _>>()
                    .map(Reply::Listed)
                    .map_err(|broken| Error::Internal(broken.into()))
            }
        }
    }
}
